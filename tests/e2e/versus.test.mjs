// SPDX-License-Identifier: BSL-1.0
// The comparisons of the benchmark run to their end. What they measure is nobody's verdict here.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../benchmarks/versus/run.mjs', import.meta.url));

/** What it prints with these options, at the end of which it has not failed. */
async function compare(...more) {
    const server = process.env.SOCORO_VERSUS;
    assert.ok(server, 'set SOCORO_VERSUS to the program that benchmarks/versus/server.cpp becomes');
    const args = [script, '--server', resolve(server), '--rounds', '1', '--seconds', '0.05', ...more];
    const run = spawn(process.execPath, args);
    let printed = '';
    for (const stream of [run.stdout, run.stderr]) stream.setEncoding('utf8').on('data', text => { printed += text; });
    const [code] = await once(run, 'close');
    assert.equal(code, 0, printed);
    for (const row of ['acks', 'broadcast']) assert.match(printed, new RegExp(`${row}.*\\d+\\.\\d+`), printed);
    return printed;
}

test('the benchmark compares every row with Node', { timeout: 110_000 }, async () => {
    assert.match(await compare(), /socoro +Node +ratio/);
});

test('the benchmark compares several shards with one', { timeout: 110_000 }, async () => {
    assert.match(await compare('--shards', '2'), /2 shards +1 shard +ratio/);
});
