// SPDX-License-Identifier: Apache-2.0
/**
 * A witness (c2sp.org/tlog-witness): answers to its requests, from keys, a store and the logs that it
 * knows. It cosigns what a log submits here or publishes to everybody, and nothing else: it has no way
 * to what was seen on a wire.
 */
import { createHash } from 'node:crypto';
import { plural } from '../base/text.ts';
import { formatSignature, type Checkpoint } from '../statements/checkpoint.ts';
import {
  cosign,
  cosignedMessage,
  cosignSubtree,
  hasExtensionLines,
  verifyCosignature,
  type NoteSigner,
} from '../statements/cosignature.ts';
import { isNamedBy } from '../statements/signature-lines.ts';
import type { Convictions } from './convict.ts';
import {
  authenticate,
  decide,
  decideSubtree,
  malformed,
  type Refusal,
  type RefusedRequest,
} from './decide.ts';
import type { WitnessKeys } from './keys.ts';
import type { Limit } from '../http/limits.ts';
import type { WitnessedLog } from './logs.ts';
import { parseAddCheckpoint, parseSignSubtree, type AddCheckpoint } from './request.ts';
import type { Cosigned, WitnessStore } from './store.ts';

export interface Answer {
  readonly status: 200 | 429 | RefusedRequest['status'];
  readonly body: string;
  /** Plain text unless given. */
  readonly type?: string;
  readonly refusal?: Refusal | 'too-often';
  /** Seconds. */
  readonly retryAfter?: number;
}

export interface WitnessOptions {
  readonly keys: WitnessKeys;
  readonly store: WitnessStore;
  /** By origin. */
  readonly logs: ReadonlyMap<string, WitnessedLog>;
  readonly convictions: Convictions;
  /** How often a log may have trees cosigned that are larger than the last. */
  readonly growing: Limit;
  /** How often the tree that was cosigned last is cosigned again, whoever brings it. */
  readonly repeating: Limit;
  /** In ms since the epoch. */
  readonly now: () => number;
  readonly onCosigned: (origin: string, checkpoint: Checkpoint) => void;
}

type Outcome = { readonly made?: { readonly note: string; readonly logNote: string } } & (
  | { readonly lines: readonly string[] }
  | { readonly busy: Answer }
  | { readonly refused: RefusedRequest; readonly latest: Cosigned | undefined }
);

export class Witness {
  readonly #options: WitnessOptions;
  readonly #signers: readonly NoteSigner[];

  constructor(options: WitnessOptions) {
    this.#options = options;
    this.#signers = [options.keys.ed25519, options.keys.mlDsa44];
  }

  /** `POST add-checkpoint`. Throws StoreError where nothing can be kept now. */
  addCheckpoint(body: Uint8Array): Answer {
    let request: AddCheckpoint;
    try {
      request = parseAddCheckpoint(body);
    } catch (error) {
      if (error instanceof RangeError) return malformed(error.message);
      throw error;
    }
    return this.add(request);
  }

  /** As `addCheckpoint`, of a request that was made here. */
  add(request: AddCheckpoint): Answer {
    const { store, logs, now } = this.#options;
    const { checkpoint } = request;
    const { origin } = checkpoint;
    const log = logs.get(origin);
    const authentic = authenticate(request, log);
    if (authentic.kind === 'refused') return authentic;
    const logNote = noteOf(checkpoint, authentic.signatures.map(formatSignature));
    const result = store.update(origin, (latest): Outcome => {
      const refused = decide(request, latest);
      if (refused !== undefined) return { refused, latest };
      const again = this.#cosignedNow(latest, checkpoint);
      if (again !== undefined) return { lines: again };
      // What is refused counts for nothing here, or a stranger who brings what the log published
      // could hold up the log.
      const busy = this.#tooOften(checkpoint, latest);
      if (busy !== undefined) return { busy };
      // Later than what was said before, whatever the clock says: it was the largest tree then.
      // And never 0, which would be a cosignature that does not say when.
      const time = BigInt(Math.max(1, Math.floor(now() / 1000), Number(latest?.time ?? 0n)));
      const lines = this.#cosignatures(checkpoint, time);
      return { lines, made: { note: logNote + lines.join(''), logNote } };
    });
    if ('lines' in result) {
      this.#options.onCosigned(origin, checkpoint);
      return { status: 200, body: result.lines.join('') };
    }
    if ('busy' in result) return result.busy;
    const { refused, latest } = result;
    this.#keep(request, refused, latest, logNote);
    return refused;
  }

