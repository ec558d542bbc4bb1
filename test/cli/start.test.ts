// SPDX-License-Identifier: Apache-2.0
/**
 * What each command loads before it acts, of packages and of those modules of Node that take long:
 * its start takes as long as that (`npm run bench -- start`). What it needs only when it acts it
 * imports then.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { before, describe, test } from 'node:test';
import { build, type Metafile } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '../..');
const SLOW = new Set(['http', 'https', 'http2', 'tls', 'readline'].map((name) => `node:${name}`));
/** With what it loads in turn, but for what finds its addon. */
const SQLITE = ['better-sqlite3', 'bindings', 'file-uri-to-path'];

/** Beside `commander`, which every command needs. */
const MAY_LOAD: Readonly<Record<string, readonly string[]>> = {
  // The program itself.
  program: ['smol-toml'],
  attach: [...SQLITE, 'ipaddr.js', 'zod'],
  detach: [...SQLITE, 'zod'],
  status: [...SQLITE, 'zod'],
  heads: [...SQLITE, 'zod'],
  challenge: [...SQLITE, 'ipaddr.js', 'zod'],
  evidence: [...SQLITE, 'zod'],
  logs: [...SQLITE, 'ipaddr.js', 'zod'],
  dns: [...SQLITE, '@leichtgewicht/ip-codec', 'dns-packet', 'ipaddr.js', 'zod'],
  client: [...SQLITE, 'ipaddr.js', 'zod'],
  witness: [...SQLITE, 'ipaddr.js', 'zod'],
  collect: [...SQLITE, 'zod'],
  fleet: [...SQLITE, 'zod'],
  ctng: [],
  carbonchain: [...SQLITE, 'zod'],
  ddt: [...SQLITE, 'zod'],
  federation: [...SQLITE, 'ipaddr.js', 'zod'],
  trust: [...SQLITE, 'zod'],
  impact: ['ipaddr.js'],
  p4: [...SQLITE, 'zod'],
  pool: [...SQLITE, 'ipaddr.js', 'zod'],
  audit: [...SQLITE, 'ipaddr.js', 'zod'],
  replay: [...SQLITE, 'zod'],
  lab: ['zod', 'node:https', 'node:readline'],
  alert: [...SQLITE, 'zod'],
  store: [...SQLITE, 'zod'],
  web: [...SQLITE, 'zod'],
  config: ['smol-toml'],
  doctor: [...SQLITE, 'ipaddr.js', 'zod'],
  bench: [],
};

describe('before it acts', () => {
  let inputs: Metafile['inputs'];
  before(async () => {
    const { metafile } = await build({
      absWorkingDir: ROOT,
      entryPoints: ['src/cli/main.ts'],
      bundle: true,
      write: false,
      metafile: true,
      format: 'cjs',
      platform: 'node',
      external: ['raw-socket'],
      logLevel: 'error',
    });
    ({ inputs } = metafile);
  });

  function loaded(path: string, seen = new Set<string>()): Set<string> {
    if (seen.has(path)) return seen;
    seen.add(path);
    for (const { kind, external, path: next } of inputs[path]?.imports ?? []) {
      // Either is loaded when it is asked for; packages say require() for what they always need.
      if (kind === 'dynamic-import' || (kind === 'require-call' && path.startsWith('src/')))
        continue;
      if (external === true) seen.add(next);
      else loaded(next, seen);
    }
    return seen;
  }

  for (const [name, may] of Object.entries(MAY_LOAD)) {
    test(`${name} loads no more than it may`, () => {
      const path = `src/cli/${name}.ts`;
      assert(path in inputs);
      const found = [...loaded(path)].flatMap((each) => {
        if (SLOW.has(each)) return each;
        return /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(each)?.[1] ?? [];
      });
      assert.deepEqual([...new Set(found)].sort(), [...may, 'commander'].sort());
    });
  }

  test('who gives up root needs nothing of the stores of others but their places', () => {
    const own = ['src/pool/store.ts', 'src/mirror/published.ts'];
    for (const path of own) assert(path in inputs, path);
    const found = [...loaded('src/services/privileges.ts')].filter((path) => own.includes(path));
    assert.deepEqual(found, []);
  });

  test('every command has a line here', () => {
    const program = readFileSync(resolve(ROOT, 'src/cli/program.ts'), 'utf8');
    const commands = [...program.matchAll(/import\('\.\/([\w-]+)\.ts'\)/g)].map(([, name]) => name);
    assert.deepEqual(Object.keys(MAY_LOAD).sort(), [...commands, 'program'].sort());
  });
});
