// SPDX-License-Identifier: BSL-1.0
// People in browser windows talk with each other through the chat example.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { launch, openWindow } from './helpers/browser.mjs';
import { start } from './helpers/server.mjs';

const timeout = 45_000;
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

describe('the chat page', { timeout: 110_000 }, () => {
    let browser;
    before(async () => { browser = await launch(); });
    after(() => browser?.close());

    /** A test with a server of its own, so that names and rooms are free. */
    const test = (title, body) => it(title, { timeout }, async t => {
        const windows = [];
        const server = await start('SOCORO_CHAT');
        t.after(() => server.stop());
        const visit = async options => {
            const window = await openWindow(t, browser, server.url, options);
            windows.push(window);
            return window;
        };
        await body(visit);
        assert.deepEqual(windows.flatMap(window => window.complaints), []);
    });

    test('two windows over WebSocket and two over polling talk in one room', async visit => {
        const [ann, ben, cem, dot] = await Promise.all([
            visit(), visit(), visit({ webSocket: false }), visit({ search: '?transports=polling' }),
        ]);
        await ann.signIn('Ann', 'everyone');
        await ben.signIn('Ben', 'everyone');
        await cem.signIn('Cem', 'everyone');
        await dot.signIn('Dot', 'everyone');
        await ann.shows('transport', 'websocket');
        await ben.shows('transport', 'websocket');
        await cem.shows('transport', 'polling');
        await dot.shows('transport', 'polling');
        const windows = { Ann: ann, Ben: ben, Cem: cem, Dot: dot };
        for (const window of Object.values(windows)) {
            await window.shows('connection', 'connected');
            await window.members('Ann', 'Ben', 'Cem', 'Dot');
        }
        for (const [name, window] of Object.entries(windows)) {
            await window.say(`This is ${name} 👋`);
            for (const other of Object.values(windows)) await other.hears(name, `This is ${name} 👋`);
        }
        const expected = Object.keys(windows).map(name => `This is ${name} 👋`);
        for (const window of Object.values(windows)) assert.deepEqual(await window.texts(), expected);
    });

    test('only WebSocket, when the address asks for it', async visit => {
        const ann = await visit({ search: '?transports=websocket&name=Ann&room=sockets' });
        await ann.part('enter').click();
        await ann.inRoom('sockets');
        await ann.shows('transport', 'websocket');
        await ann.say('straight away');
    });

    test('a name is needed, and one that is taken is refused', async visit => {
        const [ann, other] = await Promise.all([visit(), visit({ search: '?name=Ann' })]);
        await ann.part('enter').click();
        assert.equal(await ann.part('sign-in').isVisible(), true);
        await ann.signIn('Ann');
        await other.part('enter').click();
        await other.part('sign-in-error').filter({ hasText: /./ }).waitFor();
        await other.picture('sign-in-refused');
        await other.signIn('Annabel');
        await ann.members('Ann', 'Annabel');
    });

    test('who comes and goes is told', async visit => {
        const [ann, ben] = await Promise.all([visit(), visit()]);
        await ann.signIn('Ann', 'door');
        await ben.signIn('Ben', 'door');
        await ann.notice('Ben joined');
        await ann.members('Ann', 'Ben');
        await ben.page.close();
        await ann.notice('Ben left');
        await ann.members('Ann');
    });

    for (const search of ['', '?transports=polling']) {
        test(`who is typing is shown${search ? ', over polling too' : ''}`, async visit => {
            const [ann, ben] = await Promise.all([visit({ search }), visit({ search })]);
            await ann.signIn('Ann', 'keys');
            await ben.signIn('Ben', 'keys');
            await ann.notice('Ben joined');
            await ben.part('text').pressSequentially('Hel');
            await ann.shows('typing', 'Ben is typing');
            assert.equal(await ben.part('typing').textContent(), '');
            await ben.part('text').press('Enter');
            await ann.hears('Ben', 'Hel');
            await ann.blank('typing');
            await ben.part('text').pressSequentially('x');
            await ann.shows('typing', 'Ben is typing');
            await ben.part('text').press('Backspace');
            await ann.blank('typing');
        });
    }

    test('rooms keep people apart and show how many are inside', async visit => {
        const [ann, ben] = await Promise.all([visit(), visit()]);
        await ann.signIn('Ann');
        await ben.signIn('Ben');
        await ann.part('new-room').fill('garden club');
        await ann.part('create-room').click();
        await ann.inRoom('garden club');
        await ben.notice('Ann left');
        await ann.members('Ann');
        await ben.members('Ben');
        await ann.say('only in the garden');
        await ben.say('only in the lobby');
        await ben.room('garden club').filter({ hasText: '1 person' }).click();
        await ben.inRoom('garden club');
        await ben.hears('Ann', 'only in the garden');
        assert.deepEqual(await ben.texts(), ['only in the garden']);
        assert.deepEqual(await ann.texts(), ['only in the garden']);
        await ann.room('garden club').filter({ hasText: '2 people' }).waitFor();
        assert.equal(await ben.room('garden club').getAttribute('aria-current'), 'true');
        assert.equal(await ben.room('lobby').getAttribute('aria-current'), null);
    });

    test('who comes late reads what was said before', async visit => {
        const ann = await visit();
        await ann.signIn('Ann', 'archive');
        for (const text of ['first', 'second', 'third\nwith a second line']) await ann.say(text);
        const ben = await visit({ webSocket: false });
        await ben.signIn('Ben', 'archive');
        await ben.hears('Ann', 'third');
        assert.deepEqual(await ben.texts(), ['first', 'second', 'third\nwith a second line']);
    });

    test('markup is shown as text, wherever people can type', async visit => {
        const evil = '<img src=x onerror="alert(1)"><script>alert(2)</script>';
        const short = '<b onclick=alert(3)>x</b>';
        const [ann, eve] = await Promise.all([visit(), visit()]);
        await ann.signIn('Ann');
        await eve.part('name').fill(short);
        await eve.part('first-room').fill(short);
        await eve.part('enter').click();
        await eve.shows('room-title', short);
        await ann.room(short).click();
        await ann.shows('room-title', short);
        await ann.part('text').pressSequentially('h');
        await eve.shows('typing', 'Ann is typing');
        await eve.say(evil);
        await ann.hears(short, evil);
        assert.deepEqual(await ann.texts(), [evil]);
        await ann.members('Ann', short);
        for (const window of [ann, eve]) {
            assert.equal(await window.page.locator('.chat img, .chat script, .chat b').count(), 0);
        }
        await ann.picture('markup');
    });

    test('forty messages in a row arrive in order, the newest in view', async visit => {
        const [ann, ben] = await Promise.all([visit(), visit({ search: '?transports=polling' })]);
        await ann.signIn('Ann', 'long');
        await ben.signIn('Ben', 'long');
        await ann.notice('Ben joined');
        const expected = Array.from({ length: 40 }, (_, i) => `line ${i + 1}.`);
        for (const text of expected) {
            await ann.part('text').fill(text);
            await ann.part('text').press('Enter');
        }
        await ann.acknowledged('line 40.');
        await ben.hears('Ann', 'line 40.');
        assert.deepEqual(await ben.texts(), expected);
        const gap = await ben.part('messages').evaluate(log => log.scrollHeight - log.scrollTop - log.clientHeight);
        assert.ok(gap < 2, `the newest message is ${gap} px below the view`);
    });

    for (const colorScheme of ['light', 'dark']) {
        test(`on a phone everything fits, and the rooms are behind a button (${colorScheme})`, async visit => {
            const [ann, ben] = await Promise.all([visit({ ...phone, colorScheme }), visit()]);
            await ann.picture(`phone-${colorScheme}-sign-in`);
            await ann.signIn('Ann', 'pocket');
            await ben.signIn('Ben', 'pocket');
            await talk(ann, ben);
            await ann.picture(`phone-${colorScheme}`);
            const width = await ann.page.evaluate(() => document.scrollingElement.scrollWidth);
            assert.ok(width <= phone.viewport.width, `the page is ${width} px wide`);
            assert.equal(await ann.room('lobby').isVisible(), false);
            await ann.part('menu').tap();
            await ann.room('lobby').waitFor();
            assert.equal(await ann.part('menu').getAttribute('aria-expanded'), 'true');
            await ann.picture(`phone-${colorScheme}-drawer`);
            await ann.room('lobby').tap();
            await ann.inRoom('lobby');
            await ann.room('lobby').waitFor({ state: 'hidden' });
        });

        test(`on a desktop (${colorScheme})`, async visit => {
            const [ann, ben] = await Promise.all([visit({ colorScheme }), visit({ webSocket: false })]);
            await ann.picture(`desktop-${colorScheme}-sign-in`);
            await ann.signIn('Ann', 'office');
            await ben.signIn('Ben', 'office');
            await talk(ann, ben);
            await ann.picture(`desktop-${colorScheme}`);
        });
    }

    /** A little conversation to look at, which ends with Ben typing. */
    async function talk(ann, ben) {
        await ann.notice('Ben joined');
        await ben.say('Good morning! Did the upgrade go through?');
        await ben.say('I am still on long polling here.');
        await ann.hears('Ben', 'long polling');
        await ann.say('It did, straight to WebSocket ✨');
        await ann.say('And nothing was lost on the way, even though I kept writing the whole time. You can look it up in the log.');
        await ben.hears('Ann', 'look it up');
        await ben.say('Lovely.');
        await ann.hears('Ben', 'Lovely');
        await ben.part('text').pressSequentially('See');
        await ann.shows('typing', 'Ben is typing');
    }
});

