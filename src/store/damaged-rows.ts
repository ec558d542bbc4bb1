// SPDX-License-Identifier: Apache-2.0
/** A row of the store that is not what was written into it: see HeadStore.setAside. */
export interface DamagedRow {
  readonly kind: 'tree' | 'head';
  readonly id: number;
}
