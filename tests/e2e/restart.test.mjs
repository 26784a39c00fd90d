// SPDX-License-Identifier: BSL-1.0
// A server is replaced while its clients call: nobody is refused, and nothing is done twice.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { open } from './helpers/client.mjs';
import { start } from './helpers/server.mjs';
import { Transcript } from './helpers/transcript.mjs';
import { within } from './helpers/wait.mjs';

const timeout = 90_000;
const patience = 5_000;  // what the example gives those who do not end by themselves
const activator = join(dirname(fileURLToPath(import.meta.url)), 'helpers/activator.py');

/** Two processes that listen at one port, each on a socket of its own. */
async function startTogether(t) {
    const started = [];
    t.after(() => Promise.all(started.map(server => server.kill())));
    const program = async port => {
        const server = await start('SOCORO_EXAMPLES', { name: 'restart', port });
        started.push(server);
        return { port: server.port, url: server.url, stop: () => server.stop('SIGTERM') };
    };
    const first = await program(0);
    return { first, next: () => program(first.port), said: () => started.map(server => server.output).join('') };
}

/** Two processes that share the socket that a third has opened, as systemd does. */
async function startActivated(t) {
    assert.ok(process.env.SOCORO_EXAMPLES, 'set SOCORO_EXAMPLES to the directory of the examples');
    const child = spawn('python3', [activator, resolve(process.env.SOCORO_EXAMPLES, 'restart')], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = new Transcript();
    createInterface({ input: child.stdout }).on('line', text => lines.add({ text }));
    const exit = once(child, 'close');
    const pids = new Set();
    t.after(async () => {
        for (const pid of pids) process.kill(pid, 'SIGKILL');
        child.stdin.end();
        await exit;
    });
    const line = async pattern => (await lines.next(({ text }) => pattern.test(text))).text.match(pattern);
    const [, port] = await line(/^port (\d+)$/);
    const program = async () => {
        child.stdin.write('start\n');
        const pid = Number((await line(/^started (\d+)$/))[1]);
        pids.add(pid);
        assert.equal((await line(/^listening on .*:(\d+)$/))[1], port);
        const stop = async () => {
            process.kill(pid, 'SIGTERM');
            const [, code] = await line(new RegExp(`^exited ${pid} (-?\\d+)$`));
            pids.delete(pid);
            assert.equal(code, '0', 'it did not end cleanly');
        };
        return { url: `http://127.0.0.1:${port}`, stop };
    };
    return { first: await program(), next: program, said: () => lines.lines.map(({ text }) => text).join('\n') };
}

/** A client that orders one thing after the other, and never one again. */
class Customer {
    confirmed = [];
    lost = 0;
    errors = [];
    reasons = [];
    #wanted = { count: Infinity, done: () => {} };

    constructor(t, url, transports, name) {
        this.name = name;
        this.socket = open(t, url, { transports, reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 50 });
        this.socket.on('connect_error', error => this.errors.push(error));
        this.socket.on('disconnect', reason => this.reasons.push(reason));
        this.#order();
    }

    async #order() {
        for (let i = 0; !this.over; ++i) {
            const id = `${this.name}-${i}`;
            try {
                assert.equal(await this.socket.timeout(20_000).emitWithAck('order', id), id);
                this.confirmed.push(id);
            } catch (error) {
                if (error.code === 'ERR_ASSERTION') throw error;
                ++this.lost;
            }
            if (this.confirmed.length >= this.#wanted.count) this.#wanted.done();
        }
    }

    /** Resolves when so many more have been confirmed. */
    more(count) {
        const done = new Promise(resolve => { this.#wanted = { count: this.confirmed.length + count, done: resolve }; });
        return within(done, `${count} orders of ${this.name}`, 30_000);
    }
}

const isRefused = error => /ECONNREFUSED/.test(
    [error.message, error.description?.message, error.description?.error?.message, error.context?.responseText].join());

describe('a server that is replaced', { timeout: 240_000 }, () => {
    for (const [way, begin] of [['they share a port', startTogether], ['they share a socket', startActivated]])
        it(`${way}: every client gets on, nobody is refused, and what is confirmed was done once`, { timeout }, async t => {
            const servers = await begin(t);
            const customers = Array.from({ length: 50 }, (_, i) =>
                new Customer(t, servers.first.url, i % 2 ? ['websocket'] : ['polling'], `customer${i}`));
            await Promise.all(customers.map(customer => customer.more(3)));
            let old = servers.first;
            for (let turn = 0; turn < 3; ++turn) {
                const fresh = await servers.next();
                const begun = Date.now();
                await old.stop();
                const took = Date.now() - begun;
                assert.ok(took < patience, `it took ${took} ms to end`);
                await Promise.all(customers.map(customer => customer.more(3)));
                old = fresh;
            }
            for (const customer of customers) customer.over = true;
            const errors = customers.flatMap(customer => customer.errors);
            t.diagnostic(`${errors.length} connect_error, ${customers.reduce((sum, c) => sum + c.lost, 0)} orders of ` +
                `${customers.reduce((sum, c) => sum + c.confirmed.length, 0)} without an answer`);
            assert.deepEqual(errors.filter(isRefused), []);
            const done = new Map();
            for (const [, id] of servers.said().matchAll(/^order (\S+)$/gm)) done.set(id, (done.get(id) ?? 0) + 1);
            for (const { confirmed } of customers) for (const id of confirmed) assert.equal(done.get(id), 1, id);
            for (const { name, reasons } of customers) {
                assert.ok(reasons.length >= 3, `${name} was disconnected ${reasons.length} times`);
                // Whoever was between two polls finds nobody who knows it.
                for (const reason of reasons) assert.match(reason, /^transport (close|error)$/);
            }
        });
});
