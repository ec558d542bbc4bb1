// SPDX-License-Identifier: Apache-2.0
/**
 * From packets in blocks to the data that they carry, in the order in which it counts. Pure: what is
 * read follows from the chain alone, so readers who have one chain read one thing.
 *
 * Packets are put together by the rules of the original (ruqqq/carbonchain c88584e,
 * processPacketQueue; ruqqq/ddt 1116f0b, ProcessDatapacks), as by a reader who follows the chain
 * from its beginning and whose clock is the median time of the blocks:
 *
 * - An owner's packets are one queue. The first of sequence 0 begins, and the first one that has the
 *   next sequence and the checksum that was announced goes on.
 * - If it does not come to its end, the whole queue waits, also what is complete behind it.
 * - A packet that has waited for more than 3 days is dropped.
 * - Data counts when its first packet has 6 confirmations, whatever its last one has.
 *
 * So whoever pays dust to somebody else's address can hold up, or change, what is written there.
 * Packets of version 1, which the original writes never and reads like all others, are also put
 * together by a rule that nobody can interfere with: the transaction of each packet spends the owner's
 * output of the one before. Nothing waits for anything else, and data counts when its last packet
 * has 6 confirmations.
 */
import type { Packet } from './packet.ts';

/** The version whose packets are linked by what their transactions spend. */
export const LINKED = 1;
/** How many blocks, the first one counted, make what is in it count. */
export const CONFIRMATIONS = 6;
/** The original drops a packet that has waited so long, in seconds. */
const MAX_WAIT = 3 * 24 * 60 * 60;
/** In version 1, how many blocks later than a packet the next one may come. */
const MAX_GAP = 144;

/** A packet, and where in the chain it is. */
export interface PlacedPacket {
  readonly packet: Packet;
  /** The hash of the key that its transaction's first P2PKH output pays to, in hexadecimal. */
  readonly owner: string;
  /** The transaction's ID, as Bitcoin shows it, and which output is the owner's. */
  readonly transaction: string;
  readonly ownerOutput: number;
  /** The outputs that the transaction spends, as ID:INDEX. */
  readonly spends: readonly string[];
  /** The transaction's place in its block. */
  readonly place: number;
}

/** By which rules packets were put together. */
export type Rules = 'original' | 'linked';

/** What packets carry together: Carbonchain's "datapack". */
export interface Datapack {
  readonly rules: Rules;
  readonly data: Uint8Array;
  /** Of its first packet. */
  readonly version: number;
  readonly owner: string;
  readonly transactions: readonly string[];
  /** The blocks of its first and last packet. */
  readonly first: number;
  readonly last: number;
  /** The height that orders it: of its first packet; of its last, if the rules are "linked". */
  readonly height: number;
  /** The place of that packet's transaction in its block. */
  readonly place: number;
}

interface Waiting extends PlacedPacket {
  readonly height: number;
  readonly time: number;
}

/** Reads the packets of one application. */
export class PacketReader {
  readonly #id: number;
  /** Packets by owner, in the order in which they came. */
  readonly #queues = new Map<string, Waiting[]>();
  /** Version 1: what a next packet's transaction has to spend, and what there is so far. */
  readonly #rows = new Map<string, Waiting[]>();
  /** What is complete, in the order in which it became so, and does not count yet. */
  #unconfirmed: Datapack[] = [];

  constructor(id: number) {
    this.#id = id;
  }

