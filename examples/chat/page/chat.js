// SPDX-License-Identifier: BSL-1.0
// The chat page: signs in, joins one room at a time, shows what the server tells.
// Whatever people type is put into the page with textContent, never as HTML.
'use strict';

const $ = id => document.getElementById(id);
const query = new URLSearchParams(location.search);

const page = {
    welcome: $('welcome'), signIn: $('sign-in'), name: $('name'), firstRoom: $('first-room'),
    signInError: $('sign-in-error'), enter: $('enter'),
    chat: $('chat'), shade: $('shade'), sidebar: $('sidebar'), menu: $('menu'),
    rooms: $('rooms'), newRoom: $('new-room'), newRoomName: $('new-room-name'), members: $('members'),
    roomTitle: $('room-title'), roomSize: $('room-size'), transport: $('transport'), connection: $('connection'),
    messages: $('messages'), typing: $('typing'), composer: $('composer'), text: $('text'), send: $('send'),
};

const me = { name: '', room: '', joined: false };   // joined: the server knows us in the room right now
const seen = new Set();                             // messages shown, so that a rejoin adds only what was missed
const unanswered = new Set();                       // own messages the server has not acknowledged yet
const writers = new Map();                          // who is typing -> timer that forgets them

// ---- small builders -------------------------------------------------------------------------

function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
}

/** Everyone has a colour, the same in every window: FNV-1a of the name, as an angle. */
function hueOf(name) {
    let hash = 0x811c9dc5;
    for (const letter of name) hash = Math.imul(hash ^ letter.codePointAt(0), 0x01000193);
    return (hash >>> 0) % 360;
}

function face(name) {
    const [initial = '?'] = name;
    const made = element('span', 'face', initial.toUpperCase());
    made.style.setProperty('--hue', hueOf(name));
    made.setAttribute('aria-hidden', 'true');
    return made;
}

function clock(time) {
    const made = element('time', '', new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }));
    made.dateTime = new Date(time).toISOString();
    return made;
}

// ---- the log: messages and notices ----------------------------------------------------------

/** Adds to the log; keeps the newest in view unless the reader has scrolled up. */
function append(item, always = false) {
    const log = page.messages;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    log.append(item);
    if (atEnd || always) log.scrollTop = log.scrollHeight;
}

function keyOf({ author, text, time }) {
    return JSON.stringify([author, time, text]);
}

function messageItem({ author, text, time }) {
    const item = element('li', 'message');
    item.dataset.testid = 'message';
    item.dataset.author = author;
    item.style.setProperty('--hue', hueOf(author));
    item.classList.toggle('own', author === me.name);
    item.classList.toggle('follows', page.messages.lastElementChild?.dataset.author === author);
    const head = element('div', 'head');
    head.append(element('span', 'author', author), clock(time));
    const bubble = element('div', 'bubble', text);
    bubble.dataset.testid = 'text-of-message';
    item.append(face(author), head, bubble);
    return item;
}

function showMessage(message) {
    const key = keyOf(message);
    if (seen.has(key)) return;
    seen.add(key);
    append(messageItem(message));
}

function showNotice(text) {
    const item = element('li', 'notice', text);
    item.dataset.testid = 'notice';
    append(item);
}

// ---- sending --------------------------------------------------------------------------------

/** Shows the message at once, pale until the server has acknowledged it. */
function say(text) {
    const message = { author: me.name, text, time: Date.now() };
    const item = messageItem(message);
    append(item, true);
    post(message, item);
}

function post(message, item) {
    const sent = { message, item };
    unanswered.add(sent);
    item.classList.add('pending');
    socket.emit('message', { text: message.text }, ({ time }) => {
        unanswered.delete(sent);
        item.classList.remove('pending');
        item.querySelector('time').replaceWith(clock(time));
        seen.add(keyOf({ ...message, time }));
    });
}

