// SPDX-License-Identifier: Apache-2.0
/**
 * Runs every test with node's own runner and says at the end what came of it. Words on the command
 * line choose the files that have all of them in their path, and with a dash in front, those that
 * do not have them. `*.root.test.ts` files make network
 * namespaces and load BPF programs: they need root and run one at a time, and are left out without
 * it.
 */
import { readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { run, type EventData } from 'node:test';
import { spec } from 'node:test/reporters';
import { SEED } from './support/random.ts';

const here = import.meta.dirname;
const wanted = process.argv.slice(2);
const isMeant = (name: string, word: string): boolean =>
  word.startsWith('-') ? !name.includes(word.slice(1)) : name.includes(word);
/** It takes as long as a dozen others: begun first, it is not waited for at the end. */
const LONGEST = join('store', 'faults.test.ts');
const files = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts') && wanted.every((word) => isMeant(name, word)))
  .sort((a, b) => Number(b === LONGEST) - Number(a === LONGEST) || (a < b ? -1 : 1))
  .map((name) => join(here, name));
const needRoot = files.filter((name) => name.endsWith('.root.test.ts'));
const plain = files.filter((name) => !needRoot.includes(name));
const outcomes: Outcome[] = [];

interface Outcome {
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly where: string;
  /** Why it was skipped. */
  readonly reason: string;
}

type Ended = EventData.TestPass | EventData.TestFail;

/** Runs a group of files, each in a process of its own, and prints what node prints of it. */
async function runAll(group: readonly string[], concurrency: number): Promise<void> {
  if (group.length === 0) return;
  const events = run({ files: [...group], concurrency });
  events.on('test:pass', (test) => note('passed', test));
  events.on('test:fail', (test) => {
    process.exitCode = 1;
    note('failed', test);
  });
  for await (const text of events.compose(new spec())) process.stdout.write(text as string);
}

function note(outcome: 'passed' | 'failed', { name, file, skip, details }: Ended): void {
  const where = file === undefined ? name : `${relative(resolve(here, '..'), file)}: ${name}`;
  // A suite that is skipped stands for the tests in it, of which nothing is heard; one that fails
  // does so for a test in it, or else for a hook.
  if (skip !== undefined && skip !== false)
    outcomes.push({ outcome: 'skipped', where, reason: String(skip) });
  else if (details.type !== 'suite' || isHookFailure(details))
    outcomes.push({ outcome, where, reason: '' });
}

function isHookFailure(details: Ended['details']): boolean {
  return (
    'error' in details &&
    'failureType' in details.error &&
    details.error.failureType === 'hookFailed'
  );
}

const isRoot = process.geteuid?.() === 0;
await runAll(plain, 2);
if (isRoot) await runAll(needRoot, 1);
summarize();

function summarize(): void {
  const of = (outcome: Outcome['outcome']): Outcome[] =>
    outcomes.filter((each) => each.outcome === outcome);
  const [failed, skipped] = [of('failed'), of('skipped')];
  console.log(
    `\n${of('passed').length} passed, ${failed.length} failed, ${skipped.length} skipped`,
  );
  for (const { where } of failed) console.log(`  failed: ${where}`);
  for (const why of new Set(skipped.map(({ reason }) => reason))) {
    console.log(`  skipped: ${why}`);
    for (const { where, reason } of skipped) if (reason === why) console.log(`    ${where}`);
  }
  if (!isRoot && needRoot.length > 0)
    console.log(
      `  left out: ${needRoot.length} files that load BPF programs and make network namespaces need root: sudo npm test`,
    );
  console.log(`  CTGA_TEST_SEED=${SEED} runs them with the same random numbers again`);
}
