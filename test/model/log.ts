// SPDX-License-Identifier: Apache-2.0
/**
 * The log of the model: a key, branches that fork from one trunk, and front ends that show a branch
 * of it. Whatever it signs and says is scripted by a history (history.ts), so that it can be an
 * adversary, or an honest log on a bad day.
 *
 * An honest log has one branch. Its front ends lag, at most by its MMD, and each may fail in every
 * way that says nothing about a history (see HONEST_MOODS); it never gives a proof that is none.
 */
import { LogError } from '../../src/ask/asker.ts';
import { HttpError, ProxyError } from '../../src/http/error.ts';
import type { Fetch, HttpAnswer } from '../../src/http/request.ts';
import { EMPTY_ROOT, toMerkleHash, type MerkleHash } from '../../src/merkle/hash.ts';
import { TILE_WIDTH } from '../../src/merkle/tiles.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import type { Statement, VerifiedStatement } from '../../src/statements/statement.ts';
import { entriesAsked, entriesJson } from '../support/fake-api.ts';
import { readTile, SigningLog, treeOf, type LogTree } from '../support/signing-log.ts';

/** The largest tree of a branch: more than a tile. */
export const MAX_SIZE = 300;
/** In seconds; a day, as most logs promise. */
export const MMD = 86_400;
/** How many entries an RFC 6962 log gives at a time. */
const ENTRIES_LIMIT = 64;
export const URL_OF_LOG = 'https://log.test/alpha/';

/** How a request is answered, if not as it should be; an honest log has these bad moments. */
export const HONEST_MOODS = [
  'right',
  'no answer',
  '403',
  '429',
  '429 for years',
  '500',
  '503',
  'HTML',
  'cut short',
  'packed wrong',
  'proxy',
  'another front end',
] as const;
/** What only a log does that lies, or that is broken beyond excuse. */
export const EVIL_MOODS = [
  'refusal',
  'null',
  'another branch',
  'random hashes',
  'a hash more',
  'a hash less',
  'another order',
  'another pair',
  'bad signature',
] as const;
export type Mood = (typeof HONEST_MOODS)[number] | (typeof EVIL_MOODS)[number];

export interface FrontEnd {
  branch: number;
  /** The log shows this size, or undefined: all that the branch has. */
  size: number | undefined;
  /** It is behind by so many milliseconds: at most the MMD, for an honest log. */
  lag: number;
}

/** Signs each head once: the key is the same for every history. */
class CachingLog extends SigningLog {
  readonly #signed = new Map<string, Statement>();
  readonly #verified = new Map<string, VerifiedStatement>();

  override sign(treeSize: bigint | number, rootHash: MerkleHash, timestamp = 0n): Statement {
    return memo(this.#signed, keyOf(treeSize, rootHash, timestamp), () =>
      super.sign(treeSize, rootHash, timestamp),
    );
  }

  override verified(
    treeSize: bigint | number,
    rootHash: MerkleHash,
    timestamp = 0n,
  ): VerifiedStatement {
    return memo(this.#verified, keyOf(treeSize, rootHash, timestamp), () =>
      super.verified(treeSize, rootHash, timestamp),
    );
  }
}

function keyOf(treeSize: bigint | number, rootHash: MerkleHash, timestamp: bigint): string {
  return `${treeSize} ${timestamp} ${Buffer.from(rootHash).toString('latin1')}`;
}

function memo<T>(map: Map<string, T>, key: string, make: () => T): T {
  let value = map.get(key);
  if (value === undefined) {
    if (map.size > 100_000) map.clear();
    map.set(key, (value = make()));
  }
  return value;
}

export const KEY = new CachingLog();
/** Somebody else's key: what it signs is a forgery. */
export const STRANGER = new CachingLog();
/** What real logs signed for their empty trees by mistake. */
export const ZERO_ROOT = toMerkleHash(new Uint8Array(32));

const trees = new Map<string, LogTree>();
/** Branch 0 is the trunk; another one shares its first `fork` leaves. */
export function branchOf(branch: number, fork: number): LogTree {
  const shared = branch === 0 ? MAX_SIZE : fork;
  return memo(trees, `${branch === 0 ? 0 : branch} ${shared}`, () =>
    treeOf(MAX_SIZE, `branch ${branch}`, shared),
  );
}

