// SPDX-License-Identifier: Apache-2.0
/** `ctga trust`, from a key to an image that is refused, on a chain of btcd's. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { NETWORKS } from '../../src/carbonchain/header.ts';
import { wifOf } from '../../src/carbonchain/send.ts';
import { btcdFor, noBtcd } from '../support/btcd.ts';
import { CTGA, ctga } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { layout } from './layouts.ts';
import { freePort } from '../support/ports.ts';

const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;
const noRegistry =
  noBtcd ||
  (!(has('docker-registry') && has('skopeo')) &&
    'docker-registry or skopeo is missing: sudo apt-get install docker-registry skopeo');

/** A chain with coins, and what runs commands on it. */
async function place(t: Parameters<typeof btcdFor>[0]) {
  const { btcd, own, directory } = await btcdFor(t);
  const at = (name: string): string => join(directory, name);
  writeFileSync(at('auth'), `${btcd.url.username}:${btcd.url.password}\n`);
  writeFileSync(at('coins'), wifOf(own, NETWORKS.regtest));
  const on = ['--network', 'regtest', '--node', `http://${btcd.url.host}`];
  const chain = [...on, '--node-auth', at('auth'), '--state-dir', at('state')];
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await ctga(args);
    assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
    return stdout.trim();
  };
  const pay = ['--coins', at('coins'), ...chain];
  const mine = (count: number): Promise<string[]> => btcd.mine(count);
  return { at, chain, run, pay, mine };
}

/** The same with a name and its tagging key. */
async function signer(t: Parameters<typeof btcdFor>[0], image: string) {
  const { at, chain, run, pay, mine } = await place(t);
  const send = async (...args: string[]): Promise<void> => {
    await run('ddt', 'send', await run('ddt', 'sign', ...args, '--network', 'regtest'), ...pay);
    await mine(6);
  };
  const rootKey = await run('ddt', 'key', at('root'));
  const tagging = await run('ddt', 'key', at('tagging'));
  const root = ['--key-file', at('root')];
  await send('register-root-key', 'alice', ...root);
  await send('register-key', image, ...root, '--public-key', tagging);
  const sign = async (from: string, name: string, ...more: string[]): Promise<void> => {
    await run('trust', 'sign', from, name, '--key-file', at('tagging'), ...more, ...pay);
    await mine(6);
  };
  return { at, chain, run, send, sign, root, rootKey };
}

test(
  'an image is signed, verified with a network and without, revoked, and refused',
  { skip: noBtcd },
  async (t) => {
    const salt = ['--salt', '0123456789abcdef0123456789abcdef'];
    const { stdout } = await ctga(['trust', 'name', 'alice/app:v1', ...salt, '--json']);
    const hidden = JSON.parse(stdout) as { image: string };
    const { at, chain, run, send, sign, root, rootKey } = await signer(t, hidden.image);
    const { directory, digests, blob } = layout({ many: ['amd64', 'arm64'] });
    t.after(() => rmSync(directory, { recursive: true }));
    const image = `oci:${directory}`;
    await sign(image, 'alice/app:v1', ...salt);
    const verify = ['trust', 'verify', image, 'alice/app:v1'];
    assert.match(await run(...verify, ...salt, ...chain), /^TRUSTED: sha256:/);
    const other = await ctga([
      'trust',
      'verify',
      `sha256:${'ab'.repeat(32)}`,
      'alice/app:v1',
      ...salt,
      ...chain,
    ]);
    assert.equal(other.code, 1);
    assert.match(other.stdout, new RegExp(`^NOT TRUSTED: Signed is ${digests['many'] ?? ''}`));
    assert.equal((await ctga([...verify, ...chain])).code, 1, 'without the salt');

    await run('trust', 'prove', 'alice/app:v1', '--output', at('proof'), ...salt, ...chain);
    const offline = ['--proof', at('proof'), '--root-key', rootKey, '--network', 'regtest'];
    // In a network of its own that has nothing, not even loopback.
    const alone = (): { status: number | null; stdout: string; stderr: string } =>
      spawnSync('unshare', ['--map-root-user', '--net', CTGA, ...verify, ...offline], {
        encoding: 'utf8',
      });
    const without = alone();
    assert.equal(without.status, 0, without.stderr);
    assert.match(without.stdout, /^TRUSTED: .*\nAs of block \d+, whose time is /);
    assert.equal(
      (await ctga([...verify, '--proof', at('proof'), '--network', 'regtest'])).code,
      2,
      'no root key',
    );
    assert.equal(
      (await ctga([...verify, '--network', 'regtest'])).code,
      2,
      'neither node nor proof',
    );

    appendFileSync(blob(digests['many'] as string), ' ');
    const changed = alone();
    assert.equal(changed.status, 1);
    assert.match(changed.stderr, /another length/);
    const index = execFileSync('head', ['-c', '-1', blob(digests['many'] as string)]);
    writeFileSync(blob(digests['many'] as string), index);

    await send('delete-key', hidden.image, ...root);
    const revoked = await ctga([...verify, ...salt, ...chain]);
    assert.equal(revoked.code, 1);
    assert.match(revoked.stdout, /^NOT TRUSTED: The tagging key that signed it was revoked/);
    await run('trust', 'prove', 'alice/app:v1', '--output', at('proof'), ...salt, ...chain);
    assert.equal(alone().status, 1);
  },
);

