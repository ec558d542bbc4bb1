// SPDX-License-Identifier: Apache-2.0
/**
 * Prometheus watches a lab while it catches a split view: every query of the dashboard finds
 * something, and the rules tell of the split view. Needs root.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { LabNetwork } from '../../src/lab/network.ts';
import { removeServiceFiles } from '../../src/lab/services.ts';
import { runLab } from '../../src/lab/story.ts';
import { stateAt } from '../../src/store/state.ts';
import { WebServer } from '../../src/web/server.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { noPrometheus } from '../support/prometheus.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const names = {
  lab: `ctga-test-${process.pid}-mon`,
  interfacePrefix: `m${process.pid % 1_000_000}-`,
};

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

describe('Prometheus beside a lab', { skip: noPrometheus }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-lab-test-'));
  chmodSync(directory, 0o755); // for the accounts that root becomes
  const state = stateAt(join(directory, 'state'));
  let server: WebServer | undefined;
  let prometheus: ChildProcess | undefined;
  after(async () => {
    prometheus?.kill('SIGKILL');
    await server?.stop();
    await new LabNetwork(names).down();
    removeServiceFiles(new LabNetwork(names));
    rmSync(directory, { recursive: true });
  });

  test('has values for every panel, and tells of the split view with its evidence', async () => {
    server = await WebServer.start({
      state,
      address: '127.0.0.1',
      port: 0,
      hosts: [],
      version: '0',
    });
    const port = await freePort();
    const configuration = join(directory, 'prometheus.yml');
    writeFileSync(
      configuration,
      JSON.stringify({
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: [join(ROOT, 'monitoring/alerts.yml')],
        scrape_configs: [
          { job_name: 'ctga', static_configs: [{ targets: [`127.0.0.1:${server.at.port}`] }] },
        ],
      }),
    );
    let said = '';
    prometheus = spawn(
      'prometheus',
      [
        `--config.file=${configuration}`,
        `--storage.tsdb.path=${join(directory, 'tsdb')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    prometheus.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    const api = `http://127.0.0.1:${port}`;
    const isReady = (): Promise<boolean> =>
      fetch(`${api}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    await eventually(isReady, () => `Prometheus to answer: ${said}`);
    const ask = async (path: string, query: Record<string, string>): Promise<unknown[]> => {
      const answer = await fetch(`${api}/api/v1/${path}?${new URLSearchParams(query).toString()}`);
      const { status, error, data } = (await answer.json()) as {
        status: string;
        error?: string;
        data: { result?: unknown[]; alerts?: unknown[] };
      };
      assert.equal(status, 'success', `${JSON.stringify(query)}: ${error ?? ''}`);
      return data.result ?? data.alerts ?? [];
    };
    // It looks for what to scrape every five seconds, and the lab may take no longer.
    await eventually(
      async () => (await ask('query', { query: 'up == 1' })).length > 0,
      () => `Prometheus to have asked the page: ${said}`,
    );
    const begin = Date.now() / 1000;
    const { held, failure } = await runLab({ stateDir: directory, names, onLine: () => undefined });
    assert(held, JSON.stringify(failure));

    const alerts = (): Promise<{ labels: Record<string, string>; state: string }[]> =>
      ask('alerts', {}) as Promise<{ labels: Record<string, string>; state: string }[]>;
    await eventually(
      async () => (await alerts()).some(({ labels }) => labels['alertname'] === 'SplitViewProven'),
      'Prometheus to tell of the split view',
    );
    const [fork] = (await alerts()).filter(
      ({ labels }) => labels['alertname'] === 'SplitViewProven',
    );
    assert.equal(fork?.state, 'firing');
    assert.match(fork.labels['evidence'] ?? '', /^fork-.*\.json$/);
    assert.equal(fork.labels['instance'], `127.0.0.1:${server.at.port}`);
    assert.equal(fork.labels['job'], 'ctga');
    assert.match(fork.labels['log'] ?? '', /log/i);

    const text = readFileSync(join(ROOT, 'monitoring/dashboard.json'), 'utf8');
    const { panels } = JSON.parse(text) as Dashboard;
    assert(panels.length > 10);
    let empty: string[] = [];
    const isFull = async (): Promise<boolean> => {
      empty = [];
      for (const { title, targets } of panels)
        for (const { expr } of targets) {
          const query = expr.replaceAll('$__rate_interval', '10s').replaceAll('$instance', '.*');
          assert(!query.includes('$'), query);
          const range = { start: `${begin}`, end: `${Date.now() / 1000}`, step: '1s' };
          const found = await ask('query_range', { query, ...range });
          if (found.length === 0) empty.push(`${title}: ${query}`);
        }
      return empty.length === 0;
    };
    // A rate takes two samples of what the observer wrote at its end.
    await eventually(isFull, () => `values for ${empty.join('; ')}`);
  });
});
