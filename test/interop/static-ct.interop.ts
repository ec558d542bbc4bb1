// SPDX-License-Identifier: Apache-2.0
/**
 * The programs of static-ct logs that others run, with ctga's witness: Sunlight, which asks no witness
 * and is visited, and TesseraCT, which asks before it publishes. Both are built by hand from their
 * public repositories (docs/WITNESS.md): CTGA_SUNLIGHT names Sunlight's program, beside which is
 * sunlight-keygen, and CTGA_TESSERACT TesseraCT's for POSIX.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, request, type IncomingMessage } from 'node:http';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { originHash } from '../../src/witness/witness.ts';
import { eventually } from '../support/eventually.ts';
import { noMicrosocks, startMicrosocks } from '../support/microsocks.ts';
import { freePort } from '../support/ports.ts';
import { Authority, fresh, removeLogs } from './peers.ts';
import { answers, endPrograms, start, startWitness, type RunningWitness } from './witnesses.ts';

const { CTGA_TESSERACT, CTGA_SUNLIGHT } = process.env;
const [HOST, PREFIX] = ['log.example.org', '/2026'];
const ORIGIN = `${HOST}${PREFIX}`;
/** Sunlight's directories. */
const immutable: string[] = [];
const authority = new Authority();
after(() => {
  endPrograms();
  // As root, Sunlight makes what never changes immutable.
  if (immutable.length > 0) spawnSync('chattr', ['-R', '-i', ...immutable]);
  removeLogs();
});

/** add-chain (RFC 6962, Section 4.1), of a new certificate, at the port that the log listens at. */
async function addChain(port: number): Promise<void> {
  const root = new X509Certificate(readFileSync(authority.certificate)).raw;
  const chain = [authority.issue(), root].map((each) => Buffer.from(each).toString('base64'));
  const sent = request({
    ...{ host: '127.0.0.1', port, path: `${PREFIX}/ct/v1/add-chain`, method: 'POST' },
    headers: { host: HOST, 'content-type': 'application/json' },
  }).end(JSON.stringify({ chain }));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let said = '';
  for await (const part of response) said += String(part);
  assert.equal(response.statusCode, 200, said);
}

const noSunlight = CTGA_SUNLIGHT === undefined ? 'CTGA_SUNLIGHT is not set' : noMicrosocks;
describe('Sunlight', { skip: noSunlight }, () => {
  test('is cosigned with both keys at each size by a witness that visits it', async (t) => {
    const [config, seed, tiles] = [fresh('sunlight.yaml'), fresh('seed'), fresh('tiles')];
    const database = fresh('checkpoints.db');
    immutable.push(tiles);
    const db = new Database(database);
    db.exec('CREATE TABLE checkpoints (logID BLOB PRIMARY KEY, body BLOB NOT NULL) STRICT');
    db.close();
    writeFileSync(seed, Buffer.alloc(32, 'a seed of this test'));
    const keygen = join(dirname(CTGA_SUNLIGHT ?? ''), 'sunlight-keygen');
    const keys = spawnSync(keygen, ['-json', '-f', seed, '-log', `https://${ORIGIN}`]);
    assert.equal(keys.status, 0, keys.stderr.toString());
    const { public_key_ecdsa_spki_pem: pem } = JSON.parse(keys.stdout.toString()) as {
      readonly public_key_ecdsa_spki_pem: string;
    };
    // Nothing but its files.
    const files = createServer(({ url = '' }, response) => {
      try {
        response.end(readFileSync(join(tiles, new URL(url, 'http://h').pathname)));
      } catch {
        response.writeHead(404).end();
      }
    }).listen(0, '127.0.0.1');
    t.after(() => files.close());
    await once(files, 'listening');
    const address = files.address();
    assert(address !== null && typeof address === 'object');
    const tilesUrl = `http://127.0.0.1:${address.port}`;
    const port = await freePort();
    writeFileSync(
      config,
      `listen: ["127.0.0.1:${port}"]
checkpoints: ${database}
logs:
  - shortname: test
    inception: ${new Date().toISOString().slice(0, 10)}
    period: 200
    submissionprefix: https://${ORIGIN}
    monitoringprefix: ${tilesUrl}
    roots: ${authority.certificate}
    secret: ${seed}
    cache: ${fresh('cache.db')}
    localdirectory: ${tiles}
    notafterstart: 2020-01-01T00:00:00Z
    notafterlimit: 2100-01-01T00:00:00Z
`,
    );
    const isUp = (): Promise<boolean> => answers(`http://127.0.0.1:${port}/health`);
    await start(CTGA_SUNLIGHT ?? '', ['-c', config], isUp, { TZ: 'UTC' });
    const proxy = await startMicrosocks();
    t.after(() => {
      proxy.stop();
    });
    const spki = createPublicKey(pem).export({ type: 'spki', format: 'der' });
    const feed = ['--feed', '1', '--proxy', `socks5h://127.0.0.1:${proxy.port}`];
    const witness = await startWitness({ spki, origin: ORIGIN, tiles: `${tilesUrl}/` }, feed);
    for (const size of [1n, 2n, 3n]) {
      await addChain(port);
      await eventually(async () => {
        const answer = await fetch(`${witness.url}${originHash(ORIGIN)}/checkpoint`);
        if (answer.status !== 200) return false;
        const note = await answer.text();
        return parseCheckpoint(note).treeSize === size && witness.cosigned(note).length === 2;
      }, `the witness to cosign the tree of ${size}`);
    }
    assert.deepEqual(witness.evidence(), []);
  });
});

