// SPDX-License-Identifier: Apache-2.0
/** What a chain or a log says of a user, an image or a tag, for a person and for a script. Pure. */
import { toHex } from '../carbonchain/bytes.ts';
import { utc } from '../base/text.ts';
import type { Ledger } from './ledger.ts';
import { nameOf, showName } from './names.ts';
import { NOT_COVERED } from './server.ts';
import type { SignedMetadata } from './version1.ts';

interface Shown {
  /** None if the chain says nothing of it. */
  readonly lines: readonly string[];
  readonly json: { readonly original: unknown; readonly version1: unknown };
}

/** `name` is USER, USER/IMAGE or USER/IMAGE:TAG; an image may have slashes in it. */
export function shownOf(ledger: Ledger, name: string): Shown {
  const wanted = wantedBy(name);
  const lines: string[] = [];
  const original = ofOriginal(ledger, wanted, lines);
  const version1 = ofVersion1(ledger, wanted, lines, 'Version 1: the');
  return { lines, json: { original, version1 } };
}

/** The same of the commands of version 1 alone, which is what a log of trust has. */
export function shownOfState(
  place: Pick<Ledger, 'state' | 'time'>,
  name: string,
): { readonly lines: readonly string[]; readonly json: unknown } {
  const lines: string[] = [];
  const json = ofVersion1(place, wantedBy(name), lines, 'The');
  return { lines, json };
}

function wantedBy(name: string): Wanted {
  const [, user = '', image, tag] = /^([^/]*)(?:\/(.+?)(?::([^:/]+))?)?$/.exec(name) ?? [];
  return { user, image, tag };
}

interface Wanted {
  readonly user: string;
  readonly image: string | undefined;
  readonly tag: string | undefined;
}

function ofOriginal({ original: state }: Ledger, wanted: Wanted, lines: string[]): unknown {
  const user = nameOf(wanted.user);
  const rootKey = state.rootKeys.get(user);
  const images = state.keys.get(user);
  if (rootKey === undefined && images === undefined) return null;
  lines.push(
    rootKey === undefined
      ? `Original commands: ${wanted.user} has no root key any more`
      : `Original commands: the root key of ${wanted.user} is ${toHex(rootKey)}`,
  );
  const keys: unknown[] = [];
  const metadata: unknown[] = [];
  for (const [image, ofImage] of images ?? [])
    if (wanted.image === undefined || image === nameOf(wanted.image))
      for (const [keyId, { publicKey }] of ofImage) {
        const status = state.keyStatus({ user, image, keyId });
        keys.push({ image: showName(image), keyId, publicKey: toHex(publicKey), status });
        lines.push(`  ${showName(image)}: tagging key ${keyId} is ${toHex(publicKey)} (${status})`);
      }
  for (const [image, tags] of state.metadata.get(user) ?? [])
    if (wanted.image === undefined || image === nameOf(wanted.image))
      for (const [tag, { digests, keyId }] of tags) {
        if (wanted.tag !== undefined && tag !== nameOf(wanted.tag)) continue;
        const status = state.metadataStatus({ user, image, tag });
        metadata.push({
          image: showName(image),
          tag: showName(tag),
          digests,
          keyId,
          status,
          note: NOT_COVERED,
        });
        lines.push(
          `  ${showName(image)}:${showName(tag)} by tagging key ${keyId} (${status}): ${NOT_COVERED}`,
        );
        for (const digest of digests) lines.push(`    ${digest}`);
      }
  return { publicKey: rootKey === undefined ? null : toHex(rootKey), keys, metadata };
}

function ofVersion1(
  { state, time }: Pick<Ledger, 'state' | 'time'>,
  wanted: Wanted,
  lines: string[],
  the: string,
): unknown {
  const user = state.users.get(wanted.user);
  if (user === undefined) return null;
  const { rootKey } = user;
  lines.push(
    rootKey === undefined
      ? `${the} root key of ${wanted.user} was deleted, and with it all that hung on it`
      : `${the} root key of ${wanted.user} is ${toHex(rootKey)}`,
  );
  const keys: unknown[] = [];
  const metadata: unknown[] = [];
  for (const [image, of] of user.images) {
    if (wanted.image !== undefined && image !== wanted.image) continue;
    for (const [keyId, { publicKey, until }] of of.keys) {
      keys.push({ image, keyId, publicKey: toHex(publicKey), until });
      lines.push(`  ${image}: tagging key ${keyId} is ${toHex(publicKey)}${ending(until)}`);
    }
    for (const [tag, each] of of.tags) {
      if (wanted.tag !== undefined && tag !== wanted.tag) continue;
      const status = state.statusOf(wanted.user, each, time);
      const { digests, keyId, until } = each;
      metadata.push({ image, tag, digests, keyId, until, status });
      lines.push(`  ${image}:${tag} by tagging key ${keyId} (${status})${ending(until)}`);
      for (const digest of digests) lines.push(`    ${digest}`);
    }
  }
  return { publicKey: rootKey === undefined ? null : toHex(rootKey), keys, metadata };
}

function ending(until: SignedMetadata['until']): string {
  return until === 0 ? '' : `, until ${utc(until * 1000)}`;
}
