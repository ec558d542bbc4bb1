// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { StoreError } from '../../src/disk/error.ts';
import { HashStore, hashStoreFiles } from '../../src/follow/hash-store.ts';
import { newPattern } from '../../src/follow/pattern.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-hashes-'));
after(() => rmSync(directory, { recursive: true }));

const signing = new SigningLog();
const log = signing.asLog({ api: 'static-ct' });
const tree = treeOf(700);
const at = (name: string): string => join(directory, name);

describe('the hash store', () => {
  test('what is written is there when it is opened again, in another process or to read', () => {
    const store = HashStore.open(at('again'));
    const rows = store.rows(log);
    const head = rows.putHead(signing.verified(700, tree.root(700)), 5);
    const state = {
      mode: 'leaves' as const,
      shown: head.id,
      held: {
        start: 256n,
        end: 700n,
        nodes: [[0n, 256n, tree.node(8, 0)] as const],
        head: head.id,
      },
      target: 256n,
      bytesPerLeaf: 32.5,
      growth: 12.5,
      budget: 64_000_000,
      pattern: newPattern(() => 0.25),
    };
    rows.setState(state);
    rows.addUsage(86_400_000, { requests: 3, bytes: 100 });
    rows.addUsage(86_400_001, { requests: 1, bytes: 10 });
    store.close();
    for (const again of [HashStore.open(at('again')), HashStore.openForReading(at('again'))]) {
      const read = again?.rows(log);
      assert.deepEqual(read?.state(), state);
      assert.deepEqual(read.usage(2 * 86_400_000 - 1), {
        requests: 4,
        bytes: 110,
        followed: 0,
        blocks: 0,
      });
      assert.deepEqual(read.usage(0), { requests: 0, bytes: 0, followed: 0, blocks: 0 });
      assert.deepEqual(
        read.heads().map(({ head: { treeSize }, seen }) => [treeSize, seen]),
        [[700n, 5]],
      );
      again?.close();
    }
  });

  // A reader may make them, and the follower, of another account, has to write them.
  test('its files are for everybody who may write in the directory', () => {
    const shared = at('shared');
    mkdirSync(shared);
    chmodSync(shared, 0o2770);
    const store = HashStore.open(shared);
    store.rows(log).addUsage(0, { requests: 1, bytes: 1 });
    for (const path of hashStoreFiles(shared))
      assert.equal(statSync(path).mode & 0o777, 0o660, path);
    store.close();
  });

  test('there is none to read where nobody has followed a log', () => {
    assert.equal(HashStore.openForReading(at('none')), undefined);
    assert.equal(existsSync(at('none')), false);
  });

  test('one that is no database is set aside, and following begins anew', () => {
    HashStore.open(at('damaged')).close();
    const path = join(at('damaged'), 'mirror.sqlite');
    writeFileSync(path, 'x'.repeat(20_000));
    const store = HashStore.open(at('damaged'));
    assert.equal(store.rows(log).state(), undefined);
    assert.ok(existsSync(`${path}.damaged`));
    store.close();
    truncateSync(path, 0);
    assert.equal(HashStore.open(at('damaged')).rows(log).state(), undefined);
  });

  test('one that cannot be made is an error with a remedy', () => {
    writeFileSync(at('file'), '');
    assert.throws(
      () => HashStore.open(join(at('file'), 'below')),
      (error) =>
        error instanceof StoreError && error.code === 'store-failed' && error.remedy !== '',
    );
  });

  test('a head that the log did not sign is no head, and a genuine one takes its place', () => {
    const store = HashStore.open(at('signed'));
    const genuine = signing.verified(300, tree.root(300));
    const forged = { ...genuine, signature: new SigningLog().sign(300, tree.root(300)).signature };
    store.rows(log).putHead(forged, 1);
    assert.deepEqual(store.rows(log).heads(), []);
    store.rows(log).putHead(genuine, 2);
    assert.equal(store.rows(log).heads().length, 1);
    store.close();
  });

  test('a state that nobody wrote begins anew, and logs are kept apart', () => {
    const store = HashStore.inMemory();
    const other = new SigningLog().asLog();
    store.rows(log).putHead(signing.verified(300, tree.root(300)), 1);
    assert.deepEqual(store.rows(other).heads(), []);
    assert.equal(store.of(other).outlook(0n), 'beyond');
    store.close();
  });
});
