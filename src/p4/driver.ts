// SPDX-License-Identifier: Apache-2.0
/**
 * What ctga asks of a switch, whatever language the switch speaks: Thrift (thrift-driver.ts) or
 * P4Runtime (p4runtime-driver.ts). All tables have one exact key, or none. Names are those of the
 * compiled program, keys and parameters are numbers in network byte order, and what has a name can
 * be refused with SwitchRefusal: a switch that runs another program does not know it.
 */

/** What p4c made of the program: the JSON that bmv2 runs, and the binary P4Info that describes it. */
export interface CompiledProgram {
  readonly json: string;
  readonly p4info: Uint8Array;
}

export interface Entry {
  readonly key: Uint8Array;
  /** The entry's number in the switch, where it has one. */
  readonly handle?: number;
  /** The parameters of its action. */
  readonly data: readonly Uint8Array[];
  /** How many packets it matched, where that is known with it. */
  readonly packets?: bigint | undefined;
}

export interface SwitchDriver {
  close(): void;
  /** Makes the switch run this program. Returns false if it runs it already. */
  load(program: CompiledProgram): Promise<boolean>;
  entries(table: string): Promise<Entry[]>;
  insert(
    table: string,
    key: Uint8Array,
    action: string,
    parameters: readonly Uint8Array[],
  ): Promise<void>;
  modify(
    table: string,
    entry: Entry,
    action: string,
    parameters: readonly Uint8Array[],
  ): Promise<void>;
  /** An entry that is not there any more is removed. */
  remove(table: string, entry: Entry): Promise<void>;
  /** How many packets the entry matched when it was read, by the counter of its table. */
  packetsOf(table: string, entry: Entry): Promise<bigint>;
  setDefault(table: string, action: string, parameters: readonly Uint8Array[]): Promise<void>;
  /** The first `size` cells of a counter, in packets. */
  counters(name: string, size: number): Promise<bigint[]>;
  resetCounters(name: string, size: number): Promise<void>;
  /** The one port to which packets are cloned in this session; undefined if there is none. */
  cloneSession(session: number): Promise<number | undefined>;
  addCloneSession(session: number, port: number): Promise<void>;
  /** A session that is not there is deleted. */
  deleteCloneSession(session: number): Promise<void>;
  /** By port; undefined if the switch does not say. */
  interfaces(): Promise<Map<number, string> | undefined>;
  /** Where that cannot be set, it stays as it is. */
  setQueueDepth(packets: number): Promise<void>;
}
