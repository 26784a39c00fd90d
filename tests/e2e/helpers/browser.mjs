// SPDX-License-Identifier: BSL-1.0
// Headless Chromium and the chat page, spoken to through its data-testid attributes only.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const patience = 15_000;

/** Starts the browser: CHROMIUM, or the system's. */
export function launch() {
    return chromium.launch({
        executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
        headless: true,
        args: [
            '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
            '--disable-background-networking', '--disable-component-update', '--disable-sync',
        ],
    });
}

/** A window of its own, closed after the test `t`; whatever the page complains about fails the test. */
export async function openWindow(t, browser, url, { search = '', webSocket = true, ...options } = {}) {
    const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1180, height: 760 }, ...options });
    t.after(() => context.close());
    context.setDefaultTimeout(patience);
    if (!webSocket) await context.addInitScript(() => { delete window.WebSocket; });
    const page = await context.newPage();
    const window = new ChatWindow(page);
    page.on('pageerror', error => window.complaints.push(String(error)));
    page.on('dialog', dialog => {
        window.complaints.push(`a dialog: ${dialog.message()}`);
        dialog.dismiss();
    });
    await page.goto(`${url}/${search}`);
    return window;
}

class ChatWindow {
    complaints = [];

    constructor(page) {
        this.page = page;
    }

    part(testid) {
        return this.page.getByTestId(testid);
    }

    async signIn(name, room = 'lobby') {
        await this.part('name').fill(name);
        await this.part('first-room').fill(room);
        await this.part('enter').click();
        await this.inRoom(room);
    }

    async inRoom(room) {
        await this.part('room-title').filter({ hasText: new RegExp(`^# ${room}$`) }).waitFor();
    }

    async say(text) {
        await this.part('text').fill(text);
        await this.part('text').press('Enter');
        await this.acknowledged(text);
    }

    /** The newest own message is `text`, and the server has acknowledged it. */
    async acknowledged(text) {
        await this.page.locator('[data-testid=message].own:not(.pending)', { hasText: text }).last().waitFor();
    }

    async hears(author, text) {
        await this.page.locator(`[data-testid=message][data-author="${author}"]`, { hasText: text }).last().waitFor();
    }

    async notice(text) {
        await this.part('notice').filter({ hasText: text }).last().waitFor();
    }

    async shows(testid, text) {
        await this.part(testid).filter({ hasText: text }).waitFor();
    }

    /** The part is there and holds no text. */
    async blank(testid) {
        await this.page.locator(`[data-testid="${testid}"]:empty`).waitFor({ state: 'attached' });
    }

    /** The list of people, once it is this one (in any order). */
    async members(...names) {
        const wanted = JSON.stringify([...names].sort());
        await this.page.waitForFunction(list => JSON.stringify(
            [...document.querySelectorAll('[data-testid=member]')].map(item => item.dataset.name).sort()) === list, wanted);
    }

    room(name) {
        return this.page.locator(`[data-testid=room][data-room="${name}"]`);
    }

    /** The texts of all messages, oldest first. */
    texts() {
        return this.part('text-of-message').allTextContents();
    }

    /** Writes a picture into the directory SCREENSHOTS, if that is set. */
    async picture(name) {
        const directory = process.env.SCREENSHOTS;
        if (!directory) return;
        await mkdir(directory, { recursive: true });
        await this.page.screenshot({ path: join(directory, `${name}.png`), animations: 'disabled' });
    }
}
