// SPDX-License-Identifier: Apache-2.0
/** `ctga trust` on a log with a witness, from a key to an image that is refused, without a network too. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { CTGA, ctga, startCtga, type Running } from '../support/ctga.ts';
import { layout } from './layouts.ts';

const IMAGE = `sha256:${'ab'.repeat(32)}`;
const OTHER = `sha256:${'cd'.repeat(32)}`;
const NAME = 'log.test/trust';
const SALT = ['--salt', '0123456789abcdef0123456789abcdef'];

/** What a command that goes on said of itself, one object a line. */
function said({ said: text }: Running): Record<string, unknown>[] {
  return text()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function urlOf(running: Running, what: string): Promise<string> {
  const listening = (): Record<string, unknown> | undefined =>
    said(running).find(({ event }) => event === 'listening');
  await running.until(() => listening() !== undefined, what);
  return listening()?.['url'] as string;
}

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await ctga(args);
  assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
  return stdout.trim();
}

/** A log that is cosigned by a witness of ours, and the policy that has both. */
async function logWithWitness(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-trust-log-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const at = (name: string): string => join(directory, name);
  const made = await run('trust', 'log', 'new', at('log'), NAME, '--json');
  const { vkey } = JSON.parse(made) as { vkey: string };
  writeFileSync(at('keys'), `${vkey}\n`);
  const witnessState = ['--state-dir', at('witness')];
  await run('logs', 'import', at('keys'), ...witnessState);
  const keys = await run('witness', 'keygen', 'witness.test/w', ...witnessState, '--json');
  const { vkeys } = JSON.parse(keys) as { vkeys: string[] };
  const witness = startCtga([
    'witness',
    'serve',
    '--listen',
    '127.0.0.1:0',
    '--json',
    ...witnessState,
  ]);
  t.after(() => witness.stop());
  const witnessUrl = await urlOf(witness, 'the witness');
  const policyOf = (url: string): string =>
    `log ${vkey} ${url}\nwitness W ${vkeys[0] ?? ''} ${witnessUrl}\nquorum W\n`;
  writeFileSync(at('policy'), policyOf('http://127.0.0.1:1/'));
  const serve = async (from: string): Promise<Running> => {
    const words = ['trust', 'log', 'serve', from, '--policy', at('policy'), '--json'];
    const log = startCtga([...words, '--listen', '127.0.0.1:0', '--refresh', '1']);
    t.after(() => log.stop());
    writeFileSync(at('policy'), policyOf(await urlOf(log, 'the log')));
    return log;
  };
  return { at, serve, witness };
}

