// SPDX-License-Identifier: Apache-2.0
/**
 * The data plane in the Linux kernel: xdp/ctga.bpf.c on one network interface.
 *
 * Its link and maps are pinned under /sys/fs/bpf/ctga, by network namespace and interface index
 * (native/core/pins.hpp). So the data plane outlives the process that attached it and every name of
 * the interface, and the next process to attach takes it over without a gap, with its counters and
 * unread copies.
 */
import { readdirSync, statSync } from 'node:fs';

import { badInput, CtgaError } from '../base/errors.ts';
import {
  addon,
  isNativeError,
  type AddonAttachment,
  type AddonDataPlane,
  type Device,
  type LinkState,
  type PinnedPlane,
  type TestRunResult,
  type XdpHook,
  type XdpMode,
  type XdpSettings,
} from '../native/addon.ts';
import type { MatchRules } from '../sources/match-rules.ts';
import { chooseHook } from './hook.ts';
import { requireBpfFileSystem } from './netns-exec.ts';
import { forEachRecord } from './record-reader.ts';
import type {
  CopyBudget,
  DataPlane,
  DataPlaneCounters,
  PacketHandler,
  SeenEntry,
} from './types.ts';
import { xdpObjectPath } from './xdp-object.ts';

export type { LinkState, TestRunResult, XdpMode, XdpSettings } from '../native/addon.ts';

export interface XdpOptions {
  /** Largest IP length of a fragment that is copied: 0 to 2030 bytes, 400 unless given. */
  readonly threshold?: number;
  /** Copy one match of so many: of answers on each CPU, of fragments by datagram. Usually 1. */
  readonly everyNth?: number;
  /** Bytes of each of the two ring buffers: a power of two, 64 KiB to 1 GiB. Usually 4 MiB. */
  readonly ringBytes?: number;
  /**
   * For how many milliseconds a copied answer is only counted when it comes again; 0 for none.
   * Usually 10,000.
   */
  readonly seenMilliseconds?: number;
  /** The most copies of each kind in a second, on each CPU; 0 for no limit. Usually 50,000. */
  readonly answersPerSecond?: number;
  readonly fragmentsPerSecond?: number;
}

export interface AttachXdpOptions extends XdpOptions {
  readonly interfaceName: string;
  /** A P4 switch's copies come in there, and this process alone reads them. False unless given. */
  readonly atCpuPort?: boolean;
  /** False to attach the program again for another process, which reads. True unless given. */
  readonly reader?: boolean;
  /**
   * Unless given, what is attached already goes on where it is, and otherwise chooseHook decides.
   * Changing between XDP and TC makes a short gap.
   */
  readonly mode?: XdpMode;
  /** Attaches as on a kernel before 6.6, for tests. */
  readonly oldKernel?: boolean;
  /** Another object with the same maps, for tests. */
  readonly objectPath?: string;
}

export interface LoadXdpOptions extends XdpOptions {
  /** Another object with the same maps. */
  readonly objectPath?: string;
  readonly hook?: XdpHook;
  /** False to load what a kernel is given whose verifier gives up otherwise. */
  readonly partsMerged?: boolean;
}

/**
 * Larger than any tree head's answer: Section 4.4.2 of "Aggregation-Based Certificate Transparency
 * Gossip".
 */
const DEFAULT_THRESHOLD = 400;
/** RECORD_CAPACITY in xdp/record.h, less an Ethernet header with one VLAN tag. */
const MAX_THRESHOLD = 2048 - 18;
const DEFAULT_RING_BYTES = 4 << 20;
const MIN_RING_BYTES = 64 << 10;
const MAX_RING_BYTES = 1 << 30;
/**
 * A wake-up costs some 10 µs (measured), so a thousand small records share one. A timer fetches
 * what stays below.
 */
const WAKEUP_BYTES = 512 << 10;
/** So long that a busy name is copied seldom; so short that a lost copy costs little. */
const DEFAULT_SEEN_MS = 10_000;
/**
 * In a second, more than all logs of today sign in a day; reading it takes a small part of a core.
 */
const DEFAULT_PER_SECOND = 50_000;

/**
 * Attaches to an interface, or takes over what an earlier process left attached there. Throws
 * CtgaError, such as `no-such-interface`, `foreign-xdp-program`, `busy` and `not-permitted`.
 */
export function attachXdp(options: AttachXdpOptions): XdpDataPlane {
  return new XdpDataPlane(options);
}

