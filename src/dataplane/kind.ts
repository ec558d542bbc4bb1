// SPDX-License-Identifier: Apache-2.0
/**
 * What a kind of data plane is to the rest of ctga: how its planes are named, attached, listed,
 * described and detached, and what it needs of this machine. The kinds are in registry.ts.
 */
import type { CheckResult } from '../base/check-result.ts';
import type { CopySettings, DataPlane, DataPlaneCounters } from './types.ts';
import type { XdpMode, XdpOptions } from './xdp.ts';

/** What an operator may choose. A kind reads what concerns it. */
export interface PlaneOptions extends Pick<
  XdpOptions,
  'threshold' | 'everyNth' | 'seenMilliseconds' | 'answersPerSecond' | 'fragmentsPerSecond'
> {
  /** Of interfaces: the hook that costs least there, unless given (hook.ts). */
  readonly mode?: XdpMode | undefined;
  /** Of switches: where copies arrive; the peer of the CPU port unless given. */
  readonly cpuInterface?: string | undefined;
  /** Of resolvers: the path of a socket to which their streams are passed on; to none if undefined. */
  readonly tee?: string | undefined;
}

/** A plane that somebody has named. It need not exist. */
export interface PlaneTarget {
  /**
   * Attaches the plane, or takes over what an earlier process left attached. Needs root, for most
   * kinds. Throws CtgaError; nothing stays attached then that was not before.
   */
  attach(options: PlaneOptions): DataPlane | Promise<DataPlane>;
  /**
   * Takes the plane off and removes all that belongs to it. Returns its interfaceName. Throws
   * CtgaError `not-attached` if it was not attached.
   */
  detach(): string | Promise<string>;
}

/** What any process with the rights may learn of a plane that is attached to this machine. */
export interface PlaneStatus {
  readonly interface: string;
  /** False if the plane is blind: its interface went away, or the program was detached by force. */
  readonly attached: boolean;
  /** As in DataPlane. */
  readonly mode: string;
  /** Why it is in this mode, as far as is known. */
  readonly why?: string | undefined;
  /** Programs of others that see packets first and may keep them from it, as LinkState has it. */
  readonly behind: readonly string[];
  /** How many names are looked for. */
  readonly knownNames: number;
  readonly settings: CopySettings;
  /** UDP source ports of answers. */
  readonly ports: readonly number[];
  /** Size of each ring buffer. */
  readonly ringBytes: number;
  readonly counters: DataPlaneCounters;
}

export interface PlaneKind {
  /** How names of this kind are written, for help texts. */
  readonly syntax: string;
  /** The modes of its planes, each with what people read. */
  readonly modes: Readonly<Record<string, string>>;
  /**
   * The plane of this name; undefined if the name is of another kind. Throws CtgaError `bad-input`
   * for a name of this kind that is written wrongly.
   */
  parse(name: string): PlaneTarget | undefined;
  /**
   * The names under which planes of this kind are attached in this network namespace; each can be
   * parsed.
   */
  list(): string[];
  /** The names of those in other network namespaces; each can be parsed, and detached. */
  listElsewhere?(): string[];
  /** Undefined if it is not attached. */
  describe(name: string): PlaneStatus | undefined;
  /** What the kind needs of this machine, for `ctga doctor`. */
  check(): CheckResult[];
}
