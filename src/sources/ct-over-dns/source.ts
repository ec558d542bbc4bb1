// SPDX-License-Identifier: Apache-2.0
/** CT-over-DNS as a source: answers to `sth.<zone>` IN TXT for the zones of known logs. */
import { encodeName } from '../../dns/name.ts';
import type { Log } from '../../logs/log.ts';
import { DNS_PORT, NamedLogs, refusalOf, UNKNOWN_NAME } from '../dns-answer.ts';
import type { MatchPlace, MatchRules } from '../match-rules.ts';
import type { Refusal, Source, SourceClaim } from '../source.ts';
import { parseTreeHeadAnswer, textOfRdata } from './answer.ts';

/** The name that a zone's tree head is published under, in wire format. */
export function treeHeadName(zone: string): Uint8Array {
  return encodeName(`sth.${zone}`);
}

export class CtOverDns implements Source {
  readonly name = 'ct-over-dns';
  readonly logs: readonly Log[];
  readonly matchRules: MatchRules;
  readonly #named: NamedLogs;

  /**
   * `zones` leads from a zone (lower case, no last dot) to its log, as zonesOf returns it; `ports`
   * are those that DNS servers answer from.
   */
  constructor(zones: ReadonlyMap<string, Log>, ports: readonly number[] = [DNS_PORT]) {
    this.logs = [...new Set(zones.values())];
    this.#named = new NamedLogs(zones, treeHeadName);
    this.matchRules = { udpSourcePorts: [...new Set(ports)], dnsNames: this.#named.names };
  }

  read(message: Uint8Array): readonly SourceClaim[] | Refusal {
    const answer = parseTreeHeadAnswer(message);
    if (answer.kind === 'refused') return refusalOf(answer);
    const log = this.#named.logOf(answer.name);
    return log === undefined ? UNKNOWN_NAME : answer.texts.map((text) => claimOf(log, text));
  }

  readPlaced(frame: Uint8Array, place: MatchPlace): SourceClaim | Refusal {
    const log = this.#named.logAt(frame, place);
    if (log === undefined) return UNKNOWN_NAME;
    const { rdataOffset, rdataLength } = place;
    return claimOf(log, textOfRdata(frame.subarray(rdataOffset, rdataOffset + rdataLength)));
  }

  recognises(start: Uint8Array): boolean {
    return this.#named.begins(start);
  }
}

function claimOf(log: Log, text: Uint8Array): SourceClaim {
  return { kind: 'claim', log, bytes: text, form: 'ct-over-dns' };
}
