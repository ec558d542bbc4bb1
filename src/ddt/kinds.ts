// SPDX-License-Identifier: Apache-2.0
/** What the commands are called: those of version 1 in the order of their first bytes. Pure. */
export const KINDS = [
  'register-root-key',
  'replace-root-key',
  'delete-root-key',
  'register-key',
  'delete-key',
  'register-metadata',
  'delete-metadata',
] as const;
export type Kind = (typeof KINDS)[number];
export type OriginalKind = Exclude<Kind, 'replace-root-key'>;

/** Those of the original, of which the first byte is the place here: it cannot replace a root key. */
export const ORIGINAL_KINDS = KINDS.filter(
  (kind): kind is OriginalKind => kind !== 'replace-root-key',
);
