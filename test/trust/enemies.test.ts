// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga trust verify` before those who want it to say TRUSTED: a registry, an index, a proof, a salt, old headers,
 * an old log, too few witnesses. Each of them is tried beside what is as it should be, which passes.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { toHex } from '../../src/carbonchain/bytes.ts';
import { NETWORKS } from '../../src/carbonchain/header.ts';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { cosign, generateSignerKey, parseSignerKey } from '../../src/statements/cosignature.ts';
import { formatNoteKey } from '../../src/statements/note-key.ts';
import { parseTrustName, publishedName } from '../../src/trust/names.ts';
import { headerAfter } from '../carbonchain/blocks.ts';
import { ctga, type Ran } from '../support/ctga.ts';
import { layout } from './layouts.ts';
import { OwnLog, ROOT, servedLog, signed, signing, TAGGING } from './logs.ts';
import { Signer } from './signed.ts';

const [ONE, OTHER] = [`sha256:${'ab'.repeat(32)}`, `sha256:${'cd'.repeat(32)}`];
const KNOWN = ['--root-key', toHex(ROOT.publicKey)];
const REGTEST = ['--network', 'regtest'];
const DAY = 86_400;

function directoryFor(t: TestContext): (name: string) => string {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-enemies-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return (name) => join(directory, name);
}

const verify = (image: string, name: string, ...more: readonly string[]): Promise<Ran> =>
  ctga(['trust', 'verify', image, name, ...KNOWN, ...more]);

function trusts({ code, stdout, stderr }: Ran): void {
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^TRUSTED: /);
}

function refuses({ code, stdout, stderr }: Ran, why: RegExp): void {
  assert.notEqual(code, 0, stdout);
  assert.doesNotMatch(stdout, /^TRUSTED/);
  assert.match(stdout + stderr, why);
}

/** A proof from a chain that has these digests, each under its tag. */
async function chainProof(
  tags: Readonly<Record<string, string>>,
  of = 'v1',
  { image = 'app', isRevoked = false } = {},
): Promise<string> {
  const signer = new Signer('alice', image, ROOT, TAGGING);
  for (const [tag, digest] of Object.entries(tags)) signer.sign(tag, digest);
  if (isRevoked) signer.revoke();
  return signer.prove(of);
}

const noSkopeo =
  spawnSync('skopeo', ['--version']).error !== undefined &&
  'skopeo is missing: sudo apt-get install skopeo';

test(
  'a registry that serves another manifest for a digest that is signed',
  { skip: noSkopeo },
  async (t) => {
    const at = directoryFor(t);
    const manifest = (size: number): string =>
      JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        config: { mediaType: 'application/vnd.oci.image.config.v1+json', size, digest: ONE },
        layers: [],
      });
    const [good, bad] = [manifest(1), manifest(2)];
    const digest = `sha256:${createHash('sha256').update(good).digest('hex')}`;
    let served = good;
    const server = createServer((request, response) => {
      if (request.url === '/v2/') return response.end();
      response.writeHead(200, {
        'content-type': 'application/vnd.oci.image.manifest.v1+json',
        // It says whatever digest it is asked for.
        'docker-content-digest': digest,
      });
      return response.end(served);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.after(() => (server.closeAllConnections(), server.close()));
    const place = `docker://127.0.0.1:${(server.address() as AddressInfo).port}/app`;
    writeFileSync(at('proof'), await chainProof({ v1: digest }));
    const proof = ['--proof', at('proof'), ...REGTEST];
    const images = [`${place}:v1`, `${place}@${digest}`];
    for (const image of images) trusts(await verify(image, 'alice/app:v1', ...proof));
    served = bad;
    refuses(
      await verify(images[0] as string, 'alice/app:v1', ...proof),
      /^NOT TRUSTED: Signed is sha256:/,
    );
    refuses(
      await verify(images[1] as string, 'alice/app:v1', ...proof),
      /in place of|does not match|cannot fetch/,
    );
  },
);

