// SPDX-License-Identifier: Apache-2.0
/**
 * What lies where ctga pins its maps, and is not what this version pinned: the addon says so, and
 * neither reads nor writes past its own memory, which `npm run test:sanitized` would see.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { xdpObjectPath } from '../../src/dataplane/xdp-object.ts';
import { addon, isNativeError } from '../../src/native/addon.ts';
import { fc } from '../support/random.ts';

interface Layout {
  readonly type: string;
  readonly key: number;
  readonly value: number;
  readonly entries: number;
}

const bpftool = (...words: readonly string[]): string =>
  execFileSync('bpftool', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

describe('maps pinned by somebody else', () => {
  const root = mkdtempSync('/sys/fs/bpf/damage-');
  /** The pins of a data plane: as this build's object wants them. */
  const pins = join(root, 'maps');
  const layouts = new Map<string, Layout>();

  before(() => {
    mkdirSync(pins);
    bpftool('prog', 'loadall', xdpObjectPath(), join(root, 'programs'), 'pinmaps', pins);
    for (const name of readdirSync(pins)) {
      // Other maps are the program's own.
      const nothing = (): void => undefined;
      if (withPin(name, nothing, () => addon().openPinned(pins) !== undefined)) continue;
      const text = bpftool('map', 'show', 'pinned', join(pins, name), '-j');
      const { type, bytes_key, bytes_value, max_entries } = JSON.parse(text) as {
        type: string;
        bytes_key: number;
        bytes_value: number;
        max_entries: number;
      };
      layouts.set(name, { type, key: bytes_key, value: bytes_value, entries: max_entries });
    }
    assert.equal(layouts.size, 8);
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  /** Opens the pins and reads all that can be read there. */
  function read(): void {
    const plane = addon().openPinned(pins);
    assert(plane !== undefined, 'a pin is missing');
    plane.settings();
    plane.ports();
    plane.counters();
    plane.seen();
    plane.knownNameCount();
    plane.ringBytes();
    plane.close();
  }

  const refused = (error: unknown): boolean =>
    isNativeError(error) && error.code === 'kernel' && /another version/.test(error.message);

  /** With something else pinned in the place of one map for as long as `work` takes. */
  function withPin<T>(name: string, put: (path: string) => void, work: () => T): T {
    const path = join(pins, name);
    const aside = join(root, 'aside');
    bpftool('map', 'pin', 'pinned', path, aside);
    try {
      rmSync(path);
      put(path);
      return work();
    } finally {
      rmSync(path, { force: true });
      bpftool('map', 'pin', 'pinned', aside, path);
      rmSync(aside);
    }
  }

  const create =
    (of: Layout) =>
    (path: string): void => {
      const sizes = ['key', of.key, 'value', of.value, 'entries', of.entries].map(String);
      bpftool('map', 'create', path, 'type', of.type, ...sizes, 'name', 'damage');
    };

  test('the very maps are read', read);

  test('a program in the place of any of them is refused', () => {
    const program = (path: string): string =>
      bpftool('prog', 'pin', 'pinned', join(root, 'programs/ctga'), path);
    for (const name of layouts.keys())
      withPin(name, program, () => assert.throws(read, refused, name));
  });

  // The kernel writes the value of each CPU, so that these would have it write past ours.
  test('one value for each CPU in the place of a single one is refused', () => {
    const single = [...layouts].filter(([, { type, value }]) => type === 'array' && value <= 32768);
    assert(single.length >= 3);
    for (const [name, layout] of single)
      withPin(name, create({ ...layout, type: 'percpu_array' }), () =>
        assert.throws(read, refused, name),
      );
  });

  test('maps of any other type, size or number of entries are refused', () => {
    const names = [...layouts].filter(([, { key }]) => key !== 0).map(([name]) => name);
    const another = fc.record({
      name: fc.constantFrom(...names),
      type: fc.constantFrom('array', 'hash', 'percpu_array', 'percpu_hash', 'lru_hash'),
      key: fc.constantFrom(4, 4, 4, 8, 255),
      value: fc.constantFrom(0, 0, -8, 8, 4096),
      entries: fc.constantFrom(1, 1, 2, 100),
    });
    let tried = 0;
    fc.assert(
      fc.property(another, ({ name, type, key, value, entries }) => {
        const genuine = layouts.get(name);
        assert(genuine !== undefined);
        const layout = { type, key, value: genuine.value + value, entries };
        // The kernel makes neither of these.
        fc.pre(layout.value > 0 && !(type.endsWith('array') && key !== 4));
        fc.pre(!(type.startsWith('percpu') && layout.value > 32768));
        const same = (['type', 'key', 'value', 'entries'] as const).every(
          (each) => layout[each] === genuine[each],
        );
        tried++;
        withPin(name, create(layout), () => {
          if (same) read();
          else assert.throws(read, refused);
        });
      }),
      { numRuns: 60 },
    );
    assert(tried >= 60);
  });
});
