// SPDX-License-Identifier: Apache-2.0
/**
 * The log as the adversary of the game: honest in all that it signs, and it keeps everything that
 * it sees. It answers by both APIs, RFC 6962 and static-ct, and its front ends lag and fail as the
 * game's script has it.
 */
import { createHash } from 'node:crypto';
import { HttpError } from '../../src/http/error.ts';
import type { Identity } from '../../src/http/proxy.ts';
import type { HttpAnswer } from '../../src/http/request.ts';
import type { Log } from '../../src/logs/log.ts';
import { hashLeaf, type MerkleHash } from '../../src/merkle/hash.ts';
import { TILE_WIDTH } from '../../src/merkle/tiles.ts';
import { MerkleTree } from '../../src/merkle/tree.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import type { Statement, VerifiedStatement } from '../../src/statements/statement.ts';
import { random } from '../support/random.ts';
import { readTile, SigningLog } from '../support/signing-log.ts';
import type { VirtualTime } from './time.ts';

export const HOUR = 3_600_000;
/** Hour 0 of every game. */
export const START = 500_000 * HOUR;
/** The first hour of which a log has a head. */
export const FIRST_HOUR = -72;
const LAST_HOUR = 24 * 4;
/** Entries that one answer to get-entries has at most. */
const MAX_ENTRIES = 256;

/** One request as the log sees it. */
export interface Asked {
  readonly at: number;
  /** The way that it came, by the order in which ways were opened. */
  readonly circuit: number;
  readonly log: number;
  /** Below the log's URL. */
  readonly path: string;
  /** Whatever the request had beside its URL. */
  readonly options: string;
  /** Undefined while there is no answer, and where there never was one. */
  status: number | undefined;
  bytes: number;
  /** When the answer was there. */
  answered: number | undefined;
}

/** Entries and their tree, which many games share: every log of a kind has the same entries. */
export class Entries {
  readonly tree = new MerkleTree();
  readonly #size: number;
  readonly #inputs: string[] = [];
  readonly #answers = new Map<string, Buffer>();
  readonly #indexes = new Map<string, number>();
  readonly #tiles = new Map<string, Buffer>();
  readonly #roots = new Map<number, MerkleHash>();

  constructor(size: number) {
    this.#size = size;
    for (let i = 0; i < size; i++) this.tree.append(hashLeaf(leafInput(i)));
  }

  get size(): number {
    return this.#size;
  }

  root(size: number): MerkleHash {
    let root = this.#roots.get(size);
    if (root === undefined) this.#roots.set(size, (root = this.tree.root(size)));
    return root;
  }

