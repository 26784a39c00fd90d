// SPDX-License-Identifier: BSL-1.0
// Our server and Node's with the same options, and their answers in a form that can be compared.

import { connect } from 'node:net';
import { serve } from './node_server.mjs';
import { start } from './server.mjs';
import { within } from './wait.mjs';

/** Does what the query of the request says, as `obey` in conformance_options.hpp. */
function obey(request) {
    const query = new URL(request.url, 'http://x').searchParams;
    if (query.has('deny')) return { deny: query.get('deny') };
    if (query.has('own')) return { own: true };
    return {};
}

function use(request, response, next) {
    response.setHeader('x-step', 'seen');
    const { deny, own } = obey(request);
    if (deny) return next(new Error(deny));
    if (!own) return next();
    response.writeHead(409, { 'Content-Type': 'text/plain' });
    response.end('taken');
}

/** Node's server under the options of ours. */
export function serveSame(t, { cors, allowRequest, useRequests, headers, generateId, checkOrigin, ...options }) {
    if (cors?.originSuffix) cors = { ...cors, origin: (origin, allow) => allow(null, Boolean(origin?.endsWith(cors.originSuffix))) };
    if (allowRequest) options.allowRequest = (request, answer) => answer(obey(request).deny, !obey(request).deny);
    const set = io => {
        io.on('connection', socket => socket.emit('auth', socket.handshake.auth));
        if (useRequests) io.engine.use(use);
        if (generateId) io.engine.generateId = request => new URL(request.url, 'http://x').searchParams.get('id');
        if (!headers) return;
        io.engine.on('initial_headers', fields => { fields['x-initial'] = '1'; });
        io.engine.on('headers', fields => { fields['x-each'] = '2'; });
    };
    return serve(t, { set, ...(cors && { cors }), ...options });
}

export async function startOurs(t, options) {
    const server = await start('SOCORO_CONFORMANCE', { args: ['--options', JSON.stringify(options)] });
    t.after(() => server.stop());
    return server;
}

/** Both of them, closed after the test `t`. */
export async function both(t, options) {
    return Promise.all([startOurs(t, options), serveSame(t, options)]);
}

/** The bytes of one request. */
export function bytesOf(method, path, headers = {}, body = '') {
    const fields = Object.entries({ Host: 'own.example', ...headers, ...(body && { 'Content-Length': body.length }) });
    return `${method} ${path} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`;
}

export const webSocket = {
    Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** Sends bytes on a connection of their own; resolves with the first answer, head and body. */
export function answerTo(port, bytes) {
    let stream;
    const answer = new Promise((done, fail) => {
        let text = '';
        stream = connect(port, '127.0.0.1', () => stream.write(bytes));
        stream.on('error', fail);
        const look = ended => {
            const end = text.indexOf('\r\n\r\n');
            if (end < 0) return ended && done({ head: [], body: text });
            const body = text.slice(end + 4);
            const length = /\r\nContent-Length: (\d+)\r\n/i.exec(text);
            const chunked = /\r\nTransfer-Encoding: chunked\r\n/i.test(text);
            const bodiless = /^HTTP\/1.1 (101|204|304)/.test(text);
            const whole = bodiless || (length ? body.length >= Number(length[1]) : chunked && body.endsWith('0\r\n\r\n'));
            if (whole || ended) done({ head: text.slice(0, end).split('\r\n'), body: chunked ? unchunked(body) : bodiless ? '' : body });
        };
        stream.on('data', data => { text += data.toString('latin1'); look(false); });
        stream.on('close', () => look(true));
    });
    return within(answer, `the answer to ${bytes.split('\r\n')[0]}`).finally(() => stream.destroy());
}

function unchunked(text) {
    let body = '';
    for (let rest = text; ;) {
        const line = rest.indexOf('\r\n');
        const size = parseInt(rest.slice(0, line), 16);
        if (!size) return body;
        body += rest.slice(line + 2, line + 2 + size);
        rest = rest.slice(line + 4 + size);
    }
}

// What the two do differently by design: Node frames with chunks where we tell the length, and says that connections go on.
const framing = /^(date|content-length|transfer-encoding|keep-alive|connection: keep-alive$)/i;

/** The lines of the head in their order, and the body; what differs between any two answers is left out. */
export function comparable({ head, body }) {
    const nameless = text => text.replace(/"sid":"[^"]*"/, '"sid":"?"').replace(/^(Set-Cookie: [^=]*=)[\w-]*/, '$1?');
    return { head: head.filter(line => !framing.test(line)).map(nameless), body: nameless(body) };
}
