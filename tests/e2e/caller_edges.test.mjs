// SPDX-License-Identifier: BSL-1.0
// Our client against Node's own server, where two things happen at once.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startCaller } from './helpers/caller.mjs';
import * as hostile from './helpers/hostile.mjs';
import { echo, pair, quick, serve, ways } from './helpers/node_server.mjs';
import { next } from './helpers/wait.mjs';

const timeout = 30_000;
const concurrency = 4;
const slow = { reconnectionDelay: 60_000, reconnectionDelayMax: 60_000 };

for (const transports of ways) {
    describe(`two things at once over ${transports.join(' and then ')}`, { concurrency }, () => {
        const test = (title, body) => it(title, { timeout }, body);

        for (const reconnection of [true, false]) {
            test(`who leaves and comes at once is a new socket, ${reconnection ? 'with' : 'without'} reconnection`, async t => {
                const { server, client, socket, id } = await pair(t, transports, { client: { ...slow, reconnection } });
                for (let i = 0; i < 5; ++i) {
                    const came = server.connection();
                    client.disconnect();
                    const { id: another } = await client.open();
                    assert.equal((await came).id, another);
                    assert.notEqual(another, id);
                    assert.equal((await client.call('ask', i)).reply, i);
                }
                assert.equal(socket.connected, false);
                assert.equal(client.count({ on: 'connect_error' }), 0);
                assert.equal(client.count({ on: 'reconnect_attempt' }), 0);
            });
        }

        test('who comes while others leave', async t => {
            const set = io => [io, io.of('/other')].forEach(nsp => nsp.on('connection', echo));
            const { server, client } = await pair(t, transports, { server: { set }, client: slow });
            const left = next(server.io.sockets.sockets.values().next().value, 'disconnect');
            client.tell({ do: 'open', nsp: '/other' });
            client.disconnect();
            await client.next({ on: 'connect', nsp: '/other' });
            assert.equal((await left)[0], 'client namespace disconnect');
            client.emitIn('/other', 'message', 1);
            assert.equal((await client.event('back')).nsp, '/other');
            assert.equal(server.io.engine.clientsCount, 1);
        });

        test('who leaves before being let in is not let in', async t => {
            const set = io => {
                io.on('connection', echo);
                io.of('/slow').use((_, go) => setImmediate(go)).on('connection', echo);
            };
            const { client } = await pair(t, transports, { server: { set } });
            client.tell({ do: 'open', nsp: '/slow' });
            client.disconnect('/slow');
            await client.next({ on: 'end', nsp: '/slow' });
            for (let i = 0; i < 10; ++i) await client.call('ask', i);
            assert.equal(client.count({ on: 'connect', nsp: '/slow' }), 0);
        });

        test('a namespace that is joined while there is no connection is joined with the next one', async t => {
            const set = io => [io, io.of('/other')].forEach(nsp => nsp.on('connection', echo));
            const { server, client } = await pair(t, transports, { server: { set } });
            await server.stop();
            await client.next({ on: 'disconnect' });
            client.tell({ do: 'open', nsp: '/other' });
            client.emitIn('/other', 'message', 'early');
            await client.status('/other');
            await server.start();
            await client.next({ on: 'connect', nsp: '/other' });
            assert.deepEqual((await client.event('back')).args, ['early']);
            assert.equal(server.io.engine.clientsCount, 1);
        });

        test('opening a namespace twice gives the same socket', async t => {
            const { client, id } = await pair(t, transports);
            client.tell({ do: 'connect' });
            assert.equal((await client.next({ on: 'connected' })).id, id);
        });

        test('the server talks before anybody listens, and nothing is lost', async t => {
            const set = io => io.on('connection', socket => {
                for (let i = 0; i < 100; ++i) socket.emit('early', i, Buffer.from([i]));
            });
            const { client } = await pair(t, transports, { server: { set } });
            const lines = await client.collect(100, { name: 'early' });
            assert.deepEqual(lines.map(line => line.args), Array.from({ length: 100 }, (_, i) => [i, Buffer.from([i])]));
        });

        test('text that is no Unicode comes as Node sends it, or costs the connection, and no more', async t => {
            const { client, socket } = await pair(t, transports);
            socket.emit('odd', 'a\ud800b', '\udc00');
            const { args } = await client.event('odd');
            assert.equal(args.length, 2);
            assert.equal((await client.call('ask', 1)).reply, 1);
        });

        test('numbers, keys and names of every kind', async t => {
            const { client, socket } = await pair(t, transports);
            const odd = { '': 1, '__proto_': 2, 'a.b': 3, '\u0000': 4, constructor: 5 };
            for (const list of [[1e308, 5e-324, -0.1, 2 ** 64, -(2 ** 63), 0.1 + 0.2], [odd], [[[[[[[[[[]]]]]]]]]]]) {
                socket.emit('values', ...list);
                assert.deepEqual((await client.event('values')).args, list);
                client.emit('message', ...list);
                assert.deepEqual((await client.event('back')).args, list);
            }
            for (const name of ['', 'new\nline', '\u2028', '🙂', 'x'.repeat(10_000)]) {
                const came = next(socket, name);
                client.emit(name, name);
                assert.deepEqual(await came, [name]);
            }
        });

    });
}

