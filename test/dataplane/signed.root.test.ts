// SPDX-License-Identifier: Apache-2.0
/**
 * A tree head that `ctga dns publish` has put into a zone that Knot signs, on its way past the data
 * plane: it arrives with its RRSIG, and XDP copies it.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { parseMessage, RecordType } from '../../src/dns/message.ts';
import { DatagramDecoder } from '../../src/packet/decode.ts';
import { parseTreeHeadAnswer } from '../../src/sources/ct-over-dns/answer.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { formatRecords } from '../../src/zone/master-file.ts';
import { recordsOf } from '../../src/zone/records.ts';
import { SERVER_NEEDS, startServer } from '../support/name-servers.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { Child, Link, PEER_ADDRESS, run } from './namespaces.ts';

const ZONE = 'ct.test';
const NAME = `sth.alpha.${ZONE}`;

describe('a tree head in a zone that Knot signs', { skip: SERVER_NEEDS.knot }, () => {
  for (const algorithm of ['ecdsa-p256', 'rsa'] as const)
    for (const signs of ['zone', 'answers'] as const)
      test(`(${signs}, a log with ${algorithm}) passes whole, and is copied`, async () => {
        const log = new SigningLog(algorithm);
        const head = log.verified(40, treeOf(40).root());
        const records = recordsOf(new Map([[`alpha.${ZONE}`, head]]), new Map(), ZONE, undefined);
        const soa = `${ZONE}. 300 SOA ns.${ZONE}. a.${ZONE}. 1 3600 600 86400 300\n${ZONE}. 300 NS ns.${ZONE}.\nns.${ZONE}. 300 A ${PEER_ADDRESS}\n`;
        const link = new Link();
        const inNamespace = (name: string): string[] => ['nsenter', `--net=/run/netns/${name}`];
        run('ip', '-n', link.sender, 'link', 'set', 'lo', 'up');
        const plane = new Child(link.observer);
        const knot = await startServer('knot', {
          zone: ZONE,
          records: `${soa}${records.flatMap(formatRecords).join('\n')}\n`,
          key: { name: 'ctga', secret: randomBytes(32).toString('base64') },
          signs,
          address: PEER_ADDRESS,
          port: 53,
          prefix: inNamespace(link.sender),
        });
        try {
          await plane.attach({ mode: 'native' }, link);
          await plane.ask({ method: 'known', names: [NAME] });
          await plane.ask({ method: 'start' });
          const [command = '', ...enter] = inNamespace(link.observer);
          const dig = ['dig', `@${PEER_ADDRESS}`, NAME, 'TXT', '+dnssec', '+notcp', '+ignore'];
          const { stdout } = spawnSync(command, [...enter, ...dig], { encoding: 'utf8' });
          const text = formatTreeHeadText(head);
          assert(stdout.replaceAll('" "', '').includes(`"${text}"`), stdout);
          assert.match(stdout, /IN\s+RRSIG\s+TXT 13 4 300/);

          const [packet] = await plane.ask({ method: 'packets', atLeast: 1 });
          const frame = packet?.frame ?? new Uint8Array(0);
          const { payload } = new DatagramDecoder().push(frame, 0, '') ?? assert.fail();
          const types = parseMessage(payload).answers.map(({ type }) => type);
          assert.deepEqual(types, [RecordType.txt, RecordType.rrsig]);
          const answer = parseTreeHeadAnswer(payload);
          assert(answer.kind === 'answer');
          assert.deepEqual(answer.texts.map(String), [text]);
        } finally {
          await knot.stop();
          await plane.kill();
          link.detach();
          link.remove();
        }
      });
});
