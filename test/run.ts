// SPDX-License-Identifier: Apache-2.0
/**
 * Runs every test with node's own runner: says how far it is, each failure in full as soon as it is
 * known, and at the end what came of it. Words on the command line choose the files that have all
 * of them in their path, and none of those behind a minus sign. `*.root.test.ts` files make network
 * namespaces and load BPF programs: they need root and run one at a time, beside the others, and are
 * left out without it. Where few files fail they run once more, alone and with the same random
 * numbers; the end tells which of their tests failed beside others and passed alone.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { run, type EventData } from 'node:test';
import { inspect } from 'node:util';
import { HungChildren } from './support/hung.ts';
import { SEED } from './support/random.ts';
import { SHARE, WHOLE } from './support/share.ts';

const root = resolve(import.meta.dirname, '..');
const wanted = process.argv.slice(2);
const isRoot = process.geteuid?.() === 0;
if (isRoot && !everybodyMayEnter(root)) process.exit(runWhereEverybodyMayEnter());

/** It takes as long as a dozen others: begun first, it is not waited for at the end. */
const LONGEST = join('store', 'faults.test.ts');
const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts') && wanted.every((word) => isMeant(name, word)))
  .sort((a, b) => Number(b === LONGEST) - Number(a === LONGEST) || (a < b ? -1 : 1))
  .map((name) => join(import.meta.dirname, name));
if (files.length === 0) {
  console.error(`no test file is meant by: ${wanted.join(' ')}`);
  process.exit(1);
}
/** It measures what the observer needs under load, beside nothing else. */
const ALONE = join('observer', 'load.root.test.ts');
const needRoot = files.filter((name) => name.endsWith('.root.test.ts'));
const plain = files.filter((name) => !needRoot.includes(name));
/** More than so many files do not fail for want of a quick machine. */
const FEW = 3;
let outcomes: Outcome[] = [];
/** The files in which a test, a suite or a hook has failed. */
const failedFiles = new Set<string>();
const began = performance.now();

interface Outcome {
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly file: string | undefined;
  readonly where: string;
  /** Why it was skipped. */
  readonly reason: string;
}

type Ended = EventData.TestPass | EventData.TestFail;

function isMeant(name: string, word: string): boolean {
  return word.startsWith('-') ? !name.includes(word.slice(1)) : name.includes(word);
}

/** Tests give up root and start programs of the checkout as somebody else, who has to find them. */
function everybodyMayEnter(directory: string): boolean {
  const { mode } = statSync(directory);
  return (mode & 1) !== 0 && (directory === '/' || everybodyMayEnter(dirname(directory)));
}

/** Runs this once more, in a mount namespace with the checkout where everybody may enter. */
function runWhereEverybodyMayEnter(): number {
  const place = mkdtempSync('/var/tmp/ctga-tests-');
  try {
    const script =
      'chmod 755 "$1" && mount --bind "$0" "$1" && chmod 755 "$1" && cd "$1" && shift && exec "$@"';
    const again = [process.execPath, '--import', 'tsx', 'test/run.ts', ...wanted];
    const { status } = spawnSync(
      'unshare',
      ['--mount', 'sh', '-c', script, root, place, ...again],
      { stdio: 'inherit' },
    );
    return status ?? 1;
  } finally {
    rmdirSync(place);
  }
}

const hung = new HungChildren({ whole: 20 * 60_000, afterFailure: 3 * 60_000 }, (file) => {
  console.log(`\nFAILED ${relative(root, file)}: did not end by itself\n`);
  failedFiles.add(file);
});

/** Runs a group of files, each in a process of its own. */
async function runAll(group: readonly string[], concurrency: number): Promise<void> {
  if (group.length === 0) return;
  const progress = new Progress();
  const events = run({ files: [...group], concurrency });
  events.on('test:pass', (test) => {
    progress.of(test.file);
    note('passed', test);
  });
  events.on('test:fail', (test) => {
    failedFiles.add(test.file ?? test.name);
    progress.of(test.file);
    note('failed', test);
    if (test.details.type !== 'suite' || isHookFailure(test.details)) printFailure(test);
  });
  // What a file prints besides its tests is of use where one of them fails.
  const keep = ({ file, message }: EventData.TestStdout | EventData.TestStderr): void => {
    printed.set(file, (printed.get(file) ?? '') + message);
  };
  events.on('test:stdout', keep).on('test:stderr', keep);
  for await (const _ of events);
  progress.endFolder();
}

const printed = new Map<string | undefined, string>();
const done = new Set<string>();
const all = isRoot ? files.length : plain.length;

/** A line for each folder of a group when it is done; on a terminal also the file that comes next. */
class Progress {
  #folder = '';
  readonly #files = new Set<string>();

