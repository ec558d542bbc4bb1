// SPDX-License-Identifier: Apache-2.0
/** Logs that sign checkpoints: what they are known by, and which statements are theirs. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { checkpointOf, parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { parseClaim, verifyClaim } from '../../src/statements/claim.ts';
import { toCheckpointKey, toLogKey } from '../../src/statements/key.ts';
import { verifyStatement } from '../../src/statements/verify.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

/** Go's checksum database, as golang.org/x/mod/sumdb has its key, and a head that it signed. */
const SUMDB_KEY = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8';
const SUMDB_ORIGIN = 'go.sum database tree';

const [ed25519, mlDsa] = [new CheckpointLog(), new CheckpointLog({ algorithm: 'ml-dsa-44' })];
const root = treeOf(9).root();

function verdict(note: string, log: CheckpointLog): string {
  const claim = { log: log.asLog(), bytes: Buffer.from(note), form: 'checkpoint' } as const;
  const verified = verifyClaim(claim);
  return verified.kind === 'verified' ? 'verified' : verified.reason;
}

describe('the key of a log of checkpoints', () => {
  test('is read from its own bytes, as that of a CT log is', () => {
    for (const { key } of [ed25519, mlDsa, new CheckpointLog({ origin: 'an origin of its own' })])
      assert.deepEqual(toLogKey(key.spki), key);
    const { spki } = new SigningLog().key;
    assert.equal(toLogKey(spki).algorithm, 'ecdsa-p256');
  });

  test('is another where the origin is another, or the key', () => {
    const ids = [
      ed25519,
      new CheckpointLog({ sharing: ed25519, origin: 'log.test/gamma' }),
      new CheckpointLog({ sharing: ed25519, name: 'log.test/gamma' }),
      new CheckpointLog(),
      mlDsa,
    ].map(({ key }) => Buffer.from(key.logId).toString('hex'));
    assert.equal(new Set(ids).size, ids.length);
  });

  test("may have another name than the origin: Go's checksum database", () => {
    const key = toCheckpointKey(SUMDB_KEY, SUMDB_ORIGIN);
    assert.equal(key.origin, SUMDB_ORIGIN);
    assert.equal(key.noteKey.name, 'sum.golang.org');
    assert.deepEqual(toLogKey(Buffer.from(`${SUMDB_ORIGIN}\n${SUMDB_KEY}`)), key);
  });

  for (const [what, bytes] of [
    ['spaces around it', Buffer.from(`log.test/beta\n ${ed25519.vkey}`)],
    ['a line more', Buffer.from(`log.test/beta\n${ed25519.vkey}\n`)],
    ['no origin', Buffer.from(`\n${ed25519.vkey}`)],
    [
      'a key ID that is not its own',
      Buffer.from(`o\n${SUMDB_KEY.replace('033de0ae', '033de0af')}`),
    ],
    ['bytes that are no text', Buffer.concat([Uint8Array.of(0xff), ed25519.key.spki])],
  ] as const)
    test(`is refused with ${what}`, () => assert.throws(() => toLogKey(bytes), RangeError));

  test("is refused where it is a witness's, or anybody can sign for it", () => {
    const vkey = (...bytes: readonly number[]): string => {
      const id = createHash('sha256').update('some\n').update(Uint8Array.from(bytes)).digest('hex');
      return `some+${id.slice(0, 8)}+${Buffer.from(bytes).toString('base64')}`;
    };
    const point = ed25519.key.noteKey.publicKey;
    for (const origin of ['two\nlines', 'a\ttab', ''])
      assert.throws(() => toCheckpointKey(ed25519.vkey, origin), /no line of text/);
    assert.equal(toCheckpointKey(vkey(1, ...point)).origin, 'some');
    assert.throws(() => toCheckpointKey(vkey(4, ...point)), /witness/);
    for (const y of [0, 1]) {
      const weak = [y, ...Buffer.alloc(31)];
      assert.throws(() => toCheckpointKey(vkey(1, ...weak)), /small order/);
      assert.throws(() => toCheckpointKey(vkey(1, ...weak.with(31, 0x80))), /small order/);
    }
  });
});

