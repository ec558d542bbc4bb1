// SPDX-License-Identifier: Apache-2.0
/**
 * The thread that reads resolvers' streams for the plane in ../dnstap.ts. It is a thread so that a
 * store that makes the observer wait never makes a resolver wait: what the observer has no room for
 * is dropped here, and counted.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { CtgaError } from '../../base/errors.ts';
import type { FromThread, ThreadData, ToThread } from '../dnstap.ts';
import { SeenAnswers } from './seen-answers.ts';
import { DnstapServer } from './server.ts';
import { Tap, type TappedMessage } from './tap.ts';

/** Messages that may wait for the observer, in all and of one name, so that no log's push out others'. */
const MAX_WAITING = 4096;
const MAX_OF_ONE_NAME = 1024;
/** Messages that are handed over at once. */
const BATCH = 256;

const { place, tee, everyNth, seenMilliseconds, counts, slots } = workerData as ThreadData;
const port = parentPort;
if (port === null) throw new Error('this is started as a thread');
const tell = (message: FromThread): void => port.postMessage(message);

const seen = seenMilliseconds === 0 ? undefined : new SeenAnswers(slots, seenMilliseconds);
const tap = new Tap({ counts, everyNth, seen, hasRoom, deliver });
const server = new DnstapServer(tap, tee);

/** What was handed over and not read yet, and what is to be: by name. */
const waiting = new Map<string, number>();
let waitingInAll = 0;
let batch: { messages: TappedMessage[]; names: string[] } = { messages: [], names: [] };
/** The names of what was handed over, batch by batch. */
const handedOver: string[][] = [];

function hasRoom(name: string): boolean {
  return waitingInAll < MAX_WAITING && (waiting.get(name) ?? 0) < MAX_OF_ONE_NAME;
}

function deliver(message: TappedMessage, name: string): void {
  waitingInAll += 1;
  waiting.set(name, (waiting.get(name) ?? 0) + 1);
  batch.messages.push(message);
  batch.names.push(name);
  if (batch.messages.length === 1) setImmediate(handOver);
  else if (batch.messages.length >= BATCH) handOver();
}

function handOver(): void {
  const { messages, names } = batch;
  if (messages.length === 0) return;
  batch = { messages: [], names: [] };
  handedOver.push(names);
  tell({ did: 'copied', at: Date.now(), messages });
}

/** The observer has read the oldest batch. */
function wasRead(): void {
  for (const name of handedOver.shift() ?? []) {
    const left = (waiting.get(name) ?? 0) - 1;
    if (left > 0) waiting.set(name, left);
    else waiting.delete(name);
    waitingInAll -= 1;
  }
}

async function end(): Promise<void> {
  await server.close();
  handOver();
  tell({ did: 'ended' });
  port?.close();
}

port.on('message', (message: ToThread) => {
  switch (message.do) {
    case 'look-for':
      return tap.setNames(message.names);
    case 'begin':
      return server.begin();
    case 'was-read':
      return wasRead();
    case 'renew':
      return seen?.renew();
    case 'end':
      return void end();
  }
});

server.listen(place).then(
  () => tell({ did: 'listen' }),
  (error: unknown) => {
    if (!(error instanceof CtgaError)) throw error;
    const { code, message, remedy } = error as CtgaError;
    tell({ did: 'fail', code, message, remedy });
    port.close();
  },
);
