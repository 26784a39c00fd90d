// SPDX-License-Identifier: BSL-1.0
// Engine.IO spoken by hand over long-polling.

import assert from 'node:assert/strict';
import { send } from './raw.mjs';

export const root = '/socket.io/?EIO=4&transport=';

/** An open polling session: `get()`, `post(body)`. */
export async function openPolling(port, headers = {}) {
    const opened = await send(port, `${root}polling`, { headers });
    assert.equal(opened.status, 200, opened.body);
    const { sid } = JSON.parse(opened.body.slice(1));
    const path = `${root}polling&sid=${sid}`;
    return {
        sid,
        path,
        get: (options = {}) => send(port, path, options),
        post: (body, options = {}) => send(port, path, { method: 'POST', body, ...options }),
    };
}

/** The same, joined to the main namespace, with the CONNECT answer and the `auth` event already read. */
export async function joinPolling(port) {
    const session = await openPolling(port);
    assert.equal((await session.post('40')).body, 'ok');
    let packets = [];
    while (packets.length < 2) packets = packets.concat((await session.get()).body.split('\x1e'));
    assert.match(packets[0], /^40\{"sid":"[\w-]{20}"\}$/);
    assert.equal(packets[1], '42["auth",{}]');
    return session;
}
