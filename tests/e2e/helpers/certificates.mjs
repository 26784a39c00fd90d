// SPDX-License-Identifier: BSL-1.0
// Certificates that live as long as a test: an authority, and whom it vouches for, made by the program `openssl`.

import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const openssl = promisify(execFile).bind(undefined, 'openssl');
// What browsers know, too.
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const soon = ['-days', '2'];
const here = 'subjectAltName = DNS:localhost, IP:127.0.0.1';

/** A directory of its own, gone after the test, in which a certificate and its key have names. */
async function makeDirectory(t) {
    const directory = await mkdtemp(join(tmpdir(), 'socoro-tls-'));
    t.after(() => rm(directory, { recursive: true }));
    const file = name => join(directory, name);
    return { file, pair: name => ({ certificate: file(`${name}.pem`), key: file(`${name}.key`) }) };
}

/** A certificate that nobody vouches for, as the documentation has it made. */
export async function makeSelfSigned(t) {
    const { file } = await makeDirectory(t);
    await promisify(execFile)(fileURLToPath(new URL('../../../tools/certificate', import.meta.url)), [file('.')]);
    return { certificate: file('certificate.pem'), key: file('key.pem') };
}

/**
 * Files: the authority's certificate, and those of others with their keys: two servers (for localhost and 127.0.0.1), one of them
 * behind another authority, whose file holds both, a server for chat.example and a client. `replace` puts one in the place of another.
 */
export async function makeCertificates(t) {
    const { file, pair } = await makeDirectory(t);
    const authority = pair('ca');
    await openssl(['req', '-x509', ...newKey, ...soon, '-subj', '/CN=authority', '-keyout', authority.key, '-out', authority.certificate]);
    const sign = async (name, says = here, by = authority) => {
        const made = pair(name);
        await writeFile(file(`${name}.says`), says);
        await openssl(['req', ...newKey, '-subj', `/CN=${name}`, '-keyout', made.key, '-out', file(`${name}.csr`)]);
        await openssl(['x509', '-req', ...soon, '-in', file(`${name}.csr`), '-CA', by.certificate, '-CAkey', by.key,
            '-CAcreateserial', '-extfile', file(`${name}.says`), '-out', made.certificate]);
        return made;
    };
    const between = await sign('between', 'basicConstraints = critical, CA:TRUE');
    const behind = await sign('behind', here, between);
    await writeFile(behind.certificate, await readFile(between.certificate), { flag: 'a' });
    const replace = async (old, by) => {
        await copyFile(by.certificate, old.certificate);
        await copyFile(by.key, old.key);
    };
    return {
        ca: authority.certificate,
        server: await sign('localhost'),
        behind,
        host: await sign('chat.example', 'subjectAltName = DNS:chat.example'),
        client: await sign('client'),
        replace,
    };
}
