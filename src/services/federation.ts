// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga federation run` as a service: a member of a federation beside a state directory, of which it
 * reads what the challenger was shown by the logs (mirror.sqlite) and the evidence, and nothing else.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { badInput, messageOf } from '../base/errors.ts';
import { aborted } from '../base/stop-signals.ts';
import { makeReserve } from '../disk/reserve.ts';
import { whileWhole } from '../disk/sqlite-file.ts';
import { parseEvidence } from '../evidence/bundle.ts';
import { textsIn } from '../evidence/directory.ts';
import { verifyEvidence } from '../evidence/verify.ts';
import { isEvidence, writeEvidence } from '../evidence/write.ts';
import { Authorities, observeBoth } from '../federation/authorities.ts';
import { hex } from '../federation/bytes.ts';
import { cosignAll, goodCosignatures } from '../federation/cosignatures.ts';
import { federationEvidenceIn, federationIn } from '../federation/directory.ts';
import { FoundByFollowing } from '../federation/found.ts';
import { readKeys } from '../federation/keys.ts';
import { Member, type Input, type Output, type Peer } from '../federation/member.ts';
import { FederationMetrics } from '../federation/metrics.ts';
import { Peers } from '../federation/peers.ts';
import { parseSignedRoster, successor, type Roster } from '../federation/roster.ts';
import { policyOf, updateOf } from '../federation/serve.ts';
import { FederationServer } from '../federation/server.ts';
import { FederationStore } from '../federation/store.ts';
import { certificateOf } from '../federation/tls.ts';
import { formatUpdate } from '../federation/update.ts';
import { HashStore } from '../follow/hash-store.ts';
import type { ProxyAddress } from '../http/proxy-address.ts';
import { openIdentity } from '../http/proxy.ts';
import { directWay } from '../http/request.ts';
import type { Log } from '../logs/log.ts';
import type { State } from '../store/state.ts';
import { ServiceNotice } from './notice.ts';
import { becomeFederation, type BecomeAccount } from './privileges.ts';

export type FederationEvent =
  | { readonly event: 'listening'; readonly url: string; readonly member: string }
  | { readonly event: 'stated'; readonly period: number; readonly statements: number }
  | { readonly event: 'accused'; readonly log: string; readonly period: number }
  | { readonly event: 'convicted'; readonly log: string; readonly evidence: string }
  | { readonly event: 'contradicted'; readonly member: string; readonly period: number }
  | { readonly event: 'roster'; readonly epoch: number; readonly start: number }
  | { readonly event: 'disagreement'; readonly period: number }
  | { readonly event: 'unreachable'; readonly member: string; readonly message: string }
  | { readonly event: 'reachable'; readonly member: string }
  | { readonly event: 'failed'; readonly message: string };

export interface FederationServiceOptions {
  readonly state: State;
  readonly address: string;
  readonly port: number;
  readonly logs: readonly Log[];
  /** Certificate authorities that publish what they revoked (parseAuthorities). */
  readonly authorities?: readonly Log[];
  /** To the other members and to authorities; undefined: directly. */
  readonly proxy: ProxyAddress | undefined;
  /** As root: the account to become; undefined for the usual one. */
  readonly user: string | undefined;
  readonly onEvent: (event: FederationEvent) => void;
}

/** How often own evidence is looked for, and contradictions are proven. */
const LOOK_MS = 5000;
const MAX_EVIDENCE_FILES = 4096;
const AUTHORITY_DEADLINE_MS = 30_000;
/** Of Node's timers. */
const MAX_SLEEP_MS = 60_000;

/** The rosters of a member's store, each in force. Throws CtgaError where there is none. */
export function rostersIn(store: Pick<FederationStore, 'rosters'>): Roster[] {
  const rosters: Roster[] = [];
  for (const text of store.rosters())
    rosters.push(successor(rosters.at(-1), parseSignedRoster(text, 'federation.sqlite')));
  if (rosters.length === 0)
    throw badInput(
      'this member has no roster yet',
      'When all have signed the first one: ctga federation join ROSTER',
    );
  return rosters;
}

/**
 * Gives up root, and takes part in the federation until `stop` is aborted. Rejects with CtgaError if
 * it cannot become the account, cannot listen, or has no keys or no roster, and with StoreError if
 * its store turns out damaged.
 */
