// SPDX-License-Identifier: Apache-2.0
/** Where an auditor takes feedback (draft-linus-trans-gossip-ct-02, Section 5.1.2). */
export const AUDITOR_PATH = '/ct/v1/sct-feedback';

/**
 * Where an auditor takes feedback. One without a path has it where the draft puts it. Throws
 * TypeError for text that is no http(s) URL.
 */
export function auditorUrl(text: string): string {
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError('want https://');
  return url.pathname === '/' ? new URL(AUDITOR_PATH, url).href : url.href;
}
