// SPDX-License-Identifier: Apache-2.0
/**
 * The whole session of docs/TRUST.md, as a person has it: `ctga ddt lab`, a registry, skopeo and Podman. An image is
 * pushed by both, signed, verified with a chain and without a network, run, revoked, and refused. What
 * is typed and answered is told as the test's diagnostics.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { noBtcd } from '../support/btcd.ts';
import { CTGA, ctga, startCtga } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { echoRoot, noPodman, podmanIn } from './podman.ts';
import { freePort } from '../support/ports.ts';

const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;
const skip =
  noBtcd ||
  noPodman ||
  (!(has('docker-registry') && has('skopeo')) &&
    'docker-registry or skopeo is missing: sudo apt-get install docker-registry skopeo');

test(
  'an image from its push to its refusal, with skopeo, a registry, btcd and Podman',
  { skip },
  async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-session-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const at = (name: string): string => join(directory, name);
    const tell = (words: readonly string[], answer: string): string => {
      const shown = `$ ${words.join(' ')}\n${answer}`
        .replaceAll(directory, '~')
        .replaceAll(CTGA, 'ctga');
      for (const line of shown.split('\n')) t.diagnostic(line);
      return answer;
    };
    const run = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await ctga(args);
      const answer = tell(['ctga', ...args], `${stdout}${stderr}`.trim());
      assert.equal(code, 0, answer);
      return stdout.trim();
    };

    const lab = startCtga(['ddt', 'lab', '--listen', '127.0.0.1:0', '--json']);
    t.after(() => lab.stop());
    const events = (name: string): Record<string, string>[] =>
      lab
        .said()
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .map((line) => JSON.parse(line) as Record<string, string>)
        .filter(({ event }) => event === name);
    const [ready] = await eventually(() => events('listening').length > 0 && events('ready'), 'it');
    const { node = '', auth = '', coins = '' } = ready ?? {};
    const chain = [
      '--network',
      'regtest',
      '--node',
      node,
      '--node-auth',
      auth,
      '--state-dir',
      at('state'),
    ];
    const counts = async (many: number): Promise<void> => {
      await eventually(() => events('executed').length >= many, `command ${many}`);
    };
    const send = async (...args: string[]): Promise<void> => {
      const before = events('executed').length;
      const command = await run('ddt', 'sign', ...args, '--network', 'regtest');
      await run('ddt', 'send', command, '--coins', coins, ...chain);
      await counts(before + 1);
    };

    const port = await freePort();
    const http = { addr: `127.0.0.1:${port}` };
    const storage = { filesystem: { rootdirectory: at('registry') } };
    writeFileSync(at('registry.yml'), JSON.stringify({ version: '0.1', storage, http }));
    const registry = spawn('docker-registry', ['serve', at('registry.yml')], { stdio: 'ignore' });
    t.after(() => registry.kill());
    const isThere = (): Promise<boolean> =>
      fetch(`http://127.0.0.1:${port}/v2/`).then(
        ({ ok }) => ok,
        () => false,
      );
    await eventually(isThere, 'the registry');

    // Podman makes the image and pushes it; skopeo copies it, so that both have written to the registry.
    const podman = podmanIn(directory);
    const does = (...args: string[]): string => {
      const { status, stdout, stderr } = podman(...args);
      const answer = tell(['podman', ...args], `${stdout}${stderr}`.trim());
      assert.equal(status, 0, answer);
      return stdout.trim();
    };
    const place = `127.0.0.1:${port}/app`;
    does('import', '--change', 'CMD ["/bin/echo", "it runs"]', echoRoot(directory), `${place}:v1`);
    does('push', '--tls-verify=false', `${place}:v1`);
    const skopeo = (...args: string[]): string =>
      tell(
        ['skopeo', ...args],
        execFileSync('skopeo', args, {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
        }).trim(),
      );
    const insecure = ['--insecure-policy', '--preserve-digests', '--src-tls-verify=false'];
    skopeo('copy', ...insecure, `docker://${place}:v1`, `oci:${at('layout')}:v1`);
    skopeo(
      'copy',
      '--insecure-policy',
      '--preserve-digests',
      '--dest-tls-verify=false',
      `oci:${at('layout')}:v1`,
      `docker://${place}:v2`,
    );
    skopeo(
      'copy',
      '--insecure-policy',
      '--preserve-digests',
      `oci:${at('layout')}:v1`,
      `oci-archive:${at('app.tar')}:v1`,
    );
    does('image', 'rm', `${place}:v1`);
    does('pull', '--tls-verify=false', `${place}:v1`);

    const rootKey = await run('ddt', 'key', at('root.key'));
    const tagging = await run('ddt', 'key', at('tagging.key'));
    const root = ['--key-file', at('root.key')];
    await send('register-root-key', 'alice', ...root);
    await send('register-key', 'alice/app', ...root, '--public-key', tagging);
    const signing = ['alice/app:v1', '--key-file', at('tagging.key'), '--coins', coins, ...chain];
    await run('trust', 'sign', `docker://${place}:v1`, ...signing);
    await counts(3);

    const known = ['alice/app:v1', '--root-key', rootKey];
    // What Podman pushed, what skopeo pushed, a layout, an archive: one image.
    for (const image of [
      `docker://${place}:v1`,
      `docker://${place}:v2`,
      `oci:${at('layout')}:v1`,
      `oci-archive:${at('app.tar')}:v1`,
    ])
      assert.match(await run('trust', 'verify', image, ...known, ...chain), /^TRUSTED: /, image);

    const prove = async (): Promise<void> => {
      await run('trust', 'prove', 'alice/app:v1', '--output', at('app.proof'), ...chain);
    };
    await prove();
    t.diagnostic(`(the proof is ${statSync(at('app.proof')).size} bytes)`);
    const proof = ['--proof', at('app.proof'), '--network', 'regtest'];
    const alone = (): { status: number | null; said: string } => {
      const words = ['trust', 'verify', `oci:${at('layout')}:v1`, ...known, ...proof];
      const { status, stdout, stderr } = spawnSync('unshare', ['--net', CTGA, ...words], {
        encoding: 'utf8',
        env: { ...process.env, CTGA_NODE: process.execPath },
      });
      return {
        status,
        said: tell(['unshare', '--net', CTGA, ...words], `${stdout}${stderr}`.trim()),
      };
    };
    assert.equal(alone().status, 0);

    writeFileSync(
      at('rules.toml'),
      `[[image]]\nname = "${place}:v1"\nverify = ${JSON.stringify([...known, ...proof])}\n`,
    );
    mkdirSync(at('hooks'));
    await run('trust', 'hook', '--rules', at('rules.toml'), '--write', at('hooks'));
    const runs = (): { status: number | null; said: string } => {
      const words = ['--hooks-dir', at('hooks'), 'run', '--rm', `${place}:v1`];
      const { status, stdout, stderr } = podman(...words);
      return { status, said: tell(['podman', ...words], `${stdout}${stderr}`.trim()) };
    };
    assert.deepEqual(runs(), { status: 0, said: 'it runs' });

    // An index of several architectures: its digest is signed, and Podman keeps it beside the manifest that it runs.
    const index = indexOf(at('layout'));
    skopeo(
      'copy',
      '--all',
      '--insecure-policy',
      '--preserve-digests',
      '--dest-tls-verify=false',
      `oci:${at('layout')}:all`,
      `docker://${place}:v3`,
    );
    does('pull', '--tls-verify=false', `${place}:v3`);
    does('image', 'untag', `${place}:v3`, `${place}:v1`);
    const v3 = ['alice/app:v3', '--key-file', at('tagging.key'), '--coins', coins, ...chain];
    assert.match(await run('trust', 'sign', `docker://${place}:v3`, ...v3), new RegExp(index));
    await counts(4);
    await run('trust', 'prove', 'alice/app:v3', '--output', at('v3.proof'), ...chain);
    const rule3 = [
      'alice/app:v3',
      '--root-key',
      rootKey,
      '--proof',
      at('v3.proof'),
      '--network',
      'regtest',
    ];
    const rules = readFileSync(at('rules.toml'), 'utf8');
    writeFileSync(
      at('rules.toml'),
      `${rules}[[image]]\nname = "${place}:v3"\nverify = ${JSON.stringify(rule3)}\n`,
    );
    const third = podman('--hooks-dir', at('hooks'), 'run', '--rm', `${place}:v3`);
    assert.equal(`${third.stdout}${third.stderr}`.trim(), 'it runs');
    does('tag', `${place}:v3`, `${place}:v1`);

    await send('delete-key', 'alice/app', ...root);
    await prove();
    assert.equal(alone().status, 1);
    const { status, said } = runs();
    assert.notEqual(status, 0);
    assert.match(said, /tagging key that signed it was revoked/);
    assert.doesNotMatch(said, /it runs/);
  },
);

/** Puts an index with the layout's image and another architecture into it as `all`; returns its digest. */
function indexOf(layout: string): string {
  interface Descriptor {
    readonly mediaType: string;
    readonly digest: string;
    readonly size: number;
    readonly annotations?: Record<string, string>;
    readonly platform?: { readonly architecture: string; readonly os: string };
  }
  const path = join(layout, 'index.json');
  const top = JSON.parse(readFileSync(path, 'utf8')) as { manifests: Descriptor[] };
  const blob = (digest: string): string => join(layout, 'blobs/sha256', digest.slice(7));
  const put = (mediaType: string, value: object): Descriptor => {
    const text = JSON.stringify(value);
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
    writeFileSync(blob(digest), text);
    return { mediaType, digest, size: Buffer.byteLength(text) };
  };
  const [one] = top.manifests as [Descriptor];
  const read = (digest: string): Record<string, unknown> =>
    JSON.parse(readFileSync(blob(digest), 'utf8')) as Record<string, unknown>;
  const manifest = read(one.digest) as { config: Descriptor };
  const config = read(manifest.config.digest);
  const here = config['architecture'] as string;
  const there = here === 'riscv64' ? 'arm64' : 'riscv64';
  const other = put(one.mediaType, {
    ...manifest,
    config: put(manifest.config.mediaType, { ...config, architecture: there }),
  });
  const { mediaType, digest, size } = one;
  const index = put('application/vnd.oci.image.index.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      { mediaType, digest, size, platform: { architecture: here, os: 'linux' } },
      { ...other, platform: { architecture: there, os: 'linux' } },
    ],
  });
  const named = { ...index, annotations: { 'org.opencontainers.image.ref.name': 'all' } };
  writeFileSync(path, JSON.stringify({ ...top, manifests: [...top.manifests, named] }));
  return index.digest;
}
