// SPDX-License-Identifier: Apache-2.0
/** What can go wrong with what ctga keeps on disk: the store, evidence, what it published. */
import { CtgaError, messageOf } from '../base/errors.ts';

export type StoreErrorCode =
  /** It cannot be opened, read or written: the disk is full, for one, or a right is missing. */
  | 'store-failed'
  /** The database is damaged. Nothing of it was deleted. */
  | 'store-damaged';

export class StoreError extends CtgaError<StoreErrorCode> {}

export function isStoreFailure(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === 'store-failed';
}

const FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full, or has no inode left',
  EDQUOT: 'the quota of the disk is used up',
  EROFS: 'the disk is mounted read-only',
  EIO: 'the disk fails',
};

/** Why a disk does not take anything, as a clause. */
export function diskFault(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return FAULTS[code ?? ''] ?? messageOf(error);
}
