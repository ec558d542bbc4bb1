// SPDX-License-Identifier: Apache-2.0
/**
 * A member's secrets, in one file that nobody else reads: the key by which it talks to its peers,
 * its BLS key, and the keys of its cosignatures.
 */
import { createPrivateKey, createPublicKey, randomBytes, sign, type KeyObject } from 'node:crypto';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { encodeBase64 } from '../base/base64.ts';
import { describeIssue, parseJson, readTextFile } from '../base/documents.ts';
import { badInput, messageOf } from '../base/errors.ts';
import { publicKeyOf, sign as signBls } from '../bls/signatures.ts';
import {
  drawSecret,
  encodePublicKey,
  encodeSignature,
  proofOfPossession,
  secretOf,
  standard,
} from '../bls/standard.ts';
import { writeDurably } from '../disk/write.ts';
import { generateSignerKey, parseSignerKey, type NoteSigner } from '../statements/cosignature.ts';
import { base64Bytes } from '../statements/json.ts';
import { formatNoteKey } from '../statements/note-key.ts';
import type { Member } from './roster.ts';
import type { Signer } from './round.ts';

export interface MemberKeys {
  /** As others know it. */
  readonly member: Member;
  readonly privateKey: KeyObject;
  readonly signer: Signer;
  /** Ed25519 and ML-DSA-44. */
  readonly cosigners: readonly NoteSigner[];
}

const FILE = 'keys.json';

const schema = z.strictObject({
  name: z.string(),
  url: z.string(),
  key: base64Bytes.refine(({ length }) => length === 32, 'is not 32 bytes'),
  bls: base64Bytes,
  cosigners: z.array(z.string()),
});

export function hasKeys(directory: string): boolean {
  return existsSync(join(directory, FILE));
}

/** Draws the keys of a member, and keeps them durably. Throws where there are some already. */
export function makeKeys(directory: string, name: string, url: string): MemberKeys {
  const path = join(directory, FILE);
  if (hasKeys(directory))
    throw badInput(
      `this machine has the keys of a member, in ${path}`,
      'To be another member, use another --state-dir.',
    );
  const host = new URL(url).host;
  const json = {
    name,
    url,
    key: encodeBase64(randomBytes(32)),
    bls: encodeBase64(drawSecret()),
    // Each has a name of its own, as c2sp.org/tlog-cosignature wants it.
    cosigners: [
      generateSignerKey(`${host}/${name}`, 'Ed25519 cosignature'),
      generateSignerKey(`${host}/${name}/ml-dsa-44`, 'ML-DSA-44'),
    ],
  };
  const before = process.umask(0o077);
  try {
    writeDurably(path, `${JSON.stringify(json, null, 2)}\n`);
    chmodSync(path, 0o600);
  } finally {
    process.umask(before);
  }
  return readKeys(directory);
}

/** Throws CtgaError `bad-input` where there are none, and never with a key. */
export function readKeys(directory: string): MemberKeys {
  const path = join(directory, FILE);
  const result = schema.safeParse(parseJson(readSecrets(path), path));
  if (!result.success) throw badInput(`${path}: no keys: ${describeIssue(result.error)}`);
  const { name, url, key: seed, bls, cosigners: texts } = result.data;
  try {
    const secret = secretOf(bls);
    const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
    const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
    const cosigners = texts.map(parseSignerKey);
    return {
      member: {
        name,
        url,
        key: new Uint8Array(spki.subarray(-32)),
        bls: encodePublicKey(publicKeyOf(standard, secret)),
        proof: proofOfPossession(secret),
        vkeys: cosigners.map(({ key }) => formatNoteKey(key)),
      },
      privateKey,
      signer: {
        sign: (bytes) => new Uint8Array(sign(null, bytes, privateKey)),
        signBls: (bytes) => encodeSignature(signBls(standard, secret, bytes)),
      },
      cosigners,
    };
  } catch (error) {
    if (error instanceof RangeError) throw badInput(`${path}: no keys: ${messageOf(error)}`);
    throw error;
  }
}

function readSecrets(path: string): string {
  try {
    return readTextFile(path);
  } catch (error) {
    const { cause } = error as { cause?: NodeJS.ErrnoException };
    if (cause?.code !== 'ENOENT') throw error;
    throw badInput(
      `there are no keys of a member in ${path}`,
      'Make them: ctga federation join --name NAME --url URL',
    );
  }
}
