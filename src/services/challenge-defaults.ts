// SPDX-License-Identifier: Apache-2.0
/** What a challenger does unless somebody says otherwise. Help has it too, and loads nothing more. */

/** Megabytes that are fetched of a log in a day. */
export const DEFAULT_BUDGET_MB = 128;
/** Days for which hashes are kept. */
export const DEFAULT_WINDOW_DAYS = 14;
/** Blocks in a visit, and proofs in a direct challenge. */
export const DEFAULT_QUESTIONS = { blocks: 2, proofs: 4 } as const;
