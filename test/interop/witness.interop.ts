// SPDX-License-Identifier: Apache-2.0
/**
 * ctga's witness beside litewitness, which gets the same requests, and as the witness of Tessera, which
 * asks it before it publishes.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { faultOf } from '../../src/evidence/write.ts';
import { EMPTY_ROOT } from '../../src/merkle/hash.ts';
import { MerkleTree } from '../../src/merkle/tree.ts';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { toCheckpointKey } from '../../src/statements/key.ts';
import { toNoteKey, type NoteKey } from '../../src/statements/note-key.ts';
import { checkSignatures } from '../../src/statements/signature-lines.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { treeOf } from '../support/signing-log.ts';
import { addBody, makeWitness, type Harness } from '../witness/harness.ts';
import { fresh, removeLogs, Tiled, TILED_ORIGIN } from './peers.ts';
import { answers, endPrograms, start, startWitness } from './witnesses.ts';

const LITEWITNESS = resolve(import.meta.dirname, '../../build/interop/litewitness');
const children = new Set<ChildProcess>();

interface KnownLog {
  readonly origin: string;
  readonly vkey: string;
}

/** Starts litewitness with a key in an ssh-agent of its own, and logs in its database. */
async function startLitewitness(
  logs: readonly KnownLog[],
): Promise<{ readonly url: string; readonly key: NoteKey }> {
  const [keyFile, socket, database] = [fresh('key'), fresh('agent'), fresh('litewitness.db')];
  const made = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', keyFile]);
  assert.equal(made.status, 0, made.stderr.toString());
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  children.add(agent);
  const env = { ...process.env, SSH_AUTH_SOCK: socket };
  await eventually(
    () => spawnSync('ssh-add', ['-q', keyFile], { env }).status === 0,
    'an ssh-agent with the key',
  );
  const db = new Database(database);
  db.exec(`CREATE TABLE log (origin TEXT PRIMARY KEY, tree_size INTEGER NOT NULL, tree_hash TEXT NOT NULL);
    CREATE TABLE key (origin TEXT NOT NULL, key TEXT NOT NULL, FOREIGN KEY(origin) REFERENCES log(origin));`);
  for (const { origin, vkey } of logs) {
    const root = Buffer.from(EMPTY_ROOT).toString('base64');
    db.prepare('INSERT INTO log VALUES (?, 0, ?)').run(origin, root);
    db.prepare('INSERT INTO key VALUES (?, ?)').run(origin, vkey);
  }
  db.close();
  const [, encoded = ''] = readFileSync(`${keyFile}.pub`, 'utf8').split(' ');
  const publicKey = Buffer.from(encoded, 'base64').subarray(-32);
  const fingerprint = spawnSync('ssh-keygen', ['-l', '-f', `${keyFile}.pub`]).stdout.toString();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  await start(
    LITEWITNESS,
    [
      ...['-db', database, '-ssh-agent', socket, '-name', 'interop.example.org/lite'],
      ...['-key', fingerprint.split(' ')[1] ?? '', '-listen', `127.0.0.1:${port}`],
    ],
    () => answers(url),
  );
  return { url, key: toNoteKey('interop.example.org/lite', 4, publicKey) };
}

after(() => {
  for (const child of children) child.kill('SIGKILL');
  endPrograms();
  removeLogs();
});

interface Run extends KnownLog {
  readonly requests: readonly { readonly name: string; readonly lines: readonly string[] }[];
}
const path = join(import.meta.dirname, '../vectors/witness.json');
/** Of each log one run: its state is that of one witness. litewitness 0.9 takes no ML-DSA-44 keys. */
const runs = (JSON.parse(readFileSync(path, 'utf8')) as { readonly runs: readonly Run[] }).runs
  .filter(({ origin }) => origin !== 'example.com/mldsa-log')
  .filter(({ origin }, i, all) => all.findIndex((each) => each.origin === origin) === i);

