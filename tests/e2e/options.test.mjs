// SPDX-License-Identifier: BSL-1.0
// The server's options and hooks: our answers beside those of Node's own server with the same options, byte for byte, and what a
// browser makes of them.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { connect as tcpConnect } from 'node:net';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { io } from 'socket.io-client';
import oldClient from 'socket.io-client-v2';
import { launch } from './helpers/browser.mjs';
import { RawWebSocket, send } from './helpers/raw.mjs';
import { answerTo, both, bytesOf, comparable, startOurs, webSocket } from './helpers/same_server.mjs';
import { joinPolling, openPolling, root } from './helpers/session.mjs';
import { ask, next, within } from './helpers/wait.mjs';

const timeout = 30_000;
const require = createRequire(import.meta.url);
const polling = `${root}polling`;
const overWebSocket = `${root}websocket`;
const test = (title, body) => it(title, { timeout }, body);

/** The answers of both to the same requests, each on a connection of its own; `{sid}` in a path is a session's. */
async function answers(servers, requests) {
    return Promise.all(servers.map(async ({ port }) => {
        const { sid } = await openPolling(port, { Host: 'own.example' });
        const all = [];
        for (const [method, path, headers, body] of requests) {
            const asked = bytesOf(method, path.replace('{sid}', sid), headers, body);
            all.push({ asked: `${method} ${path} ${JSON.stringify(headers ?? {})}`, ...comparable(await answerTo(port, asked)) });
        }
        return all;
    }));
}

async function assertSame(servers, requests) {
    const [ours, nodes] = await answers(servers, requests);
    assert.deepEqual(ours, nodes);
    return ours;
}

/** One of each kind of request, with these header fields. */
const everything = headers => [
    ['GET', polling, headers],
    ['POST', `${polling}&sid={sid}`, headers, '40'],
    ['GET', `${polling}&sid={sid}`, headers],
    ['PUT', `${polling}&sid={sid}`, headers],
    ['GET', `${polling}&sid=nobody`, headers],
    ['GET', '/socket.io/?transport=polling&EIO=3', headers],
    ['GET', overWebSocket, { ...headers, ...webSocket }],
    ['GET', `${overWebSocket}&sid={sid}`, { ...headers, ...webSocket }],
    ['GET', `${overWebSocket}&sid=nobody`, { ...headers, ...webSocket }],
];

const preflights = headers => ['/socket.io/socket.io.js', polling].map(path =>
    ['OPTIONS', path, { ...headers, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'x-one, x-two' }]);

