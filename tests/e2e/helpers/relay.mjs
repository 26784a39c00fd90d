// SPDX-License-Identifier: BSL-1.0
// The way between a client and a server, which may break while both are well.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** A way to this server, until the end of the test. */
export async function relay(t, { url: to }) {
    const way = new Relay(Number(new URL(to).port));
    await way.open();
    t.after(() => way.close());
    return way;
}

class Relay {
    #pairs = new Set();
    #port;
    #server = createServer({ allowHalfOpen: true }, near => this.#lead(near));

    constructor(port) {
        this.#port = port;
    }

    async open() {
        this.#server.listen(0, '127.0.0.1');
        await once(this.#server, 'listening');
        this.url = `http://127.0.0.1:${this.#server.address().port}`;
    }

    #lead(near) {
        const far = connect({ port: this.#port, host: '127.0.0.1', allowHalfOpen: true });
        const pair = { near, far };
        this.#pairs.add(pair);
        for (const [from, to] of [[near, far], [far, near]]) {
            from.pipe(to);
            from.on('error', () => to.destroy());
        }
        far.on('close', () => this.#pairs.delete(pair));
    }

    /** Breaks every connection; with `unnoticed` the server still believes in its own. */
    cut({ unnoticed = false } = {}) {
        for (const { near, far } of this.#pairs) {
            near.unpipe().destroy();
            if (unnoticed) far.unpipe().resume();
            else far.destroy();
        }
    }

    close() {
        this.#server.close();
        for (const { near, far } of this.#pairs) {
            near.destroy();
            far.destroy();
        }
    }
}
