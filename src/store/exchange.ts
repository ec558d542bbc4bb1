// SPDX-License-Identifier: Apache-2.0
/**
 * What passes between stores: tree heads with where, when and how often each was seen, and with the
 * verdicts on them. A store is known to others by its identity, which goes with it wherever it is
 * copied or moved to.
 */
import type { VerifiedStatement } from '../statements/statement.ts';
import type { Sighting, StoredTree } from './heads.ts';

export const IDENTITY_DIGITS = 8;

/** A store as others know it. */
export interface Origin {
  /** Its identity: eight hexadecimal digits. */
  readonly store: string;
  /** The name of the machine that it was on. */
  readonly host: string;
}

/** Sightings of one head by one source, and the store that counted them. */
export interface ExportedSighting extends Omit<Sighting, 'head' | 'origin'> {
  /** Undefined: this store itself. */
  readonly origin: Origin | undefined;
}

export interface ExportedHead extends StoredTree {
  readonly timestamp: bigint;
  readonly signature: Uint8Array;
  readonly sightings: readonly ExportedSighting[];
}

/** What another store concluded of a tree. Nobody here has proven it. */
export interface ForeignVerdict {
  readonly origin: Origin;
  readonly verdict: string;
  readonly reason: string | undefined;
}

/** What another store says of the tree of a head, which need not be known here, or not yet. */
export interface ToldVerdict extends Omit<ForeignVerdict, 'verdict'> {
  readonly head: VerifiedStatement;
  /** Undefined: it takes back what it said before. */
  readonly verdict: string | undefined;
  /** Where in all that the store says this stands, if that is known: later is larger. */
  readonly place?: { readonly epoch: bigint; readonly sequence: bigint };
}

export interface ExchangeStore {
  /** The identity of this store. */
  identity(): string;

  /**
   * Takes over the identity of the store that this one replaces. Others then do not count again
   * what they have of that one.
   */
  adopt(identity: string): void;

  /**
   * Every tree head that was seen at `since` or later, in the order in which they were new, each
   * with all its sightings. One at a time: nothing can be written through this store until the
   * generator has ended.
   */
  exports(since: number): Generator<ExportedHead, void, undefined>;

  /**
   * Records what other stores concluded of trees, in place of what each had concluded before: by their
   * places, in whatever order it comes. Of trees that are not known here so much of each host is kept
   * for later.
   */
  putVerdicts(told: readonly ToldVerdict[], mostEarly?: number): void;

  /** What other stores concluded of the trees that are known here, or of these, by the ID of the tree. */
  foreignVerdicts(trees?: readonly number[]): Map<number, ForeignVerdict[]>;
}

export function isIdentity(text: string): boolean {
  return text.length === IDENTITY_DIGITS && /^[0-9a-f]+$/.test(text);
}

/** How the sightings of another store name their source here. */
export function sourceOf({ host, store }: Origin, source: string): string {
  return `${host}/${store}:${source}`;
}

const LABEL = /^([A-Za-z0-9._-]{1,64})\/([0-9a-f]{8}):(.+)$/s;

/** The other way round; undefined for a source of this store. */
export function originOf(
  label: string,
): { readonly origin: Origin; readonly source: string } | undefined {
  const [, host, store, source] = LABEL.exec(label) ?? [];
  if (host === undefined || store === undefined || source === undefined) return undefined;
  return { origin: { host, store }, source };
}
