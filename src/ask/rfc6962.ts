// SPDX-License-Identifier: Apache-2.0
/** Asking a log that has the API of RFC 6962, Section 4. */
import * as z from 'zod';
import { decodeBase64, encodeBase64 } from '../base/base64.ts';
import { describeIssue } from '../base/documents.ts';
import type { Fetch } from '../http/request.ts';
import { hashLeaf, type MerkleHash } from '../merkle/hash.ts';
import { consistencyProofLength, inclusionProofLength, MAX_PROOF_LENGTH } from '../merkle/proof.ts';
import { hashBytes, treeHeadSchema } from '../statements/json.ts';
import type { Statement } from '../statements/statement.ts';
import {
  LogError,
  requireLeafRange,
  type Asker,
  type LeafProof,
  type LeafQuestion,
} from './asker.ts';
import { LogHttp, quoted, type LogAnswer } from './log-http.ts';
import { inParallel } from './parallel.ts';

const HASH_BYTES = 32;
/**
 * The most entries that are asked for at a time, and how many requests for them are under way at
 * once. With its chain an entry takes some 8 KB, so that a request has a chance to end before its
 * deadline on a path that carries 50 kB/s.
 */
const MAX_ENTRIES = 256;
const ENTRIES_REQUESTS_AT_ONCE = 2;
/** 64 KiB for each entry of the largest answer. */
const MAX_ENTRIES_BYTES = 16 * 1024 * 1024;

/** Go writes an empty list as null where its slice is nil. */
const proofHashes = z
  .array(hashBytes)
  .max(MAX_PROOF_LENGTH)
  .nullable()
  .transform((hashes) => hashes ?? []);
const consistencySchema = z.object({ consistency: proofHashes });
const pathSchema = z.object({ audit_path: proofHashes });
const inclusionSchema = pathSchema.extend({ leaf_index: z.number().int().nonnegative() });

export class Rfc6962Asker implements Asker {
  readonly #http: LogHttp;
  /** How many entries the log gives at a time, as far as its answers have told. */
  #entriesLimit = MAX_ENTRIES;

  /** `url` is the submission prefix and ends in '/', as that of every Log does. */
  constructor(url: string, fetch: Fetch, now: () => number = Date.now) {
    this.#http = new LogHttp(url, fetch, now);
  }

  /** get-sth, Section 4.3. */
  treeHead(): Promise<Statement> {
    return this.#get('get-sth', {}, treeHeadSchema);
  }

  /** get-sth-consistency, Section 4.4. */
  async consistencyProof(first: bigint, second: bigint): Promise<MerkleHash[]> {
    consistencyProofLength(first, second); // throws where there is no such proof
    const query = { first: first.toString(), second: second.toString() };
    return (await this.#get('get-sth-consistency', query, consistencySchema)).consistency;
  }

  /**
   * get-proof-by-hash, Section 4.5, or get-entry-and-proof, Section 4.8, where the hash is not
   * known.
   */
  async inclusionProof(
    { leafHash, leafIndex }: LeafQuestion,
    treeSize: bigint,
  ): Promise<MerkleHash[]> {
    inclusionProofLength(leafIndex, treeSize); // throws where there is no such proof
    if (leafHash !== undefined) return [...(await this.leafProof(leafHash, treeSize)).path];
    const query = { leaf_index: leafIndex.toString(), tree_size: treeSize.toString() };
    return (await this.#get('get-entry-and-proof', query, pathSchema)).audit_path;
  }

  /** get-proof-by-hash, Section 4.5. */
  async leafProof(leafHash: MerkleHash, treeSize: bigint): Promise<LeafProof> {
    const endpoint = 'get-proof-by-hash';
    const query = { hash: encodeBase64(leafHash), tree_size: treeSize.toString() };
    const answer = await this.#get(endpoint, query, inclusionSchema);
    const leafIndex = BigInt(answer.leaf_index);
    if (leafIndex >= treeSize)
      throw new LogError(
        'log-unavailable',
        `${endpoint}: leaf ${leafIndex} is not in a tree of size ${treeSize}`,
      );
    return { leafIndex, path: answer.audit_path };
  }

  /**
   * get-entries, Section 4.6, in pieces that end at multiples of what the log gives at a time: some
   * logs give no entries beyond such a multiple.
   */
  async leafHashes(start: bigint, end: bigint, treeSize: bigint): Promise<Uint8Array> {
    requireLeafRange(start, end, treeSize);
    const hashes = new Uint8Array(Number(end - start) * HASH_BYTES);
    await inParallel(this.#pieces(start, end), ENTRIES_REQUESTS_AT_ONCE, async (piece) => {
      let [at, isSecond] = [piece.start, false];
      while (at < piece.end) {
        const leaves = await this.#leaves(at, piece.end);
        hashes.set(Buffer.concat(leaves), Number(at - start) * HASH_BYTES);
        at += BigInt(leaves.length);
        // The first short answer may end at a multiple of the log's limit. The next begins there.
        if (at < piece.end && isSecond) this.#entriesLimit = leaves.length;
        isSecond = true;
      }
    });
    return hashes;
  }

  *#pieces(
    start: bigint,
    end: bigint,
  ): Generator<{ readonly start: bigint; readonly end: bigint }> {
    for (let at = start; at < end;) {
      const limit = BigInt(this.#entriesLimit);
      const multiple = (at / limit + 1n) * limit;
      const next = multiple < end ? multiple : end;
      yield { start: at, end: next };
      at = next;
    }
  }

  /** The leaf hashes of one entry or more from `start` on, of those before `end`. */
  async #leaves(start: bigint, end: bigint): Promise<MerkleHash[]> {
    const query = { start: start.toString(), end: (end - 1n).toString() };
    const { json, failure } = await this.#json('get-entries', query, MAX_ENTRIES_BYTES);
    const entries = (json as { entries?: unknown } | null)?.entries;
    if (!Array.isArray(entries)) throw failure('log-unavailable', 'entries: is no list');
    const most = Number(end - start);
    if (entries.length === 0 || entries.length > most)
      throw failure('log-unavailable', `${entries.length} entries, want 1 to ${most}`);
    return entries.map((entry: { leaf_input?: unknown } | null, i) => {
      const input = entry?.leaf_input;
      const leaf = typeof input === 'string' ? decodeBase64(input) : undefined;
      if (leaf === undefined)
        throw failure('log-unavailable', `entries[${i}].leaf_input: is not padded base64`);
      return hashLeaf(leaf);
    });
  }

  async #get<T>(endpoint: string, query: Record<string, string>, schema: z.ZodType<T>): Promise<T> {
    const { json, failure } = await this.#json(endpoint, query);
    const parsed = schema.safeParse(json);
    if (!parsed.success) throw failure('log-unavailable', describeIssue(parsed.error));
    return parsed.data;
  }

  async #json(
    endpoint: string,
    query: Record<string, string>,
    maxBytes?: number,
  ): Promise<{ readonly json: unknown; readonly failure: LogAnswer['failure'] }> {
    const search = new URLSearchParams(query).toString();
    const path = `ct/v1/${endpoint}${search && `?${search}`}`;
    const { body, failure } = await this.#http.get(path, endpoint, maxBytes);
    const text = body.toString('utf8');
    try {
      return { json: JSON.parse(text), failure };
    } catch {
      throw failure('log-unavailable', `the answer is not JSON${quoted(text)}`);
    }
  }
}
