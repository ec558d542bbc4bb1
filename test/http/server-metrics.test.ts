// SPDX-License-Identifier: Apache-2.0
/** What every server of ctga's counts has the same form under the server's own name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gauge } from 'prom-client';
import { ServerMetrics } from '../../src/http/server-metrics.ts';

class Metrics extends ServerMetrics {
  constructor(name: string) {
    super(`ctga_${name}_requests_total`);
    new Gauge({ name: `ctga_${name}_things`, help: 'Things', registers: [this.registry] }).set(7);
  }
}

test('two servers of one process count apart, beside what each of them adds', async () => {
  const [one, other] = [new Metrics('one'), new Metrics('other')];
  one.countRequest('/a', 200);
  one.countRequest('/a', 200);
  one.countRequest('other', 404);
  assert.match(one.contentType, /^text\/plain; version=0\.0\.4/);
  const lines = (await one.render()).split('\n').filter((line) => /^[^#]/.test(line));
  assert.deepEqual(lines.sort(), [
    'ctga_one_requests_total{path="/a",status="200"} 2',
    'ctga_one_requests_total{path="other",status="404"} 1',
    'ctga_one_things 7',
  ]);
  assert.doesNotMatch(await other.render(), /ctga_one|status=/);
});
