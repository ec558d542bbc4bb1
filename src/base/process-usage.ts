// SPDX-License-Identifier: Apache-2.0
/** What this process takes of the machine, for monitoring. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessUsage {
  /** User and system time, in seconds. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** Undefined where /proc does not say. */
  readonly openDescriptors: number | undefined;
  readonly maxDescriptors: number | undefined;
  /** When it was started, in seconds since the epoch. */
  readonly startTime: number;
}

export function processUsage(): ProcessUsage {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    openDescriptors: ifThere(() => readdirSync('/proc/self/fd').length),
    maxDescriptors: ifThere(() => {
      const limits = readFileSync('/proc/self/limits', 'utf8');
      return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1]);
    }),
    startTime: performance.timeOrigin / 1000,
  };
}

function ifThere(read: () => number): number | undefined {
  try {
    const number = read();
    return Number.isFinite(number) ? number : undefined;
  } catch {
    return undefined;
  }
}
