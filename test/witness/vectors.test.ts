// SPDX-License-Identifier: Apache-2.0
/** The requests of other witnesses' own tests, each with the status of the specification. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { toCheckpointKey } from '../../src/statements/key.ts';
import { makeWitness, validKinds } from './harness.ts';

interface Run {
  readonly source: string;
  readonly origin: string;
  readonly vkey: string;
  readonly requests: readonly {
    readonly name: string;
    readonly status: number;
    readonly lines: readonly string[];
  }[];
}

const path = join(import.meta.dirname, '../vectors/witness.json');
const { runs } = JSON.parse(readFileSync(path, 'utf8')) as { readonly runs: readonly Run[] };

describe('requests of other witnesses', () => {
  for (const { source, origin, vkey, requests } of runs)
    test(`${source}: ${requests.at(-1)?.name ?? ''}`, (t) => {
      const key = toCheckpointKey(vkey, origin);
      const log = { key, description: origin, url: '', api: 'static-ct', mmd: 0 } as const;
      const made = makeWitness([log]);
      t.after(() => made.end());
      for (const { name, status, lines } of requests) {
        const body = lines.join('\n');
        const answer = made.witness.addCheckpoint(Buffer.from(body));
        assert.equal(answer.status, status, `${name}: ${answer.body}`);
        if (status === 409) assert.match(answer.body, /^\d+\n$/);
        if (status !== 200) continue;
        const kinds = validKinds(made, body.slice(body.indexOf('\n\n') + 2), answer.body);
        assert.deepEqual(
          kinds.map(({ kind }) => kind),
          ['Ed25519 cosignature', 'ML-DSA-44'],
        );
        assert(kinds.every(({ time }) => time === 1_750_000_000n));
      }
    });
});
