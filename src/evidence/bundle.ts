// SPDX-License-Identifier: Apache-2.0
/**
 * The evidence bundle: one JSON file from which anyone can check, offline and without ctga, that a
 * log signed two tree heads, or one beside a signed log list's final tree, that no append-only
 * history connects. docs/EVIDENCE.md is its specification.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { badInput } from '../base/errors.ts';
import { encodeBase64 } from '../base/base64.ts';
import { describeIssue, parseJson } from '../base/documents.ts';
import type { Log } from '../logs/log.ts';
import type { MerkleHash } from '../merkle/hash.ts';
import {
  base64Bytes,
  hashBytes,
  jsonInteger,
  treeHeadSchema,
  treeHeadToJson,
  uint64,
} from '../statements/json.ts';
import type { Statement, TreeRoot, VerifiedStatement } from '../statements/statement.ts';
import type { Derivation, Finding, Proof } from './judge.ts';

const EVIDENCE_VERSION = 1;

/** A log list as published, its signature, and the SubjectPublicKeyInfo of whoever signed it. */
export interface SignedList {
  readonly json: Uint8Array;
  readonly signature: Uint8Array;
  readonly key: Uint8Array;
}

/** The final tree of a log that is read-only, as a signed log list has it. */
export interface ListedTree extends TreeRoot {
  readonly list: SignedList;
}

export type Exhibit = Statement | ListedTree;

export function isListed(exhibit: Exhibit): exhibit is ListedTree {
  return 'list' in exhibit;
}

export interface Evidence {
  readonly log: {
    readonly description: string;
    readonly url: string;
    readonly logId: Uint8Array;
    readonly key: Uint8Array;
  };
  /** The smaller, or for equal sizes either. One at least is the log's own. */
  readonly first: Exhibit;
  readonly second: Exhibit;
  readonly proof: Proof;
  readonly derivation: Derivation;
  /** When the fork was found, ISO 8601. */
  readonly created: string;
}

const proofSchema = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('none') }),
    z.object({ kind: z.literal('consistency'), hashes: z.array(hashBytes).max(200) }),
    z.object({ kind: z.literal('successor-consistency'), hashes: z.array(hashBytes).max(200) }),
    z.object({
      kind: z.literal('inclusion'),
      leaf_hash: hashBytes,
      hashes: z.array(hashBytes).max(200),
    }),
  ])
  .transform((json): Proof =>
    json.kind === 'inclusion'
      ? { kind: json.kind, leafHash: json.leaf_hash, hashes: json.hashes }
      : json,
  );

const listedSchema = z
  .object({
    tree_size: uint64,
    sha256_root_hash: hashBytes,
    log_list: z.object({ json: base64Bytes, signature: base64Bytes, key: base64Bytes }),
  })
  .transform((json): ListedTree => ({
    treeSize: json.tree_size,
    rootHash: json.sha256_root_hash,
    list: json.log_list,
  }));

const exhibitSchema = z.union([listedSchema, treeHeadSchema]);

const bundleSchema = z.object({
  format: z.literal('ctga-evidence'),
  version: z.literal(EVIDENCE_VERSION),
  created: z.string(),
  log: z.object({
    description: z.string(),
    url: z.string(),
    log_id: base64Bytes,
    key: base64Bytes,
  }),
  first: exhibitSchema,
  second: exhibitSchema,
  proof: proofSchema,
  derivation: z.object({ first_root: hashBytes, second_root: hashBytes }),
});

export function makeEvidence(
  log: Log,
  first: VerifiedStatement | ListedTree,
  second: VerifiedStatement | ListedTree,
  finding: Finding,
  now: number,
): Evidence {
  return {
    log: { description: log.description, url: log.url, logId: log.key.logId, key: log.key.spki },
    first,
    second,
    proof: finding.proof,
    derivation: finding.derivation,
    created: new Date(now).toISOString(),
  };
}

