// SPDX-License-Identifier: BSL-1.0
// socoro beside the HTTP server of a program: its examples, with Node's client and a browser as users.

import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { launch } from './helpers/browser.mjs';
import { connect, open, ways } from './helpers/client.mjs';
import { root } from './helpers/session.mjs';
import { exchange, send } from './helpers/raw.mjs';
import { start } from './helpers/server.mjs';
import { ask, next } from './helpers/wait.mjs';

const timeout = 30_000;
const hosts = [
    { name: 'attach_asio', args: [], title: 'a server on plain Asio', keeps: true },
    { name: 'attach_asio', args: ['--back', 'no'], title: 'one that wants no connection back', keeps: false },
    { name: 'attach_beast', args: [], title: 'a server on Boost.Beast, in a thread of its own', keeps: true },
];

for (const { name, args, title, keeps } of hosts) describe(`beside ${title}`, { timeout: 120_000 }, () => {
    let server, browser;
    before(async () => {
        server = await start('SOCORO_EXAMPLES', { name, args });
        browser = await launch();
    });
    after(async () => {
        await browser.close();
        await server.kill();
    });

    for (const transports of ways) it(`a client is served over ${transports.join(' and ')}`, { timeout }, async t => {
        const socket = await connect(t, server.url, { transports });
        assert.equal(await ask(socket, 'shout', 'hello'), 'HELLO');
        assert.equal(await ask(socket, 'shout', 'x'.repeat(300_000)), 'X'.repeat(300_000));
    });

    it('pages and polls take turns on one connection', { timeout }, async t => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        t.after(() => agent.destroy());
        const ports = new Set();
        const get = async (path, options = {}) => {
            const answer = await send(server.port, path, { agent, ...options });
            ports.add(answer.localPort);
            return answer;
        };
        assert.match((await get('/')).body, /<title>shout</);
        const { sid } = JSON.parse((await get(`${root}polling`)).body.slice(1));
        const session = `${root}polling&sid=${sid}`;
        const first = Number((await get('/visits')).body);
        assert.equal((await get(session, { method: 'POST', body: '40' })).body, 'ok');
        assert.equal(Number((await get('/visits')).body), first + 1);
        assert.match((await get(session)).body, /^40\{/);
        assert.equal((await get('/nowhere')).status, 404);
        assert.equal((await get(session, { method: 'POST', body: '420["shout","a"]' })).body, 'ok');
        assert.equal((await get(session)).body, '430["A"]');
        // Three of the host's requests came behind one of the sockets'.
        assert.equal(ports.size, keeps ? 1 : 5);
    });

    it('an upgrade that is not for the sockets is left to the host', { timeout }, async () => {
        const upgrade = 'GET /elsewhere HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
            'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
        const bare = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
        const poll = `GET ${root}nonsense HTTP/1.1\r\nHost: a\r\n\r\n`;
        const lines = (await exchange(server.port, poll + upgrade + bare)).match(/HTTP\/1.*|Connection:.*/gi);
        assert.deepEqual(lines.map(line => line.trim().toLowerCase()), keeps
            ? ['http/1.1 400 bad request', 'http/1.1 404 not found', 'http/1.1 200 ok', 'connection: close']
            : ['http/1.1 400 bad request', 'connection: close']);
    });

    for (const search of ['?polling', '']) it(`a browser shows the page and talks to the sockets (${search || 'WebSocket'})`, { timeout }, async t => {
        const context = await browser.newContext();
        t.after(() => context.close());
        const page = await context.newPage();
        const complaints = [];
        page.on('pageerror', error => complaints.push(String(error)));
        page.on('response', response => { if (response.status() >= 400 && !response.url().endsWith('/favicon.ico')) complaints.push(response.url()); });
        await page.goto(`${server.url}/${search}`);
        const visits = Number(await (await fetch(`${server.url}/visits`)).text());
        for (let round = 1; round <= 20; ++round) {
            await page.fill('[name=word]', `hello ${round}`);
            await page.click('button');
            await page.waitForFunction(([heard, count]) =>
                document.querySelector('[name=heard]').value === heard &&
                document.querySelector('[name=visits]').value === count, [`HELLO ${round}`, `${visits + round}`]);
        }
        await page.reload();
        await page.click('button');
        await page.waitForFunction(() => document.querySelector('[name=heard]').value === 'HELLO');
        assert.deepEqual(complaints, []);
    });

    it('many clients come and go', { timeout }, async t => {
        const visit = async (_, i) => {
            const socket = await connect(t, server.url, { transports: ways[i % ways.length] });
            assert.equal(await ask(socket, 'shout', `a${i}`), `A${i}`);
            socket.disconnect();
        };
        await Promise.all(Array.from({ length: 60 }, visit));
        server.assertAlive();
    });

    it('an interruption ends all of it', { timeout }, async t => {
        const other = await start('SOCORO_EXAMPLES', { name, args });
        t.after(() => other.kill());
        const sockets = await Promise.all(ways.map(transports => connect(t, other.url, { transports })));
        const told = sockets.map(socket => next(socket, 'disconnect'));
        const begin = Date.now();
        await other.stop('SIGTERM');
        await Promise.all(told);
        assert.ok(Date.now() - begin < 2_000);
        const [error] = await next(open(t, other.url), 'connect_error');
        assert.ok(error);
    });
});
