// SPDX-License-Identifier: BSL-1.0
// Our client and servers that are none, or mean harm: it says what is wrong, tries again, and neither grows nor breaks.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { startCaller } from './helpers/caller.mjs';
import * as hostile from './helpers/hostile.mjs';
import { pair, quick, serve, serveApart, ways } from './helpers/node_server.mjs';
import { frame, opcode } from './helpers/raw.mjs';
import { next, within } from './helpers/wait.mjs';

const timeout = 30_000;
const concurrency = 4;
const { admit, answer, flood, handshake, open, pour, say, text, upgrade } = hostile;
const megabyte = 'x'.repeat(1_000_000);
const mayGrow = 64e6;

// AddressSanitizer keeps what was freed, which would look like growth.
process.env.ASAN_OPTIONS = `${process.env.ASAN_OPTIONS ?? ''}:quarantine_size_mb=4`;

const test = (title, body) => it(title, { timeout }, body);

/** It fails at least twice in this way, is alive after that, and ends when it is told to. */
function fails(title, transport, act, message, why) {
    test(`${title}: ${message}`, async t => {
        const url = await hostile.listen(t, act);
        const client = startCaller(t, url, { transports: [transport], ...quick, timeout: 1_000 });
        client.tell({ do: 'open' });
        await client.status();
        const before = await client.peakMemory();
        for (let i = 0; i < 2; ++i) {
            const failed = await client.next({ on: 'connect_error' });
            assert.equal(failed.message, message, JSON.stringify(failed));
            if (why) assert.match(failed.why.message, why);
            assert.equal(failed.active, true);
        }
        const grown = await client.peakMemory() - before;
        assert.ok(grown < mayGrow, `it grew by ${grown} bytes`);
        const took = await client.close(1_000);
        assert.ok(took < 3_000, `it took ${took} ms to end`);
    });
}

