// SPDX-License-Identifier: BSL-1.0
// Random packets through the reference's MessagePack parser and through ours, in both directions.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import parser from 'socket.io-msgpack-parser';

const { Encoder, Decoder, PacketType } = parser;

/** Numbers that are the same for the same seed (mulberry32), from 0 up to 1. */
export function randomFrom(seed) {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let t = Math.imul(state ^ (state >>> 15), state | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
}

class Packets {
    constructor(seed) {
        this.random = randomFrom(seed);
    }

    below(n) {
        return Math.floor(this.random() * n);
    }

    oneOf(list) {
        return list[this.below(list.length)];
    }

    /** Around every width that a whole number of at most so many bits has, and fractions. */
    number(bits) {
        const whole = 2 ** this.below(bits) + this.below(3) - 1;
        const sign = this.oneOf([1, -1]);
        // From 2^53 on all doubles are whole.
        const fraction = (this.random() - 0.5) * 10 ** (this.below(315) - 300);
        return this.oneOf([sign * whole, this.below(300) - 150, fraction, sign * this.random(), sign * 0]);
    }

    text() {
        const size = this.oneOf([0, 1, 5, 31, 32, 33, 255, 256, this.oneOf([3, 70000])]);
        const sign = this.oneOf(['a', 'é', '€', '😀', '"', '\\', '\n', '\u0000', '\ud7ff', '_']);
        return sign.repeat(size);
    }

    bytes() {
        return Buffer.alloc(this.oneOf([0, 1, 2, 4, 8, 16, 255, 256, this.oneOf([9, 70000])]), this.below(256));
    }

    /** What only JavaScript has. */
    odd() {
        const bytes = this.bytes();
        const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
        const dates = [new Date(0), new Date(1.7e12 + 123), new Date(-1), new Date(8.64e15), new Date(-8.64e15)];
        return this.oneOf([undefined, NaN, Infinity, -Infinity, new Uint8Array(copy), copy, ...dates]);
    }

    key() {
        return this.oneOf(['a', 'b', 'key', '1', '', 'num', '😀', this.text()]);
    }

    value(depth, some) {
        const kind = this.below(depth > 0 ? 12 : 9);
        // Larger ones have several texts in JSON, and notepack.io writes those from 2^64 on wrongly.
        if (kind < 3) return this.number(some.odd ? 62 : 53);
        if (kind < 5) return this.text();
        if (kind === 5) return this.oneOf([true, false, null]);
        if (kind < 8) return some.binary-- > 0 ? this.bytes() : {};
        if (kind === 8) return some.odd && some.binary-- > 0 ? this.odd() : [];
        const size = this.oneOf([0, 1, 2, 3, 15, 16, 17]);
        const inner = depth - (size > 3 ? 3 : 1);
        const items = Array.from({ length: size }, () => this.value(inner, some));
        if (kind > 9) return items;
        return Object.fromEntries(items.map((item, i) => [`${this.key()}${this.oneOf(['', i])}`, item]));
    }

    /** `odd`: with what JSON has not. */
    packet(odd) {
        const some = { binary: this.below(4), odd };
        const type = this.oneOf([PacketType.EVENT, PacketType.EVENT, PacketType.ACK]);
        const data = Array.from({ length: this.below(4) }, () => this.value(4, some));
        if (type === PacketType.EVENT) data.unshift(this.oneOf(['name', 'Ereignis ü', 7]));
        const id = this.oneOf([undefined, 0, this.below(1e6), 2 ** 40]);
        const nsp = this.oneOf(['/', '/admin', `/${'n'.repeat(40)}`]);
        // The order of the reference's server.
        if (type === PacketType.ACK) return { id: id ?? 1, type, data, nsp };
        return id === undefined ? { type, data, nsp } : { type, data, id, nsp };
    }
}

const isBytes = value => ArrayBuffer.isView(value) || value instanceof ArrayBuffer;

/** The text that JSON has for a value, its binary data apart from it. */
function toJson(value) {
    const binary = [];
    const replaced = v => {
        if (isBytes(v)) {
            const num = binary.push(Buffer.from(v.buffer ?? v, v.byteOffset, v.byteLength).toString('hex')) - 1;
            return { _placeholder: true, num };
        }
        if (Array.isArray(v)) return v.map(replaced);
        if (v === null || typeof v !== 'object' || v instanceof Date) return v;
        return Object.fromEntries(Object.entries(v).map(([key, item]) => [key, replaced(item)]));
    };
    return { data: JSON.stringify(replaced(value)), binary };
}

/** Whole numbers beyond 2^53 have several texts. */
const normal = text => JSON.stringify(JSON.parse(text));

/** A packet as the reference reads it, made comparable. */
function readByReference(hex) {
    let packet;
    const decoder = new Decoder();
    decoder.on('decoded', decoded => {
        packet = decoded;
    });
    decoder.add(Buffer.from(hex, 'hex'));
    return packet;
}

const comparable = ({ type, nsp, id, data }) => JSON.stringify([type, nsp, id ?? null, toJson(data)]);

/** The program of tests/e2e/msgpack_lines.cpp: a line to it is answered with a line, in order. */
export class Lines {
    #asked = [];

    constructor(program) {
        this.process = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
        createInterface({ input: this.process.stdout }).on('line', line => this.#asked.shift().resolve(JSON.parse(line)));
        this.process.on('close', () => {
            for (const { reject } of this.#asked) reject(new Error('the program has ended'));
        });
    }

    ask(question) {
        return new Promise((resolve, reject) => {
            this.#asked.push({ resolve, reject });
            this.process.stdin.write(`${JSON.stringify(question)}\n`);
        });
    }

    close() {
        this.process.stdin.end();
    }
}

/** What the reference writes is read by us as what it was. Gives what is wrong, if anything. */
async function compareReading(lines, packets) {
    const packet = packets.packet(true);
    const hex = new Encoder().encode(packet)[0].toString('hex');
    const read = await lines.ask({ decode: hex });
    const wanted = toJson(packet.data);
    if (read.error) return { packet, hex, read };
    const same = read.type === packet.type && read.nsp === packet.nsp && read.id === packet.id
        && normal(read.data) === normal(wanted.data) && read.binary.join() === wanted.binary.join();
    return same ? null : { packet, hex, read, wanted };
}

/** What we write is, byte for byte, what the reference writes, and is read by it as what it was. */
async function compareWriting(lines, packets) {
    const packet = packets.packet(false);
    const hex = new Encoder().encode(packet)[0].toString('hex');
    const { type, nsp, id, data } = packet;
    const { encoded } = await lines.ask({ type, nsp, id, ...toJson(data) });
    const same = encoded === hex && comparable(readByReference(encoded)) === comparable(packet);
    return same ? null : { packet, hex, encoded };
}

/** Sends `count` packets either way. Gives those that are written or understood otherwise. */
export async function compare(program, count, seed) {
    const lines = new Lines(program);
    const packets = new Packets(seed);
    const found = [];
    const atOnce = 50;
    for (let done = 0; done < count; done += atOnce) {
        const asked = Array.from({ length: Math.min(atOnce, count - done) }, () => [
            compareReading(lines, packets),
            compareWriting(lines, packets),
        ]);
        found.push(...(await Promise.all(asked.flat())).filter(wrong => wrong));
    }
    lines.close();
    return found;
}
