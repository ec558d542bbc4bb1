// SPDX-License-Identifier: Apache-2.0
/** The part of the npm package thrift that is used here: its wire format, which has no types. */
declare module 'thrift/lib/nodejs/lib/thrift/input_buffer_underrun_error.js' {
  export default class InputBufferUnderrunError extends Error {}
}
declare module 'thrift/lib/nodejs/lib/thrift/buffered_transport.js' {
  export default class TBufferedTransport {
    constructor(buffer: undefined, onFlush: (bytes: Buffer) => void);
    flush(): void;
    static receiver(done: (transport: TBufferedTransport) => void): (chunk: Buffer) => void;
    commitPosition(): void;
    rollbackPosition(): void;
  }
}
declare module 'thrift/lib/nodejs/lib/thrift/binary_protocol.js' {
  import type TBufferedTransport from 'thrift/lib/nodejs/lib/thrift/buffered_transport.js';
  /** Eight bytes at an offset. */
  interface Int64 {
    readonly buffer: Buffer;
    readonly offset: number;
  }
  export default class TBinaryProtocol {
    constructor(transport: TBufferedTransport);
    writeMessageBegin(name: string, type: number, sequence: number): void;
    writeMessageEnd(): void;
    writeStructBegin(name: string): void;
    writeStructEnd(): void;
    writeFieldBegin(name: string, type: number, id: number): void;
    writeFieldEnd(): void;
    writeFieldStop(): void;
    writeListBegin(type: number, size: number): void;
    writeListEnd(): void;
    writeBool(value: boolean): void;
    writeI32(value: number): void;
    writeI64(value: Int64): void;
    writeString(value: string): void;
    writeBinary(value: Buffer): void;
    readMessageBegin(): { fname: string; mtype: number; rseqid: number };
    readMessageEnd(): void;
    readStructBegin(): unknown;
    readStructEnd(): void;
    readFieldBegin(): { ftype: number; fid: number };
    readFieldEnd(): void;
    readListBegin(): { etype: number; size: number };
    readListEnd(): void;
    readBool(): boolean;
    readI32(): number;
    readI64(): Int64;
    readBinary(): Buffer;
    skip(type: number): void;
  }
}
