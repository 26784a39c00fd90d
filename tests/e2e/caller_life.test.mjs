// SPDX-License-Identifier: BSL-1.0
// Our client against Node's own server: credentials, refusals, and who ends what for which reason, compared with Node's own client.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startCaller } from './helpers/caller.mjs';
import { echo, pair, quick, reachable, serve, settled, startReference, ways } from './helpers/node_server.mjs';
import { next, within } from './helpers/wait.mjs';

const timeout = 30_000;
const concurrency = 4;

/** What a client told, without what is another each time. */
function story(client) {
    return client.lines.filter(line => !['end', 'closed', 'status'].includes(line.on)).map(line => {
        const { on, nsp, reason, message, data, active, name, args, recovered, attempt } = line;
        return JSON.parse(JSON.stringify({ on, nsp, reason, message, data, active, name, args, recovered: recovered || undefined, attempt }));
    });
}

/** Lets our client and Node's own go through the same, each with a server of its own; gives both stories. */
async function compare(t, transports, { server: set, client: options = {} }, act) {
    const stories = [];
    for (const start of [startCaller, startReference]) {
        const server = await serve(t, set);
        const client = start(t, server.url, { transports, ...quick, ...options });
        await act(client, server);
        stories.push(story(client));
    }
    assert.deepEqual(stories[0], stories[1]);
    return stories[0];
}

const admit = (socket, next) => {
    if (socket.handshake.auth.token === 'letmein') return next();
    const error = new Error('not authorized');
    error.data = { code: 'E401', deep: [null] };
    next(error);
};
const refused = { on: 'connect_error', message: 'not authorized', data: { code: 'E401', deep: [null] }, active: false };

