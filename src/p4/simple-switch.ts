// SPDX-License-Identifier: Apache-2.0
/**
 * bmv2's simple_switch with ctga's program in it (p4/bmv2), set up and read through its Thrift API.
 * Tables, counters and registers are named as in the compiled program: by the control that declares
 * them, within the ingress control.
 */
import { randomBytes } from 'node:crypto';
import { BMV2_API, EXACT, type Bmv2Method } from './bmv2-api.ts';
import { ThriftConnection, ThriftRefusal, type AnswerOf, type ArgumentsOf } from './thrift-call.ts';

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
/** The size of the value set `answer_ports` in p4/bmv2/parser.p4. */
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
const FRAGMENT_THRESHOLD = 'CtgaIngress.fragment_threshold';
const EVERY_NTH = 'CtgaIngress.sampling.every_nth';
const DATAGRAM_KEY = 'CtgaIngress.sampling.datagram_key';
const ANSWER_PORTS = 'CtgaParser.answer_ports';
/** simple_switch has one context. */
const CONTEXT = { cxt_id: 0 } as const;

export class SimpleSwitch {
  readonly #connection: ThriftConnection;

  private constructor(connection: ThriftConnection) {
    this.#connection = connection;
  }

  /** Rejects with CtgaError `kernel` if no switch answers there. */
  static async connect(host: string, port: number): Promise<SimpleSwitch> {
    return new SimpleSwitch(await ThriftConnection.connect(host, port));
  }

  close(): void {
    this.#connection.close();
  }

  /**
   * Makes the switch run this program, in the JSON that p4c writes. Returns false if it runs it
   * already. Rejects with ThriftRefusal if the switch was started without --enable-swap.
   */
  async load(program: string): Promise<boolean> {
    if ((await this.#call('bm_get_config', {})) === program) return false;
    await this.#call('bm_load_new_config', { config_str: program });
    await this.#call('bm_swap_configs', {});
    return true;
  }

  /**
   * Frames that come in at a port leave at its partner; the switch drops what comes in at any other
   * port. A route that stays is not touched, so no frame is lost on it.
   */
  async setRoutes(routes: ReadonlyMap<number, number>): Promise<void> {
    const missing = new Map(routes);
    for (const { key, handle, data } of await this.#entries(ROUTE.table)) {
      const from = numberOf(key);
      const to = missing.get(from);
      if (to === undefined) await this.#deleteEntry(ROUTE.table, handle);
      else if (data[0] === undefined || numberOf(data[0]) !== to)
        await this.#call('bm_mt_modify_entry', {
          ...CONTEXT,
          table_name: ROUTE.table,
          entry_handle: handle,
          action_name: ROUTE.forward,
          action_data: [bytesOf(to)],
        });
      missing.delete(from);
    }
    for (const [from, to] of missing)
      await this.#addEntry(ROUTE.table, bytesOf(from), ROUTE.forward, [bytesOf(to)]);
  }

