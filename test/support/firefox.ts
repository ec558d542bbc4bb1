// SPDX-License-Identifier: Apache-2.0
/** Debian's Firefox with the extension in it, in a profile of the test's own, on loopback alone. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { once } from 'node:events';
import { extensionLogs } from '../../packaging/extension.ts';
import {
  FIREFOX,
  firefoxCommand,
  Marionette,
  marionettePort,
  prepareProfile,
} from '../../src/lab/firefox.ts';
import { eventually } from './eventually.ts';
import type { SigningLog } from './signing-log.ts';

/** `skip` value for node:test. */
export const noFirefox: false | string = existsSync(FIREFOX)
  ? false
  : `the extension is NOT tried in a browser: there is no ${FIREFOX} (sudo npm run setup)`;

const EXTENSION = resolve(import.meta.dirname, '../../extension');

/** Packs the extension, as one that knows these logs, into a file. */
export function packExtension(directory: string, logs: readonly SigningLog[]): string {
  const copy = join(directory, 'extension');
  cpSync(EXTENSION, copy, { recursive: true });
  writeFileSync(join(copy, 'logs.json'), extensionLogs(logs.map((log) => log.asLog())));
  const packed = join(directory, 'ctga.xpi');
  rmSync(packed, { force: true });
  execFileSync('python3', ['-m', 'zipfile', '-c', packed, ...readdirSync(copy)], { cwd: copy });
  return packed;
}

export interface RunningFirefox {
  readonly firefox: Marionette;
  readonly stop: () => Promise<void>;
}

/** All host names lead to 127.0.0.1. `home` is the directory of what a person has in theirs. */
export async function startFirefox(profile: string, home: string): Promise<RunningFirefox> {
  prepareProfile(profile, {
    'network.dns.forceResolve': '127.0.0.1',
    // They are asked for when they please, and so late enough for a test to have gone on.
    'browser.chrome.site_icons': false,
  });
  rmSync(join(profile, 'MarionetteActivePort'), { force: true });
  mkdirSync(home, { recursive: true });
  const [program, ...args] = firefoxCommand(profile);
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: home, LANG: 'C.UTF-8', MOZ_CRASHREPORTER_DISABLE: '1' },
  });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said = (said + text.toString()).slice(-5000)));
  const ended = once(child, 'exit');
  try {
    await eventually(
      () => {
        assert.equal(child.exitCode, null, said);
        return marionettePort(profile) !== undefined;
      },
      () => `Firefox to listen; it said ${said}`,
    );
    const socket = connect(marionettePort(profile) ?? 0, '127.0.0.1');
    const firefox = await Marionette.open(socket);
    return {
      firefox,
      stop: async () => {
        await firefox.quit().catch(() => child.kill());
        await ended;
      },
    };
  } catch (error) {
    child.kill();
    await ended;
    throw error;
  }
}