describe('TesseraCT', { skip: CTGA_TESSERACT === undefined && 'CTGA_TESSERACT is not set' }, () => {
  interface RunningTesseraCT {
    readonly witness: RunningWitness;
    readonly port: number;
    /** What it publishes. */
    readonly head: () => string;
  }

  /** TesseraCT with a P-256 key and this policy, and the witness that it asks. */
  async function startBoth(
    policyOf: (witness: RunningWitness) => string,
  ): Promise<RunningTesseraCT> {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    const witness = await startWitness({ spki, origin: ORIGIN, tiles: 'http://127.0.0.1:1/' });
    const [keyFile, policy, storage] = [fresh('key.pem'), fresh('policy'), fresh('storage')];
    writeFileSync(keyFile, privateKey.export({ type: 'sec1', format: 'pem' }));
    writeFileSync(policy, policyOf(witness));
    const port = await freePort();
    const head = (): string => readFileSync(join(storage, 'checkpoint'), 'utf8');
    await start(
      CTGA_TESSERACT ?? '',
      [
        ...['--http_endpoint', `127.0.0.1:${port}`, '--origin', ORIGIN, '--path_prefix', PREFIX],
        ...['--private_key', keyFile, '--roots_pem_file', authority.certificate],
        // It asks nobody for roots.
        ...['--roots_remote_fetch_interval', '0', '--storage_dir', storage],
        ...['--witness_policy_file', policy, '--witness_timeout', '20s', '--http_deadline', '2m'],
        ...['--checkpoint_interval', '200ms', '--antispam_mem_table_size', String(16 << 20)],
      ],
      async () =>
        (await answers(`http://127.0.0.1:${port}${PREFIX}/ct/v1/get-roots`)) && head() !== '',
      { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' },
    );
    return { witness, port, head };
  }

  /** It answers add-chain when a checkpoint with the certificate is published. */
  async function grow({ port, head }: RunningTesseraCT, size: bigint): Promise<string> {
    await addChain(port);
    const note = head();
    assert.equal(parseCheckpoint(note).treeSize, size, note);
    return note;
  }

  test('publishes checkpoints with the Ed25519 cosignature that it asked for, and without one when its witness is gone', async () => {
    const log = await startBoth(({ vkeys, url }) => `witness w ${vkeys[0]} ${url}\nquorum w\n`);
    for (const size of [1n, 2n, 3n])
      assert.deepEqual(log.witness.cosigned(await grow(log, size)), ['Ed25519 cosignature']);
    await log.witness.stop();
    // It fails open, as its source says.
    assert.deepEqual(log.witness.cosigned(await grow(log, 4n)), []);
    assert.deepEqual(log.witness.evidence(), []);
  });

  test('carries the ML-DSA-44 cosignature too where its policy has both keys', async () => {
    // It keeps one line of each URL.
    const log = await startBoth(
      ({ vkeys: [ed25519, mlDsa44], url }) =>
        `witness a ${ed25519} ${url}\nwitness b ${mlDsa44} ${url.replace('127.0.0.1', 'localhost')}\n` +
        'group both all a b\nquorum both\n',
    );
    for (const size of [1n, 2n])
      assert.deepEqual(log.witness.cosigned(await grow(log, size)).sort(), [
        'Ed25519 cosignature',
        'ML-DSA-44',
      ]);
  });
});
