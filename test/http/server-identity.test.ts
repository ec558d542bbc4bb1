// SPDX-License-Identifier: Apache-2.0
/** Whose certificate is taken for whose, and a real server at an IPv6 address. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import { type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { certify, makeAuthority } from '../../src/fleet/certificates.ts';
import { connectTcp, Connections } from '../../src/http/connections.ts';
import { requestOf } from '../../src/http/curl.ts';
import { serverIdentityFault } from '../../src/http/server-identity.ts';

const now = Date.now();
const authority = makeAuthority('an authority', now, 30);
const shownBy = (host: string) => certify(authority, 'an authority', host, now, 30);

const ROWS: readonly (readonly [of: string, host: string, isIts: boolean])[] = [
  ['::1', '::1', true],
  ['::1', '0:0:0:0:0:0:0:1', true],
  ['2001:db8::1', '2001:DB8::1', true],
  ['2001:db8::1', '2001:db8::2', false],
  ['::ffff:127.0.0.1', '127.0.0.1', false],
  ['127.0.0.1', '127.0.0.1', true],
  ['127.0.0.1', '127.0.0.2', false],
  ['127.0.0.1', '::ffff:127.0.0.1', false],
  ['log.example', 'log.example', true],
  ['log.example', 'other.example', false],
  ['log.example', '::1', false],
  ['*.log.example', '2026.log.example', true],
  // The subject's common name is the host, too: an address there counts for nothing.
  ['1.example', '127.0.0.1', false],
];

for (const [of, host, isIts] of ROWS)
  test(`the certificate of ${of} is ${isIts ? '' : 'not '}that of ${host}`, () => {
    const shown = new X509Certificate(shownBy(of).certificate).toLegacyObject();
    const fault = serverIdentityFault(host, shown);
    if (isIts) return assert.equal(fault, undefined);
    assert.equal((fault as NodeJS.ErrnoException).code, 'ERR_TLS_CERT_ALTNAME_INVALID');
  });

for (const [of, isIts] of [
  ['::1', true],
  ['2001:db8::1', false],
] as const)
  test(`a server at ::1 with the certificate of ${of} is ${isIts ? 'asked' : 'refused'}`, async (t) => {
    const { certificate: cert, key } = shownBy(of);
    const server = createServer({ cert, key }, (_, response) => response.end('here'));
    await new Promise<void>((resolve) => server.listen(0, '::1', resolve));
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const connections = new Connections((host, at) => connectTcp({ host, port: at }), 10_000, {
      ca: authority.certificate,
    });
    t.after(() => connections.close());
    const asked = connections.send(
      requestOf(new URL(`https://[::1]:${port}/`)),
      new AbortController().signal,
    );
    if (isIts) assert.equal((await asked).status, 200);
    else await assert.rejects(asked, /::1 is not in the cert's list|ALTNAME/);
  });
