// SPDX-License-Identifier: Apache-2.0
/**
 * Names as the chain has them: any bytes. They are held as strings of one character a byte, so that two names
 * are equal if their bytes are.
 */
declare const isName: unique symbol;
export type Name = string & { readonly [isName]: true };

export function nameOf(text: string): Name {
  return nameFrom(Buffer.from(text, 'utf8'));
}

export function nameFrom(bytes: Uint8Array): Name {
  return Buffer.from(bytes).toString('latin1') as Name;
}

export function bytesOfName(name: Name): Uint8Array {
  return Buffer.from(name, 'latin1');
}

/** As text; what is no UTF-8 is shown as U+FFFD. */
export function showName(name: Name): string {
  return Buffer.from(name, 'latin1').toString('utf8');
}