describe('a checkpoint of a log that is no CT log', () => {
  for (const log of [ed25519, mlDsa]) {
    const { algorithm } = log.key;
    test(`is verified, and written again from what is kept of it: ${algorithm}`, () => {
      const note = log.checkpoint(9, root);
      assert.equal(verdict(note, log), 'verified');
      const claim = { log: log.asLog(), bytes: Buffer.from(note), form: 'checkpoint' } as const;
      const parsed = parseClaim(claim);
      assert(parsed.kind === 'parsed');
      const head = parsed.statement;
      assert.equal(checkpointOf(head, log.key), note);
      assert.equal(head.timestamp, algorithm === 'ed25519' ? 0n : 1_700_000_000_000n);
    });

    test(`is nobody's with another size, root, time or key: ${algorithm}`, () => {
      const { logId: _, __verified: __, ...head } = log.verified(9, root);
      assert(verifyStatement(head, log.key) !== undefined);
      for (const other of [
        { ...head, treeSize: 10n },
        { ...head, rootHash: treeOf(8).root() },
        { ...head, timestamp: head.timestamp + 1n },
        { ...head, signature: head.signature.subarray(1) },
        { ...head, signature: head.signature.map((byte, i) => (i === 70 ? byte ^ 1 : byte)) },
        { ...head, signature: new Uint8Array() },
        new SigningLog().sign(9, root),
      ])
        assert.equal(verifyStatement(other, log.key), undefined);
      const shared = { sharing: log, name: log.name };
      const sameKey = new CheckpointLog({ ...shared, origin: 'log.test/gamma' });
      assert.equal(verifyStatement(head, sameKey.key), undefined);
      assert.equal(verdict(log.checkpoint(9, root), sameKey), 'no signature line of this log');
      assert.equal(verifyStatement(head, new SigningLog().key), undefined);
      assert.equal(
        verdict(new SigningLog().checkpoint(9, root), log),
        'no signature line of this log',
      );
    });

    test(`is found behind lines that pretend to be the log's: ${algorithm}`, () => {
      const note = log.checkpoint(9, root);
      const text = note.slice(0, note.lastIndexOf('\n\n') + 1);
      const wrong = log.line(text.replace('9', '8'), 8n, root);
      const right = log.line(text, 9n, root);
      assert.equal(verdict(`${text}\n${wrong}${right}`, log), 'verified');
      assert.equal(verdict(`${text}\n${right}${wrong}`, log), 'verified');
      assert.equal(verdict(`${text}\n${wrong}`, log), 'bad signature');
    });
  }

  for (const log of [ed25519, mlDsa])
    test(`is not hidden by lines of another length: ${log.key.algorithm}`, () => {
      const note = log.checkpoint(9, root);
      const text = note.slice(0, note.lastIndexOf('\n\n') + 1);
      const keyId = Buffer.from(log.key.noteKey.keyId);
      const noise = Array.from({ length: 90 }, (_, i) => {
        const body = Buffer.concat([keyId, Buffer.alloc(1 + i, i)]);
        return `\u2014 ${log.name} ${body.toString('base64')}\n`;
      });
      const right = log.line(text, 9n, root);
      // One of the noise may have the length of an Ed25519 signature: three are not too many.
      assert.equal(verdict(`${text}\n${noise.join('')}${right}`, log), 'verified');
      const lines = (count: number): string => right.repeat(count);
      assert.equal(verdict(`${text}\n${lines(100)}`, log), 'verified');
      assert.throws(
        () => parseCheckpoint(`${text}\n${lines(101)}`),
        /more than 100 signature lines/,
      );
    });

  test('is looked for in four lines of the key, each of which takes a check', () => {
    const note = mlDsa.checkpoint(9, root);
    const text = note.slice(0, note.lastIndexOf('\n\n') + 1);
    const [wrong, right] = [mlDsa.line(text, 8n, root), mlDsa.line(text, 9n, root)];
    assert.equal(verdict(`${text}\n${wrong.repeat(3)}${right}`, mlDsa), 'verified');
    assert.equal(verdict(`${text}\n${wrong.repeat(4)}${right}`, mlDsa), 'bad signature');
  });

  test('of Ed25519 is signed with its extension lines, of ML-DSA-44 without', () => {
    for (const log of [ed25519, mlDsa]) {
      const note = log.checkpoint(9, root, { extension: 'of the log\n' });
      assert.equal(verdict(note, log), 'verified');
      const changed = note.replace('of the log', 'of a proxy');
      assert.equal(verdict(changed, log), log === mlDsa ? 'verified' : 'bad signature');
    }
  });

  test('keeps the spelling that was signed, so that no log hides a tree in another one', () => {
    const odd = Buffer.from(root)
      .toString('base64')
      .replace(/.=$/, (end) => `${String.fromCharCode(end.charCodeAt(0) + 1)}=`);
    const text = `${ed25519.origin}\n9\n${odd}\n`;
    const note = `${text}\n${ed25519.line(text, 9n, root)}`;
    assert.equal(verdict(note, ed25519), 'verified');
    assert.deepEqual(parseCheckpoint(note).rootHash, root);
  });

  test('of ML-DSA-44 is verified whatever time the log signed', () => {
    const latest = 2n ** 64n - 1n;
    for (const [time, timestamp] of [
      [0n, 0n],
      [1n, 1000n],
      [latest / 1000n, (latest / 1000n) * 1000n],
      [latest / 1000n + 1n, latest],
      [2n ** 62n, latest],
      [2n ** 63n - 1n, latest],
    ] as const)
      assert.equal(mlDsa.verified(9, root, { time }).timestamp, timestamp);
  });
});
