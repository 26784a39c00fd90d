// SPDX-License-Identifier: BSL-1.0
// Servers of ours that speak TLS, and who visits them: a browser, Node's client, curl and openssl.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { connect as connectPlainly } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect as connectSecurely } from 'node:tls';
import { promisify } from 'node:util';
import { launch, openWindow } from './helpers/browser.mjs';
import { makeCertificates, makeSelfSigned } from './helpers/certificates.mjs';
import { connect, connected, open, ways } from './helpers/client.mjs';
import { start } from './helpers/server.mjs';
import { ask, within } from './helpers/wait.mjs';

const timeout = 45_000;
const run = promisify(execFile);

/** The example with these certificates; it is ended after the test. */
async function serve(t, { certificate, key }, ...args) {
    const server = await start('SOCORO_EXAMPLES', { name: 'tls', args: ['--serve', '--certificate', certificate, '--key', key, ...args] });
    t.after(() => server.stop());
    server.address = server.url.replace('127.0.0.1', 'localhost');
    return server;
}

/** How a client of Node speaks TLS. */
async function speaking(t, { ca, certificate, key, ...options }) {
    const files = { ca, cert: certificate, key };
    for (const [name, file] of Object.entries(files)) if (file) options[name] = await readFile(file);
    const agent = new Agent({ keepAlive: true, ...options });
    t.after(() => agent.destroy());
    return agent;
}

/** The end of a TLS connection that should come to be: what it is like, or why it is not. */
async function meet(port, options) {
    const stream = connectSecurely({ port, host: '127.0.0.1', servername: 'localhost', ...options });
    try {
        await within(once(stream, 'secureConnect'), 'the handshake');
        return { protocol: stream.alpnProtocol, fingerprint: stream.getPeerCertificate().fingerprint256, reused: stream.isSessionReused() };
    } catch (error) {
        return { error: error.code };
    } finally {
        stream.destroy();
    }
}

const fingerprintOf = async file => new X509Certificate(await readFile(file)).fingerprint256;

describe('the chat page over TLS', { timeout: 110_000 }, () => {
    let browser;
    before(async () => { browser = await launch(); });
    after(() => browser?.close());

    it('with a self-signed certificate, people talk over polling and WebSocket', { timeout }, async t => {
        const { certificate, key } = await makeSelfSigned(t);
        const server = await start('SOCORO_CHAT', { args: ['--certificate', certificate, '--key', key] });
        t.after(() => server.stop());
        assert.match(server.url, /^https:/);
        await assert.rejects(openWindow(t, browser, server.url), /ERR_CERT_AUTHORITY_INVALID/);

        const visit = search => openWindow(t, browser, server.url, { ignoreHTTPSErrors: true, search });
        const windows = { Ann: await visit(''), Ben: await visit('?transports=polling'), Cem: await visit('?transports=websocket') };
        for (const [name, window] of Object.entries(windows)) await window.signIn(name, 'safe');
        await windows.Ann.shows('transport', 'websocket');
        await windows.Ben.shows('transport', 'polling');
        await windows.Cem.shows('transport', 'websocket');
        for (const [name, window] of Object.entries(windows)) {
            await window.members(...Object.keys(windows));
            await window.say(`This is ${name} 👋`);
            for (const other of Object.values(windows)) await other.hears(name, `This is ${name} 👋`);
        }
        await windows.Ann.picture('over-tls');
        assert.deepEqual(Object.values(windows).flatMap(window => window.complaints), []);
    });
});

