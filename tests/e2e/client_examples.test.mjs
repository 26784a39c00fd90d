// SPDX-License-Identifier: BSL-1.0
// The examples that are clients, run as their users would, against our server and Node's.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connect } from './helpers/client.mjs';
import { openChat } from './helpers/node_chat.mjs';
import { serve } from './helpers/node_server.mjs';
import { runExample } from './helpers/program.mjs';
import { relay } from './helpers/relay.mjs';
import { start } from './helpers/server.mjs';
import { ask, next } from './helpers/wait.mjs';

const timeout = 30_000;
const concurrency = 3;
const websocket = { transports: ['websocket'] };

/** One of our examples that is a server, which may be stopped, and started again where it was. */
async function serveOurs(t, name, args = []) {
    let server = await start('SOCORO_EXAMPLES', { name, args });
    const { url, port } = server;
    t.after(() => server.kill());
    return {
        url,
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

const stations = {
    'our server': t => serveOurs(t, 'reconnect', ['--serve']),
};
