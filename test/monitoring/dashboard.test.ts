// SPDX-License-Identifier: Apache-2.0
/** The dashboard is one that a current Grafana has a type for, to the last property. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '../..');
const SCHEMA = join(ROOT, 'node_modules/@grafana/schema');
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const DASHBOARDS = ['dashboard.json', 'fleet-dashboard.json'].map((name) =>
  readFileSync(join(ROOT, 'monitoring', name), 'utf8'),
);
const [dashboard = ''] = DASHBOARDS;

/** What tsc says of the text as a Dashboard of @grafana/schema. */
function faultsOf(json: string): string {
  const file = join(directory, 'dashboard.ts');
  // Text is no member of an enum until it is said to be one.
  const as = (type: string): string => `$1($2 satisfies \`\${${type}}\`) as ${type}`;
  const literal = json
    .replaceAll(/("color": \{ "mode": )("[^"]*")/g, as('FieldColorModeId'))
    .replaceAll(/("thresholds": \{\s*"mode": )("[^"]*")/g, as('ThresholdsMode'));
  writeFileSync(
    file,
    `import { type Dashboard, FieldColorModeId, ThresholdsMode } from ${JSON.stringify(join(SCHEMA, 'dist/types/index'))};
export const dashboard: Dashboard = ${literal};
`,
  );
  const options = '--noEmit --strict --skipLibCheck --moduleResolution bundler --module esnext';
  const { stdout, stderr } = spawnSync(
    join(ROOT, 'node_modules/.bin/tsc'),
    [...options.split(' '), file],
    { cwd: directory, encoding: 'utf8' },
  );
  return stdout + stderr;
}

test('the dashboards have the form and version of the schema', () => {
  for (const each of DASHBOARDS) assert.equal(faultsOf(each), '');
  const { defaultDashboard } = createRequire(import.meta.url)('@grafana/schema') as {
    defaultDashboard: { schemaVersion: number };
  };
  for (const each of DASHBOARDS) {
    const { schemaVersion } = JSON.parse(each) as { schemaVersion: number };
    assert.equal(schemaVersion, defaultDashboard.schemaVersion);
  }
});

test('another one would be refused', () => {
  for (const [from, to] of [
    ['"schemaVersion": ', '"schemaVersoin": '],
    ['"gridPos": {', '"gridPos": { "z": 1,'],
    ['"mode": "thresholds"', '"mode": "threshold"'],
  ] as const) {
    assert(dashboard.includes(from), from);
    assert.match(faultsOf(dashboard.replace(from, to)), /error TS/, to);
  }
});

test('panels lie beside each other, with a source, an ID and queries that keep to the machine chosen', () => {
  const { panels } = JSON.parse(dashboard) as {
    panels: {
      id: number;
      gridPos: { x: number; y: number; w: number; h: number };
      datasource: { uid: string };
      targets: { refId: string; expr: string; datasource: { uid: string } }[];
    }[];
  };
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const taken = new Set<string>();
  for (const { gridPos, targets, datasource } of panels) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert(x < 24 && !taken.has(`${x} ${y}`), `${x} ${y}`);
        taken.add(`${x} ${y}`);
      }
    assert.equal(datasource.uid, '${source}');
    assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length);
    for (const target of targets) {
      assert.equal(target.datasource.uid, '${source}');
      const metrics = target.expr.match(/\b(?:ctga|process)_\w+\{/g)?.length;
      assert.equal(target.expr.split('instance=~"$instance"').length - 1, metrics, target.expr);
    }
  }
});
