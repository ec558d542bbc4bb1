// SPDX-License-Identifier: Apache-2.0
/**
 * What a member gives anybody, and what anybody checks offline against a roster: `GET
 * /federation/v1/update`. docs/FEDERATION.md is its specification.
 */
import * as z from 'zod';
import { encodeBase64 } from '../base/base64.ts';
import { describeIssue, parseJson } from '../base/documents.ts';
import { badInput, messageOf } from '../base/errors.ts';
import { FormatError } from '../base/cursor.ts';
import { parseEvidence } from '../evidence/bundle.ts';
import { verifyEvidence, type Check } from '../evidence/verify.ts';
import { parseCheckpoint } from '../statements/checkpoint.ts';
import { base64Bytes, hashBytes, jsonInteger, uint64 } from '../statements/json.ts';
import { parseNoteKey } from '../statements/note-key.ts';
import { checkSignatures } from '../statements/signature-lines.ts';
import { Bits, hex, isSame, readAll } from './bytes.ts';
import { faultOf, signersOf, statedOf, type Certificate } from './certificate.ts';
import { isProven, readFault, type Fault } from './fault.ts';
import {
  formatSignedRoster,
  MAX_MEMBERS,
  rosterHash,
  signedRosterOf,
  successor,
  type Roster,
  type SignedRoster,
} from './roster.ts';
import { MAX_STATEMENTS, slotOf, type Proposed, type Statement } from './statement.ts';

export interface Update {
  readonly federation: string;
  /** The period in which it was made. */
  readonly period: number;
  /** From the first to the last. */
  readonly rosters: readonly SignedRoster[];
  /** Of each log and certificate authority the last that was stated is in one of them. */
  readonly certificates: readonly Certificate[];
  /** The last stated heads as checkpoints, with the cosignatures that are there. */
  readonly checkpoints: readonly string[];
  /** Evidence bundles (docs/EVIDENCE.md), as text. */
  readonly evidence: readonly string[];
  /** Proof that members contradicted themselves (encodeFault). */
  readonly faults: readonly Uint8Array[];
}

const FORMAT = 'ctga-federation-update';

const statementSchema = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('head'),
      id: hashBytes,
      tree_size: uint64,
      sha256_root_hash: hashBytes,
    }),
    z.object({ kind: z.literal('accusation'), id: hashBytes }),
    z.object({ kind: z.literal('revocations'), id: hashBytes, sha256_root_hash: hashBytes }),
  ])
  .transform((json): Statement => {
    switch (json.kind) {
      case 'head':
        return {
          kind: json.kind,
          id: json.id,
          treeSize: json.tree_size,
          rootHash: json.sha256_root_hash,
        };
      case 'accusation':
        return json;
      case 'revocations':
        return { kind: json.kind, id: json.id, rootHash: json.sha256_root_hash };
    }
  });

const bitsSchema = base64Bytes.transform((bytes) => new Bits(bytes));

const certificateSchema = z
  .object({
    roster: hashBytes,
    period: z.int().min(0),
    view: z
      .int()
      .min(0)
      .max(2 ** 32 - 1),
    statements: z.array(statementSchema).max(MAX_STATEMENTS),
    groups: z
      .array(z.object({ statements: bitsSchema, signers: bitsSchema, signature: base64Bytes }))
      .max(MAX_MEMBERS),
  })
  .transform(({ roster, period, view, statements, groups }): Certificate => ({
    roster,
    period,
    view,
    items: statements.map((statement) => ({ statement, attachment: new Uint8Array(0) })),
    groups: groups.map(({ statements: mask, signers, signature }) => ({
      mask,
      signers,
      signature,
    })),
  }));

const updateSchema = z.object({
  format: z.literal(FORMAT),
  version: z.literal(1),
  federation: z.string(),
  period: z.int().min(0),
  rosters: z.array(z.unknown()).min(1).max(10_000),
  certificates: z.array(certificateSchema).max(MAX_STATEMENTS),
  checkpoints: z.array(z.string()).max(MAX_STATEMENTS),
  evidence: z.array(z.string()).max(4096),
  faults: z.array(base64Bytes).max(MAX_MEMBERS),
});