  json(index: number): string {
    return (this.#inputs[index] ??= JSON.stringify({
      leaf_input: leafInput(index).toString('base64'),
      extra_data: '',
    }));
  }

  /** The answer to get-entries. */
  range(start: number, count: number): Buffer {
    const name = `${start} ${count}`;
    let answer = this.#answers.get(name);
    if (answer === undefined) {
      if (this.#answers.size > 10_000) this.#answers.clear();
      const rows = Array.from({ length: count }, (_, i) => this.json(start + i));
      answer = Buffer.from(`{"entries":[${rows.join(',')}]}`);
      this.#answers.set(name, answer);
    }
    return answer;
  }

  indexOf(leafHash: string): number | undefined {
    if (this.#indexes.size === 0)
      for (let i = 0; i < this.#size; i++) this.#indexes.set(base64(this.tree.leafHash(i)), i);
    return this.#indexes.get(leafHash);
  }

  tile(level: number, index: number, width: number): Buffer {
    const name = `${level} ${index} ${width}`;
    let tile = this.#tiles.get(name);
    if (tile === undefined) {
      tile = Buffer.from(readTile(this.tree, { level, index: BigInt(index), width }));
      this.#tiles.set(name, tile);
    }
    return tile;
  }
}

/** A MerkleTreeLeaf (RFC 6962, Section 3.4) of a certificate that is none. */
function leafInput(index: number): Buffer {
  const leaf = Buffer.alloc(24);
  leaf.writeBigUInt64BE(BigInt(START), 2);
  leaf.writeUInt32BE(index, 16);
  return leaf;
}

/** Signs each head once: the key is the same in every game. */
class CachingLog extends SigningLog {
  readonly #signed = new Map<string, Statement>();
  readonly #checkpoints = new Map<string, string>();

  override sign(treeSize: bigint | number, rootHash: MerkleHash, timestamp = 0n): Statement {
    const name = `${treeSize} ${timestamp} ${rootHash[0] ?? 0} ${rootHash[1] ?? 0}`;
    let head = this.#signed.get(name);
    if (head === undefined) {
      if (this.#signed.size > 50_000) this.#signed.clear();
      this.#signed.set(name, (head = super.sign(treeSize, rootHash, timestamp)));
    }
    return head;
  }

  override checkpoint(treeSize: bigint | number, rootHash: MerkleHash, timestamp = 0n): string {
    const name = `${treeSize} ${timestamp}`;
    let text = this.#checkpoints.get(name);
    if (text === undefined) {
      if (this.#checkpoints.size > 50_000) this.#checkpoints.clear();
      this.#checkpoints.set(name, (text = super.checkpoint(treeSize, rootHash, timestamp)));
    }
    return text;
  }
}

const signers: CachingLog[] = [];

function signer(index: number): CachingLog {
  return (signers[index] ??= new CachingLog());
}

export interface Growth {
  /** The size at FIRST_HOUR, and entries an hour after it. */
  readonly first: number;
  readonly hourly: number;
}

/** What a front end does with one request, if it does not answer as it should. */
export type Mood =
  'right' | 'slow' | 'late head' | '404' | '429' | '503' | 'no answer' | 'HTML' | 'cut short';

export interface LogSetting {
  readonly index: number;
  readonly api: Log['api'];
  readonly entries: Entries;
  readonly growth: Growth;
  readonly state: Log['state'];
  /** Undefined: never; it may fail any request, and does not know what anybody has seen. */
  readonly mood: (asked: Asked, ordinal: number) => Mood;
}

/** What all logs of a game see together: one adversary runs them. */
export class Wire {
  readonly asked: Asked[] = [];
  readonly time: VirtualTime;
  readonly #logs: readonly AdversaryLog[];
  readonly #delay: (below: number) => number;
  #circuits = 0;

  constructor(time: VirtualTime, logs: readonly AdversaryLog[], seed: number) {
    this.time = time;
    this.#logs = logs;
    this.#delay = random(seed);
  }

  /** A way to the logs that can be told from all others, as an exit of Tor can. */
  open(): Identity {
    const circuit = this.#circuits++;
    const closing = new AbortController();
    const fetch: Identity['fetch'] = async (url, options) => {
      if (closing.signal.aborted) throw new HttpError('http-no-answer', 'closed');
      const log = this.#logs.find((each) => url.startsWith(each.url));
      if (log === undefined) throw new HttpError('http-no-answer', `nobody is at ${url}`);
      const asked: Asked = {
        at: this.time.now(),
        circuit,
        log: log.setting.index,
        path: url.slice(log.url.length),
        options: JSON.stringify(options ?? {}),
        status: undefined,
        bytes: 0,
        answered: undefined,
      };
      const ordinal = this.asked.push(asked) - 1;
      const mood = log.setting.mood(asked, ordinal);
      const delay = (mood === 'slow' ? 45_000 : 40) + this.#delay(400);
      try {
        await this.time.sleep(delay, closing.signal);
      } catch {
        throw new HttpError('http-no-answer', 'closed');
      }
      if (mood === 'no answer') throw new HttpError('http-no-answer', 'no answer');
      const answer = log.answer(asked.path, mood, this.time.now());
      asked.status = answer.status;
      asked.bytes = answer.body.length;
      asked.answered = this.time.now();
      return answer;
    };
    return { fetch, close: () => closing.abort('closed') };
  }
}

export class AdversaryLog {
  readonly setting: LogSetting;
  readonly url: string;
  readonly signing: CachingLog;

  constructor(setting: LogSetting) {
    this.setting = setting;
    this.url = `https://log${setting.index}.test/`;
    this.signing = signer(setting.index);
  }

  get listed(): Log {
    const { api, state, index } = this.setting;
    const description = `Log ${index}`;
    return this.signing.asLog({ url: this.url, api, state, description });
  }

  /** The size of the head that everybody is shown at a time, if no front end lags. */
  sizeAt(time: number): number {
    return this.#sizeInHour(this.#hourOf(time));
  }

  /** A head that the log signs: of its tree or, to split the view, of another one. */
  head(size: number, timestamp: number, isFork: boolean): VerifiedStatement {
    const root = isFork ? hashLeaf(Buffer.from(`${size}`)) : this.setting.entries.root(size);
    return this.signing.verified(size, root, BigInt(timestamp));
  }

  #hourOf(time: number): number {
    return Math.min(LAST_HOUR, Math.max(FIRST_HOUR, Math.floor((time - START) / HOUR)));
  }

  /** It grows unevenly, and in some hours not at all. */
  #sizeInHour(hour: number): number {
    const { growth, entries } = this.setting;
    const passed = hour - FIRST_HOUR;
    const uneven = Math.floor(passed * growth.hourly + growth.hourly * 3 * Math.sin(passed / 4));
    return Math.min(entries.size, Math.max(1, growth.first + Math.max(0, uneven)));
  }

  answer(path: string, mood: Mood, now: number): HttpAnswer {
    switch (mood) {
      case '404':
        return answer(404, 'not here');
      case '429':
        return answer(429, 'slow down', '20');
      case '503':
        return answer(503, 'overloaded');
      case 'HTML':
        return answer(200, '<!doctype html><title>Maintenance</title>');
      case 'cut short': {
        const { body } = this.#say(path, now);
        return { status: 200, retryAfter: undefined, body: body.subarray(0, body.length >> 1) };
      }
      default:
        return this.#say(path, mood === 'late head' ? now - 5 * HOUR : now);
    }
  }

  #say(path: string, now: number): HttpAnswer {
    const hour = this.#hourOf(now);
    const size = this.#sizeInHour(hour);
    const root = this.setting.entries.root(size);
    const timestamp = BigInt(START + hour * HOUR);
    if (this.setting.api === 'static-ct')
      return path === 'checkpoint'
        ? answer(200, this.signing.checkpoint(size, root, timestamp))
        : this.#tile(path, size);
    const url = new URL(path, this.url);
    if (path === 'ct/v1/get-sth')
      return json(treeHeadToJson(this.signing.sign(size, root, timestamp)));
    return this.#endpoint(url, size);
  }

  #endpoint({ pathname, searchParams: query }: URL, size: number): HttpAnswer {
    const { entries } = this.setting;
    const number = (name: string): number => Number(query.get(name) ?? Number.NaN);
    switch (pathname.split('/').at(-1)) {
      case 'get-sth-consistency': {
        const [first, second] = [number('first'), number('second')];
        if (!(first > 0 && first <= second && second <= size)) return answer(400, 'bad sizes');
        return json({ consistency: entries.tree.consistencyProof(first, second).map(base64) });
      }
      case 'get-proof-by-hash': {
        const treeSize = number('tree_size');
        const index = entries.indexOf(query.get('hash') ?? '');
        if (index === undefined || !(treeSize > index && treeSize <= size))
          return answer(404, 'no such leaf');
        const path = entries.tree.inclusionProof(index, treeSize);
        return json({ leaf_index: index, audit_path: path.map(base64) });
      }
      case 'get-entry-and-proof': {
        const [index, treeSize] = [number('leaf_index'), number('tree_size')];
        if (!(index >= 0 && index < treeSize && treeSize <= size)) return answer(400, 'bad index');
        const path = JSON.stringify(entries.tree.inclusionProof(index, treeSize).map(base64));
        return answer(200, `${entries.json(index).slice(0, -1)},"audit_path":${path}}`);
      }
      case 'get-entries': {
        const [start, end] = [number('start'), number('end')];
        if (!(start >= 0 && start <= end && start < size)) return answer(400, 'bad range');
        const count = Math.min(end + 1, size, start + MAX_ENTRIES) - start;
        return { status: 200, retryAfter: undefined, body: entries.range(start, count) };
      }
      default:
        return answer(404, '');
    }
  }

  #tile(path: string, size: number): HttpAnswer {
    const match = /^tile\/(\d)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d+))?$/.exec(path);
    if (match === null) return answer(404, '');
    const level = Number(match[1]);
    const index = Number((match[2] ?? '').replaceAll(/[x/]/g, ''));
    const width = Number(match[3] ?? TILE_WIDTH);
    const hashes = Math.floor(size / TILE_WIDTH ** level);
    if (index * TILE_WIDTH + width > hashes) return answer(404, '');
    const body = this.setting.entries.tile(level, index, width);
    return { status: 200, retryAfter: undefined, body };
  }
}

function base64(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.length).toString('base64');
}

function answer(status: number, body: string, retryAfter?: string): HttpAnswer {
  return { status, retryAfter, body: Buffer.from(body) };
}

function json(body: unknown): HttpAnswer {
  return answer(200, JSON.stringify(body));
}

/** A number from 0 to 2^32 - 1 that the parts decide: a log's script needs no memory. */
export function hashOf(...parts: readonly (number | string)[]): number {
  return createHash('sha256').update(parts.join('\n')).digest().readUInt32BE();
}
