// SPDX-License-Identifier: Apache-2.0
// @ts-check
/** The connection with the daemon, `ctga client run`, by native messaging (docs/CLIENT.md). */
/* global browser */

const HOST = 'ctga_client';
/** In milliseconds: how long an answer may take, and how long a daemon that is missing is left alone. */
const PATIENCE = 5000;
const RETRY_AFTER = 60_000;

export class Daemon {
  #onStatus;
  #onReached;
  #onUndone;
  #port = /** @type {any} */ (undefined);
  #opening = /** @type {Promise<boolean> | undefined} */ (undefined);
  #failedAt = -Infinity;
  #waiting = /** @type {((isThere: boolean) => void)[]} */ ([]);
  /** What it said last. */
  status = /** @type {any} */ (undefined);
  /** Why it is missing; what it could not do. */
  fault = '';

  /**
   * @param {(status: any) => void} onStatus called with what it says of itself or when asked
   * @param {() => void} onReached called when it is there, and was not
   * @param {() => void} onUndone called when it did not do something that it was sent lately
   */
  constructor(onStatus, onReached = () => undefined, onUndone = () => undefined) {
    this.#onStatus = onStatus;
    this.#onReached = onReached;
    this.#onUndone = onUndone;
  }

  get isThere() {
    return this.#port !== undefined && this.status !== undefined;
  }

  /**
   * Resolves to whether it is there: it has answered on this connection. One that was missing is
   * not sought again at once, unless a person asks.
   *
   * @param {boolean} byPerson
   */
  async reach(byPerson = false) {
    if (this.isThere) return true;
    if (!byPerson && Date.now() - this.#failedAt < RETRY_AFTER) return false;
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  /** Asks for its status anew; resolves when it came, or late. */
  async refresh() {
    if (!(await this.reach(true))) return;
    const came = this.#answer();
    this.#port?.postMessage({ type: 'status' });
    await came;
  }

  /**
   * To be called where reach() resolved to true.
   *
   * @param {Record<string, unknown>} message
   */
  send(message) {
    this.#port?.postMessage(message);
  }

  async #open() {
    this.status = undefined;
    this.fault = '';
    try {
      const port = browser.runtime.connectNative(HOST);
      this.#port = port;
      port.onMessage.addListener((/** @type {any} */ message) => this.#heard(message));
      port.onDisconnect.addListener(() => this.#lost(port));
      const came = this.#answer();
      port.postMessage({ type: 'status' });
      if (await came) {
        this.#onReached();
        return true;
      }
      port.disconnect();
      this.#lost(port);
    } catch (error) {
      this.fault = String(error);
    }
    this.#failedAt = Date.now();
    return false;
  }

  /** @returns {Promise<boolean>} whether a status comes in time */
  #answer() {
    return new Promise((resolve) => {
      const late = setTimeout(() => resolve(false), PATIENCE);
      this.#waiting.push((isThere) => {
        clearTimeout(late);
        resolve(isThere);
      });
    });
  }

  /** @param {any} message */
  #heard(message) {
    if (message?.type === 'status') {
      this.status = message;
      this.#failedAt = -Infinity;
      this.#tell(true);
      this.#onStatus(message);
    } else if (message?.type === 'error') {
      this.fault = String(message.message);
      // The host outlives the daemon, and what is sent to it then is lost.
      if (message.why === 'no-daemon') this.#leave();
      else if (this.status === undefined) this.#tell(false);
      if (message.why !== undefined) this.#onUndone();
    }
  }

  /** Firefox tells nobody that he himself has ended a connection. */
  #leave() {
    const port = this.#port;
    port?.disconnect();
    this.#lost(port);
  }

  /** @param {any} port */
  #lost(port) {
    if (this.#port !== port) return;
    this.#port = undefined;
    this.status = undefined;
    this.#failedAt = Date.now();
    if (port.error?.message !== undefined && this.fault === '') this.fault = port.error.message;
    this.#tell(false);
  }

  /** @param {boolean} isThere */
  #tell(isThere) {
    for (const each of this.#waiting.splice(0)) each(isThere);
  }
}
