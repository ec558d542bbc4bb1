// SPDX-License-Identifier: Apache-2.0
/**
 * What every data plane looks like to the observer.
 *
 * A data plane matches, samples and copies packets, and passes every one of them on. XDP or TC in
 * the kernel (xdp.ts), a P4 switch (bmv2.ts), a resolver (dnstap.ts) and a capture file (capture.ts)
 * are data planes, and the observer does not know which it has.
 */
import type { MatchPlace, MatchRules } from '../sources/match-rules.ts';
import type { SupervisionEvent } from './sight.ts';
import type { AttachedLink } from './xdp.ts';

/**
 * Why a packet was copied: it is an unfragmented answer to a known name, or a small IP fragment,
 * whose name the plane cannot judge. `unknown` comes from planes that do not say (a capture file).
 */
export type CopyKind = 'answer' | 'fragment' | 'unknown';

/**
 * Where an answer's texts lie in its frame, and how its repeats are told apart, from planes that
 * find this out.
 *
 * Answers with one tag have one name (in lower case) and one text, the RDATA of their only TXT
 * record. What the tag does not cover (other records, checksums, addresses) must not decide whether
 * the answer is taken: otherwise a log could let a genuine answer pass as the repeat of one that was
 * refused.
 */
export interface AnswerPlace extends MatchPlace {
  /** 53 bits of a keyed hash. */
  readonly tag: number;
  /**
   * Under this entry the plane only counts repeats of this answer from now on; undefined if it
   * copies them.
   */
  readonly entry: bigint | undefined;
  /** The entry whose slot this one took, with all repeats that were counted under it. */
  readonly ended: SeenEntry | undefined;
}

/** Repeats of one answer that a plane counted instead of copying them. The count only grows. */
export interface SeenEntry {
  /** Unique for as long as the data plane is attached. */
  readonly entry: bigint;
  readonly repeats: number;
}

/** One copied packet. */
export interface CopiedPacket {
  readonly kind: CopyKind;
  /** From the Ethernet header on. Valid only during the call: copy it to keep it. */
  readonly frame: Uint8Array;
  /** `frame` is a DNS message alone, from a plane that sees no packets. */
  readonly isMessage?: true;
  /**
   * Bytes of the frame on the wire; `frame` is shorter if what follows the IP packet was left out.
   */
  readonly frameLength: number;
  readonly interfaceName: string;
  /** Milliseconds since the epoch, when the data plane copied the packet. */
  readonly timestamp: number;
  /** Of an unfragmented answer, from planes that find it out. Valid only during the call. */
  readonly answer?: AnswerPlace | undefined;
}

export type PacketHandler = (packet: CopiedPacket) => void;

/**
 * What a data plane has done since it was attached, summed over CPUs.
 *
 * Two sums hold exactly at any moment, so that nothing can go missing unnoticed:
 * - packets = notIp + encapsulated* + notUdp + otherPort + malformed + notTreeHead + unknownName +
 *   answersTooLarge + fragmentsTooLarge + answers + fragments;
 * - answers = answersCopied + answersSampledOut + answersOverBudget + answersSeen +
 *   answersRingFull, and the same for fragments.
 */
export interface DataPlaneCounters {
  /** Frames that reached the data plane; every one of them went on. */
  readonly packets: bigint;
  /** Neither IPv4 nor IPv6 below at most three VLAN tags and PPPoE. */
  readonly notIp: bigint;

  // What is in a tunnel is not looked into; these tell whether there are any.
  /** Below more than three VLAN tags. */
  readonly encapsulatedTags: bigint;
  /** MPLS, in place of IP or in IP. */
  readonly encapsulatedMpls: bigint;
  /** IPv4 or IPv6 in IP, such as 6in4. */
  readonly encapsulatedIp: bigint;
  readonly encapsulatedGre: bigint;
  /** UDP to a port of VXLAN, Geneve or GTP-U, from one that no answer is expected from. */
  readonly encapsulatedUdp: bigint;
  /** ESP, which is encrypted, or AH. */
  readonly encapsulatedIpsec: bigint;

  /** IP, but neither UDP nor a fragment of it nor a tunnel. */
  readonly notUdp: bigint;
  /** UDP from a port that no answer is expected from. */
  readonly otherPort: bigint;
  /** Truncated, or with lengths or a question name that contradict themselves. */
  readonly malformed: bigint;
  /** From such a port, but no answer to a question for IN TXT sth.* or checkpoint.*. */
  readonly notTreeHead: bigint;
  /** Such an answer, to a name that is not looked for. */
  readonly unknownName: bigint;
  /** Answers to a known name that are larger than a record can hold. */
  readonly answersTooLarge: bigint;
  /** Fragments above the threshold, which are never copied. */
  readonly fragmentsTooLarge: bigint;