describe('our client polls what is no server', { concurrency }, () => {
    const poll = (title, act, message = 'xhr poll error', why) => fails(title, 'polling', act, message, why);
    const body = (payload, message = 'server error') => poll(`it says ${JSON.stringify(payload.slice(0, 60))}`, answer('200 OK', payload), message);

    poll('nobody answers', () => {}, 'timeout');
    poll('it ends at once', stream => stream.destroy());
    poll('it ends after the request', say(''));
    poll('garbage', say(randomBytes(1_000)));
    poll('garbage that stays', stream => stream.write(randomBytes(1_000)));
    poll('endless garbage', pour(randomBytes(10_000), randomBytes(100_000)));
    poll('another protocol', stream => stream.write('220 mail.example ESMTP\r\n'), 'timeout');
    poll('an endless line', pour('HTTP/1.1 200 OK\r\nX-Long: ', megabyte), undefined, /too large/);
    poll('endless fields', pour('HTTP/1.1 200 OK\r\n', 'X-Another: field\r\n'.repeat(100)), undefined, /too (large|many)/);
    poll('endless interim answers', pour('', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(100)));
    poll('a body without an end', pour('HTTP/1.1 200 OK\r\n\r\n', megabyte), undefined, /too large/);
    poll('a huge length', pour('HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n', megabyte), undefined, /too large/);
    poll('endless chunks', pour('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', `f4240\r\n${megabyte}\r\n`), undefined, /too large/);
    poll('endless empty lines of a chunk', pour('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '1;x=y\r\nx\r\n'.repeat(100)));
    poll('a body that is cut', say('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0{'));
    poll('a negative length', say('HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n'));
    poll('two lengths', say('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n0'));
    for (const status of ['500 Internal Server Error', '404 Not Found', '204 No Content', '302 Found'])
        poll(status, answer(status, '', 'Location: /elsewhere'), undefined, new RegExp(status.slice(0, 3)));
    poll('a WebSocket that nobody wanted', answer('101 Switching Protocols'), undefined, /malformed/);
    poll('a thousand cookies each time', (stream => stream.once('data', () => stream.end(`HTTP/1.1 500 No\r\n${
        Array.from({ length: 50 }, () => `Set-Cookie: ${randomBytes(8).toString('hex')}=${'x'.repeat(200)}\r\n`).join('')}\r\n`))));

    body('');
    body('hello');
    body('0');
    body('0{');
    body('0null');
    body('0[]');
    body(`0${'['.repeat(100_000)}`);
    body(`0${'{"a":'.repeat(100_000)}`);
    body(open({ sid: '' }));
    body(open({ sid: 'a b\r\nX: y' }));
    body(open({ pingInterval: undefined }));
    body(open({ pingTimeout: -1 }));
    body(open({ upgrades: 'websocket' }));
    body(`0{"sid":"${'x'.repeat(2_000_000)}"}`);
    body('4hello');
    body('2');
    body('\x1e'.repeat(100));
    body('bAAAA');
    body('1', 'xhr poll error');
});

describe('our client asks for a WebSocket where there is none', { concurrency }, () => {
    const ask = (title, act, message = 'websocket error', why) => fails(title, 'websocket', act, message, why);
    const first = (title, bytes, message) => ask(title, upgrade(stream => stream.write(bytes)), message);

    ask('nobody answers', () => {}, 'timeout');
    ask('nothing comes after the answer', upgrade(() => {}), 'timeout');
    ask('it ends at once', stream => stream.destroy());
    ask('garbage', say(randomBytes(1_000)));
    ask('an endless line', pour('HTTP/1.1 101 ', megabyte), undefined, /too large/);
    ask('an endless body of a refusal', pour('HTTP/1.1 403 Forbidden\r\n\r\n', megabyte));
    for (const status of ['200 OK', '302 Found', '400 Bad Request', '500 Internal Server Error'])
        ask(status, answer(status, 'no', 'Location: /elsewhere'), undefined, new RegExp(status.slice(0, 3)));
    ask('the wrong key', upgrade(() => {}, () => 'AAAAAAAAAAAAAAAAAAAAAAAAAAA='), undefined, /handshake/);
    ask('no key', say('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'), undefined, /handshake/);
    ask('it ends after the answer', upgrade(stream => stream.end()));
    first('garbage after the answer', randomBytes(1_000).fill(0xff));
    first('a masked frame', frame(opcode.text, open()));
    first('a length of eight bytes, all ones', Buffer.from([0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255]));
    first('a length of a terabyte', Buffer.from([0x81, 127, 0, 0, 1, 0, 0, 0, 0, 0]));
    first('text that is none', Buffer.from([0x81, 2, 0xc3, 0x28]));
    ask('endless fragments', upgrade(stream => {
        stream.write(frame(opcode.text, 'x', { masked: false, first: opcode.text }));
        flood(stream, Buffer.concat(Array(1_000).fill(frame(opcode.continuation, 'x', { masked: false, first: opcode.continuation }))));
    }));
    ask('an endless message', upgrade(stream => {
        stream.write(frame(opcode.text, 'x', { masked: false, first: opcode.text }));
        flood(stream, frame(opcode.continuation, megabyte, { masked: false, first: opcode.continuation }));
    }));
    first('no open packet', text('2'), 'server error');
    first('an open packet without a heartbeat', text(open({ pingInterval: undefined })), 'server error');
    first('an open packet of a million brackets', text(`0${'['.repeat(1_000_000)}`), 'server error');
    first('a binary message', frame(opcode.binary, 'hello', { masked: false }), 'server error');
    ask('pings for ever, and nothing is read', upgrade(stream => {
        stream.pause();
        flood(stream, Buffer.concat(Array(500).fill(frame(opcode.ping, 'x'.repeat(125), { masked: false }))));
    }), 'timeout');
});

describe('our client is in, and the server goes mad', { concurrency }, () => {
    /** What the server does then ends the connection with this reason; the client tries again. */
    const mad = (title, act, reason) => test(`${title}: ${reason}`, async t => {
        const url = await hostile.listen(t, admit(act));
        const client = startCaller(t, url, { transports: ['websocket'], ...quick });
        client.tell({ do: 'open' });
        await client.status();
        const before = await client.peakMemory();
        for (let i = 0; i < 2; ++i) {
            await client.next({ on: 'connect' });
            assert.equal((await client.next({ on: 'disconnect' })).reason, reason);
        }
        const grown = await client.peakMemory() - before;
        assert.ok(grown < mayGrow, `it grew by ${grown} bytes`);
        assert.ok(await client.close(1_000) < 3_000);
    });
    const says = (title, packet, reason = 'parse error') => mad(title, stream => stream.write(text(packet)), reason);

    says('an unknown packet', '9', 'transport error');
    says('an empty packet', '', 'transport error');
    says('a message of no type', '4');
    says('a message of an unknown type', '49');
    says('an event that is no list', '42{"a":1}');
    says('an event without a name', '42[]');
    says('broken JSON', '42["a"');
    says('a million brackets', `42["a",${'['.repeat(1_000_000)}`);
    says('a thousand million attachments', '4599999999999-["a"]');
    mad('an event between an event and its attachments', stream => stream.write(Buffer.concat(
        [text('451-["a",{"_placeholder":true,"num":0}]'), text('42["b"]')])), 'parse error');
    says('a placeholder for nothing', '451-["a",{"_placeholder":true,"num":7}]', 'parse error');
    mad('binary data out of the blue', stream => stream.write(frame(opcode.binary, 'hello', { masked: false })), 'parse error');
    mad('it ends without a word', stream => stream.end(), 'transport close');
    mad('it vanishes', stream => setImmediate(() => stream.resetAndDestroy()), 'transport close');
    mad('it goes as it should', stream => stream.write(frame(opcode.close, Buffer.from([3, 232]), { masked: false })), 'transport close');
    mad('a message that has no end', stream => {
        stream.write(frame(opcode.text, 'x', { masked: false, first: opcode.text }));
        flood(stream, frame(opcode.continuation, megabyte, { masked: false, first: opcode.continuation }));
    }, 'transport error');
    mad('a frame that no protocol knows', stream => stream.write(Buffer.from([0x83, 0])), 'transport error');

    test('what is merely odd is passed over', async t => {
        let said;
        const url = await hostile.listen(t, admit(stream => { said = stream; }));
        const client = startCaller(t, url, { transports: ['websocket'] });
        const { id } = await client.open();
        assert.equal(id, 'first');
        for (const packet of ['1', '6', '3', '3probe', '5', '2probe', '43999["nobody asked"]', '41/nowhere,', '44/nowhere,{"message":"no"}', '42/nowhere,["event"]', '42["silence"]'])
            said.write(text(packet));
        assert.deepEqual((await client.event('silence')).args, []);
        assert.equal((await client.status()).connected, true);
        assert.equal(client.count({ on: 'disconnect' }), 0);
    });

    test('a flood of events is taken in little memory', async t => {
        const event = text(`42["silence","${'x'.repeat(1_000)}"]`);
        let told = 0;
        const url = await hostile.listen(t, admit(stream => flood(stream, Buffer.concat(Array(100).fill(event)))));
        const client = startCaller(t, url, { transports: ['websocket'] });
        await client.open();
        const before = await client.peakMemory();
        while (++told < 5_000) await client.event('silence');
        assert.ok(await client.peakMemory() - before < mayGrow);
        assert.ok(await client.close(1_000) < 5_000);
    });

    test('pings whose answers nobody reads take little memory', async t => {
        const url = await hostile.listen(t, admit(stream => {
            stream.pause();
            for (let i = 0; i < 30; ++i) stream.write(Buffer.concat(Array(3_000).fill(text('2'))));
            stream.write(text('42["silence"]'));
        }));
        const client = startCaller(t, url, { transports: ['websocket'] });
        await client.open();
        const before = await client.peakMemory();
        await client.event('silence', 20_000);
        assert.ok(await client.peakMemory() - before < mayGrow);
        assert.ok(await client.close(1_000) < 3_000);
    });
});

describe('our client polls, is in, and the server goes mad', { concurrency }, () => {
    const mad = (title, ways, reason) => test(`${title}: ${reason}`, async t => {
        const url = await hostile.admitByPolling(t, ways);
        const client = startCaller(t, url, { transports: ['polling'], ...quick });
        client.tell({ do: 'open' });
        await client.status();
        const before = await client.peakMemory();
        for (let i = 0; i < 2; ++i) {
            await client.next({ on: 'connect' });
            client.emit('message', i);
            assert.equal((await client.next({ on: 'disconnect' })).reason, reason);
        }
        const grown = await client.peakMemory() - before;
        assert.ok(grown < mayGrow, `it grew by ${grown} bytes`);
        assert.ok(await client.close(1_000) < 3_000);
    });
    const brings = (body, reason) => mad(`it brings ${JSON.stringify(body)}`, { get: response => response.end(body) }, reason);
    const status = code => response => response.writeHead(code, { Location: '/elsewhere' }).end();
    const pourOut = response => {
        response.writeHead(200);
        flood(response, megabyte);
    };

    for (const code of [204, 302, 404, 500]) {
        mad(`${code} for a poll`, { get: status(code) }, 'transport error');
        mad(`${code} for what was sent`, { post: status(code) }, 'transport error');
    }
    mad('a poll is cut', { get: response => response.destroy() }, 'transport error');
    mad('what was sent is cut', { post: response => response.destroy() }, 'transport error');
    mad('a poll without an end', { get: pourOut }, 'transport error');
    mad('an answer without an end', { post: pourOut }, 'transport error');
    brings('', 'transport error');
    brings('garbage', 'transport error');
    brings('42["a"]\x1e9\x1e42["b"]', 'transport error');
    brings('42{"a":1}', 'parse error');
    brings('b%%%', 'parse error');
    brings('1', 'transport close');
    brings('42["a"]\x1e1\x1e42["b"]', 'transport close');
});

describe('our client is closed', { concurrency }, () => {
    /** However far it is, it ends at once, and cleanly. */
    const ends = (title, prepare, most = 1_500) => test(title, async t => {
        const client = await prepare(t);
        const took = await client.close(1_000);
        assert.ok(took < most, `it took ${took} ms`);
    });
    const caller = (t, { url }, options) => startCaller(t, url, options);

    ends('before it did anything', async t => caller(t, { url: 'http://127.0.0.1:9' }));
    for (const transports of ways) {
        const over = transports.join(' and then ');
        ends(`right after it was opened over ${over}`, async t => {
            const client = caller(t, await serve(t), { transports });
            client.tell({ do: 'open' });
            return client;
        });
        ends(`while it waits for an answer over ${over}`, async t => {
            let done;
            const asked = new Promise(resolve => { done = resolve; });
            const client = caller(t, { url: await hostile.listen(t, stream => stream.once('data', done)) }, { transports });
            client.tell({ do: 'open' });
            await within(asked, 'the request');
            return client;
        });
        ends(`while it waits to be let in over ${over}`, async t => {
            const asked = new Promise(done => { t.asked = done; });
            const client = caller(t, await serve(t, { set: io => io.use(() => t.asked()) }), { transports });
            client.tell({ do: 'connect' });
            await within(asked, 'the middleware');
            return client;
        });
        ends(`while it waits for a reply over ${over}`, async t => {
            const { client, socket } = await pair(t, transports, { server: { set: io => io.on('connection', () => {}) } });
            client.call('ask', 1).catch(() => {});
            await next(socket, 'ask');
            return client;
        });
        ends(`while it is connected over ${over}`, async t => (await pair(t, transports)).client);
        ends(`while it waits for its next attempt over ${over}`, async t => {
            const { server, client } = await pair(t, transports, { client: { reconnectionDelay: 60_000, reconnectionDelayMax: 60_000 } });
            await server.stop();
            await client.next({ on: 'disconnect' });
            return client;
        });
        ends(`while the server stands still over ${over}`, async t => {
            const server = await serveApart(t);
            const client = caller(t, server, { transports });
            await client.open();
            server.freeze();
            client.tell({ do: 'flood', count: 1_000, size: 1_000 });
            await client.status();
            return client;
        }, 4_000);
    }
    ends('while it asks for credentials', async t => {
        const client = caller(t, await serve(t), { auth: 'counter' });
        client.tell({ do: 'open' });
        return client;
    });
    ends('while it upgrades', async t => {
        const server = await serve(t);
        const held = new Promise(done => server.onUpgrade(done));
        const client = caller(t, server);
        await client.open();
        await within(held, 'the attempt to upgrade');
        return client;
    });
    ends('while nobody opens the port', async t => {
        const server = await serve(t);
        await server.stop();
        const client = caller(t, server, quick);
        client.tell({ do: 'open' });
        await client.next({ on: 'connect_error' });
        return client;
    });
});