  of(file: string | undefined): void {
    if (file === undefined || done.has(file)) return;
    done.add(file);
    const next = dirname(relative(root, file));
    if (next !== this.#folder) this.endFolder();
    this.#folder = next;
    this.#files.add(file);
    if (process.stdout.isTTY)
      process.stdout.write(`\r[${done.size} of ${all}] ${relative(root, file)}\u001b[K`);
  }

  endFolder(): void {
    if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
    if (this.#folder === '') return;
    const own = outcomes.filter(({ file }) => file !== undefined && this.#files.has(file));
    const count = (outcome: Outcome['outcome']): number =>
      own.filter((each) => each.outcome === outcome).length;
    const also = (['failed', 'skipped'] as const)
      .filter((outcome) => count(outcome) > 0)
      .map((outcome) => `, ${count(outcome)} ${outcome}`)
      .join('');
    console.log(
      `[${done.size} of ${all} files, ${minutes()}] ${this.#folder}: ${count('passed')} passed${also}`,
    );
    this.#folder = '';
    this.#files.clear();
  }
}

function minutes(): string {
  const seconds = Math.round((performance.now() - began) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

function printFailure({ name, file, details }: EventData.TestFail): void {
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
  const { error } = details;
  console.log(`\nFAILED ${file === undefined ? '' : `${relative(root, file)}: `}${name}`);
  console.log(inspect(error.cause, { depth: 10, colors: process.stdout.isTTY }));
  const text = printed.get(file);
  if (text !== undefined) console.log(`It printed:\n${text}`);
  console.log();
}

function note(outcome: 'passed' | 'failed', { name, file, skip, details }: Ended): void {
  if (file !== undefined) hung.heard(file, outcome === 'failed');
  const where = file === undefined ? name : `${relative(root, file)}: ${name}`;
  // A suite that is skipped stands for the tests in it, of which nothing is heard; one that fails
  // does so for a test in it, or else for a hook.
  if (skip !== undefined && skip !== false)
    outcomes.push({ outcome: 'skipped', file, where, reason: String(skip) });
  else if (details.type !== 'suite' || isHookFailure(details))
    outcomes.push({ outcome, file, where, reason: '' });
}

function isHookFailure(details: Ended['details']): boolean {
  return (
    'error' in details &&
    'failureType' in details.error &&
    details.error.failureType === 'hookFailed'
  );
}

// Many a file waits more than it works, and most of all those that need root.
const isAlone = (file: string): boolean => file.endsWith(ALONE);
const beside = isRoot ? needRoot.filter((file) => !isAlone(file)) : [];
await Promise.all([runAll(plain, beside.length > 0 ? 2 : 3), runAll(beside, 1)]);
if (isRoot) await runAll(needRoot.filter(isAlone), 1);
summarize(await runFailedAgain());
if (failedFiles.size > 0) process.exitCode = 1;

/** Returns what failed and did not fail again. */
async function runFailedAgain(): Promise<Outcome[]> {
  const again = [...failedFiles];
  if (again.length === 0 || again.length > FEW || !again.every((file) => files.includes(file)))
    return [];
  const isAgain = ({ file }: Outcome): boolean => file !== undefined && again.includes(file);
  const before = outcomes.filter((each) => isAgain(each) && each.outcome === 'failed');
  outcomes = outcomes.filter((each) => !isAgain(each));
  failedFiles.clear();
  for (const file of again) {
    console.log(`\nonce more, alone: ${relative(root, file)}`);
    printed.delete(file);
    hung.forget(file);
  }
  await runAll(again, 1);
  return before.filter(({ file }) => file !== undefined && !failedFiles.has(file));
}

function summarize(failedOnce: readonly Outcome[]): void {
  const of = (outcome: Outcome['outcome']): Outcome[] =>
    outcomes.filter((each) => each.outcome === outcome);
  const [failed, skipped] = [of('failed'), of('skipped')];
  console.log();
  for (const why of new Set(skipped.map(({ reason }) => reason))) {
    const those = skipped.filter(({ reason }) => reason === why);
    const where = new Set(
      those.map((each) => (each.file === undefined ? each.where : relative(root, each.file))),
    );
    console.log(`  skipped: ${why}\n    ${those.length} in ${[...where].join(', ')}`);
  }
  if (!isRoot && needRoot.length > 0)
    console.log(
      `  left out: ${needRoot.length} files that load BPF programs and make network namespaces need root: sudo npm test`,
    );
  const cases = WHOLE ? 'CTGA_TEST_WHOLE=1' : `CTGA_TEST_SHARE=${SHARE}`;
  console.log(
    `  took ${minutes()}; ${cases} CTGA_TEST_SEED=${SEED} runs the same cases with the same random numbers again`,
  );
  // Last, where a reader of the end alone finds them.
  for (const { where } of failedOnce)
    console.log(`  failed beside other files, passed alone: ${where}`);
  for (const { where } of failed) console.log(`  failed: ${where}`);
  const once = failedOnce.length > 0 ? ` (${failedOnce.length} at the second try)` : '';
  console.log(
    `\n${of('passed').length} passed${once}, ${failed.length} failed, ${skipped.length} skipped`,
  );
}
