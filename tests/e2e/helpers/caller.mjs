// SPDX-License-Identifier: BSL-1.0
// Our client: the program `caller`, which is told what to do and tells what happens.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { revive, strip, Transcript } from './transcript.mjs';

const exitDeadline = 10_000;

/** Starts a client of this URL; it is closed after the test `t`, and has to end cleanly then. */
export function startCaller(t, url, options = {}) {
    const caller = new Caller(url, options);
    t.after(() => caller.close());
    return caller;
}

export class Caller extends Transcript {
    #child;
    #complaints = '';
    #exit;
    #closing;

    constructor(url, options) {
        super();
        const program = process.env.SOCORO_CALLER;
        assert.ok(program, 'set SOCORO_CALLER to the program of our client');
        this.#child = spawn(resolve(program), [url, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'pipe'] });
        this.#child.stdin.on('error', () => {});
        this.#child.stderr.setEncoding('utf8').on('data', text => { this.#complaints += text; });
        createInterface({ input: this.#child.stdout }).on('line', line => this.add(revive(JSON.parse(line))));
        this.#exit = new Promise(done => {
            this.#child.once('error', error => done({ error }));
            this.#child.once('close', (code, signal) => done({ code, signal }));
        });
        this.#exit.then(end => this.fail(this.#complaint('has ended', end)));
    }

    get complaints() {
        return this.#complaints;
    }

    /** Resolves once the program has taken the command, not once it has carried it out. */
    async tell(command) {
        if (!this.#child.stdin.write(`${JSON.stringify(command)}\n`)) await once(this.#child.stdin, 'drain');
    }

    open(nsp = '/', more = {}) {
        this.tell({ do: 'open', nsp, ...more });
        return this.next({ on: 'connect', nsp });
    }

    emit(name, ...args) {
        return this.tell({ do: 'emit', name, ...strip(args) });
    }

    emitIn(nsp, name, ...args) {
        return this.tell({ do: 'emit', nsp, name, ...strip(args) });
    }

    emitVolatile(name, ...args) {
        return this.tell({ do: 'emit', name, volatile: true, ...strip(args) });
    }

    #tag = 0;

    /** Calls with one argument; resolves with the line that tells about the reply. */
    call(name, argument, more = {}) {
        const tag = ++this.#tag;
        this.tell({ do: 'call', name, tag, ...more, ...strip([argument]) });
        return this.next({ on: 'reply', tag });
    }

    status(nsp = '/') {
        this.tell({ do: 'status', nsp });
        return this.next({ on: 'status' });
    }

    disconnect(nsp = '/') {
        return this.tell({ do: 'disconnect', nsp });
    }

    /** The most memory that the process has had so far, in bytes. */
    async peakMemory() {
        const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8');
        return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)[1]) * 1024;
    }

    /** Closes the client within this time, after which the program has to end by itself, with 0. Gives how long it took. */
    close(within = 5_000) {
        this.#closing ??= this.#close(within);
        return this.#closing;
    }

    async #close(within) {
        const begin = Date.now();
        this.tell({ do: 'close', within });
        const deadline = setTimeout(() => this.#child.kill('SIGABRT'), exitDeadline);
        const end = await this.#exit;
        clearTimeout(deadline);
        assert.equal(end.code, 0, this.#complaint('did not end cleanly', end).message);
        return Date.now() - begin;
    }

    #complaint(what, end) {
        const how = end.error ?? end.signal ?? `code ${end.code}`;
        return new Error(`the client ${what} (${how}); it complained:\n${this.#complaints}`);
    }
}
