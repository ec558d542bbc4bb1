// SPDX-License-Identifier: Apache-2.0
/**
 * Calls over Apache Thrift's binary protocol, several services on one connection
 * (TMultiplexedProtocol). No code is generated from interface files: a table says which fields a
 * method takes and gives back, and arguments and answers are written and read by that table.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
// The package as a whole has a web socket and an HTTP client, which take long to load.
import TBinaryProtocol from 'thrift/lib/nodejs/lib/thrift/binary_protocol.js';
import TBufferedTransport from 'thrift/lib/nodejs/lib/thrift/buffered_transport.js';
import InputBufferUnderrunError from 'thrift/lib/nodejs/lib/thrift/input_buffer_underrun_error.js';
import { CtgaError, messageOf } from '../base/errors.ts';
import { SwitchRefusal } from './refusal.ts';

/** A scalar type, a list or a struct, named as in Thrift's interface files. An enum is an i32. */
export type ThriftType =
  keyof Scalars | { readonly list: ThriftType } | { readonly struct: ThriftFields };
export type ThriftFields = Readonly<Record<string, ThriftField>>;
export type ThriftField = readonly [id: number, type: ThriftType, presence?: 'optional'];

interface Scalars {
  bool: boolean;
  i32: number;
  i64: bigint;
  string: string;
  binary: Uint8Array;
}

/** What a value of a Thrift type is in JavaScript: a struct is an object with the fields' names. */
export type ValueOf<T extends ThriftType> = T extends keyof Scalars
  ? Scalars[T]
  : T extends { readonly list: infer E extends ThriftType }
    ? readonly ValueOf<E>[]
    : T extends { readonly struct: infer F extends ThriftFields }
      ? FieldsOf<F>
      : never;
export type FieldsOf<F extends ThriftFields> = {
  readonly [N in keyof F as F[N] extends readonly [number, ThriftType] ? N : never]: ValueOf<
    F[N][1]
  >;
} & {
  readonly [N in keyof F as F[N] extends readonly [number, ThriftType] ? never : N]?: ValueOf<
    F[N][1]
  >;
};

/** A method of a service. Without `returns` its answer is empty. */
export interface ThriftMethod {
  readonly service: string;
  readonly takes: ThriftFields;
  readonly returns?: ThriftType;
  /** What its exception can say: the names of the codes in its first field. */
  readonly refusals?: Readonly<Record<number, string>>;
}

export type ArgumentsOf<M extends ThriftMethod> = FieldsOf<M['takes']>;
export type AnswerOf<M extends ThriftMethod> = M extends {
  readonly returns: infer T extends ThriftType;
}
  ? ValueOf<T>
  : undefined;

/**
 * The other side threw the exception that the method declares. `reason` is the name of its code in
 * the interface file, for instance TABLE_FULL.
 */
export class ThriftRefusal extends SwitchRefusal {
  readonly reason: string;
  constructor(method: string, reason: string) {
    super(`${method} was refused: ${reason}`, {
      isDuplicate: reason === 'DUPLICATE_ENTRY',
      isAbsent: ABSENT.has(reason),
    });
    this.reason = reason;
  }
}

const ABSENT = new Set(['SESSION_NOT_FOUND', 'INVALID_HANDLE', 'EXPIRED_HANDLE']);

/** The types of fields as they are on the wire (TType), and those of messages (TMessageType). */
const Wire = { stop: 0, bool: 2, i32: 8, i64: 10, string: 11, struct: 12, list: 15 } as const;
const Message = { call: 1, reply: 2 } as const;

/** What comes in place of a reply if the method is unknown there, or its arguments are wrong. */
const APPLICATION_EXCEPTION = { message: [1, 'string', 'optional'] } as const;

const CALL_MS = 10_000;

export class ThriftConnection {
  readonly #socket: Socket;
  readonly #where: string;
  #sequence = 0;
  #receive: (chunk: Buffer) => void = () => undefined;

