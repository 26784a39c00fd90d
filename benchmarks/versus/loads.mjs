// SPDX-License-Identifier: BSL-1.0
// What run.mjs has its servers do: the rows of its table, and the clients that put them to work.

import { Client, frame } from './client.mjs';

const text = 'sixty-four bytes, which is about what people say in one message.';

/** Every client has `depth` calls under way, each with an answer to come. */
export class Acks {
    #frames;

    constructor(connections, depth) {
        this.name = `acks, ${connections} connections, depth ${depth}`;
        this.connections = connections;
        this.depth = depth;
        const call = frame(`420["echo","${text}"]`);
        this.#frames = Array.from({ length: depth + 1 }, (_, n) => Buffer.concat(Array(n).fill(call)));
    }

    begin(clients) {
        for (const client of clients) client.write(this.#frames[this.depth]);
        return clients.length * this.depth;
    }

    next(clients, client, arrived) {
        client.write(this.#frames[arrived]);
        return arrived;
    }
}

/** Some clients say something to all, and again as soon as all have heard everything. */
export class Broadcasts {
    constructor(connections, speakers = 1) {
        const who = speakers > 1 ? ` by ${speakers} of them` : '';
        this.name = `broadcast to ${connections} connections${who}`;
        this.connections = connections;
        this.speakers = speakers;
        this.say = frame(`42["say","${text}"]`);
    }

    begin(clients) {
        for (const client of clients.slice(0, this.speakers)) client.write(this.say);
        return clients.length * this.speakers;
    }

    next(clients, client, arrived, missing) {
        return missing === 0 ? this.begin(clients) : 0;
    }
}

/** The clients of one server, in one row of the table. */
export class Load {
    #row;
    #server;
    #clients = [];
    #missing = 0;
    #done = 0;
    #running = false;
    #idle;
    #fail;
    #failure = new Promise((_, fail) => { this.#fail = fail; });

    constructor(row, server) {
        this.#row = row;
        this.#server = server;
        this.#failure.catch(() => {}); // Whoever waits then will see it.
    }

    async join() {
        const { port } = this.#server;
        const count = (client, arrived) => this.#count(client, arrived);
        for (let i = 0; i < this.#row.connections; ++i)
            this.#clients.push(await this.#unlessFailed(Client.join(port, count, this.#fail)));
    }

    /** Operations per second of the server's processor time, over a round of so many seconds. */
    async round(seconds) {
        const before = this.#server.cpuTime();
        this.#done = 0;
        this.#running = true;
        const idle = new Promise(done => { this.#idle = done; });
        this.#missing = this.#row.begin(this.#clients);
        const end = setTimeout(() => { this.#running = false; }, seconds * 1000);
        await this.#unlessFailed(idle).finally(() => clearTimeout(end));
        return this.#done / (this.#server.cpuTime() - before);
    }

    leave() {
        for (const client of this.#clients) client.leave();
    }

    #unlessFailed(promise) {
        return Promise.race([promise, this.#failure]);
    }

    #count(client, arrived) {
        this.#done += arrived;
        this.#missing -= arrived;
        if (this.#running)
            this.#missing += this.#row.next(this.#clients, client, arrived, this.#missing);
        else if (this.#missing === 0)
            this.#idle();
    }
}
