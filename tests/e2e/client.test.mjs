// SPDX-License-Identifier: BSL-1.0
// The official JavaScript client against the conformance server, over every transport.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { Manager } from 'socket.io-client';
import { connect, connected, open, ways } from './helpers/client.mjs';
import { exchange, frame, opcode, RawWebSocket, send } from './helpers/raw.mjs';
import { start } from './helpers/server.mjs';
import { ask, collect, next, within } from './helpers/wait.mjs';

const timeout = 30_000;
const binary = (...bytes) => Buffer.from(bytes);

for (const transports of ways) {
    describe(`the JavaScript client over ${transports.join(' and then ')}`, { timeout: 90_000 }, () => {
        let server;
        before(async () => { server = await start('SOCORO_CONFORMANCE'); });
        after(() => server?.stop());

        const join = (t, options = {}, nsp = '/') => connect(t, server.url + nsp, { transports, ...options });
        const test = (title, body) => it(title, { timeout }, body);

        test('connects, and the transport is the expected one', async t => {
            const socket = await join(t);
            assert.match(socket.id, /^[\w-]{20}$/);
            assert.notEqual(socket.id, socket.io.engine.id);
            assert.equal(socket.io.engine.transport.name, transports.at(-1));
        });

        test('the server sees the auth object', async t => {
            const auth = { token: 'abc', deep: { list: [1, 'zwei', null, true] } };
            const socket = open(t, server.url, { transports, auth });
            assert.deepEqual(await next(socket, 'auth'), [auth]);
        });

        test('no auth is an empty object', async t => {
            const socket = open(t, server.url, { transports });
            assert.deepEqual(await next(socket, 'auth'), [{}]);
        });

        test('events come back with the same arguments', async t => {
            const socket = await join(t);
            for (const args of [
                [],
                ['text'],
                [1, -2.5, 1e21, 0, true, false, null],
                [{ a: { b: { c: [] } } }, [[], {}, ['x']], ''],
                ['"quotes" \\ / \b \f \n \r \t \u0000 \u001e \u2028'],
                ['42["not a packet"]\x1e2probe'],
            ]) {
                const back = next(socket, 'message-back');
                socket.emit('message', ...args);
                assert.deepEqual(await back, args);
            }
        });

        test('acknowledgements carry any arguments', async t => {
            const socket = await join(t);
            const args = ['text', 2, { three: [4] }, null];
            const got = await within(
                new Promise(done => socket.emit('message-with-ack', ...args, (...reply) => done(reply))), 'the ack');
            assert.deepEqual(got, args);
            const none = await within(
                new Promise(done => socket.emit('message-with-ack', (...reply) => done(reply))), 'the empty ack');
            assert.deepEqual(none, []);
        });

        test('a hundred acknowledgements at once find their callers', async t => {
            const socket = await join(t);
            const asked = Array.from({ length: 100 }, (_, i) => ask(socket, 'message-with-ack', i));
            assert.deepEqual(await Promise.all(asked), Array.from({ length: 100 }, (_, i) => i));
        });

        test('the server calls the client and gets the reply', async t => {
            const socket = await join(t);
            socket.on('question', (n, reply) => reply(n * 2));
            const answer = next(socket, 'answer');
            socket.emit('call me', 21);
            assert.deepEqual(await answer, [42]);
        });

        test('binary travels both ways', async t => {
            const socket = await join(t);
            const args = [binary(1, 2, 3), binary(), binary(0, 255, 10, 13, 30)];
            const back = next(socket, 'message-back');
            socket.emit('message', ...args);
            assert.deepEqual(await back, args);
        });

        test('nested attachments return to their places', async t => {
            const socket = await join(t);
            const args = [
                { name: 'x', parts: [binary(1), { deep: binary(2, 2) }, 'between'], last: binary(3, 3, 3) },
                'text',
                [[binary(4)], null],
            ];
            const back = next(socket, 'message-back');
            socket.emit('message', ...args);
            assert.deepEqual(await back, args);
        });

        test('acknowledgements carry attachments', async t => {
            const socket = await join(t);
            const value = { file: binary(9, 8, 7), again: [binary(6)] };
            assert.deepEqual(await ask(socket, 'message-with-ack', value), value);
        });

        test('an object that looks like a placeholder is just an object when there are no attachments', async t => {
            const socket = await join(t);
            const value = { _placeholder: true, num: 0 };
            assert.deepEqual(await ask(socket, 'message-with-ack', value), value);
        });

        test('text in every plane of Unicode survives, in values, names and rooms', async t => {
            const socket = await join(t);
            const text = 'Grüße, Ελλάδα, 日本語, עברית, 👩‍👩‍👧‍👦 🏳️‍🌈 \u{10ffff} e\u0301';
            assert.deepEqual(await ask(socket, 'message-with-ack', { [text]: text }), { [text]: text });
            const other = await join(t);
            other.emit('join', text);
            await ask(other, 'data');
            const heard = next(other, 'from room');
            socket.emit('to room', text, text);
            assert.deepEqual(await heard, [text]);
        });

        test('800 KB of text survive', async t => {
            const socket = await join(t);
            const text = 'abcdefghijklmnopqrstuvwxyz é😀'.repeat(26_000).slice(0, 700_000);
            assert.ok(Buffer.byteLength(text) > 750_000);
            assert.equal(await ask(socket, 'message-with-ack', text), text);
        });

        test('500 KB of binary survive', async t => {
            const socket = await join(t);
            const bytes = randomBytes(500_000);
            const got = await ask(socket, 'message-with-ack', { bytes });
            assert.ok(bytes.equals(got.bytes));
        });

        test('1000 messages arrive in order', async t => {
            const socket = await join(t);
            const expected = Array.from({ length: 1000 }, (_, i) => i);
            const got = collect(socket, 'message-back', expected.length);
            for (const i of expected) socket.emit('message', i);
            assert.deepEqual(await got, expected);
        });

        test('text and binary messages keep their order', async t => {
            const socket = await join(t);
            const sent = Array.from({ length: 200 }, (_, i) => (i % 3 ? i : { i, bytes: binary(i) }));
            const got = collect(socket, 'message-back', sent.length);
            for (const value of sent) socket.emit('message', value);
            assert.deepEqual(await got, sent);
        });

        test('rooms: the others in the room hear, the sender and strangers do not', async t => {
            const [alice, bob, carol] = await Promise.all([join(t), join(t), join(t)]);
            alice.emit('join', 'tea');
            bob.emit('join', 'tea');
            await Promise.all([ask(alice, 'data'), ask(bob, 'data')]);
            const heard = { alice: [], bob: [], carol: [] };
            for (const [name, socket] of Object.entries({ alice, bob, carol })) {
                socket.on('from room', text => heard[name].push(text));
            }
            // What follows everyone hears; as links keep their order, it closes the list of what went before.
            const settled = async () => {
                const all = [alice, bob, carol].map(socket => next(socket, 'from all'));
                alice.emit('to all', 'settled');
                await Promise.all(all);
            };
            alice.emit('to room', 'tea', 'one');
            await settled();
            assert.deepEqual(heard, { alice: [], bob: ['one'], carol: [] });

            bob.emit('leave', 'tea');
            await ask(bob, 'data');
            alice.emit('to room', 'tea', 'two');
            await settled();
            assert.deepEqual(heard, { alice: [], bob: ['one'], carol: [] });

            carol.emit('to room', 'tea', 'three');
            await ask(carol, 'data');
            await settled();
            assert.deepEqual(heard, { alice: ['three'], bob: ['one'], carol: [] });
        });

        test('broadcasts: everyone, everyone else, everyone outside a room', async t => {
            const [alice, bob, carol] = await Promise.all([join(t), join(t), join(t)]);
            carol.emit('join', 'quiet');
            await ask(carol, 'data');
            const heard = { alice: [], bob: [], carol: [] };
            for (const [name, socket] of Object.entries({ alice, bob, carol })) {
                for (const event of ['from all', 'from others', 'from except']) {
                    socket.on(event, text => heard[name].push(`${event}: ${text}`));
                }
            }
            alice.emit('to others', 1);
            alice.emit('except', 'quiet', 2);
            const all = [alice, bob, carol].map(socket => next(socket, 'from all'));
            alice.emit('to all', 3);
            await Promise.all(all);
            assert.deepEqual(heard, {
                alice: ['from except: 2', 'from all: 3'],
                bob: ['from others: 1', 'from except: 2', 'from all: 3'],
                carol: ['from others: 1', 'from all: 3'],
            });
        });

        test('a socket that has left gets nothing any more, and the rest go on', async t => {
            const [alice, bob] = await Promise.all([join(t), join(t)]);
            bob.emit('join', 'tea');
            await ask(bob, 'data');
            bob.on('from room', () => assert.fail('a closed socket heard something'));
            bob.disconnect();
            alice.emit('to room', 'tea', 'anyone?');
            assert.equal(await ask(alice, 'message-with-ack', 'still here'), 'still here');
        });

        test('data of a socket is its own', async t => {
            const [alice, bob] = await Promise.all([join(t), join(t)]);
            assert.equal(await ask(alice, 'data'), 1);
            assert.equal(await ask(alice, 'data'), 2);
            assert.equal(await ask(bob, 'data'), 1);
        });

        test('the handshake shows query, headers, auth, address and cookies', async t => {
            const socket = await join(t, {
                query: { from: 'Zürich & Köln', plus: 'a+b' },
                auth: { token: 'abc' },
                extraHeaders: { 'X-Socoro': 'hello', cookie: 'theme=dark; session=s3cr3t' },
            });
            const got = await ask(socket, 'handshake');
            assert.equal(got.query.EIO, '4');
            assert.equal(got.query.transport, transports[0]);
            assert.equal(got.query.from, 'Zürich & Köln');
            assert.equal(got.query.plus, 'a+b');
            assert.equal(got.headers['x-socoro'], 'hello');
            assert.equal(got.headers.host, `127.0.0.1:${server.port}`);
            assert.deepEqual(got.auth, { token: 'abc' });
            assert.match(got.address, /^(::ffff:)?127\.0\.0\.1$/);
            assert.deepEqual(got.cookies, { theme: 'dark', session: 's3cr3t' });
        });

        test('another namespace has its own auth', async t => {
            const socket = open(t, `${server.url}/custom`, { transports, auth: { key: 'value' } });
            assert.deepEqual(await next(socket, 'auth'), [{ key: 'value' }]);
        });

        test('a middleware refuses with message and data, and lets the right token in', async t => {
            const refused = open(t, `${server.url}/secret`, { transports, auth: { token: 'wrong' } });
            const [error] = await next(refused, 'connect_error');
            assert.equal(error.message, 'not authorized');
            assert.deepEqual(error.data, { code: 'E401' });
            assert.equal(refused.connected, false);
            assert.equal(refused.active, false);
            refused.auth = { token: 'letmein' };
            const welcome = connected(refused);
            refused.connect();
            await welcome;
        });

        test('an unknown namespace is refused and leaves the connection alone', async t => {
            const manager = new Manager(server.url, { transports, reconnection: false });
            const main = manager.socket('/');
            t.after(() => manager._close());
            await connected(main);
            const [error] = await next(manager.socket('/nowhere'), 'connect_error');
            assert.equal(error.message, 'Invalid namespace');
            assert.equal(error.data, undefined);
            assert.equal(await ask(main, 'message-with-ack', 'fine'), 'fine');
        });

        test('two namespaces share one connection', async t => {
            const manager = new Manager(server.url, { transports, reconnection: false });
            t.after(() => manager._close());
            const main = manager.socket('/', { auth: { a: 1 } });
            const custom = manager.socket('/custom', { auth: { b: 2 } });
            const auths = await Promise.all([next(main, 'auth'), next(custom, 'auth')]);
            assert.deepEqual(auths, [[{ a: 1 }], [{ b: 2 }]]);
            assert.equal(main.io.engine, custom.io.engine);
            assert.notEqual(main.id, custom.id);
            custom.disconnect();
            assert.equal(await ask(main, 'message-with-ack', 'fine'), 'fine');
            const again = connected(custom);
            custom.connect();
            await again;
            assert.equal(await ask(main, 'message-with-ack', 'still'), 'still');
        });

        test('the server disconnects one namespace: reason "io server disconnect", the connection stays', async t => {
            const manager = new Manager(server.url, { transports, reconnection: false });
            t.after(() => manager._close());
            const [main, custom] = [manager.socket('/'), manager.socket('/custom')];
            await Promise.all([connected(main), connected(custom)]);
            const gone = next(main, 'disconnect');
            main.emit('disconnect me');
            assert.equal((await gone)[0], 'io server disconnect');
            assert.ok(custom.connected);
            const back = connected(main);
            main.connect();
            await back;
            assert.equal(await ask(main, 'message-with-ack', 'back'), 'back');
        });

        test('the server closes the connection: "io server disconnect" first, then the link goes', async t => {
            const manager = new Manager(server.url, { transports, reconnection: false });
            t.after(() => manager._close());
            const [main, custom] = [manager.socket('/'), manager.socket('/custom')];
            await Promise.all([connected(main), connected(custom)]);
            const gone = Promise.all([next(main, 'disconnect'), next(custom, 'disconnect')]);
            const closed = next(manager, 'close');
            main.emit('close me');
            const [[reason], [other]] = await gone;
            assert.equal(reason, 'io server disconnect');
            assert.equal(other, 'io server disconnect');
            await closed;
        });

        test('the client disconnects: reason "io client disconnect", and it may come back', async t => {
            const socket = await join(t);
            const first = socket.id;
            const gone = next(socket, 'disconnect');
            socket.disconnect();
            assert.equal((await gone)[0], 'io client disconnect');
            const back = connected(socket);
            socket.connect();
            await back;
            assert.notEqual(socket.id, first);
            assert.equal(await ask(socket, 'data'), 1);
        });

        test('messages sent before the connection stands are delivered', async t => {
            const socket = open(t, server.url, { transports });
            const got = collect(socket, 'message-back', 3);
            for (const i of [1, 2, 3]) socket.emit('message', i);
            assert.deepEqual(await got, [1, 2, 3]);
        });

        test('twenty clients at once', async t => {
            const sockets = await Promise.all(Array.from({ length: 20 }, () => join(t)));
            assert.equal(new Set(sockets.map(socket => socket.id)).size, sockets.length);
            const heard = sockets.map(socket => next(socket, 'from all'));
            sockets[0].emit('to all', 'hello');
            for (const args of await Promise.all(heard)) assert.deepEqual(args, ['hello']);
        });
    });

    describe(`a server that goes and comes back, over ${transports.join(' and then ')}`, { timeout: 60_000 }, () => {
        const reconnecting = { transports, reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 100 };

        it('shuts down: the transport is closed, and the client returns to the next one', { timeout }, async t => {
            const first = await start('SOCORO_CONFORMANCE');
            const socket = await connect(t, first.url, reconnecting);
            const gone = next(socket, 'disconnect');
            const [[reason]] = await Promise.all([gone, first.stop()]);
            // A poll may learn of it by its own end or by the next one's refusal.
            const expected = transports.at(-1) === 'polling' ? ['transport close', 'transport error'] : ['transport close'];
            assert.ok(expected.includes(reason), reason);

            const back = next(socket, 'connect');
            const second = await start('SOCORO_CONFORMANCE', { port: first.port });
            t.after(() => second.stop());
            await back;
            assert.equal(await ask(socket, 'message-with-ack', 'again'), 'again');
            socket.disconnect();
        });

        it('is killed: the client notices, keeps what it had to say, and returns', { timeout }, async t => {
            const first = await start('SOCORO_CONFORMANCE');
            const socket = await connect(t, first.url, reconnecting);
            const gone = next(socket, 'disconnect');
            const [[reason]] = await Promise.all([gone, first.kill()]);
            assert.equal(reason, transports.at(-1) === 'polling' ? 'transport error' : 'transport close');

            const back = next(socket, 'message-back');
            socket.emit('message', 'said while offline');
            const second = await start('SOCORO_CONFORMANCE', { port: first.port });
            t.after(() => second.stop());
            assert.deepEqual(await back, ['said while offline']);
            socket.disconnect();
        });
    });
}

