// SPDX-License-Identifier: Apache-2.0
/**
 * bmv2's simple_switch with ctga's program in it (p4/bmv2), set up and read through its Thrift API
 * or through P4Runtime. Tables and counters are named as in the compiled program: by the control
 * that declares them, within the ingress control.
 */
import { randomBytes } from 'node:crypto';
import type { CompiledProgram, SwitchDriver } from './driver.ts';
import { SwitchRefusal } from './refusal.ts';

/** What the program counts, by the index in its counter (p4/shared/verdicts.p4). */
export const P4_COUNTERS = [
  'notIp',
  'notUdp',
  'otherPort',
  'malformed',
  'notTreeHead',
  'unknownName',
  'answersTooLarge',
  'answersCopied',
  'answersSampledOut',
  'fragmentsTooLarge',
  'fragmentsCopied',
  'fragmentsSampledOut',
  'encapsulatedTags',
  'encapsulatedMpls',
  'encapsulatedIp',
  'encapsulatedGre',
  'encapsulatedUdp',
  'encapsulatedIpsec',
] as const;
export type P4Counters = Readonly<Record<(typeof P4_COUNTERS)[number], bigint>>;

/** The longest name that the program can look for, in bytes of wire format. */
export const MAX_P4_NAME = 128;
/** The size of the table in p4/bmv2/known_names.p4. */
export const MAX_P4_NAMES = 4096;
/** The size of the table in p4/bmv2/answer_ports.p4. */
export const MAX_ANSWER_PORTS = 16;
/**
 * The header in front of a copied frame: ingress port (2 bytes), reason (1), version (1), original
 * length (2) and microseconds since the switch started (6).
 */
export const CPU_HEADER_BYTES = 12;

const CPU_SESSION = 250;
const PORT_BYTES = 2;

const ROUTE = { table: 'CtgaIngress.route.ports', forward: 'CtgaIngress.route.forward' } as const;
const KNOWN_NAMES = {
  table: 'CtgaIngress.known_names.names',
  known: 'CtgaIngress.known_names.known',
} as const;
const VERDICTS = 'CtgaIngress.verdicts';
const SETTINGS = { table: 'CtgaIngress.settings.values', set: 'CtgaIngress.settings.set' } as const;
const ANSWER_PORTS = {
  table: 'CtgaIngress.answer_ports.ports',
  answers: 'CtgaIngress.answer_ports.answers',
} as const;

/** Where a switch takes orders. */
export interface SwitchPlace {
  readonly host: string;
  readonly port: number;
  /** The number of the device behind a P4Runtime server; undefined: a Thrift server. */
  readonly device?: number | undefined;
}

/** The same for whatever names this machine, and good for the name of a file. */
export function nameOfPlace({ host, port, device }: SwitchPlace): string {
  const named = ['localhost', '::1'].includes(host) ? '127.0.0.1' : host.replace(/[^\w.-]/g, '_');
  return [named, port, ...(device === undefined ? [] : [device])].join('-');
}

export class SimpleSwitch {
  readonly #driver: SwitchDriver;

  private constructor(driver: SwitchDriver) {
    this.#driver = driver;
  }

  /**
   * Rejects with CtgaError `kernel` if no switch answers there. What sets something rejects with
   * CtgaError `busy` if the switch obeys another P4Runtime controller.
   */
  static async connect({ host, port, device }: SwitchPlace): Promise<SimpleSwitch> {
    // Few have a switch, and the packages that either API needs take long to load.
    if (device === undefined) {
      const { ThriftDriver } = await import('./thrift-driver.ts');
      return new SimpleSwitch(await ThriftDriver.connect(host, port));
    }
    const { P4RuntimeDriver } = await import('./p4runtime-driver.ts');
    return new SimpleSwitch(await P4RuntimeDriver.connect(host, port, device));
  }

  close(): void {
    this.#driver.close();
  }

  /**
   * Makes the switch run this program. Returns false if it runs it already. Rejects with
   * SwitchRefusal if the switch takes no other program than it was started with.
   */
  load(program: CompiledProgram): Promise<boolean> {
    return this.#driver.load(program);
  }