test('an index of which the entry of one platform was swapped', async (t) => {
  const at = directoryFor(t);
  const { directory, digests, blob } = layout({ many: ['amd64', 'arm64'], evil: ['riscv64'] });
  t.after(() => rmSync(directory, { recursive: true }));
  const index = digests['many'] as string;
  writeFileSync(at('proof'), await chainProof({ v1: index }));
  const says = (): Promise<Ran> =>
    verify(`oci:${directory}:many`, 'alice/app:v1', '--proof', at('proof'), ...REGTEST);
  trusts(await says());
  const text = readFileSync(blob(index), 'utf8');
  const { manifests } = JSON.parse(text) as { manifests: { digest: string; size: number }[] };
  const [first] = manifests as [{ digest: string; size: number }];
  const evil = readFileSync(blob(digests['evil'] as string));
  // Another manifest in the same file of the index,
  const swapped = text.replace(first.digest, digests['evil'] as string);
  writeFileSync(blob(index), swapped);
  refuses(await says(), /was changed|another length/);
  // the same under the digest that the index names,
  writeFileSync(blob(index), text);
  const before = readFileSync(blob(first.digest));
  writeFileSync(blob(first.digest), evil);
  refuses(await says(), /was changed|another length/);
  writeFileSync(blob(first.digest), before);
  trusts(await says());
  // and an index that is right in itself, under the same name.
  const digest = `sha256:${createHash('sha256').update(swapped).digest('hex')}`;
  writeFileSync(blob(digest), swapped);
  const top = join(directory, 'index.json');
  const listed = readFileSync(top, 'utf8');
  const size = `"size":${Buffer.byteLength(text)}`;
  writeFileSync(
    top,
    listed.replace(index, digest).replace(size, `"size":${Buffer.byteLength(swapped)}`),
  );
  refuses(await says(), /^NOT TRUSTED: Signed is /);
});

test('a proof of another image, of another tag, of another network or of nothing', async (t) => {
  const at = directoryFor(t);
  const cases = {
    image: await chainProof({ v1: ONE }, 'v1', { image: 'other' }),
    tag: await chainProof({ v1: ONE, v2: OTHER }, 'v2'),
    digest: await chainProof({ v1: OTHER }),
  };
  writeFileSync(at('good'), await chainProof({ v1: ONE }));
  const by = (file: string, ...more: string[]): Promise<Ran> =>
    verify(ONE, 'alice/app:v1', '--proof', at(file), ...more);
  trusts(await by('good', ...REGTEST));
  for (const [what, proof] of Object.entries(cases)) {
    writeFileSync(at(what), proof);
    const ran = await by(what, ...REGTEST);
    // What else the user signed may be in a proof, and is no harm.
    if (what === 'tag') {
      trusts(ran);
      refuses(await verify(ONE, 'alice/app:v2', '--proof', at(what), ...REGTEST), /^NOT TRUSTED/);
    } else refuses(ran, /^NOT TRUSTED: (Nothing is signed|Signed is)/);
  }
  refuses(await by('good'), /the proof is of regtest, not of mainnet/);
  refuses(
    await ctga(['trust', 'verify', ONE, 'bob/app:v1', ...KNOWN, '--proof', at('good'), ...REGTEST]),
    /Nobody has registered the name bob/,
  );
});

test('a salt that is used for two images makes neither pass for the other', async (t) => {
  const at = directoryFor(t);
  const salt = Buffer.alloc(16, 9);
  const names = ['alice/app:v1', 'alice/other:v1'].map(parseTrustName);
  const [app, other] = names.map((name) => publishedName(name, salt)) as [
    ReturnType<typeof publishedName>,
    ReturnType<typeof publishedName>,
  ];
  // Nor does one tag of two images look like one.
  assert.notEqual(app.image, other.image);
  assert.notEqual(app.tag, other.tag);
  const signer = new Signer('alice', app.image, ROOT, TAGGING);
  signer.sign(app.tag, ONE);
  writeFileSync(at('proof'), await signer.prove(app.tag));
  const by = (name: string): Promise<Ran> =>
    verify(ONE, name, '--proof', at('proof'), '--salt', salt.toString('hex'), ...REGTEST);
  trusts(await by('alice/app:v1'));
  refuses(await by('alice/other:v1'), /^NOT TRUSTED: Nothing is signed/);
  refuses(await by('alice/app:v2'), /^NOT TRUSTED: Nothing is signed/);
});

