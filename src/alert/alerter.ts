/**
 * Tells of what is new and of what is over, once each, over every channel, whatever fails
 * meanwhile: what is to be sent is in the store before anything is, and stays there until it was.
 */
import { backOff } from '../base/back-off.ts';
import { hasCome } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { QueuedAlert } from '../store/alerts.ts';
import type { Store } from '../store/store.ts';
import { alertNow, type Alert, type Channel } from './channels.ts';
import { Conditions } from './conditions.ts';

const RETRY = { first: 5_000, longest: 3_600_000 };
/**
 * A week of them, whatever the clock says. Then whoever was to be told has other worries: it is
 * dropped, and that is said.
 */
const MOST_ATTEMPTS = 7 * 24 + Math.ceil(Math.log2(RETRY.longest / RETRY.first));

export interface AlerterOptions {
  readonly store: Store;
  readonly channels: readonly Channel[];
  /** Told of every delivery that failed, and of what was given up. */
  readonly onFailure: (message: string) => void;
}

export class Alerter {
  readonly #options: AlerterOptions;
  readonly #conditions = new Conditions();

  constructor(options: AlerterOptions) {
    this.#options = options;
  }

  /**
   * Looks once at `now` (ms since the epoch), which is `elapsed` by the monotonic clock, then sends
   * what is due. Resolves when all of that was tried.
   */
  async tick(now: number, elapsed: number): Promise<void> {
    this.#look(now, elapsed);
    await Promise.all(
      this.#options.channels.map(async (channel) => {
        // In order: an alert before its recovery. What waits for a failure to pass holds up what is
        // behind it.
        for (const queued of this.#options.store.alerts.outbox(channel.name)) {
          const isDue = hasCome(queued.due, now, RETRY.longest);
          if (!isDue || !(await this.#deliver(channel, queued, now))) break;
        }
      }),
    );
  }

  #look(now: number, elapsed: number): void {
    const { store, channels } = this.#options;
    const present = new Map(
      this.#conditions.present(store, now, elapsed).map((each) => [each.key, each]),
    );
    const told = new Map(store.alerts.raised().map((each) => [each.key, each]));
    const names = channels.map(({ name }) => name);
    for (const condition of present.values()) {
      if (told.has(condition.key)) continue;
      store.alerts.raise(
        { key: condition.key, since: now, message: condition.message },
        JSON.stringify(alertNow('alert', condition, now)),
        names,
      );
    }
    for (const { key, message } of told.values()) {
      if (present.has(key)) continue;
      const over = {
        key,
        severity: 'warning',
        message,
        remedy: 'Nothing need be done any more.',
      } as const;
      store.alerts.end(key, JSON.stringify(alertNow('recovery', over, now)), names, now);
    }
  }

  /** Returns whether it is out of the way. */
  async #deliver(
    channel: Channel,
    { id, body, attempts }: QueuedAlert,
    now: number,
  ): Promise<boolean> {
    const { store, onFailure } = this.#options;
    try {
      await channel.send(JSON.parse(body) as Alert);
      store.alerts.dequeue(id);
      return true;
    } catch (error) {
      if (attempts + 1 >= MOST_ATTEMPTS) {
        onFailure(`${channel.name}: given up after ${attempts + 1} tries: ${messageOf(error)}`);
        store.alerts.dequeue(id);
        return true;
      }
      const wait = backOff(RETRY, attempts + 1);
      store.alerts.retryLater(id, now + wait);
      onFailure(`${channel.name}: ${messageOf(error)}; again in ${Math.round(wait / 1000)} s`);
      return false;
    }
  }
}
