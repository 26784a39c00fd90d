// SPDX-License-Identifier: BSL-1.0
// Node's socket.io with the events of server.cpp, on a port that the system chooses.

import { createRequire } from 'node:module';
import { createServer } from 'node:http';

const require = createRequire(new URL('../../tests/e2e/package.json', import.meta.url));
const { Server } = require('socket.io');

const http = createServer();
const io = new Server(http);
io.on('connection', socket => {
    socket.on('echo', (text, reply) => reply(text));
    socket.on('say', text => io.emit('news', text));
});
http.listen(0, '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${http.address().port}`);
});