test('a revocation that old headers hide', async (t) => {
  const at = directoryFor(t);
  writeFileSync(at('before'), await chainProof({ v1: ONE }));
  writeFileSync(at('after'), await chainProof({ v1: ONE }, 'v1', { isRevoked: true }));
  const by = (file: string, ...more: string[]): Promise<Ran> =>
    verify(ONE, 'alice/app:v1', '--proof', at(file), ...REGTEST, ...more);
  const { asOf } = JSON.parse((await by('before', '--json')).stdout) as { asOf: { time: string } };
  const last = Date.parse(asOf.time) / 1000;
  const on = (seconds: number): void => {
    t.mock.timers.reset();
    t.mock.timers.enable({ apis: ['Date'], now: (last + seconds) * 1000 });
  };
  on(DAY - 100);
  trusts(await by('before', '--max-age', '1d'));
  refuses(await by('after', '--max-age', '1d'), /tagging key that signed it was revoked/);
  on(DAY + 100);
  refuses(
    await by('before', '--max-age', '1d'),
    /^NOT TRUSTED: What is known is older than --max-age/,
  );
  // Whoever does not ask for an age is told it, and that it says nothing of later.
  const told = await by('before');
  trusts(told);
  assert.match(
    told.stdout,
    /\(24 hours ago\); what was revoked later, or left out .* is not known/,
  );
  // Nobody can leave a revocation out of a chain and call the proof whole.
  refuses(await by('before', '--whole'), /--whole does not allow that/);
});

test('headers with less work than the network has, or easier ones', async (t) => {
  const { at, log, place } = await logFor(t);
  log.grow(signing({ v1: ONE }), cosignedBy([0, 1], Math.floor(Date.now() / 1000)));
  const prove = ['trust', 'prove', 'alice/app:v1', '--output', at('log-proof'), ...place];
  assert.equal((await ctga(prove)).code, 0);
  const genesis = NETWORKS.mainnet.genesis.bytes;
  // Ten blocks behind Bitcoin's first, each with the work of regtest, which a machine makes at once.
  const easy = [genesis];
  for (let i = 0; i < 10; i++) easy.push(headerAfter(easy.at(-1) as Uint8Array, {}));
  for (const [headers, why] of [
    [[genesis], /less work than mainnet has: they are made up/],
    [easy, /block 1 of the headers /],
    [easy.slice(1), /do not begin with block 0/],
  ] as const) {
    const bytes = Buffer.concat(headers);
    const proof = { kind: 'ctga-trust-proof', version: 1, network: 'mainnet', start: 0 };
    const text = JSON.stringify({ ...proof, headers: bytes.toString('base64'), transactions: [] });
    writeFileSync(at('proof'), text);
    refuses(await verify(ONE, 'alice/app:v1', '--proof', at('proof')), why);
    // The same as headers for the anchor of a log.
    writeFileSync(at('headers'), bytes);
    const offline = [
      '--proof',
      at('log-proof'),
      '--policy',
      at('policy'),
      '--headers',
      at('headers'),
    ];
    refuses(await verify(ONE, 'alice/app:v1', ...offline), why);
  }
});

const witnesses = ['a', 'b', 'c'].map((name) =>
  parseSignerKey(generateSignerKey(`${name}.test/w`, 'Ed25519 cosignature')),
);

/** What so many witnesses make of a checkpoint, at a time in Unix seconds. */
const cosignedBy =
  (which: readonly number[], time: number) =>
  (note: string): string =>
    note +
    which
      .map((i) =>
        cosign(witnesses[i] as (typeof witnesses)[0], parseCheckpoint(note), BigInt(time)),
      )
      .join('');

async function logFor(t: TestContext) {
  const at = directoryFor(t);
  const log = OwnLog.make(t);
  const served = await servedLog(t);
  served.show(log);
  const lines = witnesses.map(({ key }, i) => `witness W${i} ${formatNoteKey(key)}`);
  const policy = [`log ${log.vkey} ${served.url}`, ...lines, 'group two 2 W0 W1 W2', 'quorum two'];
  writeFileSync(at('policy'), `${policy.join('\n')}\n`);
  const place = ['--policy', at('policy'), '--state-dir', at('state')];
  return { at, log, served, place };
}

