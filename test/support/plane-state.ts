// SPDX-License-Identifier: Apache-2.0
import type { PlaneState } from '../../src/store/plane-state.ts';

/** What an observer writes of a plane into the store. */
export function planeState(changes: {
  readonly counters?: Readonly<Record<string, number>>;
  readonly settings?: Readonly<Record<string, number>>;
  readonly blindSince?: number | null;
}): PlaneState {
  const { counters = {}, settings = {}, blindSince = null } = changes;
  const usual = {
    threshold: 400,
    everyNth: 1,
    answersPerSecond: 50_000,
    fragmentsPerSecond: 50_000,
    answersShare: 1,
    fragmentsShare: 1,
  };
  return {
    mode: 'native',
    names: 32,
    counters: { ...counters },
    settings: { ...usual, ...settings },
    blindSince,
  };
}
