// SPDX-License-Identifier: Apache-2.0
/**
 * Signatures that cost nothing, for thousands of objects: hashes that anybody could make. They stand
 * in for real ones where it is the stores that are tried, and refuse what was not signed so.
 */
import { createHash } from 'node:crypto';
import type { Signatures } from '../../src/ctng/crypto.ts';
import {
  fragmentText,
  messageOf,
  readSignature,
  rsaSignatureText,
  TYPES,
  type GossipObject,
  type Signature,
  type TypeName,
} from '../../src/ctng/object.ts';

export function standIn(self: string, threshold = 2): Signatures {
  return {
    self,
    threshold,
    knows: (entity) => !entity.startsWith('unknown'),
    fault: ({ type, payload, signature, signer }) => {
      const message = payload.join('');
      const [first, second] = signature;
      if (type === 'CON')
        return isOf(first, payload[1]) && isOf(second, payload[2]) ? undefined : 'is not signed';
      const { ids } = readSignature(first);
      if (TYPES[type].startsWith('3') && new Set(ids).size < threshold) return 'has too few';
      if (!TYPES[type].startsWith('3') && ids[0] !== signer) return 'is by another';

      return isOf(first, message) ? undefined : 'is not signed';
    },
    signPart: (message) => signatureOf([self], message),
    combine: (parts) => {
      const ids = parts.flatMap((part) => part.ids);
      // What the parts have signed is the same, or it is a signature of nothing.
      const bytes = new Set(parts.map((part) => Buffer.from(part.bytes).toString('hex')));
      return { ids, bytes: Buffer.from([...bytes].join(), 'utf8').subarray(0, 64) };
    },
    sign: (message) => signatureOf([self], message),
  };
}

/** It does not depend on who signs, so that parts of one message can be put together. */
function signatureOf(ids: readonly string[], message: string): Signature {
  const digest = createHash('sha256').update(message).digest('hex');
  return { ids, bytes: Buffer.from(digest) };
}

function isOf(text: string, message: string): boolean {
  return Buffer.from(readSignature(text).bytes)
    .toString()
    .startsWith(createHash('sha256').update(message).digest('hex').slice(0, 16));
}

const BASE: Omit<GossipObject, 'type' | 'payload' | 'signer' | 'signature' | 'cryptoScheme'> = {
  period: '13',
  signers: undefined,
  timestamp: '2026-11-25T19:13:00Z',
};

export function stated(
  type: 'STH' | 'REV' | 'ACC',
  signer: string,
  payload: GossipObject['payload'],
): GossipObject {
  const signature = rsaSignatureText(signatureOf([signer], payload.join('')));
  return { ...BASE, type, signer, payload, signature: [signature, ''], cryptoScheme: 'RSA' };
}

export function headOf(logger: string, root: string): GossipObject {
  const json = `{"Timestamp":"13","RootHash":"${root}","TreeSize":0}`;
  return stated('STH', logger, [logger, json, '']);
}

export function partOf(type: TypeName, signer: string, of: GossipObject): GossipObject {
  const signature = fragmentText(signatureOf([signer], messageOf(of)));
  return { ...of, type, signer, signature: [signature, of.signature[1]], cryptoScheme: 'bls' };
}
