// SPDX-License-Identifier: BSL-1.0
// The examples that are clients, run as their users would, against our server and Node's.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { describe, it } from 'node:test';
import { createSecureContext } from 'node:tls';
import { Server } from 'socket.io';
import { makeCertificates } from './helpers/certificates.mjs';
import { connect } from './helpers/client.mjs';
import { openChat } from './helpers/node_chat.mjs';
import { quick, serve } from './helpers/node_server.mjs';
import { runExample } from './helpers/program.mjs';
import { relay } from './helpers/relay.mjs';
import { start } from './helpers/server.mjs';
import { Transcript } from './helpers/transcript.mjs';
import { ask, collect, next } from './helpers/wait.mjs';

const timeout = 30_000;
const concurrency = 2;
const websocket = { transports: ['websocket'] };

/** One of our examples that is a server, which may be stopped, and started again where it was. */
async function serveOurs(t, name, args = []) {
    let server = await start('SOCORO_EXAMPLES', { name, args });
    const { url, port } = server;
    t.after(() => server.kill());
    return {
        url,
        port,
        stop: () => server.stop(),
        start: async () => { server = await start('SOCORO_EXAMPLES', { name, args, port }); },
    };
}

const chats = {
    'our server': t => serveOurs(t, 'chat'),
    "Node's server": t => serve(t, { set: openChat() }),
};

for (const [whose, open] of Object.entries(chats)) {
    describe(`the chat in a terminal, with ${whose}`, { concurrency }, () => {
        const test = (title, body) => it(title, { timeout }, async t => {
            const server = await open(t);
            await body(t, server, (name, ...more) => runExample(t, 'client', [server.url, '--name', name, ...more]));
        });

        /** Somebody else, who is in this room; `heard` are the texts that are said there. */
        const visit = async (t, server, name, room) => {
            const socket = await connect(t, server.url, websocket);
            const heard = [];
            socket.on('message', ({ text }) => heard.push(text));
            assert.equal((await ask(socket, 'sign in', { name })).ok, true);
            const { history } = await ask(socket, 'join', { room });
            heard.unshift(...history.map(({ text }) => text));
            const hears = async text => {
                while (!heard.includes(text)) await next(socket, 'message');
            };
            return { socket, heard, hears };
        };

        test('guests hear each other, and see who comes, types and goes', async (t, server, enter) => {
            const cem = await visit(t, server, 'Cem', 'lobby');
            const ann = enter('Ann');
            await ann.reads('* in lobby: Cem, Ann');
            const ben = enter('Ben', '--room', 'lobby');
            await ben.reads('* in lobby: Cem, Ann, Ben');
            await ann.reads('* Ben joined lobby');
            ben.type('hello, Ann 👋');
            await ann.reads('Ben: hello, Ann 👋');
            cem.socket.emit('typing', { active: true });
            await ann.reads('* Cem is typing');
            ann.type('', 'hello both');
            await Promise.all([ben.reads('Ann: hello both'), cem.hears('hello both')]);
            assert.deepEqual(cem.heard, ['hello, Ann 👋', 'hello both']);
            ben.type('/quit');
            await ann.reads('* Ben left lobby');
            await ben.ends();
        });

        test('who changes rooms hears what is said there, and what was said before', async (t, server, enter) => {
            const cem = await visit(t, server, 'Cem', 'kitchen');
            await ask(cem.socket, 'message', { text: 'who made the soup?' });
            const ann = enter('Ann');
            await ann.reads('* in lobby: Ann');
            ann.type('nobody here?', '/join kitchen', 'me');
            await ann.reads('* in kitchen: Cem, Ann');
            await ann.reads('Cem: who made the soup?');
            await cem.hears('me');
            assert.deepEqual(cem.heard, ['me']);
        });

        test('what came through a pipe has arrived when the program ends', async (t, server, enter) => {
            const cem = await visit(t, server, 'Cem', 'lobby');
            const left = next(cem.socket, 'user left');
            const lines = Array.from({ length: 100 }, (_, i) => `line ${i}`);
            const ann = enter('Ann');
            ann.type(...lines);
            ann.endInput();
            await ann.ends();
            assert.equal((await left)[0].name, 'Ann');
            assert.deepEqual(cem.heard, lines);
        });

        test('a server that was away finds its guests again, and hears what they typed meanwhile', async (t, server, enter) => {
            const cem = await visit(t, server, 'Cem', 'kitchen');
            const ann = enter('Ann', '--room', 'kitchen');
            ann.type('before');
            await cem.hears('before');
            await ann.reads('* in kitchen: Cem, Ann');
            await server.stop();
            await ann.reads('* disconnected: transport close');
            ann.type('while you were away', 'and more');
            await ann.reads('* attempt 1');
            await ann.reads(/^\* not connected: (xhr poll|websocket) error$/);
            await server.start();
            await ann.reads('* in kitchen: Ann');
            const dot = await visit(t, server, 'Dot', 'kitchen');
            await dot.hears('and more');
            assert.deepEqual(dot.heard.slice(-2), ['while you were away', 'and more']);
            ann.type('after');
            await dot.hears('after');
        });

        test('an interruption ends the program, whether there is a server or not', async (t, server, enter) => {
            const [ann, ben] = [enter('Ann'), enter('Ben')];
            await Promise.all([ann, ben].map(guest => guest.reads(/^\* in lobby: /)));
            ann.interrupt();
            await ben.reads('* Ann left lobby');
            await ann.ends();
            await server.stop();
            await ben.reads(/^\* not connected/);
            ben.type('unheard');
            ben.interrupt('SIGTERM');
            await ben.ends();
        });

        test('a name that somebody has is refused at first, and varied for who comes back', async (t, server, enter) => {
            const way = await relay(t, server);
            const ann = runExample(t, 'client', [way.url, '--name', 'Ann']);
            await ann.reads('* in lobby: Ann');
            const other = enter('Ann');
            await other.ends(1);
            assert.match(other.complaints, /^This name is taken\.$/m);
            way.cut({ unnoticed: true });
            await ann.reads('* in lobby: Ann, Ann_');
        });

        test('what would command the terminal is not printed', async (t, server, enter) => {
            const cem = await visit(t, server, 'Cem', 'lobby');
            const ann = enter('Ann');
            await ann.reads('* in lobby: Cem, Ann');
            await ask(cem.socket, 'message', { text: '\u001b[2Jcl\u009b2Jear\u0007 é' });
            await ann.reads('Cem:  [2Jcl 2Jear  é');
        });
    });
}

