/**
 * The native addon (native/): its types, and where it and the XDP object lie.
 *
 * Loaded on first use and not on import, so that commands which need no kernel work without the
 * addon.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { CtgaError, messageOf } from '../base/errors.ts';
import type { DataPlaneCounters } from '../dataplane/types.ts';

/** `struct settings` in xdp/record.h. */
export interface XdpSettings {
  /** Largest IP length of a fragment that is copied, in bytes. */
  readonly threshold: number;
  /**
   * One match of so many is copied: answers counted on each CPU, fragments by datagram; at least 1.
   */
  readonly everyNth: number;
  /**
   * The reader is woken each time so many more bytes wait in a ring; what stays below, its timer
   * fetches.
   */
  readonly wakeupBytes: number;
  /** For how long a copied answer is only counted when it comes again; 0: never. */
  readonly seenMilliseconds: number;
  /** Copies that are made in a second at most, on each CPU; 0: no limit. */
  readonly answersPerSecond: number;
  readonly fragmentsPerSecond: number;
  /**
   * Share of the latest matches that was copied, 0 to 1, as the reader last found it. Not read by
   * the program.
   */
  readonly answersShare: number;
  readonly fragmentsShare: number;
}

/** Native XDP, generic XDP, or TC ingress: from the fastest to the one that is always possible. */
export type XdpMode = 'native' | 'generic' | 'tc';

/** Where a program runs: `cpu` is XDP at the other end of a P4 switch's CPU port. */
export type XdpHook = 'xdp' | 'tc' | 'cpu';

export interface LinkState {
  /** False if the interface has gone, or somebody removed the program from it by force. */
  readonly attached: boolean;
  /** 'unknown' where the interface is in another network namespace. */
  readonly mode: XdpMode | 'unknown';
  readonly interfaceIndex: number;
  readonly programId: number;
  /** What comes in are copies of a P4 switch. */
  readonly atCpuPort: boolean;
}

export interface TestRunResult {
  /** What the program returned. XDP_PASS is 2. */
  readonly verdict: number;
  /** Average of the repetitions. */
  readonly durationNs: number;
  /** The packet as the program left it. */
  readonly packet: Uint8Array;
}

/** A DataPlane of the addon. Every method throws a NativeError. */
export interface AddonDataPlane {
  setKnownNames(names: readonly Uint8Array[]): void;
  knownNameCount(): number;
  settings(): XdpSettings;
  setSettings(settings: XdpSettings): void;
  ports(): number[];
  /** Pairs of a entry and its repeats. */
  seen(): BigUint64Array;
  counters(): DataPlaneCounters;
  ringBytes(): number;
  /**
   * The first `length` bytes of a batch are records of xdp/record.h, padded to 8 bytes, their time
   * in CLOCK_REALTIME. It is the same buffer each time, filled anew.
   */
  start(onBatch: (batch: ArrayBuffer, length: number) => void): void;
  stop(): void;
  /** `linear`: bytes in the linear part, 0 for all. */
  testRun(packet: Uint8Array, repeat: number, linear: number): TestRunResult;
  close(): void;
}

export interface AddonAttachment {
  readonly dataPlane: AddonDataPlane;
  readonly mode: XdpMode;
  readonly interfaceIndex: number;
  readonly refusal: string;
  readonly tookOver: boolean;
  readonly keptSeen: boolean;
  readonly replacedMaps: readonly string[];
}

export interface AccountIds {
  readonly uid: number;
  /** Its primary group. */
  readonly gid: number;
}

export interface Addon {
  load(options: {
    objectPath: string;
    hook: XdpHook;
    oldKernel: boolean;
    ringBytes: number;
    settings: XdpSettings;
    ports: readonly number[];
  }): AddonDataPlane;
  attach(options: {
    objectPath: string;
    interfaceName: string;
    pinDirectory: string;
    /** False: another process reads there, and keeps its lock, settings and ports. */
    reader: boolean;
    atCpuPort: boolean;
    mode: XdpMode | undefined;
    ringBytes: number;
    settings: XdpSettings;
    ports: readonly number[];
  }): AddonAttachment;
  openPinned(pinDirectory: string): AddonDataPlane | undefined;
  linkState(pinDirectory: string): LinkState | undefined;
  detach(pinDirectory: string): void;
  /** Undefined where no interface of this name is. */
  mtu(interfaceName: string): number | undefined;
  /**
   * The IDs of an account, wherever this system keeps accounts (nsswitch.conf(5)); undefined if
   * there is none of this name. May wait for the network.
   */
  account(name: string): AccountIds | undefined;
  /** The ID of a group, found likewise. */
  group(name: string): number | undefined;
  /** Gives root up for good: every thread, no other group, no capability, no_new_privs. */
  becomeUser(uid: number, gid: number, programsMayGain: boolean): void;
  /** sd_notify(3). False where nobody is to be told. */
  notifyService(state: string): boolean;
}

/** What the addon throws; `code` is one of the ErrorCodes the kernel can cause. */
export interface NativeError extends Error {
  readonly code: string;
  /** The message without errno's text. */
  readonly doing: string;
  readonly errno: number;
  /** What libbpf and the verifier said; may be empty. */
  readonly log: string;
}

export function isNativeError(error: unknown): error is NativeError {
  return error instanceof Error && 'doing' in error && 'errno' in error && 'log' in error;
}

/** The directory of package.json, both from src/ and from what is compiled of it. */
function projectRoot(): string {
  let directory = import.meta.dirname;
  while (!existsSync(join(directory, 'package.json')) && dirname(directory) !== directory) {
    directory = dirname(directory);
  }
  return directory;
}

const REMEDY = 'Build it with: npm run setup';

/** capabilities(7), by number; either lets a program add to packet pointers. */
const CAP_SYS_ADMIN = 21n;
const CAP_PERFMON = 38n;

/** Whether this process may load the object that reads packets in place (xdp/Makefile). */
function mayReadInPlace(): boolean {
  const effective =
    /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  return (BigInt(`0x${effective}`) & ((1n << CAP_SYS_ADMIN) | (1n << CAP_PERFMON))) !== 0n;
}

/**
 * Path of the compiled XDP program: unless told, the one that this process may load. Throws
 * CtgaError 'not-set-up' where it is missing.
 */
export function xdpObjectPath(readsInPlace = mayReadInPlace()): string {
  const path = join(
    projectRoot(),
    readsInPlace ? 'build/xdp/ctga.bpf.o' : 'build/xdp/ctga.unprivileged.o',
  );
  if (!existsSync(path))
    throw new CtgaError('not-set-up', `the XDP program is not built: no ${path}`, {
      remedy: REMEDY,
    });
  return path;
}

let loaded: Addon | undefined;

/** The addon. Throws CtgaError 'not-set-up' where it is missing or does not load. */
export function addon(): Addon {
  if (loaded !== undefined) return loaded;
  const path = join(projectRoot(), 'build/native/Release/ctga.node');
  if (!existsSync(path))
    throw new CtgaError('not-set-up', `the addon is not built: no ${path}`, { remedy: REMEDY });
  try {
    return (loaded = createRequire(import.meta.url)(path) as Addon);
  } catch (cause) {
    throw new CtgaError('not-set-up', `the addon does not load: ${messageOf(cause)}`, {
      remedy: REMEDY,
      cause,
    });
  }
}
