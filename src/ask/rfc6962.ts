/**
 * Asking logs for their current tree head and their proofs, and those of RFC 6962 (Section 4).
 *
 * Answers are hostile input. Two failures are told apart because they mean different things to the
 * challenger: `log-refused` (the log answered that it will not or cannot: 400, 404) and
 * `log-unavailable` (anything that says nothing about the log's history: no answer, 429, 5xx,
 * HTML). Neither is evidence.
 */
import { z } from 'zod';
import { encodeBase64 } from '../base/base64.ts';
import { CtgaError } from '../base/errors.ts';
import type { MerkleHash } from '../merkle/hash.ts';
import { MAX_PROOF_LENGTH } from '../merkle/proof.ts';
import { hashBytes, treeHeadSchema } from '../statements/json.ts';
import type { Statement } from '../statements/statement.ts';
import { describeIssue } from '../base/documents.ts';

export interface HttpAnswer {
  readonly status: number;
  /** Of the Retry-After header, if there is one. */
  readonly retryAfter: string | undefined;
  readonly etag?: string | undefined;
  /** Unpacked, if it came packed. */
  readonly body: Buffer;
}

/** What is not the same for all: of a request to anybody but a log. */
export interface FetchOptions {
  /** An ETag: the answer is 304 if there is nothing newer. */
  readonly ifNoneMatch?: string | undefined;
  /** JSON, to be posted. */
  readonly post?: string;
  /** With it: a webhook's signature. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The most that the answer may be long. */
  readonly maxBytes?: number;
}

/**
 * One GET, or POST. Rejects with a CtgaError: `proxy-unavailable`, or `log-unavailable` where there
 * was no answer.
 */
export type Fetch = (url: string, options?: FetchOptions) => Promise<HttpAnswer>;

/** A log that did not give what was asked for. */
export class LogError extends CtgaError {
  /** Milliseconds that the log asked us to wait. */
  readonly retryAfter: number | undefined;

  constructor(code: 'log-refused' | 'log-unavailable', message: string, retryAfter?: number) {
    super(code, message);
    this.retryAfter = retryAfter;
  }
}

/** What the challenger asks of a log, of whichever kind. Nothing that comes back is verified. */
export interface LogClient {
  treeHead(): Promise<Statement>;
  /** RFC 6962, Section 2.1.2. Requires 0 < first < second. */
  consistencyProof(first: bigint, second: bigint): Promise<MerkleHash[]>;
  /** The audit path, RFC 6962, Section 2.1.1. */
  inclusionProof(leaf: LeafQuestion, treeSize: bigint): Promise<MerkleHash[]>;
  /**
   * Where a leaf is, and its audit path. Rejects with `log-refused` where the log cannot be asked
   * by hash.
   */
  leafProof(leafHash: MerkleHash, treeSize: bigint): Promise<LeafProof>;
}

/** One leaf, by its index and, where it is known, its hash: logs are asked by one or the other. */
export interface LeafQuestion {
  readonly leafHash: MerkleHash | undefined;
  readonly leafIndex: bigint;
}

export interface LeafProof {
  readonly leafIndex: bigint;
  readonly path: readonly MerkleHash[];
}

const proofHashes = z.array(hashBytes).max(MAX_PROOF_LENGTH);
const consistencySchema = z.object({ consistency: proofHashes });
const pathSchema = z.object({ audit_path: proofHashes });
const inclusionSchema = pathSchema.extend({ leaf_index: z.number().int().nonnegative() });

export class Rfc6962Client implements LogClient {
  readonly #url: string;
  readonly #fetch: Fetch;
  readonly #now: () => number;

  /** `url` ends in '/', as every Log's does. */
  constructor(url: string, fetch: Fetch, now: () => number = Date.now) {
    this.#url = url;
    this.#fetch = fetch;
    this.#now = now;
  }

  /** get-sth, Section 4.3. Nothing is verified yet. */
  treeHead(): Promise<Statement> {
    return this.#get('get-sth', {}, treeHeadSchema);
  }

  /**
   * get-sth-consistency, Section 4.4. Requires 0 < first < second: logs answer first = 0 in many
   * ways.
   */
  async consistencyProof(first: bigint, second: bigint): Promise<MerkleHash[]> {
    const query = { first: first.toString(), second: second.toString() };
    return (await this.#get('get-sth-consistency', query, consistencySchema)).consistency;
  }

  /**
   * get-proof-by-hash, Section 4.5; where the hash is not known, get-entry-and-proof, Section 4.8.
   */
  async inclusionProof(
    { leafHash, leafIndex }: LeafQuestion,
    treeSize: bigint,
  ): Promise<MerkleHash[]> {
    if (leafHash !== undefined) return [...(await this.leafProof(leafHash, treeSize)).path];
    const query = { leaf_index: leafIndex.toString(), tree_size: treeSize.toString() };
    return (await this.#get('get-entry-and-proof', query, pathSchema)).audit_path;
  }

  async leafProof(leafHash: MerkleHash, treeSize: bigint): Promise<LeafProof> {
    const query = { hash: encodeBase64(leafHash), tree_size: treeSize.toString() };
    const { leaf_index: index, audit_path: path } = await this.#get(
      'get-proof-by-hash',
      query,
      inclusionSchema,
    );
    return { leafIndex: BigInt(index), path };
  }

  async #get<T>(endpoint: string, query: Record<string, string>, schema: z.ZodType<T>): Promise<T> {
    const search = new URLSearchParams(query).toString();
    const answer = await this.#fetch(`${this.#url}ct/v1/${endpoint}${search && `?${search}`}`);
    const { status } = answer;
    const body = answer.body.toString('utf8');
    const wait = waitOf(answer, this.#now());
    if (status === 400 || status === 404)
      throw new LogError('log-refused', `${endpoint}: HTTP ${status}${quoted(body)}`, wait);
    if (status !== 200) throw new LogError('log-unavailable', `${endpoint}: HTTP ${status}`, wait);
    let json: unknown;
    try {
      json = JSON.parse(body);
    } catch {
      throw new LogError(
        'log-unavailable',
        `${endpoint}: the answer is not JSON${quoted(body)}`,
        wait,
      );
    }
    const parsed = schema.safeParse(json);
    if (!parsed.success)
      throw new LogError('log-unavailable', `${endpoint}: ${describeIssue(parsed.error)}`, wait);
    return parsed.data;
  }
}

/** A log must not silence its challenger by asking for years: a day at most is granted. */
export const MAX_RETRY_AFTER = 86_400_000;

/** Milliseconds that an answer asks us to wait, if it does. */
export function waitOf(
  { retryAfter }: Pick<HttpAnswer, 'retryAfter'>,
  now: number,
): number | undefined {
  return retryAfter === undefined ? undefined : parseRetryAfter(retryAfter, now);
}

/**
 * Milliseconds to wait, from seconds or an HTTP date (RFC 9110, Section 10.2.3); undefined if it is
 * neither.
 */
export function parseRetryAfter(value: string, now: number): number | undefined {
  const wait = /^\s*[0-9]+\s*$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(wait, 0), MAX_RETRY_AFTER);
}

/** The beginning of what the log said, made safe to print. */
function quoted(body: string): string {
  const text = body
    .slice(0, 80)
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim();
  return text === '' ? '' : ` (${JSON.stringify(text)})`;
}