  /** Unfragmented answers to a known name. */
  readonly answers: bigint;
  readonly answersCopied: bigint;
  /** Left out because only every n-th match is copied. */
  readonly answersSampledOut: bigint;
  /** Left out because more matched in a second than the budget allows. */
  readonly answersOverBudget: bigint;
  /** Copied not long ago: only counted. */
  readonly answersSeen: bigint;
  /** Lost to us for want of space in the ring buffer: a fact about coverage. */
  readonly answersRingFull: bigint;

  /** Fragments of UDP datagrams up to the threshold, whatever they hold. */
  readonly fragments: bigint;
  readonly fragmentsCopied: bigint;
  readonly fragmentsSampledOut: bigint;
  readonly fragmentsOverBudget: bigint;
  /** Always 0: what a fragment repeats cannot be told. */
  readonly fragmentsSeen: bigint;
  readonly fragmentsRingFull: bigint;
}

/** How much a data plane copies at most, and how much of what matched it copied of late. */
export interface CopyBudget {
  /** Copies in a second, on each CPU; 0: no limit. */
  readonly answersPerSecond: number;
  readonly fragmentsPerSecond: number;
  /**
   * Share of the latest matches that was copied, 0 to 1; repeats that were only counted left out.
   */
  readonly answersShare: number;
  readonly fragmentsShare: number;
}

/** How a data plane chooses what to copy. */
export interface CopySettings extends CopyBudget {
  /** Largest IP length of a fragment that is copied, in bytes. */
  readonly threshold: number;
  /** One match of so many is copied. */
  readonly everyNth: number;
}

/** What looks after a plane in this process. */
export interface Supervision {
  stop(): Promise<void>;
}

/**
 * A data plane that this process has attached or opened, and alone reads.
 *
 * Members that a kind of plane has no use for are optional, or may return undefined.
 */
export interface DataPlane {
  /** The name by which everybody knows it, from the store to the metrics. */
  readonly interfaceName: string;
  /** How it is attached: `native`, `generic`, `tcx` or `tc`, `bmv2`, `dnstap`,
   * `replay`. */
  readonly mode: string;
  /** It was attached before, and goes on with its rules, counters and unread copies. */
  readonly tookOver: boolean;
  /** Why it is in this mode; undefined if its kind has but one, or it is not known. */
  readonly why?: string | undefined;
  /**
   * Whether entries that an earlier process was told of (see `seen`) go on; otherwise there are
   * none but those that this process is told of.
   */
  readonly keepsSeenEntries: boolean;
  /** What the keeper attaches again when it comes off; undefined if there is no such thing. */
  readonly link?: AttachedLink | undefined;
  /** The name under which it is on record from before its interface was renamed. */
  readonly formerName?: string | undefined;
  /** Nothing stays attached when this process ends. */
  readonly endsWithProcess?: true;
  /**
   * Resolves when the last packet was delivered; rejects where reading fails. Only planes that come
   * to an end have it.
   */
  readonly finished?: Promise<void>;
  /**
   * Replaces what is copied. Names that stay are never absent in between. Until the first call, a
   * plane that was taken over goes on with its old rules, and a new one copies no answer. A plane
   * may copy more than the rules ask for. Throws CtgaError `bad-input` for a rule that it cannot
   * hold.
   */
  setMatchRules(rules: MatchRules): void;
  /**
   * Draws new secret keys for the rules that were set, and so ends every entry (AnswerPlace.entry):
   * its answer is copied again when it next comes by. Only planes that recognise repeats have it.
   */
  redrawKeys?(): void;
  /** Undefined for planes that do not judge packets. */
  counters(): DataPlaneCounters | undefined;
  /** What else the plane counts, by reason; the counts only grow. */
  otherCounts?(): Readonly<Record<string, number>>;
  /** Answers that are only counted at present; see AnswerPlace.entry. Empty if all are copied. */
  seen(): SeenEntry[];
  /** What the reader may change while the plane runs, if anything: see budget.ts. */
  copyBudget(): CopyBudget | undefined;
  setCopyBudget(budget: CopyBudget): void;
  /** Undefined for planes that copy everything. */
  settings(): CopySettings | undefined;
  /**
   * Starts delivery. `onBatchEnd` is called after each batch, so that the store can commit once a
   * batch, with the time up to which packets were delivered (ms since the epoch).
   */
  start(onPacket: PacketHandler, onBatchEnd: (now: number) => void): void;
  /** Delivers what has been copied, then stops delivery. The plane stays attached. */
  stop(): Promise<void>;
  /**
   * Looks after the plane, as far as this takes no rights, and keeps its rules in force. Called
   * once after setMatchRules.
   */
  supervise?(onEvent: (event: SupervisionEvent) => void): Supervision;
  /**
   * Gives up what this process holds. The plane stays attached; nothing may be called afterwards.
   */
  close(): void;
  /** Takes the plane off, and closes it. Needs the rights that attaching it needed. */
  detach(): void;
}
