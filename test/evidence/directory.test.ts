// SPDX-License-Identifier: Apache-2.0
/** The directory of evidence: nothing in it is written twice, and what happens to it shows. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { makeEvidence, type Evidence } from '../../src/evidence/bundle.ts';
import { CHAIN } from '../../src/evidence/chain.ts';
import { EvidenceReader, faultsOf } from '../../src/evidence/directory.ts';
import { judgeWithoutProof } from '../../src/evidence/judge.ts';
import { chainEvidence, writeEvidence } from '../../src/evidence/write.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const root = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(root, { recursive: true }));
let used = 0;
const newDirectory = (): string => join(root, String(++used));

const log = new SigningLog();
function fork(size: number, created = 1): Evidence {
  const [first, second] = ['a', 'b'].map((branch) =>
    log.verified(size, treeOf(size, branch).root()),
  );
  assert(first !== undefined && second !== undefined);
  const finding = judgeWithoutProof(first, second);
  assert(finding?.verdict === 'fork-proven');
  return makeEvidence(log.asLog(), first, second, finding, created);
}
const forks = [2, 3, 4].map((size) => fork(size));
const filled = (): { directory: string; paths: string[] } => {
  const directory = newDirectory();
  return { directory, paths: forks.map((each) => writeEvidence(directory, each)) };
};
const statesIn = (directory: string): string[] =>
  new EvidenceReader(directory).read().files.map(({ state }) => state);
const faultsIn = (directory: string): string[] => faultsOf(new EvidenceReader(directory).read());
/** What an account with the right to do so does to a file that is not to be written. */
const overwrite = (path: string, text: string): void => {
  chmodSync(path, 0o644);
  writeFileSync(path, text);
};

describe('a directory of evidence', () => {
  test('has files that everybody may read and nobody write, and a chain of them', () => {
    const mask = process.umask(0o077);
    const { directory, paths } = filled();
    process.umask(mask);
    for (const path of paths) assert.equal(statSync(path).mode & 0o777, 0o444);
    assert.equal(statSync(join(directory, CHAIN)).mode & 0o777, 0o644);
    const { length, files, faults } = new EvidenceReader(directory).read();
    assert.deepEqual([length, faults], [3, []]);
    assert.deepEqual(
      files.map(({ name, index, state }) => [name, index, state]),
      paths.map((path, i) => [basename(path), i + 1, 'kept']),
    );
  });

  for (const [what, change, expected] of [
    ['missing', (path: string) => rmSync(path), 'missing'],
    ['cut', (path: string) => truncateSync(path, 10), 'changed'],
    ['longer', (path: string) => appendFileSync(path, ' '), 'changed'],
    ['renamed', (path: string) => renameSync(path, path.replace('.json', 'x.json')), 'missing'],
    ['a directory', (path: string) => (rmSync(path), mkdirSync(path)), 'unreadable'],
    ['a pipe', (path: string) => (rmSync(path), spawnSync('mkfifo', [path])), 'unreadable'],
  ] as const)
    test(`says of a file that is ${what}: ${expected}`, () => {
      const { directory, paths } = filled();
      const reader = new EvidenceReader(directory);
      assert.deepEqual(faultsOf(reader.read()), []);
      change(paths[1] ?? '');
      assert.equal(reader.read().files[1]?.state, expected);
      assert.equal(reader.read().files[0]?.state, 'kept');
      assert.match(faultsOf(reader.read())[0] ?? '', new RegExp(basename(paths[1] ?? '')));
    });

  test('writes a fork that was found before again only beside what became of its file', () => {
    const { directory, paths } = filled();
    const [first = '', second = '', third = ''] = paths;
    assert.equal(writeEvidence(directory, fork(2, 2)), first);
    overwrite(first, 'damaged');
    const bytes = readFileSync(second);
    rmSync(second);
    rmSync(third);
    const again = writeEvidence(directory, fork(2, 2));
    assert.equal(again, first.replace('.json', '.2.json'));
    assert.equal(readFileSync(first, 'utf8'), 'damaged');
    assert.equal(writeEvidence(directory, fork(2, 3)), again);
    // The very file may come back in its place; another may not.
    assert.equal(writeEvidence(directory, forks[1] ?? assert.fail()), second);
    assert.deepEqual(readFileSync(second), bytes);
    assert.equal(writeEvidence(directory, fork(4, 2)), third.replace('.json', '.2.json'));
    assert.deepEqual(statesIn(directory), ['changed', 'kept', 'missing', 'kept', 'kept']);
  });

  test('is not written twice in the same place by whoever re-seals a bundle', () => {
    const { directory, paths } = filled();
    const [first = ''] = paths;
    const elsewhere = newDirectory();
    overwrite(first, readFileSync(writeEvidence(elsewhere, fork(2, 9)), 'utf8'));
    assert.equal(statesIn(directory)[0], 'changed');
    assert.equal(writeEvidence(directory, fork(2)), first.replace('.json', '.2.json'));
  });

  test('of before the chain is taken up, what is no evidence is not, and is called unknown', () => {
    const { directory } = filled();
    rmSync(join(directory, CHAIN));
    writeFileSync(join(directory, 'fork-forged.json'), '{}');
    spawnSync('mkfifo', [join(directory, 'pipe.json')]);
    assert.deepEqual(new Set(statesIn(directory)), new Set(['unknown']));
    chainEvidence(directory);
    assert.deepEqual(statesIn(directory), ['kept', 'kept', 'kept', 'unknown', 'unknown']);
    const chain = readFileSync(join(directory, CHAIN), 'utf8');
    chainEvidence(directory);
    assert.equal(readFileSync(join(directory, CHAIN), 'utf8'), chain);
  });

  test('that was restored from an older copy says what is missing, and goes on', () => {
    const { directory } = filled();
    const copy = newDirectory();
    cpSync(directory, copy, { recursive: true });
    const later = writeEvidence(directory, fork(5));
    // The files of before, the chain of now.
    cpSync(join(directory, CHAIN), join(copy, CHAIN), { force: true });
    assert.deepEqual(faultsIn(copy), [
      `The evidence ${basename(later)} is in the chain and is missing.`,
    ]);
    // The chain of before, the files of now.
    const chain = join(newDirectory(), CHAIN);
    mkdirSync(join(chain, '..'));
    writeFileSync(
      chain,
      readFileSync(join(directory, CHAIN), 'utf8').split('\n').slice(0, 3).join('\n') + '\n',
    );
    cpSync(chain, join(directory, CHAIN), { force: true });
    assert.equal(statesIn(directory).at(-1), 'unknown');
    chainEvidence(directory);
    assert.deepEqual(faultsIn(directory), []);
  });
});

