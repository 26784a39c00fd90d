// SPDX-License-Identifier: BSL-1.0
// Certificates that live as long as a test: an authority, a server and a client, made by the program `openssl`.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const openssl = promisify(execFile).bind(undefined, 'openssl');
const newKey = ['-newkey', 'ed25519', '-nodes'];
const soon = ['-days', '2'];

/** Files: the authority's certificate, and the server's (for localhost and 127.0.0.1) and a client's with their keys. */
export async function makeCertificates(t) {
    const directory = await mkdtemp(join(tmpdir(), 'socoro-tls-'));
    t.after(() => rm(directory, { recursive: true }));
    const file = name => join(directory, name);
    const authority = { certificate: file('ca.pem'), key: file('ca.key') };
    await openssl(['req', '-x509', ...newKey, ...soon, '-subj', '/CN=authority', '-keyout', authority.key, '-out', authority.certificate]);
    await writeFile(file('hosts'), 'subjectAltName = DNS:localhost, IP:127.0.0.1');
    const sign = async name => {
        const made = { certificate: file(`${name}.pem`), key: file(`${name}.key`) };
        await openssl(['req', ...newKey, '-subj', `/CN=${name}`, '-keyout', made.key, '-out', file(`${name}.csr`)]);
        await openssl(['x509', '-req', ...soon, '-in', file(`${name}.csr`), '-CA', authority.certificate, '-CAkey', authority.key,
            '-CAcreateserial', '-extfile', file('hosts'), '-out', made.certificate]);
        return made;
    };
    return { ca: authority.certificate, server: await sign('localhost'), client: await sign('client') };
}
