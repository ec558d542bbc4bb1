// SPDX-License-Identifier: Apache-2.0
/** A federation as the quorum of clients that know witnesses, and nothing of federations. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, test } from 'node:test';
import {
  attachmentOf,
  checkpointsOf,
  cosignAll,
  linesOf,
} from '../../src/federation/cosignatures.ts';
import { hex } from '../../src/federation/bytes.ts';
import { makeKeys } from '../../src/federation/keys.ts';
import { Roster } from '../../src/federation/roster.ts';
import { policyOf } from '../../src/federation/serve.ts';
import { toMerkleHash } from '../../src/merkle/hash.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { SigningLog } from '../support/signing-log.ts';
import { fresh, removeLogs } from './peers.ts';

const POLICY = resolve(import.meta.dirname, '../../build/interop/policy');
after(removeLogs);

test('Torchwood and Tessera take a threshold of its members for a quorum, and no fewer', () => {
  const members = ['a', 'b', 'c', 'd'].map((name) =>
    makeKeys(fresh(name), name, `https://${name}.example/`),
  );
  const roster = Roster.of({
    name: 'demo',
    epoch: 0,
    previous: new Uint8Array(32),
    start: 0,
    threshold: 3,
    period: 60,
    patience: 1000,
    members: members.map(({ member }) => member),
  });
  const root = toMerkleHash(new Uint8Array(32).fill(7));
  const ct = new SigningLog();
  const tlog = new CheckpointLog({ name: 'tlog.example/a' });
  const signed = [
    { log: ct.asLog({ url: 'https://ct.example/2026/' }), head: ct.verified(5, root) },
    { log: tlog.asLog(), head: tlog.verified(6, root) },
  ];
  const logs = new Map(signed.map(({ log }) => [hex(log.key.logId), log]));
  const stated = signed.map(({ head }) => {
    const { logId: id, treeSize, rootHash } = head;
    const statement = { kind: 'head', id, treeSize, rootHash } as const;
    return { statement, attachment: attachmentOf(head) };
  });
  const lines = members.map(({ cosigners }) => {
    const bytes = cosignAll(stated, logs, cosigners, 1_700_000_000n);
    return (id: string) =>
      linesOf(
        bytes,
        cosigners.map(({ key }) => key),
        id,
      );
  });
  const policy = fresh('policy');
  writeFileSync(policy, policyOf(roster, logs.values(), 'ed25519'));
  const files: string[] = [];
  const want: string[] = [];
  for (const [id, { note }] of checkpointsOf(stated, logs))
    for (const who of [[0, 1, 2, 3], [0, 2, 3], [1, 2], []]) {
      const file = fresh('checkpoint');
      writeFileSync(file, note + who.map((i) => lines[i]?.(id) ?? '').join(''));
      files.push(file);
      const is = String(who.length >= 3);
      want.push(`torchwood ${is} tessera ${is}`);
    }
  // Others' lines change nothing, and neither does a line that is there twice.
  for (const [id, { note }] of checkpointsOf(stated, logs)) {
    const file = fresh('checkpoint');
    const twice = [0, 0, 1].map((i) => lines[i]?.(id) ?? '');
    writeFileSync(file, `${note}${twice.join('')}`);
    files.push(file);
    want.push('torchwood false tessera false');
  }
  const { stdout, stderr } = spawnSync(POLICY, [policy, ...files]);
  assert.equal(stdout.toString(), `${want.join('\n')}\n`, stderr.toString());
});