function attachNative(options: AttachXdpOptions): AddonAttachment {
  const {
    interfaceName,
    atCpuPort = false,
    reader = true,
    mode,
    oldKernel = false,
    objectPath = xdpObjectPath(),
  } = options;
  const { ringBytes, settings } = checkOptions(options);
  if (atCpuPort && mode === 'tc')
    throw badInput("a switch's CPU port is read by XDP, not at TC ingress");
  checkName(interfaceName);
  requireBpfFileSystem();
  const { prefersTc, why } = chooseHook({ atCpuPort, mode }, addon().device(interfaceName));
  return explain(interfaceName, () =>
    addon().attach({
      objectPath,
      interfaceName,
      reader,
      atCpuPort,
      mode,
      prefersTc,
      why,
      oldKernel,
      ringBytes,
      settings,
    }),
  );
}

/** Loads the program without attaching it, for tests and benches (BPF_PROG_TEST_RUN). */
export function loadXdp(options: LoadXdpOptions = {}): LoadedXdp {
  const { objectPath = xdpObjectPath(), hook = 'xdp', partsMerged = true } = options;
  const { ringBytes, settings } = checkOptions(options);
  return new LoadedXdp(
    explain('no interface', () =>
      addon().load({ objectPath, hook, partsMerged, ringBytes, settings }),
    ),
  );
}

/** What any process may learn of a data plane that is attached. */
export interface AttachedState {
  readonly interfaceName: string;
  /**
   * The link that keeps the program on the interface; `attached` is false where the interface is
   * blind.
   */
  readonly link: LinkState;
  readonly counters: DataPlaneCounters;
  readonly settings: XdpSettings;
  readonly ports: readonly number[];
  /** Of each of the two rings. */
  readonly ringBytes: number;
  /** How many names are looked for. */
  readonly knownNames: number;
}

/**
 * The state of an interface of this network namespace; undefined if ctga is not attached to it.
 * Needs root, changes nothing.
 */
export function openAttached(interfaceName: string): AttachedState | undefined {
  const pins = explain(interfaceName, () => pinsOf(interfaceName));
  return pins && openPins(pins.directory, interfaceName);
}

/** Likewise by where it is pinned. */
export function openPins(pinDirectory: string, interfaceName: string): AttachedState | undefined {
  return explain(interfaceName, () => {
    const link = addon().linkState(pinDirectory);
    const dataPlane = addon().openPinned(pinDirectory);
    if (link === undefined || dataPlane === undefined) return undefined;
    try {
      return {
        interfaceName,
        link,
        counters: dataPlane.counters(),
        settings: dataPlane.settings(),
        ports: dataPlane.ports(),
        ringBytes: dataPlane.ringBytes(),
        knownNames: dataPlane.knownNameCount(),
      };
    } finally {
      dataPlane.close();
    }
  });
}

/**
 * What holds the program on an interface of this network namespace; undefined if nothing is pinned,
 * as after a detach.
 */
export function linkStateOf(interfaceName: string): LinkState | undefined {
  return explain(interfaceName, () => {
    const pins = pinsOf(interfaceName);
    return pins && addon().linkState(pins.directory);
  });
}

/** A plane that a process of this network namespace has attached, under whatever name. */
export interface AttachedLink {
  readonly options: AttachXdpOptions;
  readonly pinDirectory: string;
}

/**
 * What holds the program, by where it is pinned, and what its interface is called now. Undefined if
 * nothing is pinned there. Notes the name, by which the interface is known if it goes away.
 */
export function followLink(
  pinDirectory: string,
): { readonly link: LinkState; readonly interfaceName: string } | undefined {
  return explain(pinDirectory, () => {
    const link = addon().linkState(pinDirectory);
    return link && { link, interfaceName: addon().followName(pinDirectory) };
  });
}

/** Undefined if there is no such interface. */
export function deviceOf(interfaceName: string): Device | undefined {
  return addon().device(interfaceName);
}

/** The MTU in bytes; undefined if there is no such interface. */
export function mtuOf(interfaceName: string): number | undefined {
  return deviceOf(interfaceName)?.mtu;
}

/** The interfaces of this network namespace that have a data plane pinned, alive or not. */
export function listAttached(): string[] {
  const here = allPins().filter(({ isHere }) => isHere);
  return [...new Set(here.map(({ interfaceName }) => interfaceName))].sort();
}

/**
 * The planes that are pinned by other network namespaces, as NAMESPACE/INTERFACE: the inode number
 * of the namespace (`lsns -t net`), or `unknown` where an earlier version made the pins.
 */