describe('the chat page and a server that restarts', { timeout: 60_000 }, () => {
    let browser;
    before(async () => { browser = await launch(); });
    after(() => browser?.close());

    it('reconnects by itself and goes on', { timeout }, async t => {
        const first = await start('SOCORO_CHAT');
        const [ann, ben] = await Promise.all([
            openWindow(t, browser, first.url),
            openWindow(t, browser, first.url, { search: '?transports=polling' }),
        ]);
        await ann.signIn('Ann', 'harbour');
        await ben.signIn('Ben', 'harbour');
        await ann.shows('transport', 'websocket');
        await ann.say('before');
        await ben.hears('Ann', 'before');

        await first.stop();
        for (const window of [ann, ben]) {
            await window.shows('connection', 'reconnecting');
            assert.equal(await window.part('send').isDisabled(), true);
        }
        await ann.picture('reconnecting');
        await ann.part('text').fill('written while offline');

        const second = await start('SOCORO_CHAT', { port: first.port });
        t.after(() => second.stop());
        for (const window of [ann, ben]) {
            await window.notice('You are back');
            await window.shows('connection', 'connected');
            await window.members('Ann', 'Ben');
            await window.inRoom('harbour');
        }
        await ann.part('text').press('Enter');
        await ben.hears('Ann', 'written while offline');
        await ben.say('after');
        await ann.hears('Ben', 'after');
        for (const window of [ann, ben]) {
            assert.deepEqual(await window.texts(), ['before', 'written while offline', 'after']);
            assert.deepEqual(window.complaints, []);
        }
        await ann.shows('transport', 'websocket');
    });

    it('a message that was under way is kept and can be sent again', { timeout }, async t => {
        const first = await start('SOCORO_CHAT');
        const [ann, ben] = await Promise.all([openWindow(t, browser, first.url), openWindow(t, browser, first.url)]);
        for (const [name, window] of [['Ann', ann], ['Ben', ben]]) {
            await window.signIn(name);
            await window.shows('transport', 'websocket');
        }
        first.freeze();
        await ann.part('text').fill('into the void');
        await ann.part('text').press('Enter');
        await ann.page.locator('.message.pending').waitFor();
        await first.kill();
        await ann.page.getByRole('button', { name: 'Try again' }).waitFor();
        await ann.picture('not-sent');

        const second = await start('SOCORO_CHAT', { port: first.port });
        t.after(() => second.stop());
        for (const window of [ann, ben]) await window.notice('You are back');
        await ben.members('Ann', 'Ben');
        await ann.page.getByRole('button', { name: 'Try again' }).click();
        await ann.acknowledged('into the void');
        await ben.hears('Ann', 'into the void');
        assert.deepEqual(await ann.texts(), ['into the void']);
        assert.deepEqual([...ann.complaints, ...ben.complaints], []);
    });
});
