// SPDX-License-Identifier: Apache-2.0
/** `ctga dns serve` and `dns publish` of logs that are no CT logs: their checkpoints, and no heads. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import * as dnsPacket from 'dns-packet';
import { LogError } from '../../src/ask/asker.ts';
import { TiledAsker } from '../../src/ask/tiled.ts';
import { DnsClient } from '../../src/dns/client.ts';
import { encodeName } from '../../src/dns/name.ts';
import { DnsServer } from '../../src/dns/server.ts';
import { parseEvidence } from '../../src/evidence/bundle.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { Authority } from '../../src/mirror/authority.ts';
import { publishedIn } from '../../src/mirror/directory.ts';
import { Mirror } from '../../src/mirror/mirror.ts';
import { HourlyPublication } from '../../src/mirror/publication.ts';
import { PublishedHeads } from '../../src/mirror/published.ts';
import { queryZone, type Query, type QueryResult } from '../../src/services/query.ts';
import { CheckpointsOverDns } from '../../src/sources/checkpoints/source.ts';
import { noteOfRdata } from '../../src/sources/checkpoints/text.ts';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { cosign, noteSigner } from '../../src/statements/cosignature.ts';
import { verifyClaim } from '../../src/statements/claim.ts';
import { recordsOf } from '../../src/zone/records.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const ZONE = 'beta.ct.example';
const tree = treeOf(40);
/** Of witnesses: Ed25519, ML-DSA-44, and Ed25519 again. */
const COSIGNATURES = [72, 2428, 72].map((length, i) => {
  const bytes = Buffer.alloc(4 + length, i + 1);
  return `\u2014 witness.test/${i} ${bytes.toString('base64')}\n`;
});

function served(log: CheckpointLog, cosignatures: readonly string[] = COSIGNATURES): Mirror {
  const note = log.checkpoint(40, tree.root()) + cosignatures.join('');
  const client = new TiledAsker('https://log.test/beta/', log.key, (url) => {
    assert.equal(new URL(url).pathname, '/beta/checkpoint');
    return Promise.resolve({ status: 200, retryAfter: undefined, body: Buffer.from(note) });
  });
  const published = new PublishedHeads(directory);
  const publication = new HourlyPublication({
    log: log.asLog(),
    client,
    interval: 3_600_000,
    now: () => 0,
    last: undefined,
    onPublished: (of, what) => published.put(of, what),
    onFailed: (_, error) => assert.fail(error),
  });
  const nothing = (): undefined => undefined;
  const options = { log: log.asLog(), client, publication, hashes: nothing, now: () => 0 };
  return new Mirror({ ...options, onFailed: nothing });
}

async function ask(
  mirror: Mirror,
  name: string,
  transport: 'udp' | 'tcp' = 'udp',
): Promise<{ readonly message: Buffer; readonly decoded: dnsPacket.DecodedPacket }> {
  const authority = new Authority({ zones: new Map([[ZONE, mirror]]) });
  const opt: dnsPacket.Answer = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 1232,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: [],
  };
  const query = dnsPacket.encode({
    type: 'query',
    id: 1,
    questions: [{ type: 'TXT', name }],
    additionals: [opt],
  });
  const client = { address: '192.0.2.1' };
  const message = await authority.respond(query, { client, transport });
  assert(message !== undefined);
  return { message, decoded: dnsPacket.decode(message) };
}

describe('the server of a log that signs checkpoints', () => {
  test('answers with the checkpoint and the cosignatures that fit', async () => {
    const log = new CheckpointLog();
    const { message } = await ask(served(log), `checkpoint.${ZONE}`);
    assert(message.length <= 1232);
    const source = new CheckpointsOverDns(new Map([[ZONE, log.asLog()]]));
    const claims = source.read(message);
    assert('length' in claims && claims.length === 1);
    const [claim] = claims;
    assert(claim !== undefined && verifyClaim(claim).kind === 'verified');
    const { signatures } = parseCheckpoint(Buffer.from(claim.bytes).toString());
    assert.deepEqual(
      signatures.map(({ name }) => name),
      [log.name, 'witness.test/0', 'witness.test/2'],
    );
  });

  test('fills 1,232 bytes and no more', async () => {
    const log = new CheckpointLog();
    const many = Array.from(
      { length: 60 },
      (_, i) => `\u2014 w${'x'.repeat(i)} ${Buffer.alloc(76, i).toString('base64')}\n`,
    );
    const { message } = await ask(served(log, many), `checkpoint.${ZONE}`);
    assert(message.length <= 1232 && message.length > 1232 - 120, `${message.length} bytes`);
  });

  test('has no tree head, and proofs as before', async () => {
    const mirror = served(new CheckpointLog());
    const { message, decoded } = await ask(mirror, `sth.${ZONE}`);
    assert.deepEqual([message.readUInt8(3) & 15, decoded.answers?.length], [0, 0]);
  });

  test('sends a checkpoint of ML-DSA-44 over TCP, where UDP has no room', async () => {
    const log = new CheckpointLog({ algorithm: 'ml-dsa-44' });
    const overUdp = await ask(served(log), `checkpoint.${ZONE}`);
    assert.equal(overUdp.decoded.flag_tc, true);
    assert.equal(overUdp.decoded.answers?.length, 0);
    const { message } = await ask(served(log), `checkpoint.${ZONE}`, 'tcp');
    const claims = new CheckpointsOverDns(new Map([[ZONE, log.asLog()]])).read(message);
    assert('length' in claims);
    const [claim] = claims;
    assert(claim !== undefined && verifyClaim(claim).kind === 'verified');
  });

  test('has the cosignatures again after a restart', async () => {
    const log = new CheckpointLog();
    await served(log).checkpoint?.(1000);
    const again = new PublishedHeads(directory).get(log.asLog());
    assert.deepEqual(again?.head.others, COSIGNATURES);
    assert(publishedIn(directory).startsWith(directory));
  });
});

