// SPDX-License-Identifier: Apache-2.0
/**
 * The status page in a real browser: in each of its states, from the narrowest phone to the widest
 * screen, dark and light, without scripts, by keyboard, checked by axe, and live.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { WebServer } from '../../src/web/server.ts';
import { ctga } from '../support/ctga.ts';
import { noChromium, openBrowser, type Browser } from '../support/chromium.ts';
import { HOSTILE, Scene, SCENES } from './states.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WIDTHS = [320, 360, 375, 768, 780, 820, 1024, 1440, 1920, 2560];
/** The lowest screen of a phone. */
const HEIGHT = 568;

/** What is looked at in a state, beside the first page. */
const PATHS: Readonly<Record<string, readonly string[]>> = {
  'nothing-seen': ['', 'evidence', 'logs', 'sites'],
  extremes: ['', 'evidence', 'logs'],
  'fleet-extremes': ['', 'evidence', 'sites', 'sites?page=20'],
};

/** A server for a store in one of the states. */
class Served {
  readonly scene: Scene;
  readonly url: string;
  readonly #server: WebServer;

  private constructor(scene: Scene, server: WebServer) {
    this.scene = scene;
    this.#server = server;
    this.url = server.at.url;
  }

  static async start(name: string, t: TestContext): Promise<Served> {
    const state = stateAt(join(mkdtempSync(join(tmpdir(), 'ctga-test-')), 'state'));
    const scene = new Scene(openForWriting(state), state);
    (SCENES[name] ?? assert.fail(name))(scene);
    const options = { state, address: '127.0.0.1', port: 0, hosts: [], version: '0' };
    const served = new Served(scene, await WebServer.start(options));
    t.after(() => served.#stop());
    return served;
  }

  /** A page whose every request went to the server, and whose scripts complained of nothing. */
  async open(from: Browser, path = ''): Promise<{ page: Page; settle: () => Promise<void> }> {
    const page = await from.context.newPage();
    const faults: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    page.on('pageerror', (error) => void faults.push(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith(this.url)) faults.push(request.url());
    });
    await page.goto(`${this.url}${path}`);
    const settle = async (): Promise<void> => {
      await page.close();
      assert.deepEqual(faults, []);
    };
    return { page, settle };
  }

  async #stop(): Promise<void> {
    await this.#server.stop();
    this.scene.store.close();
    rmSync(join(this.scene.state.directory, '..'), { recursive: true });
  }
}

/**
 * Runs in the page. Returns what of it cannot be read: text that is outside the window or the box
 * that it is in, words of usual length that are broken, labels of a picture that lie over each
 * other, log names on two lines; and where the verdict ends.
 */
const LOOK = `(() => {
  const faults = [];
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide > 0) faults.push('the page is ' + wide + ' pixels too wide');
  const shown = (element) => element.checkVisibility() && element.closest('.hidden, .skip') === null;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
    const parent = node.parentElement;
    if (node.data.trim() === '' || !shown(parent) || parent.closest('script, title') !== null) continue;
    const range = document.createRange();
    for (const { index, 0: word } of node.data.matchAll(/--[a-z][\\w-]*|[^\\s-]+-?/g)) {
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const boxes = [...range.getClientRects()].filter(({ width }) => width > 0);
      const all = word + ' in ' + parent.outerHTML.slice(0, 80);
      for (const { left, right } of boxes)
        if (left < -0.5 || right > innerWidth + 0.5) faults.push('outside the window: ' + all);
      const isOne = new Set(boxes.map(({ top }) => Math.round(top / 4))).size < 2;
      if (!isOne && word.length <= 20 && parent.closest('code') === null) faults.push('broken: ' + all);
      const around = parent.closest('td, th, .card, .verdict, .fact, .tree, p, li')?.getBoundingClientRect();
      for (const { left, right } of boxes)
        if (around !== undefined && (left < around.left - 1 || right > around.right + 1))
          faults.push('outside its box: ' + all);
    }
  }
  for (const element of document.querySelectorAll('main *'))
    if (shown(element) && getComputedStyle(element).overflowX !== 'visible'
        && !element.closest('svg') && element.scrollWidth > element.clientWidth + 1)
      faults.push('cut off: ' + element.outerHTML.slice(0, 80));
  for (const picture of document.querySelectorAll('svg[role=img]')) {
    const labels = [...picture.querySelectorAll('text')].filter(shown).map((text) => text.getBoundingClientRect());
    for (const [i, a] of labels.entries())
      for (const b of labels.slice(i + 1))
        if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
          faults.push('labels lie over each other: ' + picture.textContent);
  }
  for (const name of document.querySelectorAll('.name'))
    if (shown(name) && name.textContent.trim().length < 36 && name.getClientRects().length > 0) {
      const range = document.createRange();
      range.selectNodeContents(name);
      const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
      if (lines.size > 1) faults.push('a name on two lines: ' + name.textContent);
    }
  const verdict = document.querySelector('h1').getBoundingClientRect();
  return { faults: [...new Set(faults)].slice(0, 20), end: verdict.bottom };
})()`;

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations: found } = await page.evaluate<{
    violations: { id: string; nodes: { html: string }[] }[];
  }>(
    "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })",
  );
  return found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
}

