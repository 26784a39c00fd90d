// SPDX-License-Identifier: BSL-1.0
// The console of a server on several shards, run as its user would, and Node's clients that it sees.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connect, open } from './helpers/client.mjs';
import { runExample } from './helpers/program.mjs';
import { start } from './helpers/server.mjs';
import { ask, next } from './helpers/wait.mjs';

const timeout = 30_000;
const shards = 2;
const websocket = { transports: ['websocket'] };
process.env.ADMIN_PASSWORD = 'open sesame';

describe('the console of a server on several shards', { timeout: 120_000 }, () => {
    const test = (title, converse) => it(title, { timeout }, async t => {
        const server = await start('SOCORO_EXAMPLES', { name: 'admin', args: ['--serve', '--shards', String(shards)] });
        t.after(() => server.kill());
        const visit = async room => {
            const socket = await connect(t, server.url, websocket);
            return { socket, shard: await ask(socket, 'enter', room) };
        };
        const visitors = [];
        while (new Set(visitors.map(({ shard }) => shard)).size < shards) visitors.push(await visit('hall'));
        const console = runExample(t, 'admin', [server.url]);
        await console.reads('connected');
        await converse({ console, server, visitors, visit, t });
    });

    /** The rooms of each socket that is listed, by its id. */
    const list = async (console, whom = '') => {
        console.type(`list ${whom}`);
        const end = await console.reads(/^\d+ sockets$/);
        const count = Number.parseInt(end, 10);
        const listed = {};
        while (Object.keys(listed).length < count) {
            const [, id, rooms] = /^(\S+) from \S*127\.0\.0\.1 in ?(.*)$/.exec(await console.reads(/ from .* in/));
            listed[id] = rooms;
        }
        return listed;
    };
    const rooms = (visitors, room) => Object.fromEntries(visitors.map(({ socket }) => [socket.id, room]));

    test('it lists the sockets of all shards, and how many each has', async ({ console, visitors, visit }) => {
        assert.deepEqual(await list(console), rooms(visitors, 'hall'));
        assert.deepEqual(await list(console, 'kitchen'), {});
        const cook = await visit('kitchen');
        assert.deepEqual(await list(console, 'kitchen'), rooms([cook], 'kitchen'));
        assert.deepEqual(await list(console, cook.socket.id), rooms([cook], 'kitchen'));

        console.type('shares');
        let counted = 0;
        for (let i = 0; i < shards; ++i) {
            const line = await console.reads(/^a shard with \d+$/);
            counted += Number(line.split(' ').at(-1));
        }
        assert.equal(counted, visitors.length + 1);
    });

    test('it moves one on either shard, who hears then what is said there', async ({ console, visitors }) => {
        for (const shard of Array(shards).keys()) {
            const { socket } = visitors.find(visitor => visitor.shard === shard);
            console.type(`move ${socket.id} hall kitchen`);
            await console.reads('moved 1');
            assert.deepEqual((await list(console, socket.id))[socket.id], 'kitchen');
            const heard = next(socket, 'notice');
            console.type('say kitchen dinner is ready');
            assert.deepEqual(await heard, ['dinner is ready']);
        }
        console.type('move nobody hall kitchen');
        await console.reads('moved 0');
    });

    test('it disconnects one, and then everybody in a room', async ({ console, visitors }) => {
        const [first, ...others] = visitors;
        const gone = next(first.socket, 'disconnect');
        console.type(`kick ${first.socket.id}`);
        await console.reads('disconnected 1');
        assert.match((await gone)[0], /^(io server disconnect|transport close)$/);
        assert.ok(others.every(({ socket }) => socket.connected));

        const all = others.map(({ socket }) => next(socket, 'disconnect'));
        console.type('kick hall');
        await console.reads(`disconnected ${others.length}`);
        await Promise.all(all);
        assert.deepEqual(await list(console), {});
    });

    test('what a client has called its room does no harm to the terminal', async ({ console, visitors }) => {
        await ask(visitors[0].socket, 'enter', 'bell\u0007 \u001b[2J');
        const listed = await list(console, visitors[0].socket.id);
        assert.match(listed[visitors[0].socket.id], /bell {2}\s*\[2J/);
    });

    test('only who knows the password gets in', async ({ server, t }) => {
        for (const auth of [{}, { password: 'open' }]) {
            const [refusal] = await next(open(t, `${server.url}/admin`, { ...websocket, auth }), 'connect_error');
            assert.equal(refusal.message, 'wrong password');
        }
        const knows = await connect(t, `${server.url}/admin`, { ...websocket, auth: { password: 'open sesame' } });
        assert.equal((await ask(knows, 'shares')).length, shards);
    });

    test('it helps, quits when told to, and an interruption ends both programs', async ({ console, server, t }) => {
        console.type('dance');
        await console.reads(/^list \[WHOM\] \|/);
        console.type('quit');
        await console.ends();

        const other = runExample(t, 'admin', [server.url]);
        await other.reads('connected');
        other.interrupt();
        await other.reads('closing');
        await other.ends();
        await server.stop('SIGINT');
    });
});