describe('the options of the server, beside those of Node\'s', { timeout: 300_000 }, () => {
    describe('CORS', () => {
        const all = {
            origin: ['http://a.example', 'http://b.example'], credentials: true, methods: ['GET', 'POST'],
            allowedHeaders: ['x-a', 'x-b'], exposedHeaders: ['X-One', 'X-Two'], maxAge: 600,
        };
        const cases = {
            'a list': [{ origin: ['http://a.example', 'http://b.example'] }, ['http://a.example', 'http://evil.example', undefined]],
            'a list, and all that can be set': [all, ['http://b.example', 'http://evil.example', undefined]],
            'every origin': [{ origin: '*' }, ['http://a.example', undefined]],
            // Node names the one origin to everybody; a browser draws the same conclusion from ours, which does not.
            'one origin': [{ origin: 'http://a.example' }, ['http://a.example']],
            // Node says nothing to an origin that the predicate refuses; ours tells caches that the answer depends on it.
            'a predicate': [{ originSuffix: '.example', credentials: true }, ['http://a.example']],
        };
        for (const [title, [cors, origins]] of Object.entries(cases)) {
            test(`${title}: every answer has the same fields`, async t => {
                const servers = await both(t, { cors, checkOrigin: 'never' });
                for (const origin of origins) {
                    const headers = origin ? { Origin: origin } : {};
                    const ours = await assertSame(servers, [...everything(headers), ...preflights(headers)]);
                    const named = ours.some(answer => answer.head.some(line => line.startsWith('Access-Control-Allow-Origin')));
                    assert.equal(named, cors.origin === '*' || /http:\/\/[ab]\./.test(origin), `${origin}`);
                    const [script, theirs] = await Promise.all(servers.map(async ({ port }) =>
                        comparable(await answerTo(port, bytesOf('GET', '/socket.io/socket.io.js', headers)))));
                    assert.deepEqual(script.head, theirs.head);
                }
            });
        }

        test('where a browser decides alike, ours says less: foreign origins', async t => {
            for (const cors of [{ origin: 'http://a.example' }, { originSuffix: '.example' }]) {
                const ours = await startOurs(t, { cors });
                const { head } = await answerTo(ours.port, bytesOf('GET', polling, { Origin: 'http://evil.test' }));
                assert.deepEqual(head.filter(line => /^(access|vary)/i.test(line)), ['Vary: Origin']);
            }
        });

        test('without the option there are no fields, and a preflight is no handshake', async t => {
            const servers = await both(t, {});
            const headers = { Origin: 'http://a.example' };
            // For the script Node looks at no method.
            await assertSame(servers, [...everything(headers), ...preflights(headers).slice(1)]);
        });
    });

    describe('the path', () => {
        for (const addTrailingSlash of [true, false]) {
            test(`addTrailingSlash: ${addTrailingSlash}`, async t => {
                const servers = await both(t, { addTrailingSlash });
                const query = 'EIO=4&transport=polling';
                const paths = [`/socket.io/?${query}`, `/socket.io/x?${query}`, '/socket.io/', `/socket.io/socket.io.jsx?${query}`];
                // Node's server without a program answers no other path at all, so these are compared only where they are its own.
                if (!addTrailingSlash) paths.push(`/socket.io?${query}`, '/socket.io');
                await assertSame(servers, paths.map(path => ['GET', path]));
                const [{ port }] = servers;
                const status = async path => (await send(port, path)).status;
                assert.equal(await status(`/socket.io?${query}`), addTrailingSlash ? 404 : 200);
                // Node's takes this for its own without the slash.
                assert.equal(await status(`/socket.iox?${query}`), 404);
            });
        }
    });

    describe('the cookie', () => {
        const cookies = [
            true,
            { name: 'c', path: '/p', httpOnly: false, sameSite: 'strict', secure: true, domain: 'a.b', maxAge: 60 },
            { name: 'x', sameSite: 'none', partitioned: true },
        ];
        for (const cookie of cookies) {
            test(`${JSON.stringify(cookie)} is set by the polling handshake alone`, async t => {
                const servers = await both(t, { cookie });
                const ours = await assertSame(servers, everything({}));
                const sets = ours.map(answer => answer.head.some(line => line.startsWith('Set-Cookie: ')));
                assert.deepEqual(sets, [true, false, false, false, false, false, false, false, false]);
                const { headers, body } = await send(servers[0].port, polling);
                const { sid } = JSON.parse(body.slice(1));
                assert.ok(headers['set-cookie'][0].startsWith(`${cookie.name ?? 'io'}=${sid}; `));
            });
        }
    });

    describe('allowRequest', () => {
        test('refuses in the same words over either transport, and is asked about the same requests', async t => {
            const servers = await both(t, { allowRequest: true });
            const deny = `&deny=${encodeURIComponent('not "you" ö')}`;
            const asked = [
                ['GET', polling + deny], ['GET', overWebSocket + deny, webSocket], ['POST', polling + deny],
                ['GET', `/socket.io/?EIO=3&transport=polling${deny}`], ['GET', `${polling}&sid=nobody${deny}`],
                ['POST', `${polling}&sid={sid}${deny}`, {}, '40'], ['GET', overWebSocket + deny],
                ...everything({}),
            ];
            const strip = answer => ({ ...answer, head: answer.head.filter(line => !line.startsWith('x-step')) });
            const [mine, nodes] = await answers(servers, asked);
            assert.deepEqual(mine.map(strip), nodes.map(strip));
            assert.equal(mine[0].body, Buffer.from('{"code":4,"message":"not \\"you\\" ö"}').toString('latin1'));
        });

        test('an exception of another kind tells the client nothing, and the server goes on', async t => {
            const server = await startOurs(t, { allowRequest: true });
            const answer = await send(server.port, `${polling}&bug`);
            assert.deepEqual([answer.status, answer.body], [403, '{"code":4,"message":"Forbidden"}']);
            const raw = await answerTo(server.port, bytesOf('GET', `${overWebSocket}&bug`, webSocket));
            assert.deepEqual([raw.head[0], raw.body], ['HTTP/1.1 400 Bad Request', 'Forbidden']);
            await joinPolling(server.port);
        });

        for (const transports of [['polling'], ['websocket']]) {
            test(`Node's client is told over ${transports}`, async t => {
                const server = await startOurs(t, { allowRequest: true });
                const socket = io(server.url, { transports, reconnection: false, query: { deny: 'go away' } });
                t.after(() => socket.disconnect());
                const [error] = await next(socket, 'connect_error');
                assert.match(error.message, transports[0] === 'polling' ? /^xhr poll error$/ : /^websocket error$/);
                if (transports[0] === 'polling') assert.equal(error.description, 403);
            });
        }
    });

    describe('steps before every request', () => {
        test('add fields to the same answers, refuse and answer alike', async t => {
            const servers = await both(t, { useRequests: true });
            const ours = await assertSame(servers, [
                ...everything({}),
                ['GET', `${polling}&own`], ['GET', `${polling}&sid={sid}&own`], ['OPTIONS', polling], ['GET', '/socket.io/?own'],
            ]);
            const seen = ours.map(answer => answer.head.includes('x-step: seen'));
            // A refused WebSocket is answered raw.
            assert.deepEqual(seen, [true, true, true, true, true, true, true, true, false, true, true, true, true]);
            // Node's never tells why; a refusal of ours is meant to be told. WebSockets are refused raw by either.
            const [mine, nodes] = await answers(servers, [['GET', `${polling}&deny=x`], ['GET', `${overWebSocket}&deny=x`, webSocket]]);
            assert.deepEqual(mine.map(answer => answer.head), nodes.map(answer => answer.head));
            assert.deepEqual(mine.map(answer => answer.body), ['{"code":3,"message":"x"}', 'x']);
            assert.deepEqual(nodes.map(answer => answer.body), ['{"code":3,"message":"Bad request"}', 'Bad request']);
        });

        test('Node\'s client connects and upgrades through them', async t => {
            const server = await startOurs(t, { useRequests: true, tell: true });
            const socket = io(server.url);
            t.after(() => socket.disconnect());
            await next(socket, 'connect');
            const engine = socket.io.engine;
            if (engine.transport.name !== 'websocket') await next(engine, 'upgrade');
            const { id } = engine;
            await server.printed(new RegExp(`^opened ${id} polling$`, 'm'));
            await server.printed(new RegExp(`^upgraded ${id} polling websocket$`, 'm'));
            socket.disconnect();
            await server.printed(new RegExp(`^closed ${id} websocket: (transport close|forced close)$`, 'm'));
        });
    });

    test('the hooks for header fields reach the same answers', async t => {
        const servers = await both(t, { headers: true, cookie: true, cors: { origin: ['http://a.example'] }, checkOrigin: 'never' });
        const ours = await assertSame(servers, everything({ Origin: 'http://a.example' }));
        const has = (answer, line) => answer.head.includes(line);
        assert.deepEqual(ours.map(answer => has(answer, 'x-each: 2')), [true, true, true, false, false, false, true, true, false]);
        assert.deepEqual(ours.map(answer => has(answer, 'x-initial: 1')), [true, false, false, false, false, false, true, false, false]);
    });

    test('sids are what the program makes, and never one that is there', async t => {
        const [ours, nodes] = await both(t, { generateId: true });
        for (const { port } of [ours, nodes]) {
            const { body } = await send(port, `${polling}&id=one`);
            assert.match(body, /^0\{"sid":"one",/);
        }
        for (const id of ['one', '', 'a%20b']) {
            const answer = await send(ours.port, `${polling}&id=${id}`);
            assert.deepEqual([answer.status, answer.body], [400, '{"code":3,"message":"Bad request"}'], id);
            const raw = await answerTo(ours.port, bytesOf('GET', `${overWebSocket}&id=${id}`, webSocket));
            assert.deepEqual([raw.head[0], raw.body], ['HTTP/1.1 400 Bad Request', 'Bad request'], id);
        }
        // Who takes a sid that is there takes the session over: the reference lets anybody do so.
        assert.equal((await send(nodes.port, `${polling}&id=one`)).status, 200);
    });
});

describe('limits of the server', { timeout: 60_000 }, () => {
    test('more clients than maxClients are told so', async t => {
        const server = await startOurs(t, { maxClients: 1, tell: true });
        const first = await RawWebSocket.open(server.port, overWebSocket);
        t.after(() => first.destroy());
        await first.text();
        const answer = await send(server.port, polling);
        assert.deepEqual([answer.status, answer.body], [503, 'Service Unavailable']);
        await server.printed(/^refused 503 Service Unavailable MAX_CLIENTS GET$/m);
        const socket = io(server.url, { reconnectionDelay: 20, reconnectionDelayMax: 20 });
        t.after(() => socket.disconnect());
        await next(socket, 'connect_error');
        first.destroy();
        await next(socket, 'connect');
    });

    test('more connections than maxConnections are closed', async t => {
        const server = await startOurs(t, { maxConnections: 2, tell: true });
        const held = [await RawWebSocket.open(server.port, overWebSocket), await RawWebSocket.open(server.port, overWebSocket)];
        t.after(() => held.forEach(socket => socket.destroy()));
        for (let i = 0; i < 100; ++i) {
            const extra = tcpConnect(server.port, '127.0.0.1');
            extra.on('error', () => {});
            await within(once(extra, 'close'), 'the end of a connection too many');
        }
        await server.printed(/^dropped 100$/m);
        held.pop().destroy();
        for (;;) {
            const answer = await send(server.port, polling).catch(() => undefined);
            if (answer?.status === 200) break;
        }
        server.assertAlive();
    });
});

describe('clients of other times', { timeout: 60_000 }, () => {
    const requests = [
        ['GET', '/socket.io/?EIO=3&transport=polling&b64=1'],
        ['GET', '/socket.io/?EIO=3&transport=websocket'],
        ['GET', '/socket.io/?EIO=3&transport=polling&j=0'],
        ['GET', '/socket.io/1/?t=1'],
        ['GET', '/socket.io/1/websocket/abc'],
        ['POST', '/socket.io/?EIO=3&transport=polling&j=0'],
    ];
    test('are answered as Node\'s server answers them', async t => assertSame(await both(t, {}), requests));

    test('JSONP, which no client of this protocol speaks, gets no script', async t => {
        const server = await startOurs(t, {});
        const answer = await send(server.port, `${polling}&j=0`);
        assert.equal(answer.headers['content-type'], 'text/plain; charset=UTF-8');
        assert.match(answer.body, /^0\{"sid":/);
    });

    for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
        test(`the client of version 2 is refused over ${transports.join(', ')}, and harms nobody`, async t => {
            const server = await startOurs(t, { tell: true });
            const old = oldClient(server.url, { transports, reconnection: false });
            t.after(() => old.close());
            const [error] = await next(old, 'connect_error');
            assert.equal(error.message ?? error, transports[0] === 'polling' ? 'xhr poll error' : 'websocket error');
            await server.printed(/^refused 5 Unsupported protocol version protocol GET$/m);
            const socket = io(server.url);
            t.after(() => socket.disconnect());
            await next(socket, 'connect');
            assert.deepEqual(await ask(socket, 'message-with-ack', 1), 1);
        });
    }
});

describe('pages of other origins', { timeout: 120_000 }, () => {
    let browser;
    let pages;
    before(async () => {
        browser = await launch();
        const content = await readFile(join(dirname(require.resolve('socket.io-client/package.json')), 'dist', 'socket.io.min.js'));
        pages = createServer((request, response) => {
            const isScript = request.url === '/socket.io.min.js';
            response.writeHead(200, { 'Content-Type': isScript ? 'text/javascript' : 'text/html' });
            response.end(isScript ? content : '<!doctype html><script src="/socket.io.min.js"></script>');
        });
        pages.listen(0, '127.0.0.1');
        await once(pages, 'listening');
    });
    after(async () => {
        await browser?.close();
        pages?.close();
        pages?.closeAllConnections();
    });

    /** A page of another origin than the server's: another port of the same host, so cookies of the host are sent along. */
    async function openPage(t) {
        const context = await browser.newContext();
        t.after(() => context.close());
        const page = await context.newPage();
        await page.goto(`http://127.0.0.1:${pages.address().port}/`);
        return page;
    }
    const own = () => `http://127.0.0.1:${pages.address().port}`;

    /** What comes of a client in the page: "connected", with what the server saw, or how it failed. */
    const connect = (page, url, options) => page.evaluate(async ([to, given]) => {
        const socket = window.io(to, { reconnection: false, forceNew: true, ...given });
        const end = await new Promise(done => {
            socket.on('connect', done);
            socket.on('connect_error', error => done(error.message));
        });
        if (end) return end;
        const seen = await socket.timeout(10_000).emitWithAck('handshake');
        const sid = socket.io.engine.id;
        socket.disconnect();
        return { sid, cookies: seen.cookies };
    }, [url, options]);

    test('without CORS polling is not for them, and a WebSocket is, as in the reference', async t => {
        const server = await startOurs(t, {});
        const page = await openPage(t);
        assert.equal(await connect(page, server.url, { transports: ['polling'] }), 'xhr poll error');
        assert.equal(typeof await connect(page, server.url, { transports: ['websocket'] }), 'object');
    });

    for (const [title, options] of [
        ['checkOrigin: always', { checkOrigin: 'always' }],
        ['credentials', { cors: { origin: 'http://friend.example', credentials: true } }],
        ['a cookie', { cookie: true }],
    ]) {
        test(`${title}: neither transport is for them, and the hook is told`, async t => {
            const server = await startOurs(t, { ...options, tell: true });
            const page = await openPage(t);
            assert.equal(await connect(page, server.url, { transports: ['websocket'] }), 'websocket error');
            await server.printed(/^refused 4 Forbidden FOREIGN_ORIGIN GET$/m);
            assert.equal(await connect(page, server.url, { transports: ['polling'] }), 'xhr poll error');
            const answer = await send(server.port, polling, { headers: { Origin: own() } });
            assert.deepEqual([answer.status, answer.body], [403, '{"code":4,"message":"Forbidden"}']);
            // Programs have no origin, and pages of the server have its own.
            await joinPolling(server.port);
            const same = await send(server.port, polling, { headers: { Origin: server.url } });
            assert.equal(same.status, 200);
        });
    }

    test('checkOrigin: never lets them in, whatever cookies they bring', async t => {
        const server = await startOurs(t, { cookie: true, checkOrigin: 'never' });
        const page = await openPage(t);
        assert.equal(typeof await connect(page, server.url, { transports: ['websocket'] }), 'object');
    });

    for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
        test(`those that are allowed connect over ${transports.join(', ')}, preflights and all`, async t => {
            const server = await startOurs(t, { cors: { origin: own(), allowedHeaders: ['x-mine'] }, checkOrigin: 'always' });
            const page = await openPage(t);
            const extraHeaders = { 'x-mine': '1' };
            assert.equal(typeof await connect(page, server.url, { transports, extraHeaders }), 'object');
            const foreign = { 'x-other': '1' };
            if (transports.length === 1 && transports[0] === 'polling') {
                assert.equal(await connect(page, server.url, { transports, extraHeaders: foreign }), 'xhr poll error');
            }
        });
    }

    test('with credentials the cookie comes back, without them it does not', async t => {
        const server = await startOurs(t, { cors: { origin: own(), credentials: true }, cookie: true });
        const page = await openPage(t);
        const first = await connect(page, server.url, { transports: ['polling'], withCredentials: true });
        assert.deepEqual(first.cookies, {});
        const second = await connect(page, server.url, { transports: ['polling'], withCredentials: true });
        assert.deepEqual(second.cookies, { io: first.sid });
        const third = await connect(page, server.url, { transports: ['polling'], withCredentials: false });
        assert.deepEqual(third.cookies, {});
        // A WebSocket always brings it: that is why its origin matters.
        const fourth = await connect(page, server.url, { transports: ['websocket'] });
        assert.deepEqual(fourth.cookies, { io: second.sid });
    });

    test('what is allowed without credentials is not allowed with them', async t => {
        const server = await startOurs(t, { cors: { origin: '*' } });
        const page = await openPage(t);
        assert.equal(typeof await connect(page, server.url, { transports: ['polling'] }), 'object');
        assert.equal(await connect(page, server.url, { transports: ['polling'], withCredentials: true }), 'xhr poll error');
    });

    test('the answers can be read where fields are exposed', async t => {
        const server = await startOurs(t, { cors: { origin: own(), exposedHeaders: ['x-each'] }, headers: true });
        const page = await openPage(t);
        const fields = await page.evaluate(async url => {
            const answer = await fetch(`${url}/socket.io/?EIO=4&transport=polling`);
            return [answer.headers.get('x-each'), answer.headers.get('x-initial')];
        }, server.url);
        assert.deepEqual(fields, ['2', null]);
    });
});
