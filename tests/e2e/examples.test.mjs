// SPDX-License-Identifier: BSL-1.0
// Every example program in one short conversation, at the end of which it is interrupted.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import parser from 'socket.io-msgpack-parser';
import { connect, open } from './helpers/client.mjs';
import { RawWebSocket, send } from './helpers/raw.mjs';
import { start } from './helpers/server.mjs';
import { ask, next } from './helpers/wait.mjs';

const timeout = 30_000;
const patience = 2_000;  // what an example gives those who do not end by themselves
const websocket = { transports: ['websocket'] };
const bytes = (...list) => Buffer.from(list);

/** Interrupts the server; it ends by itself, and the sockets are told. */
async function interrupt(server, signal, sockets) {
    const told = sockets.map(async socket => {
        const polls = socket.io.engine.transport.name === 'polling';
        const [reason] = await next(socket, 'disconnect');
        // Whoever was between two polls finds nobody who listens.
        if (!(polls && reason === 'transport error')) assert.equal(reason, 'transport close');
    });
    const begin = Date.now();
    await server.stop(signal);
    const took = Date.now() - begin;
    await Promise.all(told);
    assert.ok(took < patience, `it took ${took} ms to close`);
}

describe('the examples', { timeout: 120_000 }, () => {
    /** A conversation with the program of this name, then the signal while all its sockets are connected. */
    const test = (name, title, signal, converse) => it(`${name}: ${title}`, { timeout }, async t => {
        const server = await start('SOCORO_EXAMPLES', { name });
        t.after(() => server.kill());
        const sockets = [];
        const visit = async (options = websocket) => {
            const socket = await connect(t, server.url, options);
            sockets.push(socket);
            return socket;
        };
        await converse(visit, server, t);
        assert.ok(sockets.length > 0);
        await interrupt(server, signal, sockets);
    });

    test('rooms', 'who is in a room hears what is said to it', 'SIGTERM', async visit => {
        const [ann, ben, cem] = [await visit(), await visit({ transports: ['polling'] }), await visit()];
        assert.deepEqual(await ask(ann, 'enter', 'kitchen'), [ann.id]);
        assert.deepEqual(new Set(await ask(ben, 'enter', 'kitchen')), new Set([ann.id, ben.id]));

        const inside = next(ben, 'said');
        const outside = next(cem, 'said');
        ann.emit('say', 'kitchen', 'soup');
        ann.emit('say outside', 'kitchen', 'surprise');
        assert.deepEqual(await inside, [ann.id, 'soup']);
        assert.deepEqual(await outside, [ann.id, 'surprise']);

        const left = next(ben, 'left');
        ann.emit('leave', 'kitchen');
        assert.deepEqual(await left, [ann.id]);
    });

    test('ack', 'both sides ask, and some do not answer', 'SIGINT', async (visit, server, t) => {
        const socket = open(t, server.url, websocket);
        socket.on('introduce yourself', reply => reply('Ann'));
        assert.deepEqual(await next(socket, 'welcome'), ['Ann']);

        const [asker, voter] = [await visit(), await visit()];
        const greeted = await Promise.all([asker, voter].map(stranger => next(stranger, 'welcome')));
        assert.deepEqual(greeted, [['stranger'], ['stranger']]);
        voter.on('vote', (question, reply) => reply(question === 'Soup?'));
        assert.equal(await ask(asker, 'add', 1.5, 2), 3.5);
        assert.deepEqual(await ask(asker, 'survey', 'Soup?'), { yes: 1, no: 0, silent: 1 });
    });

    test('auth', 'a token in the credentials or in a cookie lets in', 'SIGTERM', async (visit, server, t) => {
        const stranger = open(t, server.url, { ...websocket, auth: { token: 'guess' } });
        const [refusal] = await next(stranger, 'connect_error');
        assert.equal(refusal.message, 'not authorized');
        assert.deepEqual(refusal.data, { code: 'E_TOKEN' });

        const ann = await visit({ ...websocket, auth: { token: 'letmein' } });
        const baker = await visit({ ...websocket, extraHeaders: { cookie: 'theme=dark; token=letmein' } });
        assert.equal(await ask(ann, 'whoami'), 'Ann');
        assert.equal(await ask(baker, 'whoami'), 'Ann');
    });

    test('binary', 'a picture comes back as it was', 'SIGINT', async visit => {
        const [ann, ben] = [await visit(), await visit({ transports: ['polling'] })];
        const cat = { name: 'cat', type: 'image/png', content: bytes(0x89, 0x50, 0x4e, 0x47, 0, 255) };
        const added = next(ben, 'added');
        assert.equal(await ask(ann, 'add', cat), true);
        assert.deepEqual(await added, [{ name: 'cat', size: 6, first_bytes: bytes(0x89, 0x50, 0x4e, 0x47) }]);
        assert.deepEqual(await ask(ben, 'show', 'cat'), cat);
        assert.equal(await ask(ben, 'show', 'dog'), null);
    });

    test('msgpack', 'samples and the largest of them, from a client with the same parser', 'SIGTERM', async visit => {
        const [roof, watcher] = [await visit({ ...websocket, parser }), await visit({ transports: ['polling'], parser })];
        const sample = { sensor: 'roof', at: new Date(1.7e12 + 123), values: [0.1, 21.5, -3], raw: bytes(0, 255) };
        const seen = next(watcher, 'sample');
        roof.emit('sample', sample);
        assert.deepEqual(await seen, [{ ...sample, at: sample.at.toJSON() }]);
        assert.equal(await ask(watcher, 'peak', 'roof'), 21.5);
        assert.equal(await ask(watcher, 'peak', 'cellar'), null);
    });

    test('select', 'the first event decides what is asked, and then all are served', 'SIGTERM', async visit => {
        const [ann, ben] = [await visit(), await visit()];
        const question = next(ann, 'question');
        ann.emit('hard');
        assert.deepEqual(await question, ['17 * 23?']);
        const verdict = next(ann, 'verdict');
        ann.emit('answer', '391');
        assert.deepEqual(await verdict, ['right']);

        const chat = next(ben, 'chat');
        ann.emit('chat', 'easy');
        assert.deepEqual(await chat, ['easy']);
        assert.equal(await ask(ann, 'players'), 2);
    });

    test('ticker', 'a timer, a thread and a request speak to everybody', 'SIGINT', async (visit, server) => {
        const [ann, ben] = [await visit(), await visit({ transports: ['polling'] })];
        const [[first], [reading]] = await Promise.all([next(ann, 'tick'), next(ann, 'reading')]);
        assert.equal(typeof reading, 'number');
        assert.deepEqual(await next(ann, 'tick'), [first + 1]);

        const news = [next(ann, 'news'), next(ben, 'news')];
        const answer = await send(server.port, '/news', { method: 'POST', body: 'rain' });
        assert.equal(answer.body, 'told 2');
        assert.deepEqual(await Promise.all(news), [['rain'], ['rain']]);
    });

    test('contract', 'what is unusual has to be confirmed', 'SIGTERM', async visit => {
        const [ann, ben] = [await visit(), await visit()];
        ann.on('confirm', (degrees, reply) => reply(degrees === 30));
        const changed = next(ben, 'changed');
        ann.emit('set', 30);
        assert.deepEqual(await changed, [30]);
        assert.equal(await ask(ben, 'degrees'), 30);
    });

    test('doorman', 'who has a ticket comes in, once', 'SIGINT', async (visit, server, t) => {
        const page = 'https://example.com';
        const stranger = open(t, server.url, { ...websocket, reconnection: false });
        await next(stranger, 'connect_error');
        const asked = ticket => send(server.port, `/socket.io/?EIO=4&transport=polling&ticket=${ticket}`, { headers: { Origin: page } });
        const refused = await asked('none');
        assert.equal(refused.status, 403);
        assert.deepEqual(JSON.parse(refused.body), { code: 4, message: 'no ticket' });

        const ann = await visit({ transports: ['polling'], query: { ticket: 'first' } });
        assert.equal((await asked('first')).status, 403);
        assert.equal(await ask(ann, 'invite', 'second'), true);
        const opened = await asked('second');
        assert.equal(opened.status, 200);
        const { sid } = JSON.parse(opened.body.slice(1));
        assert.equal(opened.headers['x-door'], 'main');
        assert.deepEqual(opened.headers['set-cookie'], [`door=${sid}; Path=/; HttpOnly; SameSite=Lax`]);
        assert.equal(opened.headers['access-control-allow-origin'], page);
        assert.equal(opened.headers['access-control-allow-credentials'], 'true');

        const health = await send(server.port, '/socket.io/health');
        const { clients, refused: turnedAway, received, sent } = JSON.parse(health.body);
        assert.deepEqual({ clients, turnedAway }, { clients: 2, turnedAway: 3 });
        assert.ok(received > 0 && sent > received, health.body);
    });

    test('tour', 'a waiter asks for the menu', 'SIGINT', async (visit, server) => {
        const waiter = await visit();
        assert.deepEqual(await ask(waiter, 'menu', 'today'), ['soup', 'bread']);
        assert.equal((await send(server.port, '/elsewhere')).body, 'You asked for /elsewhere');
    });

    it('engine_echo: a message comes back, and a signal ends the session', { timeout }, async t => {
        const server = await start('SOCORO_EXAMPLES', { name: 'engine_echo' });
        t.after(() => server.kill());
        const socket = await RawWebSocket.open(server.port, '/engine.io/?EIO=4&transport=websocket');
        assert.match(await socket.text(), /^0\{/);
        socket.send('4hello');
        assert.equal(await socket.text(), '4hello');
        const ended = socket.end();
        await server.stop('SIGTERM');
        await ended;
    });

    it('websocket_echo: a message comes back, and a client that stays is left behind', { timeout }, async t => {
        const server = await start('SOCORO_EXAMPLES', { name: 'websocket_echo' });
        t.after(() => server.kill());
        const socket = await RawWebSocket.open(server.port, '/');
        socket.send('hello');
        assert.equal(await socket.text(), 'hello');
        await server.stop('SIGINT');
        assert.equal(await socket.frame(), undefined);
    });

    it('a second interruption ends a program that still waits for a client', { timeout }, async t => {
        const server = await start('SOCORO_EXAMPLES', { name: 'websocket_echo' });
        t.after(() => server.kill());
        const socket = await RawWebSocket.open(server.port, '/');
        t.after(() => socket.destroy());
        assert.equal((await server.interruptTwice()).signal, 'SIGINT');
    });
});
