// SPDX-License-Identifier: Apache-2.0
/**
 * CTng's four programs, each with the endpoints, times and files of the Go programs: a gossiper
 * (gossip/gossiper.go), a monitor (monitor/monitor-server.go), and the loggers and CAs of the local
 * network (testData/fakeLogger, testData/fakeCA).
 */
import { lookup } from 'node:dns/promises';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { makeDirectory } from '../disk/directory.ts';
import { temporaryOf, writeDurably } from '../disk/write.ts';
import { directWay, type Way } from '../http/request.ts';
import { Refused } from '../http/serving.ts';
import type { GossiperConfig, MonitorConfig } from './config.ts';
import { signaturesBy } from './crypto.ts';
import { objectIn, Outbox, startEndpoint, Turns, type Answer, type Route } from './endpoint.ts';
import { answersOf, type EntityOptions } from './entities.ts';
import { writeGo } from './go-json.ts';
import { Gossiper, type Counters, type Outcome } from './gossiper.ts';
import { decodeQuery, isFull, Monitor, MONITOR_FILES, type FullType } from './monitor.ts';
import {
  decodeObject,
  decodeObjects,
  encodeObject,
  encodeObjects,
  TYPES,
  type GossipObject,
  type TypeName,
} from './object.ts';
import type { Periods } from './periods.ts';

export type NodeEvent =
  | { readonly event: 'listening'; readonly node: string }
  /** An object that is new here. */
  | {
      readonly event: 'took';
      readonly node: string;
      readonly type: TypeName;
      readonly about: string;
      readonly signer: string;
      readonly period: string;
    }
  | {
      readonly event: 'refused';
      readonly node: string;
      readonly type: string;
      readonly why: string;
    }
  | { readonly event: 'peer'; readonly node: string; readonly peer: string; readonly why: string }
  | { readonly event: 'counters'; readonly node: string; readonly counters: Counters }
  | {
      readonly event: 'accused';
      readonly node: string;
      readonly entity: string;
      readonly why: string;
    }
  | { readonly event: 'asked'; readonly node: string; readonly period: string }
  | { readonly event: 'failed'; readonly node: string; readonly why: string };

export interface Common {
  readonly periods: Periods;
  readonly onEvent: (event: NodeEvent) => void;
}

export interface Running {
  readonly stop: () => Promise<void>;
}

/** Whoever is asked or told is near, or does not matter for long: a period is a minute. */
const DEADLINE_MS = 5000;
const ENTITY_PATHS = { logger: '/ctng/v2/get-sth', ca: '/ctng/v2/get-revocation' } as const;
/** So long a peer waits for what became of its object: a Go program does nothing else meanwhile. */
const PATIENCE_MS = 100;
const EMPTY: Answer = { body: '' };
const CONVICTIONS = 'CONFLICT_POM.json';

/** Where the Go programs keep the files of a gossiper or a monitor, below the working directory. */
export function storageOf(kind: 'gossiper' | 'monitor', id: string): string {
  return join('testData', `${kind}data`, id);
}

/**
 * Makes the directory. Throws the system's error if this account may not write in it: what convicts
 * would be lost later.
 */
function claim(directory: string): void {
  makeDirectory(directory);
  const probe = temporaryOf(join(directory, 'probe'));
  closeSync(openSync(probe, 'w'));
  rmSync(probe);
}