describe('beside litewitness', () => {
  const own = new CheckpointLog({ name: 'interop.example.org/log' });
  let theirs: Awaited<ReturnType<typeof startLitewitness>>;
  let ours: Harness;
  before(async () => {
    const known = [...runs, { origin: own.origin, vkey: own.vkey }];
    theirs = await startLitewitness(known);
    ours = makeWitness(
      known.map(({ origin, vkey }) => ({
        key: toCheckpointKey(vkey, origin),
        description: origin,
        url: '',
        api: 'tlog-tiles',
        mmd: 0,
      })),
    );
  });
  after(() => ours.end());

  /** The status of both; a cosignature of litewitness verifies. */
  async function both(body: Buffer): Promise<[ours: number, theirs: number]> {
    const response = await fetch(`${theirs.url}add-checkpoint`, { method: 'POST', body });
    const text = await response.text();
    const answer = ours.witness.addCheckpoint(body);
    if (response.status === 409) assert.equal(answer.body, text);
    if (response.status === 200) {
      const note = body.toString().slice(body.indexOf('\n\n') + 2);
      const signed = parseCheckpoint(`${parseCheckpoint(note).text}\n${text}`);
      assert(checkSignatures(signed, [theirs.key])[0]?.valid, text);
    }
    // litewitness 0.9 fails at a note that is none.
    return [answer.status, response.status === 500 ? 400 : response.status];
  }

  for (const { origin, requests } of runs)
    test(`the requests of other witnesses' tests, of ${origin}, have the same status`, async () => {
      for (const { name, lines } of requests) {
        const [mine, other] = await both(Buffer.from(lines.join('\n')));
        assert.equal(mine, other, name);
      }
    });

  test('a log that grows, forks, lags and lies has the same status from both, 400 times', async () => {
    const trees: readonly MerkleTree[] = [treeOf(300, 'a', 9), treeOf(300, 'b', 9)];
    const counts = new Map<number, number>();
    let [seed, latest] = [20_260_726, 0];
    const below = (n: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % n;
    };
    for (let i = 0; i < 400; i++) {
      const tree = trees[below(5) === 0 ? 1 : 0] ?? treeOf(0);
      const size = Math.max(0, Math.min(299, latest + below(6) - 1));
      const old = below(5) === 0 ? below(size + 2) : latest;
      const from = below(6) === 0 ? Math.max(1, old - 1) : old;
      const proof = from > 0 && from < size ? tree.consistencyProof(from, size) : [];
      let note = own.checkpoint(
        size,
        size === 0 && below(2) === 0 ? tree.leafHash(0) : tree.root(size),
      );
      if (below(12) === 0) note = note.replace(/.{6}=\n$/, 'AAAAAA=\n');
      if (below(12) === 0) note += `\u2014 other ${'A'.repeat(96)}\n`;
      if (below(20) === 0) note = note.replaceAll(own.origin, 'nobody.example.org');
      const [mine, other] = await both(addBody(old, proof, note));
      assert.equal(mine, other, `request ${i}: old ${old}\n${note}`);
      counts.set(mine, (counts.get(mine) ?? 0) + 1);
      if (mine === 200) latest = size;
    }
    for (const status of [200, 400, 403, 404, 409, 422])
      assert((counts.get(status) ?? 0) > 3, `${status}: ${JSON.stringify([...counts])}`);
  });
});

describe('as the witness of Tessera, a static-ct log', () => {
  test('every checkpoint that it publishes is cosigned; of a second history none is, and it is convicted', async () => {
    const kind = new Tiled();
    // Nobody listens there: it is not visited.
    const log = { spki: kind.key, origin: TILED_ORIGIN, tiles: 'http://127.0.0.1:1/' };
    const witness = await startWitness(log);
    kind.policy = `witness w ${witness.vkeys[0]} ${witness.url}\nquorum w\n`;
    const [shown, hidden] = await kind.makeTwo(3);
    const sizeOfCosigned = async (head: Promise<string>): Promise<bigint> => {
      const note = await head;
      assert(witness.cosigned(note).includes('Ed25519 cosignature'), note);
      return parseCheckpoint(note).treeSize;
    };
    assert.equal(await sizeOfCosigned(shown.head()), 3n);
    for (const growth of [1, 1, 3]) {
      await shown.grow(growth);
      await sizeOfCosigned(shown.head());
    }
    assert.equal(await sizeOfCosigned(shown.head()), 8n);
    // It cannot publish: its witness does not cosign.
    void hidden.grow(1).catch(() => undefined);
    // It grows to the size at which the two part.
    void hidden.grow(6).catch(() => undefined);
    await eventually(() => witness.evidence().length > 0, 'evidence of the second history');
    assert.equal(parseCheckpoint(await hidden.head()).treeSize, 3n);
    for (const path of witness.evidence())
      assert.equal(faultOf(readFileSync(path, 'utf8')), undefined);
  });
});
