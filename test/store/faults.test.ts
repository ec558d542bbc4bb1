// SPDX-License-Identifier: Apache-2.0
/**
 * What is left of the store after a power cut at every system call, and when a system call fails.
 * The program's own calls are recorded by strace and played on a disk that has kept nothing,
 * everything, or some of what was not yet synced; then the real code opens what is there. Nothing
 * that was acknowledged may be missing, and what is there must be whole.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { buildSync } from 'esbuild';
import { after, describe, test } from 'node:test';
import { PublishedHeads } from '../../src/mirror/published.ts';
import { checkStore } from '../../src/upkeep/maintenance.ts';
import { StoreInUse } from '../../src/upkeep/in-use.ts';
import { openForReading, stateAt, type State } from '../../src/store/state.ts';
import { DiskOfCalls } from '../support/disk-of-calls.ts';
import { noStrace, parseTrace } from '../support/strace.ts';
import { random, SEED } from '../support/random.ts';

/** In memory where that can be: what a disk would lose is decided here, not by the disk below. */
const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'ctga-test-'));
after(() => rmSync(root, { recursive: true }));

/** In one file that needs no loader and no package but SQLite: it is started hundreds of times. */
const CHILD = resolve(import.meta.dirname, '../../build/test/faults-child.mjs');
buildSync({
  entryPoints: [join(import.meta.dirname, 'faults-child.ts')],
  outfile: CHILD,
  bundle: true,
  platform: 'node',
  format: 'esm',
  external: ['better-sqlite3'],
  banner: {
    js: "import { createRequire as from } from 'node:module'; const require = from(import.meta.url);",
  },
});
/** In the state directory, and opened to be synced. */
const DIRECTORIES = ['evidence', 'dns'];
const CALLS = 'openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,link,unlink,close';