  /**
   * Frames that come in at a port leave at its partner; the switch drops what comes in at any other
   * port. A route that stays is not touched, so no frame is lost on it.
   */
  async setRoutes(routes: ReadonlyMap<number, number>): Promise<void> {
    const missing = new Map(routes);
    for (const entry of await this.#driver.entries(ROUTE.table)) {
      const from = numberOf(entry.key);
      const to = missing.get(from);
      if (to === undefined) await this.#driver.remove(ROUTE.table, entry);
      else if (entry.data[0] === undefined || numberOf(entry.data[0]) !== to)
        await this.#driver.modify(ROUTE.table, entry, ROUTE.forward, [portBytes(to)]);
      missing.delete(from);
    }
    for (const [from, to] of missing)
      await this.#insert(ROUTE.table, portBytes(from), ROUTE.forward, [portBytes(to)]);
  }

  /**
   * The names whose answers are copied, in wire format and lower case. A name that stays is not
   * touched, and another process may add the same names at the same time. Returns the names that
   * are new to the switch, and those that it looks for no more. Rejects with RangeError for a name
   * that is longer than MAX_P4_NAME.
   */
  async setKnownNames(names: readonly Uint8Array[]): Promise<NameChange> {
    const long = names.find(({ length }) => length > MAX_P4_NAME);
    if (long !== undefined)
      throw new RangeError(`a name of ${long.length} bytes: the program takes ${MAX_P4_NAME}`);
    const wanted = new Map(names.map((name) => [hex(name), name]));
    const removed: Uint8Array[] = [];
    for (const entry of await this.#driver.entries(KNOWN_NAMES.table)) {
      const name = withoutZeros(entry.key);
      if (wanted.delete(hex(name))) continue;
      await this.#driver.remove(KNOWN_NAMES.table, entry);
      removed.push(name);
    }
    for (const name of wanted.values())
      await this.#insert(KNOWN_NAMES.table, keyOf(name), KNOWN_NAMES.known);
    return { added: [...wanted.values()], removed };
  }