  private constructor(socket: Socket, where: string) {
    this.#socket = socket;
    this.#where = where;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    // A 'close' follows, and tells whoever waits for an answer.
    socket.on('error', () => undefined);
  }

  /**
   * Rejects with CtgaError `kernel` if nobody listens at that address, or if the host says nothing
   * within so many milliseconds.
   */
  static async connect(
    host: string,
    port: number,
    milliseconds = CALL_MS,
  ): Promise<ThriftConnection> {
    const where = `${host}:${port}`;
    const socket = connect(port, host);
    const signal = AbortSignal.timeout(milliseconds);
    try {
      await once(socket, 'connect', { signal });
    } catch (error) {
      socket.destroy();
      const why = signal.aborted ? 'the host is silent' : messageOf(error);
      throw new CtgaError('kernel', `no switch answers at ${where}: ${why}`, {
        remedy: 'Start simple_switch with --thrift-port, or name another with --thrift HOST:PORT.',
        cause: error,
      });
    }
    return new ThriftConnection(socket, where);
  }

  close(): void {
    this.#socket.destroy();
  }

  /**
   * Calls a method; the caller waits for the answer before it calls the next one. Rejects with
   * ThriftRefusal if the method throws its exception, and with CtgaError `kernel` if there is no
   * answer within ten seconds or it is not one to this call.
   */
  async call<M extends ThriftMethod>(
    name: string,
    method: M,
    given: ArgumentsOf<M>,
  ): Promise<AnswerOf<M>> {
    // Between two calls nobody hears that the switch has hung up.
    if (this.#socket.destroyed) throw failure(`the switch at ${this.#where} hung up (${name})`);
    const sequence = ++this.#sequence;
    const transport = new TBufferedTransport(undefined, (bytes) => this.#socket.write(bytes));
    const out = new TBinaryProtocol(transport);
    out.writeMessageBegin(`${method.service}:${name}`, Message.call, sequence);
    writeFields(out, method.takes, given);
    out.writeMessageEnd();
    const answer = this.#answer(name, (input) => readReply(input, name, method, sequence));
    transport.flush();
    return (await answer) as AnswerOf<M>;
  }

  #answer(name: string, read: (input: TBinaryProtocol) => unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const done = (settle: () => void): void => {
        clearTimeout(timer);
        this.#receive = () => undefined;
        this.#socket.off('close', closed);
        settle();
      };
      const lost = (what: string): void =>
        done(() => reject(failure(`the switch at ${this.#where} ${what} (${name})`)));
      const closed = (): void => lost('hung up');
      const timer = setTimeout(() => lost('does not answer'), CALL_MS);
      this.#socket.once('close', closed);
      this.#receive = TBufferedTransport.receiver((transport) => {
        let answer: unknown;
        try {
          answer = read(new TBinaryProtocol(transport));
          transport.commitPosition();
        } catch (error) {
          // The rest of the answer is still on its way.
          if (error instanceof InputBufferUnderrunError) return transport.rollbackPosition();
          return done(() => reject(error instanceof Error ? error : new Error(messageOf(error))));
        }
        done(() => resolve(answer));
      });
    });
  }
}

const failure = (message: string): CtgaError => new CtgaError('kernel', message);

function writeFields(out: TBinaryProtocol, fields: ThriftFields, given: object): void {
  const values = new Map<string, unknown>(Object.entries(given));
  out.writeStructBegin('');
  for (const [name, [id, type]] of Object.entries(fields)) {
    const value = values.get(name);
    if (value === undefined) continue;
    out.writeFieldBegin(name, wireTypeOf(type), id);
    writeValue(out, type, value);
    out.writeFieldEnd();
  }
  out.writeFieldStop();
  out.writeStructEnd();
}