for (const transports of ways) {
    describe(`the life of our client over ${transports.join(' and then ')}`, { concurrency }, () => {
        const test = (title, body) => it(title, { timeout }, body);

        test('credentials are a value, or asked for at each connect', async t => {
            const server = await serve(t);
            const client = startCaller(t, server.url, { transports, ...quick, auth: { token: ['a', null] } });
            server.io.of('/own').on('connection', echo);
            server.io.of('/asked').on('connection', echo);
            for (const [nsp, more, expected] of [
                ['/', {}, { token: ['a', null] }],
                ['/own', { auth: { other: 1 } }, { other: 1 }],
                ['/asked', { auth: 'counter' }, { count: 1 }],
            ]) {
                const [socket] = await Promise.all([server.connection(nsp), client.open(nsp, more)]);
                assert.deepEqual(socket.handshake.auth, expected);
            }
            const again = ['/', '/own', '/asked'].map(nsp => server.connection(nsp));
            for (const socket of server.io.sockets.sockets.values()) reachable(socket).then(() => socket.conn.close());
            const auths = (await Promise.all(again)).map(socket => socket.handshake.auth);
            assert.deepEqual(auths, [{ token: ['a', null] }, { other: 1 }, { count: 2 }]);
        });

        test('credentials that cannot be had end their socket, not the others', async t => {
            const { server, client } = await pair(t, transports);
            server.io.of('/asked').on('connection', echo);
            client.tell({ do: 'open', nsp: '/asked', auth: 'broken' });
            const { message, active } = await client.next({ on: 'connect_error' });
            assert.deepEqual([message, active], ['no token today', false]);
            await client.next({ on: 'end', nsp: '/asked' });
            client.emit('message', 1);
            await client.event('back');
        });

        test('middleware refuses with a message and data, for good, and other namespaces do not mind', async t => {
            const set = io => {
                io.on('connection', echo);
                io.of('/secret').use(admit).on('connection', echo);
            };
            const told = await compare(t, transports, { server: { set } }, async client => {
                await client.open();
                client.tell({ do: 'open', nsp: '/secret' });
                await client.next({ on: 'connect_error' });
                client.emit('message', 'still here');
                await client.event('back');
            });
            assert.deepEqual(told[1], { nsp: '/secret', ...refused });
            assert.equal(told.length, 3);
        });

        test('who waits for a refused connection is told, and may try again with other credentials', async t => {
            const set = io => io.use(admit).on('connection', echo);
            const server = await serve(t, { set });
            const client = startCaller(t, server.url, { transports });
            client.tell({ do: 'connect' });
            const { refusal, data, message } = await client.next({ on: 'not connected' });
            assert.deepEqual([refusal, data, message], [refused.message, refused.data, 'connection refused']);
            client.tell({ do: 'connect', auth: { token: 'letmein' } });
            const [{ id }, socket] = await Promise.all([client.next({ on: 'connected' }), server.connection()]);
            assert.equal(id, socket.id);
        });

        test('a namespace that is not there refuses', async t => {
            const told = await compare(t, transports, {}, async client => {
                await client.open();
                client.tell({ do: 'open', nsp: '/nowhere' });
                await client.next({ on: 'connect_error' });
            });
            assert.deepEqual(told[1], { on: 'connect_error', nsp: '/nowhere', message: 'Invalid namespace', data: null, active: false });
        });

        test('the server disconnects a socket, which stays away, and leaves the others', async t => {
            const set = io => [io, io.of('/other')].forEach(nsp => nsp.on('connection', echo));
            const told = await compare(t, transports, { server: { set } }, async (client, server) => {
                await client.open('/other');
                const [socket] = await Promise.all([server.connection(), client.open()]);
                socket.disconnect();
                await client.next({ on: 'disconnect' });
                const back = server.io.of('/other').fetchSockets().then(([other]) => other.emitWithAck('echo', 1));
                assert.equal(await within(back, 'the reply'), 1);
                await client.event('echo');
            });
            assert.deepEqual(told[2], { on: 'disconnect', nsp: '/', reason: 'io server disconnect', active: false });
        });

        test('the server closes the connection on purpose, and nobody comes back', async t => {
            const told = await compare(t, transports, {}, async (client, server) => {
                const [socket] = await Promise.all([server.connection(), client.open()]);
                await settled(socket, transports);
                // Node's server lets a timer of half a minute run on, and with it the process.
                socket.conn.transport.closeTimeout = 500;
                const closed = next(socket.conn, 'close');
                server.io.disconnectSockets(true);
                await client.next({ on: 'disconnect' });
                await closed;
                assert.equal(server.io.engine.clientsCount, 0);
            });
            assert.deepEqual(told[1], { on: 'disconnect', nsp: '/', reason: 'io server disconnect', active: false });
        });

        test('the client leaves', async t => {
            const told = await compare(t, transports, {}, async (client, server) => {
                const [socket] = await Promise.all([server.connection(), client.open()]);
                const left = next(socket, 'disconnect');
                const closed = next(socket.conn, 'close');
                client.disconnect();
                await client.next({ on: 'disconnect' });
                assert.equal((await left)[0], 'client namespace disconnect');
                await closed;
            });
            assert.deepEqual(told[1], { on: 'disconnect', nsp: '/', reason: 'io client disconnect', active: false });
        });

        test('the server is asked by many at once', async t => {
            const server = await serve(t);
            const clients = [0, 1, 2].map(() => startCaller(t, server.url, { transports, ...quick }));
            await Promise.all(clients.map(client => client.open()));
            assert.deepEqual(await server.io.timeout(5_000).emitWithAck('question', { n: 1 }), [{ n: 1 }, { n: 1 }, { n: 1 }]);
        });

        test('an event that is too large costs the connection, and is not sent again', async t => {
            const told = await compare(t, transports, { server: { maxHttpBufferSize: 10_000 } }, async (client, server) => {
                const [socket] = await Promise.all([server.connection(), client.open()]);
                await settled(socket, transports);
                client.emit('message', 'x'.repeat(20_000));
                await client.next({ on: 'disconnect' });
                await client.next({ on: 'connect' });
                client.emit('message', 'small');
                assert.deepEqual((await client.event('back')).args, ['small']);
            });
            assert.deepEqual(told.map(line => line.on), ['connect', 'disconnect', 'reconnect_attempt', 'connect', 'event']);
        });

        test('requests that are refused are tried again', async t => {
            let refusals = 0;
            const allowRequest = (_, decide) => decide('not now', ++refusals > 2);
            const told = await compare(t, transports, { server: { allowRequest } }, async client => {
                refusals = 0;
                await client.open();
            });
            assert.deepEqual(told.map(line => line.on), ['connect_error', 'reconnect_attempt', 'connect_error', 'reconnect_attempt', 'connect']);
        });

        test('who loses the connection before being let in is let in with the next', async t => {
            // The reference tells of a disconnect then, though it never told of a connection.
            let times = 0;
            const set = io => io.use((socket, go) => {
                if (++times > 1) go();
                else reachable(socket).then(() => socket.conn.close());
            }).on('connection', echo);
            const server = await serve(t, { set });
            const client = startCaller(t, server.url, { transports, ...quick });
            await client.open();
            client.emit('message', 'late');
            await client.event('back');
            assert.deepEqual(client.lines.map(line => line.on), ['reconnect_attempt', 'connect', 'event']);
        });

        test('nobody listens: without reconnection the first failure is the last', async t => {
            const server = await serve(t);
            await server.stop();
            const told = [];
            for (const start of [startCaller, startReference]) {
                const client = start(t, server.url, { transports, reconnection: false });
                client.tell({ do: 'open' });
                told.push((await client.next({ on: 'connect_error' })).message);
            }
            assert.equal(told[0], told[1]);
            assert.equal(told[0], transports[0] === 'polling' ? 'xhr poll error' : 'websocket error');
        });

        test('nobody listens: as many attempts as allowed, then none', async t => {
            const server = await serve(t);
            await server.stop();
            const client = startCaller(t, server.url, { transports, ...quick, reconnectionAttempts: 2 });
            client.tell({ do: 'open' });
            assert.equal((await client.next({ on: 'end' })).reason, 'reconnection failed');
            const heard = client.lines.map(({ on, attempt, why }) => [on, attempt ?? why?.message]);
            assert.deepEqual(heard.map(([on]) => on), ['connect_error', 'reconnect_attempt', 'connect_error', 'reconnect_attempt', 'connect_error', 'end']);
            assert.deepEqual(heard.filter(([on]) => on === 'reconnect_attempt').map(([, attempt]) => attempt), [1, 2]);
            assert.match(heard[0][1], /refused/i);
        });

        test('connect gives up in time', async t => {
            const set = io => io.use(() => {});
            const server = await serve(t, { set });
            const client = startCaller(t, server.url, { transports });
            client.tell({ do: 'connect', within: 300 });
            assert.equal((await client.next({ on: 'not connected' })).message, 'operation has timed out');
        });
    });
}

