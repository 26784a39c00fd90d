// SPDX-License-Identifier: BSL-1.0
// Engine.IO over HTTP, byte for byte: status codes, bodies and headers of the reference implementation.

import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { gunzipSync, inflateSync } from 'node:zlib';
import { exchange, frame, opcode, parse, RawWebSocket, send, upgradeRequest } from './helpers/raw.mjs';
import { start } from './helpers/server.mjs';
import { joinPolling, openPolling, root } from './helpers/session.mjs';
import { within } from './helpers/wait.mjs';

const timeout = 20_000;
const unknownSid = 'AAAAAAAAAAAAAAAAAAAA';

const errors = {
    transport: '{"code":0,"message":"Transport unknown"}',
    session: '{"code":1,"message":"Session ID unknown"}',
    method: '{"code":2,"message":"Bad handshake method"}',
    request: '{"code":3,"message":"Bad request"}',
    version: '{"code":5,"message":"Unsupported protocol version"}',
};

function assertError(answer, body, status = 400) {
    assert.deepEqual([answer.status, answer.body], [status, body]);
    assert.equal(answer.headers['content-type'], 'application/json');
}

function assertPoll(answer, body) {
    assert.deepEqual([answer.status, answer.body], [200, body]);
    assert.equal(answer.headers['content-type'], 'text/plain; charset=UTF-8');
    assert.equal(answer.headers['content-length'], String(answer.bytes.length));
    assert.equal(answer.headers['cache-control'], 'no-store');
}

function assertPosted(answer) {
    assert.deepEqual([answer.status, answer.body], [200, 'ok']);
    assert.equal(answer.headers['content-type'], 'text/html');
    assert.equal(answer.headers['content-length'], '2');
    assert.equal(answer.headers['cache-control'], 'no-store');
}

function assertEmpty(answer, status) {
    assert.deepEqual([answer.status, answer.body], [status, '']);
}

