// SPDX-License-Identifier: Apache-2.0
/**
 * What an observer last knew of each of its data planes, for processes that may not look into the
 * kernel.
 */
import type { PlaneState } from './plane-state.ts';

export interface StoredPlane {
  /** The data plane's name. */
  readonly interface: string;
  readonly state: PlaneState;
  /** When its observer last wrote, in ms since the epoch. */
  readonly updated: number;
}

export interface PlaneStore {
  /** Replaces what is known of a data plane. */
  put(name: string, state: PlaneState, updated: number): void;

  /** By name. Leaves out a plane whose state another version of ctga wrote in another form. */
  all(): StoredPlane[];

  /**
   * Removes a data plane, so that nobody is alerted because no observer watches it. Returns whether
   * it was on record. Idempotent.
   */
  forget(name: string): boolean;
}
