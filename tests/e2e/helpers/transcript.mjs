// SPDX-License-Identifier: BSL-1.0
// What a client told, line by line, of which tests take what they wait for.

import { isDeepStrictEqual } from 'node:util';
import { within } from './wait.mjs';

/** Whether the line has these members, or this is a function that says so. */
export function fits(line, wanted) {
    if (typeof wanted === 'function') return wanted(line);
    return Object.entries(wanted).every(([key, value]) => isDeepStrictEqual(line[key], value));
}

export class Transcript {
    /** All that was told, in order. */
    lines = [];
    #waiting = [];
    #left = [];
    #ended;

    add(line) {
        this.lines.push(line);
        const first = this.#waiting.findIndex(waits => fits(line, waits.wanted));
        if (first < 0) this.#left.push(line);
        else this.#waiting.splice(first, 1)[0].done(line);
    }

    fail(error) {
        this.#ended = error;
        for (const waits of this.#waiting.splice(0)) waits.fail(error);
    }

    /** The oldest line that fits and that nobody has taken, now or later. */
    next(wanted, ms) {
        const there = this.#left.findIndex(line => fits(line, wanted));
        if (there >= 0) return Promise.resolve(this.#left.splice(there, 1)[0]);
        const line = this.#ended ? Promise.reject(this.#ended)
            : new Promise((done, fail) => this.#waiting.push({ wanted, done, fail }));
        return within(line, JSON.stringify(wanted) ?? String(wanted), ms)
            .catch(error => { throw new Error(`${error.message}; told so far: ${this.#tail()}`); });
    }

    /** The next `count` lines that fit, in order. */
    async collect(count, wanted, ms) {
        const all = [];
        while (all.length < count) all.push(await this.next(wanted, ms));
        return all;
    }

    event(name, ms) {
        return this.next({ on: 'event', name }, ms);
    }

    /** How many such lines there were. */
    count(wanted) {
        return this.lines.filter(line => fits(line, wanted)).length;
    }

    #tail() {
        return this.lines.slice(-10).map(line => JSON.stringify(line).slice(0, 300)).join('\n');
    }
}

/** Arguments without their Buffers, for which placeholders stand, and these beside them. */
export function strip(args) {
    const attachments = [];
    const walk = value => {
        if (Buffer.isBuffer(value)) return { _placeholder: true, num: attachments.push(value.toString('base64')) - 1 };
        if (Array.isArray(value)) return value.map(walk);
        if (value === null || typeof value !== 'object') return value;
        return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, walk(member)]));
    };
    return { args: walk(args), attachments };
}

/** The reverse: a line whose arguments have their Buffers again. */
export function revive(line) {
    if (!line.attachments) return line;
    const { attachments, ...rest } = line;
    const walk = value => {
        if (Array.isArray(value)) return value.map(walk);
        if (value === null || typeof value !== 'object') return value;
        if (value._placeholder) return Buffer.from(attachments[value.num], 'base64');
        return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, walk(member)]));
    };
    return { ...rest, args: walk(rest.args) };
}