/** Node's server of the station: `lines` are what ours would print. */
async function serveStation(t) {
    const set = io => {
        let [newest, tide] = [0, 0];
        const swell = setInterval(() => io.emit('tide', ++tide), 20);
        t.after(() => clearInterval(swell));
        io.on('connection', socket => {
            socket.on('note', n => printed.add(`note ${n}`));
            socket.on('gust', n => printed.add(`gust ${n}`));
            socket.on('measured', (n, reply) => {
                if (n > newest) printed.add(`measured ${newest = n}`);
                reply(true);
            });
            socket.on('forecast', reply => setTimeout(reply, 300, 'rain'));
        });
    };
    const printed = new Transcript();
    const server = await serve(t, { set, connectionStateRecovery: {} });
    return Object.assign(server, { printed });
}

/** Our server of the station. */
async function serveOurStation(t) {
    const args = ['--serve', '--every', '20', '--port'];
    let program = runExample(t, 'reconnect', [...args, '0']);
    const printed = new Transcript();
    const announced = /^listening on (http:.*:(\d+))$/;
    const follow = async () => {
        const [, url, port] = announced.exec(await program.reads(announced));
        (async () => { for (;;) printed.add(await program.reads(/^(note|gust|measured) /)); })().catch(() => {});
        return { url, port };
    };
    const { url, port } = await follow();
    const stop = async () => {
        program.interrupt('SIGTERM');
        await program.ends();
    };
    const start = () => {
        program = runExample(t, 'reconnect', [...args, port]);
        return follow();
    };
    return { url, printed, stop, start };
}

/** Resolves once the server has printed this line. */
function printed(server, line) {
    return server.printed.next(printed => printed === line);
}

/** The numbers of such lines, in order. */
function numbers(lines, kind) {
    const pattern = new RegExp(`^${kind} (\\d+)$`);
    return lines.map(line => pattern.exec(line)).filter(Boolean).map(match => Number(match[1]));
}

/** Asserts that there are some, and that none is missing or comes twice. */
function assertConsecutive(list) {
    assert.ok(list.length > 1);
    assert.deepEqual(list, list.map((_, i) => list[0] + i));
}

