// SPDX-License-Identifier: Apache-2.0
/**
 * ML-DSA-44 (FIPS 204) with an empty context: by OpenSSL where the Node in use has it (24 and
 * later), which verifies 2.5 times as fast (0.55 ms against 1.39 ms there), else by
 * @noble/post-quantum. Both take and give the same bytes.
 */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { createRequire } from 'node:module';
import type * as NobleMlDsa from '@noble/post-quantum/ml-dsa.js';
import { ML_DSA_44_BYTES } from './note-key.ts';

export interface MlDsa44 {
  /** False as well where the key or the signature has another length. */
  readonly verify: (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;
  /** The seed (32 bytes) is FIPS 204's xi. Two signatures of one message differ: they are hedged. */
  readonly signer: (seed: Uint8Array) => {
    readonly publicKey: Uint8Array;
    readonly sign: (message: Uint8Array) => Uint8Array;
  };
}

/** Loaded when it is first needed, which takes longer than many a command does. */
function noble(): typeof NobleMlDsa.ml_dsa44 {
  // The first is what the compiled program has, the second Node's modules.
  return (loaded ??= (
    typeof require === 'function'
      ? // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() is no function
        (require('@noble/post-quantum/ml-dsa.js') as typeof NobleMlDsa)
      : (createRequire(import.meta.url)('@noble/post-quantum/ml-dsa.js') as typeof NobleMlDsa)
  ).ml_dsa44);
}
let loaded: typeof NobleMlDsa.ml_dsa44 | undefined;

export const mlDsa44ByNoble: MlDsa44 = {
  verify: (signature, message, publicKey) =>
    haveLengths(signature, publicKey) && noble().verify(signature, message, publicKey),
  signer: (seed) => {
    const { publicKey, secretKey } = noble().keygen(seed);
    return { publicKey, sign: (message) => noble().sign(message, secretKey) };
  },
};

/** What precedes the public key in a SubjectPublicKeyInfo, and the seed in PKCS #8: RFC 9881. */
const SPKI = Buffer.from('30820532300b06096086480165030403110382052100', 'hex');
const PKCS8 = Buffer.from('3034020100300b060960864801650304031104228020', 'hex');

const byOpenSsl: MlDsa44 = {
  verify: (signature, message, publicKey) =>
    haveLengths(signature, publicKey) &&
    verify(
      null,
      message,
      createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' }),
      signature,
    ),
  signer: (seed) => {
    const key = createPrivateKey({
      key: Buffer.concat([PKCS8, seed]),
      format: 'der',
      type: 'pkcs8',
    });
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
    return {
      publicKey: new Uint8Array(spki.subarray(SPKI.length)),
      sign: (message) => sign(null, message, key),
    };
  },
};

/**
 * Undefined where this Node cannot sign and verify by OpenSSL: one before 3.5 does not know ML-DSA,
 * and Node 22 has one that does, takes its keys and refuses to sign by them.
 */
export function mlDsa44ByOpenSsl(): MlDsa44 | undefined {
  if (isKnown === undefined)
    try {
      const { publicKey, sign } = byOpenSsl.signer(new Uint8Array(ML_DSA_44_BYTES.seed));
      isKnown = byOpenSsl.verify(sign(new Uint8Array()), new Uint8Array(), publicKey);
    } catch {
      isKnown = false;
    }
  return isKnown ? byOpenSsl : undefined;
}
let isKnown: boolean | undefined;

export function mlDsa44(): MlDsa44 {
  return mlDsa44ByOpenSsl() ?? mlDsa44ByNoble;
}

function haveLengths(signature: Uint8Array, publicKey: Uint8Array): boolean {
  return (
    signature.length === ML_DSA_44_BYTES.signature && publicKey.length === ML_DSA_44_BYTES.publicKey
  );
}
