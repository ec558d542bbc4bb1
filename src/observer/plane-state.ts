// SPDX-License-Identifier: Apache-2.0
/** The state of a data plane, as its observer writes it down. */
import { processUsage } from '../base/process-usage.ts';
import type { DataPlane, DataPlaneCounters } from '../dataplane/types.ts';
import type { PlaneState } from '../store/plane-state.ts';

/** The present state of a plane; undefined for one that neither counts nor selects. */
export function planeStateOf(
  plane: DataPlane,
  names: number,
  blindSince: number | undefined,
): PlaneState | undefined {
  const [counters, settings] = [plane.counters(), plane.settings()];
  if (counters === undefined || settings === undefined) return undefined;
  const { cpuSeconds, residentBytes, openDescriptors, startTime } = processUsage();
  return {
    process: { pid: process.pid, cpuSeconds, residentBytes, openDescriptors, startTime },
    mode: plane.mode,
    names,
    counters: asNumbers(counters),
    settings,
    blindSince: blindSince ?? null,
  };
}

function asNumbers(counters: DataPlaneCounters): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counters).map(([name, count]: [string, bigint]) => [name, Number(count)]),
  );
}
