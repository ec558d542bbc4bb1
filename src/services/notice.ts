/** What a service manager is told: sd_notify(3). Nothing where none asked to be. */
import { addon } from '../native/addon.ts';

export class ServiceNotice {
  readonly #watchdog: NodeJS.Timeout | undefined;

  /**
   * Ready from now on; and alive, as often as the manager wants to hear it, while this process's
   * events go on.
   */
  constructor(status: string) {
    if (process.env['NOTIFY_SOCKET'] === undefined) return;
    addon().notifyService(`READY=1\nSTATUS=${status.replaceAll('\n', ' ')}`);
    const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = process.env;
    if (microseconds === undefined || (pid !== undefined && Number(pid) !== process.pid)) return;
    // Half of it, as sd_watchdog_enabled(3) advises.
    this.#watchdog = setInterval(
      () => void addon().notifyService('WATCHDOG=1'),
      Number(microseconds) / 2000,
    ).unref();
  }

  /** The end has begun, which may take a moment. */
  stopping(): void {
    clearInterval(this.#watchdog);
    if (process.env['NOTIFY_SOCKET'] !== undefined) addon().notifyService('STOPPING=1');
  }
}
