// SPDX-License-Identifier: BSL-1.0
// Servers that are none, or bad ones, written by hand on TCP: each is a function of one connection.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { frame, opcode } from './raw.mjs';

/** Listens until the end of the test, and leaves each connection to `act`; gives the URL. */
export async function listen(t, act) {
    const streams = new Set();
    const server = createServer(stream => {
        streams.add(stream.on('error', () => {}).once('close', () => streams.delete(stream)));
        act(stream);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
        server.close();
        for (const stream of streams) stream.destroy();
    });
    return `http://127.0.0.1:${server.address().port}`;
}

/** Says this, then ends. */
export const say = text => stream => stream.once('data', () => stream.end(text));

/** Says this, and goes on for ever with that. */
export const pour = (first, endless) => stream => stream.once('data', () => {
    stream.write(first);
    flood(stream, endless);
});

/** Writes this again and again, as fast as it is taken. */
export function flood(stream, endless) {
    const more = () => { while (!stream.destroyed && stream.write(endless)); };
    stream.on('drain', more);
    more();
}

/** An answer to a request, its length right. */
export const answer = (status, body = '', ...fields) => stream => stream.on('data', () => stream.write([
    `HTTP/1.1 ${status}`, `Content-Length: ${Buffer.byteLength(body)}`, ...fields, '', body].join('\r\n')));

/** The answer to a request for a WebSocket, after which `then` has the stream. */
export const upgrade = (then, accept = acceptFor) => stream => stream.once('data', head => {
    const [, key] = /^sec-websocket-key: *(\S+)/im.exec(head) ?? [];
    stream.write([
        'HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade',
        `Sec-WebSocket-Accept: ${accept(key ?? '')}`, '', ''].join('\r\n'));
    then(stream);
});

const acceptFor = key => createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

/** A text frame of a server. */
export const text = payload => frame(opcode.text, payload, { masked: false });

export const handshake = { sid: 'abc', upgrades: [], pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 1_000_000 };
export const open = more => `0${JSON.stringify({ ...handshake, ...more })}`;

/** A server that lets the client in, over a WebSocket, and does this then. */
export const admit = then => upgrade(stream => {
    stream.write(Buffer.concat([text(open()), text('40{"sid":"first"}')]));
    then(stream);
});

/** As `admit`, by polling: every later GET gets the answer `get`, every later POST `post`, both functions of a response. */
export async function admitByPolling(t, { get = () => {}, post = response => response.end('ok') }) {
    let gets = 0;
    let posts = 0;
    const server = createHttpServer((request, response) => {
        request.resume().on('end', () => {
            if (!request.url.includes('sid=')) response.end(open());
            else if (request.method === 'POST') ++posts === 1 ? response.end('ok') : post(response);
            else ++gets === 1 ? response.end('40{"sid":"first"}') : get(response);
            if (!request.url.includes('sid=')) gets = posts = 0;
        });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
        server.close();
        server.closeAllConnections();
    });
    return `http://127.0.0.1:${server.address().port}`;
}