let number = 0;
/** Runs the child under strace, on a store whose database is `damaged`, or on none. */
function run(
  options: readonly string[],
  damaged?: Buffer,
): { state: State; status: number | null; acks: string[]; trace: string; stderr: string } {
  const directory = join(root, `${number++}`);
  const output = `${directory}.trace`;
  if (damaged !== undefined) {
    mkdirSync(directory);
    writeFileSync(stateAt(directory).database, damaged);
  }
  const args = [
    '-o',
    output,
    '-xx',
    '-s',
    '2000000',
    ...options,
    process.execPath,
    CHILD,
    directory,
  ];
  const { status, stdout, stderr } = spawnSync('strace', args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const acks = [...stdout.matchAll(/^ACK (.*)$/gm)].map(([, what = '']) => what);
  return { state: stateAt(directory), status, acks, trace: readFileSync(output, 'latin1'), stderr };
}

/** No database any more. */
const DAMAGED = Buffer.alloc(4 * 4096, 'damaged');

function isThere(content: Buffer, directory: string): boolean {
  return readdirSync(directory, { withFileTypes: true }).some(
    (entry) => entry.isFile() && readFileSync(join(directory, entry.name)).equals(content),
  );
}

/** Opens what is there as the observer would, and holds it against what was acknowledged. */
function examine(state: State, acks: readonly string[], when: string): void {
  const acked = (prefix: string): number => acks.filter((ack) => ack.startsWith(prefix)).length;
  if (!existsSync(state.database)) {
    assert.equal(acks.length, 0, `${when}: the database is gone, with ${acks.join(', ')}`);
    return;
  }
  // Where the power failed before the new one was there, the damaged one is still in its place.
  new StoreInUse({ state, onSetAside: () => undefined }).store.close();
  const { faults } = checkStore(state);
  // A fork is written down before its evidence is recorded: the observer does so when it starts
  // again.
  assert.deepEqual(faults, [], when);
  const store = openForReading(state);
  const [heads, evidence] = [store.heads.count(), store.evidence.all()];
  const logs = store.logs.all();
  store.close();
  assert(heads >= acked('head '), `${when}: ${heads} heads of ${acked('head ')}`);
  assert(logs.length >= acked('log'), `${when}: the log is gone`);
  const [log] = logs;
  const published = log && new PublishedHeads(state.directory).get(log);
  const promised = acks.flatMap((ack) => /^published (\d+)$/.exec(ack)?.[1] ?? []).at(-1);
  assert(
    Number(published?.head.treeSize ?? 0) >= Number(promised ?? 0),
    `${when}: a published head is gone`,
  );
  for (const ack of acks.filter((each) => each.startsWith('evidence '))) {
    const name = basename(ack);
    assert(
      evidence.some(({ path }) => basename(path) === name),
      `${when}: evidence is not on record`,
    );
    assert(existsSync(join(state.evidence, name)), `${when}: the evidence file is gone`);
  }
}

describe('the store', { skip: noStrace }, () => {
  for (const [how, damaged] of [
    ['one that is new', undefined],
    ['one that takes the place of a damaged one, which stays', DAMAGED],
  ] as const)
    test(`after a power cut at any moment has all that was acknowledged, whatever of the rest was kept: ${how}`, (context) => {
      const { state, status, acks, trace, stderr } = run(['-e', `trace=${CALLS}`], damaged);
      assert.equal(status, 0, stderr);
      assert.equal(acks.length, 11);
      const there = damaged === undefined ? [] : ([[state.database, damaged]] as const);
      const disk = new DiskOfCalls(state.directory, DIRECTORIES, new Map(there));
      const below = random(SEED);
      const told: string[] = [];
      let cuts = 0;
      for (const call of parseTrace(trace)) {
        const [fd, text] = call.args;
        if (
          call.name === 'write' &&
          fd === '1' &&
          Buffer.isBuffer(text) &&
          text.toString().startsWith('ACK ')
        )
          told.push(text.toString().trim().slice(4));
        if (!disk.play(call)) continue;
        const fates: readonly (readonly [string, () => boolean])[] = [
          ['nothing', () => false],
          ['everything', () => true],
          ['some', () => below(2) === 0],
          ['most', () => below(8) !== 0],
        ];
        for (const [kept, keep] of fates) {
          const left = join(root, 'left');
          rmSync(left, { recursive: true, force: true });
          disk.cut(left, keep);
          const when = `cut ${cuts}, after ${call.name} and ${told.at(-1) ?? 'nothing'}, ${kept} kept`;
          if (damaged !== undefined)
            assert(isThere(damaged, left), `${when}: the damaged one is gone`);
          examine(stateAt(left), told, when);
          cuts++;
        }
      }
      assert.deepEqual(told, acks);
      context.diagnostic(`${cuts} power cuts (CTGA_TEST_SEED=${SEED})`);
      assert(cuts > 100);
    });

  for (const [call, damaged] of [
    ...['pwrite64', 'fsync', 'fdatasync', 'rename', 'ftruncate', 'link', 'unlink'].map(
      (name) => [name, undefined] as const,
    ),
    ['rename', DAMAGED],
  ] as const)
    test(`when the N-th ${call} fails, for N = 1, 2, ...${damaged === undefined ? '' : ', on a damaged one'}`, (context) => {
      let failures = 0;
      for (let nth = 1; ; nth++) {
        const error = nth % 2 === 0 ? 'EIO' : 'ENOSPC';
        // With a filter in the kernel, only these calls stop the program.
        const filter = ['-f', '--seccomp-bpf', '-e', `trace=${call}`];
        const options = [...filter, '-e', `inject=${call}:error=${error}:when=${nth}`];
        const { state, status, acks, trace, stderr } = run(options, damaged);
        if (!trace.includes('(INJECTED)')) {
          assert.equal(status, 0, stderr);
          break;
        }
        failures++;
        // It goes on where SQLite could do without, and otherwise ends with a reason; it never says
        // what is not so.
        if (status !== 0)
          assert.match(stderr, /CtgaError|SqliteError|EIO|ENOSPC/, `${nth}: ${stderr}`);
        examine(state, acks, `${call} ${nth}`);
        rmSync(state.directory, { recursive: true });
      }
      context.diagnostic(`${failures} failures`);
    });
});
