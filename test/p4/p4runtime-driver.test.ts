// SPDX-License-Identifier: Apache-2.0
/**
 * A switch over P4Runtime, without one: a server that keeps entries as the specification says. That
 * the messages are those of p4lang's server is tried in agreement.test.ts and test/cli/p4.test.ts,
 * on a real simple_switch_grpc where there is one.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { CtgaError } from '../../src/base/errors.ts';
import { encodeName } from '../support/packets.ts';
import { readProgram } from '../../src/p4/compile.ts';
import { decode, encode, METHODS, UPDATE } from '../../src/p4/p4runtime-api.ts';
import { SwitchRefusal } from '../../src/p4/refusal.ts';
import { SimpleSwitch } from '../../src/p4/simple-switch.ts';

interface Election {
  electionId?: { low?: string };
}
interface Write extends Election {
  updates: [{ type: number; entity: Record<string, Record<string, unknown>> }];
}

const OK: number = status.OK;
const DENIED: number = status.PERMISSION_DENIED;

/** Keeps what it is told, by what identifies it. */
class FakeSwitch {
  readonly #server = new Server();
  readonly entities = new Map<string, Record<string, Record<string, unknown>>>();
  readonly streams = new Set<ServerDuplexStream<unknown, unknown>>();
  primary = '0';
  cookie: string | undefined;
  port = 0;

  async start(): Promise<void> {
    const handlers = {
      stream: (call: ServerDuplexStream<{ arbitration: Election }, object>) => {
        this.streams.add(call);
        call.on('data', ({ arbitration }: { arbitration: Election }) => {
          const id = arbitration.electionId?.low ?? '0';
          if (BigInt(id) > BigInt(this.primary)) this.primary = id;
          call.write({ arbitration });
        });
        call.on('end', () => call.end());
        call.on('error', () => undefined);
      },
      write: (call: ServerUnaryCall<Write, object>, done: sendUnaryData<object>) => {
        const { electionId, updates } = call.request;
        const code: number = electionId?.low === this.primary ? this.#update(updates[0]) : DENIED;
        if (code === OK) return done(null, {});
        // As p4lang's server does it: what is wrong with each update is in the trailer.
        const metadata = new Metadata();
        const value = encode('Error', { canonicalCode: code, message: 'says the switch' });
        metadata.set(
          'grpc-status-details-bin',
          encode('Status', { code: status.UNKNOWN, details: [{ typeUrl: 'Error', value }] }),
        );
        done({ code: code === DENIED ? status.PERMISSION_DENIED : status.UNKNOWN, metadata });
      },
      read: (call: ServerWritableStream<{ entities: Write['updates'][0]['entity'][] }, object>) => {
        const [wanted = {}] = call.request.entities;
        const [kind = ''] = Object.keys(wanted);
        const { tableId, counterId } = wanted[kind] ?? {};
        const found = [...this.entities.values()].filter(
          (entity) =>
            kind in entity &&
            entity[kind]?.['tableId'] === tableId &&
            entity[kind]?.['counterId'] === counterId,
        );
        // In pieces, as a long answer comes.
        for (const entity of found) call.write({ entities: [entity] });
        call.end();
      },
      setPipeline: (
        call: ServerUnaryCall<{ config: { cookie: { cookie: string } } }, object>,
        done: sendUnaryData<object>,
      ) => {
        this.cookie = call.request.config.cookie.cookie;
        done(null, {});
      },
      getPipeline: (_call: unknown, done: sendUnaryData<object>) => {
        if (this.cookie === undefined) done({ code: status.FAILED_PRECONDITION });
        else done(null, { config: { cookie: { cookie: this.cookie } } });
      },
    };
    this.#server.addService(
      Object.fromEntries(
        Object.entries(METHODS).map(([name, { path, request, answer }]) => [
          name,
          {
            path,
            requestStream: name === 'stream',
            responseStream: name === 'stream' || name === 'read',
            requestSerialize: (value: object) => encode(request, value),
            requestDeserialize: (bytes: Buffer) => decode(request, bytes),
            responseSerialize: (value: object) => encode(answer, value),
            responseDeserialize: (bytes: Buffer) => decode(answer, bytes),
          },
        ]),
      ),
      handlers,
    );
    this.port = await new Promise((resolve, reject) =>
      this.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      }),
    );
  }

  #update({ type, entity }: Write['updates'][0]): number {
    const [kind = ''] = Object.keys(entity);
    const { tableId, match, counterId, index, isDefaultAction, cloneSession } = entity[kind] ?? {};
    const session = (cloneSession as { sessionId?: number } | undefined)?.sessionId;
    const key = JSON.stringify([kind, tableId, match, counterId, index, isDefaultAction, session]);
    if (type === UPDATE.insert && this.entities.has(key)) return status.ALREADY_EXISTS;
    if (type === UPDATE.delete) return this.entities.delete(key) ? status.OK : status.NOT_FOUND;
    this.entities.set(key, entity);
    return status.OK;
  }

  stop(): void {
    this.#server.forceShutdown();
  }
}

