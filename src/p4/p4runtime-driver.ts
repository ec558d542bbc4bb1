// SPDX-License-Identifier: Apache-2.0
/**
 * A switch that is told what to do through P4Runtime, as simple_switch_grpc serves it. Whoever
 * writes must be its primary controller: that is the one with the highest election id, for as long
 * as its stream is open (P4Runtime specification, "Arbitration and Controller Replication").
 */
import { createHash } from 'node:crypto';
import { Client, credentials, status, type ServiceError } from '@grpc/grpc-js';
import { CtgaError, messageOf } from '../base/errors.ts';
import { readProgram } from './compile.ts';
import type { CompiledProgram, Entry, SwitchDriver } from './driver.ts';
import {
  COOKIE_ONLY,
  decode,
  encode,
  errorSchema,
  METHODS,
  p4infoSchema,
  pipelineSchema,
  readSchema,
  statusSchema,
  streamSchema,
  UPDATE,
  VERIFY_AND_COMMIT,
  type MessageName,
} from './p4runtime-api.ts';
import { SwitchRefusal } from './refusal.ts';

const CALL_MS = 10_000;

type Stream = ReturnType<typeof openStream>;
type Read = ReturnType<(typeof readSchema)['parse']>['entities'][number];

/** A number of 128 bits. */
interface ElectionId {
  readonly high: number;
  readonly low: number;
}

/** The IDs that the program's P4Info gives to names. */
interface Ids {
  readonly tables: ReadonlyMap<string, number>;
  readonly actions: ReadonlyMap<string, number>;
  readonly counters: ReadonlyMap<string, number>;
}

export class P4RuntimeDriver implements SwitchDriver {
  readonly #client: Client;
  readonly #stream: Stream;
  readonly #deviceId: number;
  readonly #electionId: ElectionId;
  readonly #where: string;
  readonly #program: CompiledProgram;
  readonly #ids: Ids;
  #ended: CtgaError | undefined;

