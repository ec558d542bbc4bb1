// SPDX-License-Identifier: Apache-2.0
/**
 * The evidence bundle: one JSON file from which anyone can check, offline and without ctga, that a
 * log signed two tree heads, or one beside a signed log list's final tree, that no append-only
 * history connects; or that it signed an SCT and a tree that has another leaf in the promised place.
 * docs/EVIDENCE.md is its specification.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { badInput, messageOf } from '../base/errors.ts';
import { encodeBase64 } from '../base/base64.ts';
import { describeIssue, parseJson } from '../base/documents.ts';
import type { Log } from '../logs/log.ts';
import type { MerkleHash } from '../merkle/hash.ts';
import { checkpointOf, checkpointStatement, parseCheckpoint } from '../statements/checkpoint.ts';
import {
  base64Bytes,
  hashBytes,
  jsonInteger,
  treeHeadSchema,
  treeHeadToJson,
  uint64,
} from '../statements/json.ts';
import { isCheckpointKey, toLogKey, type CheckpointKey } from '../statements/key.ts';
import type { Statement, TreeRoot, VerifiedStatement } from '../statements/statement.ts';
import type { Derivation, Finding, Proof } from './judge.ts';
import type { LeafInTree, Promised, PromisedLeaf } from './promise.ts';

/** Of CT logs, and of logs that sign checkpoints with other keys. */
const VERSION = { ct: 1, checkpoints: 2 } as const;

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

interface AnyEvidence {
  readonly log: {
    readonly description: string;
    readonly url: string;
    readonly logId: Uint8Array;
    readonly key: Uint8Array;
  };
  /** When it was found, ISO 8601. */
  readonly created: string;
}

/** Two trees that no append-only history connects. */
export interface ForkEvidence extends AnyEvidence {
  readonly kind: 'fork';
  /** The smaller, or for equal sizes either. One at least is the log's own. */
  readonly first: Exhibit;
  readonly second: Exhibit;
  readonly proof: Proof;
  readonly derivation: Derivation;
}

/** A promise, and a tree that has another leaf in its place. */
export interface PromiseEvidence extends AnyEvidence {
  readonly kind: 'promise-broken';
  readonly promise: Promised;
  readonly head: Statement;
  readonly proof: LeafInTree;
  readonly derivation: PromisedLeaf;
}

export type Evidence = ForkEvidence | PromiseEvidence;

const PROMISE_BROKEN = 'promise-broken';

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

const anySchema = z.object({
  format: z.literal('ctga-evidence'),
  version: z.literal(VERSION.ct),
  created: z.string(),
  log: z
    .object({ description: z.string(), url: z.string(), log_id: base64Bytes, key: base64Bytes })
    .transform(({ log_id: logId, ...log }) => ({ ...log, logId })),
});

const forkSchema = anySchema
  .extend({
    first: exhibitSchema,
    second: exhibitSchema,
    proof: proofSchema,
    derivation: z.object({ first_root: hashBytes, second_root: hashBytes }),
  })
  .transform(({ log, first, second, proof, derivation, created }): ForkEvidence => ({
    kind: 'fork',
    log,
    first,
    second,
    proof,
    derivation: { firstRoot: derivation.first_root, secondRoot: derivation.second_root },
    created,
  }));

/**
 * Version 2: a log of checkpoints, whose `key` is its origin and verifier key. Each exhibit is the
 * checkpoint with the log's line alone; its size and root are there to be read.
 */
const checkpointsSchema = anySchema
  .extend({
    version: z.literal(VERSION.checkpoints),
    first: z.object({ tree_size: uint64, sha256_root_hash: hashBytes, checkpoint: base64Bytes }),
    second: z.object({ tree_size: uint64, sha256_root_hash: hashBytes, checkpoint: base64Bytes }),
    proof: proofSchema,
    derivation: z.object({ first_root: hashBytes, second_root: hashBytes }),
  })
  .transform(({ log, first, second, proof, derivation, created }, context): ForkEvidence => {
    const refuse = (path: string[], message: string): never => {
      context.addIssue({ code: 'custom', path, message });
      return z.NEVER;
    };
    const key = checkpointKeyOf(log.key);
    if (typeof key === 'string') return refuse(['log', 'key'], key);
    const exhibits = [first, second].map(({ checkpoint }) => statementOf(checkpoint, key));
    const [one = '', other = ''] = exhibits;
    if (typeof one === 'string') return refuse(['first', 'checkpoint'], one);
    if (typeof other === 'string') return refuse(['second', 'checkpoint'], other);
    return {
      kind: 'fork',
      log,
      first: one,
      second: other,
      proof,
      derivation: { firstRoot: derivation.first_root, secondRoot: derivation.second_root },
      created,
    };
  });

