// SPDX-License-Identifier: BSL-1.0
// The official JavaScript client against a server on several shards: every request comes over a
// connection of its own, so that polls, posts and upgrades arrive where their session is not.

import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { connect, ways } from './helpers/client.mjs';
import { start } from './helpers/server.mjs';
import { next, within } from './helpers/wait.mjs';

const timeout = 60_000;
const shards = 3;

/** Which shard a sid, or the id of a socket, names. */
const shardOf = id => id.slice(-2);

for (const transports of ways) {
    describe(`a server on ${shards} shards, over ${transports.join(' and then ')}`, { timeout }, () => {
        let server;
        before(async () => { server = await start('SOCORO_CONFORMANCE', { args: ['--shards', String(shards)] }); });
        after(() => server?.stop());

        // No connection is kept, so each request is accepted anew, by whichever shard has the fewest.
        const join = t => connect(t, server.url, { transports, agent: new Agent({ keepAlive: false }) });
        const joinAll = async (t, count) => {
            const sockets = [];
            for (let i = 0; i < count; ++i) sockets.push(await join(t));
            return sockets;
        };

        it('clients live on all of them, and their ids say where', { timeout }, async t => {
            const sockets = await joinAll(t, 12);
            const seen = new Set();
            for (const socket of sockets) {
                assert.match(socket.id, /^[\w-]{20}$/);
                assert.equal(shardOf(socket.id), shardOf(socket.io.engine.id));
                assert.equal(socket.io.engine.transport.name, transports.at(-1));
                seen.add(shardOf(socket.id));
            }
            assert.deepEqual([...seen].sort(), ['AA', 'AB', 'AC']);
        });

        it('every client sends and receives in order, text and bytes', { timeout }, async t => {
            const sockets = await joinAll(t, 6);
            await Promise.all(sockets.map(async socket => {
                for (let i = 0; i < 30; ++i) {
                    const bytes = Buffer.alloc(i * 100, i);
                    const [number, back] = await within(new Promise(done =>
                        socket.emit('message-with-ack', i, bytes, (...all) => done(all))), 'an answer');
                    assert.equal(number, i);
                    assert.deepEqual(back, bytes);
                }
                const count = 50;
                const numbers = [];
                const done = new Promise(resolve => socket.on('message-back', n => {
                    numbers.push(n);
                    if (numbers.length === count) resolve();
                }));
                for (let i = 0; i < count; ++i) socket.emit('message', i);
                await within(done, 'all messages');
                assert.deepEqual(numbers, Array.from({ length: count }, (_, i) => i));
            }));
        });

        it('a broadcast reaches the clients of all shards', { timeout }, async t => {
            const sockets = await joinAll(t, 6);
            const all = sockets.map(socket => next(socket, 'from all'));
            sockets[0].emit('to all', { said: 'hello' });
            for (const got of await Promise.all(all)) assert.deepEqual(got, [{ said: 'hello' }]);
        });
    });
}