  /** The names that the switch looks for, in wire format, and how many answers to each it saw. */
  async knownNames(): Promise<{ readonly name: Uint8Array; readonly answers: bigint }[]> {
    const found = [];
    for (const entry of await this.#driver.entries(KNOWN_NAMES.table))
      found.push({
        name: withoutZeros(entry.key),
        answers: await this.#driver.packetsOf(KNOWN_NAMES.table, entry),
      });
    return found;
  }

  /** The UDP source ports of answers, at most MAX_ANSWER_PORTS. */
  async setAnswerPorts(ports: readonly number[]): Promise<void> {
    const { table, answers } = ANSWER_PORTS;
    const missing = new Set(ports);
    for (const entry of await this.#driver.entries(table))
      if (!missing.delete(numberOf(entry.key))) await this.#driver.remove(table, entry);
    for (const port of missing) await this.#insert(table, portBytes(port), answers);
  }

  /** The names of the switch's interfaces, by port; undefined if it does not say (P4Runtime). */
  interfaces(): Promise<Map<number, string> | undefined> {
    return this.#driver.interfaces();
  }

  /** From the port where frames come in to the one where they leave. */
  async routes(): Promise<Map<number, number>> {
    const entries = await this.#driver.entries(ROUTE.table);
    return new Map(
      entries.flatMap(({ key, data: [to] }) =>
        to === undefined ? [] : [[numberOf(key), numberOf(to)] as const],
      ),
    );
  }

  /**
   * The port where copies leave; undefined if nothing is copied, or what is copied leaves elsewhere
   * too.
   */
  cpuPort(): Promise<number | undefined> {
    return this.#driver.cloneSession(CPU_SESSION);
  }

  /**
   * Makes copies leave at this port, and frames take these routes. At no time in between do copies
   * leave at a port that frames take.
   */
  async setPorts(cpuPort: number, routes: ReadonlyMap<number, number>): Promise<void> {
    const stays = (await this.cpuPort()) === cpuPort;
    const routed = [...(await this.routes())].flat().includes(cpuPort);
    if (!stays || routed) await this.#driver.deleteCloneSession(CPU_SESSION);
    await this.setRoutes(routes);
    if (!stays || routed) await this.setCpuPort(cpuPort);
  }

  /** Makes copies leave at this port. */
  async setCpuPort(port: number): Promise<void> {
    if ((await this.cpuPort()) === port) return;
    await this.#driver.deleteCloneSession(CPU_SESSION);
    await this.#driver.addCloneSession(CPU_SESSION, port);
  }

  /** Makes the switch copy nothing any more; it forwards as before. */
  async stopCopying(): Promise<void> {
    await this.setKnownNames([]);
    // No IP packet is that small, so no fragment is copied either.
    await this.setSampling({ everyNth: 1, threshold: 1 });
    await this.#driver.deleteCloneSession(CPU_SESSION);
  }

  /**
   * How many packets may wait for each port. simple_switch keeps 64 unless it is told another
   * number, and drops the rest of a burst. P4Runtime cannot say this, and leaves it as it is.
   */
  async setQueueDepth(packets: number): Promise<void> {
    await this.#driver.setQueueDepth(packets);
  }

  /**
   * What is sampled: every n-th answer, and one in n of the datagrams that come as fragments, of
   * fragments of at most `threshold` bytes of IP length. Which datagrams those are depends on
   * `key`, 64 bits that are drawn at random unless they are given.
   */
  async setSampling(sampling: {
    readonly everyNth: number;
    readonly threshold: number;
    readonly key?: bigint;
  }): Promise<void> {
    const { everyNth, threshold, key = randomBytes(8).readBigUInt64BE() } = sampling;
    const bytes = Buffer.alloc(16);
    bytes.writeUInt32BE(threshold, 0);
    bytes.writeUInt32BE(everyNth, 4);
    bytes.writeBigUInt64BE(BigInt.asUintN(64, key), 8);
    await this.#driver.setDefault(SETTINGS.table, SETTINGS.set, [
      bytes.subarray(0, 4),
      bytes.subarray(4, 8),
      bytes.subarray(8),
    ]);
  }

  /** Sets the counters to zero. */
  async resetCounters(): Promise<void> {
    await this.#driver.resetCounters(VERDICTS, P4_COUNTERS.length);
  }

  async counters(): Promise<P4Counters> {
    const counts = await this.#driver.counters(VERDICTS, P4_COUNTERS.length);
    return Object.fromEntries(
      P4_COUNTERS.map((name, index) => [name, counts[index] ?? 0n]),
    ) as P4Counters;
  }

  /** Another process may add the same entry at the same time. */
  async #insert(
    table: string,
    key: Uint8Array,
    action: string,
    parameters: readonly Uint8Array[] = [],
  ): Promise<void> {
    try {
      await this.#driver.insert(table, key, action, parameters);
    } catch (error) {
      if (!(error instanceof SwitchRefusal && error.isDuplicate)) throw error;
    }
  }
}

/** In wire format. */
export interface NameChange {
  readonly added: readonly Uint8Array[];
  readonly removed: readonly Uint8Array[];
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** The key of a name: the parser gathers its bytes in one number, so zeros come before them. */
function keyOf(name: Uint8Array): Uint8Array {
  const key = new Uint8Array(MAX_P4_NAME);
  key.set(name, MAX_P4_NAME - name.length);
  return key;
}

/** The name of a key: it begins with the length of its first label, which is not zero. */
function withoutZeros(key: Uint8Array): Uint8Array {
  const start = key.findIndex((byte) => byte !== 0);
  return start === -1 ? new Uint8Array(0) : key.subarray(start);
}

/** A port, of the switch or of UDP, as the switch takes it. */
function portBytes(port: number): Uint8Array {
  const bytes = Buffer.alloc(PORT_BYTES);
  bytes.writeUInt16BE(port);
  return bytes;
}

function numberOf(bytes: Uint8Array): number {
  return bytes.reduce((number, byte) => number * 256 + byte, 0);
}