export async function startGossiper(
  config: GossiperConfig,
  directory: string,
  { periods, onEvent }: Common,
): Promise<Running> {
  const node = new Node(config.keys.self, periods, onEvent);
  const peers = config.peers.map((peer) => node.outbox(peer, '/gossip/push-data'));
  const owner = node.outbox(config.owner, '/monitor/recieve-gossip-from-gossiper');
  const log = new Map<string, Counters>();
  const convictions = join(directory, CONVICTIONS);
  const gossiper = new Gossiper({
    signatures: signaturesBy(config.keys),
    periods,
    later: (work) => node.later(config.gossipWait * 1000, work),
    gossip: (object) => {
      const text = encodeObject(object);
      for (const peer of peers) peer.tell(text);
    },
    toOwner: (object) => {
      owner.tell(encodeObject(object));
      if (object.type === 'CON_FULL') saveConvictions();
    },
  });
  const saveConvictions = (): void =>
    node.trying(() => writeDurably(convictions, encodeObjects(gossiper.convictions())));
  const saveCounters = (): void =>
    node.trying(() => {
      const counters = gossiper.counters();
      log.set(counters.Period, counters);
      onEvent({ event: 'counters', node: node.self, counters });
      const fields = new Map([...log].map(([period, each]) => [period, { ...each }]));
      writeDurably(join(directory, 'GossipStorage.Json'), writeGo(fields, true));
    });
  claim(directory);
  for (const object of node.restored(convictions)) node.kept(gossiper.restore(object), object);
  const take: Route = {
    method: 'POST',
    answer: (body, request) => node.take(body, request, (object) => gossiper.take(object)),
  };
  await node.listen(config.port, {
    '/gossip': {
      method: 'GET',
      answer: () => ({ body: 'Welcome to the base page for the CTng gossiper.' }),
    },
    '/gossip/push-data': take,
    '/gossip/gossip-data': take,
  });
  saveCounters();
  // In the middle of a period nothing is under way. The Go programs do it whenever they began.
  node.every(0.5, config.mmd, () => {
    saveCounters();
    gossiper.wipe();
  });
  return { stop: () => node.stop() };
}

export async function startMonitor(
  config: MonitorConfig,
  directory: string,
  { periods, onEvent }: Common,
  startAt: 'next period' | 'once' = 'next period',
): Promise<Running> {
  const node = new Node(config.keys.self, periods, onEvent);
  const { self } = node;
  const signatures = signaturesBy(config.keys);
  const monitor = new Monitor(signatures, periods);
  const gossiper = node.outbox(config.gossiper, '/gossip/gossip-data');
  const tell = (object: GossipObject): void => gossiper.tell(encodeObject(object));
  const fileOf = (type: FullType): string => join(directory, MONITOR_FILES[type]);
  const types = Object.keys(MONITOR_FILES) as FullType[];
  const save = (...which: FullType[]): void =>
    node.trying(() => {
      for (const type of which) writeDurably(fileOf(type), encodeObjects(monitor.list(type)));
    });
  const take = (object: GossipObject): Outcome => {
    const outcome = monitor.take(object);
    if (outcome.kind === 'new' && isFull(object.type)) save(object.type);
    return outcome;
  };

  /** Tells what the entity states, or gives the accusation of it. */
  const ask = async (kind: 'logger' | 'ca', entity: string): Promise<GossipObject | undefined> => {
    if (monitor.hasPom(entity)) return undefined;
    let why: string | undefined;
    try {
      const { status, body } = await node.fetch(`http://${entity}${ENTITY_PATHS[kind]}`, {
        maxBytes: 2 ** 20,
      });
      if (status !== 200) throw new RangeError(`answers with status ${status}`);
      const object = decodeObject(body.toString());
      const type = kind === 'logger' ? 'STH' : 'REV';
      if (object.type !== type) why = `answers with ${object.type}, want ${type}`;
      else if (object.signer !== entity) why = `answers with what ${object.signer} signed`;
      else if (!periods.isNear(object.period))
        why = `answers for period ${object.period}, and now is ${periods.current}`;
      else why = signatures.fault(object);
      if (why === undefined) {
        tell(object);
        return undefined;
      }
    } catch (error) {
      why = error instanceof SyntaxError ? 'answers with no JSON' : messageOf(error);
    }
    if (node.isStopped || monitor.hasPom(entity)) return undefined;
    onEvent({ event: 'accused', node: self, entity, why });
    return monitor.accusation(entity);
  };
  const work = (): void => {
    onEvent({ event: 'asked', node: self, period: String(periods.current) });
    const asked = [
      ...config.loggers.map((logger) => ask('logger', logger)),
      ...config.cas.map((ca) => ask('ca', ca)),
    ];
    // What was stated goes first: a Go gossiper takes one object after the other, and has to hear of
    // a conflict before it signs.
    void Promise.all(asked).then((accusations) => {
      for (const accusation of accusations) if (accusation !== undefined) tell(accusation);
    });
    monitor.wipe();
    save(...types);
  };

  claim(directory);
  for (const type of types)
    for (const object of node.restored(fileOf(type))) node.kept(monitor.restore(object), object);
  save(...types);
  await node.listen(config.port, {
    '/monitor/recieve-gossip-from-gossiper': {
      method: 'POST',
      answer: (body, request) => node.take(body, request, take),
    },
    '/monitor/recieve-gossip': {
      method: 'POST',
      answer: (body, request) =>
        node.take(body, request, (object) => {
          const { type, signer } = object;
          const isFrom =
            (type === 'STH' && config.allLoggers.includes(signer)) ||
            (type === 'REV' && config.allCas.includes(signer));
          if (!isFrom) return take(object);
          const fault = signatures.fault(object);
          if (fault !== undefined) return { kind: 'refused', reason: fault };
          tell(object);
          return { kind: 'new' };
        }),
    },
    '/monitor/get-updates': {
      method: 'POST',
      answer: async (body, request) => {
        const { client, since } = queryIn(body);
        const update = monitor.update(since);
        // Not to whomever somebody names: a client has its update sent to itself.
        if (await isOf(request, client))
          node.fetch(`http://${client}/receive-updates`, { post: update }).catch(() => undefined);
        return { body: update, type: 'application/json' };
      },
    },
    // The Go programs' does nothing either.
    '/monitor/checkforme': { method: 'POST', answer: () => EMPTY },
  });
  if (startAt === 'once') work();
  node.every(0, config.mmd, work);
  return { stop: () => node.stop() };
}

