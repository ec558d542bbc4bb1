// SPDX-License-Identifier: Apache-2.0
/** `ctga replay` of captures with answers to `checkpoint.` names, whole and in fragments. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { VerifiedStatement } from '../../src/statements/statement.ts';
import { checkpointAnswer } from '../support/checkpoint-answer.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { ctga } from '../support/ctga.ts';
import { ethernet, fragmentIpv4, frameV4, frameV6, ipv4, udp } from '../support/packets.ts';
import { treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const log = new CheckpointLog();
const stranger = new CheckpointLog();
const tree = treeOf(40);

const answer = (head: VerifiedStatement, witnesses = 0): Buffer =>
  checkpointAnswer('beta.example', head, log.key, witnesses);

/** A capture file of Ethernet frames: libpcap's savefile format. */
function pcap(frames: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(1, 20);
  return Buffer.concat([
    header,
    ...frames.flatMap((frame) => {
      const record = Buffer.alloc(16);
      record.writeUInt32LE(1_700_000_000);
      record.writeUInt32LE(frame.length, 8);
      record.writeUInt32LE(frame.length, 12);
      return [record, frame];
    }),
  ]);
}

const head = (size: number): VerifiedStatement => log.verified(size, tree.root(size));

test('replay finds checkpoints, whole or in fragments, and takes none of another key', async () => {
  const large = ipv4({ payload: udp({ payload: answer(head(12), 6) }) });
  assert(large.length > 900);
  const frames = [
    frameV4(answer(head(10))),
    frameV6(answer(head(11), 2)),
    // Out of order.
    ...fragmentIpv4(large, 376)
      .reverse()
      .map((payload) => ethernet({ payload })),
    frameV4(answer({ ...stranger.verified(13, tree.root(13)) })),
    frameV4(answer(head(14))).map((byte, i, all) => (i === all.length - 3 ? byte ^ 1 : byte)),
  ];
  const file = join(directory, 'checkpoints.pcap');
  writeFileSync(file, pcap(frames));
  const keys = join(directory, 'keys');
  writeFileSync(keys, `${log.vkey}\n`);
  const state = ['--state-dir', join(directory, 'state')];
  const zone = ['--zone', `beta.example=${log.origin}`];
  const ran = await ctga(['replay', '--log-list', keys, ...zone, ...state, file]);
  assert.equal(ran.code, 0, ran.stderr);
  const listed = await ctga(['heads', 'list', '--json', ...state]);
  const heads = JSON.parse(listed.stdout) as { log: string; treeSize: number }[];
  assert.deepEqual(heads.map(({ treeSize }) => treeSize).sort(), [10, 11, 12]);
});