test(
  'keys are made, replaced and revoked in a chain, and none of it counts before six blocks have it',
  { skip: noBtcd },
  async (t) => {
    const { at, chain, run, pay, mine } = await place(t);
    const key = (...args: string[]): Promise<string> =>
      run('trust', 'key', ...args, ...pay, '--json');
    const tryKey = (...args: string[]) => ctga(['trust', 'key', ...args, ...pay]);
    const sign = (digest: string, tag: string, by: string) =>
      ctga(['trust', 'sign', digest, `alice/app:${tag}`, '--key-file', at(by), ...pay]);
    const says = async (digest: string, tag: string, ...more: string[]): Promise<string> =>
      (await ctga(['trust', 'verify', digest, `alice/app:${tag}`, ...chain, ...more])).stdout;
    const [one, two] = [`sha256:${'ab'.repeat(32)}`, `sha256:${'cd'.repeat(32)}`];
    const root = ['--root-key-file', at('root')];

    const made = JSON.parse(await key('new', 'alice', '--key-file', at('root'))) as {
      publicKey: string;
    };
    const early = await tryKey('new', 'alice/app', '--key-file', at('tagging'), ...root);
    assert.equal(early.code, 2);
    assert.match(early.stderr, /would be refused[^]*six blocks/);
    await mine(6);
    await key('new', 'alice/app', '--key-file', at('tagging'), ...root);
    await mine(6);
    assert.equal((await tryKey('new', 'alice', '--key-file', at('mine'))).code, 2, 'it is taken');
    assert.equal((await sign(one, 'v1', 'tagging')).code, 0);
    await mine(5);
    assert.match(await says(one, 'v1'), /^NOT TRUSTED: Nothing is signed/, 'five confirmations');
    await mine(1);
    assert.match(await says(one, 'v1'), /^TRUSTED/);

    await key('rotate', 'alice/app', '--key-file', at('next'), ...root);
    await mine(6);
    const late = await sign(two, 'v2', 'tagging');
    assert.match(late.stderr, /the key has expired/);
    assert.equal((await sign(two, 'v2', 'next')).code, 0);
    await key('rotate', 'alice', '--key-file', at('root2'), ...root);
    await mine(6);
    for (const [digest, tag] of [
      [one, 'v1'],
      [two, 'v2'],
    ] as const)
      assert.match(await says(digest, tag, '--root-key', made.publicKey), /^TRUSTED/, tag);
    // The root key that was replaced is good for nothing.
    const old = await tryKey('revoke', 'alice/app', '--key-id', '0', ...root);
    assert.equal(old.code, 2, old.stderr);

    const root2 = ['--root-key-file', at('root2')];
    const which = await tryKey('revoke', 'alice/app', ...root2);
    assert.match(which.stderr, /has the tagging keys 0, 1: say which one/);
    await key('revoke', 'alice/app', '--key-id', '0', ...root2);
    await mine(5);
    assert.match(await says(one, 'v1'), /^TRUSTED/, 'a revocation too takes six blocks');
    await mine(1);
    assert.match(await says(one, 'v1'), /^NOT TRUSTED: The tagging key that signed it was revoked/);
    assert.match(await says(two, 'v2'), /^TRUSTED/);
    const shown = await run('trust', 'show', 'alice/app', ...chain);
    assert.match(shown, /app:v1 by tagging key 0 \(KEY_MISSING\)/);
    assert.match(shown, /app:v2 by tagging key 1 \(SIGNATURE_VALID\)/);
    await key('revoke', 'alice', ...root2);
    await mine(6);
    assert.match(await says(two, 'v2'), /^NOT TRUSTED: The root key was deleted/);
    const again = await tryKey('new', 'alice', '--key-file', at('root3'));
    assert.match(again.stderr, /the name is taken/);
  },
);

test('an image in a registry is what it is there', { skip: noRegistry }, async (t) => {
  const { at, chain, run, sign } = await signer(t, 'alice/app');
  const { directory, digests } = layout({ one: ['amd64'], two: ['arm64'] });
  t.after(() => rmSync(directory, { recursive: true }));
  const port = await freePort();
  writeFileSync(
    at('registry.yml'),
    JSON.stringify({
      version: '0.1',
      storage: { filesystem: { rootdirectory: at('registry') } },
      http: { addr: `127.0.0.1:${port}` },
    }),
  );
  const registry = spawn('docker-registry', ['serve', at('registry.yml')], { stdio: 'ignore' });
  t.after(() => registry.kill());
  await eventually(
    () =>
      fetch(`http://127.0.0.1:${port}/v2/`).then(
        ({ ok }) => ok,
        () => false,
      ),
    'the registry',
  );
  const place = `docker://127.0.0.1:${port}/app:v1`;
  const push = (name: string): void => {
    const words = [
      'copy',
      '--insecure-policy',
      '--preserve-digests',
      '--dest-tls-verify=false',
      `oci:${directory}:${name}`,
      place,
    ];
    execFileSync('skopeo', words, { stdio: 'pipe' });
  };
  push('one');
  await sign(place, 'alice/app:v1');
  const verify = ['trust', 'verify', place, 'alice/app:v1', ...chain];
  const shown = JSON.parse(await run(...verify, '--json')) as { digest: string; trusted: boolean };
  assert.deepEqual([shown.trusted, shown.digest], [true, digests['one']]);
  // Somebody puts another image under the tag.
  push('two');
  const replaced = await ctga(verify);
  assert.equal(replaced.code, 1);
  assert.match(replaced.stdout, /^NOT TRUSTED: Signed is /);
  const none = await ctga([
    'trust',
    'verify',
    `docker://127.0.0.1:${port}/none:v1`,
    'alice/app:v1',
    ...chain,
  ]);
  assert.equal(none.code, 1);
  assert.match(none.stderr, /cannot fetch the manifest/);
});
