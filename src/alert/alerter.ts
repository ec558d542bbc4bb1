/**
 * Sends one alert when a condition begins and one message when it ends, over every channel,
 * whatever fails meanwhile: each message is in the store before it is sent, and stays there until
 * it has been delivered.
 */
import { backOff } from '../base/back-off.ts';
import { hasCome } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { QueuedAlert } from '../store/alerts.ts';
import type { Store } from '../store/store.ts';
import { alertNow, type Alert, type Channel } from './channels.ts';
import { Conditions, type WatchedStore } from './conditions.ts';

const RETRY = { first: 5_000, longest: 3_600_000 };
/** A week of attempts, whatever the clock says. Then the alerter drops the message and says so. */
const MOST_ATTEMPTS = 7 * 24 + Math.ceil(Math.log2(RETRY.longest / RETRY.first));

export interface AlerterOptions {
  readonly store: WatchedStore & Pick<Store, 'alerts'>;
  readonly channels: readonly Channel[];
  /** Called with a sentence for every delivery that failed and every message that was dropped. */
  readonly onFailure: (message: string) => void;
}

export class Alerter {
  readonly #options: AlerterOptions;
  readonly #conditions = new Conditions();

  constructor(options: AlerterOptions) {
    this.#options = options;
  }

  /**
   * Looks for conditions once and then sends what is due. `now` is in ms since the epoch, `elapsed`
   * by the monotonic clock. Resolves when every delivery has been tried.
   */
  async tick(now: number, elapsed: number): Promise<void> {
    this.#look(now, elapsed);
    await Promise.all(
      this.#options.channels.map(async (channel) => {
        // In order, so that an alert comes before its end: a message that has to wait holds up
        // those behind it.
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
        remedy: 'You need not do anything.',
      } as const;
      store.alerts.end(key, JSON.stringify(alertNow('recovery', over, now)), names, now);
    }
  }

  /** Returns whether the channel's next message may be sent. */
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
        onFailure(`${channel.name}: dropped after ${attempts + 1} attempts: ${messageOf(error)}`);
        store.alerts.dequeue(id);
        return true;
      }
      const wait = backOff(RETRY, attempts + 1);
      store.alerts.retryLater(id, now + wait);
      onFailure(
        `${channel.name}: ${messageOf(error)}; trying again in ${Math.round(wait / 1000)} s`,
      );
      return false;
    }
  }
}
