/**
 * What every data plane looks like to the observer.
 *
 * A data plane matches, samples and copies packets, and passes every one of them on. XDP in the kernel, a
 * P4 switch and the replay of a capture all serve this interface, so the observer does not know which it has.
 */

/**
 * Why a packet was copied: an unfragmented answer to a known name, or a small IP fragment, whose name
 * cannot be judged. `unknown` comes from back ends that do not say (a capture file).
 */
export type CopyKind = 'answer' | 'fragment' | 'unknown';

/** One copied packet. */
export interface CopiedPacket {
  readonly kind: CopyKind;
  /** From the Ethernet header on. A view that is valid only during the call: copy what is to be kept. */
  readonly frame: Uint8Array;
  /** Bytes the frame had on the wire; `frame` is shorter where what follows the IP packet was left out. */
  readonly frameLength: number;
  readonly interfaceName: string;
  /** Milliseconds since the epoch, when the data plane copied the packet. */
  readonly timestamp: number;
}

export type PacketHandler = (packet: CopiedPacket) => void;

/**
 * What a data plane has done since it was attached, summed over CPUs.
 *
 * Two sums hold exactly whenever no packet is in flight, so that nothing can go missing unnoticed:
 * - packets = notIp + notUdp53 + malformed + notDnsAnswer + unknownName
 *   + answers + fragments + fragmentsTooLarge;
 * - answers = answersCopied + answersSampledOut + answersRingFull + answersOversize + answersCopyFailed,
 *   and the same for fragments.
 */
export interface DataPlaneCounters {
  /** Frames that reached the data plane; every one of them went on. */
  readonly packets: bigint;
  /** Neither IPv4 nor IPv6 below at most one VLAN tag. */
  readonly notIp: bigint;
  /** IP, but not UDP from port 53; IPv6 with extension headers other than Fragment counts here. */
  readonly notUdp53: bigint;
  /** Truncated, or with lengths or a question name that contradict themselves. */
  readonly malformed: bigint;
  /** From port 53, but not one answer to one TXT question in class IN. */
  readonly notDnsAnswer: bigint;
  /** Such an answer, to a name that is not looked for. */
  readonly unknownName: bigint;
  /** Fragments above the threshold, which are never copied. */
  readonly fragmentsTooLarge: bigint;

  /** Unfragmented answers to a known name. */
  readonly answers: bigint;
  readonly answersCopied: bigint;
  /** Left out because only every n-th match is copied. */
  readonly answersSampledOut: bigint;
  /** Lost to us for want of space in the ring buffer: a fact about coverage. */
  readonly answersRingFull: bigint;
  /** Larger than a record can hold. */
  readonly answersOversize: bigint;
  /** The kernel could not read the packet back. */
  readonly answersCopyFailed: bigint;

  /** Fragments of UDP datagrams up to the threshold, whatever they hold. */
  readonly fragments: bigint;
  readonly fragmentsCopied: bigint;
  readonly fragmentsSampledOut: bigint;
  readonly fragmentsRingFull: bigint;
  readonly fragmentsOversize: bigint;
  readonly fragmentsCopyFailed: bigint;
}

export interface DataPlane {
  readonly interfaceName: string;
  /** How it is attached: 'native' or 'generic' (XDP), 'replay' (a capture file), ... */
  readonly mode: string;
  /**
   * Replaces the set of names whose answers are copied: DNS wire format (RFC 1035, Section 3.1), lower case,
   * with the root's zero byte. Names that stay are never absent in between.
   */
  setKnownNames(names: readonly Uint8Array[]): void;
  counters(): DataPlaneCounters;
  /** Starts delivery; onBatchEnd is called after each batch, so that the store can commit once a batch. */
  start(onPacket: PacketHandler, onBatchEnd: () => void): void;
  /** Drains what has been copied, then stops delivery. The data plane itself stays attached. */
  stop(): Promise<void>;
}
