// SPDX-License-Identifier: Apache-2.0
/**
 * ctga against a model of a log that lies, and against one of an honest log on bad days.
 *
 * fast-check draws histories (history.ts): a script for the log (log.ts), and steps that grow it,
 * show its heads, move its front ends, challenge it, pass time, restart and kill ctga. Each is run
 * against the real observer, challenger and store (harness.ts), and what must hold is checked after
 * every step (INVARIANTS), by an oracle that knows the branches (oracle.ts).
 *
 * **When it fails** it prints the shortest history that fails that it found, in JSON, and what
 * happened step by step: below each step the requests to the log, with the front end and how it
 * answered, what the challenger said, and the trees in the store with their verdicts. Read the last
 * step first. To run that history again, put the JSON into a file:
 *
 *     CTGA_MODEL_HISTORY=/tmp/history.json node --import tsx --test test/model/model.test.ts
 *
 * **For hours:** CTGA_MODEL_SECONDS=7200 runs for that long, with another seed every few hundred
 * histories. Each prints its seed when it fails; CTGA_TEST_SEED=<seed> begins with that one.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { fc, SEED } from '../support/random.ts';
import { INVARIANTS, killEverywhere, newCounts, runHistory, type RunOptions } from './harness.ts';
import { describeHistory, histories, type History, type Kind } from './history.ts';
import { KEY } from './log.ts';

const SECONDS = Number(process.env['CTGA_MODEL_SECONDS'] ?? 0);
const HISTORY = process.env['CTGA_MODEL_HISTORY'];
/** Histories of one seed. */
const BATCH = 250;
/** docs/verify-evidence.sh starts some dozen processes for each. */
const SAMPLE = 12;

const counts = newCounts();
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
const sampled = new Map<string, string>();
after(() => {
  rmSync(directory, { recursive: true });
  console.log(JSON.stringify(counts, null, 2));
});

/** Keeps one bundle of each kind of proof and API, and then some more. */
function sample(path: string): void {
  const { proof } = JSON.parse(readFileSync(path, 'utf8')) as { proof: { kind: string } };
  const key = `${proof.kind} ${Math.floor(sampled.size / 4)}`;
  if (sampled.has(key) || sampled.size >= SAMPLE) return;
  const copy = join(directory, `${sampled.size}-${basename(path)}`);
  copyFileSync(path, copy);
  sampled.set(key, copy);
}

/** Runs histories until one fails; without a time, `batches` times BATCH of them. */
async function explore(kind: Kind, batches: number): Promise<void> {
  const end = performance.now() + SECONDS * 1000;
  for (let batch = 0; SECONDS > 0 ? performance.now() < end : batch < batches; batch++) {
    const seed = SEED + batch;
    const options: RunOptions = { counts, onEvidence: sample };
    const result = await fc.check(
      fc.asyncProperty(histories(kind), (history) =>
        kind === 'killed' ? killEverywhere(history, options) : runHistory(history, options),
      ),
      { seed, numRuns: kind === 'killed' ? BATCH / 10 : BATCH },
    );
    if (!result.failed) continue;
    const [history] = result.counterexample ?? [];
    assert(history !== undefined);
    assert.fail(
      `history ${result.numRuns} of CTGA_TEST_SEED=${seed}\n${describeHistory(history)}\n${await traceOf(history)}`,
    );
  }
}

async function traceOf(history: History): Promise<string> {
  const lines: string[] = [];
  await runHistory(history, { trace: (line) => lines.push(line) }).catch((error: unknown) =>
    lines.push(String(error)),
  );
  return lines.join('\n');
}

describe('whatever a log does', () => {
  if (HISTORY !== undefined)
    test('a history from a file', async () => {
      const history = JSON.parse(readFileSync(HISTORY, 'utf8')) as History;
      console.log(await traceOf(history));
      await runHistory(history);
    });

  test('an honest log on bad days is not accused', () => explore('honest', 2));

  test('a log that lies is convicted by what it said, and by nothing else', () =>
    explore('liar', 2));

  test('a kill at any moment of a conviction takes nothing back', () => explore('killed', 1));

  test('bits that flip in the database accuse nobody', () => explore('flipped', 1));

  test('evidence stands before the script that needs no ctga, too', async () => {
    const script = resolve(import.meta.dirname, '../../docs/verify-evidence.sh');
    assert(existsSync(script) && sampled.size > 2);
    for (const path of sampled.values()) {
      const key = `${path}.pem`;
      writeFileSync(key, KEY.key.publicKey.export({ format: 'pem', type: 'spki' }));
      await promisify(execFile)('sh', [script, path, key]);
    }
  });

  test('each invariant was checked on what it speaks of', () => {
    for (const name of Object.keys(INVARIANTS) as (keyof typeof INVARIANTS)[])
      assert(name === 'alive' || counts[name] > 20, `${name}: ${counts[name]}`);
  });
});
