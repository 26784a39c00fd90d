// SPDX-License-Identifier: BSL-1.0
// Node's own server, in the process of the test: `socket.io` on a port that the system chooses.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { Server } from 'socket.io';
import { startCaller } from './caller.mjs';
import { Reference } from './reference.mjs';
import { run } from './server.mjs';
import { next, within } from './wait.mjs';

/** Every way to be connected; the last one begins with polling and is upgraded. */
export const ways = [['polling'], ['websocket'], ['polling', 'websocket']];

/** Attempts that follow each other quickly and predictably. */
export const quick = { reconnectionDelay: 50, reconnectionDelayMax: 50, randomizationFactor: 0 };

/** Every event comes back: acknowledged if that is wanted, else as "back". */
export function echo(socket) {
    socket.on('weigh', (data, reply) => reply(data.length, data));
    socket.onAny((name, ...args) => {
        if (name === 'weigh' || name === 'silence') return;
        if (typeof args.at(-1) === 'function') args.pop()(...args);
        else socket.emit('back', ...args);
    });
}

/** A server that is closed after the test `t`; `set` says what it does, each time that it is started. */
export async function serve(t, { set = io => io.on('connection', echo), port = 0, ...options } = {}) {
    const server = new NodeServer(set, options);
    await server.start(port);
    t.after(() => server.stop({ cut: true }));
    return server;
}

/** The same as a process of its own, which echoes; it is killed after the test. */
export async function serveApart(t, { port = 0, ...options } = {}) {
    const program = fileURLToPath(new URL('child_server.mjs', import.meta.url));
    const server = await run(process.execPath, [program, '--port', String(port), JSON.stringify(options)]);
    t.after(() => server.kill());
    return server;
}

class NodeServer {
    #streams = new Set();

    constructor(set, options) {
        this.set = set;
        this.options = options;
    }

    async start(port = this.port) {
        this.http = createServer();
        this.#streams.clear();
        this.http.on('connection', stream => {
            this.#streams.add(stream.once('close', () => this.#streams.delete(stream)));
        });
        this.io = new Server(this.http, this.options);
        this.set(this.io);
        this.http.listen(port, '127.0.0.1');
        await once(this.http, 'listening');
        this.port = this.http.address().port;
        this.url = `http://127.0.0.1:${this.port}`;
    }

    /** Closes as a server should: clients are told, and their connections end by themselves, unless they are cut. */
    async stop({ cut = false } = {}) {
        if (!this.http.listening) return;
        const ended = once(this.http, 'close');
        this.io.close();
        if (cut) for (const stream of this.#streams) stream.destroy();
        await within(ended, 'the connections to end');
    }

    /** Closes, and opens again on the same port. */
    async restart() {
        await this.stop();
        await this.start();
    }

    /** Leaves upgrades to this listener, which is given what the server would do with the request. */
    onUpgrade(listener) {
        const [usual] = this.http.listeners('upgrade');
        this.http.removeAllListeners('upgrade');
        this.http.on('upgrade', (request, stream, head) =>
            listener(stream.on('error', () => {}), () => usual.call(this.http, request, stream, head)));
    }

    /** The next socket that connects. */
    async connection(nsp = '/') {
        const [socket] = await next(this.io.of(nsp), 'connection');
        return socket;
    }
}

/** Resolves once the server's socket is where these transports lead. */
export async function settled(socket, transports) {
    if (socket.conn.transport.name !== transports.at(-1)) await next(socket.conn, 'upgrade');
}

/**
 * Resolves once the server can tell this client something: who polls finds out by itself otherwise, and a close takes Node's
 * server half a minute.
 */
export async function reachable({ conn: { transport } }) {
    if (!transport.writable) await next(transport, 'ready');
}

/**
 * A connected pair: our client and the server's socket, already upgraded when the transports ask for that. With `reference` the
 * client is Node's own, which takes the same commands and tells the same.
 */
export async function pair(t, transports, { server: set = {}, client: options = {}, nsp = '/', reference = false } = {}) {
    const server = await serve(t, set);
    const client = (reference ? startReference : startCaller)(t, server.url, { transports, ...quick, ...options });
    const came = server.connection(nsp);
    const over = came.then(socket => options.upgrade === false || settled(socket, transports));
    const { id } = await client.open(nsp);
    const [socket] = await Promise.all([came, over]);
    return { server, client, socket, id };
}

/** Node's own client, disconnected after the test. */
export function startReference(t, url, options) {
    const client = new Reference(url, options);
    t.after(() => client.close());
    return client;
}
