// SPDX-License-Identifier: Apache-2.0
/** An RFC 6962 log's API in memory. */
import { HttpError } from '../../src/http/error.ts';
import type { Fetch, HttpAnswer } from '../../src/http/request.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { SigningLog, type LogTree } from './signing-log.ts';

const base64 = (hash: Uint8Array): string => Buffer.from(hash).toString('base64');

/**
 * A log's API in memory, so that every order of sizes can be tried quickly. The real thing, over
 * HTTPS and a real SOCKS proxy, is asked in test/cli/challenge.test.ts.
 */
export class FakeApi {
  readonly log: SigningLog;
  readonly requests: string[] = [];
  tree: LogTree;
  size: number;
  /** How many entries it gives at a time. */
  entriesLimit = 32;
  /** When it signs its tree heads; what the tests take for now. */
  timestamp = 1_800_000_000_000n;
  /** Answers instead of the log where it returns something. */
  instead: (endpoint: string, query: URLSearchParams) => HttpAnswer | HttpError | undefined = () =>
    undefined;

  constructor(tree: LogTree, size = tree.size, log = new SigningLog()) {
    this.log = log;
    this.tree = tree;
    this.size = size;
  }

  readonly fetch: Fetch = (url) => {
    const { pathname, searchParams: query } = new URL(url);
    const endpoint = pathname.split('/').at(-1) ?? '';
    this.requests.push(`${endpoint}${query.size > 0 ? ` ${query.toString()}` : ''}`);
    const instead = this.instead(endpoint, query);
    if (instead instanceof HttpError) return Promise.reject(instead);
    return Promise.resolve(instead ?? this.#answer(endpoint, query));
  };

  #answer(endpoint: string, query: URLSearchParams): HttpAnswer {
    const [first, second] = [Number(query.get('first')), Number(query.get('second'))];
    switch (endpoint) {
      case 'get-sth':
        return json(
          treeHeadToJson(this.log.sign(this.size, this.tree.root(this.size), this.timestamp)),
        );
      case 'get-sth-consistency':
        if (first <= 0 || first > second || second > this.size)
          return { status: 400, retryAfter: undefined, body: Buffer.from('no') };
        return json({ consistency: this.tree.consistencyProof(first, second).map(base64) });
      case 'get-proof-by-hash': {
        const size = Number(query.get('tree_size'));
        const index = this.tree.indexOf(query.get('hash') ?? '');
        if (index === undefined || index >= size)
          return { status: 404, retryAfter: undefined, body: Buffer.from('no') };
        return json({
          leaf_index: index,
          audit_path: this.tree.inclusionProof(index, size).map(base64),
        });
      }
      case 'get-entries': {
        const entries = entriesAsked(this.tree, this.size, query, this.entriesLimit);
        return entries === undefined
          ? { status: 400, retryAfter: undefined, body: Buffer.from('no') }
          : json(entriesJson(entries));
      }
      default:
        return { status: 404, retryAfter: undefined, body: Buffer.alloc(0) };
    }
  }
}

/**
 * What a log that shows `size` entries gives of those that get-entries asks for (RFC 6962,
 * Section 4.6), at most `limit` at a time; undefined where it has none of them.
 */
export function entriesAsked(
  tree: LogTree,
  size: number,
  query: URLSearchParams,
  limit: number,
): Uint8Array[] | undefined {
  const [start, end] = [Number(query.get('start')), Number(query.get('end'))];
  if (start > end || start >= size) return undefined;
  const length = Math.min(end + 1 - start, size - start, limit);
  return Array.from({ length }, (_, i) => tree.entry(start + i));
}

export function entriesJson(entries: readonly Uint8Array[]): unknown {
  return { entries: entries.map((entry) => ({ leaf_input: base64(entry), extra_data: 'AAAA' })) };
}

export function json(body: unknown): HttpAnswer {
  return { status: 200, retryAfter: undefined, body: Buffer.from(JSON.stringify(body)) };
}
