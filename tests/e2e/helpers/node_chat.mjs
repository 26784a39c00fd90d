// SPDX-License-Identifier: BSL-1.0
// The events of examples/chat on Node's server, as somebody would write it who has only read about them.

/** Opens the chat: `await serve(t, { set: openChat() })`. What was said is kept from one start of the server to the next. */
export function openChat() {
    const said = new Map();
    return io => io.on('connection', socket => serveGuest(io, socket, said));
}

function serveGuest(io, socket, said) {
    const { data } = socket;
    const members = room => [...io.of('/').sockets.values()].filter(other => other.data.room === room).map(other => other.data.name);
    const leave = () => {
        const { room, name } = data;
        if (!room) return;
        data.room = '';
        socket.leave(`room:${room}`);
        socket.to(`room:${room}`).emit('user left', { name, room, members: members(room) });
    };

    socket.on('sign in', ({ name }, reply) => {
        const taken = [...io.of('/').sockets.values()].some(other => other.data.name === name);
        if (!taken) data.name = name;
        reply({ ok: !taken, error: taken ? 'This name is taken.' : '', name: taken ? '' : name });
    });
    socket.on('join', ({ room }, reply) => {
        if (!data.name || !room) return reply({ room: '', members: [], history: [] });
        leave();
        data.room = room;
        socket.join(`room:${room}`);
        socket.to(`room:${room}`).emit('user joined', { name: data.name, room, members: members(room) });
        reply({ room, members: members(room), history: said.get(room) ?? [] });
    });
    socket.on('message', ({ text }, reply) => {
        if (!data.room) return reply({ time: 0 });
        const line = { author: data.name, text, time: Date.now() };
        said.set(data.room, [...(said.get(data.room) ?? []), line]);
        socket.to(`room:${data.room}`).emit('message', { room: data.room, ...line });
        reply({ time: line.time });
    });
    socket.on('typing', ({ active }) => socket.to(`room:${data.room}`).emit('typing', { author: data.name, active }));
    socket.on('disconnecting', leave);
}
