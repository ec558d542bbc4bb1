/**
 * bmv2's simple_switch with ctga's program in it (p4/bmv2/ctga.p4), through its Thrift runtime API:
 * services `standard` and `simple_switch`. Names are those of the compiled program.
 */
import { randomBytes } from 'node:crypto';
import { ThriftConnection, ThriftRefusal, type Answer, type Value } from './thrift-call.ts';

/** What is counted, by its index in the program's counter (p4/shared/verdict.p4). */
const P4_COUNTERS = [
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
] as const;
export type P4Counters = Readonly<Record<(typeof P4_COUNTERS)[number], bigint>>;

/** The longest name that the program can look for, in bytes of wire format. */
export const MAX_P4_NAME = 128;
/**
 * In front of a copied frame: ingress port (2), reason (1), version (1), original length (2), time
 * in µs (6).
 */
export const CPU_HEADER_BYTES = 12;
const CPU_SESSION = 250;
const INGRESS = 'CtgaIngress';
const ANSWER_PORTS = 'CtgaParser.answer_ports';
const CONTEXT: Value = { i32: 0 };

export class SimpleSwitch {
  readonly #connection: ThriftConnection;

  private constructor(connection: ThriftConnection) {
    this.#connection = connection;
  }

  static async connect(host: string, port: number): Promise<SimpleSwitch> {
    return new SimpleSwitch(await ThriftConnection.connect(host, port));
  }

  close(): void {
    this.#connection.close();
  }

  /**
   * Has it run this program, as p4c wrote it. Returns false where it does already. Rejects with
   * ThriftRefusal where the switch was started without --enable-swap.
   */
  async load(program: string): Promise<boolean> {
    const running = await this.#call('standard', 'bm_get_config', {});
    if (Buffer.isBuffer(running) && running.toString('utf8') === program) return false;
    await this.#call('standard', 'bm_load_new_config', { 1: { text: program } });
    await this.#call('standard', 'bm_swap_configs', {});
    return true;
  }