/** The connection went before the server answered: let the writer decide. */
function offerAgain({ message, item }) {
    const again = element('button', 'again', 'Not sent. Try again');
    again.type = 'button';
    again.addEventListener('click', () => {
        if (!me.joined) return;
        again.remove();
        post(message, item);
        page.text.focus();
    });
    item.append(again);
}

// ---- who is typing --------------------------------------------------------------------------

const ownTyping = { active: false, told: 0, timer: 0 };

function tellTyping(active) {
    clearTimeout(ownTyping.timer);
    if (active) ownTyping.timer = setTimeout(tellTyping, 3000, false);
    const due = active && Date.now() - ownTyping.told > 2500;   // the others forget after six seconds
    if (!me.joined || (active === ownTyping.active && !due)) return;
    ownTyping.active = active;
    ownTyping.told = active ? Date.now() : 0;
    socket.emit('typing', { active });
}

function setWriter(name, active) {
    clearTimeout(writers.get(name));
    writers.delete(name);
    if (active) writers.set(name, setTimeout(setWriter, 6000, name, false));
    showWriters();
}

function forgetWriters() {
    for (const timer of writers.values()) clearTimeout(timer);
    writers.clear();
    showWriters();
}

function showWriters() {
    const names = [...writers.keys()];
    page.typing.textContent =
        names.length === 0 ? '' :
        names.length === 1 ? `${names[0]} is typing` :
        names.length === 2 ? `${names[0]} and ${names[1]} are typing` :
        'Several people are typing';
}

// ---- rooms and people -----------------------------------------------------------------------

function showRooms(rooms) {
    const focused = page.rooms.contains(document.activeElement) && document.activeElement.dataset.room;
    page.rooms.replaceChildren(...rooms.map(({ name, members }) => {
        const button = element('button');
        button.type = 'button';
        button.dataset.testid = 'room';
        button.dataset.room = name;
        const count = element('span', 'count', members);
        count.setAttribute('aria-hidden', 'true');
        button.append(element('span', 'name', name), count, element('span', 'unseen', peopleCount(members)));
        button.addEventListener('click', () => enter(name));
        const item = element('li');
        item.append(button);
        return item;
    }));
    markRoom();
    if (focused) [...page.rooms.querySelectorAll('button')].find(b => b.dataset.room === focused)?.focus();
}

function markRoom() {
    for (const button of page.rooms.querySelectorAll('button')) {
        if (button.dataset.room === me.room) button.setAttribute('aria-current', 'true');
        else button.removeAttribute('aria-current');
    }
}

function peopleCount(count) {
    return count === 1 ? '1 person' : `${count} people`;
}

function showMembers(names) {
    page.roomSize.textContent = peopleCount(names.length);
    page.members.replaceChildren(...names.map(name => {
        const item = element('li');
        item.dataset.testid = 'member';
        item.dataset.name = name;
        item.append(face(name), element('span', 'name', name));
        if (name === me.name) item.append(element('span', 'you', 'you'));
        return item;
    }));
}

function showRoom(name) {
    page.roomTitle.textContent = `# ${name}`;
    page.text.placeholder = `Message #${name}`;
    document.title = `#${name} · socoro chat`;
    markRoom();
}

function openDrawer(open) {
    page.chat.classList.toggle('drawer-open', open);
    page.menu.setAttribute('aria-expanded', String(open));
    (open ? page.sidebar : page.menu).focus({ preventScroll: true });
}

// ---- the connection -------------------------------------------------------------------------

function showConnection(state) {
    page.connection.dataset.state = state;
    page.connection.textContent = state;
    page.send.disabled = !me.joined;
}

function showTransport() {
    page.transport.textContent = socket.io.engine?.transport.name ?? '';
}

/** Signs in and joins: the first time, and again after each reconnection. */
function signIn(name, room) {
    socket.emit('sign in', { name }, reply => {
        page.enter.disabled = false;
        if (!reply.ok) return refuse(reply.error);
        me.name = reply.name;
        page.welcome.hidden = true;
        page.chat.hidden = false;
        enter(room);
    });
}

