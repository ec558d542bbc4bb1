// SPDX-License-Identifier: Apache-2.0
/** What is done at intervals while data planes are watched. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, mock, test } from 'node:test';

import type { DataPlane } from '../../src/dataplane/types.ts';
import { Observer } from '../../src/observer/observer.ts';
import { watch } from '../../src/observer/watch.ts';
import { memoryStore } from '../../src/store/state.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

test('keys are drawn anew once a minute, after the rules were set, whatever fails', async () => {
  const done: string[] = [];
  const planeOf = (interfaceName: string): DataPlane => ({
    interfaceName,
    mode: 'fake',
    tookOver: false,
    keepsSeenEntries: true,
    setMatchRules: () => void done.push(`${interfaceName}: rules`),
    redrawKeys() {
      done.push(`${interfaceName}: keys`);
      if (interfaceName === 'first') throw new Error('out of memory');
    },
    counters: () => undefined,
    seen: () => [],
    copyBudget: () => undefined,
    setCopyBudget: () => undefined,
    settings: () => undefined,
    start: () => undefined,
    stop: () => Promise.resolve(),
    close: () => undefined,
    detach: () => undefined,
  });
  const store = memoryStore();
  const observer = new Observer({
    sources: [],
    store,
    evidenceDirectory: directory,
    onEvent: () => undefined,
  });
  const stop = new AbortController();
  mock.timers.enable({ apis: ['setInterval'] });
  try {
    const watching = watch(['first', 'second'].map(planeOf), observer, store, stop.signal);
    const rules = ['first: rules', 'second: rules'];
    const keys = ['first: keys', 'second: keys'];
    mock.timers.tick(59_000);
    assert.deepEqual(done, rules);
    mock.timers.tick(61_000);
    assert.deepEqual(done, [...rules, ...keys, ...keys]);
    stop.abort();
    await watching;
    mock.timers.tick(600_000);
    assert.equal(done.length, 6);
  } finally {
    mock.timers.reset();
  }
});