describe('a process that was killed', () => {
  test('between the file and its line leaves that to the next one', () => {
    const { directory, paths } = filled();
    const chain = join(directory, CHAIN);
    const lines = readFileSync(chain, 'utf8').split('\n');
    for (const left of [
      lines.slice(0, 2).join('\n') + '\n',
      lines.slice(0, 2).join('\n'),
      lines.slice(0, 2).join('\n') + '\n3 fork-',
      '3',
      '',
    ]) {
      writeFileSync(chain, left);
      assert.equal(writeEvidence(directory, forks[0] ?? assert.fail()), paths[0]);
      assert.deepEqual(statesIn(directory), ['kept', 'kept', 'kept']);
      assert.deepEqual(faultsIn(directory), []);
    }
  });

  test('while it wrote a file leaves nothing behind', () => {
    const { directory } = filled();
    const { pid } = spawnSync('true');
    const [ofDead, ofAnother] = [pid, process.ppid].map((each) =>
      join(directory, `x.json.${each}.tmp`),
    );
    for (const path of [ofDead, ofAnother]) writeFileSync(path ?? '', 'half');
    chainEvidence(directory);
    assert.deepEqual(
      [ofDead, ofAnother].map((path) => existsSync(path ?? '')),
      [false, true],
    );
  });

  test('anywhere, again and again, by many at once, loses nothing that was told', async () => {
    const directory = newDirectory();
    const script = `
      import { parseEvidence } from '${new URL('../../src/evidence/bundle.ts', import.meta.url).href}';
      import { writeEvidence } from '${new URL('../../src/evidence/write.ts', import.meta.url).href}';
      for (const text of JSON.parse(process.env.FORKS))
        console.log(writeEvidence(${JSON.stringify(directory)}, parseEvidence(text, 'x')));`;
    const source = newDirectory();
    const texts = Array.from({ length: 12 }, (_, i) =>
      readFileSync(writeEvidence(source, fork(i + 2)), 'utf8'),
    );
    const told = new Set<string>();
    const run = async (own: readonly string[], killAfter: number): Promise<void> => {
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', '--input-type=module', '-e', script],
        {
          env: { ...process.env, FORKS: JSON.stringify(own) },
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      let lines = 0;
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        lines = text.split('\n').length - 1;
        if (lines >= killAfter) child.kill('SIGKILL');
      });
      await once(child, 'close');
      for (const line of text.split('\n').slice(0, -1)) told.add(basename(line));
    };
    // Each in another order; three are killed in the middle.
    await Promise.all([
      run(texts, 2),
      run(texts.toReversed(), 3),
      run([...texts.slice(6), ...texts.slice(0, 6)], 4),
      run(texts.slice(3), 99),
    ]);
    chainEvidence(directory);
    const { files, faults } = new EvidenceReader(directory).read();
    assert.deepEqual(faults, []);
    assert(files.every(({ state }) => state === 'kept'));
    assert.deepEqual(
      new Set([...told].filter((name) => !files.some((file) => file.name === name))),
      new Set(),
    );
    assert.equal(readdirSync(directory).filter((name) => name.endsWith('.tmp')).length, 0);
  });
});

test('two processes that keep the same evidence at the same moment keep it once', async () => {
  const directory = newDirectory();
  const source = newDirectory();
  const texts = Array.from({ length: 60 }, (_, i) =>
    readFileSync(writeEvidence(source, fork(i + 2)), 'utf8'),
  );
  // Both do each in the same millisecond, if they can.
  const script = `
    import { keepFile } from '${new URL('../../src/evidence/directory.ts', import.meta.url).href}';
    let texts = '';
    for await (const chunk of process.stdin) texts += chunk;
    const began = Number(process.argv[1]);
    JSON.parse(texts).forEach((text, i) => {
      while (Date.now() < began + 25 * i);
      console.log(keepFile('${directory}', { name: 'fork-' + i + '.json', text, holds: () => true }));
    });`;
  const began = Date.now() + 3000;
  const run = async (): Promise<string> => {
    const args = ['--import', 'tsx', '--input-type=module', '-e', script, String(began)];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.end(JSON.stringify(texts));
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(child, 'close');
    return said;
  };
  const [one, other] = await Promise.all([run(), run()]);
  assert.equal(one, texts.map((_, i) => `fork-${i}.json\n`).join(''));
  assert.equal(other, one);
  assert.deepEqual(new Set(statesIn(directory)), new Set(['kept']));
});
