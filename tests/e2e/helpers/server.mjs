// SPDX-License-Identifier: BSL-1.0
// Starts a server under test, waits until it listens, and ends it by its own process id.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const announced = /^listening on (http:\/\/127\.0\.0\.1:(\d+))$/m;
const startDeadline = 20_000;
const stopDeadline = 10_000;

/**
 * Starts the command in the environment variable (program and arguments, separated by white space)
 * and resolves once it has printed `listening on http://127.0.0.1:PORT`. Port 0: the system chooses.
 */
export async function start(variable, { port = 0, args = [] } = {}) {
    const command = (process.env[variable] ?? '').split(/\s+/).filter(Boolean);
    assert.ok(command.length > 0, `set ${variable} to the command that starts the server`);
    const [program, ...given] = command;
    // The child runs from the repository's root, so a relative program is resolved before that.
    const path = /[\\/]/.test(program) ? resolve(program) : program;
    const child = spawn(path, [...given, '--port', String(port), ...args], {
        cwd: repository,
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    const server = new Server(child);
    await server.listening();
    return server;
}

class Server {
    #child;
    #output = '';
    #exit;

    constructor(child) {
        this.#child = child;
        this.#exit = new Promise(done => {
            child.once('error', error => done({ error }));
            child.once('close', (code, signal) => done({ code, signal }));
        });
        for (const stream of [child.stdout, child.stderr]) {
            stream.setEncoding('utf8').on('data', text => { this.#output += text; });
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

    /** Asks the server to end (SIGTERM) and asserts that it does so cleanly. */
    async stop() {
        const end = await this.#end('SIGTERM');
        assert.equal(end.code, 0, this.#complaint('did not end cleanly', end).message);
    }

    /** Ends the server without giving it a chance to say goodbye (SIGKILL). */
    async kill() {
        await this.#end('SIGKILL');
    }

    /** Stops the process where it is (SIGSTOP): connections stand, nothing is answered. */
    freeze() {
        this.#child.kill('SIGSTOP');
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
