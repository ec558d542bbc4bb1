// SPDX-License-Identifier: Apache-2.0
/** Figures and the page: what is in them, that they stand alone, and that everybody can read them. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { drawFigures, noteOf, renderPage, sectionsOf } from '../../src/impact/draw.ts';
import type { Figures } from '../../src/impact/figures.ts';
import { noChromium, openBrowser } from '../support/chromium.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const rising = Array.from({ length: 1024 }, (_, i) => Math.log2(i + 1) / 10);
function figures(kind: Figures['kind'], name: string): Figures {
  const series = (values: readonly number[]) =>
    kind === 'measured'
      ? { values }
      : { values, low: values.map((v) => v * 0.9), high: values.map((v) => Math.min(1, v * 1.1)) };
  return {
    kind,
    runs: kind === 'model' ? 11 : 1,
    targets: [
      {
        name,
        clients: 3512,
        space: 1e9,
        spaceShare: 0.4,
        lengths: [{ actor: 'AS', series: series([0, 0.27, 0.518, 0.157, 0.05, 0.005]) }],
        stability: [{ actor: 'AS', series: series([0.852, 0.1, 0.03, 0.01, 0.008]) }],
        coverage: (['popularity', 'rank file', 'hegemony', 'greedy cover'] as const).map((by) => ({
          actor: 'AS',
          by,
          clients: series(rising),
          space: series(rising),
          first: [3356, 1299],
        })),
      },
    ],
  };
}

describe('a figure', () => {
  for (const kind of ['measured', 'model'] as const) {
    const drawn = drawFigures(figures(kind, 'google'));
    test(`${kind}: has its axes, a logarithmic scale and a legend`, () => {
      assert.deepEqual(
        drawn.map(({ id }) => id),
        ['path-length', 'path-stability', 'client-coverage-google', 'space-coverage-google'],
      );
      const [, , cover] = drawn.map(({ svg }) => svg.text);
      // Powers of two are equally far from each other.
      const places = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024].map((n) =>
        Number(new RegExp(`<text x="([\\d.]+)"[^>]*>${n}</text>`).exec(cover ?? '')?.[1]),
      );
      const steps = places.slice(1).map((x, i) => x - (places[i] ?? 0));
      for (const step of steps) assert(Math.abs(step - (steps[0] ?? 0)) < 0.2, places.join());
      for (const name of ['popularity', 'rank file', 'hegemony', 'greedy cover'])
        assert.match(cover ?? '', new RegExp(`>AS, by ${name}</text>`));
      for (const { svg } of drawn) {
        assert.match(svg.text, /^<svg\s+xmlns=/);
        assert.doesNotMatch(svg.text, /NaN|undefined|href|<script|<style|url\((?!#)/);
      }
    });
    test(`${kind}: says whether it is a model's, with its band`, () => {
      for (const { svg, title } of drawn) {
        assert.equal(/\(model\)/.test(title), kind === 'model');
        assert.equal(/Model, not measured: .* band over ties/.test(svg.text), kind === 'model');
      }
    });
  }

  test('stands for what it is given, whatever names are in it', () => {
    for (const { svg } of drawFigures(figures('model', '<&">'))) {
      assert.doesNotMatch(svg.text, /<&/);
      assert.doesNotMatch(svg.text, /"<|">">/);
    }
  });
});

describe('the page', { skip: noChromium }, () => {
  for (const kind of ['measured', 'model'] as const)
    test(`${kind}: needs nothing else, fits, and axe has no complaint`, async () => {
      const all = figures(kind, 'google');
      const file = join(directory, `${kind}.html`);
      writeFileSync(
        file,
        renderPage(noteOf(all), drawFigures(all), sectionsOf(all), 'ctga impact simulate'),
      );
      const browser = await openBrowser();
      try {
        const page = await browser.context.newPage();
        const asked: string[] = [];
        page.on('request', (request) => asked.push(request.url()));
        for (const width of [320, 1024]) {
          await page.setViewportSize({ width, height: 700 });
          await page.goto(pathToFileURL(file).href);
          const wide = await page.evaluate(
            'document.documentElement.scrollWidth - document.documentElement.clientWidth',
          );
          assert.equal(wide, 0, `${width}`);
        }
        assert.deepEqual([...new Set(asked)], [pathToFileURL(file).href]);
        assert.equal(await page.locator('figure svg').count(), 4);
        await page.evaluate(AXE);
        const { violations } = await page.evaluate<{
          violations: { id: string; nodes: { html: string }[] }[];
        }>('axe.run()');
        assert.deepEqual(
          violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`),
          [],
        );
      } finally {
        await browser.close();
      }
    });
});
