// SPDX-License-Identifier: BSL-1.0
// A server in a process of its own, and the processor time that it has used.

import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const ticks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

export class ServerProcess {
    #child;

    /** Starts a command that prints `listening on http://127.0.0.1:PORT`, and waits for that. */
    static async start(command, args) {
        const server = new ServerProcess();
        server.#child = spawn(command, args, {
            stdio: ['ignore', 'pipe', 'inherit'],
            env: { ...process.env, NODE_ENV: 'production' },
        });
        server.port = await new Promise((done, fail) => {
            let printed = '';
            server.#child.stdout.setEncoding('utf8').on('data', more => {
                printed += more;
                const found = /http:\/\/127\.0\.0\.1:(\d+)\n/.exec(printed);
                if (found) done(Number(found[1]));
            });
            server.#child.on('error', fail);
            server.#child.on('exit', () => fail(new Error(`${command} ended`)));
        });
        return server;
    }

    get pid() {
        return this.#child.pid;
    }

    /** Seconds of all its threads, in user mode and in the system. */
    cpuTime() {
        const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return (Number(fields[11]) + Number(fields[12])) / ticks;
    }

    stop() {
        this.#child.kill('SIGKILL');
    }
}
