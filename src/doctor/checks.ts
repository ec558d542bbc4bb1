/** The doctor's checks: each looks at one thing that ctga needs, and says what to do about it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readlinkSync, statfsSync } from 'node:fs';
import { connect } from 'node:net';
import { release } from 'node:os';
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { xdpObjectPath } from '../dataplane/xdp-object.ts';
import { loadXdp, mapsNeedNoRights } from '../dataplane/xdp.ts';
import { CtgaError, messageOf } from '../base/errors.ts';
import type { ProxyAddress } from '../http/proxy.ts';
import { openForReading, storeExists, type State } from '../store/state.ts';

export interface CheckResult {
  readonly what: string;
  /** `unknown`: this account cannot find out. */
  readonly state: 'well' | 'warning' | 'failure' | 'unknown';
  /** What was found. */
  readonly found: string;
  readonly remedy?: string;
}

const OLDEST_KERNEL = [5, 15] as const;
const LEAST_FREE_BYTES = 256 * 2 ** 20;

export function checkKernel(kernel = release()): CheckResult {
  const [major = 0, minor = 0] = kernel.split('.').map(Number.parseFloat);
  const what = 'kernel';
  if (major < OLDEST_KERNEL[0] || (major === OLDEST_KERNEL[0] && minor < OLDEST_KERNEL[1]))
    return {
      what,
      state: 'failure',
      found: `Linux ${kernel} is too old.`,
      remedy: 'ctga needs Linux 5.15 or later; Debian 12 has such a kernel.',
    };
  if (!mapsNeedNoRights(kernel))
    return {
      what,
      state: 'warning',
      found: `Linux ${kernel} lets only root read copied packets, so ctga attach stays root.`,
      remedy: 'Linux 5.19 and later do not need that.',
    };
  return { what, state: 'well', found: `Linux ${kernel}` };
}

export function checkBpf(): CheckResult {
  const what = 'BPF';
  try {
    xdpObjectPath();
    loadXdp().close();
    return { what, state: 'well', found: 'the program loads' };
  } catch (error) {
    if (!(error instanceof CtgaError)) throw error;
    const state = error.code === 'not-permitted' ? 'unknown' : 'failure';
    return { what, state, found: error.message, remedy: error.remedy };
  }
}

const linksSchema = z.array(
  z.object({
    ifname: z.string(),
    mtu: z.number(),
    flags: z.array(z.string()),
    link_type: z.string(),
  }),
);

/** Looks at each Ethernet interface that is up: its driver, and offloads that hinder XDP. */
export function checkInterfaces(): CheckResult[] {
  let links: z.infer<typeof linksSchema>;
  try {
    links = linksSchema.parse(
      JSON.parse(execFileSync('ip', ['-j', 'link', 'show'], { encoding: 'utf8' })),
    );
  } catch (error) {
    return [
      {
        what: 'interfaces',
        state: 'unknown',
        found: `ip says: ${messageOf(error)}`,
        remedy: 'Install iproute2.',
      },
    ];
  }
  const carriers = links.filter(
    ({ link_type, flags }) => link_type === 'ether' && flags.includes('UP'),
  );
  if (carriers.length === 0)
    return [
      {
        what: 'interfaces',
        state: 'warning',
        found: 'no Ethernet interface is up',
        remedy: '`ip -br link` lists them.',
      },
    ];
  return carriers.map(({ ifname, mtu }) => {
    const what = `interface ${ifname}`;
    const found = `driver ${driverOf(ifname)}, MTU ${mtu}`;
    // LRO merges packets into one that nobody sent, and drivers refuse native XDP with it.
    const { stdout } = spawnSync('ethtool', ['-k', ifname], { encoding: 'utf8' });
    if (/^large-receive-offload: on/m.test(stdout))
      return {
        what,
        state: 'warning',
        found: `${found}, LRO is on: the driver merges packets before ctga sees them`,
        remedy: `ethtool -K ${ifname} lro off`,
      };
    return { what, state: 'well', found };
  });
}

function driverOf(interfaceName: string): string {
  try {
    return basename(readlinkSync(`/sys/class/net/${interfaceName}/device/driver`));
  } catch {
    return 'unknown';
  }
}

const PROXY_MS = 5000;

/** Asks a SOCKS5 server for a method (RFC 1928, Section 3) and for no connection. */
export async function checkProxy({
  host,
  port,
}: Pick<ProxyAddress, 'host' | 'port'>): Promise<CheckResult> {
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
  const why = Buffer.isBuffer(answer) ? 'it is no SOCKS5 server' : answer.message;
  return {
    what,
    state: 'failure',
    found: `no proxy there: ${why}`,
    remedy: 'Install tor, or give another proxy with --proxy.',
  };
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
  if (!storeExists(state))
    return [...findings, { what, state: 'well', found: `none yet in ${state.directory}` }];
  try {
    accessSync(state.database, constants.R_OK);
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