export async function startEntity(options: EntityOptions, { onEvent }: Common): Promise<Running> {
  const { kind, config, periods } = options;
  const node = new Node(config.signer, periods, onEvent);
  const answer = answersOf(options);
  await node.listen(config.port, {
    [ENTITY_PATHS[kind]]: {
      method: 'GET',
      answer: () => {
        onEvent({ event: 'asked', node: node.self, period: String(periods.current) });
        const object = answer();
        return object === undefined ? EMPTY : { body: `${encodeObject(object)}\n` };
      },
    },
  });
  return { stop: () => node.stop() };
}

/** What all of them do. */
class Node {
  readonly self: string;
  isStopped = false;
  readonly #periods: Periods;
  readonly #onEvent: (event: NodeEvent) => void;
  readonly #way: Way = directWay({ allowPrivateAddress: true, deadline: DEADLINE_MS });
  readonly #outboxes: Outbox[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #turns = new Turns();
  #endpoint: Running | undefined;

  constructor(self: string, periods: Periods, onEvent: (event: NodeEvent) => void) {
    this.self = self;
    this.#periods = periods;
    this.#onEvent = onEvent;
  }

  get fetch(): Way['fetch'] {
    return this.#way.fetch;
  }

  outbox(peer: string, path: string): Outbox {
    const outbox = new Outbox(`http://${peer}${path}`, this.fetch, (isReached, why) => {
      if (this.isStopped) return;
      this.#onEvent({ event: 'peer', node: this.self, peer, why: isReached ? '' : why });
    });
    this.#outboxes.push(outbox);
    return outbox;
  }