describe('a server that speaks TLS', { timeout: 110_000, concurrency: 2 }, () => {
    for (const version of ['TLSv1.2', 'TLSv1.3']) {
        it(`Node's client is greeted over every transport, with ${version}`, { timeout }, async t => {
            const { server: files, ca } = await makeCertificates(t);
            const server = await serve(t, files);
            for (const transports of ways) {
                const agent = await speaking(t, { ca, minVersion: version, maxVersion: version });
                const socket = await connect(t, server.address, { transports, agent });
                assert.equal(await ask(socket, 'greet', 'Ben'), 'hello Ben');
                assert.equal(socket.io.engine.transport.name, transports.at(-1));
            }
        });
    }

    it('a client gets the certificate of the host that it asks for', { timeout }, async t => {
        const { server: files, host, ca } = await makeCertificates(t);
        const server = await serve(t, files, '--host', 'chat.example', '--host-certificate', host.certificate, '--host-key', host.key);
        for (const transports of ways) {
            const agent = await speaking(t, { ca, servername: 'chat.example' });
            const socket = await connect(t, server.address, { transports, agent });
            assert.equal(await ask(socket, 'greet', 'Ben'), 'hello Ben');
            const other = open(t, server.address, { transports, agent: await speaking(t, { ca, servername: 'other.example' }) });
            await assert.rejects(connected(other), /xhr poll error|websocket error/);
        }
        const certificate = await readFile(ca);
        assert.equal((await meet(server.port, { ca: certificate, servername: 'CHAT.example' })).fingerprint, await fingerprintOf(host.certificate));
        assert.equal((await meet(server.port, { ca: certificate })).fingerprint, await fingerprintOf(files.certificate));
        assert.equal((await meet(server.port, { ca: certificate, servername: 'other.example' })).error, 'ERR_TLS_CERT_ALTNAME_INVALID');
    });

    it('a client that shows its certificate is known by it, and one without is refused', { timeout }, async t => {
        const { server: files, client, ca } = await makeCertificates(t);
        const stranger = await makeSelfSigned(t);
        const server = await serve(t, files, '--ca', ca);
        for (const transports of ways) {
            const socket = await connect(t, server.address, { transports, agent: await speaking(t, { ca, ...client }) });
            assert.equal(await ask(socket, 'greet', 'Ben'), 'hello CN=client');
            for (const shown of [{}, stranger]) {
                const refused = open(t, server.address, { transports, agent: await speaking(t, { ca, ...shown }) });
                await assert.rejects(connected(refused), /xhr poll error|websocket error/);
            }
        }
        await server.printed(/^socoro: TLS failed with \S+: TLS: peer did not return a certificate \(1 so far\)$/m);
    });

    it('HTTP/1.1 is agreed on with who offers it, and who offers only others is refused', { timeout }, async t => {
        const { server: files, ca } = await makeCertificates(t);
        const server = await serve(t, files);
        const certificate = await readFile(ca);
        const agree = async (...ALPNProtocols) => meet(server.port, { ca: certificate, ALPNProtocols });
        assert.equal((await agree('h2', 'http/1.1')).protocol, 'http/1.1');
        assert.equal((await meet(server.port, { ca: certificate })).protocol, false);
        assert.equal((await agree('h2')).error, 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL');
    });

    it('curl, which offers HTTP/2 as well, trusts a chain of two certificates', { timeout }, async t => {
        const { behind, ca } = await makeCertificates(t);
        const server = await serve(t, behind);
        const { stdout, stderr } = await run('curl', ['--verbose', '--silent', '--noproxy', '*', '--http2', '--cacert', ca,
            `${server.address}/socket.io/?EIO=4&transport=polling`]);
        assert.match(stdout, /^0\{"sid":"/);
        assert.match(stderr, /ALPN: server accepted http\/1\.1/);
        assert.match(stderr, /SSL certificate verify ok/);
        const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${server.port}`, '-servername', 'localhost', '-CAfile', ca,
            '-verify_return_error', '-showcerts'], { stdio: ['ignore', 'pipe', 'ignore'] });
        const shown = (await client.stdout.setEncoding('utf8').toArray()).join('');
        assert.equal(shown.match(/BEGIN CERTIFICATE/g).length, 2);
        assert.match(shown, /Verify return code: 0 \(ok\)/);
    });

    it('who speaks something else is told of, and nobody else notices', { timeout }, async t => {
        const { server: files, ca } = await makeCertificates(t);
        const server = await serve(t, files);
        const socket = await connect(t, server.address, { agent: await speaking(t, { ca }) });
        // It is still there when the server closes.
        const silent = connectPlainly(server.port, '127.0.0.1').on('error', () => {});
        t.after(() => silent.destroy());
        const plain = connectPlainly(server.port, '127.0.0.1');
        plain.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
        plain.resume();
        await within(once(plain, 'close'), 'the end');
        await server.printed(/^socoro: TLS failed with \S*127\.0\.0\.1: TLS: http request \(1 so far\)$/m);
        assert.equal(await ask(socket, 'greet', 'Ben'), 'hello Ben');
    });

    it('a new certificate is shown to who comes next, and nobody is dropped', { timeout: 90_000 }, async t => {
        const { server: files, behind, ca, replace } = await makeCertificates(t);
        const server = await serve(t, files);
        const certificate = await readFile(ca);
        const [old, young] = [await fingerprintOf(files.certificate), await fingerprintOf(behind.certificate)];
        const shown = async () => (await meet(server.port, { ca: certificate })).fingerprint;
        const agent = await speaking(t, { ca });
        const join = i => connect(t, server.address, { transports: ways[i % ways.length], agent });
        const sockets = await Promise.all(Array.from({ length: 18 }, (_, i) => join(i)));
        const lost = [];
        for (const socket of sockets) socket.on('disconnect', reason => lost.push(reason));

        let over = false;
        let calls = 0;
        const load = sockets.map(async socket => {
            for (; !over; ++calls) assert.equal(await ask(socket, 'greet', 'Ben'), 'hello Ben');
        });
        // People come and go meanwhile.
        const crowd = (async () => {
            for (; !over; ++calls) {
                const guest = await connect(t, server.address, { transports: ['websocket'], agent });
                assert.equal(await ask(guest, 'greet', 'Cem'), 'hello Cem');
                guest.disconnect();
            }
        })();
        const more = async () => {
            for (const enough = calls + 200; calls < enough;) await Promise.race([ask(sockets[0], 'greet', 'Ben'), ...load, crowd]);
        };
        await more();
        assert.equal(await shown(), old);
        await replace(files, behind);
        server.hangUp();
        await server.printed(/^reloaded$/m);
        assert.equal(await shown(), young);
        await more();

        await writeFile(files.certificate, 'half a certi');
        server.hangUp();
        await server.printed(/^not reloaded: cannot read the certificate .*: TLS: no start line$/m);
        assert.equal(await shown(), young);
        await more();
        over = true;
        await Promise.all([...load, crowd]);
        assert.deepEqual(lost, []);
    });
});