describe('the upgrade', { timeout: 60_000 }, () => {
    let server;
    before(async () => { server = await start('SOCORO_CONFORMANCE'); });
    after(() => server?.stop());
    const transports = ['polling', 'websocket'];

    it('loses and reorders nothing, in either direction, while messages keep flowing', { timeout }, async t => {
        const speaker = await connect(t, server.url, { transports: ['websocket'] });
        const socket = open(t, server.url, { transports });
        let upgraded = false;
        socket.io.engine.once('upgrade', () => { upgraded = true; });
        await connected(socket);

        const [echoed, told] = [[], []];
        let wake = () => {};
        socket.on('message-back', i => { echoed.push(i); wake(); });
        socket.on('from all', i => { told.push(i); wake(); });

        // Both ways go on without a pause until the upgrade is done, then for as long again; a window of
        // 50 keeps the links busy without flooding them.
        let sent = 0;
        let enough = Infinity;
        while (sent < Math.max(1000, enough)) {
            if (upgraded && enough === Infinity) enough = sent + 500;
            if (sent - Math.min(echoed.length, told.length) >= 50) {
                await within(new Promise(done => { wake = done; }), `message ${sent}`);
                continue;
            }
            socket.emit('message', sent);
            speaker.emit('to all', sent);
            sent += 1;
        }
        while (echoed.length < sent || told.length < sent) {
            await within(new Promise(done => { wake = done; }), 'the last messages');
        }
        assert.equal(socket.io.engine.transport.name, 'websocket');
        const expected = Array.from({ length: sent }, (_, i) => i);
        assert.deepEqual(echoed, expected);
        assert.deepEqual(told, expected);
    });

    it('happens with 1000 messages already under way', { timeout }, async t => {
        const socket = open(t, server.url, { transports });
        const [upgrading, upgraded] = ['upgrading', 'upgrade'].map(event => next(socket.io.engine, event));
        const expected = Array.from({ length: 1000 }, (_, i) => i);
        const got = collect(socket, 'message-back', expected.length);
        await connected(socket);
        for (const i of expected.slice(0, 500)) socket.emit('message', i);
        await upgrading;
        for (const i of expected.slice(500)) socket.emit('message', i);
        assert.deepEqual(await got, expected);
        await upgraded;
    });

    it('keeps socket, rooms and data', { timeout }, async t => {
        const socket = open(t, server.url, { transports });
        const upgraded = next(socket.io.engine, 'upgrade');
        await connected(socket);
        const id = socket.id;
        socket.emit('join', 'tea');
        assert.equal(await ask(socket, 'data'), 1);
        await upgraded;
        assert.equal(socket.id, id);
        assert.equal(await ask(socket, 'data'), 2);
        const other = await connect(t, server.url, { transports: ['polling'] });
        const heard = next(socket, 'from room');
        other.emit('to room', 'tea', 'still in the room');
        assert.deepEqual(await heard, ['still in the room']);
    });
});