describe('ctga dns query of a zone of checkpoints', () => {
  const witness = noteSigner('w.test', 'Ed25519 cosignature', Buffer.alloc(32, 1));
  const query = async (
    log: CheckpointLog,
    of = log,
    more: Partial<Query> = {},
  ): Promise<QueryResult> => {
    const note = parseCheckpoint(log.checkpoint(40, tree.root()));
    const cosignature = cosign(witness, note, 1_800_000_000n);
    const server = new DnsServer(
      new Authority({ zones: new Map([[ZONE, served(log, [cosignature, ...COSIGNATURES])]]) }),
    );
    const at = await server.listen({ address: '127.0.0.1', port: 0 });
    const client = new DnsClient({ address: '127.0.0.1', port: at.port });
    try {
      return await queryZone({
        zone: ZONE,
        log: of.asLog(),
        lookup: (name) => client.txt(name),
        since: undefined,
        leaf: undefined,
        witnesses: [witness.key],
        evidenceDirectory: directory,
        now: 1,
        ...more,
      });
    } finally {
      await server.close();
    }
  };

  test('verifies the checkpoint and the cosignatures, over UDP', async () => {
    const { name, treeSize, timestamp, cosignatures } = await query(new CheckpointLog());
    assert.deepEqual([name, treeSize, timestamp], [`checkpoint.${ZONE}`, 40n, 0n]);
    assert.deepEqual(cosignatures, [
      { witness: 'w.test', kind: 'Ed25519 cosignature', valid: true, time: 1_800_000_000n },
    ]);
  });

  test('of ML-DSA-44 is answered over TCP, without cosignatures', async () => {
    const log = new CheckpointLog({ algorithm: 'ml-dsa-44' });
    const { treeSize, timestamp, cosignatures } = await query(log);
    assert.deepEqual([treeSize, timestamp, cosignatures], [40n, 1_700_000_000_000n, []]);
  });

  test('proves two roots of one size, and a head of another key is refused', async () => {
    const log = new CheckpointLog();
    const since = log.verified(40, treeOf(40, 'b', 9).root());
    const { since: found } = await query(log, log, { since });
    assert.equal(found?.verdict, 'fork-proven');
    const evidence = parseEvidence(readFileSync(found.evidence ?? '', 'utf8'), 'evidence');
    assert.deepEqual(
      verifyEvidence(evidence).filter(({ holds }) => !holds),
      [],
    );
    await assert.rejects(
      query(log, new CheckpointLog()),
      (error) => error instanceof LogError && /no signature line|not signed/.test(error.message),
    );
  });
});

test('a zone that another server has gets the same record', async () => {
  const log = new CheckpointLog();
  const mirror = served(log);
  await ask(mirror, `checkpoint.${ZONE}`);
  const { head } = new PublishedHeads(directory).get(log.asLog()) ?? assert.fail();
  const logs = new Map([[ZONE, log.asLog()]]);
  const [set, ...more] = recordsOf(new Map([[ZONE, head]]), logs, 'ct.example', undefined);
  assert.equal(more.length, 0);
  assert.equal(set?.name, `checkpoint.${ZONE}`);
  const room = 1232 - 39 - encodeName(set.name).length;
  assert.deepEqual(set.rdatas, [await mirror.checkpoint?.(room)]);
  assert(
    noteOfRdata(set.rdatas[0] ?? new Uint8Array())
      .toString()
      .startsWith(log.origin),
  );
});
