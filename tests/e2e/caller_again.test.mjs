// SPDX-License-Identifier: BSL-1.0
// Our client against Node's own server, when connections are lost: it comes back, and nothing that was promised is lost.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startCaller } from './helpers/caller.mjs';
import { echo, pair, quick, reachable, serveApart, startReference, ways } from './helpers/node_server.mjs';
import { collect, next } from './helpers/wait.mjs';

const timeout = 30_000;
const concurrency = 4;
const lost = { on: 'disconnect' };
const back = { on: 'connect' };

for (const transports of ways) {
    describe(`our client comes back over ${transports.join(' and then ')}`, { concurrency }, () => {
        const test = (title, body) => it(title, { timeout }, body);
        const join = (t, more) => pair(t, transports, more);

        test('after a restart of the server; what was emitted meanwhile arrives in order, unless it is volatile', async t => {
            const { server, client, socket } = await join(t);
            await reachable(socket);
            const items = [];
            server.set = io => io.on('connection', socket => socket.onAny((name, item) => items.push([name, item])));
            await server.stop();
            assert.equal((await client.next(lost)).reason, 'transport close');
            for (let i = 0; i < 5; ++i) {
                client.emit('kept', i);
                client.emitVolatile('lost', i);
            }
            const asked = client.call('ask', 'kept as well', { within: 200 });
            await client.status();
            await server.start();
            await client.next(back);
            client.emit('fresh', 5);
            await asked;
            client.tell({ do: 'drain' });
            await client.next({ on: 'drained' });
            client.emitVolatile('volatile', 6);
            const expected = [...[0, 1, 2, 3, 4].map(i => ['kept', i]), ['ask', 'kept as well'], ['fresh', 5], ['volatile', 6]];
            while (items.length < expected.length) await next(server.io.sockets.sockets.values().next().value.conn, 'packet');
            assert.deepEqual(items, expected);
        });

        test('a question that waits is told of the loss', async t => {
            const set = io => io.on('connection', () => {});
            const { client, socket } = await join(t, { server: { set } });
            const asked = client.call('ask', 1);
            await next(socket, 'ask');
            socket.conn.close();
            assert.equal((await asked).failed.message, 'transport close');
        });

        test('after twenty restarts', async t => {
            const { server, client } = await join(t, { client: { reconnectionDelay: 10, reconnectionDelayMax: 10 } });
            for (let i = 0; i < 20; ++i) {
                await server.restart();
                await client.next(lost);
                await client.next(back);
                assert.equal((await client.call('ask', i)).reply, i);
            }
            assert.equal(server.io.engine.clientsCount, 1);
        });

        test('after the server was killed', async t => {
            const told = [];
            for (const start of [startCaller, startReference]) {
                const server = await serveApart(t);
                const client = start(t, server.url, { transports, ...quick });
                await client.open();
                client.emit('message', 1);
                await client.event('back');
                await server.kill();
                const { reason, active } = await client.next(lost);
                const { message } = await client.next({ on: 'connect_error' });
                await serveApart(t, { port: server.port });
                await client.next(back);
                client.emit('message', 2);
                await client.event('back');
                told.push({ reason, active, message });
            }
            assert.deepEqual(told[0], told[1]);
        });

        test('when a server that stands still goes on', async t => {
            const server = await serveApart(t, { pingInterval: 300, pingTimeout: 200 });
            const client = startCaller(t, server.url, { transports, ...quick, timeout: 300 });
            await client.open();
            client.emit('message', 1);
            await client.event('back');
            const begin = Date.now();
            server.freeze();
            t.after(() => server.thaw());
            assert.equal((await client.next(lost)).reason, 'ping timeout');
            const took = Date.now() - begin;
            assert.ok(took < 1_500, `it took ${took} ms`);
            assert.equal((await client.next({ on: 'connect_error' })).message, 'timeout');
            server.thaw();
            await client.next(back);
            client.emit('message', 2);
            await client.event('back');
        });

        test('and never leaves while the server pings', async t => {
            const { client, socket } = await join(t, { server: { pingInterval: 200, pingTimeout: 200 } });
            await collect(socket.conn, 'heartbeat', 15);
            assert.equal(client.count(lost), 0);
            assert.equal((await client.call('ask', 1)).reply, 1);
        });

        test('to the session it had, and to what it missed, if the server keeps them', async t => {
            const set = io => io.on('connection', socket => {
                echo(socket);
                socket.join('room');
                socket.data.came ??= 0;
                ++socket.data.came;
            });
            const told = [];
            for (const reference of [false, true]) {
                const { server, client, socket, id } = await join(t, {
                    reference, server: { set, connectionStateRecovery: { maxDisconnectionDuration: 10_000 } },
                });
                server.io.emit('before', 0);
                await client.event('before');
                const again = server.connection();
                const gone = next(socket, 'disconnect');
                socket.conn.close();
                await gone;
                for (let i = 0; i < 3; ++i) server.io.to('room').emit('missed', i, Buffer.from([i]));
                const [{ id: same, recovered }, recoveredSocket] = await Promise.all([client.next(back), again]);
                assert.deepEqual([same, recovered], [id, true]);
                assert.deepEqual([recoveredSocket.id, recoveredSocket.recovered, recoveredSocket.data.came], [id, true, 2]);
                const missed = await client.collect(3, { name: 'missed' });
                assert.deepEqual(missed.map(line => line.args.slice(0, 2)), [0, 1, 2].map(i => [i, Buffer.from([i])]));
                server.io.emit('after', 0);
                await client.event('after');
                told.push(client.lines.filter(line => line.on !== 'reconnect_attempt').map(line => [line.on, line.reason, line.name]));
                if (!reference) assert.equal((await client.status()).recovered, true);
            }
            assert.deepEqual(told[0], told[1]);
        });

        test('as somebody new, if the server has forgotten the session', async t => {
            const { server, client, socket, id } = await join(t, { server: { connectionStateRecovery: { maxDisconnectionDuration: 1 } } });
            server.io.emit('before', 0);
            await client.event('before');
            const gone = next(socket, 'disconnect');
            socket.conn.close();
            await gone;
            server.io.emit('missed', 1);
            const again = await client.next(back);
            assert.equal(again.recovered, false);
            assert.notEqual(again.id, id);
            assert.equal(client.count({ name: 'missed' }), 0);
        });

        test('with what was not acknowledged, again and again, in order', async t => {
            const got = [];
            let ignored = 0;
            const set = io => io.on('connection', socket => socket.onAny((name, item, reply) => {
                got.push(item);
                if (item === 1 && ++ignored < 3) return;
                if (item === 2 && ++ignored === 4) return socket.conn.close();
                reply();
                if (item === 3) io.emit('done');
            }));
            const { client } = await join(t, { server: { set }, client: { retries: 3, ackTimeout: 200 } });
            for (let i = 0; i < 4; ++i) client.emit('item', i);
            await client.event('done');
            assert.deepEqual(got, [0, 1, 1, 1, 2, 2, 3]);
        });

        test('with the next, when one was tried often enough', async t => {
            const got = [];
            const set = io => io.on('connection', socket => socket.onAny((name, item, reply) => {
                got.push(item);
                if (item === 'stubborn') return;
                reply(item);
                io.emit('done');
            }));
            const { client } = await join(t, { server: { set }, client: { retries: 1, ackTimeout: 100 } });
            const asked = client.call('ask', 'stubborn');
            const next = client.call('ask', 'obliging');
            assert.equal((await asked).failed.message, 'operation has timed out');
            assert.equal((await next).reply, 'obliging');
            client.emit('item', 'stubborn');
            client.emit('item', 'obliging');
            await client.event('done');
            await client.event('done');
            assert.deepEqual(got, ['stubborn', 'stubborn', 'obliging', 'stubborn', 'stubborn', 'obliging']);
        });
    });
}
