// SPDX-License-Identifier: Apache-2.0
/** Names of images as they are published: as they are, or as salted hashes. Pure. */
import { createHash } from 'node:crypto';
import { badInput } from '../base/errors.ts';
import { isName } from '../ddt/version1.ts';

export interface TrustName {
  readonly user: string;
  readonly image: string;
  readonly tag: string;
}

/** Throws CtgaError `bad-input` unless it is USER/IMAGE:TAG. */
export function parseTrustName(text: string): TrustName {
  const [, user = '', image = '', tag = ''] = /^([^/]+)\/(.+):([^:/]+)$/s.exec(text) ?? [];
  if ([user, image, tag].every(isName)) return { user, image, tag };
  throw badInput(`'${text}' is no name: want USER/IMAGE:TAG`);
}

/** How long a salt has to be, in bytes: a shorter one can be tried out. */
export const SALT_BYTES = { least: 16, most: 64 } as const;

/** Whether bytes can be a salt. */
export function isSalt({ length }: Uint8Array): boolean {
  return length >= SALT_BYTES.least && length <= SALT_BYTES.most;
}

/**
 * The name as it is in the chain: with a salt, the image and the tag are hashes of which nobody learns
 * what they stand for without the salt. The user's name stays, because its key is found by it.
 */
export function publishedName(
  { user, image, tag }: TrustName,
  salt: Uint8Array | undefined,
): TrustName {
  if (salt === undefined) return { user, image, tag };
  return { user, image: hidden(salt, [user, image]), tag: hidden(salt, [user, image, tag]) };
}

function hidden(salt: Uint8Array, parts: readonly string[]): string {
  const hash = createHash('sha256').update('ctga/trust/hidden-name\0');
  // The salt and each part with its length, so that no two salts and lists of parts are one text.
  hash.update(`${salt.length}:`).update(salt);
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:${part}`);
  return `~${hash.digest('base64url')}`;
}
