/** What the addon is told in tests that use it directly. */
import type { XdpSettings } from '../../src/native/addon.ts';

import type { Addon } from '../../src/native/addon.ts';

/** The program as it is loaded to be run by hand. */
export const XDP_HERE = { hook: 'xdp', oldKernel: false, ports: [53] } satisfies Partial<
  Parameters<Addon['load']>[0]
>;

/** Copies every match, however often it comes. */
export const COPY_ALL: XdpSettings = {
  threshold: 400,
  everyNth: 1,
  wakeupBytes: 4096,
  seenMilliseconds: 0,
  answersPerSecond: 0,
  fragmentsPerSecond: 0,
  answersShare: 1,
  fragmentsShare: 1,
};