test('a log that shows the tree from before a revocation', async (t) => {
  const { at, log, served, place } = await logFor(t);
  const now = Math.floor(Date.now() / 1000);
  const revoke = { kind: 'delete-key', user: 'alice', image: 'app', keyId: 0, serial: 9 } as const;
  log.grow(signing({ v1: ONE }), cosignedBy([0, 1], now - 2 * DAY));
  const before = log.copy();
  log.grow([[revoke, ROOT]], cosignedBy([0, 1], now - 60));
  const says = (...more: string[]): Promise<Ran> => verify(ONE, 'alice/app:v1', ...place, ...more);
  // To who has seen nothing of it: what the witnesses said of that tree is two days old.
  served.show(before);
  refuses(await says('--max-age', '1d'), /^NOT TRUSTED: What is known is older than --max-age/);
  trusts(await says('--max-age', '3d'));
  const prove = (file: string): Promise<Ran> =>
    ctga(['trust', 'prove', 'alice/app:v1', '--whole', '--output', at(file), ...place]);
  assert.equal((await prove('old')).code, 0);
  const offline = (file: string, ...more: string[]): Promise<Ran> =>
    verify(
      ONE,
      'alice/app:v1',
      '--offline',
      '--proof',
      at(file),
      '--policy',
      at('policy'),
      ...more,
    );
  refuses(await offline('old', '--max-age', '1d'), /older than --max-age/);
  trusts(await offline('old', '--max-age', '3d', '--whole'));
  served.show(log);
  refuses(await says(), /was revoked/);
  assert.equal((await prove('new')).code, 0);
  refuses(await offline('new', '--max-age', '1d', '--whole'), /was revoked/);
  // To who has read on: it is not shown an older tree.
  served.show(before);
  refuses(await says('--max-age', '3d'), /what is new may be kept from you/);
});

test('witnesses that are fewer than the policy wants', async (t) => {
  const { at, log, place } = await logFor(t);
  const now = Math.floor(Date.now() / 1000);
  const says = (...more: string[]): Promise<Ran> => verify(ONE, 'alice/app:v1', ...place, ...more);
  const stranger = parseSignerKey(generateSignerKey('a.test/w', 'Ed25519 cosignature'));
  log.grow(signing({ v1: ONE }));
  for (const [what, cosigned] of Object.entries({
    none: (note: string) => note,
    one: cosignedBy([0], now),
    'one twice': cosignedBy([0, 0], now),
    'one, and one of another key with the name of the second': (note: string) =>
      cosignedBy([1], now)(note) + cosign(stranger, parseCheckpoint(note), BigInt(now)),
  })) {
    log.grow([], cosigned);
    const ran = await says();
    assert.equal(ran.code, 1, `${what}: ${ran.stdout}`);
    refuses(ran, /the policy does not accept the log: /);
  }
  // What two said of another tree is nothing to this one.
  const other = log.copy();
  other.grow([signed('v2', OTHER, 8)], cosignedBy([0, 1], now));
  const lines = other.checkpoint.split('\n').slice(-3).join('\n');
  log.grow([], (note) => note + lines);
  refuses(await says(), /the policy does not accept the log: |malformed/);
  log.grow([], cosignedBy([0, 2], now));
  trusts(await says('--max-age', '1d'));
  // One of the two has a clock that is years ahead: that makes nothing newer.
  log.grow([], (note) => cosignedBy([2], now + 1000 * DAY)(cosignedBy([0], now - 2 * DAY)(note)));
  refuses(await says('--max-age', '1d'), /older than --max-age/);
  // A policy that wants no witness has nobody who says when.
  writeFileSync(
    at('policy'),
    readFileSync(at('policy'), 'utf8').replace(/quorum two/, 'quorum none'),
  );
  trusts(await says());
  refuses(await says('--max-age', '1000d'), /older than --max-age/);
});
