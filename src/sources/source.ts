// SPDX-License-Identifier: Apache-2.0
/**
 * A source: what kind of plaintext carries signed statements of logs, and how they are read out of
 * it: CT-over-DNS (ct-over-dns/), and checkpoints over DNS (checkpoints/).
 *
 * A source knows which packets to look for and how its messages are put together. It does not know
 * who copies the packets, and it neither parses nor verifies what a log is said to have signed.
 */
import type { Log } from '../logs/log.ts';
import type { Claim } from '../statements/claim.ts';
import type { MatchPlace, MatchRules } from './match-rules.ts';

/** Why a message carries no claim: a name for a counter, such as `answer: rcode`. */
export interface Refusal {
  readonly kind: 'refused';
  readonly reason: string;
  /** It is not for this source to read, and perhaps for another. */
  readonly isOfOthers?: boolean;
}

export interface SourceClaim extends Claim<Log> {
  readonly kind: 'claim';
}

export interface Source {
  readonly name: string;
  /** The logs whose statements it may carry. */
  readonly logs: readonly Log[];
  /** The packets that it needs. */
  readonly matchRules: MatchRules;
  /**
   * Reads the payload of a UDP datagram from one of its ports: what may be a statement in there, at
   * least one claim and none twice, or why there is none. Never throws for what is in there. The
   * bytes of the claims may be views of the message.
   */
  read(message: Uint8Array): readonly SourceClaim[] | Refusal;
  /**
   * Reads a message whose place in the frame the data plane has found. The result must depend on
   * nothing but the name, apart from its case, and the RDATA: the data plane counts repeats of both
   * without another look. Sources without DNS names leave this out.
   */
  readPlaced?(frame: Uint8Array, place: MatchPlace): SourceClaim | Refusal;
  /**
   * Whether the first bytes of a message from one of its ports can begin a claim of a log that it
   * knows. Fragments of such messages are held even while others flood the reassembly.
   */
  recognises(start: Uint8Array): boolean;
}
