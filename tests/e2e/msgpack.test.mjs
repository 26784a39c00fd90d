// SPDX-License-Identifier: BSL-1.0
// Packets as MessagePack: the official client and server with `socket.io-msgpack-parser` against ours, and a browser.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import parser from 'socket.io-msgpack-parser';
import { launch } from './helpers/browser.mjs';
import { connect, connected, open, ways } from './helpers/client.mjs';
import { compare } from './helpers/msgpack.mjs';
import { pair, quick, serve } from './helpers/node_server.mjs';
import { startCaller } from './helpers/caller.mjs';
import { start } from './helpers/server.mjs';
import { ask, collect, next, within } from './helpers/wait.mjs';

const timeout = 30_000;
const lists = [
    [],
    [1, -2.5, 0.1 + 0.2, 2 ** 40, -(2 ** 40), 0, true, false, null],
    [{ a: { b: { c: [] } } }, [[], {}, ['x']], '', 'ü€😀'.repeat(100)],
    ['42["not a packet"]', { _placeholder: true, num: 0 }],
    [Buffer.from([1, 2, 3]), Buffer.alloc(0), { deep: [{ data: Buffer.alloc(70_000, 7) }, 1] }, 'text'],
];

describe('MessagePack packets', { timeout: 120_000 }, () => {
    it('are written byte for byte as the reference writes them, and what it writes is understood', { timeout: 120_000 }, async () => {
        const program = process.env.SOCORO_MSGPACK_LINES;
        assert.ok(program, 'set SOCORO_MSGPACK_LINES to the program that speaks MessagePack on a line');
        assert.deepEqual(await compare(program, 400, 1), []);
    });
});

for (const transports of ways) {
    describe(`the JavaScript client with MessagePack over ${transports.join(' and then ')}`, { timeout: 90_000 }, () => {
        let server;
        before(async () => { server = await start('SOCORO_CONFORMANCE', { args: ['--parser', 'msgpack', '--options', '{"connectionStateRecovery":{"maxDisconnectionDuration":10000}}'] }); });
        after(() => server?.stop());

        const join = (t, options = {}, nsp = '/') => connect(t, server.url + nsp, { transports, parser, ...options });
        const test = (title, body) => it(title, { timeout }, body);
        // With recovery, the last argument of what is emitted is the offset.
        const received = args => args.slice(0, -1);

        test('events come back with the same arguments, binary data among them', async t => {
            const socket = await join(t);
            for (const list of lists) {
                const back = next(socket, 'message-back');
                socket.emit('message', ...list);
                assert.deepEqual(received(await back), list);
            }
        });

        test('acknowledgements go either way, with binary data', async t => {
            const socket = await join(t);
            for (const list of lists) {
                const reply = new Promise(done => socket.emit('message-with-ack', ...list, (...got) => done(got)));
                assert.deepEqual(await within(reply, 'the acknowledgement'), list);
            }
            socket.on('question', (n, reply) => reply(n * 2));
            const answer = next(socket, 'answer');
            socket.emit('call me', 21);
            assert.deepEqual(received(await answer), [42]);
        });

        test('what JSON has not arrives as the next best', async t => {
            const socket = await join(t);
            const odd = [new Date(1.7e12 + 123), undefined, NaN, { absent: undefined, there: -Infinity }];
            assert.deepEqual(await within(new Promise(done => socket.emit('message-with-ack', ...odd, (...got) => done(got))), 'the ack'),
                ['2023-11-14T22:13:20.123Z', null, null, { there: null }]);
            const bytes = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
            assert.deepEqual(await ask(socket, 'message-with-ack', bytes), Buffer.from(bytes));
            assert.deepEqual(await ask(socket, 'message-with-ack', bytes.buffer), Buffer.from(bytes));
        });

        test('namespaces see credentials, and refuse with data', async t => {
            const welcome = next(open(t, `${server.url}/secret`, { transports, parser, auth: { token: 'letmein' } }), 'auth');
            assert.deepEqual(received(await welcome), [{ token: 'letmein' }]);
            const [error] = await next(open(t, `${server.url}/secret`, { transports, parser }), 'connect_error');
            assert.equal(error.message, 'not authorized');
            assert.deepEqual(error.data, { code: 'E401' });
            const [unknown] = await next(open(t, `${server.url}/nowhere`, { transports, parser }), 'connect_error');
            assert.equal(unknown.message, 'Invalid namespace');
            assert.equal(unknown.data, undefined);
        });

        test('broadcasts reach a room', async t => {
            const [first, second, other] = await Promise.all([join(t), join(t), join(t)]);
            await Promise.all([first, second].map(socket => {
                socket.emit('join', 'room');
                return ask(socket, 'data');
            }));
            const heard = [next(first, 'from room'), next(other, 'from all')];
            second.emit('to room', 'room', { n: [1.5] });
            second.emit('to all', 'all');
            assert.deepEqual((await Promise.all(heard)).map(received), [[{ n: [1.5] }], ['all']]);
        });

        test('a client comes back as the same, and gets what it missed', async t => {
            const [lost, other] = [await join(t, { reconnection: true, ...quick, reconnectionDelay: 300 }), await join(t)];
            const { id } = lost;
            const first = next(lost, 'from all');
            other.emit('to all', 'before');
            await first;
            const gone = next(lost, 'disconnect');
            lost.io.engine.close();
            await gone;
            const missed = collect(lost, 'from all', 2);
            other.emit('to all', 'one');
            other.emit('to all', { two: 2.5 });
            assert.deepEqual(await missed, ['one', { two: 2.5 }]);
            await connected(lost);
            assert.equal(lost.recovered, true);
            assert.equal(lost.id, id);
        });

        test('a client that speaks JSON is disconnected at once', async t => {
            const socket = open(t, server.url, { transports, parser: undefined, upgrade: false });
            const [reason] = await next(socket.io, 'close');
            assert.equal(reason, 'transport close');
            assert.equal(socket.connected, false);
            server.assertAlive();
        });
    });

    describe(`our client with MessagePack over ${transports.join(' and then ')}`, { timeout: 90_000 }, () => {
        const test = (title, body) => it(title, { timeout }, body);
        const join = (t, more = {}) =>
            pair(t, transports, { ...more, server: { parser, ...more.server }, client: { parser: 'msgpack', ...more.client } });

        test('events and acknowledgements travel both ways, with binary data', async t => {
            const { client, socket } = await join(t);
            // The program speaks to the test in placeholders itself.
            for (const list of lists.filter(list => !list.some(item => item?._placeholder))) {
                const came = next(socket, 'message');
                client.emit('message', ...list);
                assert.deepEqual(await came, list);
                assert.deepEqual((await client.event('back')).args, list);
            }
            const reply = new Promise(done => socket.emit('question', 1.5, Buffer.from([9, 8]), (...got) => done(got)));
            assert.deepEqual(await within(reply, 'the reply'), [1.5, Buffer.from([9, 8])]);
            assert.deepEqual((await client.call('ask', { of: [1, null] })).reply, { of: [1, null] });
            const [size, back] = (await client.call('weigh', Buffer.alloc(1000, 1))).reply;
            assert.equal(size, 1000);
            assert.deepEqual(Buffer.from(back, 'base64'), Buffer.alloc(1000, 1));
        });

        test('what only JavaScript has arrives as the next best', async t => {
            const { client, socket } = await join(t);
            socket.emit('odd', new Date(1.7e12 + 123), undefined, { absent: undefined, n: NaN }, new Uint8Array([7]));
            assert.deepEqual((await client.event('odd')).args, ['2023-11-14T22:13:20.123Z', null, { n: null }, Buffer.from([7])]);
        });

        test('a refusal arrives with its data, and so do broadcasts in a namespace', async t => {
            const set = io => {
                io.of('/closed').use((_, go) => go(Object.assign(new Error('not you'), { data: { code: 7 } })));
                io.of('/open').on('connection', socket => socket.join('room'));
            };
            const server = await serve(t, { parser, set });
            const client = startCaller(t, server.url, { transports, parser: 'msgpack' });
            client.tell({ do: 'open', nsp: '/closed', auth: { token: 'x' } });
            const refused = await client.next({ on: 'connect_error', nsp: '/closed' });
            assert.equal(refused.message, 'not you');
            assert.deepEqual(refused.data, { code: 7 });
            await client.open('/open');
            server.io.of('/open').to('room').emit('all', [1, { two: Buffer.from('2') }]);
            assert.deepEqual((await client.event('all')).args, [[1, { two: Buffer.from('2') }]]);
        });

        test('it comes back as the same, and gets what it missed', async t => {
            const { client, socket, server, id } = await join(t, { server: { connectionStateRecovery: {} } });
            socket.emit('back', 'before');
            await client.event('back');
            const gone = next(socket, 'disconnect');
            socket.conn.close();
            await gone;
            server.io.emit('missed', [1.5]);
            const again = await client.next({ on: 'connect', recovered: true });
            assert.equal(again.id, id);
            assert.deepEqual((await client.event('missed')).args[0], [1.5]);
        });

        test('a server that speaks JSON disconnects it at once, as it does the official client', async t => {
            const server = await serve(t);
            const client = startCaller(t, server.url, { transports, parser: 'msgpack', reconnection: false });
            client.tell({ do: 'open', nsp: '/' });
            assert.equal((await client.next({ on: 'end' })).reason, 'transport close');
        });
    });
}

