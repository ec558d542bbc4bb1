// SPDX-License-Identifier: Apache-2.0
/**
 * Makes the pictures of the status page in docs/page. Run: node --import tsx test/web/screenshots.ts
 * [directory]
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { WebServer } from '../../src/web/server.ts';
import { openBrowser } from '../support/chromium.ts';
import { Scene, SCENES } from './states.ts';

const PICTURES = [
  { name: 'all-well', scene: 'all-well', width: 1200, height: 900 },
  { name: 'nothing-seen', scene: 'nothing-seen', width: 1200, height: 700 },
  { name: 'split-view', scene: 'split-view', width: 1200, height: 1130 },
  { name: 'blind-and-lost', scene: 'blind-and-lost', width: 1200, height: 900 },
  { name: 'dark', scene: 'split-view', width: 1200, height: 1130, colorScheme: 'dark' },
  { name: 'phone', scene: 'split-view', width: 360, height: 780 },
] as const;

const directory = resolve(process.argv[2] ?? join(import.meta.dirname, '../../docs/page'));
const isWhole = process.argv.includes('--whole');
mkdirSync(directory, { recursive: true });
const browser = await openBrowser();
for (const { name, scene, width, height, ...how } of PICTURES) {
  const root = mkdtempSync(join(tmpdir(), 'ctga-page-'));
  const state = { ...stateAt(root), directory: '/var/lib/ctga' };
  const store = openForWriting(state);
  const drawn = new Scene(store, state);
  SCENES[scene]?.(drawn);
  const server = await WebServer.start({
    state,
    address: '127.0.0.1',
    port: 0,
    hosts: [],
    version: '0',
  });
  const page = await browser.context.newPage();
  await page.emulateMedia({ colorScheme: 'colorScheme' in how ? how.colorScheme : 'light' });
  await page.setViewportSize({ width, height });
  await page.goto(server.at.url);
  await page.waitForSelector('text=Live:');
  if (scene === 'blind-and-lost') {
    // Copies are lost between two looks.
    drawn.watch('eth1', null, 57);
    await page.waitForSelector('text=Copies of packets are lost');
  }
  await page.screenshot({ path: join(directory, `${name}.png`), fullPage: isWhole });
  await page.close();
  await server.stop();
  store.close();
  rmSync(root, { recursive: true });
}
await browser.close();