describe('a server under fire', { timeout: 60_000 }, () => {
    let server;
    before(async () => { server = await start('SOCORO_CONFORMANCE'); });
    after(() => server?.stop());

    /** Runs the attack while two clients keep talking; both must be unaffected. */
    const survives = (title, attack) => it(title, { timeout }, async t => {
        const witnesses = await Promise.all([
            connect(t, server.url, { transports: ['websocket'] }),
            connect(t, server.url, { transports: ['polling'] }),
        ]);
        await attack(t);
        for (const witness of witnesses) {
            assert.equal(await ask(witness, 'message-with-ack', 'unharmed'), 'unharmed');
        }
        server.assertAlive();
    });

    const session = async (t, auth = '') => {
        const socket = await RawWebSocket.open(server.port, '/socket.io/?EIO=4&transport=websocket');
        t.after(() => socket.destroy());
        assert.match(await socket.text(), /^0\{/);
        socket.send(`40${auth}`);
        assert.match(await socket.text(), /^40\{"sid":/);
        assert.match(await socket.text(), /^42\["auth"/);
        return socket;
    };

    for (const [title, bytes] of [
        ['random bytes', randomBytes(4096)],
        ['a TLS hello', Buffer.from('16030100c8010000c40303', 'hex')],
        ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
        ['a request line without a version', 'GET /socket.io/\r\n\r\n'],
        ['a header without a colon', 'GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n'],
        ['a space before the colon', 'GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost : x\r\n\r\n'],
        ['a negative Content-Length', 'POST /socket.io/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n'],
        ['two different Content-Lengths', 'POST /socket.io/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
        ['both Content-Length and chunked', 'POST /socket.io/ HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
        ['a broken chunk size', 'POST /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
        ['an endless header', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(200_000)}\r\n\r\n`],
        ['ten thousand headers', `GET / HTTP/1.1\r\nHost: x\r\n${'a: b\r\n'.repeat(10_000)}\r\n`],
    ]) {
        survives(`refuses ${title}`, async () => {
            const answer = await exchange(server.port, bytes);
            if (answer !== '') assert.match(answer, /^HTTP\/1\.1 [45]\d\d /);
        });
    }

    for (const [title, bytes] of [
        ['an unmasked frame', frame(opcode.text, '42["message"]', { masked: false })],
        ['reserved bits', frame(opcode.text, '42["message"]', { first: 0xf1 })],
        ['an unknown opcode', frame(3, 'x')],
        ['a continuation of nothing', frame(opcode.continuation, 'x')],
        ['a fragmented ping', frame(opcode.ping, 'x', { first: opcode.ping })],
        ['a ping that is too long', frame(opcode.ping, 'x'.repeat(126))],
        ['text that is not UTF-8', frame(opcode.text, binary(0x34, 0x32, 0xff, 0xfe))],
        ['a length of 2^63', Buffer.from('81ff8000000000000000', 'hex')],
        ['a length above the limit', Buffer.from('81ff0000000040000000', 'hex')],
        ['a close frame of one byte', frame(opcode.close, 'x')],
        ['an empty text frame', frame(opcode.text, '')],
        ['an unknown packet type of Engine.IO', frame(opcode.text, '9')],
        ['an unknown packet type of Socket.IO', frame(opcode.text, '49')],
        ['broken JSON', frame(opcode.text, '42["message"')],
        ['an event that is no array', frame(opcode.text, '42{"a":1}')],
        ['an event without a name', frame(opcode.text, '42[]')],
        ['an event whose name is an object', frame(opcode.text, '42[{"toString":1}]')],
        ['a reserved event name', frame(opcode.text, '42["disconnect"]')],
        ['zero attachments', Buffer.concat([frame(opcode.text, '450-["message"]'), frame(opcode.text, '42["message"]')])],
        ['too many attachments', frame(opcode.text, '45999999999-["message"]')],
        ['a placeholder out of range', Buffer.concat([
            frame(opcode.text, '451-["message",{"_placeholder":true,"num":7}]'), frame(opcode.binary, 'x')])],
        ['text in place of an attachment', Buffer.concat([
            frame(opcode.text, '451-["message",{"_placeholder":true,"num":0}]'), frame(opcode.text, '42["message"]')])],
        ['an attachment out of the blue', frame(opcode.binary, 'x')],
        ['a second CONNECT', frame(opcode.text, '40')],
        ['an event to a namespace not joined', frame(opcode.text, '42/custom,["message"]')],
        ['JSON nested 100000 deep', frame(opcode.text, `42["message",${'['.repeat(100_000)}${']'.repeat(100_000)}]`)],
    ]) {
        // The last one kills a reference server (a stack overflow in its encoder): it is ours alone to survive.
        if (title.startsWith('JSON nested') && process.env.SOCORO_REFERENCE) continue;
        survives(`closes the connection on ${title}`, async t => {
            const socket = await session(t);
            socket.write(bytes);
            await socket.end();
        });
    }

    survives('ignores acknowledgements nobody asked for', async t => {
        const socket = await session(t);
        for (const id of [0, 1, 7, 999999999]) socket.send(`43${id}["x"]`);
        socket.send('42["message","still here"]');
        assert.equal(await socket.text(), '42["message-back","still here"]');
    });

    survives('answers a WebSocket ping', async t => {
        const socket = await session(t);
        socket.write(frame(opcode.ping, 'are you there'));
        const pong = await socket.frame();
        assert.equal(pong.opcode, opcode.pong);
        assert.equal(pong.payload.toString(), 'are you there');
    });

    survives('puts fragments together, with a ping between them, byte by byte', async t => {
        const socket = await session(t);
        const bytes = Buffer.concat([
            frame(opcode.text, '42["mess', { first: opcode.text }),
            frame(opcode.ping, ''),
            frame(opcode.continuation, 'age","in pieces"', { first: opcode.continuation }),
            frame(opcode.continuation, ']'),
        ]);
        for (const byte of bytes) socket.write(Buffer.from([byte]));
        assert.equal((await socket.frame()).opcode, opcode.pong);
        assert.equal(await socket.text(), '42["message-back","in pieces"]');
    });

    survives('bears connections that vanish at every stage', async () => {
        for (const transport of ['polling', 'websocket']) {
            for (const cut of [1, 20, 60, 400]) {
                const head = `GET /socket.io/?EIO=4&transport=${transport} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n`
                    + 'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
                const socket = new RawWebSocket(server.port);
                socket.write(head.slice(0, cut));
                await send(server.port, '/socket.io/?EIO=4&transport=polling');
                socket.destroy();
            }
        }
    });

    survives('closes a session whose poll is aborted', async () => {
        const opened = await send(server.port, '/socket.io/?EIO=4&transport=polling');
        const { sid } = JSON.parse(opened.body.slice(1));
        const path = `/socket.io/?EIO=4&transport=polling&sid=${sid}`;
        const poll = send(server.port, path);
        await send(server.port, path, { method: 'POST', body: '3' });
        poll.abort();
        await assert.rejects(poll);
    });
});
