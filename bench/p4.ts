// SPDX-License-Identifier: Apache-2.0
/**
 * Throughput of bmv2's simple_switch: a router that looks at nothing, and ctga's program, on the
 * same frames from files. The two take turns, so that a machine that slows down slows both.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { encodeName } from '../src/dns/name.ts';
import {
  TRAFFIC_KINDS,
  trafficFrames,
  TRAFFIC_ZONES,
  type TrafficKind,
} from '../src/traffic/traffic.ts';
import { PROGRAM } from '../src/p4/compile.ts';
import { runSwitch } from '../test/support/simple-switch.ts';
import { median } from './statistics.ts';

const ROUTER = join(import.meta.dirname, 'baseline/router.p4');
const BUILD = resolve(import.meta.dirname, '../build/bench');

export interface P4Throughput {
  readonly kind: TrafficKind;
  /** Percent of frames that match. */
  readonly rate: number;
  /** Frames a second, the median of the rounds. */
  readonly router: number;
  readonly ctga: number;
  /** Median of the ratios, each of one round. */
  readonly ratio: number;
}

/** What of the tool chain is missing here; empty if nothing. */
export function missingP4Tools(): string[] {
  return ['p4c-bm2-ss', 'simple_switch'].filter(
    (tool) => spawnSync(tool, ['--version']).error !== undefined,
  );
}

export async function measureP4(
  rates: readonly number[],
  frames: number,
  rounds: number,
  onProgress: (what: string) => void,
): Promise<P4Throughput[]> {
  mkdirSync(BUILD, { recursive: true });
  const router = join(BUILD, 'router.json');
  execFileSync('p4c-bm2-ss', ['--std', 'p4-16', '-o', router, ROUTER]);
  const found: P4Throughput[] = [];
  for (const kind of TRAFFIC_KINDS) {
    for (const rate of rates) {
      onProgress(`${kind}, ${rate} % match`);
      const traffic = [...trafficFrames(kind, rate, frames)];
      const pairs: [number, number][] = [];
      for (let round = 0; round < rounds; round++)
        pairs.push([
          await perSecond(router, traffic, false),
          await perSecond(PROGRAM, traffic, true),
        ]);
      found.push({
        kind,
        rate,
        router: Math.round(median(pairs.map(([first]) => first))),
        ctga: Math.round(median(pairs.map(([, second]) => second))),
        ratio: median(pairs.map(([first, second]) => second / first)),
      });
    }
  }
  return found;
}

async function perSecond(
  program: string,
  frames: readonly Uint8Array[],
  isCtga: boolean,
): Promise<number> {
  const { forwarded, seconds } = await runSwitch(
    program,
    frames,
    async (plane) => {
      await plane.setRoutes(new Map([[0, 1]]));
      if (!isCtga) return;
      await plane.setAnswerPorts([53]);
      await plane.setSampling({ everyNth: 1, threshold: 400 });
      await plane.setKnownNames(TRAFFIC_ZONES.map((zone) => encodeName(`sth.${zone}`)));
    },
    () => Promise.resolve(),
  );
  if (forwarded.length !== frames.length)
    throw new Error(`${frames.length - forwarded.length} frames were lost`);
  return frames.length / seconds;
}
