// SPDX-License-Identifier: Apache-2.0
/**
 * Network interfaces as data planes: XDP in the driver, generic XDP, or TC ingress. The kernel's
 * side is in xdp.ts.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { release } from 'node:os';
import { basename } from 'node:path';
import * as z from 'zod';
import type { CheckResult } from '../base/check-result.ts';
import { badInput, CtgaError, messageOf } from '../base/errors.ts';
import type { PlaneKind, PlaneStatus, PlaneTarget } from './kind.ts';
import { xdpObjectPath } from './xdp-object.ts';
import {
  attachXdp,
  detachElsewhere,
  detachXdp,
  linkStateOf,
  listAttached,
  listElsewhere,
  loadXdp,
  openAttached,
} from './xdp.ts';

export const interfaceKind: PlaneKind = {
  syntax: 'the name of a network interface',
  modes: {
    native: 'XDP, native mode',
    generic: 'XDP, generic mode',
    tcx: 'TC ingress',
    tc: 'TC ingress, clsact filter',
    unknown: 'XDP, unknown mode',
  },
  parse(interfaceName) {
    if (interfaceName.includes(':')) return undefined;
    if (/^(\d+|unknown)\/[^/]+$/.test(interfaceName)) return elsewhere(interfaceName);
    return {
      attach: ({ cpuInterface: _, ...options }) => attachXdp({ ...options, interfaceName }),
      detach: () => {
        detachXdp(interfaceName);
        return interfaceName;
      },
    };
  },
  list: () => linksAt('interface'),
  listElsewhere,
  describe: (name) => describeLink(name),
  check: () => [checkKernel(), checkBpf(), ...checkInterfaces()],
};

/** An interface of another network namespace. */
function elsewhere(name: string): PlaneTarget {
  return {
    attach: () => {
      throw badInput(
        `${name} is in another network namespace`,
        'Attach from there, with: nsenter --net=... ctga attach',
      );
    },
    detach: () => {
      detachElsewhere(name);
      return name;
    },
  };
}

/**
 * Interfaces where a program is pinned, alive or not: to watch the interface, or copies of a
 * switch.
 */
export function linksAt(where: 'interface' | 'cpu-port'): string[] {
  return listAttached().filter(
    (name) => (linkStateOf(name)?.atCpuPort === true) === (where === 'cpu-port'),
  );
}

/** The state of the program on an interface; `mode` is the link's unless given. */
export function describeLink(interfaceName: string, mode?: string): PlaneStatus | undefined {
  const state = openAttached(interfaceName);
  if (state === undefined) return undefined;
  const { link, ...rest } = state;
  const { attached, behind } = link;
  const why = link.why === '' || mode !== undefined ? undefined : link.why;
  return { ...rest, interface: interfaceName, attached, mode: mode ?? link.mode, why, behind };
}

const OLDEST_KERNEL = [6, 1] as const;

export function checkKernel(kernel = release()): CheckResult {
  const [major = 0, minor = 0] = kernel.split('.').map(Number.parseFloat);
  const what = 'kernel';
  if (major < OLDEST_KERNEL[0] || (major === OLDEST_KERNEL[0] && minor < OLDEST_KERNEL[1]))
    return {
      what,
      state: 'failure',
      found: `Linux ${kernel} is too old.`,
      remedy: 'ctga needs Linux 6.1 or later; Debian 12 has such a kernel.',
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

/**
 * Link layers that the program reads, as `ip` names them: Ethernet, and those where frames begin
 * with IP (native/core/link_layer.cc). 519 is ARPHRD_RAWIP, of mobile networks.
 */
const READABLE = ['ether', 'none', 'ppp', 'ipip', 'tunnel6', 'sit', 'gre', 'gre6', '[519]'];

/** Looks at each interface that is up: its link layer and driver, and offloads that hinder XDP. */
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
    ({ link_type, flags }) => link_type !== 'loopback' && flags.includes('UP'),
  );
  if (carriers.length === 0)
    return [
      {
        what: 'interfaces',
        state: 'warning',
        found: 'no interface is up',
        remedy: '`ip -br link` lists them.',
      },
    ];
  return carriers.map(({ ifname, mtu, link_type }) => {
    const what = `interface ${ifname}`;
    if (!READABLE.includes(link_type))
      return {
        what,
        state: 'warning',
        found: `its link layer, ${link_type}, cannot be read`,
        remedy: 'If its packets go on by another interface, attach ctga there.',
      };
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
