// SPDX-License-Identifier: BSL-1.0
// Starts a server under test, waits until it listens, and ends it by its own process id.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { within } from './wait.mjs';

const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const announced = /^listening on (https?:\/\/127\.0\.0\.1:(\d+))$/m;
const startDeadline = 20_000;
const stopDeadline = 10_000;

/**
 * Starts the command in the environment variable (program and arguments, separated by white space)
 * and resolves once it has printed `listening on http://127.0.0.1:PORT`, or https. Port 0: the system chooses.
 * For a program of this `name` the variable holds its directory.
 */
export async function start(variable, { name, port = 0, args = [] } = {}) {
    const value = process.env[variable];
    assert.ok(value, `set ${variable} to the ${name ? 'directory of' : 'command that starts'} the server`);
    const command = name ? [resolve(value, name)] : value.split(/\s+/).filter(Boolean);
    const [program, ...given] = command;
    // The child runs from the repository's root, so a relative program is resolved before that.
    const path = /[\\/]/.test(program) ? resolve(program) : program;
    return run(path, [...given, '--port', String(port), ...args]);
}

/** Starts a program that says where it listens, as above. */
export async function run(path, args) {
    const child = spawn(path, args, { cwd: repository, stdio: ['ignore', 'pipe', 'pipe'] });
    const server = new Server(child);
    await server.listening();
    return server;
}

class Server {
    #child;
    #output = '';
    #prints = new EventEmitter();
    #exit;

    constructor(child) {
        this.#child = child;
        this.#exit = new Promise(done => {
            child.once('error', error => done({ error }));
            child.once('close', (code, signal) => done({ code, signal }));
        });
        for (const stream of [child.stdout, child.stderr]) {
            stream.setEncoding('utf8').on('data', text => {
                this.#output += text;
                this.#prints.emit('more');
            });
        }
    }

    async listening() {
        let deadline;
        const [, url, port] = await new Promise((done, fail) => {
            const look = () => {
                const match = announced.exec(this.#output);
                if (match) done(match);
            };
            this.#child.stdout.on('data', look);
            this.#exit.then(end => fail(this.#complaint('ended before it listened', end)));
            deadline = setTimeout(() => {
                this.kill();
                fail(this.#complaint('did not say that it listens'));
            }, startDeadline);
        }).finally(() => clearTimeout(deadline));
        this.url = url;
        this.port = Number(port);
    }

    /** All that it has printed so far. */
    get output() {
        return this.#output;
    }

    /** The most memory that the process has had so far, in bytes. */
    async peakMemory() {
        const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8');
        return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)[1]) * 1024;
    }

    /** Asks the server to end and asserts that it does so cleanly. */
    async stop(signal = 'SIGTERM') {
        const end = await this.#end(signal);
        assert.equal(end.code, 0, this.#complaint('did not end cleanly', end).message);
    }

    /** Interrupts the server twice, the second time when it has begun to close; how it ended then. */
    async interruptTwice() {
        this.#child.kill('SIGINT');
        await this.printed(/^closing$/m);
        return this.#end('SIGINT');
    }

    /** Resolves with the match once the server has printed such a line, on either of its outputs. */
    async printed(pattern) {
        for (;;) {
            const match = pattern.exec(this.#output);
            if (match) return match;
            const more = once(this.#prints, 'more').then(() => undefined);
            const end = await within(Promise.race([more, this.#exit]), `${pattern} to be printed`);
            if (end) throw this.#complaint(`ended before it printed ${pattern}`, end);
        }
    }

    /** Ends the server without giving it a chance to say goodbye (SIGKILL). */
    async kill() {
        await this.#end('SIGKILL');
    }

    /** Tells the server to read its files again (SIGHUP). */
    hangUp() {
        this.#child.kill('SIGHUP');
    }

    /** Stops the process where it is (SIGSTOP): connections stand, nothing is answered. */
    freeze() {
        this.#child.kill('SIGSTOP');
    }

    /** Lets a process go on that was stopped. */
    thaw() {
        this.#child.kill('SIGCONT');
    }

    /** Asserts that the process is still running. */
    assertAlive() {
        const { exitCode, signalCode } = this.#child;
        assert.ok(exitCode === null && signalCode === null, this.#complaint('has died').message);
    }

    async #end(signal) {
        this.#child.kill(signal);
        const deadline = setTimeout(() => this.#child.kill('SIGKILL'), stopDeadline);
        const end = await this.#exit;
        clearTimeout(deadline);
        return end;
    }

    #complaint(what, end) {
        const how = end ? ` (${end.error ?? end.signal ?? `code ${end.code}`})` : '';
        return new Error(`${this.#child.spawnfile} ${what}${how}; it printed:\n${this.#output}`);
    }
}