/** `value` is a ValueOf<type>, as the signature of call() has made sure. */
function writeValue(out: TBinaryProtocol, type: ThriftType, value: unknown): void {
  if (typeof type === 'object') {
    if ('struct' in type) return writeFields(out, type.struct, value as object);
    const items = value as readonly unknown[];
    out.writeListBegin(wireTypeOf(type.list), items.length);
    for (const item of items) writeValue(out, type.list, item);
    return out.writeListEnd();
  }
  switch (type) {
    case 'bool':
      return out.writeBool(value as boolean);
    case 'i32':
      return out.writeI32(value as number);
    case 'i64': {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64BE(value as bigint);
      return out.writeI64({ buffer: bytes, offset: 0 });
    }
    case 'string':
      return out.writeString(value as string);
    case 'binary':
      return out.writeBinary(Buffer.from(value as Uint8Array));
  }
}

function readReply(
  input: TBinaryProtocol,
  name: string,
  { returns, refusals = {} }: ThriftMethod,
  sequence: number,
): unknown {
  const { mtype, rseqid } = input.readMessageBegin();
  if (mtype !== Message.reply) {
    const { message } = readFields(input, APPLICATION_EXCEPTION);
    const why = typeof message === 'string' ? `: ${message}` : '';
    throw failure(`the switch does not know ${name} as it is called here${why}`);
  }
  // A reply is a struct too: what the method returns has number 0, and its exception number 1.
  const reply = readFields(input, {
    ...(returns && { returned: [0, returns, 'optional'] }),
    thrown: [1, { struct: { code: [1, 'i32', 'optional'] } }, 'optional'],
  });
  input.readMessageEnd();
  if (rseqid !== sequence) throw failure(`the switch answered another call than ${name}`);
  const { returned, thrown } = reply as { returned?: unknown; thrown?: { code?: number } };
  if (thrown !== undefined)
    throw new ThriftRefusal(name, refusals[thrown.code ?? 0] ?? `code ${thrown.code ?? 0}`);
  if (returns !== undefined && returned === undefined)
    throw failure(`the switch did not answer ${name} with what it is known to return`);
  return returned;
}

/**
 * The fields of a struct by their names. Fields that the table does not have are those of another
 * version of the switch, and are skipped. Throws CtgaError if one is missing that is not optional.
 */
function readFields(input: TBinaryProtocol, fields: ThriftFields): Record<string, unknown> {
  const known = new Map(Object.entries(fields).map(([name, [id, type]]) => [id, { name, type }]));
  const found: Record<string, unknown> = {};
  input.readStructBegin();
  for (;;) {
    const { ftype, fid } = input.readFieldBegin();
    if (ftype === Wire.stop) break;
    const field = known.get(fid);
    if (field === undefined || wireTypeOf(field.type) !== ftype) input.skip(ftype);
    else found[field.name] = readValue(input, field.type);
    input.readFieldEnd();
  }
  input.readStructEnd();
  for (const [name, [, , presence]] of Object.entries(fields))
    if (presence === undefined && !(name in found))
      throw failure(`an answer of the switch has no field ${name}`);
  return found;
}

function readValue(input: TBinaryProtocol, type: ThriftType): unknown {
  if (typeof type === 'object') {
    if ('struct' in type) return readFields(input, type.struct);
    const { etype, size } = input.readListBegin();
    if (size > 0 && etype !== wireTypeOf(type.list))
      throw failure('an answer of the switch has a list of another type than it is known to have');
    const items: unknown[] = [];
    while (items.length < size) items.push(readValue(input, type.list));
    input.readListEnd();
    return items;
  }
  switch (type) {
    case 'bool':
      return input.readBool();
    case 'i32':
      return input.readI32();
    case 'i64': {
      const { buffer, offset } = input.readI64();
      return buffer.readBigInt64BE(offset);
    }
    case 'string':
      return Buffer.from(input.readBinary()).toString('utf8');
    case 'binary':
      return Buffer.from(input.readBinary());
  }
}

function wireTypeOf(type: ThriftType): number {
  if (typeof type === 'object') return 'list' in type ? Wire.list : Wire.struct;
  return Wire[type === 'binary' ? 'string' : type];
}
