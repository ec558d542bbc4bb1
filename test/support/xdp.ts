/** What the addon is told in tests that use it directly. */
import type { XdpSettings } from '../../src/dataplane/addon.ts';

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