describe('Engine.IO over HTTP', { timeout: 90_000 }, () => {
    let server;
    let port;
    before(async () => {
        server = await start('SOCORO_CONFORMANCE');
        port = server.port;
    });
    after(() => server?.stop());
    const test = (title, body) => it(title, { timeout }, body);

    describe('the handshake', () => {
        test('polling is answered with the open packet', async () => {
            const answer = await send(port, `${root}polling`);
            assertPoll(answer, answer.body);
            assert.match(answer.body, /^0\{"sid":"[\w-]{20}","upgrades":\["websocket"\],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000\}$/);
            for (const absent of ['set-cookie', 'access-control-allow-origin', 'vary', 'content-encoding']) {
                assert.equal(answer.headers[absent], undefined, absent);
            }
        });

        test('a WebSocket begins with the open packet, without upgrades', async t => {
            const socket = await RawWebSocket.open(port, `${root}websocket`);
            t.after(() => socket.destroy());
            assert.match(await socket.text(), /^0\{"sid":"[\w-]{20}","upgrades":\[\],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000\}$/);
        });

        test('the order of the query does not matter, and strange keys are ignored', async () => {
            const answer = await send(port, '/socket.io/?x=%F0%9F%98%80&transport=polling&t=abc&b64=1&EIO=4&__proto__=1');
            assert.equal(answer.status, 200);
        });

        test('anything below the path is ours, the path without its slash and the rest are not', async () => {
            assert.equal((await send(port, '/socket.io/foo/?EIO=4&transport=polling')).status, 200);
            for (const path of ['/', '/socket.io', '/socket.io?EIO=4&transport=polling', '/Socket.io/?EIO=4&transport=polling']) {
                assert.equal((await send(port, path)).status, 404, path);
            }
        });

        test('sids differ', async () => {
            const answers = await Promise.all(Array.from({ length: 20 }, () => send(port, `${root}polling`)));
            assert.equal(new Set(answers.map(answer => JSON.parse(answer.body.slice(1)).sid)).size, 20);
        });
    });

    describe('handshake errors', () => {
        for (const [title, query] of [
            ['no transport', 'EIO=4'],
            ['no query at all', ''],
            ['an unknown transport', 'EIO=4&transport=carrier-pigeon'],
            ['a transport in capitals', 'EIO=4&transport=Polling'],
            ['__proto__ as the transport', 'EIO=4&transport=__proto__'],
            ['constructor as the transport', 'EIO=4&transport=constructor'],
            ['an unknown transport, before the unknown session', `EIO=4&transport=tin&sid=${unknownSid}`],
            ['an unknown transport, before the wrong version', 'EIO=2&transport=tin'],
        ]) {
            test(`code 0: ${title}`, async () => assertError(await send(port, `/socket.io/?${query}`), errors.transport));
        }

        test('code 1: an unknown session', async () => {
            assertError(await send(port, `${root}polling&sid=${unknownSid}`), errors.session);
            assertError(await send(port, `${root}polling&sid=__proto__`), errors.session);
            assertError(await send(port, `${root}polling&sid=${unknownSid}`, { method: 'POST', body: '40' }), errors.session);
            assertError(await send(port, `${root}websocket&sid=${unknownSid}`), errors.session);
        });

        test('code 2: a handshake with another method than GET', async () => {
            for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
                assertError(await send(port, `${root}polling`, { method }), errors.method);
            }
        });

        test('code 2 comes before the wrong version', async () => {
            assertError(await send(port, '/socket.io/?EIO=3&transport=polling', { method: 'POST' }), errors.method);
        });

        test('code 3: the WebSocket transport without an Upgrade header', async () => {
            assertError(await send(port, `${root}websocket`), errors.request);
        });

        test('code 3: a session of another transport', async t => {
            const socket = await RawWebSocket.open(port, `${root}websocket`);
            t.after(() => socket.destroy());
            const { sid } = JSON.parse((await socket.text()).slice(1));
            assertError(await send(port, `${root}polling&sid=${sid}`), errors.request);
            assertError(await send(port, `${root}polling&sid=${sid}`, { method: 'POST', body: '3' }), errors.request);
        });

        test('400: a control character in Origin', async () => {
            const answer = await exchange(port, `GET ${root}polling HTTP/1.1\r\nHost: x\r\nOrigin: http://a\u0001b\r\nConnection: close\r\n\r\n`);
            assert.equal(parse(answer).line, 'HTTP/1.1 400 Bad Request');
        });

        test('code 5: another version of the protocol', async () => {
            for (const query of ['EIO=3&', 'EIO=5&', 'EIO=&', 'EIO=four&', '']) {
                assertError(await send(port, `/socket.io/?${query}transport=polling`), errors.version);
            }
        });

        for (const [title, query, message] of [
            ['an unknown transport', 'EIO=4&transport=tin', 'Transport unknown'],
            ['a transport named constructor', 'EIO=4&transport=constructor', 'Transport unknown'],
            ['an unknown session', `EIO=4&transport=websocket&sid=${unknownSid}`, 'Session ID unknown'],
        ]) {
            test(`a WebSocket with ${title} is refused in plain text`, async () => {
                const { line, headers, body } = parse(await exchange(port, upgradeRequest(`/socket.io/?${query}`)));
                assert.equal(line, 'HTTP/1.1 400 Bad Request');
                assert.equal(body, message);
                assert.deepEqual(headers, {
                    connection: 'close', 'content-type': 'text/html', 'content-length': String(message.length),
                });
            });
        }

        test('a WebSocket of another version gets no session', async () => {
            // The reference notices after its 101 and writes the same refusal into the open WebSocket.
            for (const query of ['EIO=3&transport=websocket', 'transport=websocket']) {
                const answer = await exchange(port, upgradeRequest(`/socket.io/?${query}`));
                assert.ok(answer.endsWith('\r\n\r\nUnsupported protocol version'), answer);
            }
        });

        test('an upgrade to something else is ended', async () => {
            await exchange(port, upgradeRequest('/elsewhere'));
        });
    });

    describe('polling', () => {
        test('packets of one answer are separated by 0x1e', async () => {
            const session = await openPolling(port);
            assertPosted(await session.post('40'));
            const first = await session.get();
            assertPoll(first, first.body);
            if (!first.body.includes('\x1e')) await session.get();
            assertPosted(await session.post('42["message",1]\x1e42["message","two"]\x1e420["message-with-ack",3]'));
            const answer = await session.get();
            assertPoll(answer, '42["message-back",1]\x1e42["message-back","two"]\x1e430[3]');
        });

        test('a waiting poll is answered when there is something', async () => {
            const session = await joinPolling(port);
            const poll = session.get();
            await session.post('42["message","ä😀"]');
            assertPoll(await poll, '42["message-back","ä😀"]');
        });

        test('binary is b and base64, in both directions', async () => {
            const session = await joinPolling(port);
            assertPosted(await session.post('451-["message",{"_placeholder":true,"num":0}]\x1ebAQIDBA=='));
            assertPoll(await session.get(), '451-["message-back",{"_placeholder":true,"num":0}]\x1ebAQIDBA==');
        });

        test('base64 without padding is understood', async () => {
            const session = await joinPolling(port);
            assertPosted(await session.post('451-["message",{"_placeholder":true,"num":0}]\x1ebAQIDBA'));
            assertPoll(await session.get(), '451-["message-back",{"_placeholder":true,"num":0}]\x1ebAQIDBA==');
        });

        test('a chunked POST is a POST', async () => {
            const session = await joinPolling(port);
            assertPosted(await session.post('42["message"]', { headers: { 'transfer-encoding': 'chunked' } }));
            assertPoll(await session.get(), '42["message-back"]');
        });

        test('a Content-Type with a charset, or none, makes no difference', async () => {
            const session = await joinPolling(port);
            for (const headers of [{}, { 'content-type': 'text/plain;charset=UTF-8' }, { 'content-type': 'application/xml' }]) {
                assertPosted(await session.post('42["message"]', { headers }));
                assertPoll(await session.get(), '42["message-back"]');
            }
        });

        test('many requests share one connection', async t => {
            const agent = new Agent({ keepAlive: true, maxSockets: 1 });
            t.after(() => agent.destroy());
            const session = await joinPolling(port);
            const ports = new Set();
            for (let i = 0; i < 10; i += 1) {
                const [posted, polled] = [await session.post(`42["message",${i}]`, { agent }), await session.get({ agent })];
                assertPosted(posted);
                assertPoll(polled, `42["message-back",${i}]`);
                ports.add(posted.localPort).add(polled.localPort);
            }
            assert.equal(ports.size, 1);
        });

        test('an undecodable packet is answered ok, and the session is gone', async () => {
            for (const garbage of ['x', '40\x1e\x1e', 'hello', '9']) {
                const session = await openPolling(port);
                assertPosted(await session.post(garbage));
                assertError(await session.get(), errors.session);
            }
        });

        test('an empty POST is answered, whatever it means', async () => {
            const session = await openPolling(port);
            assertPosted(await session.post(''));
        });

        for (const [how, headers] of [['announced', {}], ['chunked', { 'transfer-encoding': 'chunked' }]]) {
            test(`a POST above the limit, ${how}: 413, and the session survives`, async () => {
                const session = await joinPolling(port);
                assertEmpty(await session.post('4'.repeat(1_000_001), { headers }), 413);
                assertPosted(await session.post('42["message"]'));
                assertPoll(await session.get(), '42["message-back"]');
            });
        }

        test('a POST of exactly the limit is taken', async () => {
            const session = await joinPolling(port);
            const [head, tail] = ['42["message","', '"]'];
            const text = 'a'.repeat(1_000_000 - head.length - tail.length);
            assertPosted(await session.post(head + text + tail));
            assert.equal((await session.get()).body, `42["message-back","${text}"]`);
        });

        test('binary content is refused, and the session is gone', async () => {
            const session = await openPolling(port);
            const headers = { 'content-type': 'application/octet-stream' };
            assertEmpty(await session.post('40', { headers }), 400);
            assertError(await session.get(), errors.session);
        });

        test('a second poll while one waits: 400, the first is told to close, the session is gone', async () => {
            const session = await joinPolling(port);
            const polls = [session.get(), session.get()];
            const answers = await Promise.all(polls);
            answers.sort((a, b) => a.status - b.status);
            assertPoll(answers[0], '1');
            assertEmpty(answers[1], 400);
            assertError(await session.get(), errors.session);
        });

        test('a second POST while one is under way: 400, the session is gone', async t => {
            const session = await joinPolling(port);
            const half = new RawWebSocket(port);
            t.after(() => half.destroy());
            half.write(`POST ${session.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n42["mess`);
            // The server says nothing about half a body: ask until the second one meets it.
            const overlaps = async () => {
                for (;;) {
                    const answer = await session.post('3');
                    if (answer.status === 400) return answer;
                }
            };
            assertEmpty(await within(overlaps(), 'the overlap'), 400);
            assertError(await session.get(), errors.session);
        });

        test('an aborted poll ends the session', async () => {
            const session = await joinPolling(port);
            const poll = session.get();
            await session.post('3');
            poll.abort();
            await assert.rejects(poll);
            const gone = async () => {
                for (;;) {
                    const answer = await session.post('3');
                    if (answer.status === 400) return answer;
                }
            };
            assertError(await within(gone(), 'the end of the session'), errors.session);
        });

        test('other methods on a session: 500, and the session lives', async () => {
            const session = await joinPolling(port);
            for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
                assertEmpty(await session.get({ method }), 500);
            }
            assertPosted(await session.post('42["message"]'));
            assertPoll(await session.get(), '42["message-back"]');
        });

        test('the client closes: the waiting poll is answered 6, the session is gone', async () => {
            const session = await joinPolling(port);
            const poll = session.get();
            await session.post('3');
            assertPosted(await session.post('1'));
            assertPoll(await poll, '6');
            assertError(await session.get(), errors.session);
        });

        test('the server closes the connection: DISCONNECT, then the close packet', async () => {
            const session = await joinPolling(port);
            await session.post('42["close me"]');
            const packets = [];
            while (packets.at(-1) !== '1') {
                const answer = await session.get();
                assert.equal(answer.status, 200, JSON.stringify([answer.body, packets]));
                packets.push(...answer.body.split('\x1e'));
            }
            assert.deepEqual(packets.filter(packet => packet !== '6'), ['41', '1']);
            assertError(await session.get(), errors.session);
        });

        test('a ping from the client ends the session', async () => {
            const session = await joinPolling(port);
            assertPosted(await session.post('2'));
            assertError(await session.get(), errors.session);
        });

        test('an unsolicited pong, open, upgrade or noop packet is ignored', async () => {
            const session = await joinPolling(port);
            for (const packet of ['3', '0', '5', '6']) assertPosted(await session.post(packet));
            assertPosted(await session.post('42["message"]'));
            assertPoll(await session.get(), '42["message-back"]');
        });

        test('a large answer is readable in the encoding it names, and plain without Accept-Encoding', async () => {
            const session = await joinPolling(port);
            const packet = `42["message-back","${'compress me '.repeat(500)}"]`;
            const post = () => session.post(packet.replace('message-back', 'message'));
            await post();
            assertPoll(await session.get(), packet);
            for (const [accepted, decode] of [['gzip', gunzipSync], ['deflate', inflateSync]]) {
                await post();
                const answer = await session.get({ headers: { 'accept-encoding': accepted } });
                const encoding = answer.headers['content-encoding'];
                assert.ok([undefined, accepted].includes(encoding), encoding);
                assert.equal((encoding ? decode(answer.bytes) : answer.bytes).toString(), packet);
            }
        });

        test('an old Internet Explorer gets X-XSS-Protection: 0, others nothing', async () => {
            const userAgents = [['Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0) like Gecko', '0'],
                ['Mozilla/4.0 (compatible;MSIE 8.0; Windows NT 6.0)', '0'], ['curl/8', undefined]];
            for (const [userAgent, expected] of userAgents) {
                const session = await openPolling(port);
                const answer = await session.post('40', { headers: { 'user-agent': userAgent } });
                assert.equal(answer.headers['x-xss-protection'], expected);
            }
        });
    });

    describe('the upgrade', () => {
        const probe = async t => {
            const session = await joinPolling(port);
            const socket = await RawWebSocket.open(port, `${root}websocket&sid=${session.sid}`);
            t.after(() => socket.destroy());
            return { session, socket };
        };

        test('probe, noop to the waiting poll, upgrade; polling is over', async t => {
            const { session, socket } = await probe(t);
            const poll = session.get();
            socket.send('2probe');
            assert.equal(await socket.text(), '3probe');
            assertPoll(await poll, '6');
            socket.send('5');
            socket.send('42["message","over"]');
            assert.equal(await socket.text(), '42["message-back","over"]');
            assertError(await session.get(), errors.request);
        });

        test('a second WebSocket for the session is accepted and closed at once; the first goes on', async t => {
            const { session, socket } = await probe(t);
            const another = async () => {
                const second = await RawWebSocket.open(port, `${root}websocket&sid=${session.sid}`);
                t.after(() => second.destroy());
                await second.end();
            };
            socket.send('2probe');
            assert.equal(await socket.text(), '3probe');
            await another();
            socket.send('5');
            socket.send('42["message",1]');
            assert.equal(await socket.text(), '42["message-back",1]');
            await another();
            socket.send('42["message",2]');
            assert.equal(await socket.text(), '42["message-back",2]');
        });

        test('messages keep flowing over polling between probe and upgrade', async t => {
            const { session, socket } = await probe(t);
            socket.send('2probe');
            assert.equal(await socket.text(), '3probe');
            await session.post('42["message",1]');
            let body = '6';
            while (body === '6') ({ body } = await session.get());
            assert.equal(body, '42["message-back",1]');
            await session.post('42["message",2]');
            socket.send('5');
            assert.equal(await socket.text(), '42["message-back",2]');
        });

        test('upgrade without a probe is accepted', async t => {
            const { socket } = await probe(t);
            socket.send('5');
            socket.send('42["message"]');
            assert.equal(await socket.text(), '42["message-back"]');
        });

        for (const [title, sent] of [
            ['another first packet', frame(opcode.text, '42["message"]')],
            ['a probe with another text', frame(opcode.text, '2other')],
            ['a malformed frame', frame(opcode.text, '2probe', { first: 0xf1 })],
        ]) {
            test(`${title} closes the new WebSocket, and the session stays on polling`, async t => {
                const { session, socket } = await probe(t);
                socket.write(sent);
                await socket.end();
                await session.post('42["message"]');
                assertPoll(await session.get(), '42["message-back"]');
            });
        }
    });

    describe('closing a WebSocket', () => {
        const joined = async t => {
            const socket = await RawWebSocket.open(port, `${root}websocket`);
            t.after(() => socket.destroy());
            await socket.text();
            socket.send('40');
            assert.match(await socket.text(), /^40/);
            assert.match(await socket.text(), /^42\["auth"/);
            return socket;
        };

        test('the server closes without a status', async t => {
            const socket = await joined(t);
            socket.send('42["close me"]');
            assert.equal(await socket.text(), '41');
            assert.equal((await socket.end())?.length, 0);
        });

        test('a message above the limit is answered with 1009', async t => {
            const socket = await joined(t);
            socket.write(frame(opcode.text, 'a'.repeat(1_000_001)));
            assert.equal((await socket.end())?.readUInt16BE(0), 1009);
        });

        test('a message of exactly the limit is taken', async t => {
            const socket = await joined(t);
            const [head, tail] = ['42["message","', '"]'];
            const text = 'a'.repeat(1_000_000 - head.length - tail.length);
            socket.send(head + text + tail);
            assert.equal(await socket.text(), `42["message-back","${text}"]`);
        });

        test('a close packet inside the WebSocket is ignored', async t => {
            const socket = await joined(t);
            socket.send('1');
            socket.send('42["message"]');
            assert.equal(await socket.text(), '42["message-back"]');
        });

        test('a close frame is answered with the same status', async t => {
            const socket = await joined(t);
            socket.write(frame(opcode.close, Buffer.from([0x03, 0xe8])));
            assert.deepEqual(await socket.end(), Buffer.from([0x03, 0xe8]));
        });
    });

    describe('Socket.IO packets', () => {
        test('CONNECT to an unknown namespace', async () => {
            const session = await openPolling(port);
            await session.post('40/nope,');
            assertPoll(await session.get(), '44/nope,{"message":"Invalid namespace"}');
        });

        test('CONNECT refused by a middleware', async () => {
            const session = await openPolling(port);
            await session.post('40/secret,{"token":"wrong"}');
            assertPoll(await session.get(), '44/secret,{"message":"not authorized","data":{"code":"E401"}}');
        });

        test('a namespace with a query is another name', async () => {
            const session = await openPolling(port);
            await session.post('40/custom?a=b,');
            assertPoll(await session.get(), '44/custom?a=b,{"message":"Invalid namespace"}');
        });

        test('DISCONNECT leaves the namespace, the connection stays', async () => {
            const session = await joinPolling(port);
            await session.post('41');
            await session.post('40/custom,');
            const answer = await session.get();
            assert.match(answer.body, /^40\/custom,\{"sid":"[\w-]{20}"\}/);
        });
    });
});