/** The key, or what is wrong with it. */
function checkpointKeyOf(bytes: Uint8Array): CheckpointKey | string {
  try {
    const key = toLogKey(bytes);
    return isCheckpointKey(key) ? key : 'is the key of a CT log';
  } catch (error) {
    return `is no origin and verifier key: ${messageOf(error)}`;
  }
}

/** The log's statement that the checkpoint is, or why it is none. */
function statementOf(note: Uint8Array, key: CheckpointKey): Statement | string {
  try {
    const checkpoint = parseCheckpoint(Buffer.from(note).toString('utf8'));
    return checkpointStatement(checkpoint, key) ?? "has another origin, or no line of the log's";
  } catch (error) {
    return `is no checkpoint: ${messageOf(error)}`;
  }
}

/** As long as the length in front of it can say (RFC 6962, Section 3.1). */
const certificateBytes = base64Bytes.refine(
  ({ length }) => length > 0 && length < 2 ** 24,
  'is not 1 to 2^24 - 1 bytes',
);

const promiseFields = {
  timestamp: uint64,
  extensions: base64Bytes.refine(({ length }) => length < 2 ** 16, 'is 2^16 bytes or more'),
  signature: base64Bytes,
};

const promisedSchema = z
  .discriminatedUnion('entry_type', [
    z.object({ ...promiseFields, entry_type: z.literal('x509'), entry: certificateBytes }),
    z.object({
      ...promiseFields,
      entry_type: z.literal('precert'),
      issuer_key_hash: hashBytes,
      entry: certificateBytes,
    }),
  ])
  .transform(({ timestamp, extensions, signature, ...json }): Promised => ({
    timestamp,
    extensions,
    signature,
    entry:
      json.entry_type === 'x509'
        ? { type: 'x509', certificate: json.entry }
        : { type: 'precert', issuerKeyHash: json.issuer_key_hash, tbsCertificate: json.entry },
  }));

const promiseSchema = anySchema
  .extend({
    kind: z.literal(PROMISE_BROKEN),
    promise: promisedSchema,
    head: treeHeadSchema,
    proof: z.object({
      kind: z.literal('inclusion'),
      leaf_hash: hashBytes,
      hashes: z.array(hashBytes).max(200),
    }),
    derivation: z.object({ leaf_index: uint64, leaf_hash: hashBytes }),
  })
  .transform(({ log, promise, head, proof, derivation, created }): PromiseEvidence => ({
    kind: PROMISE_BROKEN,
    log,
    promise,
    head,
    proof: { leafHash: proof.leaf_hash, hashes: proof.hashes },
    derivation: { leafIndex: derivation.leaf_index, leafHash: derivation.leaf_hash },
    created,
  }));

export function makeEvidence(
  log: Log,
  first: VerifiedStatement | ListedTree,
  second: VerifiedStatement | ListedTree,
  finding: Finding,
  now: number,
): ForkEvidence {
  const { proof, derivation } = finding;
  return { kind: 'fork', ...anyEvidence(log, now), first, second, proof, derivation };
}

/** Of a promise that `judgePromise` calls broken, by the head and proof that it was given. */
export function makePromiseEvidence(
  log: Log,
  promise: Promised,
  head: VerifiedStatement,
  proof: LeafInTree,
  derivation: PromisedLeaf,
  now: number,
): PromiseEvidence {
  return { kind: PROMISE_BROKEN, ...anyEvidence(log, now), promise, head, proof, derivation };
}

function anyEvidence({ description, url, key }: Log, now: number): AnyEvidence {
  return {
    log: { description, url, logId: key.logId, key: key.spki },
    created: new Date(now).toISOString(),
  };
}

/**
 * When evidence was found, in ms since the epoch, as it says itself; `now` where it says what is no time,
 * one before 1970 or one to come. That proves nothing and nobody signed it, so whatever it is takes
 * nothing from what is proven, and nothing is kept for longer by a clock that was ahead.
 */
export function foundAt({ created }: Pick<Evidence, 'created'>, now: number): number {
  const at = Date.parse(created);
  return at >= 0 && at <= now ? at : now;
}

/** One value a line, so that line-by-line tools can read it too (docs/verify-evidence.sh does). */
export function formatEvidence(evidence: Evidence): string {
  const { log } = evidence;
  const key = signerOf(evidence);
  const json = {
    format: 'ctga-evidence',
    version: key === undefined ? VERSION.ct : VERSION.checkpoints,
    ...(evidence.kind === 'fork' ? {} : { kind: evidence.kind }),
    created: evidence.created,
    claim: claimOf(evidence),
    log: {
      description: log.description,
      url: log.url,
      log_id: encodeBase64(log.logId),
      key: encodeBase64(log.key),
    },
    ...(evidence.kind === 'fork' ? forkToJson(evidence, key) : promiseToJson(evidence)),
  };
  return sealed(JSON.stringify(json, null, 2));
}