const fake = new FakeSwitch();
let plane: SimpleSwitch;
const connect = (): Promise<SimpleSwitch> =>
  SimpleSwitch.connect({ host: '127.0.0.1', port: fake.port, device: 0 });
const texts = (names: readonly Uint8Array[]): string[] =>
  names.map((name) => Buffer.from(name).toString('latin1'));
const [a, b] = [encodeName('sth.a.example'), encodeName('sth.b.example')];

before(() => fake.start());
after(() => fake.stop());
beforeEach(async () => {
  plane = await connect();
  await plane.load(readProgram());
});
afterEach(() => plane.close());

test('the program is loaded once, and another in its place is noticed', async () => {
  assert.equal(await plane.load(readProgram()), false);
  fake.cookie = '1';
  await assert.rejects(plane.counters(), SwitchRefusal);
  fake.cookie = undefined;
  await assert.rejects(plane.counters(), SwitchRefusal);
  assert.equal(await plane.load(readProgram()), true);
  assert.equal((await plane.counters()).notIp, 0n);
});

test('names, ports and routes are added, kept and removed, and the change is said', async () => {
  assert.deepEqual(await plane.setKnownNames([a, b]), { added: [a, b], removed: [] });
  const change = await plane.setKnownNames([b]);
  assert.deepEqual([texts(change.added), texts(change.removed)], [[], texts([a])]);
  assert.deepEqual(
    (await plane.knownNames()).map(({ name }) => Buffer.from(name)),
    [Buffer.from(b)],
  );
  const routes = new Map([
    [0, 1],
    [300, 0],
  ]);
  await plane.setRoutes(routes);
  assert.deepEqual(await plane.routes(), routes);
  await plane.setRoutes(new Map([[0, 300]]));
  assert.deepEqual(await plane.routes(), new Map([[0, 300]]));
  await plane.setAnswerPorts([53, 5353]);
  await plane.setAnswerPorts([5353]);
  await plane.setSampling({ everyNth: 3, threshold: 400, key: 1n });
  await plane.setCpuPort(2);
  await plane.setCpuPort(3);
  assert.equal(await plane.cpuPort(), 3);
  await plane.stopCopying();
  await plane.stopCopying();
  assert.equal(await plane.cpuPort(), undefined);
});

test('whoever came last is obeyed; the other reads, and says why it cannot write', async () => {
  const later = await connect();
  try {
    await later.setKnownNames([a]);
    assert.equal((await plane.knownNames()).length, 1);
    await assert.rejects(
      plane.setKnownNames([b]),
      (error: unknown) => error instanceof CtgaError && error.code === 'busy',
    );
  } finally {
    later.close();
  }
});

test('a switch that went away is not asked for 10 seconds', async () => {
  await plane.counters();
  for (const stream of fake.streams) stream.end();
  for (;;) {
    const failure = await plane.counters().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) continue;
    assert(failure instanceof CtgaError && failure.code === 'kernel');
    break;
  }
});
