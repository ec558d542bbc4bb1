// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga trust verify` before those who want it to say TRUSTED: a registry, an index, a proof, a salt, old headers,
 * an old log, too few witnesses. Each of them is tried beside what is as it should be, which passes.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { toHex } from '../../src/carbonchain/bytes.ts';
import { NETWORKS } from '../../src/carbonchain/header.ts';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { cosign, generateSignerKey, parseSignerKey } from '../../src/statements/cosignature.ts';
import { formatNoteKey } from '../../src/statements/note-key.ts';
import { newKeyPair, type KeyPair } from '../../src/ddt/keys.ts';
import { decodeCommand, signReplacement, type Command } from '../../src/ddt/version1.ts';
import { networkOfLog } from '../../src/trust/log-entry.ts';
import { parseTrustName, publishedName } from '../../src/trust/names.ts';
import { headerAfter } from '../carbonchain/blocks.ts';
import { served } from '../carbonchain/rpc.ts';
import { ctga, startCtga, type Ran } from '../support/ctga.ts';
import { layout } from './layouts.ts';
import { OwnLog, ROOT, servedLog, signed, signing, TAGGING, type Signed } from './logs.ts';
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

test(
  'a registry that never answers is waited for no longer than one likes',
  { skip: noSkopeo },
  async (t) => {
    const at = directoryFor(t);
    let isAsked = false;
    const server = createServer((request, response) => {
      if (request.url === '/v2/') return void response.end();
      isAsked = true;
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.after(() => (server.closeAllConnections(), server.close()));
    writeFileSync(at('proof'), await chainProof({ v1: ONE }));
    const image = `docker://127.0.0.1:${(server.address() as AddressInfo).port}/app:v1`;
    const proof = ['--proof', at('proof'), ...REGTEST, ...KNOWN];
    const verifying = startCtga(['trust', 'verify', image, 'alice/app:v1', ...proof]);
    await verifying.until(() => isAsked, 'skopeo asks');
    refuses(await verifying.stop(), /ctga: interrupted, so nobody knows what docker:/);
  },
);

test('a node that keeps back the block with the revocation', async (t) => {
  const at = directoryFor(t);
  const signer = new Signer('alice', 'app', ROOT, TAGGING);
  signer.sign('v1', ONE);
  const { node } = signer;
  for (let i = 0; i < 6; i++) node.mine();
  const url = await served(t, node);
  const says = (): Promise<Ran> =>
    verify(ONE, 'alice/app:v1', '--node', url, ...REGTEST, '--state-dir', at('state'));
  trusts(await says());
  signer.revoke();
  for (let i = 0; i < 6; i++) node.mine();
  const withheld = [...node.blocks].slice(-7);
  for (const [hash] of withheld) node.blocks.delete(hash);
  refuses(await says(), /^NOT TRUSTED: The chain goes on, and no node gives its next block/);
  for (const [hash, block] of withheld) node.blocks.set(hash, block);
  refuses(await says(), /^NOT TRUSTED: The tagging key that signed it was revoked/);
});

test('a disk that forgets a revocation, or a bit of it', async (t) => {
  const at = directoryFor(t);
  const signer = new Signer('alice', 'app', ROOT, TAGGING);
  signer.sign('v1', ONE);
  const { node } = signer;
  signer.revoke();
  for (let i = 0; i < 6; i++) node.mine();
  const from = ['--node', await served(t, node), ...REGTEST, '--state-dir', at('state')];
  const says = (): Promise<Ran> => verify(ONE, 'alice/app:v1', ...from);
  const last = 'WHERE height = (SELECT max(height) FROM packet)';
  refuses(await says(), /was revoked/);
  for (const damage of [
    `DELETE FROM packet ${last}`,
    `UPDATE packet SET height = height + 1 ${last}`,
    `UPDATE packet SET spends = replace(spends, 'a', 'b') ${last}`,
    `UPDATE packet SET owner_output = 1 ${last}`,
    `UPDATE packet SET bytes = CAST(bytes || x'00' AS BLOB) ${last}`,
    `DELETE FROM packet`,
  ]) {
    const database = new Database(at('state/chain-regtest.db'));
    assert(database.prepare(damage).run().changes > 0, damage);
    database.close();
    refuses(await says(), /chain-regtest\.db is damaged: the packets of block \d+ are not those/);
    // It was set aside, and the chain is read once more.
    refuses(await says(), /was revoked/);
  }
});

test('a block that leaves the chain is no part of the verdict', async (t) => {
  const at = directoryFor(t);
  const signer = new Signer('alice', 'app', ROOT, TAGGING);
  signer.sign('v1', ONE);
  const { node } = signer;
  for (let i = 0; i < 8; i++) node.mine();
  const from = ['--node', await served(t, node), ...REGTEST, '--state-dir', at('state')];
  trusts(await verify(ONE, 'alice/app:v1', ...from));
  const reorganise = (seed: number): void => {
    node.cut(node.chain.length - 2);
    for (let i = 0; i < 2; i++) node.mine([], seed);
  };
  reorganise(1);
  const said = await verify(ONE, 'alice/app:v1', ...from);
  trusts(said);
  assert.match(said.stderr, /1 block left the chain above/);
  reorganise(2);
  // Podman's hook reads this.
  const { stdout, stderr } = await verify(ONE, 'alice/app:v1', ...from, '--json');
  assert.equal((JSON.parse(stdout) as { trusted: unknown }).trusted, true);
  assert.match(stderr, /"note": ?".*left the chain/);
});

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

test('a manifest that is signed, and that is two images', async (t) => {
  const at = directoryFor(t);
  const { directory, digests, blob } = layout({ one: ['amd64'], evil: ['riscv64'] });
  t.after(() => rmSync(directory, { recursive: true }));
  const top = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')) as {
    manifests: { digest: string; size: number; mediaType: string }[];
  };
  const [one, evil] = top.manifests as [object, object];
  const image = JSON.parse(readFileSync(blob(digests['one'] as string), 'utf8')) as object;
  for (const [manifest, isTrusted] of [
    [image, true],
    [{ ...image, manifests: [evil] }, false],
  ] as const) {
    const text = JSON.stringify(manifest);
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
    writeFileSync(blob(digest), text);
    const entry = { ...one, digest, size: Buffer.byteLength(text) };
    writeFileSync(
      join(directory, 'index.json'),
      JSON.stringify({ schemaVersion: 2, manifests: [entry] }),
    );
    writeFileSync(at('proof'), await chainProof({ v1: digest }));
    const ran = await verify(
      `oci:${directory}`,
      'alice/app:v1',
      ...['--proof', at('proof'), ...REGTEST],
    );
    if (isTrusted) trusts(ran);
    else refuses(ran, /can be read in two ways: an index has no 'config'/);
  }
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
    refuses(ran, /^NOT TRUSTED: (Nothing is signed|Signed is)/);
    if (what === 'tag') {
      trusts(await verify(OTHER, 'alice/app:v2', '--proof', at(what), ...REGTEST));
      refuses(await verify(ONE, 'alice/app:v2', '--proof', at(what), ...REGTEST), /^NOT TRUSTED/);
    }
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

test('a log that says it has a revocation, and keeps it back', async (t) => {
  const { at, log, served, place } = await logFor(t);
  const now = Math.floor(Date.now() / 1000);
  // The clock of whoever signed was ten years ahead: a revocation has to be possible before that.
  const ahead = Date.now() + 3650 * DAY * 1000;
  const [root, key, metadata] = signing({ v1: ONE }) as [Signed, Signed, Signed];
  log.grow([root, [{ ...key[0], serial: ahead }, ROOT], metadata], cosignedBy([0, 1], now));
  writeFileSync(at('root'), toHex(ROOT.privateKey));
  const revoke = (): Promise<Ran> =>
    ctga(['trust', 'key', 'revoke', 'alice/app', '--root-key-file', at('root'), ...place]);
  for (const [answer, why] of [
    [
      '{"index":3,"published":true}',
      /says that entry 3 has the command, and does not show it there/,
    ],
    [
      '{"index":2,"published":true}',
      /says that entry 2 has the command, and does not show it there/,
    ],
    ['{"index":"3 of another log","published":true}', /answered in another form/],
    ['taken', /answered in another form/],
  ] as const) {
    served.toAdd(() => answer);
    const ran = await revoke();
    assert.equal(ran.code, 1, ran.stdout);
    assert.equal(ran.stdout, '');
    assert.match(ran.stderr, why);
  }
  served.toAdd((command) => {
    const { serial = 0 } = decodeCommand(command) ?? {};
    assert(serial > ahead);
    return JSON.stringify({ index: log.take(command, cosignedBy([0, 1], now)), published: true });
  });
  const ran = await revoke();
  assert.equal(ran.code, 0, ran.stderr);
  refuses(await verify(ONE, 'alice/app:v1', ...place), /was revoked/);
});

test('what would be over when it is signed is not signed', async (t) => {
  const { at, log, served, place } = await logFor(t);
  log.grow(signing({}), cosignedBy([0, 1], Math.floor(Date.now() / 1000)));
  served.toAdd(() => assert.fail('it is written'));
  for (const [name, key] of Object.entries({ root: ROOT, tagging: TAGGING }))
    writeFileSync(at(name), toHex(key.privateKey));
  const until = new Date(Date.now() - 1000).toISOString().replace(/\.\d+/, '');
  for (const words of [
    ['sign', ONE, 'alice/app:v1', '--key-file', at('tagging')],
    ['key', 'new', 'alice/app', '--key-file', at('new'), '--root-key-file', at('root')],
  ]) {
    const ran = await ctga(['trust', ...words, ...place, '--until', until]);
    assert.equal(ran.code, 2, ran.stdout);
    assert.match(ran.stderr, /a date that is to come/);
  }
});

test('a tagging key that is rotated by a clock that is ahead signs no more', async (t) => {
  const { at, log, served, place } = await logFor(t);
  const now = Math.floor(Date.now() / 1000);
  log.grow(signing({ v1: ONE }), cosignedBy([0, 1], now));
  writeFileSync(at('root'), toHex(ROOT.privateKey));
  const written: Command[] = [];
  served.toAdd((command) => {
    written.push(decodeCommand(command) ?? assert.fail('no command'));
    return JSON.stringify({ index: log.take(command, cosignedBy([0, 1], now)), published: true });
  });
  t.mock.timers.enable({ apis: ['Date'], now: (now + DAY) * 1000 });
  const key = ['--key-file', at('next'), '--root-key-file', at('root')];
  const ran = await ctga(['trust', 'key', 'rotate', 'alice/app', ...key, ...place]);
  assert.equal(ran.code, 0, ran.stderr);
  const [, ended] = written;
  assert(ended?.kind === 'register-key' && ended.keyId === 0);
  assert(ended.until > 0 && ended.until <= now + 1, `it ends at ${ended.until}, and it is ${now}`);
});

test('a rotation that was interrupted goes on where it was, with each key under one number', async (t) => {
  const { at, log, served, place } = await logFor(t);
  const now = Math.floor(Date.now() / 1000);
  log.grow(signing({ v1: ONE }), cosignedBy([0, 1], now));
  writeFileSync(at('root'), toHex(ROOT.privateKey));
  writeFileSync(at('tagging'), toHex(TAGGING.privateKey));
  const written: Command[] = [];
  served.toAdd((command) => {
    // The second command is lost on its way.
    if (written.length === 1) return (written.pop(), 'nothing');
    written.push(decodeCommand(command) ?? assert.fail('no command'));
    return JSON.stringify({ index: log.take(command, cosignedBy([0, 1], now)), published: true });
  });
  const root = ['--root-key-file', at('root'), ...place];
  const key = (...words: string[]): Promise<Ran> => ctga(['trust', 'key', ...words, ...root]);
  const rotate = ['rotate', 'alice/app', '--key-file', at('next')];
  assert.equal((await key(...rotate)).code, 1);
  const again = await key(...rotate);
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(
    written.map((each) => [each.kind, 'keyId' in each && each.keyId]),
    [['register-key', 0]],
    'only the end of the old one was left',
  );
  served.toAdd(() => assert.fail('it is written'));
  for (const [words, why] of [
    [['rotate', 'alice/app', '--key-file', at('tagging')], /tagging key 0, which has ended/],
    [['rotate', 'alice/app', '--key-file', at('next')], /has the tagging key 1 itself/],
    [['new', 'alice/app', '--key-id', '7', '--key-file', at('next')], /has the tagging key 1 of/],
  ] as const) {
    const ran = await key(...words);
    assert.equal(ran.code, 2, ran.stdout);
    assert.match(ran.stderr, why);
  }
});

test('a root key does not take over from itself', async (t) => {
  const { at, log, served, place } = await logFor(t);
  log.grow(signing({ v1: ONE }), cosignedBy([0, 1], Math.floor(Date.now() / 1000)));
  served.toAdd(() => assert.fail('it is written'));
  writeFileSync(at('root'), toHex(ROOT.privateKey));
  const key = ['--key-file', at('root'), '--root-key-file', at('root')];
  const ran = await ctga(['trust', 'key', 'rotate', 'alice', ...key, ...place]);
  assert.equal(ran.code, 2, ran.stdout);
  assert.match(ran.stderr, /has the root key itself/);
});

test('a block that is trusted, behind which somebody takes a name that was taken', async (t) => {
  const at = directoryFor(t);
  const signer = new Signer('alice', 'app', ROOT, TAGGING);
  signer.sign('v1', ONE);
  const { node } = signer;
  for (let i = 0; i < 6; i++) node.mine();
  const start = node.chain.length - 1;
  const since = ['--since', `${start}:${await node.hashAt(start)}`];
  node.mine();
  const from = ['--node', await served(t, node), ...REGTEST, '--state-dir', at('state')];
  const anybody = ['trust', 'verify', ONE, 'alice/app:v1'];
  trusts(await ctga([...anybody, ...from]));
  refuses(await ctga([...anybody, ...from, ...since]), /--since wants --root-key/);
  for (const area of ['trust', 'ddt']) {
    const show = [area, 'show', 'alice', ...from];
    assert.match((await ctga([...show, ...since])).stdout, /up to block \d+ is not known here:\n/);
    assert.doesNotMatch((await ctga(show)).stdout, /not known/);
  }
  const prove = (...words: string[]): Promise<Ran> =>
    ctga(['trust', 'prove', 'alice/app:v1', '--output', at('proof'), ...from, ...words]);
  assert.equal((await prove()).code, 0);
  const nothing = await prove(...since);
  assert.equal(nothing.code, 2, 'nor is there a proof');
  assert.match(nothing.stderr, /the chain says nothing of alice/);
  // Who was registered before is nobody there.
  refuses(await verify(ONE, 'alice/app:v1', ...from, ...since), /Nobody has registered the name/);
});

test('a block that is trusted, behind which a stolen root key that was replaced takes its name', async (t) => {
  const at = directoryFor(t);
  const { genesis } = NETWORKS.regtest;
  const [next, thief] = [newKeyPair(), newKeyPair()] as [KeyPair, KeyPair];
  const signer = new Signer('alice', 'app', ROOT, TAGGING);
  const { node } = signer;
  for (let i = 0; i < 6; i++) node.mine();
  const start = node.chain.length - 1;
  const since = ['--since', `${start}:${await node.hashAt(start)}`];
  const timeOf = (height: number): number => (genesis.time + 600 * height) * 1000;
  for (let i = 0; i < 20; i++) node.mine();
  // Behind the block the root key is replaced, which counts for whoever reads all.
  const serial = timeOf(node.chain.length);
  const replacement = signReplacement(
    { user: 'alice', serial },
    { from: ROOT, to: next },
    genesis.hash,
  );
  signer.write(replacement, ROOT);
  for (let i = 0; i < 10; i++) node.mine();
  // The thief of the old one registers it anew for whoever does not, and lets it be replaced once more.
  const of = { user: 'alice', image: 'app', keyId: 1, until: 0 };
  const { publicKey } = ROOT;
  signer.write({ kind: 'register-root-key', user: 'alice', serial: serial - 9, publicKey }, ROOT);
  const key = { ...of, serial: serial - 8, publicKey: thief.publicKey };
  signer.write({ kind: 'register-key', ...key }, ROOT);
  const evil = { ...of, serial: 1, tag: 'v1', digests: [OTHER] };
  signer.write({ kind: 'register-metadata', ...evil }, thief);
  signer.write(replacement, ROOT);
  for (let i = 0; i < 6; i++) node.mine();
  const from = ['--node', await served(t, node), ...REGTEST, '--state-dir', at('state')];
  const known = ['--root-key', toHex(next.publicKey)];
  const says = (...more: string[]): Promise<Ran> =>
    ctga(['trust', 'verify', OTHER, 'alice/app:v1', ...known, ...from, ...more]);
  refuses(await says(), /Nothing is signed under this name/);
  refuses(await says(...since), /A root key that had been replaced registered the tagging key/);
});

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

test('what a log showed is not forgotten by who reads it at the same time, or by a disk', async (t) => {
  const { at, log, served, place } = await logFor(t);
  const now = Math.floor(Date.now() / 1000);
  log.grow(signing({ v1: ONE }), cosignedBy([0, 1], now));
  const before = log.copy();
  log.grow([signed('v2', OTHER, 8)], cosignedBy([0, 1], now));
  const says = (): Promise<Ran> => verify(ONE, 'alice/app:v1', ...place);
  const path = at(`state/trust-log-${networkOfLog(log.key).slice(0, 32)}.checkpoint`);
  // Who began earlier, and has read the smaller tree, ends later.
  served.show(before);
  mkdirSync(at('state'));
  served.meanwhile(() => writeFileSync(path, log.checkpoint));
  trusts(await says());
  assert.equal(readFileSync(path, 'utf8'), log.checkpoint);
  served.meanwhile(() => undefined);
  refuses(await says(), /what is new may be kept from you/);
  served.show(log);
  writeFileSync(path, log.checkpoint.slice(0, 30));
  const damaged = await says();
  refuses(damaged, /trust-log-[0-9a-f]{32}\.checkpoint is damaged/);
  assert.match(damaged.stderr, /Put it back from a copy/);
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
