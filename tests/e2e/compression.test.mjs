// SPDX-License-Identifier: BSL-1.0
// Compression: our server with Node's clients, `ws` and a browser, our client with Node's server,
// and what the reference does in the same place. The example `compression` is both of ours.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync, inflateSync } from 'node:zlib';
import { io as connect } from 'socket.io-client';
import { WebSocket } from 'ws';
import { launch } from './helpers/browser.mjs';
import { serve } from './helpers/node_server.mjs';
import { runExample } from './helpers/program.mjs';
import { exchange, parse, send, upgradeRequest } from './helpers/raw.mjs';
import { start } from './helpers/server.mjs';
import { within } from './helpers/wait.mjs';

const timeout = 30_000;
const require = createRequire(import.meta.url);
const dist = join(dirname(require.resolve('socket.io-client/package.json')), 'dist');
const target = '/socket.io/?EIO=4&transport=websocket';

/** The arguments of our example, and the reference's options, that mean the same. */
const settings = [
    { args: [], options: {} },
    { args: ['--forget', 'server'], options: { serverNoContextTakeover: true } },
    { args: ['--forget', 'client'], options: { clientNoContextTakeover: true } },
    { args: ['--forget', 'both'], options: { serverNoContextTakeover: true, clientNoContextTakeover: true } },
    { args: ['--server-window', '10'], options: { serverMaxWindowBits: 10 } },
    { args: ['--client-window', '9'], options: { clientMaxWindowBits: 9 } },
    {
        args: ['--forget', 'both', '--server-window', '8', '--client-window', '8'],
        options: { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 8, clientMaxWindowBits: 8 },
    },
];

/** What clients wish for, as options of `ws`. */
const wishes = [
    {},
    { serverNoContextTakeover: true },
    { clientNoContextTakeover: true },
    { serverMaxWindowBits: 12, clientMaxWindowBits: 11 },
    { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 8, clientMaxWindowBits: 8 },
];

async function ours(t, args = []) {
    const server = await start('SOCORO_EXAMPLES', { name: 'compression', args: ['--serve', '--client', dist, ...args] });
    t.after(() => server.stop());
    return server;
}

