// SPDX-License-Identifier: Apache-2.0
/** Podman for tests, with a store of its own. */
import { spawnSync } from 'node:child_process';
import { podmanIn as wordsIn } from '../../src/trust-lab/podman.ts';

export { echoRoot } from '../../src/trust-lab/podman.ts';

const has = (program: string): boolean => spawnSync(program, ['--version']).error === undefined;

/** `skip` value for node:test: false where containers can be made, else the reason. */
export const noPodman: false | string =
  process.geteuid?.() !== 0
    ? 'needs root'
    : !(has('podman') && has('crun')) &&
      'podman or crun is missing: sudo apt-get install podman crun';

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs podman with what it keeps in `directory`; its store is `directory`/store. */
export function podmanIn(directory: string): (...args: string[]) => Ran {
  const { words, env } = wordsIn(directory);
  return (...args) =>
    spawnSync('unshare', [...words, ...args], {
      encoding: 'utf8',
      env: { ...process.env, ...env },
    });
}
