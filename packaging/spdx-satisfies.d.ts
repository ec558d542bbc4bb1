// SPDX-License-Identifier: Apache-2.0
/** npm's spdx-satisfies 6 has no types. */
declare module 'spdx-satisfies' {
  /** Whether one of these licenses is enough for an expression. An error if it is none. */
  export default function satisfies(expression: string, accepted: readonly string[]): boolean;
}
