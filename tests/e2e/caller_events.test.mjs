// SPDX-License-Identifier: BSL-1.0
// Our client against Node's own server: connecting, events, binary data and acknowledgements, over every transport.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { startCaller } from './helpers/caller.mjs';
import { echo, pair, quick, serve, ways } from './helpers/node_server.mjs';
import { ask, collect, next, within } from './helpers/wait.mjs';

const timeout = 30_000;
const concurrency = 4;
const args = [
    [],
    ['text'],
    [1, -2.5, 1e21, 2 ** 53 - 1, 0, true, false, null],
    [{ a: { b: { c: [] } } }, [[], {}, ['x']], ''],
    ['"quotes" \\ / \b \f \n \r \t \u0000 \u001e \u2028 \ud83d\ude00'],
    ['42["not a packet"]\x1e2probe', { _placeholders: true }],
];

for (const transports of ways) {
    describe(`our client over ${transports.join(' and then ')}`, { concurrency }, () => {
        const test = (title, body) => it(title, { timeout }, body);
        const join = (t, more) => pair(t, transports, more);

        test('connects, and the transport is the expected one', async t => {
            const { client, socket, id } = await join(t);
            assert.equal(id, socket.id);
            assert.equal(socket.conn.transport.name, transports.at(-1));
            assert.deepEqual(await client.status(), {
                on: 'status', id, connected: true, active: true, recovered: false, reason: '', transport: transports.at(-1),
            });
            assert.equal(socket.handshake.query.EIO, '4');
            assert.deepEqual(socket.handshake.auth, {});
        });

        test('events with any arguments travel both ways', async t => {
            const { client, socket } = await join(t);
            for (const list of args) {
                const came = next(socket, 'message');
                client.emit('message', ...list);
                assert.deepEqual(await came, list);
                assert.deepEqual((await client.event('back')).args, list);
            }
        });

        test('binary data travel both ways, nested and large', async t => {
            const { client, socket } = await join(t, { server: { maxHttpBufferSize: 4e6 } });
            const large = randomBytes(1_000_000);
            for (const list of [
                [Buffer.from([1, 2, 3]), Buffer.alloc(0), Buffer.from([0, 255, 10, 13, 30])],
                ['text', { deep: [{ data: Buffer.from('a') }, 1], more: Buffer.from('b') }, null],
                [large],
            ]) {
                const came = next(socket, 'message');
                client.emit('message', ...list);
                assert.deepEqual(await came, list);
                assert.deepEqual((await client.event('back')).args, list);
            }
        });

        test('the server asks, and the client replies with any arguments', async t => {
            const { socket } = await join(t);
            for (const list of [...args, [Buffer.from([9, 8]), { in: [Buffer.from('x')] }]]) {
                const reply = new Promise(done => socket.emit('question', ...list, (...got) => done(got)));
                assert.deepEqual(await within(reply, 'the reply'), list);
            }
        });

        test('the client asks, and the server replies, binary data too', async t => {
            const { client } = await join(t);
            assert.deepEqual((await client.call('ask', { of: [1, null] })).reply, { of: [1, null] });
            const data = randomBytes(10_000);
            const [size, back] = (await client.call('weigh', data)).reply;
            assert.equal(size, data.length);
            assert.deepEqual(Buffer.from(back, 'base64'), data);
        });

        test('a hundred questions at once, either way, find their answers', async t => {
            const { client, socket } = await join(t);
            const numbers = Array.from({ length: 100 }, (_, i) => i);
            const asked = await Promise.all(numbers.map(i => client.call('ask', i)));
            assert.deepEqual(asked.map(line => line.reply), numbers);
            assert.deepEqual(await Promise.all(numbers.map(i => ask(socket, 'question', i))), numbers);
        });

        test('who is not answered gives up in time, and an answer that comes late does no harm', async t => {
            const held = [];
            const set = io => io.on('connection', socket => socket.on('ask', (_, reply) => held.push(reply)));
            const { client, socket } = await join(t, { server: { set } });
            const { failed } = await client.call('ask', 1, { within: 100 });
            assert.deepEqual([failed.category, failed.message], ['socoro', 'operation has timed out']);
            held[0]('late');
            await assert.rejects(socket.timeout(50).emitWithAck('silence'), /timed out/);
            const second = client.call('ask', 2);
            await next(socket, 'ask');
            held[1]('in time');
            assert.equal((await second).reply, 'in time');
        });

        test('the time that is waited for a reply is an option', async t => {
            const set = io => io.on('connection', () => {});
            const { client } = await join(t, { server: { set }, client: { ackTimeout: 100 } });
            assert.equal((await client.call('ask', 1)).failed.message, 'operation has timed out');
        });

        test('namespaces share one connection, and each has its own events', async t => {
            const set = io => [io, io.of('/custom'), io.of(/^\/dynamic-\d+$/)].forEach(nsp => nsp.on('connection', echo));
            const { server, client, id } = await join(t, { server: { set } });
            const ids = new Set([id]);
            for (const nsp of ['/custom', '/dynamic-7']) ids.add((await client.open(nsp)).id);
            assert.equal(ids.size, 3);
            assert.equal(server.io.engine.clientsCount, 1);
            for (const nsp of ['/', '/custom', '/dynamic-7']) {
                client.emitIn(nsp, 'message', nsp, Buffer.from(nsp));
                assert.deepEqual(await client.event('back'), { on: 'event', nsp, name: 'back', args: [nsp, Buffer.from(nsp)] });
            }
            const left = next(server.io.of('/custom').sockets.values().next().value, 'disconnect');
            client.disconnect('/custom');
            assert.deepEqual((await left)[0], 'client namespace disconnect');
            client.emit('message', 'still here');
            assert.deepEqual((await client.event('back')).args, ['still here']);
            assert.equal(client.count({ on: 'disconnect', nsp: '/' }), 0);
        });

        test('more than the server takes at once goes in several requests, in order', async t => {
            const { client, socket } = await join(t, { server: { maxHttpBufferSize: 10_000 } });
            const items = collect(socket, 'item', 100);
            client.tell({ do: 'flood', count: 100, size: 1_000 });
            assert.deepEqual(await items, Array.from({ length: 100 }, (_, i) => i));
            assert.equal(socket.connected, true);
        });

        // Node's server may pass over an event when the disconnect has come with it, so that packets are counted.
        test('sends what was emitted before it closes', async t => {
            const { client, socket } = await join(t);
            const packets = [];
            socket.conn.on('message', data => packets.push(data));
            const left = next(socket, 'disconnect');
            client.tell({ do: 'flood', count: 200, size: 100 });
            await client.close();
            assert.deepEqual(packets.map(data => data.slice(0, 12)), [...Array.from({ length: 200 }, (_, i) => `2["item",${i},"xx`.slice(0, 12)), '1']);
            assert.equal((await left)[0], 'client namespace disconnect');
        });

        test('drain waits until everything has left', async t => {
            const { client, socket } = await join(t);
            const items = collect(socket, 'item', 50);
            client.tell({ do: 'flood', count: 50, size: 10_000 });
            client.tell({ do: 'drain' });
            await client.next({ on: 'drained' });
            await items;
        });

        test('the path, a query and header fields are options, and come with each connection', async t => {
            const server = await serve(t, { path: '/elsewhere/' });
            const client = startCaller(t, `${server.url}/custom?in=url`, {
                transports, path: '/elsewhere', query: { token: 'a b&c', ä: 'ö' }, extraHeaders: { 'X-Own': 'yes', 'User-Agent': 'me' },
            });
            const requests = [];
            server.io.engine.on('headers', (_, request) => requests.push(request));
            const came = server.connection('/custom');
            client.tell({ do: 'open' });
            const { handshake, conn } = await came;
            if (transports.length > 1) await next(conn, 'upgrade');
            assert.equal(handshake.query.transport, transports[0]);
            for (const { _query: { in: url, token, ä, transport }, headers } of requests) {
                assert.deepEqual({ url, token, ä }, { url: 'url', token: 'a b&c', ä: 'ö' });
                assert.equal(headers['x-own'], 'yes', transport);
                assert.equal(headers['user-agent'], 'me', transport);
            }
            assert.deepEqual(new Set(requests.map(request => request._query.transport)), new Set(transports));
        });

        // A WebSocket's answer brings none, as in the reference.
        if (transports[0] === 'polling') {
            for (const withCredentials of [true, false]) {
                test(`cookies ${withCredentials ? 'come back' : 'are left alone unless they are wanted'}`, async t => {
                    const cookies = [];
                    const set = io => {
                        io.engine.on('initial_headers', headers => { headers['set-cookie'] = ['color=red; Path=/', 'other=1; Path=/other']; });
                        io.engine.on('headers', (_, { headers }) => cookies.push(headers.cookie));
                        io.on('connection', echo);
                    };
                    const { server, client, socket } = await join(t, { server: { set, cookie: { name: 'io' } }, client: { withCredentials } });
                    const [first, ...rest] = cookies;
                    assert.equal(first, undefined);
                    assert.ok(rest.length > 0);
                    if (!withCredentials) return assert.deepEqual(new Set(rest), new Set([undefined]));
                    for (const sent of rest)
                        assert.deepEqual(new Set(sent.split('; ')), new Set([`io=${socket.conn.id}`, 'color=red']));
                    const again = server.connection();
                    socket.conn.close();
                    assert.match((await again).handshake.headers.cookie, /color=red/);
                    await client.next({ on: 'connect' });
                });
            }
        }
    });
}