function refuse(error) {
    me.name = me.room = '';
    page.chat.hidden = true;
    page.welcome.hidden = false;
    page.signInError.textContent = error;
    page.name.focus();
}

function enter(room) {
    if (room === me.room && me.joined) return page.text.focus();
    tellTyping(false);
    me.joined = false;
    socket.emit('join', { room }, joined);
}

function joined({ room, members, history }) {
    const again = room === me.room;
    if (!again) {
        page.messages.replaceChildren();
        seen.clear();
    }
    me.room = room;
    me.joined = true;
    forgetWriters();
    showRoom(room);
    showMembers(members);
    history.forEach(showMessage);
    showNotice(again ? 'You are back' : `You joined #${room}`);
    showConnection('connected');
    if (page.chat.classList.contains('drawer-open')) openDrawer(false);
    page.text.focus();
}

function lost() {
    me.joined = false;
    ownTyping.active = false;
    page.enter.disabled = false;
    forgetWriters();
    showConnection('reconnecting');
    unanswered.forEach(offerAgain);
    unanswered.clear();
}

const transports = query.get('transports')?.split(',').filter(Boolean);
const socket = io(transports?.length ? { transports } : {});

socket.on('connect', () => {
    showTransport();
    socket.io.engine.on('upgrade', showTransport);
    showConnection('connected');
    if (me.name) signIn(me.name, me.room);
});
socket.on('disconnect', reason => {
    lost();
    if (reason === 'io server disconnect') socket.connect();   // the one reason the client does not retry by itself
});
socket.on('connect_error', () => showConnection('reconnecting'));

socket.on('message', message => {
    if (message.room !== me.room) return;
    setWriter(message.author, false);
    showMessage(message);
});
socket.on('typing', ({ author, active }) => setWriter(author, active));
socket.on('user joined', ({ name, room, members }) => {
    if (room !== me.room) return;
    showMembers(members);
    showNotice(`${name} joined`);
});
socket.on('user left', ({ name, room, members }) => {
    if (room !== me.room) return;
    setWriter(name, false);
    showMembers(members);
    showNotice(`${name} left`);
});
socket.on('rooms', ({ rooms }) => showRooms(rooms));

// ---- what the person does -------------------------------------------------------------------

page.signIn.addEventListener('submit', event => {
    event.preventDefault();
    const name = page.name.value.trim();
    const room = page.firstRoom.value.trim();
    if (!name || !room) return;
    page.signInError.textContent = '';
    page.enter.disabled = true;
    signIn(name, room);
});

page.newRoom.addEventListener('submit', event => {
    event.preventDefault();
    const room = page.newRoomName.value.trim();
    if (!room || !me.joined) return;
    page.newRoomName.value = '';
    enter(room);
});

page.composer.addEventListener('submit', event => {
    event.preventDefault();
    const text = page.text.value.trim();
    if (!text || !me.joined) return;
    page.text.value = '';
    fitText();
    say(text);
    tellTyping(false);
    page.text.focus();
});

page.text.addEventListener('input', () => {
    fitText();
    tellTyping(page.text.value.trim() !== '');
});

page.text.addEventListener('keydown', event => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    page.composer.requestSubmit();
});

function fitText() {
    page.text.style.height = 'auto';
    page.text.style.height = `${page.text.scrollHeight}px`;
}

page.menu.addEventListener('click', () => openDrawer(!page.chat.classList.contains('drawer-open')));
page.shade.addEventListener('click', () => openDrawer(false));
page.chat.addEventListener('keydown', event => {
    if (event.key === 'Escape' && page.chat.classList.contains('drawer-open')) openDrawer(false);
});

page.name.value = query.get('name') ?? '';
page.firstRoom.value = query.get('room') || 'lobby';
showConnection('connecting');
