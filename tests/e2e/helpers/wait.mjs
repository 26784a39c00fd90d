// SPDX-License-Identifier: BSL-1.0
// Waiting for events of socket.io-client's emitters, always with a deadline.

const patience = 10_000;

/** Rejects when the promise has not settled in time. */
export async function within(promise, what, ms = patience) {
    let timer;
    const late = new Promise((_, fail) => {
        timer = setTimeout(() => fail(new Error(`waited ${ms} ms in vain for ${what}`)), ms);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The arguments of the next such event. Call it before doing what causes the event. */
export function next(emitter, event, ms) {
    return within(new Promise(done => emitter.once(event, (...args) => done(args))), `"${event}"`, ms);
}

/** The first arguments of the next `count` such events, in the order of arrival. */
export function collect(emitter, event, count, ms) {
    const all = [];
    const done = new Promise(resolve => {
        const take = first => {
            all.push(first);
            if (all.length < count) return;
            emitter.off(event, take);
            resolve(all);
        };
        emitter.on(event, take);
    });
    return within(done, `${count} times "${event}"`, ms).catch(error => {
        throw new Error(`${error.message} (${all.length} came)`);
    });
}

/** Acknowledged emit with a deadline. */
export function ask(socket, event, ...args) {
    return socket.timeout(patience).emitWithAck(event, ...args);
}
