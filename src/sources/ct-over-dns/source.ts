// SPDX-License-Identifier: Apache-2.0
/** CT-over-DNS as a source: answers to `sth.<zone>` IN TXT for the zones of known logs. */
import { ByteCursor, FormatError } from '../../base/cursor.ts';
import { encodeName, foldName, readName } from '../../dns/name.ts';
import type { Log } from '../../logs/log.ts';
import type { MatchPlace, MatchRules } from '../match-rules.ts';
import type { Refusal, Source, SourceClaim } from '../source.ts';
import { parseTreeHeadAnswer, textOfRdata, type DnsRefusal } from './answer.ts';

export const DNS_PORT = 53;
/** RFC 1035, Section 4.1.1. */
const DNS_HEADER = 12;

/** The name that a zone's tree head is published under, in wire format. */
export function treeHeadName(zone: string): Uint8Array {
  return encodeName(`sth.${zone}`);
}

export class CtOverDns implements Source {
  readonly name = 'ct-over-dns';
  readonly logs: readonly Log[];
  readonly matchRules: MatchRules;
  /** By the key of the name that carries the log's tree heads. */
  readonly #logs: ReadonlyMap<string, Log>;

  /**
   * `zones` leads from a zone (lower case, no last dot) to its log, as zonesOf returns it; `ports`
   * are those that DNS servers answer from.
   */
  constructor(zones: ReadonlyMap<string, Log>, ports: readonly number[] = [DNS_PORT]) {
    const names = Array.from(zones, ([zone, log]) => ({ name: treeHeadName(zone), log }));
    this.logs = [...new Set(zones.values())];
    this.matchRules = {
      udpSourcePorts: [...new Set(ports)],
      dnsNames: names.map(({ name }) => name),
    };
    this.#logs = new Map(names.map(({ name, log }) => [keyOf(name), log]));
  }

  read(message: Uint8Array): readonly SourceClaim[] | Refusal {
    const answer = parseTreeHeadAnswer(message);
    if (answer.kind === 'refused') return refuse(answer);
    const log = this.#logs.get(keyOf(answer.name));
    return log === undefined ? UNKNOWN_NAME : answer.texts.map((text) => claimOf(log, text));
  }

  readPlaced(frame: Uint8Array, place: MatchPlace): SourceClaim | Refusal {
    const { nameOffset, nameLength, rdataOffset, rdataLength } = place;
    const name = foldName(frame.subarray(nameOffset, nameOffset + nameLength));
    const log = this.#logs.get(keyOf(name));
    if (log === undefined) return UNKNOWN_NAME;
    return claimOf(log, textOfRdata(frame.subarray(rdataOffset, rdataOffset + rdataLength)));
  }

  recognises(start: Uint8Array): boolean {
    if (start.length < DNS_HEADER) return false;
    try {
      const cursor = new ByteCursor(start);
      cursor.skip(DNS_HEADER);
      return this.#logs.has(keyOf(foldName(readName(cursor))));
    } catch (error) {
      if (error instanceof FormatError) return false;
      throw error;
    }
  }
}

const UNKNOWN_NAME: Refusal = { kind: 'refused', reason: 'answer: unknown name' };

function claimOf(log: Log, text: Uint8Array): SourceClaim {
  return { kind: 'claim', log, bytes: text, form: 'ct-over-dns' };
}

function refuse({ reason }: DnsRefusal): Refusal {
  return { kind: 'refused', reason: `answer: ${reason}` };
}

function keyOf(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1');
}