/** One value a line, so that line-by-line tools can read it too (docs/verify-evidence.sh does). */
export function formatEvidence(evidence: Evidence): string {
  const { log, first, second, proof, derivation } = evidence;
  const json = {
    format: 'ctga-evidence',
    version: EVIDENCE_VERSION,
    created: evidence.created,
    claim: claimOf(evidence),
    log: {
      description: log.description,
      url: log.url,
      log_id: encodeBase64(log.logId),
      key: encodeBase64(log.key),
    },
    first: exhibitToJson(first),
    second: exhibitToJson(second),
    proof: proofToJson(proof),
    derivation: {
      first_root: encodeBase64(derivation.firstRoot),
      second_root: encodeBase64(derivation.secondRoot),
    },
  };
  return sealed(JSON.stringify(json, null, 2));
}

/**
 * A JSON object as JSON.stringify writes it, and as its last field the SHA-256 of all before that
 * field's line.
 */
export function sealed(json: string): string {
  const body = `${json.replace(/\n}$/, '')},\n`;
  const digest = createHash('sha256').update(body).digest('hex');
  return `${body}  "digest": "${digest}"\n}\n`;
}

/** Whether a file is, to the last bit, what is written for the evidence read from it. */
export function isIntact(text: string, evidence: Evidence): boolean {
  return formatEvidence(evidence) === text;
}

/** Throws CtgaError `bad-input` naming the field and what was expected. */
export function parseEvidence(text: string, name: string): Evidence {
  const parsed = bundleSchema.safeParse(parseJson(text, name));
  if (!parsed.success) {
    throw badInput(
      `${name}: not an evidence bundle of version ${EVIDENCE_VERSION}: ${describeIssue(parsed.error)}`,
    );
  }
  const { log, first, second, proof, derivation, created } = parsed.data;
  return {
    log: { description: log.description, url: log.url, logId: log.log_id, key: log.key },
    first,
    second,
    proof,
    derivation: { firstRoot: derivation.first_root, secondRoot: derivation.second_root },
    created,
  };
}

/** Names the pair of trees, so that a fork found twice is one file. */
export function evidenceFileName({ log, first, second }: Evidence): string {
  const pair = createHash('sha256')
    .update(log.logId)
    .update(sizeAndRoot(first))
    .update(sizeAndRoot(second))
    .digest('hex');
  const logId = Buffer.from(log.logId).toString('hex');
  return `fork-${logId.slice(0, 12)}-${first.treeSize}-${second.treeSize}-${pair.slice(0, 12)}.json`;
}

function exhibitToJson(exhibit: Exhibit): Record<string, unknown> {
  if (!isListed(exhibit)) return treeHeadToJson(exhibit);
  const { treeSize, rootHash, list } = exhibit;
  return {
    tree_size: jsonInteger(treeSize),
    sha256_root_hash: encodeBase64(rootHash),
    log_list: {
      json: encodeBase64(list.json),
      signature: encodeBase64(list.signature),
      key: encodeBase64(list.key),
    },
  };
}

/** The finding in a sentence, with the name that the file gives the log unless another is given. */
export function claimOf(
  { log: named, first, second }: Evidence,
  log: { readonly description: string } = named,
): string {
  const [listed, own] = isListed(first) ? [first, second] : [second, first];
  if (isListed(listed))
    return `The log "${log.description}" signed a tree of size ${own.treeSize} that contradicts its final tree of size ${listed.treeSize} in a signed log list.`;
  return first.treeSize === second.treeSize
    ? `The log "${log.description}" signed two different trees of size ${first.treeSize}.`
    : `The log "${log.description}" signed a tree of size ${first.treeSize} that its tree of size ${second.treeSize} does not extend.`;
}

function proofToJson(proof: Proof): Record<string, unknown> {
  const encode = (hashes: readonly MerkleHash[]): string[] =>
    hashes.map((hash) => encodeBase64(hash));
  switch (proof.kind) {
    case 'none':
      return { kind: 'none' };
    case 'inclusion':
      return {
        kind: proof.kind,
        leaf_hash: encodeBase64(proof.leafHash),
        hashes: encode(proof.hashes),
      };
    case 'consistency':
    case 'successor-consistency':
      return { kind: proof.kind, hashes: encode(proof.hashes) };
  }
}

function sizeAndRoot(head: TreeRoot): string {
  return `${head.treeSize} ${encodeBase64(head.rootHash)}\n`;
}
