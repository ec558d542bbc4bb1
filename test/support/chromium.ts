// SPDX-License-Identifier: Apache-2.0
/** Debian's Chromium, headless, that reaches this machine alone. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext } from 'playwright-core';

const PATH = '/usr/bin/chromium';

/** `skip` value for node:test. */
export const noChromium: false | string = existsSync(PATH)
  ? false
  : 'the page is NOT tried in a browser: there is no /usr/bin/chromium (sudo npm run setup)';

export interface Browser {
  readonly context: BrowserContext;
  readonly close: () => Promise<void>;
}

export async function openBrowser(
  options: { readonly javaScriptEnabled?: boolean } = {},
): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'ctga-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    ...options,
    executablePath: PATH,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