export function listElsewhere(): string[] {
  return allPins()
    .filter(({ isHere }) => !isHere)
    .map(qualifiedName)
    .sort();
}

function qualifiedName({ networkNamespace, interfaceName }: PinnedPlane): string {
  return `${networkNamespace === 0 ? 'unknown' : networkNamespace}/${interfaceName}`;
}

function allPins(): PinnedPlane[] {
  requireBpfFileSystem();
  return explain('an interface', () => addon().pins());
}

/** An interface that runs the program comes before one of that name that went away. */
function pinsOf(interfaceName: string): PinnedPlane | undefined {
  checkName(interfaceName);
  const named = allPins().filter((pins) => pins.isHere && pins.interfaceName === interfaceName);
  return named.find(({ directory }) => addon().linkState(directory)?.attached === true) ?? named[0];
}

/**
 * Takes the program off an interface of this network namespace and removes all that was pinned.
 * Throws CtgaError `not-attached` if nothing was.
 */
export function detachXdp(interfaceName: string): void {
  const pins = pinsOf(interfaceName);
  if (pins === undefined) throw notAttached(interfaceName);
  detachPins(pins.directory, interfaceName);
}

/** Likewise by where it is pinned. */
export function detachPins(pinDirectory: string, interfaceName: string): void {
  explain(interfaceName, () => addon().detach(pinDirectory));
}

/**
 * Likewise for a plane of another network namespace, by its name in `listElsewhere`. Throws
 * CtgaError `busy` for a filter at TC ingress or a program in libxdp's dispatcher, which can be
 * removed only in its own namespace.
 */
export function detachElsewhere(name: string): void {
  const pins = allPins().find((each) => !each.isHere && qualifiedName(each) === name);
  if (pins === undefined) throw notAttached(name);
  const { directory, networkNamespace, interfaceName } = pins;
  const state = explain(name, () => addon().linkState(directory));
  const isFilter = state?.mode === 'tc';
  const entrance = entranceOf(networkNamespace);
  if (
    (isFilter || state?.dispatched === true) &&
    (networkNamespace === 0 || entrance !== undefined)
  ) {
    const where = isFilter ? 'at TC ingress' : "in libxdp's dispatcher";
    throw new CtgaError('busy', `${name} is ${where}, and can be detached only from within`, {
      remedy:
        entrance === undefined
          ? `Run \`ctga detach ${interfaceName}\` there, or \`rm -r ${directory}\` if that namespace is no more.`
          : `Run there: nsenter --net=${entrance} ctga detach ${interfaceName}`,
    });
  }
  detachPins(directory, name);
}

/** A path by which `nsenter --net=` enters a network namespace; undefined if none is found. */
function entranceOf(networkNamespace: number): string | undefined {
  const named = namesIn('/run/netns').map((name) => `/run/netns/${name}`);
  const processes = namesIn('/proc').filter((name) => /^\d+$/.test(name));
  return [...named, ...processes.map((pid) => `/proc/${pid}/ns/net`)].find((path) => {
    try {
      return statSync(path).ino === networkNamespace;
    } catch {
      return false; // a process that ended meanwhile, or that this one may not look at
    }
  });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** What attached and merely loaded programs share: the maps and the reader of the rings. */
abstract class XdpProgram implements DataPlane {
  readonly interfaceName: string;
  abstract readonly mode: string;
  readonly tookOver: boolean = false;
  readonly keepsSeenEntries: boolean = false;
  protected readonly native: AddonDataPlane;
  #names: MatchRules['dnsNames'] | undefined;

  constructor(interfaceName: string, native: AddonDataPlane) {
    this.interfaceName = interfaceName;
    this.native = native;
  }

  /**
   * At most 4096 names of lower-case ASCII, each with `sth` or `checkpoint` as its first label, and at least one
   * port. Draws new keys too (see redrawKeys).
   */
  setMatchRules({ udpSourcePorts, dnsNames }: MatchRules): void {
    if (udpSourcePorts.length === 0) throw badInput('no UDP source port: nothing would match');
    for (const port of udpSourcePorts) checkWhole(`a UDP port of ${port}`, port, 1, 65535);
    explain(this.interfaceName, () => {
      this.native.setKnownNames(dnsNames);
      this.native.setPorts(udpSourcePorts);
    });
    this.#names = dnsNames;
  }

  redrawKeys(): void {
    const names = this.#names;
    if (names !== undefined) explain(this.interfaceName, () => this.native.setKnownNames(names));
  }

  counters(): DataPlaneCounters {
    return explain(this.interfaceName, () => this.native.counters());
  }

  seen(): SeenEntry[] {
    const pairs = explain(this.interfaceName, () => this.native.seen());
    const entries: SeenEntry[] = [];
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      entries.push({ entry: pairs[i] ?? 0n, repeats: Number(pairs[i + 1]) });
    }
    return entries;
  }

  copyBudget(): CopyBudget {
    const { answersPerSecond, fragmentsPerSecond, answersShare, fragmentsShare } = this.settings();
    return { answersPerSecond, fragmentsPerSecond, answersShare, fragmentsShare };
  }

  setCopyBudget(budget: CopyBudget): void {
    this.setSettings(budget);
  }

  settings(): XdpSettings {
    return explain(this.interfaceName, () => this.native.settings());
  }

  /** Takes effect at once in the running program. */
  setSettings(changes: Partial<XdpSettings>): void {
    const settings = checkSettings({ ...this.settings(), ...changes });
    explain(this.interfaceName, () => this.native.setSettings(settings));
  }

  start(onPacket: PacketHandler, onBatchEnd: (now: number) => void): void {
    const { interfaceName } = this;
    explain(interfaceName, () =>
      this.native.start((batch, length) => {
        forEachRecord(batch, length, interfaceName, onPacket);
        onBatchEnd(Date.now());
      }),
    );
  }

  stop(): Promise<void> {
    this.native.stop();
    return Promise.resolve();
  }

  /** Gives up the maps, and the lock if there is one. */
  close(): void {
    this.native.close();
  }

  detach(): void {
    this.close();
  }
}

