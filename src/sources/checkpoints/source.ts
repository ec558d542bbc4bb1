// SPDX-License-Identifier: Apache-2.0
/**
 * Checkpoints over DNS as a source: answers to `checkpoint.<zone>` IN TXT for the zones of logs that
 * are no CT logs (text.ts has the format).
 *
 * As of tree heads (../ct-over-dns/answer.ts), every TXT record of the answer section counts,
 * whatever its owner and class: each is a checkpoint of its own.
 */
import { encodeName } from '../../dns/name.ts';
import type { Log } from '../../logs/log.ts';
import { DNS_PORT, NamedLogs, readTextRecords, refusalOf, UNKNOWN_NAME } from '../dns-answer.ts';
import type { MatchPlace, MatchRules } from '../match-rules.ts';
import type { Refusal, Source, SourceClaim } from '../source.ts';
import { noteOfRdata } from './text.ts';

/** The first label of the names of checkpoints. */
export const CHECKPOINT_LABEL = 'checkpoint';

/** The name that a zone's checkpoint is published under, in wire format. */
export function checkpointName(zone: string): Uint8Array {
  return encodeName(`${CHECKPOINT_LABEL}.${zone}`);
}

export class CheckpointsOverDns implements Source {
  readonly name = 'checkpoints';
  readonly logs: readonly Log[];
  readonly matchRules: MatchRules;
  readonly #named: NamedLogs;

  /**
   * `zones` leads from a zone (lower case, no last dot) to its log; `ports` are those that DNS
   * servers answer from.
   */
  constructor(zones: ReadonlyMap<string, Log>, ports: readonly number[] = [DNS_PORT]) {
    this.logs = [...new Set(zones.values())];
    this.#named = new NamedLogs(zones, checkpointName);
    this.matchRules = { udpSourcePorts: [...new Set(ports)], dnsNames: this.#named.names };
  }

  read(message: Uint8Array): readonly SourceClaim[] | Refusal {
    const answer = readTextRecords(message, CHECKPOINT_LABEL);
    if (answer.kind === 'refused') return refusalOf(answer);
    const log = this.#named.logOf(answer.name);
    if (log === undefined) return UNKNOWN_NAME;
    const notes = answer.rdatas.map((rdata) => noteOfRdata(rdata));
    const distinct = new Map(notes.map((note) => [note.toString('latin1'), note]));
    return [...distinct.values()].map((note) => claimOf(log, note));
  }

  readPlaced(frame: Uint8Array, place: MatchPlace): SourceClaim | Refusal {
    const log = this.#named.logAt(frame, place);
    if (log === undefined) return UNKNOWN_NAME;
    const { rdataOffset, rdataLength } = place;
    return claimOf(log, noteOfRdata(frame.subarray(rdataOffset, rdataOffset + rdataLength)));
  }

  recognises(start: Uint8Array): boolean {
    return this.#named.begins(start);
  }
}

function claimOf(log: Log, bytes: Uint8Array): SourceClaim {
  return { kind: 'claim', log, bytes, form: 'checkpoint' };
}
