// SPDX-License-Identifier: Apache-2.0
/** Certificates that the process of a test believes, as NODE_EXTRA_CA_CERTS does from its start. */
import { readFileSync } from 'node:fs';
import { mock } from 'node:test';
import tls from 'node:tls';
import type { LabCertificate } from '../../src/lab/api.ts';

/** From now on, TLS connections of this process trust the certificate, until `distrust`. */
export function trust({ certificatePath }: LabCertificate): { readonly distrust: () => void } {
  const { createSecureContext } = tls;
  const certificate = readFileSync(certificatePath);
  const { mock: mocked } = mock.method(
    tls,
    'createSecureContext',
    (options: tls.SecureContextOptions = {}) =>
      createSecureContext({ ...options, ca: options.ca ?? certificate }),
  );
  return { distrust: () => mocked.restore() };
}
