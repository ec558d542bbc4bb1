// SPDX-License-Identifier: Apache-2.0
/**
 * Tells the service manager how this process stands (sd_notify(3)), if one asked for that by
 * setting NOTIFY_SOCKET.
 */
import { clean } from '../base/clean.ts';
import { addon } from '../native/addon.ts';

export class ServiceNotice {
  readonly #watchdog: NodeJS.Timeout | undefined;

  /**
   * Says that the process is ready, with a status of one line. If the manager wants to hear that
   * the process is alive (WATCHDOG_USEC), says so from then on, for as long as the event loop
   * turns.
   */
  constructor(status: string) {
    if (process.env['NOTIFY_SOCKET'] === undefined) return;
    addon().notifyService(`READY=1\nSTATUS=${clean(status)}`);
    const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = process.env;
    if (microseconds === undefined || (pid !== undefined && Number(pid) !== process.pid)) return;
    // Twice in each interval, as sd_watchdog_enabled(3) advises.
    this.#watchdog = setInterval(
      () => void addon().notifyService('WATCHDOG=1'),
      Number(microseconds) / 2000,
    ).unref();
  }

  /** Says that the process is ending, which may take a moment. */
  stopping(): void {
    clearInterval(this.#watchdog);
    if (process.env['NOTIFY_SOCKET'] !== undefined) addon().notifyService('STOPPING=1');
  }
}