export async function runFederation(
  options: FederationServiceOptions,
  stop: AbortSignal,
  becomeAccount: BecomeAccount = becomeFederation,
): Promise<void> {
  const { state, user } = options;
  becomeAccount(state, user);
  const directory = federationIn(state.directory);
  const keys = readKeys(directory);
  const store = FederationStore.open(directory);
  try {
    makeReserve(directory);
    const running = new Running(options, keys, store, rostersIn(store));
    await whileWhole(store, stop, (end) => running.run(end));
  } finally {
    store.close();
  }
}

class Running {
  readonly #options: FederationServiceOptions;
  readonly #keys: ReturnType<typeof readKeys>;
  readonly #store: FederationStore;
  readonly #logs: ReadonlyMap<string, Log>;
  /** And the authorities: whatever can be convicted. */
  readonly #known: ReadonlyMap<string, Log>;
  readonly #found: FoundByFollowing;
  readonly #authorities: Authorities;
  readonly #mute = new Set<Log>();
  readonly #member: Member;
  readonly #peers: Peers;
  readonly #metrics: FederationMetrics;
  readonly #certificate: string;
  readonly #privateKey: string;
  readonly #unreachable = new Set<Peer>();
  readonly #seenEvidence = new Set<string>();
  #hashes: HashStore | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(
    options: FederationServiceOptions,
    keys: ReturnType<typeof readKeys>,
    store: FederationStore,
    rosters: readonly Roster[],
  ) {
    this.#options = options;
    this.#keys = keys;
    this.#store = store;
    this.#logs = new Map(options.logs.map((log) => [hex(log.key.logId), log]));
    const hashes = (): HashStore | undefined =>
      (this.#hashes ??= HashStore.openForReading(options.state.directory));
    const { authorities = [] } = options;
    this.#known = new Map(
      [...authorities, ...options.logs].map((each) => [hex(each.key.logId), each]),
    );
    this.#found = new FoundByFollowing(hashes, this.#logs, Date.now);
    const length = (rosters.at(-1)?.body.period ?? 0) * 1000;
    this.#authorities = new Authorities(authorities, length, Date.now);
    const { key, name } = keys.member;
    this.#member = new Member({
      rosters,
      key,
      signer: keys.signer,
      observer: observeBoth(this.#found, this.#authorities),
      convicts: (bundle) => this.#convicts(bundle),
      goodCosignatures: (member, stated, bytes) =>
        goodCosignatures(member, stated, this.#logs, bytes),
      store,
      random: Math.random,
    });
    this.#certificate = certificateOf(name, key, keys.privateKey);
    this.#privateKey = keys.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    this.#metrics = new FederationMetrics(() => this.#figures());
    const newest = this.#member.newestRoster.body;
    this.#peers = new Peers({
      certificate: this.#certificate,
      privateKey: this.#privateKey,
      proxy: options.proxy,
      deadline: Math.max(10_000, 4 * newest.patience),
      onSent: (peer, bytes) => this.#sent(peer, bytes),
      onFailure: (peer, error) => this.#failed(peer, error),
    });
    this.#setPeers();
  }

  async run(stop: AbortSignal): Promise<void> {
    const { address, port, onEvent } = this.#options;
    const server = await FederationServer.start({
      address,
      port,
      certificate: this.#certificate,
      privateKey: this.#privateKey,
      isPeer: (peer) => this.#nameOf(peer) !== undefined,
      onMessage: (peer, bytes) => {
        this.#metrics.countBytes(this.#nameOf(peer) ?? 'other', 'received', bytes.length);
        this.#give({ kind: 'message', peer, bytes });
      },
      version: () => `${this.#member.version} ${currentPeriod(this.#member.newestRoster)}`,
      update: () => this.#update(),
      policy: (keys) => policyOf(this.#member.newestRoster, this.#followed(), keys),
      metrics: this.#metrics,
      onError: (error) => this.#fail(error),
    });
    try {
      const { url } = server.at;
      onEvent({ event: 'listening', url, member: this.#keys.member.name });
      const notice = new ServiceNotice(`at ${url}`);
      this.#give({ kind: 'time' });
      const working = [this.#look(stop), this.#askAuthorities(stop)];
      await aborted(stop);
      notice.stopping();
      await Promise.all(working);
    } finally {
      this.#isOver = true;
      clearTimeout(this.#timer);
      this.#peers.close();
      await server.stop();
      this.#hashes?.close();
    }
  }

  #give(input: Input): void {
    if (this.#isOver) return;
    try {
      for (const output of this.#member.handle(input, Date.now())) this.#follow(output);
    } catch (error) {
      // A disk that is full, for one: nothing that was not kept was sent.
      this.#fail(error);
    }
    this.#wake();
  }

  #wake(): void {
    clearTimeout(this.#timer);
    const wait = Math.min(MAX_SLEEP_MS, Math.max(1, this.#member.wakeAt - Date.now()));
    this.#timer = setTimeout(() => this.#give({ kind: 'time' }), wait);
  }

  #follow(output: Output): void {
    const { onEvent } = this.#options;
    switch (output.kind) {
      case 'send':
        return this.#peers.send(output.peer, output.bytes);
      case 'certified': {
        const { certificate, stated } = output;
        const { period } = certificate;
        onEvent({ event: 'stated', period, statements: stated.length });
        for (const { statement } of stated)
          if (statement.kind === 'accusation')
            onEvent({ event: 'accused', log: this.#describe(statement.id), period });
        // Behind what others wait for.
        setImmediate(() => this.#cosign(period));
        return;
      }
      case 'convicted':
        return this.#convict(output.id, output.bytes);
      case 'fault':
        return onEvent({
          event: 'contradicted',
          member: this.#nameOf(output.member) ?? output.member,
          period: output.fault.period,
        });
      case 'roster': {
        this.#setPeers();
        const { epoch, start } = output.roster.body;
        return onEvent({ event: 'roster', epoch, start });
      }
      case 'disagreement':
        return onEvent({ event: 'disagreement', period: output.certificates[0].period });
    }
  }

  #cosign(period: number): void {
    const roster = this.#member.rosterAt(period);
    if (this.#isOver || roster.indexOf(this.#keys.member.key) < 0) return;
    // One's own challenger has seen it: what others stated without oneself is theirs.
    const own = this.#member.stated(period).filter((item) => this.#found.judge(item) === 'stated');
    if (own.length === 0 || period < currentPeriod(roster) - 1) return;
    const time = BigInt(Math.floor(Date.now() / 1000));
    const bytes = cosignAll(own, this.#logs, this.#keys.cosigners, time);
    this.#give({ kind: 'cosigned', period, bytes });
  }

  /** The log that a bundle convicts, if it is one that is known here. */
  #convicts(bundle: Uint8Array): Uint8Array | undefined {
    try {
      const evidence = parseEvidence(Buffer.from(bundle).toString('utf8'), 'evidence');
      const { logId } = evidence.log;
      const holds =
        this.#known.has(hex(logId)) && verifyEvidence(evidence).every((each) => each.holds);
      return holds ? logId : undefined;
    } catch {
      return undefined;
    }
  }

  #convict(id: Uint8Array, bytes: Uint8Array): void {
    const { state, onEvent } = this.#options;
    const text = Buffer.from(bytes).toString('utf8');
    this.#seenEvidence.add(text);
    try {
      const evidence = writeEvidence(
        federationEvidenceIn(state.directory),
        parseEvidence(text, 'evidence'),
      );
      onEvent({ event: 'convicted', log: this.#describe(id), evidence });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Takes in evidence of this machine, and proves what contradicts what it was shown. */
  async #look(stop: AbortSignal): Promise<void> {
    const { state } = this.#options;
    while (!stop.aborted) {
      try {
        const texts = [
          ...textsIn(state.evidence, MAX_EVIDENCE_FILES),
          ...(await this.#found.convictions()),
          ...this.#authorities.convictions(),
        ];
        for (const text of texts) {
          if (this.#seenEvidence.has(text)) continue;
          this.#seenEvidence.add(text);
          if (isEvidence(text))
            this.#give({ kind: 'evidence', bytes: new Uint8Array(Buffer.from(text)) });
        }
      } catch (error) {
        this.#fail(error);
      }
      this.#takeNewRosters();
      await sleep(LOOK_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  /** Each about once a period, over a way of its own. What is wrong with one is said once. */
  async #askAuthorities(stop: AbortSignal): Promise<void> {
    const { proxy } = this.#options;
    const http = { allowPrivateAddress: true, deadline: AUTHORITY_DEADLINE_MS };
    const ask = async (authority: Log): Promise<void> => {
      const way = proxy === undefined ? directWay(http) : openIdentity(proxy, http);
      const stopped = (): void => way.close();
      stop.addEventListener('abort', stopped);
      try {
        await this.#authorities.ask(authority, way.fetch);
        this.#mute.delete(authority);
      } catch (error) {
        if (stop.aborted || this.#mute.has(authority)) return;
        this.#mute.add(authority);
        this.#fail(new Error(`${authority.url}: ${messageOf(error)}`));
      } finally {
        stop.removeEventListener('abort', stopped);
        way.close();
      }
    };
    while (!stop.aborted && this.#authorities.all.length > 0) {
      await Promise.all(this.#authorities.all.map(ask));
      const { period } = this.#member.newestRoster.body;
      const wait = Math.min(MAX_SLEEP_MS, period * 1000) * (0.7 + 0.2 * Math.random());
      await sleep(wait, undefined, { signal: stop }).catch(() => undefined);
    }
  }

  /** That `ctga federation join` has put into the store meanwhile. */
  #takeNewRosters(): void {
    const { epoch } = this.#member.newestRoster.body;
    const text = this.#store.pendingRoster(epoch + 1);
    if (text === undefined) return;
    try {
      this.#give({ kind: 'roster', signed: parseSignedRoster(text, 'a roster') });
    } catch (error) {
      this.#fail(error);
    }
  }

  #update(): string {
    const rosters = this.#store.rosters().map((text) => parseSignedRoster(text, 'a roster'));
    const period = currentPeriod(this.#member.newestRoster);
    return formatUpdate(updateOf(this.#member, rosters, this.#logs, period));
  }

  #followed(): Log[] {
    const ids = this.#member.latest().map(({ item }) => hex(item.statement.id));
    return ids.flatMap((id) => this.#logs.get(id) ?? []);
  }

  #figures(): ReturnType<ConstructorParameters<typeof FederationMetrics>[0]> {
    const latest = this.#member.latest();
    const { period } = this.#member.newestRoster.body;
    return {
      statedAt: Math.max(0, ...latest.map((each) => each.period)) * period,
      statements: latest.length,
      accused: latest.filter(({ item }) => item.statement.kind === 'accusation').length,
      convicted: this.#member.evidence().size,
      faulty: this.#member.faulty.size,
    };
  }

  #setPeers(): void {
    const { newestRoster } = this.#member;
    const now = this.#member.rosterAt(currentPeriod(newestRoster));
    const all = [...newestRoster.body.members, ...now.body.members];
    const mine = hex(this.#keys.member.key);
    const byKey = new Map(all.toReversed().map((member) => [hex(member.key), member]));
    byKey.delete(mine);
    this.#peers.set([...byKey.values()]);
  }

  #nameOf(peer: Peer): string | undefined {
    const { newestRoster } = this.#member;
    const rosters = [newestRoster, this.#member.rosterAt(currentPeriod(newestRoster))];
    return rosters.flatMap(({ body }) => body.members).find(({ key }) => hex(key) === peer)?.name;
  }

  #describe(id: Uint8Array): string {
    return this.#known.get(hex(id))?.description ?? hex(id);
  }

  #sent(peer: Peer, bytes: number): void {
    const member = this.#nameOf(peer) ?? 'other';
    this.#metrics.countBytes(member, 'sent', bytes);
    if (this.#unreachable.delete(peer)) this.#options.onEvent({ event: 'reachable', member });
  }

  /** Said once, until it is reached again. */
  #failed(peer: Peer, error: unknown): void {
    const member = this.#nameOf(peer) ?? 'other';
    this.#metrics.countFailure(member);
    if (this.#unreachable.has(peer)) return;
    this.#unreachable.add(peer);
    this.#options.onEvent({ event: 'unreachable', member, message: messageOf(error) });
  }

  #fail(error: unknown): void {
    this.#options.onEvent({ event: 'failed', message: messageOf(error) });
  }
}

function currentPeriod({ body }: Roster): number {
  return Math.floor(Date.now() / (1000 * body.period));
}