describe('without CORS', { timeout: 30_000 }, () => {
    it('no answer carries a CORS header', { timeout }, async t => {
        const server = await start('SOCORO_CONFORMANCE');
        t.after(() => server.stop());
        const headers = { origin: 'http://example.com' };
        for (const path of [`${root}polling`, '/socket.io/', '/socket.io/socket.io.js']) {
            const answer = await send(server.port, path, { headers });
            const named = Object.keys(answer.headers).filter(name => name.startsWith('access-control-'));
            assert.deepEqual(named, [], path);
        }
    });
});

describe('with CORS for http://example.com', { timeout: 60_000 }, () => {
    const origin = 'http://example.com';
    let server;
    before(async () => { server = await start('SOCORO_CONFORMANCE', { args: ['--options', JSON.stringify({ cors: { origin } })] }); });
    after(() => server?.stop());
    const test = (title, body) => it(title, { timeout }, body);

    const assertAllowed = answer => {
        assert.equal(answer.headers['access-control-allow-origin'], origin);
        assert.match(answer.headers.vary ?? '', /\bOrigin\b/);
        assert.equal(answer.headers['access-control-allow-credentials'], undefined);
    };

    test('a preflight is answered 204 with the methods and the headers asked for', async () => {
        const answer = await send(server.port, `${root}polling`, {
            method: 'OPTIONS',
            headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-one, x-two' },
        });
        assertEmpty(answer, 204);
        assertAllowed(answer);
        assert.equal(answer.headers['content-length'], '0');
        assert.equal(answer.headers.vary, 'Origin, Access-Control-Request-Headers');
        assert.equal(answer.headers['access-control-allow-methods'], 'GET,HEAD,PUT,PATCH,POST,DELETE');
        assert.equal(answer.headers['access-control-allow-headers'], 'x-one, x-two');
    });

    test('handshake, poll and POST carry the headers', async () => {
        const headers = { origin };
        assertAllowed(await send(server.port, `${root}polling`, { headers }));
        const session = await openPolling(server.port, headers);
        assertAllowed(await session.post('40', { headers }));
        assertAllowed(await session.get({ headers }));
    });

    test('error answers and client bundles carry them too', async () => {
        const headers = { origin };
        const refused = await send(server.port, `${root}polling&sid=${unknownSid}`, { headers });
        assertError(refused, errors.session);
        assertAllowed(refused);
        assertAllowed(await send(server.port, '/socket.io/socket.io.js', { headers }));
    });

    test('one fixed origin is named whoever asks, so another site may not read the answer', async () => {
        const answer = await send(server.port, `${root}polling`, { headers: { origin: 'http://evil.example' } });
        assert.equal(answer.status, 200);
        assert.notEqual(answer.headers['access-control-allow-origin'], 'http://evil.example');
        assert.notEqual(answer.headers['access-control-allow-origin'], '*');
        assert.match(answer.headers.vary ?? '', /\bOrigin\b/);
    });

    test('a WebSocket from elsewhere is not refused by CORS', async t => {
        const socket = await RawWebSocket.open(server.port, `${root}websocket`);
        t.after(() => socket.destroy());
        assert.match(await socket.text(), /^0\{/);
    });
});
