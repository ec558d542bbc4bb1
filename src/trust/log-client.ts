// SPDX-License-Identifier: Apache-2.0
/**
 * Reading a log of trust whole, and believing it in nothing: its checkpoint has to be signed and cosigned as a
 * policy wants it, and all entries have to lead to its root. So nobody can leave a revocation out
 * that is in the tree which the witnesses saw.
 */
import * as z from 'zod';
import { badInput, CtgaError } from '../base/errors.ts';
import { FormatError } from '../base/cursor.ts';
import { readOts } from '../carbonchain/ots.ts';
import { sameBytes, sha256, toHex } from '../carbonchain/bytes.ts';
import type { Fetch } from '../http/request.ts';
import { equalHash, hashLeaf } from '../merkle/hash.ts';
import { TILE_WIDTH } from '../merkle/tiles.ts';
import { MerkleTree } from '../merkle/tree.ts';
import { parseCheckpoint, type Checkpoint } from '../statements/checkpoint.ts';
import type { NoteKey } from '../statements/note-key.ts';
import type { Policy } from '../statements/policy.ts';
import { checkCheckpoint, quorumTime } from '../statements/trust.ts';
import { bundlePath, decodeBundle, decodeEntry, LogState, MAX_ENTRY } from './log-entry.ts';
import type { Added } from './log-server.ts';

export type LogErrorCode =
  /** No answer, or none of a log. */
  | 'log-no-answer'
  /** The log refuses a command. */
  | 'log-refused'
  /** What it shows is not what it signed, or the policy does not accept it. */
  | 'log-not-trusted'
  /** It signed a tree that does not have what it signed before. */
  | 'log-forked';

export class TrustLogError extends CtgaError<LogErrorCode> {}

/** A log far longer than a small one can be would take all memory. */
const MAX_SIZE = 2 ** 22;
const MAX_BUNDLE = TILE_WIDTH * (2 + MAX_ENTRY);
const AT_ONCE = 4;

export interface LogParty {
  readonly key: NoteKey;
  /** Ends in '/'. */
  readonly url: string;
}

/** The one log of a policy. Throws CtgaError `bad-input` if there is another number of them. */
export function logOf(policy: Policy): { readonly key: NoteKey; readonly url: string | undefined } {
  const [log, ...more] = policy.logs;
  if (log === undefined || more.length > 0)
    throw badInput('want a policy of one log', 'It has one line: log VKEY URL.');
  return { key: log.key, url: log.url?.replace(/\/?$/, '/') };
}

export interface LogView {
  readonly key: NoteKey;
  /** The checkpoint as it came. */
  readonly note: Uint8Array;
  readonly checkpoint: Checkpoint;
  readonly tree: MerkleTree;
  readonly entries: readonly Uint8Array[];
  readonly state: LogState;
  /** Unix seconds at which a quorum saw this tree; undefined if the policy wants none. */
  readonly seen: number | undefined;
  /** The last tree that is anchored in a chain. */
  readonly anchor: { readonly note: Uint8Array; readonly stamp: Uint8Array } | undefined;
}

/** Rejects with TrustLogError, and with HttpError as `fetch` does. */
export async function readLog(
  policy: Policy,
  { key, url }: LogParty,
  fetch: Fetch,
): Promise<LogView> {
  const get = async (path: string, maxBytes = 2 ** 20): Promise<Uint8Array | undefined> => {
    const { status, body } = await fetch(`${url}${path}`, { maxBytes });
    if (status === 200) return body;
    if (status === 404) return undefined;
    throw new TrustLogError('log-no-answer', `the log answered ${path} with ${status}`);
  };
  const note = await get('checkpoint');
  if (note === undefined)
    throw new TrustLogError('log-no-answer', `${url} has no checkpoint`, {
      remedy: 'A new log has one once the witnesses of its policy are a quorum.',
    });
  const { checkpoint, seen } = accepted(note, policy);
  const size = Number(checkpoint.treeSize);
  if (size > MAX_SIZE)
    throw new TrustLogError(
      'log-not-trusted',
      `the log has ${size} entries, which is no small one`,
    );
  const entries = await readEntries(size, get);
  const tree = new MerkleTree();
  const state = new LogState(key);
  for (const bytes of entries) {
    tree.append(hashLeaf(bytes));
    const entry = decodeEntry(bytes);
    if (entry !== undefined) state.apply(entry);
  }
  if (!equalHash(tree.root(), checkpoint.rootHash))
    throw new TrustLogError('log-not-trusted', "the log's entries do not lead to its signed root");
  const anchor = await readAnchor(get);
  return { key, note, checkpoint, tree, entries, state, seen, anchor };
}