  /**
   * Reads the packets of the next block, whose median time is `time` in Unix seconds. Returns what
   * counts from this block on, in its order.
   */
  connect(height: number, time: number, packets: readonly PlacedPacket[]): Datapack[] {
    const complete: Datapack[] = [];
    const owners = new Set<string>();
    for (const placed of packets) {
      if (placed.packet.id !== this.#id) continue;
      const waiting = { ...placed, height, time };
      owners.add(placed.owner);
      this.#queueOf(placed.owner).push(waiting);
      if (placed.packet.version === LINKED) complete.push(...this.#link(waiting));
    }
    for (const [row, found] of this.#rows)
      if (height - (found.at(-1) as Waiting).height >= MAX_GAP) this.#rows.delete(row);
    for (const [owner, queue] of this.#queues) {
      const left = queue.filter((each) => time - each.time <= MAX_WAIT);
      // Nothing has come of a queue that is as it was.
      if (owners.has(owner) || left.length !== queue.length) complete.push(...assemble(left));
      if (left.length === 0) this.#queues.delete(owner);
      else this.#queues.set(owner, left);
    }
    complete.sort((a, b) => a.height - b.height || a.place - b.place);
    this.#unconfirmed.push(...complete);
    const counts = (each: Datapack): boolean => height - each.height + 1 >= CONFIRMATIONS;
    const confirmed = this.#unconfirmed.filter(counts);
    this.#unconfirmed = this.#unconfirmed.filter((each) => !counts(each));
    return confirmed;
  }

  /** What is complete and does not count yet. */
  get unconfirmed(): readonly Datapack[] {
    return this.#unconfirmed;
  }

  /** How many packets wait for others. */
  get incomplete(): number {
    let count = 0;
    for (const waiting of [...this.#queues.values(), ...this.#rows.values()])
      count += waiting.length;
    return count;
  }

  #queueOf(owner: string): Waiting[] {
    const queue = this.#queues.get(owner) ?? [];
    this.#queues.set(owner, queue);
    return queue;
  }

  #link(next: Waiting): Datapack[] {
    const { packet, spends, transaction, ownerOutput } = next;
    let row: Waiting[] = [];
    if (packet.sequence > 0) {
      const before = spends.find((each) => follows(this.#rows.get(each), packet));
      if (before === undefined) return [];
      row = this.#rows.get(before) as Waiting[];
      this.#rows.delete(before);
    } else if (packet.sequence < 0) return [];
    row.push(next);
    if (packet.nextChecksum === 0n) return [datapackOf(row, 'linked')];
    this.#rows.set(`${transaction}:${ownerOutput}`, row);
    return [];
  }
}

function follows(row: readonly Waiting[] | undefined, { sequence, checksum }: Packet): boolean {
  const last = row?.at(-1)?.packet;
  return last?.sequence === sequence - 1 && last.nextChecksum === checksum;
}

/** Takes from an owner's queue what is complete, as the original does. */
function assemble(queue: Waiting[]): Datapack[] {
  const complete: Datapack[] = [];
  const byKey = new Map<string, Waiting[]>();
  for (let i = queue.length - 1; i >= 0; i--) {
    const each = queue[i] as Waiting;
    const key = keyOf(each.packet.sequence, each.packet.checksum);
    const same = byKey.get(key);
    // The first in the queue is the last here, where it can be taken at once.
    if (same === undefined) byKey.set(key, [each]);
    else same.push(each);
  }
  const used = new Set<Waiting>();
  for (const start of queue.filter(({ packet }) => packet.sequence === 0)) {
    const row = rowFrom(start, byKey);
    if (row === undefined) break;
    for (const each of row) {
      used.add(each);
      byKey.get(keyOf(each.packet.sequence, each.packet.checksum))?.pop();
    }
    complete.push(datapackOf(row, 'original'));
  }
  if (used.size > 0) retain(queue, (each) => !used.has(each));
  return complete;
}

/** Leaves in the list what `keeps`. Not with splice, which takes no more than a stack's arguments. */
function retain<T>(list: T[], keeps: (each: T) => boolean): void {
  let kept = 0;
  for (const each of list) if (keeps(each)) list[kept++] = each;
  list.length = kept;
}

/** The row of packets that begins with `start`; undefined if one is missing. */
function rowFrom(
  start: Waiting,
  byKey: ReadonlyMap<string, readonly Waiting[]>,
): Waiting[] | undefined {
  const row = [start];
  for (let { sequence, nextChecksum } = start.packet; nextChecksum !== 0n;) {
    const found = byKey.get(keyOf(sequence + 1, nextChecksum))?.at(-1);
    if (found === undefined) return undefined;
    row.push(found);
    ({ sequence, nextChecksum } = found.packet);
  }
  return row;
}

function keyOf(sequence: number, checksum: bigint): string {
  return `${sequence}:${checksum}`;
}

function datapackOf(row: readonly Waiting[], rules: Rules): Datapack {
  const [first, last] = [row[0] as Waiting, row.at(-1) as Waiting];
  const { height, place } = rules === 'linked' ? last : first;
  return {
    rules,
    data: Buffer.concat(row.map(({ packet }) => packet.data)),
    version: first.packet.version,
    owner: first.owner,
    transactions: row.map(({ transaction }) => transaction),
    first: first.height,
    last: last.height,
    height,
    place,
  };
}
