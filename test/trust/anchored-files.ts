// SPDX-License-Identifier: Apache-2.0
/** What is worth anchoring, as ctga itself writes it: evidence of a fork, and a statement of a federation. */
import { writeFileSync } from 'node:fs';
import { formatEvidence, makeEvidence } from '../../src/evidence/bundle.ts';
import { judgeWithoutProof } from '../../src/evidence/judge.ts';
import { Bits } from '../../src/federation/bytes.ts';
import { statementsBytes } from '../../src/federation/certificate.ts';
import { attachmentOf, checkpointFor } from '../../src/federation/cosignatures.ts';
import { makeKeys } from '../../src/federation/keys.ts';
import {
  formatSignedRoster,
  Roster,
  rosterBytes,
  type RosterBody,
} from '../../src/federation/roster.ts';
import { formatUpdate } from '../../src/federation/update.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';

/** Writes the evidence, the statement, and what either is verified with. */
export function writeWhatCounts(at: (name: string) => string): {
  readonly evidence: string;
  readonly statement: string;
  readonly logList: string;
  readonly roster: string;
} {
  const files = {
    evidence: at('evidence.json'),
    statement: at('statement.json'),
    logList: at('logs.json'),
    roster: at('roster.json'),
  };
  const log = new SigningLog();
  const known = log.asLog({ description: 'A log' });
  const now = Date.now();
  const shown = log.verified(9, treeOf(9).root(), BigInt(now));
  const other = log.verified(9, treeOf(9, 'b').root(), BigInt(now + 1));
  const finding = judgeWithoutProof(shown, other);
  if (finding?.verdict !== 'fork-proven') throw new Error('the two trees are no fork');
  writeFileSync(files.evidence, formatEvidence(makeEvidence(known, shown, other, finding, now)));
  writeFileSync(files.logList, logListOf({ alpha: log }));

  const { member, signer } = makeKeys(at('member'), 'a', 'https://a.example/');
  const period = Math.floor(now / 60_000);
  const body: RosterBody = {
    name: 'demo',
    epoch: 0,
    previous: new Uint8Array(32),
    start: period,
    threshold: 1,
    period: 60,
    patience: 1000,
    members: [member],
  };
  const one = Bits.of(1, [0]);
  const trusted = {
    body,
    signature: { signers: one, signature: signer.signBls(rosterBytes(body)) },
  };
  const { logId: id, treeSize, rootHash } = shown;
  const item = {
    statement: { kind: 'head', id, treeSize, rootHash },
    attachment: attachmentOf(shown),
  } as const;
  const place = { roster: Roster.of(body).hash, period: period + 1, view: 0 };
  const signature = signer.signBls(statementsBytes(place, [item], one));
  const update = {
    federation: 'demo',
    period: period + 2,
    rosters: [trusted],
    certificates: [{ ...place, items: [item], groups: [{ mask: one, signers: one, signature }] }],
    checkpoints: [checkpointFor(item, known) ?? ''],
    evidence: [],
    faults: [],
  };
  writeFileSync(files.statement, formatUpdate(update));
  writeFileSync(files.roster, formatSignedRoster(trusted));
  return files;
}
