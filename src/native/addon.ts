// SPDX-License-Identifier: Apache-2.0
/**
 * The types of the native addon (native/), and loading it. That happens on first use and not on
 * import, so that commands which do not need the kernel work without the addon.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { CtgaError, messageOf } from '../base/errors.ts';
import { projectRoot } from '../base/project-root.ts';

/** `struct settings` in xdp/record.h. */
export interface XdpSettings {
  /** Largest IP length of a fragment that is copied, in bytes. */
  readonly threshold: number;
  /**
   * The program copies one match of so many, at least 1: of answers, each n-th on each CPU; of
   * fragments, all those of one datagram in n.
   */
  readonly everyNth: number;
  /**
   * The program wakes the reader each time so many more bytes wait in a ring. The reader's timer
   * fetches what stays below. A power of two, or 0: each record wakes it.
   */
  readonly wakeupBytes: number;
  /** For how long the program only counts an answer that it has copied; 0: it always copies. */
  readonly seenMilliseconds: number;
  /** The most copies in a second, on each CPU; 0: no limit. */
  readonly answersPerSecond: number;
  readonly fragmentsPerSecond: number;
  /**
   * The share of the latest matches that was copied, from 0 to 1, as the reader last found it. It
   * is kept here for the next reader; the program does not read it.
   */
  readonly answersShare: number;
  readonly fragmentsShare: number;
}

/** What may be asked for: XDP in the driver or in the network stack, or TC ingress. */
export type XdpMode = 'native' | 'generic' | 'tc';

/** What it becomes: at TC ingress a tcx link, or a clsact filter (`tc`) before Linux 6.6. */
export type AttachedMode = XdpMode | 'tcx';

/** Where a program runs: `cpu` is XDP at the other end of a P4 switch's CPU port. */
export type XdpHook = 'xdp' | 'tc' | 'cpu';

export interface LinkState {
  /** False if the interface is gone, or somebody removed the program from it by force. */
  readonly attached: boolean;
  /** 'unknown' of an XDP program in another network namespace. */
  readonly mode: AttachedMode | 'unknown';
  readonly interfaceIndex: number;
  readonly programId: number;
  /** The program is the one that reads a P4 switch's copies. */
  readonly atCpuPort: boolean;
  /** It is an XDP program in libxdp's dispatcher. */
  readonly dispatched: boolean;
  /** Why it is at this hook; '' if an earlier version chose it. */
  readonly why: string;
  /**
   * At TC ingress and in libxdp's dispatcher: the programs that see packets before it and may keep
   * them from it, such as 'the XDP program "xdp_dispatcher" (id 42)'.
   */
  readonly behind: readonly string[];
  /** Some of them are at TC ingress too. Attaching again puts this one before them. */
  readonly overtaken: boolean;
}

/** What the kernel tells of a network interface. */
export interface Device {
  /** In bytes. */
  readonly mtu: number;
  /** Of a software device, such as 'veth'; else ''. */
  readonly kind: string;
  /** As `ethtool -i` names it; '' if there is none. */
  readonly driver: string;
}

/** Where a data plane is pinned, alive or not. */
export interface PinnedPlane {
  /** In the BPF file system. */
  readonly directory: string;
  /** The inode number of its network namespace; 0 if an earlier version made it. */
  readonly networkNamespace: number;
  /** The interface's present name, or the last that was noted. */
  readonly interfaceName: string;
  /** In this network namespace, or made by an earlier version and running nowhere. */
  readonly isHere: boolean;
}

export interface TestRunResult {
  /** What the program returned. XDP_PASS is 2. */
  readonly verdict: number;
  /** The duration of one run, averaged over the repetitions. */
  readonly durationNs: number;
  /** The packet as the program left it. */
  readonly packet: Uint8Array;
}

/**
 * `struct counters` in xdp/record.h, summed over all CPUs. The sums of its parts are added:
 * `packets`, `answers` and `fragments`. What each means is in DataPlaneCounters, which is made of
 * these (src/dataplane/types.ts).
 */
export type XdpCounters = Readonly<
  Record<
    | 'packets'
    | 'notIp'
    | `encapsulated${'Tags' | 'Mpls' | 'Ip' | 'Gre' | 'Udp' | 'Ipsec'}`
    | 'notUdp'
    | 'otherPort'
    | 'malformed'
    | 'notTreeHead'
    | 'unknownName'
    | 'answersTooLarge'
    | 'fragmentsTooLarge'
    | `${'answers' | 'fragments'}${'' | 'Copied' | 'SampledOut' | 'OverBudget' | 'Seen' | 'RingFull'}`,
    bigint
  >
>;

/** A DataPlane of the addon. Each method that fails throws a NativeError. */
export interface AddonDataPlane {
  /** Draws new keys as well, which ends every entry in the cache of seen answers. */
  setKnownNames(names: readonly Uint8Array[]): void;
  knownNameCount(): number;
  settings(): XdpSettings;
  setSettings(settings: XdpSettings): void;
  ports(): number[];
  setPorts(ports: readonly number[]): void;
  /** Pairs of an entry (SEEN_ENTRY in xdp/record.h) and how often its answer was repeated. */
  seen(): BigUint64Array;
  counters(): XdpCounters;
  ringBytes(): number;
  /**
   * Calls `onBatch` whenever records have arrived. The first `length` bytes of a batch are records
   * of xdp/record.h, each padded to 8 bytes, with their time in CLOCK_REALTIME. The buffer is the
   * same each time, so what is to be kept of it must be copied.
   */
  start(onBatch: (batch: ArrayBuffer, length: number) => void): void;
  stop(): void;
  /** Runs the program on a packet. `linear` of its bytes are in the linear part; 0: all are. */
  testRun(packet: Uint8Array, repeat: number, linear: number): TestRunResult;
  close(): void;
}

