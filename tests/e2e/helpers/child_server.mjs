// SPDX-License-Identifier: BSL-1.0
// Node's own server as a process of its own, which may be killed or stopped: it echoes.
//   child_server.mjs --port N [OPTIONS]

import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { echo } from './node_server.mjs';

const [port, options = '{}'] = process.argv.slice(3);
const http = createServer();
new Server(http, JSON.parse(options)).on('connection', echo);
http.listen(Number(port), '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${http.address().port}`));
