// SPDX-License-Identifier: Apache-2.0
/**
 * Sends one alert when a condition begins and one message when it ends, over every channel,
 * whatever fails meanwhile: each message is in the store before it is sent, and stays there until
 * it has been delivered. While the store takes nothing, memory does (lasting.ts).
 */
import { backOff } from '../base/back-off.ts';
import { hasCome } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { isStoreFailure } from '../disk/error.ts';
import type { News, Tellers } from '../fleet/tellers.ts';
import { alertCounter, type AlertOutcome } from '../store/counters.ts';
import type { QueuedAlert } from '../store/alerts.ts';
import type { Store } from '../store/store.ts';
import { alertNow, type Alert, type Channel } from './channels.ts';
import { Conditions, type Condition, type WatchedStore } from './conditions.ts';
import { isCountOfFleet, isOfFleet } from './fleet-conditions.ts';
import { LastingAlerts } from './lasting.ts';

const RETRY = { first: 5_000, longest: 3_600_000 };
/** A week of attempts, whatever the clock says. Then the alerter drops the message and says so. */
const MOST_ATTEMPTS = 7 * 24 + Math.ceil(Math.log2(RETRY.longest / RETRY.first));

export interface AlerterOptions {
  readonly store: WatchedStore & Pick<Store, 'alerts'>;
  readonly channels: readonly Channel[];
  /** What a person is told to do, with commands as they have to be typed; as it is, if undefined. */
  readonly asTyped?: ((remedy: string) => string) | undefined;
  /** Who of the alerters of a fleet tells what concerns all of it; undefined: this one alone. */
  readonly tellers?: Pick<Tellers, 'claim' | 'maySend' | 'delivered'> | undefined;
  /** Called with a sentence for every delivery that failed and every message that was dropped. */
  readonly onFailure: (message: string) => void;
}

export class Alerter {
  readonly #options: AlerterOptions;
  #conditions: Conditions | undefined;
  /** As the store has them. */
  #notedCounts: ReadonlyMap<string, number> = new Map();
  readonly #alerts: LastingAlerts;
  /** What became of messages, by counter, as far as the store does not have it yet. */
  #outcomes: Record<string, number> = {};
  /** Names of the channels that are at work. */
  readonly #busy = new Set<string>();

  constructor(options: AlerterOptions) {
    this.#options = options;
    this.#alerts = new LastingAlerts(options.store.alerts);
  }

  /** Whether an alert whose key `matches` was raised and has not ended. */
  isRaised(matches: (key: string) => boolean): boolean {
    return this.#alerts.raised().some(({ key }) => matches(key));
  }

  /**
   * Looks for conditions once and then sends what is due. `now` is in ms since the epoch, `elapsed`
   * by the monotonic clock, and `others` are conditions that the store does not tell of, whose counts
   * the next alerter goes on from. Has looked when it returns, and resolves when every delivery has
   * been tried. It may be called again before that: a channel that is still at work is left alone.
   */
  async tick(
    now: number,
    elapsed: number,
    others: readonly Condition[] = [],
    otherCounts: ReadonlyMap<string, number> = new Map(),
  ): Promise<void> {
    this.#alerts.settle();
    this.#look(now, elapsed, others);
    this.#noteCounts(otherCounts);
    this.#writeOutcomes();
    const idle = this.#options.channels.filter(({ name }) => !this.#busy.has(name));
    await Promise.all(idle.map((channel) => this.#sendDue(channel, now)));
  }

  #count(channel: Channel, outcome: AlertOutcome): void {
    const name = alertCounter(channel.kind, outcome);
    this.#outcomes[name] = (this.#outcomes[name] ?? 0) + 1;
  }

  #writeOutcomes(): void {
    if (Object.keys(this.#outcomes).length === 0) return;
    this.#write(() => {
      this.#options.store.counters.add('alerter', this.#outcomes);
      this.#outcomes = {};
    });
  }

