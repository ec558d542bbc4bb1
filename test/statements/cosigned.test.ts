// SPDX-License-Identifier: Apache-2.0
/** Cosignatures below checkpoints that logs, and others, gave when they were asked. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TiledAsker } from '../../src/ask/tiled.ts';
import { askForSignedHead } from '../../src/ask/signed-head.ts';
import type { LogKey } from '../../src/statements/key.ts';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { cosign, noteSigner, type NoteSignerType } from '../../src/statements/cosignature.ts';
import { cosignaturesOf } from '../../src/statements/cosigned.ts';
import { NOTE_KEY_TYPE, type NoteKey } from '../../src/statements/note-key.ts';
import type { VerifiedStatement } from '../../src/statements/statement.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const TIME = 1_800_000_000n;
const tree = treeOf(9);
const witness = (type: NoteSignerType, name = `w.test/${type.replaceAll(' ', '-')}`, seed = 1) =>
  noteSigner(name, type, Buffer.alloc(32, seed));
const KINDS = ['Ed25519 cosignature', 'ML-DSA-44'] as const;

interface AnyLog {
  readonly key: LogKey;
  readonly note: string;
}

const ct = new SigningLog();
const LOGS: Record<string, () => AnyLog> = {
  'a CT log': () => ({ key: ct.key, note: ct.checkpoint(9, tree.root()) }),
  'a log with Ed25519': () => {
    const log = new CheckpointLog();
    return { key: log.key, note: log.checkpoint(9, tree.root(), { extension: 'of its own\n' }) };
  },
  'a log with ML-DSA-44': () => {
    const log = new CheckpointLog({ algorithm: 'ml-dsa-44' });
    return { key: log.key, note: log.checkpoint(9, tree.root()) };
  },
};

/** As the challenger, a feeding witness and `dns serve` ask. */
async function asked(key: LogKey, note: string): Promise<VerifiedStatement> {
  const asker = new TiledAsker('https://log.test/', key, () =>
    Promise.resolve({ status: 200, retryAfter: undefined, body: Buffer.from(note) }),
  );
  return askForSignedHead({ key }, asker);
}

describe('below the checkpoint of a log that was asked', () => {
  for (const [whose, make] of Object.entries(LOGS))
    for (const type of KINDS) {
      const { key, note } = make();
      const signer = witness(type);
      const extended = parseCheckpoint(note).text.split('\n').length > 4;
      if (extended && type === 'ML-DSA-44') continue;
      const line = cosign(signer, parseCheckpoint(note), TIME);

      test(`${type} of a witness is verified, of ${whose}`, async () => {
        assert.deepEqual(cosignaturesOf(await asked(key, note + line), [signer.key]), [
          { witness: signer.key.name, kind: type, valid: true, time: TIME },
        ]);
      });

      test(`${type} over another tree, another time or by another key is not, of ${whose}`, async () => {
        const other = note.replace(/\n9\n/, '\n8\n');
        const impostor = witness(type, signer.key.name, 2);
        const named = { ...impostor, key: { ...impostor.key, keyId: signer.key.keyId } };
        // The first byte of the time, and the last one of the signature.
        const [later, flipped] = [4, -1].map((at) => {
          const bytes = Buffer.from(line.trim().split(' ')[2] ?? '', 'base64');
          const index = (at + bytes.length) % bytes.length;
          bytes[index] = (bytes[index] as number) ^ 1;
          return `\u2014 ${signer.key.name} ${bytes.toString('base64')}\n`;
        }) as [string, string];
        for (const bad of [
          cosign(signer, parseCheckpoint(other), TIME),
          flipped,
          later,
          cosign(named, parseCheckpoint(note), TIME),
        ]) {
          const found = cosignaturesOf(await asked(key, note + bad), [signer.key]);
          assert.deepEqual(
            found.map(({ valid }) => valid),
            [false],
            bad,
          );
        }
      });

      test(`${type} of a witness that nobody named is passed over, of ${whose}`, async () => {
        const head = await asked(key, note + line);
        assert.deepEqual(cosignaturesOf(head, []), []);
        assert.deepEqual(cosignaturesOf(head, [witness(type, 'another.test').key]), []);
        assert.deepEqual(cosignaturesOf(await asked(key, note), [signer.key]), []);
      });
    }

  test('a log that repeats a witness a hundred times has four of its lines checked', async () => {
    const { key, note } = (LOGS['a CT log'] as () => AnyLog)();
    const signer = witness('ML-DSA-44');
    const lines = Array.from({ length: 90 }, (_, i) => {
      const bytes = Buffer.concat([signer.key.keyId, Buffer.alloc(2428, i)]);
      return `\u2014 ${signer.key.name} ${bytes.toString('base64')}\n`;
    });
    const head = await asked(key, note + lines.join(''));
    assert.equal(head.others?.filter((line) => line.includes(signer.key.name)).length, 90);
    assert.equal(cosignaturesOf(head, [signer.key]).length, 4);
  });

  test('a line with the key ID of two witnesses is held against the one of its name', async () => {
    const { key, note } = (LOGS['a CT log'] as () => AnyLog)();
    const signer = witness('Ed25519 cosignature');
    const namesake: NoteKey = { ...witness('Ed25519 cosignature', 'other.test', 3).key };
    const collides = { ...namesake, keyId: signer.key.keyId };
    const head = await asked(key, note + cosign(signer, parseCheckpoint(note), TIME));
    assert.equal(collides.type, NOTE_KEY_TYPE.cosignature);
    assert.deepEqual(
      cosignaturesOf(head, [collides, signer.key]).map(({ witness, valid }) => [witness, valid]),
      [[signer.key.name, true]],
    );
  });
});