for (const [whose, open] of Object.entries({ 'our server': serveOurStation, "Node's server": serveStation })) {
    describe(`the weather station, with ${whose}`, { concurrency }, () => {
        const test = (title, body) => it(title, { timeout }, body);
        const paced = ['--every', '50'];

        test('keeps its notes while the server is away, sends measurements until they have arrived, and drops the rest', async t => {
            const server = await open(t);
            const station = runExample(t, 'reconnect', [server.url, ...paced]);
            await station.reads('connected anew');
            await station.reads('forecast: rain');
            await printed(server, 'measured 10');
            await server.stop();
            await station.reads('disconnected: transport close');
            await station.reads('no forecast: transport close');
            await station.reads('xhr poll error: Connection refused');
            await server.start();
            await station.reads('connected anew');
            await station.reads('forecast: rain');

            const { lines } = station;
            const lost = lines.indexOf('disconnected: transport close');
            const away = numbers(lines.slice(lost, lines.lastIndexOf('connected anew')), 'number');
            assert.ok(away.length > 2);
            const last = away.at(-1);
            await Promise.all([`note ${last + 3}`, `gust ${last + 3}`, `measured ${last + 3}`].map(line => printed(server, line)));
            const [notes, gusts, measured] = ['note', 'gust', 'measured'].map(kind => numbers(server.printed.lines, kind));
            assert.deepEqual(notes.filter(n => away.includes(n)), away);
            assert.deepEqual(gusts.filter(n => away.includes(n)), []);
            assertConsecutive([...new Set(measured)]);
            assert.equal(measured[0], 1);
            station.interrupt();
            await station.ends();
        });

        test('comes back as who it was when only the way was broken, and has missed no tide', async t => {
            const server = await open(t);
            const way = await relay(t, server);
            const station = runExample(t, 'reconnect', [way.url, ...paced]);
            for (let i = 0; i < 3; ++i) {
                await station.reads(/^tide /);
                await printed(server, `measured ${10 * (i + 1)}`);
                way.cut();
                await station.reads(/^disconnected: transport (close|error)$/);
                await station.reads('back, and nothing was missed');
            }
            const [tide] = numbers(station.lines, 'tide').slice(-1);
            await station.reads(`tide ${tide + 3}`);
            assertConsecutive(numbers(station.lines, 'tide'));
            station.interrupt('SIGTERM');
            await station.ends();
            assertConsecutive(numbers(server.printed.lines, 'measured'));
        });
    });
}

it("the weather station, ours, with Node's client: it comes back as who it was, too", { timeout }, async t => {
    const server = await serveOurStation(t);
    const way = await relay(t, server);
    const socket = await connect(t, way.url, { ...websocket, ...quick, reconnection: true });
    const { id } = socket;
    const tides = [];
    socket.on('tide', n => tides.push(n));
    for (let i = 0; i < 3; ++i) {
        await collect(socket, 'tide', 3);
        const back = next(socket, 'connect');
        way.cut();
        await back;
        assert.deepEqual([socket.recovered, socket.id], [true, id]);
    }
    assertConsecutive(tides);
});

it('the smallest client is answered', { timeout }, async t => {
    const server = await serve(t, { set: io => io.on('connection', socket => socket.on('message', text => socket.emit('message', text))) });
    const client = runExample(t, 'hello', [server.url]);
    await client.reads('hello');
    await client.ends();
});

/** Node's server behind TLS, which greets. */
async function serveSecurely(t, options, look = () => {}) {
    const https = createServer(options).on('secureConnection', look);
    const io = new Server(https);
    // Later the connection may be gone that the handshake came over.
    io.engine.on('connection', raw => { raw.subject = raw.request.socket.getPeerCertificate().subject; });
    io.on('connection', socket => socket.on('greet', (name, reply) => {
        const { subject } = socket.conn;
        reply(`hello ${subject ? `CN=${subject.CN}` : name}`);
    }));
    https.listen(0, '127.0.0.1');
    await once(https, 'listening');
    t.after(() => {
        io.close();
        https.closeAllConnections();
    });
    return https.address().port;
}

