// SPDX-License-Identifier: Apache-2.0
/**
 * The bus: NATS JetStream. Nothing else imports its packages. Subjects, streams and consumers are as
 * docs/FLEET.md says, and what a member may do with them `ctga fleet join` writes into the
 * configuration of the bus.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
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
import {
  connect,
  nkeyAuthenticator,
  nkeys,
  type NatsConnection,
  type TlsOptions,
} from '@nats-io/transport-node';
import { shuffled } from '../base/chance.ts';
import { readBinaryFile } from '../base/documents.ts';
import { badInput, CtgaError, messageOf } from '../base/errors.ts';
import { serverIdentityFault } from '../http/server-identity.ts';
import type { BusServer } from './bus-address.ts';
import { ALERTS, alertSubject, keySubject, LEASES, streamOf, subjectOf } from './bus-subjects.ts';
import type { Message } from './collector.ts';
import { Intake } from './intake.ts';
import type { LeaseStore } from './leases.ts';
import {
  FILES,
  hears,
  tells,
  type MemberRole,
  type Roster,
  type RosterMember,
  type Told,
} from './roster.ts';

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
 * CtgaError `bad-input` where neither is there, or one cannot be read or is not what it should be, or
 * the NKEY is not that which the roster has for the `member`: a server would only say that it knows
 * nobody of that kind, or that this one may not do what another may.
 */
export function readCredentials(
  directory: string,
  member?: Pick<RosterMember, 'name' | 'nkey'>,
): BusCredentials {
  const text = (file: string): string => readBinaryFile(join(directory, file)).toString();
  const read = <T>(file: string, holds: string, parse: (content: string) => T): T => {
    const content = text(file);
    try {
      return parse(content);
    } catch {
      throw badInput(`${join(directory, file)} holds ${holds}`, COPY);
    }
  };
  const certificateIn = (content: string): string => {
    new X509Certificate(content);
    return content;
  };
  const has = (file: string): boolean => existsSync(join(directory, file));
  const authority = has(FILES.authority)
    ? read(FILES.authority, 'no certificate in PEM', certificateIn)
    : undefined;
  if (has(FILES.nkey)) {
    const nkey = read(FILES.nkey, "no seed of a user's NKEY", seedIn);
    if (member?.nkey !== undefined && member.nkey !== nkeys.fromSeed(nkey).getPublicKey())
      throw badInput(
        `${join(directory, FILES.nkey)} is not the key that ${FILES.roster} has for ${member.name}`,
        COPY,
      );
    return { nkey, certificate: undefined, authority };
  }
  if (!has(FILES.certificate))
    throw badInput(`${directory} has neither ${FILES.nkey} nor ${FILES.certificate}`, COPY);
  const cert = read(FILES.certificate, 'no certificate in PEM', certificateIn);
  const key = read(FILES.certificateKey, 'no private key in PEM', (content) => {
    createPrivateKey(content);
    return content;
  });
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    throw badInput(
      `${join(directory, FILES.certificateKey)} is not the key of ${FILES.certificate}`,
      'Put the key there that the certificate was made for.',
    );
  return { nkey: undefined, certificate: { cert, key }, authority };
}

const COPY = 'Copy the directory that "ctga fleet join" made.';

