// SPDX-License-Identifier: BSL-1.0
// Reverse proxies, unpacked by tools/setup, with the configurations that examples/proxies shows.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const repository = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const unpacked = join(repository, 'tests/debian');
const startDeadline = 10_000;

const programs = {
    nginx: {
        file: 'nginx.conf',
        // One process, which needs no user to become.
        command: directory => [join(unpacked, 'usr/sbin/nginx'),
            ['-p', `${directory}/`, '-c', 'nginx.conf', '-e', 'stderr', '-g', 'daemon off; master_process off;']],
    },
    haproxy: {
        file: 'haproxy.cfg',
        command: directory => [join(unpacked, 'usr/sbin/haproxy'), ['-db', '-f', join(directory, 'haproxy.cfg')]],
    },
};

/**
 * Starts a proxy in front of two servers, until the end of the test `t`. `change` makes another configuration out of
 * the one that is shown.
 */
export async function startProxy(t, name, [one, two], change = text => text) {
    const { file, command } = programs[name];
    const directory = await mkdtemp(join(tmpdir(), `socoro-${name}-`));
    const port = await freePort();
    const ports = { 3000: port, 3001: one.port, 3002: two.port };
    const shown = await readFile(join(repository, 'examples/proxies', file), 'utf8');
    const text = change(shown).replace(/127\.0\.0\.1:(300[012])/g, (_, known) => `127.0.0.1:${ports[known]}`);
    await writeFile(join(directory, file), text);
    const child = spawn(...command(directory), {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, LD_LIBRARY_PATH: join(unpacked, 'usr/lib/x86_64-linux-gnu') },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', some => { output += some; });
    const exit = once(child, 'close');
    t.after(async () => {
        child.kill('SIGTERM');
        await exit;
        await rm(directory, { recursive: true });
    });
    const begin = Date.now();
    while (!await accepts(port)) {
        assert.ok(child.exitCode === null && Date.now() - begin < startDeadline, `${name} does not listen; it printed:\n${output}`);
        await sleep(20);
    }
    return { port, url: `http://127.0.0.1:${port}`, said: () => output };
}

/** A port that nobody listens at now. */
async function freePort() {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    await once(server, 'close');
    return port;
}

function accepts(port) {
    return new Promise(done => {
        const socket = connect(port, '127.0.0.1');
        socket.on('connect', () => { socket.destroy(); done(true); }).on('error', () => done(false));
    });
}
