// SPDX-License-Identifier: Apache-2.0
/**
 * The bus: NATS JetStream. Nothing else imports its packages. Subjects, streams and consumers are as
 * docs/FLEET.md says, and what a member may do with them `ctga fleet join` writes into the
 * configuration of the bus.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkServerIdentity, type ConnectionOptions } from 'node:tls';
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  jetstream,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type JetStreamClient,
  type JsMsg,
  type StreamConfig,
} from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import {
  connect,
  nkeyAuthenticator,
  type NatsConnection,
  type TlsOptions,
} from '@nats-io/transport-node';
import { shuffled } from '../base/chance.ts';
import { badFile, badInput, CtgaError, messageOf } from '../base/errors.ts';
import type { BusServer } from './bus-address.ts';
import { ALERTS, alertSubject, LEASES, streamOf, subjectOf } from './bus-subjects.ts';
import type { Message } from './collector.ts';
import { Intake } from './intake.ts';
import type { LeaseStore } from './leases.ts';
import { FILES, hears, tells, type MemberRole, type Roster, type Told } from './roster.ts';

export type BusErrorCode =
  /** No server answered, or the connection was lost. */
  | 'bus-unreachable'
  /** A server refused what was asked of it: it does not know the member, or has no room. */
  | 'bus-refused';

export class BusError extends CtgaError<BusErrorCode> {}

/** How a member shows who it is, and by what it knows the bus. */
export interface BusCredentials {
  readonly nkey: Uint8Array | undefined;
  readonly certificate: { readonly cert: string; readonly key: string } | undefined;
  /** Certificates of authorities, in PEM; undefined: those of the system. */
  readonly authority: string | undefined;
}

/**
 * Reads them from a member's directory: an NKEY's seed, or else a certificate and its key. Throws
 * CtgaError `bad-input` where neither is there, or one cannot be read.
 */
export function readCredentials(directory: string): BusCredentials {
  const text = (file: string): string => {
    try {
      return readFileSync(join(directory, file), 'utf8');
    } catch (error) {
      throw badFile('read', join(directory, file), error);
    }
  };
  const has = (file: string): boolean => existsSync(join(directory, file));
  const authority = has(FILES.authority) ? text(FILES.authority) : undefined;
  if (has(FILES.nkey)) {
    const nkey = Buffer.from(text(FILES.nkey).trim());
    return { nkey, certificate: undefined, authority };
  }
  if (!has(FILES.certificate))
    throw badInput(
      `${directory} has neither ${FILES.nkey} nor ${FILES.certificate}`,
      'Copy the directory that "ctga fleet join" made.',
    );
  const certificate = { cert: text(FILES.certificate), key: text(FILES.certificateKey) };
  return { nkey: undefined, certificate, authority };
}

/** For how long the bus keeps batches for a collector or a site that is away. */
const KEPT_MS = 3 * 86_400_000;
/** In which it knows a batch again that is sent twice. */
const DUPLICATES_MS = 600_000;
const CONNECT_MS = 5000;
const LEAVE_MS = 1000;
/** Batches that a consumer has in hand at a time. */
const IN_HAND = 256;
const ACK_WAIT_MS = 60_000;
const PULL_MS = 30_000;
/** Consumers that are made at a time. */
const AT_ONCE = 32;
/** Of a key of the leases: a presence that names a thousand logs. */
const MOST_VALUE = 12_288;
const WRONG_REVISION: ReadonlySet<number> = new Set([
  JetStreamApiCodes.StreamWrongLastSequence,
  JetStreamApiCodes.StreamWrongLastSequenceUnknown,
]);

export interface BusOptions {
  readonly servers: readonly BusServer[];
  readonly credentials: BusCredentials;
  readonly member: string;
  readonly role: MemberRole;
}

/** Resolves at the next moment at which something may be done, or when the signal is given. */
export type Moments = (signal: AbortSignal) => Promise<void>;

/** One connection at a time, to any of the servers. It does not come back by itself. */
export class Bus {
  readonly #options: BusOptions;
  #connection: NatsConnection | undefined;
  #client: JetStreamClient | undefined;

  constructor(options: BusOptions) {
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#connection?.isClosed() === false;
  }

  /** Connects to the first of the servers, in a random order, that answers. Rejects with BusError. */
  async connect(): Promise<void> {
    if (this.isUp) return;
    let failure: unknown;
    for (const server of shuffled(this.#options.servers)) {
      try {
        this.#connection = await this.#connectTo(server);
        this.#client = jetstream(this.#connection);
        return;
      } catch (error) {
        failure = new BusError(
          'bus-unreachable',
          `${server.host}:${server.port}: ${messageOf(error)}`,
          {
            remedy: 'It is tried again. See whether nats-server runs there and knows this member.',
            cause: error,
          },
        );
      }
    }
    throw failure;
  }

  #connectTo({ host, port, isPlain }: BusServer): Promise<NatsConnection> {
    const { credentials, member } = this.#options;
    const { nkey, certificate, authority } = credentials;
    return connect({
      servers: `${host.includes(':') ? `[${host}]` : host}:${port}`,
      name: member,
      // Answers to one member are for no other.
      inboxPrefix: `_INBOX.${member}`,
      timeout: CONNECT_MS,
      reconnect: false,
      // It is heard of servers by its roster alone.
      ignoreClusterUpdates: true,
      pingInterval: 20_000,
      maxPingOut: 2,
      ...(nkey === undefined ? {} : { authenticator: nkeyAuthenticator(nkey) }),
      // With TLS wanted, a server that has none is refused.
      tls: isPlain ? null : tlsOptions(host, certificate, authority),
    });
  }

