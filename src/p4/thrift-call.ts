/**
 * Calls over Apache Thrift's binary protocol, several services on one connection
 * (TMultiplexedProtocol), without code made from an interface file: a call names its method, and
 * its arguments by number and type.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { InputBufferUnderrunError, Int64, TBinaryProtocol, TBufferedTransport } from 'thrift';
import { CtgaError, messageOf } from '../base/errors.ts';

const Type = { stop: 0, bool: 2, i32: 8, i64: 10, string: 11, struct: 12, list: 15 } as const;
const MESSAGE = { call: 1, reply: 2 } as const;

/** An argument, or a field of one. */
export type Value =
  | { readonly bool: boolean }
  | { readonly i32: number }
  | { readonly i64: bigint }
  | { readonly text: string }
  | { readonly bytes: Uint8Array }
  | { readonly list: readonly Value[] }
  /** Fields by their numbers. */
  | { readonly struct: Readonly<Record<number, Value>> };

/** What comes back: structs are fields by their numbers. */
export type Answer =
  undefined | boolean | number | bigint | Buffer | readonly Answer[] | ReadonlyMap<number, Answer>;

/** The other side says no: `code` is its error number, if it gives one. */
export class ThriftRefusal extends Error {
  readonly code: number | undefined;
  constructor(method: string, code: number | undefined) {
    super(`${method} was refused${code === undefined ? '' : ` (code ${code})`}`);
    this.code = code;
  }
}

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
    // Whoever waits for an answer is told by its 'close'.
    socket.on('error', () => undefined);
  }

  /** Rejects with CtgaError where nobody listens. */
  static async connect(host: string, port: number): Promise<ThriftConnection> {
    const where = `${host}:${port}`;
    const socket = connect(port, host);
    try {
      await once(socket, 'connect');
    } catch (error) {
      throw new CtgaError('kernel', `no switch answers at ${where}: ${messageOf(error)}`, {
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
   * One call at a time. Rejects with ThriftRefusal where the method throws, with CtgaError where
   * there is no answer.
   */
  async call(
    service: string,
    method: string,
    fields: Readonly<Record<number, Value>>,
  ): Promise<Answer> {
    const sequence = ++this.#sequence;
    const transport = new TBufferedTransport(undefined, (bytes) => this.#socket.write(bytes));
    const out = new TBinaryProtocol(transport);
    out.writeMessageBegin(`${service}:${method}`, MESSAGE.call, sequence);
    writeFields(out, fields);
    out.writeMessageEnd();
    const answer = this.#answer(method, sequence);
    transport.flush();
    return answer;
  }

  #answer(method: string, sequence: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const done = (settle: () => void): void => {
        clearTimeout(timer);
        this.#receive = () => undefined;
        this.#socket.off('close', closed);
        settle();
      };
      const lost = (what: string): void =>
        done(() =>
          reject(new CtgaError('kernel', `the switch at ${this.#where} ${what} (${method})`)),
        );
      const closed = (): void => lost('hung up');
      const timer = setTimeout(() => lost('does not answer'), CALL_MS);
      this.#socket.once('close', closed);
      this.#receive = TBufferedTransport.receiver((transport) => {
        let answer: Answer;
        try {
          answer = readReply(new TBinaryProtocol(transport), method, sequence);
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

function writeFields(out: TBinaryProtocol, fields: Readonly<Record<number, Value>>): void {
  out.writeStructBegin('');
  for (const [id, value] of Object.entries(fields)) {
    out.writeFieldBegin('', typeOf(value), Number(id));
    writeValue(out, value);
    out.writeFieldEnd();
  }
  out.writeFieldStop();
  out.writeStructEnd();
}

function typeOf(value: Value): number {
  if ('bool' in value) return Type.bool;
  if ('i32' in value) return Type.i32;
  if ('i64' in value) return Type.i64;
  if ('text' in value || 'bytes' in value) return Type.string;
  return 'list' in value ? Type.list : Type.struct;
}

function writeValue(out: TBinaryProtocol, value: Value): void {
  if ('bool' in value) out.writeBool(value.bool);
  else if ('i32' in value) out.writeI32(value.i32);
  else if ('i64' in value) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(value.i64);
    out.writeI64(new Int64(bytes));
  } else if ('text' in value) out.writeString(value.text);
  else if ('bytes' in value) out.writeBinary(Buffer.from(value.bytes));
  else if ('list' in value) {
    const [first] = value.list;
    out.writeListBegin(first === undefined ? Type.string : typeOf(first), value.list.length);
    for (const each of value.list) writeValue(out, each);
    out.writeListEnd();
  } else writeFields(out, value.struct);
}

function readReply(input: TBinaryProtocol, method: string, sequence: number): Answer {
  const { mtype, rseqid } = input.readMessageBegin();
  const fields = readFields(input);
  input.readMessageEnd();
  // A TApplicationException: the method is not known there, or the arguments are none of its.
  if (mtype !== MESSAGE.reply)
    throw new CtgaError('kernel', `the switch does not know ${method} as it is called here`);
  if (rseqid !== sequence)
    throw new CtgaError('kernel', `the switch answered another call than ${method}`);
  for (const [id, field] of fields) {
    if (id === 0) return field;
    const code = field instanceof Map ? (field as ReadonlyMap<number, Answer>).get(1) : undefined;
    throw new ThriftRefusal(method, typeof code === 'number' ? code : undefined);
  }
  return undefined;
}

function readFields(input: TBinaryProtocol): Map<number, Answer> {
  const fields = new Map<number, Answer>();
  input.readStructBegin();
  for (;;) {
    const { ftype, fid } = input.readFieldBegin();
    if (ftype === Type.stop) break;
    fields.set(fid, readValue(input, ftype));
    input.readFieldEnd();
  }
  input.readStructEnd();
  return fields;
}

function readValue(input: TBinaryProtocol, type: number): Answer {
  switch (type) {
    case Type.bool:
      return input.readBool();
    case Type.i32:
      return input.readI32();
    case Type.i64: {
      const { buffer, offset } = input.readI64();
      return buffer.readBigInt64BE(offset);
    }
    case Type.string:
      return Buffer.from(input.readBinary());
    case Type.struct:
      return readFields(input);
    case Type.list: {
      const { etype, size } = input.readListBegin();
      const items: Answer[] = [];
      for (let i = 0; i < size; i++) items.push(readValue(input, etype));
      input.readListEnd();
      return items;
    }
    default:
      input.skip(type);
      return undefined;
  }
}
