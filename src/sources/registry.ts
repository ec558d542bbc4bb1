// SPDX-License-Identifier: Apache-2.0
/** The sources that there are. A new source is a folder of its own and a line in `sourcesOf`. */
import type { Log } from '../logs/log.ts';
import { zonesOf, type ZoneOptions } from '../logs/zones.ts';
import { isCheckpointKey } from '../statements/key.ts';
import { checkpointName, CheckpointsOverDns } from './checkpoints/source.ts';
import { CtOverDns, treeHeadName } from './ct-over-dns/source.ts';
import type { Source } from './source.ts';

/**
 * All sources, for these logs. `ports` are the UDP source ports of DNS answers; 53 if undefined.
 * Throws CtgaError `bad-input` for zones that are malformed or of unknown logs.
 */
export function sourcesOf(
  logs: readonly Log[],
  zones: ZoneOptions,
  ports?: readonly number[],
): Source[] {
  const all = [...zonesOf(logs, zones)];
  const ofCheckpoints = all.filter(([, { key }]) => isCheckpointKey(key));
  const ofTreeHeads = all.filter(([, { key }]) => !isCheckpointKey(key));
  return [
    new CtOverDns(new Map(ofTreeHeads), ports),
    ...(ofCheckpoints.length > 0 ? [new CheckpointsOverDns(new Map(ofCheckpoints), ports)] : []),
  ];
}

/** The name, in wire format, that carries what the log of this zone signs last. */
export function headNameOf(zone: string, { key }: Pick<Log, 'key'>): Uint8Array {
  return isCheckpointKey(key) ? checkpointName(zone) : treeHeadName(zone);
}
