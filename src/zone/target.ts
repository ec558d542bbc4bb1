// SPDX-License-Identifier: Apache-2.0
/** Where the records of a zone go. */
import type { Log } from '../logs/log.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import type { ProofServer } from './records.ts';

/** What a zone is to have of logs, and of each log nothing else. */
export interface ZoneWish {
  /** The zone that the server has; all names are in it. */
  readonly parent: string;
  /** By the zones of the logs. */
  readonly heads: ReadonlyMap<string, VerifiedStatement>;
  readonly logs: ReadonlyMap<string, Log>;
  readonly proofs: ProofServer | undefined;
}

export interface Applied {
  /** Whether the server was given anything that it did not have. */
  readonly changed: boolean;
  /** How many sets of records the zone has of ctga now. */
  readonly records: number;
  readonly serial?: number;
  /** What is not as it was wished, because it is somebody else's, and why. */
  readonly kept: readonly { readonly name: string; readonly why: string }[];
}

export interface ZoneTarget {
  /**
   * Makes the zone as it is wished; a second time it changes nothing. Rejects with CtgaError if the
   * server does not do it, and then it is to be tried again.
   */
  apply(wish: ZoneWish): Promise<Applied>;
}