  /**
   * Frames that come in at a port leave at its partner; every other port drops what it gets. A
   * route that stays is not touched, so no frame is lost on it.
   */
  async setRoutes(routes: ReadonlyMap<number, number>): Promise<void> {
    const missing = new Map(routes);
    for (const { key, handle, data } of await this.#entries('route')) {
      const from = key.readUIntBE(0, key.length);
      const to = missing.get(from);
      if (to === undefined) await this.#deleteEntry('route', handle);
      else if (data[0]?.readUIntBE(0, data[0].length) !== to)
        await this.#call('standard', 'bm_mt_modify_entry', {
          1: CONTEXT,
          2: { text: `${INGRESS}.route` },
          3: { i32: handle },
          4: { text: `${INGRESS}.forward` },
          5: { list: [{ bytes: bytesOf(to, 2) }] },
        });
      missing.delete(from);
    }
    for (const [from, to] of missing)
      await this.#addEntry('route', bytesOf(from, 2), 'forward', [bytesOf(to, 2)]);
  }

  /**
   * Names in wire format and lower case. What is in the table and stays is not touched. Throws
   * RangeError for a name that is longer than the program takes.
   */
  async setKnownNames(names: readonly Uint8Array[]): Promise<void> {
    const long = names.find(({ length }) => length > MAX_P4_NAME);
    if (long !== undefined)
      throw new RangeError(`a name of ${long.length} bytes: the program takes ${MAX_P4_NAME}`);
    const wanted = new Map(names.map((name) => [keyOf(name).toString('hex'), name]));
    for (const { key, handle } of await this.#entries('known_names'))
      if (!wanted.delete(key.toString('hex'))) await this.#deleteEntry('known_names', handle);
    for (const name of wanted.values())
      await this.#addEntry('known_names', keyOf(name), 'known', []);
  }

  /** The names that it looks for, in wire format, and how many answers to each came by. */
  async knownNames(): Promise<{ readonly name: Uint8Array; readonly answers: bigint }[]> {
    const found = [];
    for (const { key, handle } of await this.#entries('known_names')) {
      const counted = await this.#call('standard', 'bm_mt_read_counter', {
        1: CONTEXT,
        2: { text: `${INGRESS}.known_names` },
        3: { i32: handle },
      });
      found.push({
        name: key.subarray(key.findIndex((byte) => byte !== 0)),
        answers: packetsOf(counted),
      });
    }
    return found;
  }

  /** UDP source ports of answers. At most 16. */
  async setAnswerPorts(ports: readonly number[]): Promise<void> {
    const set = { text: ANSWER_PORTS };
    const present = await this.#call('standard', 'bm_parse_vset_get', { 1: CONTEXT, 2: set });
    const keys = Array.isArray(present)
      ? (present as readonly Answer[]).filter((key) => Buffer.isBuffer(key))
      : [];
    const missing = new Map(ports.map((port) => [port, bytesOf(port, 2)]));
    for (const key of keys) {
      if (missing.delete(key.readUIntBE(0, key.length))) continue;
      await this.#call('standard', 'bm_parse_vset_remove', {
        1: CONTEXT,
        2: set,
        3: { bytes: key },
      });
    }
    for (const bytes of missing.values())
      await this.#call('standard', 'bm_parse_vset_add', { 1: CONTEXT, 2: set, 3: { bytes } });
  }

  /** Interfaces by port. */
  async interfaces(): Promise<Map<number, string>> {
    const ports = await this.#call('standard', 'bm_dev_mgr_show_ports', {});
    const found = new Map<number, string>();
    for (const port of Array.isArray(ports) ? (ports as readonly Answer[]) : []) {
      const [number, name] = [field(port, 1), field(port, 2)];
      if (typeof number === 'number' && Buffer.isBuffer(name))
        found.set(number, name.toString('utf8'));
    }
    return found;
  }

  /** Where copies leave; undefined if nothing is copied. */
  async cpuPort(): Promise<number | undefined> {
    try {
      const session = await this.#call('simple_switch', 'mirroring_session_get', {
        1: { i32: CPU_SESSION },
      });
      const port = field(session, 1);
      return typeof port === 'number' ? port : undefined;
    } catch (error) {
      if (error instanceof ThriftRefusal) return undefined;
      throw error;
    }
  }

  /** Copies leave at this port. */
  async setCpuPort(port: number): Promise<void> {
    if ((await this.cpuPort()) === port) return;
    await this.#deleteCpuSession();
    await this.#call('simple_switch', 'mirroring_session_add', {
      1: { i32: CPU_SESSION },
      2: { struct: { 1: { i32: port } } },
    });
  }

  /** Copies nothing any more; forwarding stays as it is. */
  async stopCopying(): Promise<void> {
    await this.#clear('known_names');
    // No IP packet is that small, so no fragment is copied either.
    await this.#register('fragment_threshold', 1n);
    await this.#deleteCpuSession();
  }

  /**
   * Packets that may wait for each port; simple_switch keeps 64 unless told, and drops the rest of
   * a burst.
   */
  async setQueueDepth(packets: number): Promise<void> {
    await this.#call('simple_switch', 'set_all_egress_queue_depths', { 1: { i32: packets } });
  }

  /**
   * Every n-th answer, one datagram of fragments in n; fragments up to an IP length. `key` is drawn
   * unless told.
   */
  async setSampling(sampling: {
    readonly everyNth: number;
    readonly threshold: number;
    readonly key?: bigint;
  }): Promise<void> {
    const { everyNth, threshold, key = randomBytes(8).readBigUInt64BE() } = sampling;
    await this.#register('every_nth', BigInt(everyNth));
    await this.#register('fragment_threshold', BigInt(threshold));
    await this.#register('datagram_key', BigInt.asIntN(64, key));
  }

  /** Counting begins anew. */
  async resetCounters(): Promise<void> {
    const counter = { text: `${INGRESS}.verdicts` };
    await this.#call('standard', 'bm_counter_reset_all', { 1: CONTEXT, 2: counter });
  }

  async counters(): Promise<P4Counters> {
    const counts: [string, bigint][] = [];
    for (const [index, name] of P4_COUNTERS.entries()) {
      const value = await this.#call('standard', 'bm_counter_read', {
        1: CONTEXT,
        2: { text: `${INGRESS}.verdicts` },
        3: { i32: index },
      });
      counts.push([name, packetsOf(value)]);
    }
    return Object.fromEntries(counts) as P4Counters;
  }

  async #deleteCpuSession(): Promise<void> {
    try {
      await this.#call('simple_switch', 'mirroring_session_delete', { 1: { i32: CPU_SESSION } });
    } catch (error) {
      // There is none.
      if (!(error instanceof ThriftRefusal)) throw error;
    }
  }

  #clear(table: string): Promise<Answer> {
    const name = { text: `${INGRESS}.${table}` };
    return this.#call('standard', 'bm_mt_clear_entries', {
      1: CONTEXT,
      2: name,
      3: { bool: false },
    });
  }

  /** Of a table with one exact key. */
  async #entries(table: string): Promise<Entry[]> {
    const name = { text: `${INGRESS}.${table}` };
    const entries = await this.#call('standard', 'bm_mt_get_entries', { 1: CONTEXT, 2: name });
    if (!Array.isArray(entries)) return [];
    return (entries as readonly Answer[]).flatMap((entry): Entry[] => {
      const [parameters, handle] = [field(entry, 1), field(entry, 3)];
      const [first] = Array.isArray(parameters) ? (parameters as readonly Answer[]) : [];
      const key = field(field(first, 2), 1);
      if (!Buffer.isBuffer(key) || typeof handle !== 'number') return [];
      const given = field(field(entry, 4), 3);
      const data = Array.isArray(given) ? (given as readonly Answer[]) : [];
      return [{ key, handle, data: data.filter((each) => Buffer.isBuffer(each)) }];
    });
  }

  #deleteEntry(table: string, handle: number): Promise<Answer> {
    const name = { text: `${INGRESS}.${table}` };
    return this.#call('standard', 'bm_mt_delete_entry', {
      1: CONTEXT,
      2: name,
      3: { i32: handle },
    });
  }

  #addEntry(
    table: string,
    key: Buffer,
    action: string,
    parameters: readonly Buffer[],
  ): Promise<Answer> {
    const EXACT = 0;
    return this.#call('standard', 'bm_mt_add_entry', {
      1: CONTEXT,
      2: { text: `${INGRESS}.${table}` },
      3: { list: [{ struct: { 1: { i32: EXACT }, 2: { struct: { 1: { bytes: key } } } } }] },
      4: { text: `${INGRESS}.${action}` },
      5: { list: parameters.map((bytes) => ({ bytes })) },
      6: { struct: {} },
    });
  }

  #register(name: string, value: bigint): Promise<Answer> {
    const array = { text: `${INGRESS}.${name}` };
    return this.#call('standard', 'bm_register_write', {
      1: CONTEXT,
      2: array,
      3: { i32: 0 },
      4: { i64: value },
    });
  }

  #call(service: string, method: string, fields: Readonly<Record<number, Value>>): Promise<Answer> {
    return this.#connection.call(service, method, fields);
  }
}

/** Of a table; `data` is what its action is given. */
interface Entry {
  readonly key: Buffer;
  readonly handle: number;
  readonly data: readonly Buffer[];
}

/** Of a BmCounterValue. */
function packetsOf(value: Answer): bigint {
  const packets = field(value, 2);
  return typeof packets === 'bigint' ? packets : 0n;
}

/** The parser gathers the bytes of a name in one number: zeros come before it. */
function keyOf(name: Uint8Array): Buffer {
  const key = Buffer.alloc(MAX_P4_NAME);
  key.set(name, MAX_P4_NAME - name.length);
  return key;
}

/** A field of a struct that came back. */
function field(answer: Answer, id: number): Answer {
  return answer instanceof Map ? (answer as ReadonlyMap<number, Answer>).get(id) : undefined;
}

function bytesOf(value: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUIntBE(value, 0, length);
  return bytes;
}
