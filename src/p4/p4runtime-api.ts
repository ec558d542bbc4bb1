// SPDX-License-Identifier: Apache-2.0
/**
 * The messages of P4Runtime that ctga sends and reads, with those of their fields that it uses: the
 * names and numbers are those of the P4Runtime specification, version 1.4 (p4/v1/p4runtime.proto and
 * p4/config/v1/p4info.proto), and of google.rpc.Status. A field that is not here is skipped when a
 * message is read. P4Info passes through as bytes, so nothing of it is lost.
 */
import protobuf from 'protobufjs/light.js';
import * as z from 'zod';

type Fields = Readonly<Record<string, readonly [type: string, id: number, rule?: 'repeated']>>;

const MESSAGES = {
  Uint128: { high: ['uint64', 1], low: ['uint64', 2] },
  Status: { code: ['int32', 1], message: ['string', 2], details: ['Any', 3, 'repeated'] },
  Any: { typeUrl: ['string', 1], value: ['bytes', 2] },
  Error: { canonicalCode: ['int32', 1], message: ['string', 2] },

  Arbitration: { deviceId: ['uint64', 1], electionId: ['Uint128', 3] },
  StreamMessageRequest: { arbitration: ['Arbitration', 1] },
  StreamMessageResponse: { arbitration: ['Arbitration', 1] },

  Cookie: { cookie: ['uint64', 1] },
  PipelineConfig: { p4info: ['bytes', 1], deviceConfig: ['bytes', 2], cookie: ['Cookie', 3] },
  SetPipelineRequest: {
    deviceId: ['uint64', 1],
    electionId: ['Uint128', 3],
    action: ['int32', 4],
    config: ['PipelineConfig', 5],
  },
  SetPipelineResponse: {},
  GetPipelineRequest: { deviceId: ['uint64', 1], responseType: ['int32', 2] },
  GetPipelineResponse: { config: ['PipelineConfig', 1] },

  Exact: { value: ['bytes', 1] },
  FieldMatch: { fieldId: ['uint32', 1], exact: ['Exact', 2] },
  Param: { paramId: ['uint32', 2], value: ['bytes', 3] },
  Action: { actionId: ['uint32', 1], params: ['Param', 4, 'repeated'] },
  TableAction: { action: ['Action', 1] },
  CounterData: { byteCount: ['int64', 1], packetCount: ['int64', 2] },
  TableEntry: {
    tableId: ['uint32', 1],
    match: ['FieldMatch', 2, 'repeated'],
    action: ['TableAction', 3],
    counterData: ['CounterData', 7],
    isDefaultAction: ['bool', 8],
  },
  Index: { index: ['int64', 1] },
  CounterEntry: { counterId: ['uint32', 1], index: ['Index', 2], data: ['CounterData', 3] },
  Replica: { egressPort: ['uint32', 1], instance: ['uint32', 2], port: ['bytes', 3] },
  CloneSession: { sessionId: ['uint32', 1], replicas: ['Replica', 2, 'repeated'] },
  ReplicationEntry: { cloneSession: ['CloneSession', 2] },
  Entity: {
    tableEntry: ['TableEntry', 2],
    counterEntry: ['CounterEntry', 7],
    replicationEntry: ['ReplicationEntry', 9],
  },
  Update: { type: ['int32', 1], entity: ['Entity', 2] },
  WriteRequest: {
    deviceId: ['uint64', 1],
    electionId: ['Uint128', 3],
    updates: ['Update', 4, 'repeated'],
  },
  WriteResponse: {},
  ReadRequest: { deviceId: ['uint64', 1], entities: ['Entity', 2, 'repeated'] },
  ReadResponse: { entities: ['Entity', 1, 'repeated'] },

  Preamble: { id: ['uint32', 1], name: ['string', 2] },
  Named: { preamble: ['Preamble', 1] },
  P4Info: {
    tables: ['Named', 2, 'repeated'],
    actions: ['Named', 3, 'repeated'],
    counters: ['Named', 5, 'repeated'],
  },
} as const satisfies Readonly<Record<string, Fields>>;

