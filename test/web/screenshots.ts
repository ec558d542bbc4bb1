// SPDX-License-Identifier: Apache-2.0
/**
 * Makes the pictures of the status page in docs/page. Run: node --import tsx test/web/screenshots.ts
 * [directory] [name...]: all pictures, or those named
 */
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { openForWriting, stateAt, type State } from '../../src/store/state.ts';
import { WebServer } from '../../src/web/server.ts';
import { openBrowser } from '../support/chromium.ts';
import { Scene, SCENES } from './states.ts';

const NOBODY = 65534;
/** What becomes of a store before it is looked at; returns what undoes it. */
const damage = ({ database }: State): (() => void) => {
  renameSync(database, `${database}.aside`);
  writeFileSync(database, 'no database '.repeat(1000));
  return () => undefined;
};
const close = ({ database }: State): (() => void) => {
  const user = process.geteuid?.() ?? 0;
  chmodSync(dirname(database), 0);
  // Root may read everything.
  if (user === 0) process.seteuid?.(NOBODY);
  return () => {
    if (user === 0) process.seteuid?.(0);
    chmodSync(dirname(database), 0o700);
  };
};

const PICTURES = [
  { name: 'all-well', scene: 'all-well', width: 1200, height: 900 },
  { name: 'nothing-seen', scene: 'nothing-seen', width: 1200, height: 700 },
  { name: 'split-view', scene: 'split-view', width: 1200, height: 1130 },
  { name: 'blind-and-lost', scene: 'blind-and-lost', width: 1200, height: 900 },
  { name: 'damaged-store', scene: 'all-well', width: 1200, height: 400, spoil: damage },
  { name: 'unreadable-store', scene: 'all-well', width: 1200, height: 400, spoil: close },
  { name: 'dark', scene: 'split-view', width: 1200, height: 1130, colorScheme: 'dark' },
  { name: 'fleet', scene: 'fleet-split', width: 1200, height: 1250 },
  { name: 'sites', scene: 'fleet-split', path: 'sites', width: 1200, height: 1130 },
  { name: 'sites-phone', scene: 'fleet-split', path: 'sites', width: 360, height: 780 },
  { name: 'phone', scene: 'split-view', width: 360, height: 780 },
] as const;

const names = process.argv.slice(3).filter((each) => !each.startsWith('--'));
const directory = resolve(process.argv[2] ?? join(import.meta.dirname, '../../docs/page'));
const isWhole = process.argv.includes('--whole');
mkdirSync(directory, { recursive: true });
const browser = await openBrowser();
for (const { name, scene, width, height, ...how } of PICTURES) {
  if (names.length > 0 && !names.includes(name)) continue;
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
  const mend = 'spoil' in how ? how.spoil(state) : undefined;
  await page.emulateMedia({ colorScheme: 'colorScheme' in how ? how.colorScheme : 'light' });
  await page.setViewportSize({ width, height });
  await page.goto(`${server.at.url}${'path' in how ? how.path : ''}`);
  await page.waitForSelector('text=Live:');
  if (scene === 'blind-and-lost') {
    // Copies are lost between two looks.
    drawn.watch('eth1', null, 57);
    await page.waitForSelector('text=Copies of packets are lost');
  }
  if (mend !== undefined)
    await page.evaluate(`for (const each of document.querySelectorAll('.verdict-details p'))
      each.textContent = each.textContent.replaceAll('${root}', '/var/lib/ctga')`);
  const picture = await page.screenshot({ fullPage: isWhole });
  mend?.();
  writeFileSync(join(directory, `${name}.png`), picture);
  await page.close();
  await server.stop();
  store.close();
  rmSync(root, { recursive: true });
}
await browser.close();
