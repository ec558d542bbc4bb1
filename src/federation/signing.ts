// SPDX-License-Identifier: Apache-2.0
/** What people do with rosters: sign a draft, put signatures together, take a roster in. */
import * as z from 'zod';
import { encodeBase64 } from '../base/base64.ts';
import { describeIssue, parseJson } from '../base/documents.ts';
import { badInput } from '../base/errors.ts';
import { aggregate } from '../bls/signatures.ts';
import { decodeSignature, encodeSignature } from '../bls/standard.ts';
import { base64Bytes } from '../statements/json.ts';
import { Bits, hex, isSame } from './bytes.ts';
import type { MemberKeys } from './keys.ts';
import {
  formatSignedRoster,
  parseSignedRoster,
  Roster,
  rosterBytes,
  rosterHash,
  successor,
  type RosterBody,
  type SignedRoster,
} from './roster.ts';
import type { FederationStore } from './store.ts';

const FORMAT = 'ctga-federation-signature';

const signatureSchema = z.object({
  format: z.literal(FORMAT),
  roster: base64Bytes,
  key: base64Bytes,
  signature: base64Bytes,
});

/** The signature of one member, of this roster before or of the roster itself, as JSON. */
export function signDraft(body: RosterBody, { member, signer }: MemberKeys): unknown {
  // All of it is to be true of what one signs.
  Roster.of(body);
  return {
    format: FORMAT,
    roster: encodeBase64(rosterHash(body)),
    member: member.name,
    key: encodeBase64(member.key),
    signature: encodeBase64(signer.signBls(rosterBytes(body))),
  };
}

/**
 * The roster in force, by signatures of members of the roster before; of a first one by its own.
 * Throws CtgaError `bad-input` where they are not enough or not good, with the name of the file.
 */
export function combine(
  body: RosterBody,
  before: SignedRoster | undefined,
  signatures: readonly (readonly [file: string, text: string])[],
): SignedRoster {
  if ((body.epoch === 0) !== (before === undefined))
    throw badInput(
      body.epoch === 0 ? 'a first roster has none before it' : 'this roster follows another',
      body.epoch === 0 ? 'Leave --after out.' : 'Name that with --after.',
    );
  const by = Roster.of(before?.body ?? body);
  const bytes = rosterBytes(body);
  const found = new Map<number, Uint8Array>();
  for (const [file, text] of signatures) {
    const parsed = signatureSchema.safeParse(parseJson(text, file));
    if (!parsed.success) throw badInput(`${file}: no signature: ${describeIssue(parsed.error)}`);
    const { roster, key, signature } = parsed.data;
    if (!isSame(roster, rosterHash(body))) throw badInput(`${file}: it is of another roster`);
    const member = by.indexOf(key);
    if (member < 0) throw badInput(`${file}: whoever signed it has no say in this`);
    const signers = Bits.of(by.size, [member]);
    if (!by.isSignedTogether({ signers, signature }, bytes))
      throw badInput(`${file}: the signature is not good`);
    found.set(member, signature);
  }
  const signed: SignedRoster = {
    body,
    signature: {
      signers: Bits.of(by.size, found.keys()),
      signature:
        found.size === 0
          ? new Uint8Array(48)
          : encodeSignature(aggregate([...found.values()].map(decodeSignature))),
    },
  };
  successor(before === undefined ? undefined : by, signed);
  return signed;
}

/**
 * Puts a roster into a member's store: the first at once, one that follows for the member that runs
 * to take in. Throws CtgaError `bad-input` where it is not in force.
 */
export function takeIn(store: FederationStore, signed: SignedRoster): { readonly epoch: number } {
  const texts = store.rosters();
  const { epoch } = signed.body;
  const text = formatSignedRoster(signed);
  const same = texts[epoch];
  if (same !== undefined) {
    const known = parseSignedRoster(same, 'the store');
    if (hex(rosterHash(known.body)) === hex(rosterHash(signed.body))) return { epoch };
    throw badInput(
      `the store has another roster of epoch ${epoch}`,
      'Whoever signed both of them contradicted itself. Ask the other members which one is theirs.',
    );
  }
  let last: Roster | undefined;
  for (const each of texts) last = successor(last, parseSignedRoster(each, 'the store'));
  successor(last, signed);
  if (last === undefined) store.addRoster(epoch, text);
  else store.putPendingRoster(epoch, text);
  return { epoch };
}