/** On an interface. Until closed, no other process can attach there and read the same copies. */
export class XdpDataPlane extends XdpProgram {
  readonly mode: string;
  override readonly tookOver: boolean;
  override readonly keepsSeenEntries: boolean;
  readonly why: string | undefined;
  readonly link: AttachedLink;
  /** What the interface was called when a plane there was last looked at, if that was otherwise. */
  readonly formerName: string | undefined;
  /** Maps that did not fit (an earlier version's, or of other sizes) and were made anew, empty. */
  readonly replacedMaps: readonly string[];

  /** Attaches, or takes over what an earlier process left attached. */
  constructor(options: AttachXdpOptions) {
    const attachment = attachNative(options);
    super(options.interfaceName, attachment.dataPlane);
    const { pinDirectory, formerName } = attachment;
    this.link = { options, pinDirectory };
    const isRenamed = formerName !== '' && formerName !== options.interfaceName;
    this.formerName = isRenamed ? formerName : undefined;
    this.mode = attachment.mode;
    this.why = attachment.why === '' ? undefined : attachment.why;
    this.tookOver = attachment.tookOver;
    this.replacedMaps = attachment.replacedMaps;
    // What was credited is on record under the former name.
    this.keepsSeenEntries = attachment.keptSeen && !isRenamed;
  }

  /** False once the interface went away or the link was detached: packets pass unseen. */
  isAttached(): boolean {
    const link = followLink(this.link.pinDirectory)?.link ?? linkStateOf(this.interfaceName);
    return link?.attached === true;
  }

  override detach(): void {
    this.close();
    detachPins(this.link.pinDirectory, this.interfaceName);
  }
}

/** Attached nowhere: sees the packets that `testRun` is given. */
export class LoadedXdp extends XdpProgram {
  readonly mode = 'test-run';

  /** Made by `loadXdp` alone. */
  constructor(native: AddonDataPlane) {
    super('no interface', native);
  }

  /**
   * Runs the program on one frame of at least 14 bytes, `repeat` times over. `linear`: so many
   * bytes lie in the frame's linear part and the others in a second buffer (Linux 6.18 and later);
   * 0 for all.
   */
  testRun(frame: Uint8Array, repeat = 1, linear = 0): TestRunResult {
    return explain(this.interfaceName, () => this.native.testRun(frame, repeat, linear));
  }
}

/** As dev_valid_name in the kernel. */
function checkName(interfaceName: string): void {
  if (!/^[^\s/:]{1,15}$/.test(interfaceName) || interfaceName === '.' || interfaceName === '..') {
    throw badInput(
      `'${interfaceName}' cannot be the name of a network interface`,
      '`ip -br link` lists them.',
    );
  }
}