/** The checkpoint, if the policy accepts it. Throws TrustLogError. */
export function accepted(
  note: Uint8Array,
  policy: Policy,
): { readonly checkpoint: Checkpoint; readonly seen: number | undefined } {
  let trusted;
  try {
    trusted = checkCheckpoint(note, policy);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new TrustLogError('log-not-trusted', `the checkpoint is malformed: ${error.message}`);
  }
  const [fault] = trusted.faults;
  if (fault !== undefined)
    throw new TrustLogError('log-not-trusted', `the policy does not accept the log: ${fault}`);
  const seen = quorumTime(policy, trusted.cosigned);
  return { checkpoint: trusted.checkpoint, seen: seen === undefined ? undefined : Number(seen) };
}

async function readEntries(
  size: number,
  get: (path: string, maxBytes: number) => Promise<Uint8Array | undefined>,
): Promise<Uint8Array[]> {
  const bundles: Uint8Array[][] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next * TILE_WIDTH < size) {
      const index = next++;
      const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
      const bytes =
        (await get(bundlePath(index, width), MAX_BUNDLE)) ??
        (await get(bundlePath(index, TILE_WIDTH), MAX_BUNDLE));
      if (bytes === undefined)
        throw new TrustLogError('log-no-answer', `the log has no tile ${index} of its entries`);
      try {
        bundles[index] = decodeBundle(bytes, width);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        throw new TrustLogError(
          'log-not-trusted',
          `the log's tile ${index} of entries is malformed`,
        );
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return bundles.flat();
}

/** Undefined if it has none, or one that is none: it is an addition, and checked by whoever wants it. */
async function readAnchor(
  get: (path: string) => Promise<Uint8Array | undefined>,
): Promise<LogView['anchor']> {
  const size = await get('anchor');
  const text = size === undefined ? '' : Buffer.from(size).toString('latin1').trim();
  if (!/^\d{1,16}$/.test(text)) return undefined;
  const [note, stamp] = [await get(`anchors/${text}`), await get(`anchors/${text}.ots`)];
  if (note === undefined || stamp === undefined) return undefined;
  try {
    return sameBytes(readOts(stamp).digest, sha256(note)) ? { note, stamp } : undefined;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/**
 * Holds a log against the checkpoint that was accepted from it before. Throws TrustLogError if it
 * shows an older tree, or one that does not go on from that.
 */
export function requireGrown(before: string, { checkpoint, tree, key }: LogView): void {
  const old = parseCheckpoint(before);
  const size = Number(old.treeSize);
  if (size > tree.size)
    throw new TrustLogError(
      'log-not-trusted',
      `the log ${key.name} shows ${tree.size} entries, and showed ${size} before: what is new may be kept from you`,
      { remedy: 'Ask again later, or over another network.' },
    );
  if (equalHash(tree.root(size), old.rootHash)) return;
  throw new TrustLogError(
    'log-forked',
    `SPLIT VIEW: the log ${key.name} signed a tree of ${size} entries, and one of ${checkpoint.treeSize} that does not go on from it`,
  );
}

const addedSchema = z.object({ index: z.int().min(0), published: z.boolean() });

/** Gives a command to a log. Rejects with TrustLogError. */
export async function addToLog(url: string, command: Uint8Array, fetch: Fetch): Promise<Added> {
  const post = JSON.stringify({ command: toHex(command) });
  const { status, body } = await fetch(`${url}add`, { post });
  const text = body.toString('utf8').trim();
  if (status !== 200)
    throw new TrustLogError('log-refused', `the log answered ${status}: ${text.slice(0, 200)}`);
  try {
    return addedSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new TrustLogError(
      'log-no-answer',
      'the log answered in another form: nobody knows whether it has the command',
      { remedy: 'Look whether it is written: ctga trust show.', cause },
    );
  }
}