  /** After what grew was raised, and only if the store has that: or a crash would hide it. */
  #noteCounts(otherCounts: ReadonlyMap<string, number>): void {
    const counts = new Map([...(this.#conditions?.counts() ?? []), ...otherCounts]);
    const news = new Map([...counts].filter(([name, n]) => this.#notedCounts.get(name) !== n));
    if (news.size === 0 || !this.#alerts.isSettled()) return;
    this.#write(() => {
      this.#options.store.alerts.noteCounts(news);
      this.#notedCounts = counts;
    });
  }

  /** What the store does not take now it is given at the next look. */
  #write(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!isStoreFailure(error)) throw error;
    }
  }

  async #sendDue(channel: Channel, now: number): Promise<void> {
    this.#busy.add(channel.name);
    try {
      // In order, so that an alert comes before its end: a message that has to wait holds up those
      // behind it.
      // Read anew each time: what waits may have gone from memory to the store meanwhile.
      for (const sent = new Set<number>(); ;) {
        const [queued] = this.#alerts.outbox(channel.name);
        if (queued === undefined || sent.has(queued.id) || !hasCome(queued.due, now, RETRY.longest))
          break;
        sent.add(queued.id);
        if (!(await this.#deliver(channel, queued, now))) break;
      }
    } finally {
      this.#busy.delete(channel.name);
    }
  }

  #look(now: number, elapsed: number, others: readonly Condition[]): void {
    const { channels, asTyped = String, tellers } = this.#options;
    const found = this.#conditionsOf(now, elapsed);
    const present = new Map([...others, ...(found ?? [])].map((each) => [each.key, each]));
    const told = new Map(this.#alerts.raised().map((each) => [each.key, each]));
    const names = channels.map(({ name }) => name);
    // By nobody where another alerter of the fleet has told it; undefined: that is not known yet.
    const by = (key: string, event: News): readonly string[] | undefined => {
      if (tellers === undefined || !isOfFleet(key)) return names;
      const claim = tellers.claim(key, event);
      return claim === 'open' ? undefined : claim === 'ours' ? names : [];
    };
    for (const condition of present.values()) {
      const over = told.has(condition.key) ? undefined : by(condition.key, 'alert');
      if (over === undefined) continue;
      this.#alerts.raise(
        { key: condition.key, since: now, message: condition.message },
        JSON.stringify(alertNow('alert', { ...condition, remedy: asTyped(condition.remedy) }, now)),
        over,
      );
    }
    // What cannot be read may hold still.
    if (found === undefined) return;
    for (const { key, message } of told.values()) {
      const channelsOf = present.has(key) ? undefined : by(key, 'recovery');
      if (channelsOf === undefined) continue;
      const over = {
        key,
        severity: 'warning',
        message,
        remedy: 'You need not do anything.',
      } as const;
      this.#alerts.end(key, JSON.stringify(alertNow('recovery', over, now)), channelsOf, now);
    }
  }

  /** Returns whether the channel's next message may be sent. */
  async #deliver(
    channel: Channel,
    { id, body, attempts }: QueuedAlert,
    now: number,
  ): Promise<boolean> {
    const { onFailure, channels, tellers } = this.#options;
    const alert = JSON.parse(body) as Alert;
    const { key, event } = alert;
    const news = tellers === undefined || event === 'test' || !isOfFleet(key) ? undefined : event;
    // Right before it is sent: this process may have stood still since it was queued.
    const claim = news && tellers?.maySend(key, news);
    if (claim === 'open') return false;
    if (claim === 'told') {
      this.#alerts.dequeue(id);
      return true;
    }
    this.#alerts.send(id);
    try {
      await channel.send(alert);
    } catch (error) {
      if (attempts + 1 >= MOST_ATTEMPTS) {
        this.#count(channel, 'dropped');
        onFailure(`${channel.name}: dropped after ${attempts + 1} attempts: ${messageOf(error)}`);
        this.#alerts.dequeue(id);
        return true;
      }
      this.#count(channel, 'failed');
      const wait = backOff(RETRY, attempts + 1);
      this.#alerts.retryLater(id, now + wait);
      onFailure(
        `${channel.name}: ${messageOf(error)}; trying again in ${Math.round(wait / 1000)} s`,
      );
      return false;
    }
    this.#alerts.dequeue(id);
    // The journal wakes nobody, if there is anything else.
    const isSomebody =
      channel.kind !== 'journal' || channels.every(({ kind }) => kind === 'journal');
    if (news !== undefined && isSomebody) tellers?.delivered(key, news);
    this.#count(channel, 'delivered');
    return true;
  }

  /** Undefined where the store cannot be read. */
  #conditionsOf(now: number, elapsed: number): Condition[] | undefined {
    const { store } = this.#options;
    try {
      if (this.#conditions === undefined) {
        this.#notedCounts = store.alerts.lastCounts();
        const own = [...this.#notedCounts].filter(([name]) => !isCountOfFleet(name));
        this.#conditions = new Conditions(new Map(own));
      }
      return this.#conditions.present(store, now, elapsed);
    } catch (error) {
      if (!isStoreFailure(error)) throw error;
      return undefined;
    }
  }
}
