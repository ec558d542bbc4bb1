/**
 * What an observer last knew of each of its data planes, for processes that may not look into the
 * kernel.
 */
export interface StoredPlane {
  /** The data plane's name. */
  readonly interface: string;
  /** JSON. */
  readonly state: string;
  readonly updated: number;
}

export interface PlaneStore {
  /** Replaces what is known of a data plane. */
  put(name: string, state: string, updated: number): void;

  /** By name. */
  all(): StoredPlane[];

  /**
   * Nobody misses this data plane from now on. Returns whether it was on record; idempotent.
   */
  forget(name: string): boolean;
}