export interface AddonAttachment {
  readonly dataPlane: AddonDataPlane;
  readonly mode: AttachedMode;
  readonly interfaceIndex: number;
  /** In the BPF file system. It is renamed when the interface comes back with another index. */
  readonly pinDirectory: string;
  /** What the interface was last known to be called; '' if it was not attached. */
  readonly formerName: string;
  /** As in LinkState. */
  readonly why: string;
  readonly tookOver: boolean;
  readonly keptSeen: boolean;
  readonly replacedMaps: readonly string[];
}

/**
 * A UDP socket. In both directions each datagram stands behind 40 bytes of its own
 * (native/core/udp_socket.hpp), which src/dns/udp.ts reads.
 */
export interface AddonUdp {
  readonly port: number;
  /**
   * Calls `onBatch` whenever datagrams have arrived, each in 4,136 of the first `length` bytes. The
   * buffer is the same each time.
   */
  start(onBatch: (batch: ArrayBuffer, length: number) => void): void;
  /** Sends the datagrams in the first `length` bytes, each padded to a multiple of 8. */
  send(batch: Uint8Array, length: number): void;
  /** May be called twice. */
  close(): void;
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
    /** At TC: datagrams that were merged into one packet are told apart. */
    partsMerged: boolean;
    ringBytes: number;
    settings: XdpSettings;
  }): AddonDataPlane;
  attach(options: {
    objectPath: string;
    interfaceName: string;
    /** False: another process reads there and keeps its lock and settings. */
    reader: boolean;
    atCpuPort: boolean;
    /** Undefined: what runs there goes on; otherwise as `prefersTc` says. */
    mode: XdpMode | undefined;
    /** TC ingress; else native, and TC ingress if the driver refuses. */
    prefersTc: boolean;
    /** What is noted of `mode` or `prefersTc`. */
    why: string;
    /** As on a kernel before 6.6, which has no tcx. */
    oldKernel: boolean;
    ringBytes: number;
    settings: XdpSettings;
  }): AddonAttachment;
  /** What is pinned on this machine, by every network namespace. */
  pins(): PinnedPlane[];
  /**
   * Notes the present name of an interface of this network namespace beside its pins, if it is
   * another than before. Returns the present name, or the noted one if the interface is gone.
   */
  followName(pinDirectory: string): string;
  openPinned(pinDirectory: string): AddonDataPlane | undefined;
  linkState(pinDirectory: string): LinkState | undefined;
  detach(pinDirectory: string): void;
  /** Undefined if no interface has this name. */
  device(interfaceName: string): Device | undefined;
  /**
   * The IDs of an account, wherever this system keeps accounts (nsswitch.conf(5)); undefined if
   * there is none of this name. May wait for the network.
   */
  account(name: string): AccountIds | undefined;
  /** The ID of a group, found likewise. */
  group(name: string): number | undefined;
  /**
   * Gives up root for good, in every thread: no other groups than these, of which the first is its
   * own, no capability, and no way to gain any unless `programsMayGain`.
   */
  becomeUser(uid: number, groups: readonly number[], programsMayGain: boolean): void;
  /**
   * Sends a request to the process that listens at a stream socket, and waits for its answer, up to
   * 64 KiB, for so long. `uid` is the account of whoever listens.
   */
  ask(
    path: string,
    request: Uint8Array,
    timeoutMs: number,
  ): { readonly text: string; readonly uid: number };
  /**
   * Takes from every thread of this process, for good, the system calls that an observer does not
   * need: see native/core/seccomp.hpp. `withoutNetwork`: sockets
   * of the Internet Protocol, and listening, too.
   */
  confine(withoutNetwork: boolean): void;
  /** Binds a UDP socket to an address; port 0 is any that is free. Throws NativeError. */
  openUdp(address: string, port: number): AddonUdp;
  /** sd_notify(3). False if no service manager listens. */
  notifyService(state: string): boolean;
  /**
   * Makes every TLS client of this process offer authentication after the handshake (RFC 8446,
   * Section 4.2.6), from the next context on. False if this Node's OpenSSL cannot.
   */
  offerPostHandshakeAuth(): boolean;
}

/** What the addon throws. `code` is an ErrorCode of src/base/errors.ts. */
export interface NativeError extends Error {
  readonly code: string;
  /** The message without the text of errno. */
  readonly doing: string;
  readonly errno: number;
  /** What libbpf and the verifier said, which may be nothing. */
  readonly log: string;
}

export function isNativeError(error: unknown): error is NativeError {
  return error instanceof Error && 'doing' in error && 'errno' in error && 'log' in error;
}

const REMEDY = 'Build it with: npm run setup';

let loaded: Addon | undefined;

/** The addon. Throws CtgaError 'not-set-up' if it is not built or does not load. */
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
