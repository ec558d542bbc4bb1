// SPDX-License-Identifier: Apache-2.0
/** A switch that understood what it was asked, and refuses it. */
export class SwitchRefusal extends Error {
  /** What was to be added is there already. */
  readonly isDuplicate: boolean;
  /** What was to be read or removed is not there. */
  readonly isAbsent: boolean;

  constructor(message: string, { isDuplicate = false, isAbsent = false } = {}) {
    super(message);
    this.isDuplicate = isDuplicate;
    this.isAbsent = isAbsent;
  }
}