  private constructor(
    client: Client,
    stream: Stream,
    deviceId: number,
    electionId: ElectionId,
    where: string,
  ) {
    this.#client = client;
    this.#stream = stream;
    this.#deviceId = deviceId;
    this.#electionId = electionId;
    this.#where = where;
    this.#program = readProgram();
    this.#ids = idsOf(this.#program.p4info);
    stream.on('error', (error: Error) => (this.#ended = lost(where, error)));
    stream.on('end', () => (this.#ended ??= lost(where, new Error('the stream ended'))));
  }

  /**
   * Becomes the switch's primary controller, unless another one has a higher election id: then it
   * can only read, and what writes rejects with CtgaError `busy`. Rejects with CtgaError `kernel` if
   * no P4Runtime server answers there, or it has no such device.
   */
  static async connect(host: string, port: number, deviceId: number): Promise<P4RuntimeDriver> {
    const where = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    // There are no proxies on the way to a switch.
    const client = new Client(where, credentials.createInsecure(), {
      'grpc.enable_http_proxy': 0,
      'grpc.max_receive_message_length': -1,
    });
    // The latest comer is primary: a deployment while ctga watches, and the watcher again after it.
    const electionId = { high: 0, low: Date.now() };
    try {
      await ready(client, where);
      const stream = openStream(client);
      await arbitrate(stream, deviceId, electionId, where);
      return new P4RuntimeDriver(client, stream, deviceId, electionId, where);
    } catch (error) {
      client.close();
      throw error;
    }
  }

  close(): void {
    // A stream that is cancelled says so as an error, to nobody.
    this.#stream.removeAllListeners();
    this.#stream.on('error', () => undefined);
    this.#stream.cancel();
    this.#client.close();
  }

  async load(program: CompiledProgram): Promise<boolean> {
    const cookie = cookieOf(program);
    if ((await this.#cookie()) === cookie) return false;
    await this.#call(METHODS.setPipeline, {
      ...this.#master(),
      action: VERIFY_AND_COMMIT,
      config: {
        p4info: program.p4info,
        deviceConfig: Buffer.from(program.json),
        cookie: { cookie },
      },
    });
    return true;
  }

  async entries(table: string): Promise<Entry[]> {
    const tableId = this.#id('tables', table);
    const found = await this.#read({ tableEntry: { tableId, counterData: {} } });
    return found.map(({ tableEntry }) => ({
      key: tableEntry?.match[0]?.exact?.value ?? new Uint8Array(0),
      data: (tableEntry?.action?.action.params ?? [])
        .toSorted((a, b) => a.paramId - b.paramId)
        .map(({ value }) => value),
      packets: tableEntry?.counterData?.packetCount,
    }));
  }

  insert(
    table: string,
    key: Uint8Array,
    action: string,
    parameters: readonly Uint8Array[],
  ): Promise<void> {
    return this.#write(UPDATE.insert, this.#entry(table, key, action, parameters));
  }

  modify(
    table: string,
    { key }: Entry,
    action: string,
    parameters: readonly Uint8Array[],
  ): Promise<void> {
    return this.#write(UPDATE.modify, this.#entry(table, key, action, parameters));
  }

  async remove(table: string, { key }: Entry): Promise<void> {
    await unlessAbsent(this.#write(UPDATE.delete, this.#entry(table, key)));
  }

  packetsOf(_table: string, { packets = 0n }: Entry): Promise<bigint> {
    return Promise.resolve(packets);
  }

  setDefault(table: string, action: string, parameters: readonly Uint8Array[]): Promise<void> {
    const { tableEntry } = this.#entry(table, undefined, action, parameters);
    return this.#write(UPDATE.modify, { tableEntry: { ...tableEntry, isDefaultAction: true } });
  }

  async counters(name: string, size: number): Promise<bigint[]> {
    await this.#refuseOther();
    const counterId = this.#id('counters', name);
    const counts = Array<bigint>(size).fill(0n);
    for (const { counterEntry } of await this.#read({ counterEntry: { counterId } })) {
      const index = counterEntry?.index?.index ?? 0;
      if (index < size) counts[index] = counterEntry?.data?.packetCount ?? 0n;
    }
    return counts;
  }

  async resetCounters(name: string, size: number): Promise<void> {
    const counterId = this.#id('counters', name);
    for (let index = 0; index < size; index++)
      await this.#write(UPDATE.modify, {
        counterEntry: { counterId, index: { index }, data: { byteCount: 0, packetCount: 0 } },
      });
  }

  async cloneSession(sessionId: number): Promise<number | undefined> {
    const entity = { replicationEntry: { cloneSession: { sessionId } } };
    const [found] = (await unlessAbsent(this.#read(entity))) ?? [];
    const [replica, another] = found?.replicationEntry?.cloneSession?.replicas ?? [];
    if (replica === undefined || another !== undefined) return undefined;
    return replica.egressPort ?? replica.port.reduce((port, byte) => port * 256 + byte, 0);
  }

  addCloneSession(sessionId: number, port: number): Promise<void> {
    // Older servers know no other kind of port.
    const replicas = [{ egressPort: port, instance: 1 }];
    return this.#write(UPDATE.insert, {
      replicationEntry: { cloneSession: { sessionId, replicas } },
    });
  }

  async deleteCloneSession(sessionId: number): Promise<void> {
    const entity = { replicationEntry: { cloneSession: { sessionId } } };
    await unlessAbsent(this.#write(UPDATE.delete, entity));
  }

  interfaces(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  setQueueDepth(): Promise<void> {
    return Promise.resolve();
  }

  /** A server without a program, or with another, would answer for names of the other. */
  async #refuseOther(): Promise<void> {
    if ((await this.#cookie()) !== cookieOf(this.#program))
      throw new SwitchRefusal('there is another one, or none');
  }

  /** Undefined if the switch was given no program through P4Runtime. */
  async #cookie(): Promise<string | undefined> {
    try {
      const request = { deviceId: this.#deviceId, responseType: COOKIE_ONLY };
      const answer = await this.#call(METHODS.getPipeline, request);
      return pipelineSchema.parse(answer).config?.cookie?.cookie;
    } catch (error) {
      if (error instanceof SwitchRefusal && error.isAbsent) return undefined;
      throw error;
    }
  }

  #id(kind: keyof Ids, name: string): number {
    const id = this.#ids[kind].get(name);
    if (id === undefined) throw new SwitchRefusal(`the program has no ${name}`);
    return id;
  }

  #entry(
    table: string,
    key?: Uint8Array,
    action?: string,
    parameters: readonly Uint8Array[] = [],
  ): { readonly tableEntry: object } {
    return {
      tableEntry: {
        tableId: this.#id('tables', table),
        ...(key !== undefined && { match: [{ fieldId: 1, exact: { value: canonical(key) } }] }),
        ...(action !== undefined && {
          action: {
            action: {
              actionId: this.#id('actions', action),
              params: parameters.map((value, i) => ({ paramId: i + 1, value: canonical(value) })),
            },
          },
        }),
      },
    };
  }

  #master(): { readonly deviceId: number; readonly electionId: object } {
    return { deviceId: this.#deviceId, electionId: this.#electionId };
  }

  async #write(type: number, entity: object): Promise<void> {
    await this.#call(METHODS.write, { ...this.#master(), updates: [{ type, entity }] });
  }

  async #read(entity: object): Promise<Read[]> {
    this.#refuseEnded();
    const { path, request, answer } = METHODS.read;
    const call = this.#client.makeServerStreamRequest(
      path,
      (value: object) => encode(request, value),
      (bytes: Buffer) => readSchema.parse(decode(answer, bytes)),
      { deviceId: this.#deviceId, entities: [entity] },
      { deadline: Date.now() + CALL_MS },
    );
    const found: Read[] = [];
    try {
      for await (const { entities } of call as AsyncIterable<{ entities: Read[] }>)
        found.push(...entities);
    } catch (error) {
      throw refusalOf(error, this.#where);
    }
    return found;
  }

  #call(
    {
      path,
      request,
      answer,
    }: { readonly path: string; readonly request: MessageName; readonly answer: MessageName },
    value: object,
  ): Promise<unknown> {
    this.#refuseEnded();
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        (given: object) => encode(request, given),
        (bytes: Buffer) => decode(answer, bytes),
        value,
        { deadline: Date.now() + CALL_MS },
        (error, result) => {
          if (error === null) resolve(result);
          else reject(refusalOf(error, this.#where));
        },
      );
    });
  }

  /** Without its stream ctga is no controller, and the switch may have been another since. */
  #refuseEnded(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }
}

function openStream(client: Client) {
  const { path, request, answer } = METHODS.stream;
  return client.makeBidiStreamRequest(
    path,
    (value: object) => encode(request, value),
    (bytes: Buffer) => streamSchema.parse(decode(answer, bytes)),
  );
}

function ready(client: Client, where: string): Promise<void> {
  return new Promise((resolve, reject) =>
    client.waitForReady(Date.now() + CALL_MS, (error) => {
      if (error === undefined) return resolve();
      reject(
        new CtgaError('kernel', `no P4Runtime server answers at ${where}: ${messageOf(error)}`, {
          remedy: 'Start simple_switch_grpc, or name another with --p4runtime HOST:PORT.',
          cause: error,
        }),
      );
    }),
  );
}

/** Resolves when the switch has said which controller is its primary one. */
function arbitrate(
  stream: Stream,
  deviceId: number,
  electionId: ElectionId,
  where: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error): void => {
      clearTimeout(timer);
      stream.removeAllListeners();
      if (error === undefined) {
        // Who is primary is said again whenever it changes: what is written then tells.
        stream.resume();
        return resolve();
      }
      stream.on('error', () => undefined);
      stream.cancel();
      reject(error);
    };
    const timer = setTimeout(() => done(lost(where, new Error('it does not answer'))), CALL_MS);
    stream.on('error', (error: Error) => done(lost(where, error)));
    stream.on('end', () => done(lost(where, new Error('the stream ended'))));
    stream.on('data', ({ arbitration }: ReturnType<(typeof streamSchema)['parse']>) => {
      if (arbitration !== undefined) done();
    });
    stream.write({ arbitration: { deviceId, electionId } });
  });
}

