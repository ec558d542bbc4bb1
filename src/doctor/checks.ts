// SPDX-License-Identifier: Apache-2.0
/** The doctor's checks: each looks at one thing that ctga needs, and says what to do about it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import type { CheckResult } from '../base/check-result.ts';
import { CtgaError, messageOf } from '../base/errors.ts';
import type { ProxyAddress } from '../http/proxy-address.ts';
import { openForReading, storeExists, type State } from '../store/state.ts';

const LEAST_FREE_BYTES = 256 * 2 ** 20;

const PROXY_MS = 5000;

/** Asks a SOCKS5 server for a method (RFC 1928, Section 3) and for no connection. */
export async function checkProxy(
  { host, port }: Pick<ProxyAddress, 'host' | 'port'>,
  look = (): ProgramState => programState('tor'),
): Promise<CheckResult> {
  const what = `proxy ${host}:${port}`;
  const answer = await new Promise<Buffer | Error>((resolve) => {
    const socket = connect({ host, port, timeout: PROXY_MS });
    const done = (result: Buffer | Error): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => socket.write(Uint8Array.of(5, 2, 0, 2)));
    socket.once('data', done);
    socket.once('error', done);
    socket.once('timeout', () => done(new Error('no answer')));
    socket.once('end', () => done(new Error('it hung up')));
  });
  if (Buffer.isBuffer(answer) && answer[0] === 5 && (answer[1] === 0 || answer[1] === 2))
    return { what, state: 'well', found: 'speaks SOCKS5' };
  const why = Buffer.isBuffer(answer) ? 'it is no SOCKS5 server' : messageOf(answer);
  return { what, state: 'failure', found: `no proxy there: ${why}`, remedy: remedyFor(look()) };
}

/** What is known of a program on this machine. */
export type ProgramState = 'missing' | 'installed' | 'running';

function remedyFor(tor: ProgramState): string {
  if (tor === 'running')
    return 'tor runs, but not there: see SocksPort in its torrc, or name another proxy with --proxy.';
  if (tor === 'installed')
    return `tor is installed and does not run. Start it: ${existsSync('/run/systemd/system') ? 'sudo systemctl enable --now tor' : 'sudo -u debian-tor tor'}. Or name another proxy with --proxy.`;
  return 'Install tor: sudo apt install tor. Or name another proxy with --proxy.';
}

/** Directories of programs that are not on everybody's PATH. */
const MORE_PROGRAMS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Whether a program runs here, is there to be started, or neither; Linux's /proc says what runs. */
export function programState(name: string): ProgramState {
  const isNamed = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name;
    } catch {
      return false; // it has ended
    }
  };
  if (readdirSync('/proc').some((pid) => /^[0-9]+$/.test(pid) && isNamed(pid))) return 'running';
  const places = [...(process.env['PATH'] ?? '').split(delimiter), ...MORE_PROGRAMS];
  return places.some((place) => existsSync(join(place, name))) ? 'installed' : 'missing';
}

export function checkStoreOf(state: State): CheckResult[] {
  const where = existingAbove(state.directory);
  const findings: CheckResult[] = [];
  const { bavail, bsize } = statfsSync(where);
  const free = bavail * bsize;
  const mebibytes = `${Math.round(free / 2 ** 20)} MiB free in ${where}`;
  findings.push(
    free >= LEAST_FREE_BYTES
      ? { what: 'disk', state: 'well', found: mebibytes }
      : {
          what: 'disk',
          state: 'warning',
          found: `only ${mebibytes}`,
          remedy: 'Run ctga store compact, or use another --state-dir.',
        },
  );
  const what = 'store';
  try {
    if (!storeExists(state) && !state.isNamed)
      return [...findings, { what, state: 'well', found: `none yet in ${state.directory}` }];
    const store = openForReading(state);
    const found = `${store.heads.count()} tree heads in ${state.database}`;
    store.close();
    findings.push({ what, state: 'well', found });
  } catch (error) {
    if (error instanceof CtgaError)
      findings.push({ what, state: 'failure', found: error.message, remedy: error.remedy });
    else findings.push({ what, state: 'unknown', found: messageOf(error), remedy: 'Ask as root.' });
  }
  return findings;
}

function existingAbove(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existingAbove(dirname(path));
}

/** If the clock is far behind, fresh tree heads seem to be from the future. */
export function checkClock(): CheckResult {
  const what = 'clock';
  const { stdout, error } = spawnSync('timedatectl', ['show', '-p', 'NTPSynchronized', '--value'], {
    encoding: 'utf8',
  });
  const said = error === undefined ? stdout.trim() : '';
  if (said === 'yes') return { what, state: 'well', found: 'synchronised' };
  if (said === 'no')
    return {
      what,
      state: 'warning',
      found: 'not synchronised',
      remedy: 'Install systemd-timesyncd or chrony.',
    };
  return { what, state: 'unknown', found: 'timedatectl cannot say whether it is synchronised' };
}
