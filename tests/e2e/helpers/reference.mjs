// SPDX-License-Identifier: BSL-1.0
// Node's own client under the commands of our `caller`, telling what happens in the same words, so that the two can be compared.

import { Manager } from 'socket.io-client';
import { Transcript } from './transcript.mjs';

export class Reference extends Transcript {
    #manager;
    #sockets = new Map();

    constructor(url, { auth, ...options }) {
        super();
        this.auth = auth;
        this.#manager = new Manager(url, { ...options, autoConnect: false });
        this.#manager.on('reconnect_attempt', attempt => {
            for (const nsp of this.#sockets.keys()) this.add({ on: 'reconnect_attempt', nsp, attempt });
        });
    }

    #socket(nsp) {
        const socket = this.#manager.socket(nsp, { auth: this.auth });
        this.#sockets.set(nsp, socket);
        socket.on('connect', () => this.add({ on: 'connect', nsp, id: socket.id, recovered: socket.recovered }));
        socket.on('disconnect', reason => this.add({ on: 'disconnect', nsp, reason, active: socket.active }));
        socket.on('connect_error', error =>
            this.add({ on: 'connect_error', nsp, message: error.message, data: error.data ?? null, active: socket.active }));
        socket.onAny((name, ...args) => {
            const reply = typeof args.at(-1) === 'function' ? args.pop() : undefined;
            this.add({ on: 'event', nsp, name, args });
            if (name !== 'silence') reply?.(...args);
        });
        return socket.connect();
    }

    async open(nsp = '/') {
        this.#socket(nsp);
        return this.next({ on: 'connect', nsp });
    }

    async tell({ do: what, nsp = '/' }) {
        if (what === 'open') this.#socket(nsp);
        else throw new Error(`the reference does not know how to ${what}`);
    }

    async emit(name, ...args) {
        this.#sockets.get('/').emit(name, ...args);
    }

    async emitVolatile(name, ...args) {
        this.#sockets.get('/').volatile.emit(name, ...args);
    }

    async disconnect(nsp = '/') {
        this.#sockets.get(nsp).disconnect();
    }

    async close() {
        this.#manager._close();
    }
}
