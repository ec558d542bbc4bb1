/**
 * What every data plane looks like to the observer.
 *
 * A data plane matches, samples and copies packets, and passes every one of them on. XDP in the
 * kernel, a P4 switch and the replay of a capture all serve this interface, so the observer does
 * not know which it has.
 */

import type { MatchRules } from '../sources/match-rules.ts';

/**
 * Why a packet was copied: an unfragmented answer to a known name, or a small IP fragment, whose
 * name cannot be judged. `unknown` comes from back ends that do not say (a capture file).
 */
export type CopyKind = 'answer' | 'fragment' | 'unknown';

/**
 * Where an answer's texts lie in its frame, and how its repeats are told apart, if the back end
 * says.
 *
 * Answers with one tag have one name (in lower case) and one RDATA. What the tag does not cover,
 * the other sections of the message, checksums and addresses, must not decide whether the answer is
 * taken: a log could otherwise let a genuine answer pass as the repeat of one that was refused.
 */
export interface AnswerPlace {
  /** 53 bits of a keyed hash. */
  readonly tag: number;
  /** The question's name, wire format, as it came. */
  readonly nameOffset: number;
  readonly nameLength: number;
  /** The TXT record's RDATA. */
  readonly rdataOffset: number;
  readonly rdataLength: number;
  /**
   * The back end only counts repeats of this answer from now on, under this name; undefined if it
   * does not.
   */
  readonly entry: bigint | undefined;
  /** The entry that this one ended, in the same slot, and its repeats in all. */
  readonly ended: SeenEntry | undefined;
}

/** Repeats of one answer that a back end counted instead of copying them. The count only grows. */
export interface SeenEntry {
  /** Unique for as long as the data plane is attached. */
  readonly entry: bigint;
  readonly repeats: number;
}

/** One copied packet. */
export interface CopiedPacket {
  readonly kind: CopyKind;
  /**
   * From the Ethernet header on. A view that is valid only during the call: copy what is to be
   * kept.
   */
  readonly frame: Uint8Array;
  /**
   * Bytes the frame had on the wire; `frame` is shorter where what follows the IP packet was left
   * out.
   */
  readonly frameLength: number;
  readonly interfaceName: string;
  /** Milliseconds since the epoch, when the data plane copied the packet. */
  readonly timestamp: number;
  /**
   * For unfragmented answers of the usual form, from back ends that find it. Valid only during the
   * call.
   */
  readonly answer?: AnswerPlace | undefined;
}

export type PacketHandler = (packet: CopiedPacket) => void;

/**
 * What a data plane has done since it was attached, summed over CPUs.
 *
 * Two sums hold exactly at any moment, so that nothing can go missing unnoticed:
 * - packets = notIp + notUdp + otherPort + malformed + notTreeHead + unknownName + answersTooLarge
 *   + fragmentsTooLarge + answers + fragments;
 * - answers = answersCopied + answersSampledOut + answersOverBudget + answersSeen +
 *   answersRingFull, and the same for fragments.
 */
export interface DataPlaneCounters {
  /** Frames that reached the data plane; every one of them went on. */
  readonly packets: bigint;
  /** Neither IPv4 nor IPv6 below at most two VLAN tags and PPPoE. */
  readonly notIp: bigint;
  /** IP, but neither UDP nor a fragment of it. */
  readonly notUdp: bigint;
  /** UDP from a port that no answer is expected from. */
  readonly otherPort: bigint;
  /** Truncated, or with lengths or a question name that contradict themselves. */
  readonly malformed: bigint;
  /** From such a port, but not one answer to one question for IN TXT sth.*. */
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

export interface DataPlane {
  readonly interfaceName: string;
  /** How it is attached: 'native' or 'generic' (XDP), 'replay' (a capture file), ... */
  readonly mode: string;
  /**
   * Replaces what is copied. Names that stay are never absent in between; until the first call, a
   * plane that was taken over goes on with its old rules, and a new one copies no answer. A plane
   * may copy more than the rules ask for. Throws CtgaError `bad-input` for a rule that it cannot
   * hold.
   */
  setMatchRules(rules: MatchRules): void;
  counters(): DataPlaneCounters;
  /**
   * Answers that are only counted at present; see AnswerPlace.entry. A back end that copies all
   * returns none.
   */
  seen(): SeenEntry[];
  /**
   * Lives that an earlier process saw begin may go on; otherwise there are none but those that this
   * one sees.
   */
  readonly keepsSeenEntries: boolean;
  /** What the reader may change while it runs, if anything: see budget.ts. */
  copyBudget(): CopyBudget | undefined;
  setCopyBudget(budget: CopyBudget): void;
  settings(): CopySettings;
  /**
   * Starts delivery; onBatchEnd is called after each batch, so that the store can commit once a
   * batch.
   */
  start(onPacket: PacketHandler, onBatchEnd: () => void): void;
  /** Drains what has been copied, then stops delivery. The data plane itself stays attached. */
  stop(): Promise<void>;
}
