// SPDX-License-Identifier: Apache-2.0
/**
 * The status page in a real browser: at three widths, dark and light, without scripts, by keyboard,
 * checked by axe, and live.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { judgeWithoutProof } from '../../src/evidence/judge.ts';
import { keepEvidence } from '../../src/evidence/keep.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import { WebServer } from '../../src/web/server.ts';
import { ctga } from '../support/ctga.ts';
import { noChromium, openBrowser, type Browser } from '../support/chromium.ts';
import { planeState } from '../support/plane-state.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

/** Screenshots are left there, for people to look at. */
const SCREENSHOTS = resolve(import.meta.dirname, '../../build/screenshots');
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const DAY = 86_400_000;
/** What a log's owner may call it, and what must not become markup. */
const HOSTILE = '<img src=x onerror="document.title=\'owned\'">';

describe('the status page', { skip: noChromium }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const state = stateAt(join(directory, 'state'));
  const logs = [new SigningLog(), new SigningLog()] as const;
  let store: Store;
  let server: WebServer;
  let browser: Browser;
  let plain: Browser;
  let url: string;

  /** One tree head of a log, seen once; `tree` tells trees of one size apart. */
  function seen(log: SigningLog, size: number, at = Date.now(), tree = 'public'): void {
    const head = log.verified(size, treeOf(size, tree).root(), BigInt(at));
    store.heads.record([{ head, source: 'eth0', firstSeen: at, lastSeen: at, count: 1 }]);
  }

  before(async () => {
    mkdirSync(SCREENSHOTS, { recursive: true });
    store = openForWriting(state);
    store.logs.put([
      logs[0].asLog({ description: 'A log' }),
      logs[1].asLog({ description: HOSTILE }),
    ]);
    for (let day = 0; day < 30; day++)
      for (let i = 0; i <= day % 5; i++)
        seen(logs[day % 2 === 0 ? 0 : 1], day * 10 + i + 1, Date.now() - day * DAY);
    putPlane(null);
    store.counters.add('observer', { 'answer: not a tree head': 1234567 });
    const options = { state, address: '127.0.0.1', port: 0, hosts: [], version: '0' };
    server = await WebServer.start(options);
    url = `http://127.0.0.1:${server.port}/`;
    browser = await openBrowser();
    plain = await openBrowser({ javaScriptEnabled: false });
  });
  after(async () => {
    await browser.close();
    await plain.close();
    await server.stop();
    store.close();
    rmSync(directory, { recursive: true });
  });

  function putPlane(blindSince: number | null): void {
    const counters = {
      packets: 1_234_567,
      answersCopied: 42,
      fragmentsCopied: 7,
      answersRingFull: 3,
    };
    const settings = { answersShare: 0.5, fragmentsShare: 0.005 };
    store.planes.put('eth0', planeState({ counters, settings, blindSince }), Date.now());
  }

  /** A page whose every request went to the server, and whose scripts complained of nothing. */
  async function open(
    from: Browser = browser,
  ): Promise<{ page: Page; settle: () => Promise<void> }> {
    const page = await from.context.newPage();
    const faults: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    page.on('pageerror', (error) => void faults.push(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith('data:'))
        faults.push(request.url());
    });
    await page.goto(url);
    const settle = async (): Promise<void> => {
      await page.close();
      assert.deepEqual(faults, []);
    };
    return { page, settle };
  }

  test('says it all without scripts', async () => {
    const { page, settle } = await open(plain);
    const text = await page.locator('body').innerText();
    for (const said of [
      /No split view has been proven\. 90 tree heads seen, 1 of 1 interface watched now\./,
      /eth0\s+watched \(native\), \d+ s ago\s+1.234.567\s+42\s+7/,
      /answers 50 %, fragments 0\.50 %/,
      /A log/,
      /Reload the page to see what is new\./,
    ])
      assert.match(text, said);
    assert(text.includes(HOSTILE), 'what a log is called is text');
    assert.equal(await page.title(), 'ctga: no split view');
    await settle();
  });

  for (const [name, width] of [
    ['phone', 360],
    ['tablet', 768],
    ['desktop', 1440],
  ] as const)
    for (const colours of ['light', 'dark'] as const)
      test(`fits a ${name}, ${colours}, and axe finds no fault with it`, async () => {
        const { page, settle } = await open();
        await page.emulateMedia({ colorScheme: colours });
        await page.setViewportSize({ width, height: 900 });
        await page.waitForSelector('#chart canvas');
        // Wide tables scroll by themselves; the page does not.
        const wide = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
        assert(Number(wide) <= 0, `${String(wide)} pixels too wide`);
        await page.screenshot({
          path: join(SCREENSHOTS, `${name}-${colours}.png`),
          fullPage: true,
        });
        await page.evaluate(readFileSync(AXE, 'utf8'));
        const { violations } = await page.evaluate<{
          violations: { id: string; nodes: { html: string }[] }[];
        }>(
          "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })",
        );
        assert.deepEqual(
          violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`),
          [],
        );
        await settle();
      });

  test('can be used by keyboard, and what has focus keeps it when the page changes', async () => {
    const { page, settle } = await open();
    await page.waitForSelector('text=Live:');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate('document.activeElement.id'), 'main');
    await page.locator('#counts summary').focus();
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate("document.querySelector('#counts details').open"), true);
    store.counters.add('observer', { 'another reason': 1 });
    await page.waitForSelector('#counts >> text=another reason');
    assert.equal(await page.evaluate("document.querySelector('#counts details').open"), true);
    assert.equal(await page.evaluate('document.activeElement.tagName'), 'SUMMARY');
    await settle();
  });

  test('changes by itself: a tree head, a blind interface, and a split view, which it says aloud', async () => {
    const { page, settle } = await open();
    await page.waitForSelector('text=Live:');
    seen(logs[0], 4711);
    await page.waitForSelector('#recent >> text=4\u202f711');
    putPlane(Date.now());
    await page.waitForSelector('#interfaces >> text=blind');
    assert.equal((await fetch(`${url}healthz`)).status, 503);
    putPlane(null);

    seen(logs[0], 9000);
    seen(logs[0], 9000, Date.now(), 'victim');
    const [fork] = store.evidence.missing();
    assert(fork !== undefined);
    const judgement = judgeWithoutProof(...fork);
    assert(judgement?.verdict === 'fork-proven');
    const log = logs[0].asLog({ description: 'A log' });
    const path = keepEvidence(store, state.evidence, log, fork, judgement, Date.now());
    await page.waitForSelector('text=A log showed two trees');
    assert.equal(await page.title(), 'ctga: 1 split view proven');
    assert.equal(
      await page.locator('#announcement').textContent(),
      'A split view was proven: A log showed two trees.',
    );
    await page.screenshot({ path: join(SCREENSHOTS, 'split-view.png'), fullPage: true });

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: /^Download fork-/ }).click(),
    ]);
    const saved = join(directory, 'downloaded.json');
    await download.saveAs(saved);
    assert.deepEqual(readFileSync(saved), readFileSync(path ?? assert.fail()));
    const verified = await ctga(['evidence', 'verify', saved]);
    assert.equal(verified.code, 4, verified.stderr);
    await settle();
  });
});