export type MessageName = keyof typeof MESSAGES;

const ROOT = protobuf.Root.fromJSON({
  nested: Object.fromEntries(
    Object.entries<Fields>(MESSAGES).map(([name, fields]) => [
      name,
      {
        fields: Object.fromEntries(
          Object.entries(fields).map(([field, [type, id, rule]]) => [
            field,
            { type, id, ...(rule !== undefined && { rule }) },
          ]),
        ),
      },
    ]),
  ),
});

/** `value` has the fields of MESSAGES; bytes are a Uint8Array, and absent fields are left out. */
export function encode(name: MessageName, value: object): Buffer {
  const type = ROOT.lookupType(name);
  return Buffer.from(type.encode(type.fromObject(value)).finish());
}

/**
 * The fields that the message has; an integer of 64 bits is its decimal digits. Throws Error for
 * bytes that are no message.
 */
export function decode(name: MessageName, bytes: Uint8Array): unknown {
  const type = ROOT.lookupType(name);
  return type.toObject(type.decode(bytes), { longs: String });
}

const service = 'p4.v1.P4Runtime';
const method = <Q extends MessageName, A extends MessageName>(
  name: string,
  request: Q,
  answer: A,
): { readonly path: string; readonly request: Q; readonly answer: A } => ({
  path: `/${service}/${name}`,
  request,
  answer,
});
export const METHODS = {
  write: method('Write', 'WriteRequest', 'WriteResponse'),
  read: method('Read', 'ReadRequest', 'ReadResponse'),
  setPipeline: method('SetForwardingPipelineConfig', 'SetPipelineRequest', 'SetPipelineResponse'),
  getPipeline: method('GetForwardingPipelineConfig', 'GetPipelineRequest', 'GetPipelineResponse'),
  stream: method('StreamChannel', 'StreamMessageRequest', 'StreamMessageResponse'),
} as const;

/** WriteRequest.updates.type. */
export const UPDATE = { insert: 1, modify: 2, delete: 3 } as const;
/** SetForwardingPipelineConfigRequest.action. */
export const VERIFY_AND_COMMIT = 3;
/** GetForwardingPipelineConfigRequest.response_type. */
export const COOKIE_ONLY = 1;

const bytes = z.instanceof(Uint8Array).default(() => new Uint8Array(0));
const counterData = z.object({ packetCount: z.coerce.bigint().default(0n) });
const id = z.number().default(0);

export const streamSchema = z.object({ arbitration: z.object({}).optional() });
export const pipelineSchema = z.object({
  config: z.object({ cookie: z.object({ cookie: z.string().optional() }).optional() }).optional(),
});
export const statusSchema = z.object({ details: z.array(z.object({ value: bytes })).default([]) });
export const errorSchema = z.object({ canonicalCode: id, message: z.string().default('') });
export const readSchema = z.object({
  entities: z
    .array(
      z.object({
        tableEntry: z
          .object({
            match: z.array(z.object({ exact: z.object({ value: bytes }).optional() })).default([]),
            action: z
              .object({
                action: z.object({
                  params: z.array(z.object({ paramId: id, value: bytes })).default([]),
                }),
              })
              .optional(),
            counterData: counterData.optional(),
          })
          .optional(),
        counterEntry: z
          .object({
            index: z.object({ index: z.coerce.number().default(0) }).optional(),
            data: counterData.optional(),
          })
          .optional(),
        replicationEntry: z
          .object({
            cloneSession: z
              .object({
                replicas: z
                  .array(z.object({ egressPort: z.number().optional(), port: bytes }))
                  .default([]),
              })
              .optional(),
          })
          .optional(),
      }),
    )
    .default([]),
});
const named = z
  .array(z.object({ preamble: z.object({ id: z.number(), name: z.string() }) }))
  .default([]);
export const p4infoSchema = z.object({ tables: named, actions: named, counters: named });
