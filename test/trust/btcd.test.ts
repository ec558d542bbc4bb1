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

/** A chain with a name and its tagging key, and what runs commands on it. */
async function signer(t: Parameters<typeof btcdFor>[0], image: string) {
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
  const send = async (...args: string[]): Promise<void> => {
    await run('ddt', 'send', await run('ddt', 'sign', ...args, '--network', 'regtest'), ...pay);
    await btcd.mine(6);
  };
  const rootKey = await run('ddt', 'key', at('root'));
  const tagging = await run('ddt', 'key', at('tagging'));
  const root = ['--key-file', at('root')];
  await send('register-root-key', 'alice', ...root);
  await send('register-key', image, ...root, '--public-key', tagging);
  const sign = async (from: string, name: string, ...more: string[]): Promise<void> => {
    await run('trust', 'sign', from, name, '--key-file', at('tagging'), ...more, ...pay);
    await btcd.mine(6);
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
