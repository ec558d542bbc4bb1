// SPDX-License-Identifier: Apache-2.0
/** What another program of the same account may do to the client: it is answered, and goes on. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { encodeBase64 } from '../../src/base/base64.ts';
import { frame, FrameReader, MAX_MESSAGE } from '../../src/client/frames.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { runClient, type ClientResult } from '../../src/services/client.ts';
import { stateAt } from '../../src/store/state.ts';
import { directWay } from '../../src/http/request.ts';
import { statusAfterAll } from '../support/client-status.ts';
import { eventually } from '../support/eventually.ts';
import { random } from '../support/random.ts';
import { SigningLog } from '../support/signing-log.ts';

interface Answer {
  readonly type: string;
  readonly message?: string;
  readonly scts?: readonly { readonly origin: string; readonly state: string }[];
  readonly more?: number;
}

describe('the client', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-client-'));
  const state = stateAt(directory);
  const path = join(directory, 'client/socket');
  const log = new SigningLog();
  const ca = new Authority();
  const stop = new AbortController();
  const failures: string[] = [];
  let running: Promise<ClientResult>;
  let isListening = false;

  before(async () => {
    running = runClient(
      {
        state,
        logs: [log.asLog()],
        zones: new Map(),
        resolvers: () => [],
        interval: 1000,
        maxDelay: 86_400_000,
        pools: [],
        pollinateVisited: false,
        openWay: () => directWay({}),
        // It stands still: however slow the disk is, no allowance comes back meanwhile.
        elapsed: () => 0,
        onEvent: (event) => {
          if (event.event === 'listening') isListening = true;
          if (event.event === 'failed') failures.push(event.message);
        },
      },
      stop.signal,
    );
    await eventually(() => isListening, 'the socket');
  });
  after(async () => {
    stop.abort();
    assert.deepEqual(await running, { isForkProven: false });
    assert.deepEqual(failures, []);
    rmSync(directory, { recursive: true });
  });

  interface Program {
    readonly socket: Socket;
    readonly answers: Answer[];
    readonly say: (message: unknown) => void;
    readonly status: () => Promise<Answer>;
  }

  function program(): Program {
    const answers: Answer[] = [];
    const reader = new FrameReader();
    const socket = connect(path)
      .on('error', () => undefined)
      .on('data', (bytes: Buffer) => {
        for (const body of reader.take(bytes)) answers.push(JSON.parse(body.toString()) as Answer);
      });
    const say = (message: unknown): void => void socket.write(frame(JSON.stringify(message)));
    return { socket, answers, say, status: () => statusAfterAll(say, answers) };
  }

  const seen = (
    origin: string,
    chain: readonly Uint8Array[],
    scts: readonly Uint8Array[] = [],
  ): unknown => ({
    type: 'seen',
    origin: `https://${origin}`,
    chain: chain.map(encodeBase64),
    scts: scts.map(encodeBase64),
  });

  test('lets its owner alone connect', () => {
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(join(directory, 'client')).mode & 0o777, 0o700);
  });

  test('takes broken certificates for what they are', async () => {
    const { say, status, answers, socket } = program();
    const certificate = ca.issue(['broken.example'], { logs: [log], timestamp: 1n });
    const below = random(7);
    for (let i = 0; i < 300; i++) {
      const bytes = Uint8Array.from(certificate);
      for (let flips = 1 + below(3); flips > 0; flips--) bytes[below(bytes.length)] = below(256);
      const cut = below(3) === 0 ? bytes.subarray(0, below(bytes.length)) : bytes;
      say(seen('broken.example', below(2) === 0 ? [cut, ca.der] : [certificate, cut]));
    }
    const { type } = await status();
    assert.equal(type, 'status');
    assert(answers.every(({ message = '' }) => !/TypeError|bug|undefined/.test(message)));
    socket.destroy();
  });

  test('keeps 200 SCTs of an origin and 10,000 in all, however many come', async () => {
    const { say, status, answers, socket } = program();
    const certificate = ca.issue(['flood.example'], {});
    const entry = { type: 'x509', certificate } as const;
    const promise = (i: number): Uint8Array => log.promise(entry, BigInt(i));
    for (let i = 0; i < 640; i += 64)
      say(
        seen(
          'flood.example',
          [certificate],
          Array.from({ length: 64 }, (_, j) => promise(i + j)),
        ),
      );
    const { scts = [] } = await status();
    const ofFlood = scts.filter(({ origin }) => origin === 'https://flood.example');
    assert.equal(ofFlood.length, 200);
    assert(ofFlood.every((each) => each.state === 'waiting'));
    // Then 10,000 messages from as many origins: most are told to come again later.
    const one = [promise(1)];
    for (let i = 0; i < 10_000; i++) {
      say(seen(`${i}.example`, [certificate], one));
      if (socket.writableNeedDrain) await new Promise((done) => socket.once('drain', done));
    }
    const after = await status();
    assert((after.scts?.length ?? 0) + (after.more ?? 0) <= 10_000);
    assert(answers.some(({ message = '' }) => message.startsWith('too many chains at once')));
    socket.destroy();
  });

  for (const [what, bytes, ends] of [
    [
      'a frame that is too long',
      (() => {
        const head = frame('{}').subarray(0, 4);
        head.fill(0x7f);
        return head;
      })(),
      true,
    ],
    ['no JSON', frame('{'), false],
    ['no message', frame('[1]'), false],
    ['an empty frame', frame(''), false],
    ['deep JSON', frame('['.repeat(100_000)), false],
    ['a prototype', frame('{"__proto__":{"type":"status"}}'), false],
    ['a long one that is none', frame('"' + 'x'.repeat(MAX_MESSAGE - 2) + '"'), false],
  ] as const)
    test(`answers ${what} with an error`, async () => {
      const { socket, answers, status } = program();
      socket.write(bytes);
      await eventually(() => answers.some(({ type }) => type === 'error'), 'an error');
      if (ends) await eventually(() => socket.destroyed || socket.readableEnded, 'the end');
      else assert.equal((await status()).type, 'status');
      socket.destroy();
    });

  test('drops whoever asks and reads nothing, and many connections at once', async () => {
    const deaf = connect(path)
      .on('error', () => undefined)
      .pause();
    const question = frame('{"type":"status"}');
    for (let i = 0; i < 3000 && !deaf.destroyed; i++) deaf.write(question);
    const many = Array.from({ length: 40 }, () => program());
    await Promise.all(many.slice(-3).map(({ status }) => status()));
    await eventually(
      () => many.filter(({ socket }) => !socket.destroyed && !socket.readableEnded).length <= 16,
      'the oldest to be closed',
    );
    deaf.destroy();
    for (const { socket } of many) socket.destroy();
    const last = program();
    assert.equal((await last.status()).type, 'status');
    last.socket.destroy();
  });
});