/** The key of a log of checkpoints; undefined where it is a CT log. */
export function signerOf({ log }: Pick<Evidence, 'log'>): CheckpointKey | undefined {
  const key = checkpointKeyOf(log.key);
  return typeof key === 'string' ? undefined : key;
}

function forkToJson(
  { first, second, proof, derivation }: ForkEvidence,
  key: CheckpointKey | undefined,
): Record<string, unknown> {
  return {
    first: exhibitToJson(first, key),
    second: exhibitToJson(second, key),
    proof: proofToJson(proof),
    derivation: {
      first_root: encodeBase64(derivation.firstRoot),
      second_root: encodeBase64(derivation.secondRoot),
    },
  };
}

function promiseToJson({
  promise: { timestamp, extensions, signature, entry },
  head,
  proof,
  derivation,
}: PromiseEvidence): Record<string, unknown> {
  return {
    promise: {
      timestamp: jsonInteger(timestamp),
      extensions: encodeBase64(extensions),
      signature: encodeBase64(signature),
      entry_type: entry.type,
      ...(entry.type === 'precert'
        ? {
            issuer_key_hash: encodeBase64(entry.issuerKeyHash),
            entry: encodeBase64(entry.tbsCertificate),
          }
        : { entry: encodeBase64(entry.certificate) }),
    },
    head: treeHeadToJson(head),
    proof: proofToJson({ kind: 'inclusion', ...proof }),
    derivation: {
      leaf_index: jsonInteger(derivation.leafIndex),
      leaf_hash: encodeBase64(derivation.leafHash),
    },
  };
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
  const json = parseJson(text, name);
  const fields = typeof json === 'object' && json !== null ? json : {};
  const version =
    'version' in fields && fields.version === VERSION.checkpoints
      ? VERSION.checkpoints
      : VERSION.ct;
  const schema =
    version === VERSION.checkpoints
      ? checkpointsSchema
      : 'kind' in fields
        ? promiseSchema
        : forkSchema;
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw badInput(`${name}: no evidence of version ${version}: ${describeIssue(parsed.error)}`);
}

/**
 * Names the pair of trees, so that a fork found twice is one file; of a broken promise the two
 * leaves, so that it is one file in whichever trees the other leaf was found.
 */
export function evidenceFileName(evidence: Evidence): string {
  const { log } = evidence;
  const logId = Buffer.from(log.logId).toString('hex', 0, 6);
  const hash = createHash('sha256').update(log.logId);
  if (evidence.kind === 'promise-broken') {
    const { derivation, proof } = evidence;
    const pair = hash.update(derivation.leafHash).update(proof.leafHash).digest('hex');
    return `promise-${logId}-${derivation.leafIndex}-${pair.slice(0, 12)}.json`;
  }
  const { first, second } = evidence;
  const trees = [sizeAndRoot(first), sizeAndRoot(second)];
  // Of two trees of one size the first is the one that this store happened to know first.
  if (first.treeSize === second.treeSize) trees.sort();
  const pair = hash.update(trees.join('')).digest('hex');
  return `fork-${logId}-${first.treeSize}-${second.treeSize}-${pair.slice(0, 12)}.json`;
}

function exhibitToJson(exhibit: Exhibit, key: CheckpointKey | undefined): Record<string, unknown> {
  if (!isListed(exhibit)) {
    if (key === undefined) return treeHeadToJson(exhibit);
    return {
      tree_size: jsonInteger(exhibit.treeSize),
      sha256_root_hash: encodeBase64(exhibit.rootHash),
      checkpoint: encodeBase64(Buffer.from(checkpointOf(exhibit, key) ?? '')),
    };
  }
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

/** What the bundle shows of a log, as trees: one of them at least has its signature. */
export function exhibitsOf(evidence: Evidence): readonly Exhibit[] {
  return evidence.kind === 'fork' ? [evidence.first, evidence.second] : [evidence.head];
}

/** The finding in a sentence, with the name that the file gives the log unless another is given. */
export function claimOf(
  evidence: Evidence,
  log: { readonly description: string } = evidence.log,
): string {
  if (evidence.kind === 'promise-broken')
    return `The log "${log.description}" promised a certificate to be entry ${evidence.derivation.leafIndex} of its tree, and signed a tree of size ${evidence.head.treeSize} in which that is another.`;
  const { first, second } = evidence;
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