function checkOptions(options: XdpOptions): { ringBytes: number; settings: XdpSettings } {
  const { ringBytes = DEFAULT_RING_BYTES } = options;
  if (
    ringBytes < MIN_RING_BYTES ||
    ringBytes > MAX_RING_BYTES ||
    !Number.isInteger(Math.log2(ringBytes))
  ) {
    throw badInput(
      `a ring buffer of ${ringBytes} bytes: want a power of two from 65536 to 1073741824`,
    );
  }
  const settings = checkSettings({
    threshold: options.threshold ?? DEFAULT_THRESHOLD,
    everyNth: options.everyNth ?? 1,
    wakeupBytes: Math.min(WAKEUP_BYTES, ringBytes / 8),
    seenMilliseconds: options.seenMilliseconds ?? DEFAULT_SEEN_MS,
    answersPerSecond: options.answersPerSecond ?? DEFAULT_PER_SECOND,
    fragmentsPerSecond: options.fragmentsPerSecond ?? DEFAULT_PER_SECOND,
    answersShare: 1,
    fragmentsShare: 1,
  });
  return { ringBytes, settings };
}

function checkSettings(settings: XdpSettings): XdpSettings {
  const {
    threshold,
    everyNth,
    wakeupBytes,
    seenMilliseconds,
    answersPerSecond,
    fragmentsPerSecond,
  } = settings;
  checkWhole(`a threshold of ${threshold} bytes`, threshold, 0, MAX_THRESHOLD);
  checkWhole(`every ${everyNth}th match`, everyNth, 1, 0xffff_ffff);
  checkWhole(`a wake-up each ${wakeupBytes} bytes`, wakeupBytes, 0, MAX_RING_BYTES);
  checkWhole(`counting repeats for ${seenMilliseconds} ms`, seenMilliseconds, 0, 86_400_000);
  checkWhole(`${answersPerSecond} answers a second`, answersPerSecond, 0, 0xffff_ffff);
  checkWhole(`${fragmentsPerSecond} fragments a second`, fragmentsPerSecond, 0, 0xffff_ffff);
  return settings;
}

function checkWhole(what: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw badInput(`${what}: want a whole number from ${least} to ${most}`);
  }
}

/** Runs `work` and turns what the addon throws into one sentence and a remedy. */
function explain<T>(interfaceName: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw isNativeError(error) ? explained(interfaceName, error) : error;
  }
}

const EWOULDBLOCK = 11;
const ENOSYS = 38;

function explained(
  interfaceName: string,
  cause: NodeJS.ErrnoException & { doing: string; log: string },
): CtgaError<string> {
  switch (cause.code) {
    case 'no-such-interface':
      return new CtgaError(
        'no-such-interface',
        `there is no network interface named ${interfaceName}`,
        { remedy: '`ip -br link` lists the interfaces of this network namespace.', cause },
      );
    case 'foreign-xdp-program':
      return new CtgaError<'foreign-xdp-program'>(
        'foreign-xdp-program',
        `${cause.doing}, which ctga does not replace`,
        {
          remedy: `Stop whatever installed it, or remove it with \`ip link set dev ${interfaceName} xdp off\`, and attach again.`,
          cause,
        },
      );
    case 'busy':
      return cause.errno === EWOULDBLOCK
        ? new CtgaError('busy', `another process already observes ${interfaceName}`, {
            remedy: 'Stop that `ctga attach` first: two readers would each see half of the copies.',
            cause,
          })
        : new CtgaError('busy', cause.doing, {
            remedy: '`ctga status` lists what is attached.',
            cause,
          });
    case 'not-permitted':
      return notPermitted(cause.message, cause);
    case 'not-attached':
      return notAttached(interfaceName, cause);
    case 'not-set-up':
      return new CtgaError('not-set-up', cause.message, {
        remedy: 'Build it anew with: npm run setup',
        cause,
      });
    case 'bad-input':
      return new CtgaError('bad-input', cause.doing, { cause });
    default:
      return new CtgaError('kernel', cause.message, {
        remedy: cause.errno === ENOSYS ? 'Debian 12 and later have such a kernel.' : undefined,
        cause,
      });
  }
}

function notAttached(name: string, cause?: unknown): CtgaError {
  return new CtgaError('not-attached', `ctga is not attached to ${name}`, {
    remedy: '`ctga status` lists where it is.',
    cause,
  });
}

function notPermitted(doing: string, cause: unknown): CtgaError {
  return new CtgaError('not-permitted', `not permitted: ${doing}`, {
    remedy: 'Run it as root, for instance with sudo.',
    cause,
  });
}
