// SPDX-License-Identifier: Apache-2.0
/** Podman asks ctga before it makes a container, and makes none of what is not signed, or was revoked. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { newKeyPair } from '../../src/ddt/keys.ts';
import { CTGA } from '../support/ctga.ts';
import { echoRoot, noPodman, podmanIn } from './podman.ts';
import { Signer } from './signed.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

interface Kept {
  readonly path: string;
  readonly text: string;
}

test('Podman runs what is signed, and nothing else', { skip: noPodman }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-hook-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const at = (name: string): string => join(directory, name);
  const podman = podmanIn(directory);
  const does = (...args: string[]): string => {
    const { status, stdout, stderr } = podman(...args);
    assert.equal(status, 0, `${args.join(' ')}: ${stdout}${stderr}`);
    return stdout.trim();
  };
  const tar = echoRoot(directory);
  const made = (name: string, says: string): string =>
    does('import', '--change', `CMD ["/bin/echo", "${says}"]`, tar, name);
  made('registry.test/app:v1', 'signed');
  made('registry.test/other:v1', 'not signed');
  const digestOf = (name: string): string => does('image', 'inspect', '-f', '{{.Digest}}', name);

  const [root, tagging] = [newKeyPair(), newKeyPair()];
  const signer = new Signer('alice', 'app', root, tagging);
  const proves = async (): Promise<void> => writeFileSync(at('proof'), await signer.prove('v1'));
  signer.sign('v1', digestOf('registry.test/app:v1'));
  await proves();
  const verify = [
    '--proof',
    at('proof'),
    '--root-key',
    hex(root.publicKey),
    '--network',
    'regtest',
  ];
  const rule = (name: string): string =>
    `[[image]]\nname = "${name}"\nverify = ${JSON.stringify(['alice/app:v1', ...verify])}\n`;
  writeFileSync(at('rules.toml'), rule('registry.test/app:v1') + rule('registry.test/other:v1'));
  mkdirSync(at('hooks'));
  const words = ['trust', 'hook', '--rules', at('rules.toml')];
  execFileSync(CTGA, [...words, '--write', at('hooks')], {
    env: { ...process.env, CTGA_NODE: process.execPath },
  });
  const written = JSON.parse(readFileSync(at('hooks/ctga.json'), 'utf8')) as {
    readonly hook: { readonly path: string; readonly args: readonly string[] };
    readonly stages: readonly string[];
  };
  assert.deepEqual(written.stages, ['precreate']);
  const run = (image: string): { status: number | null; said: string } => {
    const { status, stdout, stderr } = podman('--hooks-dir', at('hooks'), 'run', '--rm', image);
    return { status, said: `${stdout}${stderr}`.trim() };
  };
  const refuses = (image: string, why: RegExp): void => {
    const { status, said } = run(image);
    assert.notEqual(status, 0, said);
    assert.match(said, why, image);
    assert.doesNotMatch(said, /^(?:not )?signed$/m, 'nothing of it ran');
  };

  assert.deepEqual(run('registry.test/app:v1'), { status: 0, said: 'signed' });
  refuses('registry.test/other:v1', /Signed is sha256:[0-9a-f]{64}, and this is sha256:/);
  // By a name that no rule has, although the image is the one that is signed.
  does('tag', 'registry.test/app:v1', 'registry.test/nobody:v1');
  refuses('registry.test/nobody:v1', /no rule for registry\.test\/nobody:v1/);
  does('untag', 'registry.test/app:v1', 'registry.test/nobody:v1');
  // Somebody moves the tag to another image.
  does('tag', 'registry.test/other:v1', 'registry.test/app:v1');
  refuses('registry.test/app:v1', /Signed is sha256:[0-9a-f]{64}, and this is sha256:/);
  const id = does('import', '--change', 'CMD ["/bin/echo", "signed"]', tar);
  refuses(id, /has no name on this machine/);
  refuses('--rootfs=/', /no store of Podman's|rootfs|not of an image/);
  made('registry.test/app:v1', 'signed');
  signer.sign('v1', digestOf('registry.test/app:v1'));
  await proves();
  assert.equal(run('registry.test/app:v1').said, 'signed', 'signed anew');

  // One that was made while it was trusted is asked about again at each start.
  does('--hooks-dir', at('hooks'), 'create', '--name', 'early', 'registry.test/app:v1');
  const starts = (): string => {
    const { stdout, stderr } = podman('--hooks-dir', at('hooks'), 'start', '-a', 'early');
    return `${stdout}${stderr}`.trim();
  };
  assert.equal(starts(), 'signed');

  // A proof that is damaged, and none: no container.
  writeFileSync(at('proof'), '{}');
  refuses('registry.test/app:v1', /no proof of ctga trust/);
  rmSync(at('proof'));
  refuses('registry.test/app:v1', /cannot read/);
  signer.revoke();
  await proves();
  refuses('registry.test/app:v1', /tagging key that signed it was revoked/);
  assert.match(starts(), /tagging key that signed it was revoked/);
  const [hook, rules] = [at('hooks/ctga.json'), at('rules.toml')].map((path) => ({
    path,
    text: readFileSync(path, 'utf8'),
  })) as [Kept, Kept];
  writeFileSync(rules.path, 'image = 1');
  refuses('registry.test/app:v1', /rules\.toml: image/);
  rmSync(rules.path);
  refuses('registry.test/app:v1', /cannot read/);
  writeFileSync(rules.path, rules.text);
  // ctga gone, its node gone, a hook that is killed, and a file that is none.
  const { path, args } = written.hook;
  assert.equal(path, '/bin/sh', 'Podman passes over a hook whose program is gone');
  for (const text of [
    hook.text.replace(CTGA, '/nowhere/ctga'),
    hook.text.replace(/"CTGA_NODE=[^"]*"/, '"CTGA_NODE=/nowhere/node"'),
    JSON.stringify({
      ...written,
      hook: { ...written.hook, args: [...args.slice(0, 2), 'kill -9 "$$"'] },
    }),
    hook.text.slice(0, -20),
    '',
  ]) {
    assert.notEqual(text, hook.text);
    writeFileSync(hook.path, text);
    refuses('registry.test/app:v1', /./);
  }
  writeFileSync(hook.path, hook.text);
  // Without the hook, Podman asks nobody: that it refused was the hook's doing.
  assert.equal(does('run', '--rm', 'registry.test/app:v1'), 'signed');
  const { status } = spawnSync(CTGA, words, { input: '{}', encoding: 'utf8' });
  assert.equal(status, 2, 'no configuration');
});
