// SPDX-License-Identifier: Apache-2.0
/** A switch that is told what to do through bmv2's Thrift API. */
import { BMV2_API, EXACT, type Bmv2Method } from './bmv2-api.ts';
import type { CompiledProgram, Entry, SwitchDriver } from './driver.ts';
import { SwitchRefusal } from './refusal.ts';
import { ThriftConnection, type AnswerOf, type ArgumentsOf } from './thrift-call.ts';

/** simple_switch has one context. */
const CONTEXT = { cxt_id: 0 } as const;

export class ThriftDriver implements SwitchDriver {
  readonly #connection: ThriftConnection;

  private constructor(connection: ThriftConnection) {
    this.#connection = connection;
  }

  /** Rejects with CtgaError `kernel` if no switch answers there. */
  static async connect(host: string, port: number): Promise<ThriftDriver> {
    return new ThriftDriver(await ThriftConnection.connect(host, port));
  }

  close(): void {
    this.#connection.close();
  }

  /** Rejects with SwitchRefusal if the switch was started without --enable-swap. */
  async load({ json }: CompiledProgram): Promise<boolean> {
    if ((await this.#call('bm_get_config', {})) === json) return false;
    await this.#call('bm_load_new_config', { config_str: json });
    await this.#call('bm_swap_configs', {});
    return true;
  }

  async entries(table: string): Promise<Entry[]> {
    const entries = await this.#call('bm_mt_get_entries', { ...CONTEXT, table_name: table });
    return entries.flatMap(({ match_key: [match], entry_handle: handle, action_entry }) =>
      match?.exact === undefined
        ? []
        : [{ key: match.exact.key, handle, data: action_entry.action_data ?? [] }],
    );
  }

  async insert(
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

  async modify(
    table: string,
    entry: Entry,
    action: string,
    parameters: readonly Uint8Array[],
  ): Promise<void> {
    await this.#call('bm_mt_modify_entry', {
      ...entryOf(table, entry),
      action_name: action,
      action_data: parameters,
    });
  }

  async remove(table: string, entry: Entry): Promise<void> {
    await unlessAbsent(this.#call('bm_mt_delete_entry', entryOf(table, entry)));
  }

  async packetsOf(table: string, entry: Entry): Promise<bigint> {
    const { packets } = await this.#call('bm_mt_read_counter', entryOf(table, entry));
    return packets;
  }

  async setDefault(
    table: string,
    action: string,
    parameters: readonly Uint8Array[],
  ): Promise<void> {
    await this.#call('bm_mt_set_default_action', {
      ...CONTEXT,
      table_name: table,
      action_name: action,
      action_data: parameters,
    });
  }

  async counters(name: string, size: number): Promise<bigint[]> {
    const counts: bigint[] = [];
    for (let index = 0; index < size; index++) {
      const cell = { ...CONTEXT, counter_name: name, index };
      counts.push((await this.#call('bm_counter_read', cell)).packets);
    }
    return counts;
  }

  async resetCounters(name: string): Promise<void> {
    await this.#call('bm_counter_reset_all', { ...CONTEXT, counter_name: name });
  }

  async cloneSession(session: number): Promise<number | undefined> {
    const found = await unlessAbsent(this.#call('mirroring_session_get', { mirror_id: session }));
    return found?.mgid === undefined ? found?.port : undefined;
  }

  async addCloneSession(session: number, port: number): Promise<void> {
    await this.#call('mirroring_session_add', { mirror_id: session, config: { port } });
  }

  async deleteCloneSession(session: number): Promise<void> {
    await unlessAbsent(this.#call('mirroring_session_delete', { mirror_id: session }));
  }

  async interfaces(): Promise<Map<number, string>> {
    const ports = await this.#call('bm_dev_mgr_show_ports', {});
    return new Map(ports.map(({ port_num, iface_name }) => [port_num, iface_name]));
  }

  async setQueueDepth(packets: number): Promise<void> {
    await this.#call('set_all_egress_queue_depths', { depth_pkts: packets });
  }

  #call<N extends Bmv2Method>(
    name: N,
    given: ArgumentsOf<(typeof BMV2_API)[N]>,
  ): Promise<AnswerOf<(typeof BMV2_API)[N]>> {
    return this.#connection.call<(typeof BMV2_API)[N]>(name, BMV2_API[name], given);
  }
}

function entryOf(
  table: string,
  { handle = 0 }: Entry,
): { cxt_id: number; table_name: string; entry_handle: number } {
  return { ...CONTEXT, table_name: table, entry_handle: handle };
}

/** The switch's answer; undefined if it refuses because there is no such thing. */
async function unlessAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof SwitchRefusal && error.isAbsent) return undefined;
    throw error;
  }
}
