// SPDX-License-Identifier: Apache-2.0
/** What can be read of a damaged store. It may hold anything, so believe none of it. */
import type { Statement } from '../statements/statement.ts';
import type { Sighting } from './heads.ts';

export interface DamagedHead {
  readonly logId: Uint8Array;
  /** Nobody has verified its signature since. */
  readonly statement: Statement;
  readonly sightings: readonly Omit<Sighting, 'head'>[];
}

/** Reads what can be read; its methods throw nothing. */
export interface DamagedStore {
  /** What may be its identity (exchange.ts). */
  identity(): string | undefined;

  /** SubjectPublicKeyInfo of the imported logs. */
  logKeys(): Uint8Array[];

  /** Tree heads, the newest first; undefined in place of each that cannot be read. */
  heads(): Generator<DamagedHead | undefined, void, undefined>;

  close(): void;
}