  /**
   * The names whose answers are copied, in wire format and lower case. A name that stays is not
   * touched, and another process may add the same names at the same time. Rejects with RangeError
   * for a name that is longer than MAX_P4_NAME.
   */
  async setKnownNames(names: readonly Uint8Array[]): Promise<void> {
    const long = names.find(({ length }) => length > MAX_P4_NAME);
    if (long !== undefined)
      throw new RangeError(`a name of ${long.length} bytes: the program takes ${MAX_P4_NAME}`);
    const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex');
    const wanted = new Map(names.map(keyOf).map((key) => [hex(key), key]));
    for (const { key, handle } of await this.#entries(KNOWN_NAMES.table))
      if (!wanted.delete(hex(key))) await this.#deleteEntry(KNOWN_NAMES.table, handle);
    for (const key of wanted.values())
      await unless(
        'DUPLICATE_ENTRY',
        this.#addEntry(KNOWN_NAMES.table, key, KNOWN_NAMES.known, []),
      );
  }

  /** The names that the switch looks for, in wire format, and how many answers to each it saw. */
  async knownNames(): Promise<{ readonly name: Uint8Array; readonly answers: bigint }[]> {
    const found = [];
    for (const { key, handle } of await this.#entries(KNOWN_NAMES.table)) {
      const { packets } = await this.#call('bm_mt_read_counter', {
        ...CONTEXT,
        table_name: KNOWN_NAMES.table,
        entry_handle: handle,
      });
      found.push({ name: key.subarray(key.findIndex((byte) => byte !== 0)), answers: packets });
    }
    return found;
  }

  /** The UDP source ports of answers, at most MAX_ANSWER_PORTS. */
  async setAnswerPorts(ports: readonly number[]): Promise<void> {
    const set = { ...CONTEXT, parse_vset_name: ANSWER_PORTS };
    const missing = new Set(ports);
    for (const value of await this.#call('bm_parse_vset_get', set))
      if (!missing.delete(numberOf(value)))
        await this.#call('bm_parse_vset_remove', { ...set, value });
    for (const port of missing)
      await this.#call('bm_parse_vset_add', { ...set, value: bytesOf(port) });
  }

  /** The names of the switch's interfaces, by port. */
  async interfaces(): Promise<Map<number, string>> {
    const ports = await this.#call('bm_dev_mgr_show_ports', {});
    return new Map(ports.map(({ port_num, iface_name }) => [port_num, iface_name]));
  }

  /** From the port where frames come in to the one where they leave. */
  async routes(): Promise<Map<number, number>> {
    const entries = await this.#entries(ROUTE.table);
    return new Map(
      entries.flatMap(({ key, data: [to] }) =>
        to === undefined ? [] : [[numberOf(key), numberOf(to)] as const],
      ),
    );
  }

  /** The port where copies leave; undefined if nothing is copied. */
  async cpuPort(): Promise<number | undefined> {
    const session = await unless(
      'SESSION_NOT_FOUND',
      this.#call('mirroring_session_get', { mirror_id: CPU_SESSION }),
    );
    return session?.port;
  }

  /** Makes copies leave at this port. */
  async setCpuPort(port: number): Promise<void> {
    if ((await this.cpuPort()) === port) return;
    await this.#deleteCpuSession();
    await this.#call('mirroring_session_add', { mirror_id: CPU_SESSION, config: { port } });
  }

  /** Makes the switch copy nothing any more; it forwards as before. */
  async stopCopying(): Promise<void> {
    await this.#call('bm_mt_clear_entries', {
      ...CONTEXT,
      table_name: KNOWN_NAMES.table,
      reset_default_entry: false,
    });
    // No IP packet is that small, so no fragment is copied either.
    await this.#register(FRAGMENT_THRESHOLD, 1n);
    await this.#deleteCpuSession();
  }

  /**
   * How many packets may wait for each port. simple_switch keeps 64 unless it is told another
   * number, and drops the rest of a burst.
   */
  async setQueueDepth(packets: number): Promise<void> {
    await this.#call('set_all_egress_queue_depths', { depth_pkts: packets });
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
    await this.#register(EVERY_NTH, BigInt(everyNth));
    await this.#register(FRAGMENT_THRESHOLD, BigInt(threshold));
    await this.#register(DATAGRAM_KEY, BigInt.asIntN(64, key));
  }

  /** Sets the counters to zero. */
  async resetCounters(): Promise<void> {
    await this.#call('bm_counter_reset_all', { ...CONTEXT, counter_name: VERDICTS });
  }

  async counters(): Promise<P4Counters> {
    const counts: [string, bigint][] = [];
    for (const [index, name] of P4_COUNTERS.entries()) {
      const { packets } = await this.#call('bm_counter_read', {
        ...CONTEXT,
        counter_name: VERDICTS,
        index,
      });
      counts.push([name, packets]);
    }
    return Object.fromEntries(counts) as P4Counters;
  }

  async #deleteCpuSession(): Promise<void> {
    await unless(
      'SESSION_NOT_FOUND',
      this.#call('mirroring_session_delete', { mirror_id: CPU_SESSION }),
    );
  }

  /** The entries of a table that has one exact key. */
  async #entries(table: string): Promise<Entry[]> {
    const entries = await this.#call('bm_mt_get_entries', { ...CONTEXT, table_name: table });
    return entries.flatMap(({ match_key: [match], entry_handle: handle, action_entry }) =>
      match?.exact === undefined
        ? []
        : [{ key: match.exact.key, handle, data: action_entry.action_data ?? [] }],
    );
  }

  async #deleteEntry(table: string, handle: number): Promise<void> {
    await this.#call('bm_mt_delete_entry', { ...CONTEXT, table_name: table, entry_handle: handle });
  }

  async #addEntry(
    table: string,
    key: Uint8Array,
    action: string,
    parameters: readonly Uint8Array[],
  ): Promise<void> {
    await this.#call('bm_mt_add_entry', {
      ...CONTEXT,
      table_name: table,
      match_key: [{ type: EXACT, exact: { key } }],
      action_name: action,
      action_data: parameters,
      options: {},
    });
  }

  async #register(name: string, value: bigint): Promise<void> {
    await this.#call('bm_register_write', {
      ...CONTEXT,
      register_array_name: name,
      index: 0,
      value,
    });
  }

  #call<N extends Bmv2Method>(
    name: N,
    given: ArgumentsOf<(typeof BMV2_API)[N]>,
  ): Promise<AnswerOf<(typeof BMV2_API)[N]>> {
    return this.#connection.call<(typeof BMV2_API)[N]>(name, BMV2_API[name], given);
  }
}

/** An entry of a table: its key, its number in the switch, and the parameters of its action. */
interface Entry {
  readonly key: Uint8Array;
  readonly handle: number;
  readonly data: readonly Uint8Array[];
}

/** The switch's answer; undefined if it refuses for this reason. */
async function unless<T>(reason: string, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ThriftRefusal && error.reason === reason) return undefined;
    throw error;
  }
}

/** The key of a name: the parser gathers its bytes in one number, so zeros come before them. */
function keyOf(name: Uint8Array): Uint8Array {
  const key = new Uint8Array(MAX_P4_NAME);
  key.set(name, MAX_P4_NAME - name.length);
  return key;
}

/** A port, of the switch or of UDP, as the switch takes it. */
function bytesOf(port: number): Uint8Array {
  const bytes = Buffer.alloc(PORT_BYTES);
  bytes.writeUInt16BE(port);
  return bytes;
}

function numberOf(bytes: Uint8Array): number {
  return bytes.reduce((number, byte) => number * 256 + byte, 0);
}