export interface LogScript {
  readonly api: 'rfc6962' | 'static-ct';
  readonly honest: boolean;
  /** Where branches 1, 2, ... leave the trunk. */
  readonly forks: readonly number[];
  /** It signs 32 zero bytes for the empty tree. */
  readonly zeroRoot: boolean;
  /** Added to the times that it signs, in milliseconds. */
  readonly clockError: number;
  /** The status for a partial tile once the full one is there; 200 if it keeps them. */
  readonly partials: 200 | 404 | 403;
}

export class ModelLog {
  readonly script: LogScript;
  readonly branches: readonly LogTree[];
  /** How large each branch is. */
  readonly sizes: number[];
  readonly fronts: FrontEnd[];
  /** How each of the next requests is answered; after them all are answered right. */
  moods: Mood[] = [];
  requests: string[] = [];
  readonly #now: () => number;
  /** When the trunk grew to which size. */
  readonly #growth: { readonly at: number; readonly size: number }[] = [];
  /** Of requests that got no right answer. */
  failed = 0;

  constructor(script: LogScript, fronts: number, now: () => number) {
    this.script = script;
    this.#now = now;
    const forks = script.honest ? [] : script.forks;
    this.branches = [0, ...forks].map((fork, branch) => branchOf(branch, fork));
    this.sizes = this.branches.map(() => 0);
    this.fronts = Array.from({ length: fronts }, () => ({ branch: 0, size: undefined, lag: 0 }));
  }

  grow(branch: number, size: number): void {
    this.sizes[branch] = Math.max(this.sizes[branch] ?? 0, size);
    if (branch === 0) this.#growth.push({ at: this.#now(), size: this.sizes[0] ?? 0 });
  }

  root(branch: number, size: number): MerkleHash {
    if (size === 0) return this.script.zeroRoot ? ZERO_ROOT : EMPTY_ROOT;
    return this.tree(branch).root(size);
  }

  tree(branch: number): LogTree {
    const tree = this.branches[branch];
    if (tree === undefined) throw new RangeError(`no branch ${branch}`);
    return tree;
  }

