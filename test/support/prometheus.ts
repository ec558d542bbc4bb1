// SPDX-License-Identifier: Apache-2.0
/** Prometheus and its promtool, of Debian's package. */
import { spawnSync } from 'node:child_process';

/** `skip` value for node:test. */
export const noPrometheus: false | string =
  spawnSync('promtool', ['--version']).error === undefined
    ? false
    : 'prometheus is not installed: run npm run setup as root';

/** Runs promtool; returns what it complained of, '' if of nothing. */
export function promtool(args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return status === 0 && stderr === '' ? '' : `exit code ${status ?? 'none'}\n${stdout}${stderr}`;
}