export function formatUpdate(update: Update): string {
  const { federation, period, rosters, certificates, checkpoints, evidence, faults } = update;
  const json = {
    format: FORMAT,
    version: 1,
    federation,
    period,
    rosters: rosters.map((each) => JSON.parse(formatSignedRoster(each)) as unknown),
    certificates: certificates.map(certificateToJson),
    checkpoints,
    evidence,
    faults: faults.map(encodeBase64),
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

function certificateToJson({ roster, period, view, items, groups }: Certificate): unknown {
  return {
    roster: encodeBase64(roster),
    period,
    view,
    statements: items.map(({ statement }) => ({
      kind: statement.kind,
      id: encodeBase64(statement.id),
      ...(statement.kind === 'head' ? { tree_size: jsonInteger(statement.treeSize) } : {}),
      ...(statement.kind === 'accusation'
        ? {}
        : { sha256_root_hash: encodeBase64(statement.rootHash) }),
    })),
    groups: groups.map(({ mask, signers, signature }) => ({
      statements: encodeBase64(mask.bytes),
      signers: encodeBase64(signers.bytes),
      signature: encodeBase64(signature),
    })),
  };
}

/** Throws CtgaError `bad-input`. */
export function parseUpdate(text: string, name: string): Update {
  const result = updateSchema.safeParse(parseJson(text, name));
  if (!result.success)
    throw badInput(`${name}: no update of version 1: ${describeIssue(result.error)}`);
  const { rosters, ...update } = result.data;
  return { ...update, rosters: rosters.map((each) => signedRosterOf(each, name)) };
}

/** What an update says, once all of it is checked. */
export interface VerifiedUpdate {
  readonly checks: readonly Check[];
  /** The last one; undefined where they do not follow from the one that is trusted. */
  readonly roster: Roster | undefined;
  readonly latest: readonly {
    readonly period: number;
    readonly item: Proposed;
    readonly signers: readonly string[];
  }[];
  /** Log IDs, in hexadecimal, that evidence in it convicts. */
  readonly convicted: readonly string[];
  /** Names of members that contradicted themselves. */
  readonly faulty: readonly string[];
}

/**
 * Checks all of an update against a roster that is trusted, of whatever epoch. The update stands
 * only if each check holds. Needs no network, and no clock: how old it is, its reader has to judge
 * by `period`.
 */
export function verifyUpdate(update: Update, trusted: SignedRoster): VerifiedUpdate {
  const checks: Check[] = [];
  const check = (what: string, holds: boolean): boolean => {
    checks.push({ what, holds });
    return holds;
  };
  const nothing = { checks, roster: undefined, latest: [], convicted: [], faulty: [] };
  const rosters: Roster[] = [];
  const hash = rosterHash(trusted.body);
  const isThere = update.rosters.some(({ body }) => isSame(rosterHash(body), hash));
  if (!check('the roster that is trusted is one of the rosters in the update', isThere))
    return nothing;
  // By the hashes that they name each other with, before any signature: those before the one that is
  // trusted are bound by it, and of those behind it the first false one fails. So whoever hands over
  // ten thousand of his own costs a reader nothing.
  const follow = update.rosters.every(({ body }, i) => {
    const before = update.rosters[i - 1]?.body;
    const previous = before === undefined ? new Uint8Array(32) : rosterHash(before);
    return body.epoch === i && isSame(body.previous, previous);
  });
  if (!check('each roster names the one before it', follow)) return nothing;
  try {
    for (const each of update.rosters) rosters.push(successor(rosters.at(-1), each));
    check('each roster is signed by a threshold of the one before it', true);
  } catch (error) {
    check(`each roster is signed by a threshold of the one before it: ${messageOf(error)}`, false);
    return nothing;
  }
  const rosterAt = (period: number): Roster | undefined =>
    rosters.findLast(({ body }) => body.start <= period) ?? rosters[0];
  const latest = new Map<string, VerifiedUpdate['latest'][number]>();
  for (const certificate of update.certificates) {
    const roster = rosterAt(certificate.period);
    const fault = roster === undefined ? 'it has no roster' : whyNot(certificate, roster);
    const what = `period ${certificate.period}: ${certificate.items.length} statements are signed by the threshold`;
    if (!check(fault === undefined ? what : `${what}: ${fault}`, fault === undefined)) continue;
    if (roster === undefined) continue;
    const stated = new Set(statedOf(certificate, roster));
    certificate.items.forEach((item, i) => {
      const slot = slotOf(item.statement);
      const known = latest.get(slot);
      if (!stated.has(item) || (known !== undefined && known.period >= certificate.period)) return;
      const signers = signersOf(certificate, i).map(
        (member) => roster.body.members[member]?.name ?? '',
      );
      latest.set(slot, { period: certificate.period, item, signers });
    });
  }
  checkCheckpoints(update, rosters, latest, check);
  const convicted = update.evidence.flatMap((text) => checkEvidence(text, check));
  const faulty = update.faults.flatMap((bytes) => checkFault(bytes, rosters, check));
  return { checks, roster: rosters.at(-1), latest: [...latest.values()], convicted, faulty };
}

/** Of what a reader cannot trust to have been read by readCertificate. */
function whyNot(certificate: Certificate, roster: Roster): string | undefined {
  const { groups, items } = certificate;
  const isInForm = groups.every(
    ({ mask, signers, signature }) =>
      mask.bytes.length === Bits.bytesFor(items.length) &&
      signers.bytes.length === Bits.bytesFor(roster.size) &&
      mask.members().every((each) => each < items.length) &&
      signature.length === 48,
  );
  const slots = new Set(items.map(({ statement }) => slotOf(statement)));
  if (!isInForm || slots.size !== items.length) return 'it is not of the form';
  return faultOf(certificate, roster);
}

function checkCheckpoints(
  { checkpoints }: Update,
  rosters: readonly Roster[],
  latest: ReadonlyMap<string, VerifiedUpdate['latest'][number]>,
  check: (what: string, holds: boolean) => boolean,
): void {
  const keys = [
    ...new Set(rosters.flatMap(({ body }) => body.members.flatMap(({ vkeys }) => vkeys))),
  ].map(parseNoteKey);
  const heads = [...latest.values()].map(({ item }) => item.statement);
  for (const note of checkpoints) {
    let what = 'a checkpoint';
    try {
      const checkpoint = parseCheckpoint(note);
      what = `the checkpoint of ${checkpoint.origin}, size ${checkpoint.treeSize}`;
      const isStated = heads.some(
        (head) =>
          head.kind === 'head' &&
          head.treeSize === checkpoint.treeSize &&
          isSame(head.rootHash, checkpoint.rootHash),
      );
      check(`${what}, is of a tree that was stated last`, isStated);
      const signatures = checkSignatures(checkpoint, keys).filter(
        ({ valid }) => valid !== undefined,
      );
      check(
        `${what}, has ${signatures.length} cosignatures of members, all good`,
        signatures.every(({ valid }) => valid),
      );
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      check(`${what}: ${messageOf(error)}`, false);
    }
  }
}

function checkEvidence(text: string, check: (what: string, holds: boolean) => boolean): string[] {
  try {
    const evidence = parseEvidence(text, 'evidence');
    const failed = verifyEvidence(evidence).find(({ holds }) => !holds);
    const what = `the evidence against ${evidence.log.description} holds`;
    check(failed === undefined ? what : `${what}: ${failed.what}`, failed === undefined);
    return failed === undefined ? [hex(evidence.log.logId)] : [];
  } catch (error) {
    check(`evidence: ${messageOf(error)}`, false);
    return [];
  }
}

function checkFault(
  bytes: Uint8Array,
  rosters: readonly Roster[],
  check: (what: string, holds: boolean) => boolean,
): string[] {
  let fault: Fault | undefined;
  try {
    fault = readAll(bytes, readFault);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  const roster = rosters.find(({ hash }) => fault !== undefined && isSame(hash, fault.roster));
  const name = fault && roster?.body.members[fault.member]?.name;
  const holds = fault !== undefined && roster !== undefined && isProven(fault, roster);
  check(`the member ${name ?? 'of a fault'} signed two things in one place`, holds);
  return holds && name !== undefined ? [name] : [];
}