async function assertPolls(client) {
    for (let i = 0; i < 20; ++i) assert.equal((await client.call('ask', i)).reply, i);
    assert.equal((await client.status()).transport, 'polling');
    assert.equal(client.count({ on: 'disconnect' }), 0);
}

describe('which transport', { concurrency }, () => {
    const test = (title, body) => it(title, { timeout }, body);

    test('without upgrade it stays with polling', async t => {
        const { client, socket } = await pair(t, ['polling', 'websocket'], { client: { upgrade: false } });
        for (let i = 0; i < 10; ++i) assert.equal((await client.call('ask', i)).reply, i);
        assert.equal(socket.conn.transport.name, 'polling');
        assert.equal((await client.status()).transport, 'polling');
    });

    test('the next one is tried if the first fails and that is wanted', async t => {
        const server = await serve(t, { transports: ['polling'] });
        const client = startCaller(t, server.url, { transports: ['websocket', 'polling'], tryAllTransports: true });
        assert.equal((await client.open()).transport, 'polling');
        assert.equal(client.count({ on: 'connect_error' }), 0);
    });

    test('else it is not', async t => {
        const server = await serve(t, { transports: ['polling'] });
        const client = startCaller(t, server.url, { transports: ['websocket', 'polling'], ...quick });
        client.tell({ do: 'open' });
        for (let i = 0; i < 2; ++i) assert.equal((await client.next({ on: 'connect_error' })).message, 'websocket error');
    });

    test('a WebSocket that is refused leaves the session with polling', async t => {
        const server = await serve(t);
        const refused = new Promise(done => server.onUpgrade(stream => {
            stream.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
            stream.once('close', done);
        }));
        const client = startCaller(t, server.url, { transports: ['polling', 'websocket'] });
        await client.open();
        await within(refused, 'the attempt to upgrade');
        await assertPolls(client);
    });

    test('a WebSocket that is never answered does, too', async t => {
        const server = await serve(t);
        const held = new Promise(done => server.onUpgrade(done));
        const client = startCaller(t, server.url, { transports: ['polling', 'websocket'], upgradeTimeout: 300 });
        await client.open();
        const stream = await within(held, 'the attempt to upgrade');
        const given = next(stream.resume(), 'end');
        await assertPolls(client);
        await given;
        await assertPolls(client);
    });

    test('what both send without a pause during the upgrade arrives once, and in order', async t => {
        const total = 2_000;
        const number = Array.from({ length: total }, (_, i) => i);
        const got = [];
        const over = [];
        let goOn;
        const set = io => io.on('connection', socket => {
            socket.on('item', item => {
                got.push(item);
                over.push(socket.conn.transport.name);
                socket.emit('number', over.length - 1, 'x'.repeat(50));
                if (got.length === 300) goOn();
            });
        });
        const server = await serve(t, { set });
        server.onUpgrade((_, usual) => { goOn = usual; });
        const client = startCaller(t, server.url, { transports: ['polling', 'websocket'] });
        await client.open();
        for (let from = 0; from < total; from += 10) {
            for (let i = from; i < from + 10; ++i) client.emit('item', i);
            do await new Promise(setImmediate); while (from - got.length > 200);
        }
        const numbers = await client.collect(total, { name: 'number' });
        assert.deepEqual(got, number);
        assert.deepEqual(numbers.map(line => line.args[0]), number);
        assert.deepEqual([...new Set(over)], ['polling', 'websocket']);
    });

    test('a WebSocket that was got once is remembered, if that is wanted', async t => {
        const { server, socket } = await pair(t, ['polling', 'websocket'], { client: { rememberUpgrade: true } });
        const again = server.connection();
        socket.conn.close();
        assert.equal((await again).handshake.query.transport, 'websocket');
    });
});