  timestamp(): bigint {
    return BigInt(Math.max(0, this.#now() + this.script.clockError));
  }

  /** The way to one front end. */
  fetchOf(index: number, step: () => void): Fetch {
    return (url) => {
      try {
        step();
        const mood = this.moods.shift() ?? 'right';
        this.requests.push(`${url.slice(URL_OF_LOG.length)} (front ${index}, ${mood})`);
        if (mood !== 'right') this.failed += 1;
        return Promise.resolve(this.#answer(new URL(url), index, mood));
      } catch (error) {
        return Promise.reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
  }

  #answer(url: URL, index: number, mood: Mood): HttpAnswer {
    switch (mood) {
      case 'no answer':
        throw new HttpError('http-no-answer', 'no answer');
      case 'packed wrong':
        throw new HttpError('http-bad-answer', "the answer is packed as 'br'");
      case 'proxy':
        throw new ProxyError('proxy-unavailable', 'no proxy');
      case '403':
      case '500':
      case '503':
        return answer(Number(mood), mood);
      case '429':
        return answer(429, 'slow down', '30');
      case '429 for years':
        return answer(429, 'slow down', '999999999');
      case 'HTML':
        return answer(200, '<!doctype html><title>Maintenance</title>');
      case 'refusal':
        return answer(404, 'no');
      case 'cut short': {
        const { body, ...rest } = this.#say(url, index, 'right');
        return { ...rest, body: body.subarray(0, Math.floor(body.length / 2)) };
      }
      case 'another front end':
        return this.#say(url, (index + 1) % this.fronts.length, 'right');
      default:
        return this.#say(url, index, mood);
    }
  }

  /** What the front end shows now: a branch, and how much of it. */
  shown(index: number): { readonly branch: number; readonly size: number } {
    const front = this.fronts[index];
    if (front === undefined) throw new RangeError(`no front end ${index}`);
    if (this.script.honest) {
      const then = this.#now() - Math.min(front.lag, MMD * 1000);
      return { branch: 0, size: this.#growth.findLast(({ at }) => at <= then)?.size ?? 0 };
    }
    const branch = front.branch % this.branches.length;
    return { branch, size: front.size ?? this.sizes[branch] ?? 0 };
  }

  #say(url: URL, index: number, mood: Mood): HttpAnswer {
    const shown = this.shown(index);
    const branch =
      mood === 'another branch' ? (shown.branch + 1) % this.branches.length : shown.branch;
    const path = url.href.slice(URL_OF_LOG.length);
    return this.script.api === 'static-ct'
      ? this.#file(path, branch, shown.size, mood)
      : this.#endpoint(url, branch, shown.size, mood);
  }

  #head(branch: number, size: number, mood: Mood): Statement {
    const signer = mood === 'bad signature' ? STRANGER : KEY;
    return signer.sign(size, this.root(branch, size), this.timestamp());
  }

  #endpoint(url: URL, branch: number, size: number, mood: Mood): HttpAnswer {
    const { searchParams: query } = url;
    const tree = this.tree(branch);
    switch (url.pathname.split('/').at(-1)) {
      case 'get-sth':
        return json(mood === 'null' ? null : treeHeadToJson(this.#head(branch, size, mood)));
      case 'get-sth-consistency': {
        const [first, second] = [Number(query.get('first')), Number(query.get('second'))];
        if (first <= 0 || first > second || second > size) return answer(400, 'need more entries');
        if (mood === 'null') return json({ consistency: null });
        const hashes = spoil(proofOf(tree, first, second, mood), mood, size);
        return json({ consistency: hashes.map(base64) });
      }
      case 'get-proof-by-hash': {
        const treeSize = Number(query.get('tree_size'));
        if (treeSize <= 0 || treeSize > size) return answer(400, 'need more entries');
        const leafIndex = tree.indexOf(query.get('hash') ?? '');
        if (leafIndex === undefined || leafIndex >= treeSize) return answer(404, 'no such leaf');
        const hashes = spoil(tree.inclusionProof(leafIndex, treeSize), mood, size);
        return json({ leaf_index: leafIndex, audit_path: hashes.map(base64) });
      }
      case 'get-entries': {
        const entries = entriesAsked(tree, size, query, ENTRIES_LIMIT);
        if (entries === undefined) return answer(400, 'need more entries');
        return json(mood === 'null' ? { entries: null } : entriesJson(spoil(entries, mood, size)));
      }
      default:
        return answer(404, '');
    }
  }

  #file(path: string, branch: number, size: number, mood: Mood): HttpAnswer {
    if (path === 'checkpoint') {
      const signer = mood === 'bad signature' ? STRANGER : KEY;
      const text = signer.checkpoint(size, this.root(branch, size), this.timestamp());
      return answer(200, mood === 'null' ? '' : text);
    }
    const match = /^tile\/(\d)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d+))?$/.exec(path);
    if (match === null) return answer(404, '');
    const level = Number(match[1]);
    const index = Number((match[2] ?? '').replaceAll(/[x/]/g, ''));
    const width = Number(match[3] ?? TILE_WIDTH);
    const hashes = Math.floor(size / TILE_WIDTH ** level);
    if (index * TILE_WIDTH + width > hashes) return answer(404, '');
    const isFull = (index + 1) * TILE_WIDTH <= hashes;
    if (width < TILE_WIDTH && isFull && this.script.partials !== 200)
      return answer(this.script.partials, 'AccessDenied');
    const tile = readTile(this.tree(branch), { level, index: BigInt(index), width });
    const rows = Array.from({ length: width }, (_, i) =>
      toMerkleHash(Uint8Array.from(tile.subarray(i * 32, i * 32 + 32))),
    );
    const body = Buffer.concat(mood === 'null' ? [] : spoil(rows, mood, size));
    return { status: 200, retryAfter: undefined, body };
  }
}

function proofOf(tree: LogTree, first: number, second: number, mood: Mood): MerkleHash[] {
  if (mood === 'another pair' && second > 1)
    return tree.consistencyProof(Math.max(1, first - 1), second);
  return tree.consistencyProof(first, second);
}

/** Of hashes, or of entries. */
function spoil<T extends Uint8Array>(
  hashes: readonly T[],
  mood: Mood,
  seed: number,
): (T | MerkleHash)[] {
  const noise = (i: number): MerkleHash => toMerkleHash(Buffer.alloc(32, (seed + i) % 251));
  switch (mood) {
    case 'random hashes':
      return hashes.map((_, i) => noise(i));
    case 'a hash more':
      return [...hashes, noise(0)];
    case 'a hash less':
      return hashes.slice(1);
    case 'another order':
      return hashes.toReversed();
    default:
      return [...hashes];
  }
}

function base64(hash: Uint8Array): string {
  return Buffer.from(hash).toString('base64');
}

function answer(status: number, body: string, retryAfter?: string): HttpAnswer {
  return { status, retryAfter, body: Buffer.from(body) };
}

function json(body: unknown): HttpAnswer {
  return answer(200, JSON.stringify(body));
}

/** Whether an error is one that asking a log may end in. */
export function isExpected(error: unknown): boolean {
  return error instanceof LogError || error instanceof ProxyError;
}
