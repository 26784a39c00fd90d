// SPDX-License-Identifier: BSL-1.0
// An example that is no server, run as its user would: lines are typed, lines are read.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Transcript } from './transcript.mjs';
import { within } from './wait.mjs';

/** Starts the example of this name; it is killed after the test, should it still run. */
export function runExample(t, name, args = []) {
    const directory = process.env.SOCORO_EXAMPLES;
    assert.ok(directory, 'set SOCORO_EXAMPLES to the directory of the examples');
    const program = new Program(resolve(directory, name), args);
    t.after(() => program.kill());
    return program;
}

class Program extends Transcript {
    #child;
    #complaints = '';
    #exit;

    constructor(path, args) {
        super();
        this.#child = spawn(path, args, { stdio: 'pipe' });
        this.#child.stdin.on('error', () => {});
        this.#child.stderr.setEncoding('utf8').on('data', text => { this.#complaints += text; });
        createInterface({ input: this.#child.stdout }).on('line', line => this.add(line));
        this.#exit = new Promise(done => {
            this.#child.once('error', error => done({ error }));
            this.#child.once('close', (code, signal) => done({ code, signal }));
        });
        this.#exit.then(end => this.fail(new Error(`the program has ended (${JSON.stringify(end)}): ${this.#complaints}`)));
    }

    /** What it has printed as complaints so far. */
    get complaints() {
        return this.#complaints;
    }

    type(...lines) {
        for (const line of lines) this.#child.stdin.write(`${line}\n`);
    }

    endInput() {
        this.#child.stdin.end();
    }

    /** The oldest line like this that nobody has read, now or later. */
    reads(pattern) {
        return this.next(line => (pattern instanceof RegExp ? pattern.test(line) : line === pattern));
    }

    interrupt(signal = 'SIGINT') {
        this.#child.kill(signal);
    }

    /** Resolves once it has ended with this code. */
    async ends(code = 0) {
        const end = await within(this.#exit, `the end; so far: ${this.lines.slice(-10).join('\n')}`);
        assert.deepEqual(end, { code, signal: null }, this.#complaints);
    }

    async kill() {
        this.#child.kill('SIGKILL');
        await this.#exit;
    }
}