  /**
   * Resolves when a majority of the bus has the batch on its disks. Rejects with BusError; then it may
   * have it or not.
   */
  async publish(id: string, batch: Uint8Array, timeout: number): Promise<void> {
    const { role, member } = this.#options;
    if (!this.isUp || this.#client === undefined) throw noConnection();
    try {
      await this.#client.publish(subjectOf(tells(role), member), batch, {
        msgID: id,
        timeout,
        retries: 1,
      });
    } catch (error) {
      throw refused(error);
    }
  }

  /**
   * Makes the streams, and a consumer of each for each member that hears it, as the roster has them;
   * those that are there stay. A site may not. Rejects with BusError.
   */
  async prepare(roster: Roster): Promise<void> {
    if (this.#connection === undefined) throw noConnection();
    try {
      const manager = await jetstreamManager(this.#connection, { checkAPI: false });
      for (const told of ['sightings', 'findings'] as const) {
        const stream = streamOf(told);
        const config = streamConfig(told, roster);
        try {
          await manager.streams.add(config);
        } catch (error) {
          // It is there, and was made by a roster with other nodes or another interval.
          if (!/name already in use/.test(messageOf(error))) throw error;
          await manager.streams.update(stream, config);
        }
        // Each has to find a leader first, which takes most of a second on an idle bus.
        const names = hearersOf(told, roster);
        while (names.length > 0)
          await Promise.all(
            names
              .splice(0, AT_ONCE)
              .map((name) =>
                manager.consumers.add(stream, {
                  durable_name: name,
                  ack_policy: AckPolicy.Explicit,
                  deliver_policy: DeliverPolicy.All,
                  ack_wait: nanoseconds(ACK_WAIT_MS),
                  max_ack_pending: IN_HAND * 2,
                }),
              ),
          );
      }
    } catch (error) {
      throw refused(error);
    }
  }

  /**
   * Gives what the bus has for this member to `take`, some at a time, and has the bus forget it when
   * that returns; where it throws, the bus brings it again. That is done at `moments` (intake.ts).
   * Resolves when the connection has ended or `signal` is aborted. Rejects with BusError where
   * there is no consumer.
   */
  async consume(
    take: (messages: readonly Message[]) => void,
    signal: AbortSignal,
    moments: Moments,
  ): Promise<void> {
    const { role, member } = this.#options;
    const connection = this.#connection;
    if (connection === undefined || this.#client === undefined) throw noConnection();
    const intake = new Intake<JsMsg>((messages) => take(messages.map(toMessage)));
    const ended = new AbortController();
    const until = AbortSignal.any([signal, ended.signal]);
    const { consumers } = this.#client;
    const consumeFrom = async (told: Told): Promise<void> => {
      const consumer = await consumers.get(streamOf(told), member);
      const messages = await consumer.consume({
        max_messages: IN_HAND,
        expires: PULL_MS,
        callback: (message) => intake.put(message),
      });
      const stop = (): void => messages.stop();
      if (until.aborted) stop();
      until.addEventListener('abort', stop, { once: true });
      void connection.closed().then(stop, stop);
      await messages.closed();
    };
    const taking = async (): Promise<void> => {
      for (;;) {
        await moments(until);
        if (connection.isClosed()) return;
        if (until.aborted) return intake.answer();
        intake.moment();
      }
    };
    // Where one cannot be heard any more, the other is left too, so that both are begun anew.
    const hearing = [...hears(role).map(consumeFrom), taking()].map((each) =>
      each.finally(() => ended.abort()),
    );
    const failed = (await Promise.allSettled(hearing)).find((each) => each.status === 'rejected');
    if (failed !== undefined) throw refused(failed.reason);
  }

  /**
   * The leases of challengers, whose bucket is made if it is not there. Only a challenger may read and
   * write them. An answer takes `timeout` ms at most. Rejects with BusError, and so does the store.
   */
  async leases({ nodes }: Roster, timeout: number): Promise<LeaseStore> {
    if (this.#connection === undefined) throw noConnection();
    const bucket = await answered(async (connection) => {
      const manager = new Kvm(jetstream(connection, { timeout }));
      return manager.create(LEASES.bucket, {
        history: 1,
        replicas: replicasOn(nodes),
        storage: StorageType.File,
        maxValueSize: MOST_VALUE,
        // A replica may be behind; whoever leads is not.
        allow_direct: false,
      });
    }, this.#connection);
    const connection = this.#connection;
    return {
      get: (key) =>
        answered(async () => {
          const entry = await bucket.get(key);
          return entry === null ? undefined : { revision: entry.revision, text: entry.string() };
        }, connection),
      put: (key, text, revision) =>
        answered(async () => {
          try {
            return await bucket.put(key, text, { previousSeq: revision, timeout });
          } catch (error) {
            if (error instanceof JetStreamApiError && WRONG_REVISION.has(error.code))
              return undefined;
            throw error;
          }
        }, connection),
    };
  }

  /**
   * What alerters agree by (tellers.ts), in a stream that keeps the last of each entry, and that is made
   * if it is not there. A site may neither read nor write it. An answer takes `timeout` ms at most.
   * Rejects with BusError, and so does the store.
   */
  async alertEntries({ nodes }: Roster, timeout: number): Promise<LeaseStore> {
    if (this.#connection === undefined) throw noConnection();
    const connection = this.#connection;
    const client = jetstream(connection, { timeout });
    const manager = await answered(async () => {
      const made = await jetstreamManager(connection, { checkAPI: false, timeout });
      try {
        await made.streams.add({
          name: ALERTS,
          subjects: [alertSubject('*')],
          storage: StorageType.File,
          num_replicas: replicasOn(nodes),
          max_msgs_per_subject: 1,
          max_msg_size: 4096,
          deny_delete: true,
          deny_purge: true,
        });
      } catch (error) {
        // It is there, and was made by a roster with other nodes.
        if (!/name already in use/.test(messageOf(error))) throw error;
      }
      return made;
    }, connection);
    return {
      get: (key) =>
        answered(async () => {
          const last = { last_by_subj: alertSubject(key) };
          const message = await manager.streams.getMessage(ALERTS, last);
          return message === null ? undefined : { revision: message.seq, text: message.string() };
        }, connection),
      put: (key, text, revision) =>
        answered(async () => {
          try {
            const expect = { lastSubjectSequence: revision };
            const options = { expect, timeout, retries: 1 };
            return (await client.publish(alertSubject(key), text, options)).seq;
          } catch (error) {
            if (error instanceof JetStreamApiError && WRONG_REVISION.has(error.code))
              return undefined;
            throw error;
          }
        }, connection),
    };
  }

  /** Ends the connection, if there is one; what was acknowledged is on its way before. */
  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#client = undefined;
    if (connection === undefined || connection.isClosed()) return;
    const flushed = connection.flush().catch(() => undefined);
    await Promise.race([flushed, sleep(LEAVE_MS)]);
    // A server that is gone takes no leave.
    await Promise.race([connection.close(), sleep(LEAVE_MS)]);
  }
}

function streamConfig(
  told: Told,
  { nodes, batchBytes, intervalSeconds }: Roster,
): Partial<StreamConfig> & { name: string } {
  return {
    name: streamOf(told),
    subjects: [subjectOf(told, '*')],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    num_replicas: replicasOn(nodes),
    max_age: nanoseconds(KEPT_MS),
    // Who floods pushes out its own batches.
    max_msgs_per_subject: Math.ceil((KEPT_MS / (intervalSeconds * 1000)) * 1.1),
    // The headers of NATS are not more.
    max_msg_size: batchBytes + 512,
    duplicate_window: nanoseconds(DUPLICATES_MS),
    deny_delete: true,
    deny_purge: true,
  };
}

function toMessage({ subject, data, time, seq }: JsMsg): Message {
  const member = subject.slice(subject.lastIndexOf('.') + 1);
  return { member, bytes: data, storedAt: time.getTime(), number: seq };
}

/** Of a bus of three each has all. */
function replicasOn(nodes: Roster['nodes']): number {
  return nodes.length >= 3 ? 3 : 1;
}

/** Rejects with BusError, also where there is no connection any more. */
async function answered<T>(
  ask: (connection: NatsConnection) => Promise<T>,
  connection: NatsConnection,
): Promise<T> {
  if (connection.isClosed()) throw noConnection();
  try {
    return await ask(connection);
  } catch (error) {
    throw refused(error);
  }
}

/** The members that have a consumer of a stream. */
function hearersOf(told: Told, { members }: Roster): string[] {
  return members.filter(({ role }) => hears(role).includes(told)).map(({ name }) => name);
}

function nanoseconds(milliseconds: number): number {
  return milliseconds * 1e6;
}

function noConnection(): BusError {
  return new BusError('bus-unreachable', 'there is no connection to the bus');
}

function refused(error: unknown): BusError {
  if (error instanceof BusError) return error;
  return new BusError('bus-refused', `the bus: ${messageOf(error)}`, { cause: error });
}

function tlsOptions(
  host: string,
  certificate: BusCredentials['certificate'],
  authority: string | undefined,
): TlsOptions & Pick<ConnectionOptions, 'checkServerIdentity'> {
  return {
    ...(authority === undefined ? {} : { ca: authority }),
    ...certificate,
    // The package gives Node no name for a server that is known by its address.
    checkServerIdentity: (_, shown) => checkServerIdentity(host, shown),
  };
}