function lost(where: string, error: Error): CtgaError {
  const why = (error as Partial<ServiceError>).details ?? error.message;
  return new CtgaError('kernel', `the P4Runtime server at ${where} hung up: ${why}`, {
    cause: error,
  });
}

/** The server cannot be reached or does not answer, as opposed to one that refuses. */
const UNREACHABLE: readonly number[] = [
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.CANCELLED,
];

const ABSENT: readonly number[] = [status.NOT_FOUND, status.FAILED_PRECONDITION];

/** A failed write says in its trailer what is wrong with each update; ctga sends one at a time. */
function refusalOf(error: unknown, where: string): Error {
  if (!(error instanceof Error) || !('code' in error)) return lost(where, error as Error);
  const { code, details, metadata } = error as ServiceError;
  if (UNREACHABLE.includes(code)) return lost(where, error);
  const [trailer] = metadata.get('grpc-status-details-bin');
  const [first] =
    trailer instanceof Buffer ? statusSchema.parse(decode('Status', trailer)).details : [];
  const { canonicalCode, message } =
    first === undefined
      ? { canonicalCode: code as number, message: details }
      : errorSchema.parse(decode('Error', first.value));
  if (canonicalCode === (status.PERMISSION_DENIED as number))
    return new CtgaError('busy', `the switch at ${where} obeys another controller`, {
      remedy: 'End that one. The primary controller is the one with the highest election id.',
      cause: error,
    });
  return new SwitchRefusal(
    `it was refused: ${message || details || (status[canonicalCode] ?? '')}`,
    {
      isDuplicate: canonicalCode === (status.ALREADY_EXISTS as number),
      // Nothing is there before the switch was given a program.
      isAbsent: ABSENT.includes(canonicalCode),
    },
  );
}

async function unlessAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof SwitchRefusal && error.isAbsent) return undefined;
    throw error;
  }
}

/** A number in as few bytes as it takes, and at least one (P4Runtime, "Bytestrings"). */
function canonical(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0);
  return start === -1 ? new Uint8Array(1) : bytes.subarray(start);
}

/** 63 bits of what the program is, in decimal digits: a controller asks the switch for them. */
function cookieOf({ json, p4info }: CompiledProgram): string {
  const hash = createHash('sha256').update(json).update(p4info).digest();
  return BigInt.asUintN(63, hash.readBigUInt64BE()).toString();
}

function idsOf(p4info: Uint8Array): Ids {
  const { tables, actions, counters } = p4infoSchema.parse(decode('P4Info', p4info));
  const byName = (named: typeof tables): Map<string, number> =>
    new Map(named.map(({ preamble: { id, name } }) => [name, id]));
  return { tables: byName(tables), actions: byName(actions), counters: byName(counters) };
}