describe('the status page', { skip: noChromium }, () => {
  let browser: Browser;
  let plain: Browser;
  before(async () => {
    browser = await openBrowser();
    plain = await openBrowser({ javaScriptEnabled: false });
  });
  after(async () => {
    await browser.close();
    await plain.close();
  });

  for (const name of Object.keys(SCENES))
    test(`${name}: all of it can be read at every width, and axe finds no fault with it`, async (t) => {
      const served = await Served.start(name, t);
      for (const path of PATHS[name] ?? ['', ...(name.startsWith('fleet-') ? ['sites'] : [])]) {
        const { page, settle } = await served.open(browser, path);
        await page.evaluate(
          "document.querySelectorAll('details').forEach((each) => (each.open = true))",
        );
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: HEIGHT });
          const { faults, end } = await page.evaluate<{ faults: string[]; end: number }>(LOOK);
          assert.deepEqual(faults, [], `${name}/${path} at ${width}`);
          assert(end <= HEIGHT, `${name}/${path} at ${width}: the verdict ends at ${end}`);
        }
        for (const [colorScheme, width] of [
          ['light', 320],
          ['dark', 360],
          ['light', 820],
          ['dark', 1440],
        ] as const) {
          await page.emulateMedia({ colorScheme });
          await page.setViewportSize({ width, height: HEIGHT });
          assert.deepEqual(
            await violations(page),
            [],
            `${name}/${path} ${colorScheme} at ${width}`,
          );
        }
        await settle();
      }
    });

  /** What each state says without scripts, and what it must not say. */
  const said: Readonly<Record<string, { title: string; is: RegExp[]; isNot?: RegExp[] }>> = {
    'nothing-seen': {
      title: 'ctga: nothing seen yet',
      is: [
        /Nothing has been seen yet/,
        /sudo ctga attach eth0 --state-dir \S+\/state/,
        /sudo ctga lab run/,
      ],
      isNot: [/consistent history/, /fit together/, /No split view is proven/],
    },
    'not-asked': {
      title: 'ctga: no verdict yet',
      is: [/No verdict yet/, /111 tree heads were seen/, /sudo ctga challenge --once --state-dir/],
      isNot: [/fit together/, /No split view is proven/, /append-only history/],
    },
    'all-well': {
      title: 'ctga: no split view',
      is: [
        /No split view is proven/,
        /105 of 111 trees seen are proven to belong to their log’s one append-only history; 6 wait for a proof\. 2 interfaces are watched\./,
        /2 of 2\s+interfaces watched/,
        /Example 'Alder2026h2' log/,
        /Reload to see what is new\./,
      ],
    },
    'split-view': {
      title: 'ctga: 1 split view proven',
      is: [
        /^Skip[^]*UTC\s+A split view is proven[^]*Example 'Birch2026h2' log signed trees that no append-only log can have together/,
        /It signed both, of one size and with different roots/,
        /ctga evidence verify fork-[0-9a-f]+-301-301-[0-9a-f]+\.json --state-dir \S+\s+sh verify-evidence\.sh fork-/,
      ],
    },
    'blind-and-lost': {
      title: 'ctga: 2 things to look at',
      is: [
        /2 things need attention/,
        /ctga has seen no packet of eth0/,
        /No split view is proven/,
        /Lost, ring full\s+21/,
      ],
    },
    'fleet-without-sites': {
      title: 'ctga: nothing seen yet',
      is: [/No site is in the fleet example yet/, /ctga fleet join router1 --dir fleet/],
      isNot: [/attach eth0/],
    },
    'fleet-not-heard': {
      title: 'ctga: nothing seen yet',
      is: [
        /No site of the fleet is heard yet/,
        /ctga fleet publish --bus tls:/,
        /0 of 2\s+sites heard/,
      ],
      isNot: [/attach eth0/],
    },
    'fleet-split': {
      title: 'ctga: 1 split view proven',
      is: [
        /48 of 50\s+sites heard/,
        /at 14 of 50 sites/,
        /at 3 of 50 sites/,
        /Look at fra2, gva1, hel3: ctga fleet status --state-dir/,
        /None is watched from here: what is in this store comes from the sites/,
      ],
    },
    'fleet-site': {
      title: 'ctga: no split view',
      is: [/told to the fleet example, as the site ams1/, /hub: last heard/, /hub2: never heard/],
    },
    extremes: {
      title: 'ctga: 4 split views proven',
      is: [
        /4 split views are proven/,
        /The evidence file is gone/,
        /an impossible time/,
        /unknown log/,
      ],
    },
  };
  for (const [name, { title, is, isNot = [] }] of Object.entries(said))
    test(`${name}: says it all without scripts`, async (t) => {
      const served = await Served.start(name, t);
      const { page, settle } = await served.open(plain);
      const text = await page.locator('body').innerText();
      for (const each of is) assert.match(text, each);
      for (const each of isNot) assert.doesNotMatch(text, each);
      assert.equal(await page.title(), title);
      if (name === 'extremes') assert(text.includes(HOSTILE), 'what a log is called is text');
      await settle();
    });

  test('an option that somebody is told to give is on one line, at whatever width', async (t) => {
    const served = await Served.start('blind-and-lost', t);
    const { page, settle } = await served.open(browser);
    await page.waitForSelector('text=Live:');
    // Copies are lost between two looks.
    served.scene.watch('eth1', null, 57);
    await page.waitForSelector('text=--budget');
    for (let width = 320; width <= 1200; width += 16) {
      await page.setViewportSize({ width, height: HEIGHT });
      const { faults } = await page.evaluate<{ faults: string[] }>(LOOK);
      assert.deepEqual(faults, [], `${width} pixels`);
    }
    await settle();
  });

  test('the pictures say in words what they show', async (t) => {
    const served = await Served.start('split-view', t);
    const { page, settle } = await served.open(plain);
    const pictures = await page.evaluate<string[]>(
      "[...document.querySelectorAll('svg[role=img]')].map((each) => each.ariaLabel)",
    );
    assert.equal(
      pictures[0],
      "A line that splits in two. Example 'Birch2026h2' log has two trees of one size, 301, with different roots. Before them, 3 trees of one proven history: size 276, 288, 300.",
    );
    assert.equal(
      pictures[1],
      "Example 'Birch2026h2' log: 1 tree proven a fork, 23 trees proven consistent, 1 tree without a verdict.",
    );
    await settle();
  });

  test('which site saw which tree: a split view is seen at once, and said in words', async (t) => {
    const served = await Served.start('fleet-split', t);
    const { page, settle } = await served.open(plain);
    const strips = await page.evaluate<{ label: string; good: number; alarm: number }[]>(
      `[...document.querySelectorAll('#splits .strip')].map((each) => ({
        label: each.ariaLabel,
        good: each.querySelectorAll('.cell.good').length,
        alarm: each.querySelectorAll('.cell.alarm').length,
      }))`,
    );
    assert.deepEqual(strips, [
      {
        label:
          'Size 301, consistent: seen at 14 of 50 sites: ams1, ams4, ber2, ber5, cph3, dub1, dub4, edi2, edi5, fra3, gva1, gva4 and 2 more.',
        good: 14,
        alarm: 0,
      },
      {
        label: 'Size 301, fork-proven: seen at 3 of 50 sites: dub1, dub2, edi4.',
        good: 0,
        alarm: 3,
      },
    ]);
    await page.locator('.at-sites summary').click();
    assert.match(
      await page.locator('.at-sites').innerText(),
      /at 3 of 50 sites:\s+dub1\s+dub2\s+edi4/,
    );
    await page.getByRole('link', { name: 'Which of the 50 sites saw which tree' }).click();
    const text = await page.locator('body').innerText();
    assert.match(text, /50 sites of the fleet example/);
    assert.match(text, /hel3\s+heard[^]*?Refused\s+7|hel3\s+heard\s+[^\n]*\s7\s/);
    // Of each log the trees that sites saw, and the log that forked before the others.
    assert.equal(await page.locator('.matrix-row').count(), 6 * 2 + 1);
    assert.deepEqual(
      (await page.locator('#sites .matrix').first().locator('.matrix-words').allInnerTexts()).map(
        (words) => words.replaceAll(/\s+/g, ' ').replace(/ [0-9a-f]{8} /, ' '),
      ),
      [
        'Size 301 consistent at 14 of 50 sites',
        'Size 301 fork-proven at 3 of 50 sites',
        'Size 408 pending at 40 of 50 sites',
      ],
    );
    assert.equal(await page.locator('#sites h3').first().innerText(), "Example 'Birch2026h2' log");
    assert.match(text, /fra2\s+silent/);
    assert.match(text, /eth0 \d+, eth1 \d+/);
    await settle();
  });

  test('every site can be reached, one page after the other, and a page that is not there is none', async (t) => {
    const served = await Served.start('fleet-extremes', t);
    const found = new Set<string>();
    let path: string | undefined = 'sites';
    while (path !== undefined) {
      const text = await (await fetch(`${served.url}${path}`)).text();
      for (const [name] of text.matchAll(/(?<=<th role="rowheader"[^>]*>\s*)w{28}\d{4}/g))
        found.add(name);
      path = /href="\/(sites\?page=\d+)"[^>]*>Next</.exec(text)?.[1];
    }
    assert.equal(found.size, 1000);
    assert.equal((await fetch(`${served.url}sites?page=21`)).status, 404);
  });

  test('can be used by keyboard, and what has focus keeps it when the page changes', async (t) => {
    const served = await Served.start('all-well', t);
    const { page, settle } = await served.open(browser);
    await page.waitForSelector('text=Live:');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate('document.activeElement.id'), 'main');
    await page.locator('#counts summary').focus();
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate("document.querySelector('#counts details').open"), true);
    served.scene.store.counters.add('observer', { 'another reason': 1 });
    await page.waitForSelector('#counts >> text=another reason');
    assert.equal(await page.evaluate("document.querySelector('#counts details').open"), true);
    assert.equal(await page.evaluate('document.activeElement.tagName'), 'SUMMARY');
    await settle();
  });

  test('changes by itself: a tree head, a blind interface, and a split view, which it says aloud', async (t) => {
    const served = await Served.start('all-well', t);
    const { scene, url } = served;
    const { page, settle } = await served.open(browser);
    await page.waitForSelector('text=Live:');
    scene.see(0, 4711, Date.now());
    await page.waitForSelector('#recent >> text=4\u202f711');
    scene.watch('eth0', Date.now());
    await page.waitForSelector('#verdict >> text=1 thing needs attention');
    assert.equal((await fetch(`${url}healthz`)).status, 503);
    scene.watch('eth0');

    const path = scene.split(0, 900, Date.now());
    await page.waitForSelector('text=log showed two trees');
    assert.equal(await page.title(), 'ctga: 1 split view proven');
    assert.equal(
      await page.locator('#announcement').textContent(),
      "A split view was proven: Example 'Alder2026h2' log showed two trees.",
    );
    assert.equal(await page.locator('link[rel=icon]').getAttribute('href'), '/assets/alarm.svg');

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: /^Download the evidence/ }).click(),
    ]);
    const saved = join(scene.state.directory, 'downloaded.json');
    await download.saveAs(saved);
    assert.deepEqual(readFileSync(saved), readFileSync(path));
    const verified = await ctga(['evidence', 'verify', saved]);
    assert.equal(verified.code, 4, verified.stderr);
    await settle();
  });
});
