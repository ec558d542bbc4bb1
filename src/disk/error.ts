// SPDX-License-Identifier: Apache-2.0
/** What can go wrong with what ctga keeps on disk: the store, evidence, what it published. */
import { CtgaError } from '../base/errors.ts';

export type StoreErrorCode =
  /** It cannot be opened, read or written: the disk is full, for one, or a right is missing. */
  | 'store-failed'
  /** The database is damaged. Nothing of it was deleted. */
  | 'store-damaged';

export class StoreError extends CtgaError<StoreErrorCode> {}

/** `store-damaged`, of a database that one program keeps beside the store, which is not damaged by it. */
export class DamagedBesideError extends StoreError {}

export function isStoreFailure(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === 'store-failed';
}