/** Throws where it is none. */
function seedIn(content: string): Uint8Array {
  const seed = Buffer.from(content.trim());
  if (!nkeys.fromSeed(seed).getPublicKey().startsWith('U')) throw new RangeError();
  return seed;
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
const MOST_ALERT = 4096;
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
          { remedy: `It is tried again. ${remedyFor(messageOf(error))}`, cause: error },
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
          const { config: before } = await manager.streams.info(stream);
          await manager.streams.update(stream, withRoomOf(before, config));
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
        if (until.aborted) return intake.end();
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
   * The leases of challengers, in a stream that keeps the last of each, and that is made if it is not
   * there. Only a challenger may read and write them. An answer takes `timeout` ms at most. Rejects with
   * BusError, and so does the store.
   */
  leases(roster: Roster, timeout: number): Promise<LeaseStore> {
    const subjects = { all: keySubject('>'), of: keySubject };
    return this.#entries(LEASES, subjects, MOST_VALUE, roster, timeout);
  }

  /** The same of what alerters agree by (tellers.ts). A site may neither read nor write it. */
  alertEntries(roster: Roster, timeout: number): Promise<LeaseStore> {
    const subjects = { all: alertSubject('*'), of: alertSubject };
    return this.#entries(ALERTS, subjects, MOST_ALERT, roster, timeout);
  }

  async #entries(
    stream: string,
    subjects: { readonly all: string; readonly of: (key: string) => string },
    most: number,
    { nodes }: Roster,
    timeout: number,
  ): Promise<LeaseStore> {
    if (this.#connection === undefined) throw noConnection();
    const connection = this.#connection;
    const client = jetstream(connection, { timeout });
    const manager = await answered(async () => {
      const made = await jetstreamManager(connection, { checkAPI: false, timeout });
      try {
        await made.streams.add({
          name: stream,
          subjects: [subjects.all],
          storage: StorageType.File,
          num_replicas: replicasOn(nodes),
          max_msgs_per_subject: 1,
          max_msg_size: most,
          // A replica may be behind; whoever leads is not.
          allow_direct: false,
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
          const last = { last_by_subj: subjects.of(key) };
          const message = await manager.streams.getMessage(stream, last);
          return message === null ? undefined : { revision: message.seq, text: message.string() };
        }, connection),
      put: (key, text, revision) =>
        answered(async () => {
          try {
            const expect = { lastSubjectSequence: revision };
            const options = { expect, timeout, retries: 1 };
            return (await client.publish(subjects.of(key), text, options)).seq;
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

/**
 * One collector whose roster has a smaller batch, or a longer interval, would have the bus refuse the
 * batches of all others, or forget them early.
 */
function withRoomOf(before: StreamConfig, wanted: ReturnType<typeof streamConfig>): typeof wanted {
  const more = (field: 'max_msg_size' | 'max_msgs_per_subject'): number =>
    Math.max(before[field], wanted[field] ?? -1);
  return {
    ...wanted,
    max_msg_size: more('max_msg_size'),
    max_msgs_per_subject: more('max_msgs_per_subject'),
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

/** By what the packages of NATS and OpenSSL say. */
function remedyFor(failure: string): string {
  if (/certificate has expired|not yet valid/i.test(failure))
    return 'Look at the clocks of both machines. If they are right, give the server another certificate.';
  if (/certificate|altnames/i.test(failure))
    return `Name the server as its certificate does, and look whether ${FILES.authority} here is that of this bus.`;
  if (/authorization|authentication/i.test(failure))
    return 'Bring the server the users.conf that "ctga fleet join" wrote, and reload it.';
  return 'See whether nats-server runs there and knows this member.';
}

function noConnection(): BusError {
  return new BusError('bus-unreachable', 'there is no connection to the bus');
}

function refused(error: unknown): BusError {
  if (error instanceof BusError) return error;
  const message = messageOf(error);
  return new BusError('bus-refused', `the bus: ${message}`, {
    remedy: remedyForRefusal(message),
    cause: error,
  });
}

/** By what the packages of NATS and its server say. */
function remedyForRefusal(failure: string): string | undefined {
  if (/max_payload/i.test(failure))
    return `Set max_payload in nats-server.conf on each server to 4096 more than batchBytes in ${FILES.roster}, and reload it.`;
  if (/message size exceeds/i.test(failure))
    return `Look at batchBytes in ${FILES.roster}: it has to be the same at all members. Collectors that are started again make room for it on the bus.`;
  if (/permission/i.test(failure))
    return `See whether this member has the same name and role in ${FILES.roster} here and in users.conf on the servers.`;
  return undefined;
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
    checkServerIdentity: (_, shown) => serverIdentityFault(host, shown),
  };
}
