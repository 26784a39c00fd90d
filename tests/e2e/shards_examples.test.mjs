// SPDX-License-Identifier: BSL-1.0
// The example that runs on several shards, with Node's clients.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connect } from './helpers/client.mjs';
import { start } from './helpers/server.mjs';
import { ask, next } from './helpers/wait.mjs';

const timeout = 30_000;
const shards = 3;
const transports = [['websocket'], ['polling'], ['polling', 'websocket']];

for (const [where, args] of Object.entries({ 'in contexts': [], 'in a pool of threads': ['--pool'] })) {
    describe(`an example on several shards, ${where}`, { timeout: 120_000 }, () => {
        const test = (title, converse) => it(title, { timeout }, async t => {
            const server = await start('SOCORO_EXAMPLES', { name: 'shards', args: ['--shards', String(shards), ...args] });
            t.after(() => server.kill());
            const visit = async (number, room) => {
                const socket = await connect(t, server.url, { transports: transports[number % transports.length] });
                return { socket, shard: await ask(socket, 'enter', room) };
            };
            await converse(visit, server);
        });

        /** Visitors of a room, until every shard has two. */
        const fill = async (visit, room) => {
            const visitors = [];
            for (let census = []; census.length < shards || Math.min(...census) < 2;) {
                assert.ok(visitors.length < 10 * shards, `they are on few shards: ${census}`);
                visitors.push(await visit(visitors.length, room));
                census = await ask(visitors[0].socket, 'census');
            }
            return visitors;
        };

        test('everybody hears everybody, whichever shard serves them', async visit => {
            const visitors = await fill(visit, 'hall');
            const stranger = await visit(0, 'elsewhere');
            stranger.socket.on('said', text => assert.fail(`heard in another room: ${text}`));
            for (const { socket, shard } of visitors) {
                const heard = visitors.map(visitor => next(visitor.socket, 'said'));
                socket.emit('say', 'hall', `from ${socket.id}`);
                assert.deepEqual(await Promise.all(heard), visitors.map(() => [shard, `from ${socket.id}`]));
            }
        });

        test('what one says is heard in the order in which it was said', async visit => {
            const visitors = await fill(visit, 'hall');
            const count = 200;
            const heard = visitors.map(visitor => new Promise(done => {
                const all = [];
                visitor.socket.on('said', (shard, text) => {
                    if (all.push(text) === count) done(all);
                });
            }));
            const lines = Array.from({ length: count }, (_, i) => `line ${i}`);
            for (const line of lines) visitors[0].socket.emit('say', 'hall', line);
            for (const all of await Promise.all(heard)) assert.deepEqual(all, lines);
        });

        test('who leaves is missed, and an interruption ends all shards', async (visit, server) => {
            const visitors = await fill(visit, 'hall');
            const { socket } = visitors[0];
            const before = await ask(socket, 'census');
            const [gone] = visitors.splice(-1);
            gone.socket.disconnect();
            const after = async () => {
                const now = await ask(socket, 'census');
                return now[gone.shard] < before[gone.shard] ? now : after();
            };
            const expected = before.map((sockets, shard) => sockets - (shard === gone.shard ? 1 : 0));
            assert.deepEqual(await after(), expected);

            const told = visitors.map(visitor => next(visitor.socket, 'disconnect'));
            await server.stop('SIGINT');
            await Promise.all(told);
        });
    });
}
