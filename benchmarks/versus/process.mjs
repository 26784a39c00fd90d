// SPDX-License-Identifier: BSL-1.0
// A server in a process of its own, and the processor time that it has used.

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

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

    /** Seconds of all its threads, in user mode and in the system, to the nanosecond: what utime
     *  and stime in /proc/PID/stat add up to, which count hundredths. */
    cpuTime() {
        const tasks = `/proc/${this.pid}/task`;
        const nanoseconds = readdirSync(tasks)
            .map(task => Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]));
        return nanoseconds.reduce((sum, thread) => sum + thread, 0) / 1e9;
    }

    stop() {
        this.#child.kill('SIGKILL');
    }
}