  /** `POST sign-subtree`. */
  signSubtree(body: Uint8Array): Answer {
    const { logs, keys } = this.#options;
    try {
      const request = parseSignSubtree(body);
      const { checkpoint, start, end, hash } = request;
      const { key } = keys.mlDsa44;
      const own = checkpoint.signatures.filter((signature) => isNamedBy(signature, key));
      const log = logs.get(checkpoint.origin);
      // One is enough, and what is only like ours is refused.
      const isOurs =
        log !== undefined &&
        own[0] !== undefined &&
        verifyCosignature(key, own[0].body, checkpoint);
      const refused = decideSubtree(request, log, isOurs);
      if (refused !== undefined) return refused;
      const { origin } = checkpoint;
      return { status: 200, body: cosignSubtree(keys.mlDsa44, { origin, start, end, hash }) };
    } catch (error) {
      if (error instanceof RangeError) return malformed(error.message);
      throw error;
    }
  }

  /**
   * What was cosigned last for the origin with this hash (SHA-256, in hexadecimal); undefined where
   * nothing was. Throws StoreError.
   */
  published(hash: string): string | undefined {
    const origin = this.#options.store.origins().find((each) => originHash(each) === hash);
    return origin === undefined ? undefined : this.#options.store.cosigned(origin)?.note;
  }

  #tooOften({ origin, treeSize }: Checkpoint, latest: Cosigned | undefined): Answer | undefined {
    const { growing, repeating, now } = this.#options;
    const limit = latest === undefined || treeSize > latest.treeSize ? growing : repeating;
    const retryAfter = limit.take(origin, now());
    if (retryAfter === undefined) return undefined;
    const wait = `Come again in ${plural(retryAfter, 'second')}.\n`;
    return {
      status: 429,
      body: `This log is asked about too often. ${wait}`,
      refusal: 'too-often',
      retryAfter,
    };
  }

  #cosignatures(checkpoint: Checkpoint, time: bigint): string[] {
    const { ed25519, mlDsa44 } = this.#options.keys;
    const lines = [cosign(ed25519, checkpoint, time)];
    // It covers no extension lines, and has no room for long origins.
    if (
      !hasExtensionLines(checkpoint) &&
      cosignedMessage(mlDsa44.key, checkpoint, time) !== undefined
    )
      lines.push(cosign(mlDsa44, checkpoint, time));
    return lines;
  }

  /** Our lines on the very same text of this very second: they say what new ones would. */
  #cosignedNow(latest: Cosigned | undefined, { text }: Checkpoint): string[] | undefined {
    if (latest?.text !== text) return undefined;
    if (Number(latest.time) < Math.floor(this.#options.now() / 1000)) return undefined;
    return latest.signatures
      .filter((signature) => this.#signers.some(({ key }) => isNamedBy(signature, key)))
      .map(formatSignature);
  }

  #keep(
    { old, proof }: AddCheckpoint,
    { status }: RefusedRequest,
    latest: Cosigned | undefined,
    note: string,
  ): void {
    const { convictions, now } = this.#options;
    const [origin = ''] = note.split('\n');
    const cosigned = latest?.note ?? '';
    convictions.take({ origin, note, cosigned, status, old, proof }, now());
  }
}

/** By which a log's checkpoint is found. */
export function originHash(origin: string): string {
  return createHash('sha256').update(origin).digest('hex');
}

function noteOf({ text }: Checkpoint, lines: readonly string[]): string {
  return `${text}\n${lines.join('')}`;
}
