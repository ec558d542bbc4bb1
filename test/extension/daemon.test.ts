// SPDX-License-Identifier: Apache-2.0
/** The extension's connection with the daemon, and what becomes of messages that it did not take. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Daemon } from '../../extension/daemon.js';

type Listener = (message: unknown) => void;

/** What Firefox gives for a host, which the test plays. */
class FakePort {
  readonly sent: unknown[] = [];
  readonly error = undefined;
  isOpen = true;
  #heard: Listener = () => undefined;
  readonly onMessage = { addListener: (listener: Listener) => void (this.#heard = listener) };
  readonly onDisconnect = { addListener: (listener: () => void): unknown => listener };
  readonly #answer: (message: unknown) => unknown;

  constructor(answer: (message: unknown) => unknown) {
    this.#answer = answer;
  }

  postMessage(message: unknown): void {
    this.sent.push(message);
    const answer = this.#answer(message);
    if (answer !== undefined) queueMicrotask(() => this.#heard(answer));
  }

  disconnect(): void {
    this.isOpen = false;
  }
}

declare global {
  // What extension/daemon.js finds in Firefox.
  var browser: { runtime: { connectNative: (host: string) => FakePort } };
}

function begin(answer: (message: unknown) => unknown): {
  readonly daemon: Daemon;
  readonly ports: FakePort[];
  readonly told: string[];
} {
  const ports: FakePort[] = [];
  const told: string[] = [];
  const connectNative = (): FakePort => {
    ports.push(new FakePort(answer));
    return ports.at(-1) ?? assert.fail();
  };
  globalThis.browser = { runtime: { connectNative } };
  const daemon = new Daemon(
    () => told.push('status'),
    () => told.push('reached'),
    () => told.push('undone'),
  );
  return { daemon, ports, told };
}

const STATUS = { type: 'status', findings: [] };
const isQuestion = (message: unknown): boolean => (message as { type: string }).type === 'status';
const later = () => new Promise(setImmediate);

describe('the daemon', () => {
  test('that takes no more for now is there, and what it was sent is not taken', async () => {
    const { daemon, told } = begin((message) =>
      isQuestion(message)
        ? STATUS
        : { type: 'error', why: 'later', message: 'too many chains at once' },
    );
    assert.equal(await daemon.reach(), true);
    daemon.send({ type: 'seen' });
    await later();
    assert.deepEqual(told, ['status', 'reached', 'undone']);
    assert.equal(daemon.isThere, true);
  });

  test('that does not understand a message is not sent it again', async () => {
    const { daemon, told } = begin((message) =>
      isQuestion(message) ? STATUS : { type: 'error', message: 'chain: too long' },
    );
    await daemon.reach();
    daemon.send({ type: 'seen' });
    await later();
    assert.deepEqual(told, ['status', 'reached']);
  });

  test('that ended behind its host is missing from then on, and is found when it runs again', async () => {
    let isRunning = true;
    const { daemon, ports, told } = begin((message) => {
      if (!isRunning)
        return { type: 'error', why: 'no-daemon', message: 'The daemon does not run.' };
      return isQuestion(message) ? STATUS : undefined;
    });
    await daemon.reach();
    isRunning = false;
    daemon.send({ type: 'forget', origin: 'https://www.example.net' });
    await later();
    assert.equal(daemon.isThere, false);
    assert.equal(ports[0]?.isOpen, false);
    assert.deepEqual(told, ['status', 'reached', 'undone']);
    assert.equal(await daemon.reach(), false, 'it is left alone for a minute');
    assert.equal(await daemon.reach(true), false, 'and is missing where a person asks');
    isRunning = true;
    assert.equal(await daemon.reach(true), true);
    assert.equal(told.filter((each) => each === 'reached').length, 2);
  });
});
