// SPDX-License-Identifier: Apache-2.0
/**
 * One traceroute of RIPE Atlas, from its JSON. Pure.
 *
 * Every firmware's form is read as ripe-atlas-sagan reads it, with which the paper's figures were
 * made: packets that came late belong to an earlier hop and count for none, and a traceroute is
 * successful if a packet of its last hop has a round-trip time and no error. What sagan calls
 * malformed (a result that is no list, from before firmware 4460) is not read and said so; what is
 * no traceroute at all is a fault.
 */
import { Fault, parseJson, shown } from './fault.ts';

export interface Traceroute {
  /** The probe's number. */
  readonly probe: number;
  /** The probe's public address as the platform saw it; undefined if it is not known. */
  readonly from: string | undefined;
  /** Where it went; undefined if the name was not resolved. */
  readonly destination: string | undefined;
  readonly isSuccess: boolean;
  /** Every address that answered, once, in no order that means anything. */
  readonly addresses: readonly string[];
}

/** A result that sagan calls malformed: its hops are in a form that nobody reads any more. */
export const LEGACY = 'legacy';

/** Reads one line. Throws Fault if it is no traceroute of RIPE Atlas. */
export function parseTraceroute(line: string): Traceroute | typeof LEGACY {
  return readTraceroute(parseJson(line));
}

/** As parseTraceroute, for JSON that is read already. */
export function readTraceroute(result: unknown): Traceroute | typeof LEGACY {
  if (!isObject(result)) throw new Fault(`is ${shown(result)}, not the object of a result`);
  // What ripe-atlas-sagan takes for a result has these.
  for (const key of ['timestamp', 'msm_id', 'prb_id', 'fw', 'type'])
    if (!(key in result)) throw new Fault(`is no result of RIPE Atlas: it has no "${key}"`);
  const { type, prb_id: probe, result: hops } = result;
  if (typeof type !== 'string' || type.toLowerCase() !== 'traceroute')
    throw new Fault(`has the type ${shown(type)}: want "traceroute"`);
  if (typeof probe !== 'number' || !Number.isSafeInteger(probe) || probe < 0)
    throw new Fault(`has the probe ${shown(probe)}, which is no number of a probe`);
  if (!Array.isArray(hops)) return LEGACY;
  const addresses = new Set<string>();
  let isSuccess = false;
  for (let i = 0; i < hops.length; i++) {
    const hop: unknown = hops[i];
    if (!isObject(hop)) throw new Fault(`has the hop ${shown(hop)}, which is no object`);
    const packets = hop['result'] ?? [];
    if (!Array.isArray(packets)) throw new Fault(`has a hop of ${shown(packets)}: want a list`);
    for (const packet of packets as readonly unknown[]) {
      if (!isObject(packet)) throw new Fault(`has the packet ${shown(packet)}, which is no object`);
      if ('late' in packet) continue;
      const from = addressOf(packet, 'from');
      if (from !== undefined) addresses.add(from);
      if (i === hops.length - 1) isSuccess ||= hasTime(packet) && !hasError(packet);
    }
  }
  return {
    probe,
    from: addressOf(result, 'from') ?? addressOf(result, 'src_addr'),
    destination: addressOf(result, 'dst_addr'),
    isSuccess,
    addresses: [...addresses],
  };
}

function addressOf(object: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = object[key];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new Fault(`has the address ${shown(value)} in "${key}"`);
  // Where a host names the interface of a link-local address, it does so behind the address.
  return value.replace(/%.*$/, '');
}

/** sagan's float(): a number, or text that is one; 0 and what is none count for nothing. */
function hasTime({ rtt }: Readonly<Record<string, unknown>>): boolean {
  const time = typeof rtt === 'string' && rtt.trim() !== '' ? Number(rtt) : rtt;
  return typeof time === 'number' && time !== 0 && !Number.isNaN(time);
}

/** Errors are letters or, from numbers of ICMP codes that have none, numbers; 0 is one too. */
function hasError({ err }: Readonly<Record<string, unknown>>): boolean {
  return err !== undefined && err !== '';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
