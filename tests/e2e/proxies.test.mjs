// SPDX-License-Identifier: BSL-1.0
// Two servers behind a proxy, as examples/proxies shows: nginx and HAProxy themselves.

import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { connect, connected, open, ways } from './helpers/client.mjs';
import { startProxy } from './helpers/proxies.mjs';
import { root } from './helpers/session.mjs';
import { send } from './helpers/raw.mjs';
import { start } from './helpers/server.mjs';
import { ask, collect, next } from './helpers/wait.mjs';

const timeout = 60_000;
const ping = 400;
const limit = 1_000_000;
/** The times of a proxy, as short as a test's patience. */
const inOneSecond = text => text.replace(/60s/g, '1s');

describe('behind a proxy', { timeout: 240_000 }, () => {
    const servers = [];
    before(async () => {
        for (let i = 0; i < 2; ++i)
            servers.push(await start('SOCORO_CONFORMANCE', { args: ['--options', JSON.stringify({ trustedProxies: 1, pingInterval: ping, pingTimeout: ping })] }));
    });
    after(() => Promise.all(servers.map(server => server.kill())));

    /** A client from another address of this machine, by which nginx knows it; HAProxy does by its cookie. */
    const visit = async (t, proxy, from, options) => {
        const agent = new Agent({ keepAlive: true, localAddress: `127.0.0.${from}` });
        t.after(() => agent.destroy());
        return connect(t, proxy.url, { agent, withCredentials: true, ...options });
    };
    const handshake = socket => ask(socket, 'handshake');

    /** Clients over each way, all of whose requests have to reach the server that knows them. */
    const crowd = async (t, proxy) => {
        const clients = await Promise.all(Array.from({ length: 24 }, (_, i) =>
            visit(t, proxy, i + 2, { transports: ways[i % ways.length] })));
        await Promise.all(clients.map(async (socket, i) => {
            const said = Array.from({ length: 10 }, (_, n) => `${i}.${n}`);
            for (const text of said) assert.deepEqual(await ask(socket, 'message-with-ack', text), text);
            assert.equal(socket.io.engine.transport.name, ways[i % ways.length].at(-1));
        }));
        // A broadcast reaches those of its own server alone.
        const heard = new Set();
        clients.forEach((socket, i) => socket.on('from all', () => heard.add(i)));
        const own = next(clients[0], 'from all');
        clients[0].emit('to all', 1);
        await own;
        await Promise.all(clients.map(socket => ask(socket, 'message-with-ack', 1)));
        assert.ok(heard.size > 0 && heard.size < clients.length, `${heard.size} of ${clients.length} heard it`);
    };

    for (const name of ['nginx', 'haproxy']) {
        it(`${name}: each client stays with one of the servers, and both have some`, { timeout }, async t => {
            await crowd(t, await startProxy(t, name, servers));
        });

        it(`${name}: the server knows whose request it is, whatever it claims`, { timeout }, async t => {
            const proxy = await startProxy(t, name, servers);
            for (const transports of ways) {
                const honest = await visit(t, proxy, 77, { transports });
                assert.equal((await handshake(honest)).address, '127.0.0.77');
                const liar = await visit(t, proxy, 78, { transports, extraHeaders: { 'X-Forwarded-For': '6.6.6.6' } });
                assert.equal((await handshake(liar)).address, '127.0.0.78');
            }
        });

        it(`${name}: what the server takes the proxy takes, and no more`, { timeout }, async t => {
            const proxy = await startProxy(t, name, servers);
            for (const transports of ways) {
                const socket = await visit(t, proxy, 3, { transports });
                const text = 'x'.repeat(900_000);
                assert.equal(await ask(socket, 'message-with-ack', text), text);
            }
            const opened = await send(proxy.port, `${root}polling`);
            const { sid } = JSON.parse(opened.body.slice(1));
            const cookie = (opened.headers['set-cookie'] ?? []).map(line => line.split(';')[0]).join('; ');
            const post = size => send(proxy.port, `${root}polling&sid=${sid}`, {
                method: 'POST', headers: { cookie }, body: '4'.repeat(size),
            });
            assert.equal((await post(limit + 1)).status, 413);
            // That the session is there still: it was nothing worse than too large.
            assert.equal((await post(limit)).status, 200);
        });

        it(`${name}: polls and silence last as long as pings come within its time`, { timeout }, async t => {
            const proxy = await startProxy(t, name, servers, inOneSecond);
            const sockets = await Promise.all(ways.map(transports => visit(t, proxy, 4, { transports })));
            const lost = [];
            for (const socket of sockets) socket.on('disconnect', reason => lost.push(reason));
            await Promise.all(sockets.map(socket => collect(socket.io.engine, 'ping', 6)));
            assert.deepEqual(lost, []);
        });

        it(`${name}: without pings within its time it ends what waits`, { timeout }, async t => {
            const slow = [];
            t.after(() => Promise.all(slow.map(server => server.kill())));
            for (let i = 0; i < 2; ++i) slow.push(await start('SOCORO_CONFORMANCE', { args: ['--options', '{"pingInterval":20000,"pingTimeout":20000}'] }));
            const proxy = await startProxy(t, name, slow, inOneSecond);
            const [polling, websocket] = await Promise.all(
                [['polling'], ['websocket']].map(transports => visit(t, proxy, 5, { transports })));
            const reasons = await Promise.all([polling, websocket].map(socket => next(socket, 'disconnect')));
            assert.deepEqual(reasons.map(([reason]) => reason), ['transport error', 'transport close']);
        });
    }

    it('haproxy: the cookie of the server is enough to stay with it', { timeout }, async t => {
        const baking = [];
        t.after(() => Promise.all(baking.map(server => server.kill())));
        for (let i = 0; i < 2; ++i) baking.push(await start('SOCORO_CONFORMANCE', { args: ['--options', '{"cookie":true}'] }));
        const proxy = await startProxy(t, 'haproxy', baking, text => text.replace(/cookie SRV .*/, 'cookie io prefix'));
        await crowd(t, proxy);
        const { headers, body } = await send(proxy.port, `${root}polling`);
        const { sid } = JSON.parse(body.slice(1));
        assert.match(headers['set-cookie'].join(), new RegExp(`^io=(one|two)~${sid}; Path=/; HttpOnly; SameSite=Lax$`));
    });

    it('nginx: with the HTTP/1.0 of its defaults everything works over polling, and nothing else', { timeout }, async t => {
        const plain = text => text.replace(/^.*(proxy_http_version|Upgrade|Connection).*$/gm, '').replace(/map[^}]*}/, '');
        const proxy = await startProxy(t, 'nginx', servers, plain);
        const polling = await visit(t, proxy, 6, { transports: ['polling'] });
        assert.equal(await ask(polling, 'message-with-ack', 'x'.repeat(300_000)), 'x'.repeat(300_000));

        const agent = new Agent({ keepAlive: true, localAddress: '127.0.0.6' });
        t.after(() => agent.destroy());
        const both = open(t, proxy.url, { agent });
        const failed = new Promise(done => both.io.on('open', () => both.io.engine.once('upgradeError', done)));
        await connected(both);
        assert.ok(await failed);
        assert.equal(both.io.engine.transport.name, 'polling');
        assert.equal(await ask(both, 'message-with-ack', 1), 1);

        const websocket = open(t, proxy.url, { agent, transports: ['websocket'] });
        const [error] = await next(websocket, 'connect_error');
        assert.equal(error.message, 'websocket error');
    });
});
