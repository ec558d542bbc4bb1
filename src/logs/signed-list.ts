// SPDX-License-Identifier: Apache-2.0
/**
 * Signatures of log lists. Chrome signs the exact bytes of its list with RSA-4096, PKCS #1 v1.5 and
 * SHA-256. The signature is in a separate file next to the list; the key is at
 * googlechrome.github.io/CertificateTransparency/log_lists.html.
 */
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { badInput } from '../base/errors.ts';

const CHROME_KEY = `-----BEGIN PUBLIC KEY-----
MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAsu0BHGnQ++W2CTdyZyxv
HHRALOZPlnu/VMVgo2m+JZ8MNbAOH2cgXb8mvOj8flsX/qPMuKIaauO+PwROMjiq
fUpcFm80Kl7i97ZQyBDYKm3MkEYYpGN+skAR2OebX9G2DfDqFY8+jUpOOWtBNr3L
rmVcwx+FcFdMjGDlrZ5JRmoJ/SeGKiORkbbu9eY1Wd0uVhz/xI5bQb0OgII7hEj+
i/IPbJqOHgB8xQ5zWAJJ0DmG+FM6o7gk403v6W3S8qRYiR84c50KppGwe4YqSMkF
bLDleGQWLoaDSpEWtESisb4JiLaY4H+Kk0EyAhPSb+49JfUozYl+lf7iFN3qRq/S
IXXTh6z0S7Qa8EYDhKGCrpI03/+qprwy+my6fpWHi6aUIk4holUCmWvFxZDfixox
K0RlqbFDl2JXMBquwlQpm8u5wrsic1ksIv9z8x9zh4PJqNpCah0ciemI3YGRQqSe
/mRRXBiSn9YQBUPcaeqCYan+snGADFwHuXCd9xIAdFBolw9R9HTedHGUfVXPJDiF
4VusfX6BRR/qaadB+bqEArF/TzuDUr6FvOR4o8lUUxgLuZ/7HO+bHnaPFKYHHSm+
+z1lVDhhYuSZ8ax3T0C3FZpb7HMjZtpEorSV5ElKJEJwrhrBCMOD8L01EoSPrGlS
1w22i9uGHMn/uGQKo28u7AsCAwEAAQ==
-----END PUBLIC KEY-----`;

/** The SubjectPublicKeyInfo of the key that signs Chrome's lists. */
export const CHROME_LIST_KEY = spkiOf(createPublicKey(CHROME_KEY));

/**
 * Parses a publisher's key in PEM; `name` says where the text came from. Throws CtgaError
 * `bad-input`.
 */
export function parseListKey(pem: string, name: string): Buffer {
  try {
    return spkiOf(createPublicKey(pem));
  } catch {
    throw badInput(`${name}: not a public key in PEM`);
  }
}

/**
 * Whether the holder of `key` (SubjectPublicKeyInfo, RSA or ECDSA) signed these bytes, with
 * SHA-256. Never throws.
 */
export function isSignedList(json: Uint8Array, signature: Uint8Array, key: Uint8Array): boolean {
  try {
    const publicKey = createPublicKey({ key: Buffer.from(key), format: 'der', type: 'spki' });
    return verify('sha256', json, publicKey, signature);
  } catch {
    return false;
  }
}

/** The SHA-256 of a SubjectPublicKeyInfo in hexadecimal, for a person to compare. */
export function fingerprintOf(key: Uint8Array): string {
  return createHash('sha256').update(key).digest('hex');
}

function spkiOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' });
}