/** Text that only context makes small. */
function noise(size) {
    let text = '';
    for (let state = 12345; text.length < size; state = (state * 48271) % 2147483647) text += String.fromCharCode(33 + (state % 90));
    return text.replace(/["\\]/g, '.');
}

/** The frames of either end, from bytes that begin with one. */
function* framesOf(bytes) {
    while (bytes.length >= 2) {
        const short = bytes[1] & 127;
        const key = bytes[1] & 128 ? 4 : 0;
        const skip = key + (short < 126 ? 2 : short === 126 ? 4 : 10);
        if (bytes.length < skip) return;
        const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : bytes.readUInt32BE(6);
        if (bytes.length < skip + length) return;
        yield { compressed: (bytes[0] & 0x40) !== 0, opcode: bytes[0] & 15, length };
        bytes = bytes.subarray(skip + length);
    }
}

/** A client that speaks Engine.IO by hand over `ws`, and sees what is on the wire. */
class Peer {
    messages = [];
    #wake = () => {};

    static async open(t, port, perMessageDeflate) {
        const self = new Peer();
        self.ws = new WebSocket(`ws://127.0.0.1:${port}${target}`, { perMessageDeflate });
        t.after(() => self.ws.terminate());
        self.ws.on('upgrade', ({ headers }) => { self.answer = headers['sec-websocket-extensions']; });
        self.ws.on('message', data => {
            self.messages.push(String(data));
            self.#wake();
        });
        await within(once(self.ws, 'open'), 'the WebSocket');
        assert.match(await self.next(), /^0\{/);
        self.ws.send('40', { compress: false });
        assert.match(await self.next(), /^40\{/);
        self.wire = Buffer.alloc(0);
        self.ws._socket.prependListener('data', chunk => { self.wire = Buffer.concat([self.wire, chunk]); });
        return self;
    }

    async next() {
        while (this.messages.length === 0)
            await within(new Promise(done => { this.#wake = done; }), 'a message');
        return this.messages.shift();
    }

    /** Sends an event, and gives it back as it came, with the frame that brought it and the bytes that took it away. */
    async echo(name, text) {
        const sent = this.ws._socket.bytesWritten;
        this.wire = Buffer.alloc(0);
        const packet = `42${JSON.stringify([name, text])}`;
        await new Promise(done => this.ws.send(packet, done));
        const taken = this.ws._socket.bytesWritten - sent;
        assert.equal(await this.next(), packet);
        const [frame, ...others] = [...framesOf(this.wire)];
        assert.deepEqual(others, []);
        return { ...frame, taken };
    }
}

describe('permessage-deflate', { timeout: 300_000 }, () => {
    const test = (title, body) => it(title, { timeout }, body);

    for (const { args, options } of settings) {
        test(`a server with ${JSON.stringify(options)} agrees with clients as the reference does, and both understand each other`, async t => {
            const server = await ours(t, args);
            const reference = await serve(t, { perMessageDeflate: options });
            for (const wished of wishes) {
                const what = JSON.stringify(wished);
                const peer = await Peer.open(t, server.port, wished);
                const { answer } = peer;
                // The reference refuses a client that wishes for a smaller window than it; ours uses the smaller one.
                const narrower = ['serverMaxWindowBits', 'clientMaxWindowBits'].some(name => wished[name] < options[name]);
                if (!narrower) assert.equal(answer, (await Peer.open(t, reference.port, wished)).answer, what);
                assert.match(answer, /^permessage-deflate/, what);

                const text = noise(3000);
                const first = await peer.echo('say', text);
                const second = await peer.echo('say', text);
                assert.ok(first.compressed && second.compressed, what);
                assert.ok(first.length < 2900 && first.taken < 2900, what);
                // Windows of 12 bits and less have forgotten the beginning by then.
                const remembers = end => !answer.includes(`${end}_no_context_takeover`)
                    && !new RegExp(`${end}_max_window_bits=(8|9|1[0-1])`).test(answer);
                assert.equal(second.length < 200, remembers('server'), `${what}: ${second.length}`);
                assert.equal(second.taken < 200, remembers('client'), `${what}: ${second.taken}`);

                assert.equal((await peer.echo('say', 'short')).compressed, false, what);
                assert.equal((await peer.echo('secret', text)).compressed, false, what);
                assert.equal((await peer.echo('say', '\u00e9\u{1f600}'.repeat(2000))).compressed, true, what);
                assert.equal((await peer.echo('say', 'x'.repeat(500_000))).compressed, true, what);
            }
        });
    }

    test('a client that does not offer it, and one that offers nonsense, are answered as by the reference', async t => {
        const server = await ours(t);
        const plain = await Peer.open(t, server.port, false);
        assert.equal(plain.answer, undefined);
        assert.equal((await plain.echo('say', noise(3000))).compressed, false);

        const reference = await serve(t, { perMessageDeflate: true });
        for (const header of ['permessage-deflate;', '', 'permessage-deflate; a="b c"', 'a b']) {
            const request = upgradeRequest(target).replace(/\r\n\r\n$/, `\r\nSec-WebSocket-Extensions: ${header}\r\n\r\n`);
            const answers = await Promise.all([server, reference].map(async ({ port }) => parse(await exchange(port, request))));
            delete answers[0].headers.date;
            assert.deepEqual(answers[0], answers[1], header);
            assert.equal(answers[0].line, 'HTTP/1.1 400 Bad Request');
        }
    });

    test('a broadcast is compressed for those who agreed, and reaches all', async t => {
        const server = await ours(t, ['--forget', 'server']);
        const peers = [];
        for (const wished of [{}, {}, { serverMaxWindowBits: 10 }, false]) peers.push(await Peer.open(t, server.port, wished));
        const packet = `42${JSON.stringify(['shout', noise(3000)])}`;
        peers[0].ws.send(packet);
        for (const peer of peers) assert.equal(await peer.next(), packet);
        assert.deepEqual(peers.map(({ wire }) => [...framesOf(wire)].map(({ compressed }) => compressed)), [[true], [true], [true], [false]]);
    });

    test('a message that inflates beyond the limit closes the connection with 1009', async t => {
        const server = await ours(t);
        const peer = await Peer.open(t, server.port, {});
        const closed = once(peer.ws, 'close');
        peer.ws.send(`42${JSON.stringify(['say', '0'.repeat(50_000_000)])}`);
        assert.equal((await within(closed, 'the close'))[0], 1009);
        assert.ok(await server.peakMemory() < 500_000_000);
        assert.equal((await (await Peer.open(t, server.port, {})).echo('say', noise(2000))).compressed, true);
    });

    for (const transports of [['websocket'], ['polling', 'websocket']]) {
        test(`Node's socket.io-client over ${transports} exchanges large events`, async t => {
            const server = await ours(t);
            const socket = connect(server.url, { transports, forceNew: true, perMessageDeflate: { threshold: 1024 } });
            t.after(() => socket.disconnect());
            await within(once(socket, 'connect'), 'the connection');
            if (socket.io.engine.transport.name !== 'websocket') await within(once(socket.io.engine, 'upgrade'), 'the upgrade');
            assert.equal(socket.io.engine.transport.ws.extensions, 'permessage-deflate');
            for (const size of [10, 3000, 700_000]) {
                assert.equal(await socket.timeout(5000).emitWithAck('measure', noise(size)), noise(size));
            }
        });
    }

    test('a browser agrees, and exchanges large events', async t => {
        const server = await ours(t, ['--forget', 'server']);
        const browser = await launch();
        t.after(() => browser.close());
        const page = await browser.newPage();
        const devtools = await page.context().newCDPSession(page);
        await devtools.send('Network.enable');
        const answered = once(devtools, 'Network.webSocketHandshakeResponseReceived');
        await page.goto(`${server.url}/socket.io/socket.io.min.js`);
        await page.addScriptTag({ url: `${server.url}/socket.io/socket.io.min.js` });
        const text = noise(5000);
        const got = await page.evaluate(async large => {
            const socket = window.io({ transports: ['websocket'] });
            const replies = [];
            for (let i = 0; i < 3; ++i) replies.push(await socket.emitWithAck('measure', large));
            return replies;
        }, text);
        assert.deepEqual(got, [text, text, text]);
        const [{ response }] = await within(answered, 'the handshake');
        const fields = Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), value]);
        assert.equal(Object.fromEntries(fields)['sec-websocket-extensions'], 'permessage-deflate; server_no_context_takeover');
    });

    for (const { args, options } of settings) {
        test(`our client and Node's server with ${JSON.stringify(options)} understand each other`, async t => {
            let offered;
            let agreed;
            let wire = Buffer.alloc(0);
            const received = [];
            const server = await serve(t, {
                perMessageDeflate: options,
                set: io => {
                    io.engine.on('headers', (headers, request) => { offered = request.headers['sec-websocket-extensions']; });
                    io.on('connection', socket => {
                        const { socket: ws } = socket.conn.transport;
                        agreed = ws._extensions['permessage-deflate']?.params;
                        ws._socket.prependListener('data', chunk => { wire = Buffer.concat([wire, chunk]); });
                        socket.on('measure', (text, reply) => reply(text));
                        socket.on('secret', text => received.push(text));
                    });
                },
            });
            const program = runExample(t, 'compression', [server.url, '--count', '4']);
            for (let i = 0; i < 4; ++i) await program.reads(/^the same \d+$/);
            await program.ends();
            assert.equal(offered, 'permessage-deflate; client_max_window_bits');
            assert.equal(agreed.server_no_context_takeover, options.serverNoContextTakeover);
            assert.equal(agreed.client_no_context_takeover, options.clientNoContextTakeover);
            assert.equal(agreed.client_max_window_bits, options.clientMaxWindowBits);
            assert.deepEqual(received, ['*'.repeat(2000)]);
            const events = [...framesOf(wire)].filter(({ opcode, length }) => opcode === 1 && length > 2);
            assert.deepEqual(events.map(({ compressed }) => compressed), [false, true, true, true, true]);
        });

        test(`our client that wishes for ${args.join(' ') || 'nothing'} is understood by Node's server`, async t => {
            let agreed;
            const server = await serve(t, {
                perMessageDeflate: true,
                set: io => io.on('connection', socket => {
                    agreed = socket.conn.transport.socket._extensions['permessage-deflate'].params;
                    socket.on('measure', (text, reply) => reply(text));
                }),
            });
            const program = runExample(t, 'compression', [server.url, '--count', '3', ...args]);
            for (let i = 0; i < 3; ++i) await program.reads(/^the same \d+$/);
            await program.ends();
            assert.equal(agreed.server_no_context_takeover, options.serverNoContextTakeover);
            assert.equal(agreed.server_max_window_bits, options.serverMaxWindowBits);
            assert.equal(agreed.client_max_window_bits, options.clientMaxWindowBits);
        });
    }

    test('our client goes on without compression with a server that has none', async t => {
        const server = await serve(t, { set: io => io.on('connection', socket => socket.on('measure', (text, reply) => reply(text))) });
        const program = runExample(t, 'compression', [server.url, '--count', '1']);
        await program.reads(/^the same \d+$/);
        await program.ends();
    });
});

describe('compressed answers over HTTP', { timeout: 120_000 }, () => {
    const test = (title, body) => it(title, { timeout }, body);
    const decoders = { gzip: gunzipSync, deflate: inflateSync, identity: bytes => bytes };
    const accepted = [
        undefined, '', 'gzip', 'deflate', 'gzip, deflate', 'deflate, gzip', 'gzip, deflate, br, zstd', 'gzip;q=0', '*;q=0', 'gzip;q=0, *;q=0.5',
        'gzip;q=0.2, deflate;q=0.9', 'identity;q=1, gzip;q=0.1', 'identity', 'GZIP', ' , gzip', 'gzip;x=1',
    ];

    /** Opens a session over polling that a large event waits for, and polls. */
    async function poll(port, headers, name = 'say') {
        const path = '/socket.io/?EIO=4&transport=polling';
        const { sid } = JSON.parse((await send(port, path)).body.slice(1));
        await send(port, `${path}&sid=${sid}`, { method: 'POST', body: '40' });
        await send(port, `${path}&sid=${sid}`);
        await send(port, `${path}&sid=${sid}`, { method: 'POST', body: `42${JSON.stringify([name, noise(3000)])}` });
        return send(port, `${path}&sid=${sid}`, { headers });
    }

    /** What two servers may tell differently: how long the body is, and when it was made. */
    function comparable({ status, headers }) {
        const same = { ...headers };
        for (const name of ['content-length', 'transfer-encoding', 'date', 'connection', 'keep-alive', 'vary']) delete same[name];
        return { status, ...same };
    }

    test('polls are answered with the header fields and codings of the reference', async t => {
        const server = await ours(t);
        const reference = await serve(t, { set: io => io.on('connection', socket => {
            socket.on('say', text => socket.emit('say', text));
            socket.on('secret', text => socket.compress(false).emit('secret', text));
        }) });
        for (const value of accepted) {
            const headers = value === undefined ? {} : { 'Accept-Encoding': value };
            for (const name of ['say', 'secret']) {
                const answers = await Promise.all([server, reference].map(({ port }) => poll(port, headers, name)));
                assert.deepEqual(comparable(answers[0]), comparable(answers[1]), `${name} ${value}`);
                for (const { headers: { 'content-encoding': coding = 'identity' }, bytes } of answers) {
                    assert.equal(String(decoders[coding](bytes)), `42${JSON.stringify([name, noise(3000)])}`);
                }
            }
        }
    });

    test('the script is answered with the header fields of the reference, and says that it varies', async t => {
        const server = await ours(t);
        const reference = await serve(t);
        const script = await readFile(join(dist, 'socket.io.min.js'));
        for (const value of accepted.filter(value => !/\*;q=0.5|br/.test(value))) {
            const headers = value === undefined ? {} : { 'Accept-Encoding': value };
            const answers = await Promise.all([server, reference].map(({ port }) => send(port, '/socket.io/socket.io.min.js', { headers })));
            assert.deepEqual(comparable(answers[0]), comparable(answers[1]), value);
            assert.equal(answers[0].headers.vary, 'Accept-Encoding');
            assert.ok(decoders[answers[0].headers['content-encoding'] ?? 'identity'](answers[0].bytes).equals(script));
        }
    });
});
