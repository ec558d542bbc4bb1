// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run test:interop`: ctga against logs, a witness and a Bitcoin node that nobody here wrote.
 * Builds them with Go from the module proxy, at the versions in go.mod and go.sum, and runs every
 * *.interop.ts here. Without Go it says so and does nothing.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const PATH = `${process.env['PATH'] ?? ''}:/usr/local/go/bin:/usr/lib/go/bin`;
const env = { ...process.env, PATH };

if (spawnSync('go', ['version'], { env }).error !== undefined) {
  console.error(
    'interop: NOT RUN: there is no Go here to build the logs with (apt-get install golang, 1.24 or later)',
  );
  process.exit(0);
}
const binaries = join(ROOT, 'build/interop');
console.error('interop: building the logs, litewitness and btcd (the first time, a minute or two)');
/** What is built in each directory: its own programs, and those of others. */
const PEERS: readonly (readonly [directory: string, packages: readonly string[]])[] = [
  [
    'logs',
    [
      './...',
      'github.com/google/certificate-transparency-go/trillian/ctfe/ct_server',
      'filippo.io/torchwood/cmd/litewitness',
      'github.com/transparency-dev/tessera/cmd/examples/posix-oneshot',
    ],
  ],
  ['btcd', ['github.com/btcsuite/btcd']],
];
for (const [directory, packages] of PEERS) {
  const built = spawnSync('go', ['build', '-o', `${binaries}/`, ...packages], {
    cwd: join(import.meta.dirname, directory),
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (built.status !== 0) {
    console.error(`interop: ${directory} could not be built: what Go says is above`);
    process.exit(1);
  }
}
const tests = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.interop.ts'))
  .map((name) => join(import.meta.dirname, name));
const how = ['--import', 'tsx', '--test', '--test-reporter=spec', '--test-concurrency=1'];
const { status } = spawnSync(process.execPath, [...how, ...tests], {
  cwd: ROOT,
  stdio: ['ignore', 'inherit', 'inherit'],
});
process.exitCode = status ?? 1;
