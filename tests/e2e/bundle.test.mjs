// SPDX-License-Identifier: BSL-1.0
// The client bundles that the server hands to browsers, compared with those of the npm package.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { send } from './helpers/raw.mjs';
import { start } from './helpers/server.mjs';

const timeout = 20_000;
const require = createRequire(import.meta.url);
const manifest = require.resolve('socket.io-client/package.json');
const { version } = require(manifest);
const etag = `"${version}"`;
const published = name => readFile(join(dirname(manifest), 'dist', name));

const scripts = ['socket.io.js', 'socket.io.min.js', 'socket.io.esm.min.js', 'socket.io.msgpack.min.js'];
const decoders = { br: brotliDecompressSync, gzip: gunzipSync, deflate: inflateSync, identity: bytes => bytes };

describe('the client bundles', { timeout: 60_000 }, () => {
    let server;
    before(async () => { server = await start('SOCORO_CONFORMANCE'); });
    after(() => server?.stop());
    const test = (title, body) => it(title, { timeout }, body);
    const get = (name, headers = {}, options = {}) => send(server.port, `/socket.io/${name}`, { headers, ...options });

    for (const name of [...scripts, ...scripts.map(script => `${script}.map`)]) {
        test(`${name} is the published file`, async () => {
            const answer = await get(name);
            assert.equal(answer.status, 200);
            const type = name.endsWith('.map') ? 'application/json' : 'application/javascript';
            assert.equal(answer.headers['content-type'], `${type}; charset=utf-8`);
            assert.equal(answer.headers['cache-control'], 'public, max-age=0');
            assert.equal(answer.headers.etag, etag);
            assert.equal(answer.headers['content-encoding'], undefined);
            assert.ok(answer.bytes.equals(await published(name)), 'the bytes differ');
        });
    }

    test('304 without a body for the ETag, strong or weak', async () => {
        for (const match of [etag, `W/${etag}`]) {
            const answer = await get('socket.io.js', { 'if-none-match': match });
            assert.deepEqual([answer.status, answer.body], [304, '']);
        }
    });

    test('200 for another ETag', async () => {
        for (const match of ['"1.0.0"', version, 'nonsense']) {
            assert.equal((await get('socket.io.js', { 'if-none-match': match })).status, 200);
        }
    });

    for (const accepted of ['br', 'gzip', 'deflate', 'gzip, deflate, br']) {
        test(`Accept-Encoding: ${accepted} is answered in an encoding that was offered`, async () => {
            const answer = await get('socket.io.min.js', { 'accept-encoding': accepted });
            const encoding = answer.headers['content-encoding'] ?? 'identity';
            assert.ok(encoding === 'identity' || accepted.split(', ').includes(encoding), encoding);
            assert.ok(decoders[encoding](answer.bytes).equals(await published('socket.io.min.js')));
            assert.equal(answer.headers.etag, etag);
        });
    }

    test('the query is ignored', async () => {
        const answer = await get('socket.io.min.js?v=42&EIO=3');
        assert.equal(answer.status, 200);
        assert.ok(answer.bytes.equals(await published('socket.io.min.js')));
    });

    test('other names are no files', async () => {
        for (const name of ['socket.io.ts', 'socket.io.min.js.gz', '../package.json', '%2e%2e/package.json', 'socket.io.js/x', 'socket.io.umd.js']) {
            const answer = await get(name);
            assert.ok([400, 404].includes(answer.status), `${name}: ${answer.status}`);
        }
        const answer = await get('socket.io.ts');
        assert.deepEqual([answer.status, answer.body], [400, '{"code":0,"message":"Transport unknown"}']);
    });
});
