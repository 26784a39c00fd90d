// SPDX-License-Identifier: BSL-1.0
// Connected clients of the official JavaScript implementation, closed at the end of the test.

import { io } from 'socket.io-client';
import { next, within } from './wait.mjs';

/** Every way to be connected; the last one begins with polling and is upgraded. */
export const ways = [['polling'], ['websocket'], ['polling', 'websocket']];

/** A socket that connects by itself and is closed after the test `t`. */
export function open(t, url, options = {}) {
    const socket = io(url, { forceNew: true, reconnection: false, ...options });
    t.after(() => socket.disconnect());
    return socket;
}

/** Resolves when the socket is connected; rejects when it is refused. */
export function connected(socket) {
    if (socket.connected) return Promise.resolve(socket);
    const opened = new Promise((done, fail) => {
        socket.once('connect', () => done(socket));
        socket.once('connect_error', fail);
    });
    return within(opened, '"connect"');
}

/** A connected socket, already upgraded when its transports ask for that. */
export async function connect(t, url, options = {}) {
    const socket = open(t, url, options);
    const engine = socket.io.engine;
    const upgraded = options.transports?.join() === 'polling,websocket' ? next(engine, 'upgrade') : undefined;
    await Promise.all([connected(socket), upgraded]);
    return socket;
}