describe('servers with ways of their own', { concurrency }, () => {
    const test = (title, body) => it(title, { timeout }, body);

    /** Whatever the server does to its connections, events go both ways and the session is still there. */
    async function talks(t, set, url = server => server.url, options = {}) {
        const server = await serve(t, { set: io => io.on('connection', echo), ...options });
        set(server);
        const client = startCaller(t, url(server), { transports: ['polling'], ...quick });
        await client.open();
        const begin = Date.now();
        for (let i = 0; i < 50 || Date.now() - begin < 1_500; ++i) {
            assert.equal((await client.call('ask', i)).reply, i);
            // Connections are to be idle for different times, some of them just as long as the server keeps them.
            await new Promise(done => setTimeout(done, i % 20));
        }
        assert.equal(client.count({ on: 'disconnect' }), 0);
        return client;
    }

    test('connections that are not kept', t => talks(t, ({ http }) => {
        http.prependListener('request', (_, response) => response.setHeader('Connection', 'close'));
    }));
    test('connections for three requests', t => talks(t, ({ http }) => { http.maxRequestsPerSocket = 3; }));
    test('connections that are kept for a moment', t => talks(t, ({ http }) => { http.keepAliveTimeout = 10; }));
    test('a name in place of an address', t => talks(t, () => {}, ({ port }) => `http://localhost:${port}`));
    test('a URL of a WebSocket', t => talks(t, () => {}, ({ port }) => `ws://127.0.0.1:${port}`));
    test('compression for those who ask for it', t => talks(t, () => {}, undefined, { httpCompression: { threshold: 1 } }));

    test('compressed frames for those who ask for them', async t => {
        const { client } = await pair(t, ['websocket'], { server: { perMessageDeflate: { threshold: 1 } } });
        assert.equal((await client.call('ask', 'x'.repeat(10_000))).reply.length, 10_000);
    });

    test('a path without a slash at its end', async t => {
        for (const transports of ways) {
            const more = { path: '/own', addTrailingSlash: false };
            const { client } = await pair(t, transports, { server: more, client: more });
            assert.equal((await client.call('ask', 1)).reply, 1);
        }
    });
});

describe('a server out of step', { concurrency }, () => {
    it('of another age is told to be one', { timeout }, async t => {
        const { open, text, upgrade } = hostile;
        const url = await hostile.listen(t, upgrade(stream => stream.write(Buffer.concat([text(open()), text('40')]))));
        const client = startCaller(t, url, { transports: ['websocket'], ...quick });
        client.tell({ do: 'open' });
        const { message, active } = await client.next({ on: 'connect_error' });
        assert.match(message, /^It seems you are trying to reach a Socket.IO server in v2/);
        assert.equal(active, false);
    });

    it('refuses late, and the socket ends', { timeout }, async t => {
        let said;
        const url = await hostile.listen(t, hostile.admit(stream => { said = stream; }));
        const client = startCaller(t, url, { transports: ['websocket'], ...quick });
        await client.open();
        said.write(hostile.text('44{"message":"out","data":{"a":1}}'));
        const { message, data, active } = await client.next({ on: 'connect_error' });
        assert.deepEqual([message, data, active], ['out', { a: 1 }, false]);
        await client.next({ on: 'end' });
        for (const { closed } of client.lines.filter(line => line.on === 'disconnect')) assert.equal(closed, true);
    });
});
