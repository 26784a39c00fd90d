// SPDX-License-Identifier: BSL-1.0
// HTTP and WebSocket by hand: the tests see every header and body as it came, and may send nonsense.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { connect as tcpConnect } from 'node:net';
import { within } from './wait.mjs';

/**
 * One request, on a connection of its own unless an agent is given. Nothing is decompressed. Header names are lower case in
 * the answer, their values untouched; `abort()` of the returned promise drops the connection.
 */
export function send(port, path, { method = 'GET', headers = {}, body, agent = false } = {}) {
    let request;
    const answer = new Promise((done, fail) => {
        request = httpRequest({ host: '127.0.0.1', port, path, method, headers, agent }, response => {
            const chunks = [];
            const { localPort } = response.socket;
            response.on('data', chunk => chunks.push(chunk));
            response.on('error', fail);
            response.on('end', () => {
                const bytes = Buffer.concat(chunks);
                done({
                    localPort,
                    status: response.statusCode,
                    headers: { ...response.headers },
                    bytes,
                    body: bytes.toString('utf8'),
                });
            });
        });
        request.on('error', fail);
        request.end(body);
    });
    const promise = within(answer, `the answer to ${method} ${path}`);
    promise.abort = () => request.destroy();
    promise.catch(() => {});
    return promise;
}

/** Sends bytes on a fresh TCP connection; resolves with all that comes until the server closes it. */
export function exchange(port, bytes) {
    const answer = new Promise((done, fail) => {
        const chunks = [];
        const socket = tcpConnect(port, '127.0.0.1', () => socket.write(bytes));
        socket.on('data', chunk => chunks.push(chunk));
        socket.on('close', () => done(Buffer.concat(chunks).toString('latin1')));
        socket.on('error', error => { if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') fail(error); });
    });
    return within(answer, 'the end of the connection');
}

/** An HTTP answer as text, taken apart: { line, headers, body }, header names in lower case. */
export function parse(text) {
    const end = text.indexOf('\r\n\r\n');
    assert.notEqual(end, -1, `no complete HTTP head in ${JSON.stringify(text)}`);
    const [line, ...fields] = text.slice(0, end).split('\r\n');
    const headers = Object.fromEntries(fields.map(field => {
        const colon = field.indexOf(':');
        return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
    }));
    return { line, headers, body: text.slice(end + 4) };
}

/** The head of a WebSocket upgrade request. */
export function upgradeRequest(path, key = randomBytes(16).toString('base64')) {
    return [
        `GET ${path} HTTP/1.1`,
        'Host: 127.0.0.1',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${key}`,
        '\r\n',
    ].join('\r\n');
}

export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/** A client's frame: masked unless told otherwise; `first` overrides the first byte. */
export function frame(kind, payload = '', { masked = true, first = 0x80 | kind } = {}) {
    const data = Buffer.from(payload);
    const flag = masked ? 0x80 : 0;
    let head;
    if (data.length < 126) head = Buffer.from([first, flag | data.length]);
    else if (data.length < 0x10000) {
        head = Buffer.from([first, flag | 126, 0, 0]);
        head.writeUInt16BE(data.length, 2);
    } else {
        head = Buffer.from([first, flag | 127, 0, 0, 0, 0, 0, 0, 0, 0]);
        head.writeUInt32BE(data.length, 6);
    }
    if (!masked) return Buffer.concat([head, data]);
    const mask = randomBytes(4);
    return Buffer.concat([head, mask, data.map((byte, i) => byte ^ mask[i % 4])]);
}

/** An open WebSocket that reads frames one by one and writes whatever bytes it is given. */
export class RawWebSocket {
    #socket;
    #bytes = Buffer.alloc(0);
    #wake = () => {};
    #closed = false;

    static async open(port, path) {
        const key = randomBytes(16).toString('base64');
        const self = new RawWebSocket(port);
        self.write(upgradeRequest(path, key));
        const { line, headers } = parse(await self.#head());
        assert.equal(line, 'HTTP/1.1 101 Switching Protocols');
        assert.equal(headers.upgrade.toLowerCase(), 'websocket');
        assert.equal(headers.connection.toLowerCase(), 'upgrade');
        const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
        assert.equal(headers['sec-websocket-accept'], accept);
        assert.equal(headers['sec-websocket-extensions'], undefined);
        return self;
    }

    constructor(port) {
        this.#socket = tcpConnect(port, '127.0.0.1');
        this.#socket.setNoDelay(true);
        this.#socket.on('data', chunk => {
            this.#bytes = Buffer.concat([this.#bytes, chunk]);
            this.#wake();
        });
        this.#socket.on('error', () => {});
        this.#socket.on('close', () => {
            this.#closed = true;
            this.#wake();
        });
    }

    write(bytes) {
        this.#socket.write(bytes);
    }

    send(text) {
        this.write(frame(opcode.text, text));
    }

    destroy() {
        this.#socket.destroy();
    }

    /** The payload of the next text frame. */
    async text() {
        const got = await this.frame();
        assert.equal(got?.opcode, opcode.text, `expected a text frame, got ${JSON.stringify(got)}`);
        return got.payload.toString('utf8');
    }

    /** The next frame, or undefined when the connection ends first. */
    async frame() {
        const head = await this.#until(() => this.#frameLength());
        if (head === undefined) return undefined;
        const raw = this.#take(head.skip + head.length);
        return { opcode: raw[0] & 15, first: raw[0], payload: raw.subarray(head.skip) };
    }

    /** Reads to the end of the connection; resolves with the close frame's payload, if one came. */
    async end() {
        let close;
        for (;;) {
            const got = await this.frame();
            if (got === undefined) return close;
            if (got.opcode !== opcode.close) continue;
            close = got.payload;
            this.write(frame(opcode.close, close));
        }
    }

    async #head() {
        const end = await this.#until(() => {
            const at = this.#bytes.indexOf('\r\n\r\n');
            return at < 0 ? undefined : at + 4;
        });
        assert.notEqual(end, undefined, 'the connection ended during the handshake');
        return this.#take(end).toString('latin1');
    }

    #frameLength() {
        const bytes = this.#bytes;
        if (bytes.length < 2) return undefined;
        assert.equal(bytes[1] & 0x80, 0, 'a server never masks');
        const short = bytes[1] & 127;
        const skip = short < 126 ? 2 : short === 126 ? 4 : 10;
        if (bytes.length < skip) return undefined;
        const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : bytes.readUInt32BE(6);
        return bytes.length < skip + length ? undefined : { skip, length };
    }

    #take(count) {
        const taken = this.#bytes.subarray(0, count);
        this.#bytes = this.#bytes.subarray(count);
        return taken;
    }

    /** Waits until `look` finds something; undefined when the connection ended before. */
    async #until(look) {
        for (;;) {
            const found = look();
            if (found !== undefined || this.#closed) return found;
            await within(new Promise(done => { this.#wake = done; }), 'bytes of the WebSocket');
        }
    }
}