describe('a browser with the bundle for MessagePack', { timeout: 60_000 }, () => {
    let server, browser;
    before(async () => {
        server = await start('SOCORO_CONFORMANCE', { args: ['--parser', 'msgpack'] });
        browser = await launch();
    });
    after(async () => {
        await browser?.close();
        await server?.stop();
    });

    it('speaks to our server, binary data included', { timeout }, async () => {
        const page = await browser.newPage();
        await page.route(`${server.url}/page`, route => route.fulfill({
            contentType: 'text/html', body: '<!doctype html><script src="/socket.io/socket.io.msgpack.min.js"></script>',
        }));
        await page.goto(`${server.url}/page`);
        const got = await page.evaluate(async () => {
            const socket = window.io();
            const ask = (...args) => socket.timeout(10_000).emitWithAck(...args);
            // The bundle writes a typed array as an object of numbers.
            const bytes = await ask('message-with-ack', new Uint8Array([1, 2, 255]).buffer);
            const text = await ask('message-with-ack', 'ü€😀');
            const odd = await ask('message-with-ack', { when: new Date(0), list: [undefined, 1.5, -70_000, 2 ** 40] });
            const back = new Promise(done => socket.once('message-back', (...args) => done(args)));
            socket.emit('message', 'a', { b: [] });
            return { bytes: [...new Uint8Array(bytes)], text, odd, back: await back, transport: socket.io.engine.transport.name };
        });
        assert.deepEqual({ ...got, transport: '' }, {
            bytes: [1, 2, 255],
            text: 'ü€😀',
            odd: { when: '1970-01-01T00:00:00.000Z', list: [null, 1.5, -70_000, 2 ** 40] },
            back: ['a', { b: [] }],
            transport: '',
        });
    });
});