  async listen(port: number, routes: Readonly<Record<string, Route>>): Promise<void> {
    this.#endpoint = await startEndpoint({ self: this.self, port }, routes, (error) =>
      this.#fail(error),
    );
    this.#onEvent({ event: 'listening', node: this.self });
  }

  /** Has an object that came checked when it is its sender's turn, and answers what became of it. */
  async take(
    body: string,
    request: IncomingMessage,
    take: (object: GossipObject) => Outcome,
  ): Promise<Answer> {
    const object = objectIn(body);
    const { type, period, signer, payload } = object;
    const taken = (): Outcome => {
      const outcome = take(object);
      if (outcome.kind === 'new')
        this.#onEvent({ event: 'took', node: this.self, type, about: payload[0], signer, period });
      if (outcome.kind === 'refused')
        this.#onEvent({ event: 'refused', node: this.self, type, why: outcome.reason });
      return outcome;
    };
    // What is signed with RSA is checked within a tenth of a millisecond, and need not wait.
    const outcome = TYPES[type].startsWith('1')
      ? taken()
      : await atMost(
          PATIENCE_MS,
          this.#turns.run(request.socket.remoteAddress ?? '', body.length, taken),
        );
    if (outcome === undefined) return { body: 'The object waits to be checked.\n' };
    switch (outcome.kind) {
      case 'new':
        return EMPTY;
      case 'known':
        return { body: 'Gossip object already stored.\n' };
      case 'late':
        return { body: 'There is a proof of misbehaviour against whom it is about.\n' };
      case 'refused':
        return { body: `The object ${outcome.reason}.\n` };
    }
  }

  /** Does the work after so many milliseconds, unless the node has been stopped by then. */
  later(milliseconds: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.trying(work);
    }, milliseconds);
    this.#timers.add(timer);
  }

  /** Does the work at this share of a period, and then every `seconds`. */
  every(share: number, seconds: number, work: () => void): void {
    const rounds = (seconds * 1000) / this.#periods.length;
    const wait = (every: number): void => {
      const due = this.#periods.now + this.#periods.until(share, every);
      const whenDue = (): void => {
        // A timer may be a little early, and then it would still be the period before.
        const early = due - this.#periods.now;
        if (early > 0) return this.later(early, whenDue);
        wait(rounds);
        work();
      };
      this.later(due - this.#periods.now, whenDue);
    };
    wait(1);
  }

  /** Does what may fail without anybody outside being at fault: then it is said. */
  trying(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * What is in a file of objects, which may not be there. Throws the system's error if it cannot be
   * read: it would be replaced by an empty one.
   */
  restored(file: string): GossipObject[] {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    try {
      return decodeObjects(text || '[]');
    } catch (error) {
      this.#fail(new Error(`${file}: ${messageOf(error)}; it is begun anew`, { cause: error }));
      return [];
    }
  }

  /** Says of an object that was in a file why it does not count, if it does not. */
  kept(fault: string | undefined, { type, payload }: GossipObject): void {
    if (fault !== undefined)
      this.#fail(new Error(`a stored ${type} about ${payload[0]} ${fault}; it is left out`));
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const outbox of this.#outboxes) outbox.close();
    this.#turns.close();
    this.#way.close();
    await this.#endpoint?.stop();
  }

  #fail(error: unknown): void {
    this.#onEvent({ event: 'failed', node: this.self, why: messageOf(error) });
  }
}

/** Resolves to undefined if it takes longer; what it fails with later is of no interest. */
async function atMost<T>(milliseconds: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  work.catch(() => undefined);
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function queryIn(body: string): ReturnType<typeof decodeQuery> {
  try {
    return decodeQuery(body);
  } catch (error) {
    if (error instanceof SyntaxError) throw new Refused(400, 'The body is no JSON.');
    if (error instanceof RangeError) throw new Refused(400, `${error.message}.`);
    throw error;
  }
}

/** Whether a request comes from where `host` (with a port) is. */
async function isOf(request: IncomingMessage, host: string): Promise<boolean> {
  if (!URL.canParse(`http://${host}`) || /[/?#@\s]/.test(host)) return false;
  const { hostname } = new URL(`http://${host}`);
  const from = request.socket.remoteAddress?.replace(/^::ffff:/, '');
  try {
    const found = await lookup(hostname.replace(/^\[|\]$/g, ''), { all: true });
    return found.some(({ address }) => address === from);
  } catch {
    return false;
  }
}
