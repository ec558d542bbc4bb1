// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import {
  builtWith,
  compile,
  compilerVersion,
  hashOfSources,
  readProgram,
} from '../../src/p4/compile.ts';

test('the program that comes with ctga was compiled from these sources', () =>
  assert.equal(
    builtWith().sources,
    hashOfSources(),
    'sources have changed since: ctga p4 compile',
  ));

const version = compilerVersion();
const missing = version === undefined && 'p4c does NOT run: it is not on PATH';
const other =
  version !== builtWith().p4c &&
  `the program was compiled with p4c ${builtWith().p4c}, and here is ${version ?? 'none'}: see the test by meaning`;

test('p4c makes the same of them', { skip: missing || other }, () => {
  const { json, p4info } = compile();
  assert.equal(json, readProgram().json);
  assert.deepEqual(Buffer.from(p4info), Buffer.from(readProgram().p4info));
});

const named = z.object({ name: z.string() });
const programSchema = z.object({
  header_types: z.array(named.extend({ fields: z.array(z.array(z.unknown())) })),
  actions: z.array(named.extend({ runtime_data: z.array(named.extend({ bitwidth: z.number() })) })),
  counter_arrays: z.array(named.extend({ size: z.number().optional(), is_direct: z.boolean() })),
  pipelines: z.array(
    named.extend({
      tables: z.array(
        named.extend({
          max_size: z.number(),
          with_counters: z.boolean(),
          key: z.array(z.object({ match_type: z.string(), name: z.string() })),
          actions: z.array(z.string()),
        }),
      ),
    }),
  ),
});

/** What a program means to whoever sets it up: what p4c names for itself differs by version. */
function meaningOf(json: string): object {
  const { header_types, actions, counter_arrays, pipelines } = programSchema.parse(
    JSON.parse(json),
  );
  const isOurs = ({ name }: { name: string }): boolean => /^Ctga\w+\.\w/.test(name);
  const sorted = <T extends { name: string }>(items: readonly T[]): T[] =>
    items.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const tables = pipelines.flatMap((pipeline) => pipeline.tables).filter(isOurs);
  const called = new Set(tables.flatMap((table) => table.actions));
  return {
    // The header in front of copies, which the program at the CPU port reads.
    cpu: header_types.filter(({ name }) => name.startsWith('cpu_t')).map(({ fields }) => fields),
    tables: sorted(tables).map((table) => ({ ...table, actions: table.actions.toSorted() })),
    actions: sorted(actions.filter(({ name }) => called.has(name))),
    counters: sorted(counter_arrays.filter(isOurs)),
  };
}

test('p4c of any version makes of them what means the same', { skip: missing }, () => {
  const [fresh, kept] = [compile(), readProgram()].map(({ json }) => meaningOf(json));
  assert.deepEqual(fresh, kept);
});

test('what means something else is told apart', () => {
  const { json } = readProgram();
  for (const [what, other] of [
    ['a table of another size', json.replace('"max_size" : 16,', '"max_size" : 17,')],
    ['another name', json.replaceAll('CtgaIngress.settings.values', 'CtgaIngress.settings.others')],
    ['a parameter of another width', json.replace(/("every_nth",\s*"bitwidth" : )32/, '$116')],
  ] as const) {
    assert.notEqual(other, json, what);
    assert.notDeepEqual(meaningOf(other), meaningOf(json), what);
  }
});
