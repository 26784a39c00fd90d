// SPDX-License-Identifier: BSL-1.0
// A Socket.IO client that costs next to nothing: it writes frames that were made before, and looks
// at no more of what arrives than it takes to count it. For our own servers on loopback only.

import { connect } from 'node:net';

const upgrade = [
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
    'Host: 127.0.0.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    '\r\n',
].join('\r\n');

// What a socket reads is looked at before the next one reads, so one buffer is enough for all.
const arrived = Buffer.alloc(64 * 1024);
const code = character => character.charCodeAt(0);
const text = 1;

/** A masked text frame; its mask is zero, so that it need not be applied. */
export function frame(message) {
    const data = Buffer.from(message);
    const size = data.length < 126
        ? [0x80 | data.length]
        : [0x80 | 126, data.length >> 8, data.length & 255];
    return Buffer.concat([Buffer.from([0x80 | text, ...size, 0, 0, 0, 0]), data]);
}

const pong = frame('3');
const join = frame('40');

/** One socket in the namespace `/`. Each event or acknowledgement that arrives is one for `count`. */
export class Client {
    #socket;
    #rest = Buffer.alloc(0);
    #joined;
    #read = this.#headers;
    #counted = 0;

    /** Resolves with a client that has joined. */
    static async join(port, count, fail) {
        const client = new Client();
        await new Promise(done => {
            client.#joined = done;
            client.count = count;
            client.#socket = connect({
                port,
                host: '127.0.0.1',
                noDelay: true,
                onread: { buffer: arrived, callback: size => client.#take(arrived.subarray(0, size)) },
            });
            client.#socket.on('close', () => fail(new Error('a connection was closed')));
            client.#socket.on('error', fail);
            client.#socket.write(upgrade);
        });
        return client;
    }

    write(frames) {
        this.#socket.write(frames);
    }

    leave() {
        this.#socket.removeAllListeners('close');
        this.#socket.destroy();
    }

    #take(chunk) {
        const data = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
        const used = this.#read(data, 0);
        this.#rest = used < data.length ? Buffer.from(data.subarray(used)) : this.#rest.subarray(0, 0);
        const counted = this.#counted;
        this.#counted = 0;
        if (counted > 0) this.count(this, counted);
        return true;
    }

    #headers(data) {
        const end = data.indexOf('\r\n\r\n');
        if (end < 0) return 0;
        this.#read = this.#frames;
        return this.#frames(data, end + 4);
    }

    #frames(data, at) {
        while (data.length - at >= 2) {
            const extended = data[at + 1] === 126;
            const begin = at + (extended ? 4 : 2);
            if (data.length < begin) break;
            const size = extended ? data.readUInt16BE(at + 2) : data[at + 1];
            if (data.length < begin + size) break;
            if (data[at] !== (0x80 | text) || size === 127) throw new Error('an unexpected frame');
            this.#message(data, begin);
            at = begin + size;
        }
        return at;
    }

    #message(data, at) {
        if (data[at] === code('2')) this.write(pong);
        else if (data[at] === code('0')) this.write(join);
        else if (data[at + 1] === code('0')) this.#joined();
        else this.#counted += 1;
    }
}
