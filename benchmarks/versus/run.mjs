// SPDX-License-Identifier: BSL-1.0
// How many operations servers do in a second of their processor time: socoro and Node's socket.io,
// or socoro on one shard and on several.
//
//   node benchmarks/versus/run.mjs --server BUILD/benchmarks/versus/versus_server [--rounds N] [--seconds S]
//                                  [--row WORD] [--shards N] [--alone]
//
// All get the same load over loopback, in turns, so that what else the machine does hits all of them;
// one round of each is for warming up and does not count. `--shards` compares that many with one and
// leaves Node out; the ratio then says what a further shard costs or gains for the same work. `--row`
// takes the rows with this word in their name, and `--alone` leaves out who we compare with, for a
// profiler.
// Build with --buildtype=release, and run `npm install` in tests/e2e before.

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { Acks, Broadcasts, Load } from './loads.mjs';
import { ServerProcess } from './process.mjs';

const { values: options } = parseArgs({
    options: {
        server: { type: 'string' },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '1' },
        row: { type: 'string', default: '' },
        shards: { type: 'string' },
        alone: { type: 'boolean', default: false },
    },
});
if (!options.server) throw new Error('--server wants the program that server.cpp becomes');

const median = numbers => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

/** The rates of each server, round by round. */
async function measure(row, servers) {
    const loads = servers.map(server => new Load(row, server));
    for (const load of loads) await load.join();
    const rates = loads.map(() => []);
    for (let round = 0; round <= Number(options.rounds); ++round) {
        for (const [i, load] of loads.entries()) {
            const rate = await load.round(Number(options.seconds));
            if (round > 0) rates[i].push(rate);
        }
    }
    for (const load of loads) load.leave();
    return rates;
}

function print(name, cells) {
    console.log(name.padEnd(44) + cells.map(cell => String(cell).padStart(12)).join(''));
}

const ours = ['--port', '0'];
const compared = options.shards
    ? {
        servers: [
            { name: `${options.shards} shards`, command: options.server, args: [...ours, '--shards', options.shards] },
            { name: '1 shard', command: options.server, args: ours },
        ],
        rows: [new Acks(200, 1), new Acks(200, 16), new Broadcasts(1000)],
    }
    : {
        servers: [
            { name: 'socoro', command: options.server, args: ours },
            { name: 'Node', command: process.execPath, args: [fileURLToPath(new URL('node_server.mjs', import.meta.url))] },
        ],
        rows: [
            new Acks(50, 1),
            new Acks(50, 16),
            new Broadcasts(200),
            new Broadcasts(200, 10),
            new Broadcasts(1000),
        ],
    };
const chosen = compared.servers.slice(0, options.alone ? 1 : 2);
const rows = compared.rows.filter(({ name }) => name.includes(options.row));

const servers = [];
const bound = 60 + rows.length * 2 * (Number(options.rounds) + 1) * Number(options.seconds) * 2;
setTimeout(() => { throw new Error('a server does not answer'); }, bound * 1000);
process.on('exit', () => servers.forEach(server => server.stop()));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

for (const { command, args } of chosen) servers.push(await ServerProcess.start(command, args));
console.log(`processes: ${servers.map(server => server.pid).join(', ')}`);
print('operations per second of the server', [...chosen.map(({ name }) => name), ...(options.alone ? [] : ['ratio'])]);
for (const row of rows) {
    const rates = await measure(row, servers);
    const [first, others = []] = rates;
    const ratios = others.map((rate, i) => first[i] / rate);
    const cells = rates.map(of => Math.round(median(of)));
    print(row.name, options.alone ? cells : [...cells, median(ratios).toFixed(2)]);
}
process.exit(0);