describe('TLS', { concurrency }, () => {
    const servers = {
        ours: async (t, { server, ca, asks }) => {
            const args = ['--serve', '--certificate', server.certificate, '--key', server.key, ...(asks ? ['--ca', ca] : [])];
            return (await serveOurs(t, 'tls', args)).port;
        },
        "Node's": async (t, { server, ca, asks }) => {
            const [cert, key, authority] = await Promise.all([server.certificate, server.key, ca].map(name => readFile(name)));
            return serveSecurely(t, { cert, key, ...(asks ? { ca: authority, requestCert: true, rejectUnauthorized: true } : {}) });
        },
    };
    for (const [whose, open] of Object.entries(servers)) {
        const test = (title, asks, body) => it(`with ${whose}: ${title}`, { timeout }, async t => {
            const files = await makeCertificates(t);
            const port = await open(t, { ...files, asks });
            await body((url, ...args) => runExample(t, 'tls', [`${url}:${port}`, '--name', 'Ann', ...args]), files, port);
        });

        test('a client that trusts the authority is greeted, by name, by address and as wss', false, async (visit, { ca }) => {
            for (const url of ['https://localhost', 'https://127.0.0.1', 'wss://localhost']) {
                const client = visit(url, '--ca', ca);
                await client.reads('hello Ann');
                await client.ends();
            }
        });

        test('a client is not taken in', false, async (visit, { ca }) => {
            for (const [args, complaint] of [
                [[], /unable to get local issuer certificate|self.signed/],
                [['--ca', ca, '--server-name', 'elsewhere'], /hostname mismatch/],
            ]) {
                const client = visit('https://localhost', ...args);
                await client.ends(1);
                assert.match(client.complaints, complaint);
            }
        });

        test('a client shows its certificate where one is asked for', true, async (visit, { ca, client: { certificate, key } }) => {
            const welcome = visit('https://localhost', '--ca', ca, '--certificate', certificate, '--key', key);
            await welcome.reads('hello CN=client');
            await welcome.ends();
            const stranger = visit('https://localhost', '--ca', ca);
            await stranger.ends(1);
            assert.match(stranger.complaints, /certificate required|handshake failure|xhr poll error/);
        });
    }

    for (const version of ['TLSv1.2', 'TLSv1.3']) {
        it(`with Node's: a chain of two certificates is trusted, with ${version}`, { timeout }, async t => {
            const { behind, ca } = await makeCertificates(t);
            const [cert, key] = await Promise.all([readFile(behind.certificate), readFile(behind.key)]);
            const spoken = [];
            const port = await serveSecurely(t, { cert, key, minVersion: version, maxVersion: version }, stream => spoken.push(stream.getProtocol()));
            const client = runExample(t, 'tls', [`https://localhost:${port}`, '--name', 'Ann', '--ca', ca]);
            await client.reads('hello Ann');
            await client.ends();
            assert.deepEqual([...new Set(spoken)], [version]);
        });
    }

    it("with Node's: a client asks for the host that it expects", { timeout }, async t => {
        const { server, host, ca } = await makeCertificates(t);
        const [cert, key, otherCert, otherKey] = await Promise.all(
            [server.certificate, server.key, host.certificate, host.key].map(name => readFile(name)));
        const asked = [];
        const port = await serveSecurely(t, {
            cert,
            key,
            SNICallback: (name, done) => {
                asked.push(name);
                done(null, name === 'chat.example' ? createSecureContext({ cert: otherCert, key: otherKey }) : undefined);
            },
        });
        for (const args of [[], ['--server-name', 'chat.example']]) {
            const client = runExample(t, 'tls', [`https://localhost:${port}`, '--name', 'Ann', '--ca', ca, ...args]);
            await client.reads('hello Ann');
            await client.ends();
        }
        assert.deepEqual([...new Set(asked)], ['localhost', 'chat.example']);
    });

    it("ours: Node's client is greeted over either transport, and told of the end", { timeout }, async t => {
        const { server, ca } = await makeCertificates(t);
        const program = await start('SOCORO_EXAMPLES', { name: 'tls', args: ['--serve', '--certificate', server.certificate, '--key', server.key] });
        t.after(() => program.kill());
        const told = [];
        for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
            const socket = await connect(t, `https://localhost:${program.port}`, { transports, ca: await readFile(ca) });
            assert.equal(await ask(socket, 'greet', 'Ben'), 'hello Ben');
            told.push(next(socket, 'disconnect'));
        }
        await program.stop();
        await Promise.all(told);
    });
});
