// SPDX-License-Identifier: BSL-1.0
// A client that sends faster than its handler takes: it has to wait, and nothing else happens to it.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connect, ways } from './helpers/client.mjs';
import { start } from './helpers/server.mjs';
import { within } from './helpers/wait.mjs';

const items = 40_000;
const padding = 'x'.repeat(1_500);
const mayGrow = 32e6;
const patience = 60_000;

// AddressSanitizer keeps what was freed, which would look like growth.
process.env.ASAN_OPTIONS = `${process.env.ASAN_OPTIONS ?? ''}:quarantine_size_mb=4`;

for (const transports of ways) {
    describe(`a slow handler over ${transports.join(' and then ')}`, { timeout: 2 * patience }, () => {
        let server;
        // The heartbeat is short, so that many intervals pass while the client waits.
        before(async () => { server = await start('SOCORO_CONFORMANCE', { args: ['--options', '{"pingInterval":1000,"pingTimeout":1000}'] }); });
        after(() => server?.stop());

        it('takes everything in order, in little memory, and the connection lives on', { timeout: patience }, async t => {
            const socket = await connect(t, `${server.url}/slow`, { transports, reconnection: false });
            const before = await server.peakMemory();
            const disorder = [];
            const reasons = [];
            socket.on('out of order', number => disorder.push(number));
            socket.on('disconnect', reason => reasons.push(reason));
            const done = new Promise(resolve => {
                socket.on('taken', count => count === items && resolve());
                socket.on('disconnect', resolve);
            });
            for (let number = 0; number < items; ++number)
                socket.emit('item', number, padding);
            await within(done, 'all items', patience - 5_000);
            assert.deepEqual(reasons, []);
            assert.deepEqual(disorder, []);
            const grown = await server.peakMemory() - before;
            assert.ok(grown < mayGrow, `it grew by ${grown} bytes for ${items * padding.length} sent`);
        });
    });
}