test('an image is signed in seconds, verified with a network and without, revoked, and refused', async (t) => {
  const { at, serve } = await logWithWitness(t);
  const log = await serve(at('log'));
  await log.until(() => said(log).some(({ event }) => event === 'published'), 'a checkpoint');
  const place = ['--policy', at('policy'), '--state-dir', at('state')];
  const root = ['--root-key-file', at('root')];
  const key = (...args: string[]): Promise<string> =>
    run('trust', 'key', ...args, ...place, '--json');
  const { publicKey: rootKey } = JSON.parse(
    await key('new', 'alice', '--key-file', at('root')),
  ) as { publicKey: string };
  const { stdout } = await ctga(['trust', 'name', 'alice/app:v1', ...SALT, '--json']);
  const { image } = JSON.parse(stdout) as { image: string };
  await key('new', image, '--key-file', at('tagging'), ...root);
  const sign = ['trust', 'sign', IMAGE, 'alice/app:v1', '--key-file', at('tagging'), ...SALT];
  const begun = performance.now();
  assert.match(await run(...sign, ...place), /Signed sha256:abab.*\nentry 2 of log\.test\/trust$/);
  t.diagnostic(`signed and cosigned within ${Math.round(performance.now() - begun)} ms`);
  // What is two images is not signed at all.
  const two = layout({ only: ['amd64'] });
  t.after(() => rmSync(two.directory, { recursive: true }));
  const top = readFileSync(join(two.directory, 'index.json'), 'utf8');
  writeFileSync(join(two.directory, 'index.json'), top.replace('{', '{"layers":[],'));
  const refused = await ctga(sign.with(2, `oci:${two.directory}`).concat(place));
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /can be read in two ways: an index has no 'layers'/);
  const show = (name: string, ...more: string[]) =>
    ctga(['trust', 'show', name, ...place, ...more]);
  const all = await show('alice');
  assert.equal(all.code, 0, all.stderr);
  assert.match(
    all.stdout,
    /^As of 3 entries of log\.test\/trust, which a quorum .*:\nThe root key of alice is 0[23][0-9a-f]{64}\n {2}\S+: tagging key 0 is .*\n {2}\S+:\S+ by tagging key 0 \(SIGNATURE_VALID\)\n {4}sha256:abab/,
  );
  assert(all.stdout.includes(rootKey) && all.stdout.includes(image.slice('alice/'.length)));
  const nobody = await show('bob', '--json');
  assert.equal(nobody.code, 1);
  assert.equal((JSON.parse(nobody.stdout) as { found: unknown }).found, null);
  const verify = (digest: string, ...more: string[]): string[] => [
    'trust',
    'verify',
    digest,
    'alice/app:v1',
    ...more,
  ];
  const shown = await run(...verify(IMAGE, ...SALT, ...place));
  assert.match(
    shown,
    /^TRUSTED: .*\nAs of 3 entries of log\.test\/trust, which a quorum of its witnesses saw at .* \(0 minutes ago\); what was revoked later is not known here\.$/,
  );
  assert.equal((await ctga(verify(OTHER, ...SALT, ...place))).code, 1);
  assert.equal((await ctga(verify(IMAGE, ...place))).code, 1, 'without the salt');
  for (const file of ['log/public/tile/entries/000.p/3', 'log/signed'])
    assert.equal(readFileSync(at(file)).includes('app'), false, 'the log does not learn the name');

  const prove = (): Promise<string> =>
    run('trust', 'prove', 'alice/app:v1', '--output', at('proof'), ...SALT, ...place);
  await prove();
  const offline = ['--offline', '--proof', at('proof'), '--policy', at('policy')];
  /** In a network of its own that has nothing, not even loopback. */
  const alone = (
    digest: string,
    ...more: string[]
  ): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(
      'unshare',
      [
        '--map-root-user',
        '--net',
        CTGA,
        ...verify(digest, ...offline, '--root-key', rootKey, ...more),
      ],
      { encoding: 'utf8' },
    );
  const good = alone(IMAGE, '--max-age', '1d');
  assert.equal(good.status, 0, good.stderr);
  assert.match(good.stdout, /^TRUSTED: .*\nAs of 3 entries /);
  assert.equal(alone(OTHER).status, 1);
  assert.equal((await ctga(verify(IMAGE, ...offline))).code, 2, 'no root key');
  assert.equal((await ctga(verify(IMAGE, '--offline', ...place))).code, 2, 'no proof');
  const asking = await ctga(verify('docker://127.0.0.1:1/app', ...offline, '--root-key', rootKey));
  assert.equal(asking.code, 2, 'a registry is somebody');
  assert.match(asking.stderr, /asks a registry/);
  // Any verifier of c2sp.org/tlog-proof can check it, here ours, which knows nothing of images.
  const bundle = readFileSync(at('log/public/tile/entries/000.p/3'));
  let from = 0;
  for (let i = 0; i < 2; i++) from += 2 + bundle.readUInt16BE(from);
  writeFileSync(at('entry'), bundle.subarray(from + 2));
  const checked = ['witness', 'verify', '--policy', at('policy'), at('proof'), '--entry'];
  assert.match(await run(...checked, at('entry')), /the entry is in the log, at index 2\.$/);

  // A new tagging key: what the old one signed stays valid, and it signs no more.
  await key('rotate', image, '--key-file', at('next'), ...root);
  await run(...verify(IMAGE, ...SALT, ...place));
  const late = await ctga([...sign, ...place]);
  assert.equal(late.code, 2);
  assert.match(late.stderr, /the key has expired/);
  await run(...sign.map((each) => (each === at('tagging') ? at('next') : each)), ...place);

  cpSync(at('proof'), at('old-proof'));
  await key('revoke', image, ...root, '--key-id', '1');
  const revoked = await ctga(verify(IMAGE, ...SALT, ...place));
  assert.equal(revoked.code, 1);
  assert.match(revoked.stdout, /^NOT TRUSTED: The tagging key that signed it was revoked/);
  await prove();
  assert.match(alone(IMAGE).stdout, /^NOT TRUSTED: The tagging key that signed it was revoked/);
  // The proof from before does not know it, says so, and is too old for who wants new ones.
  cpSync(at('old-proof'), at('proof'));
  const replayed = alone(IMAGE);
  assert.equal(replayed.status, 0);
  assert.match(replayed.stdout, /what was revoked later is not known here/);
  const after = await show(image);
  assert.match(after.stdout, /by tagging key 1 \(KEY_MISSING\)/, 'what was revoked is shown so');
  assert.match(after.stdout, /tagging key 0 is [0-9a-f]{66}, until /, 'and what was replaced');
  await key('revoke', 'alice', ...root);
  assert.match((await show('alice')).stdout, /The root key of alice was deleted/);
  const gone = await ctga(verify(IMAGE, ...SALT, ...place));
  assert.match(gone.stdout, /^NOT TRUSTED: The root key was deleted/, gone.stderr);
  const again = await ctga(['trust', 'key', 'new', 'alice', '--key-file', at('root2'), ...place]);
  assert.match(again.stderr, /the name is taken/);
});
