// SPDX-License-Identifier: Apache-2.0
/** `ctga trust log serve` for whoever is unlucky: a clock that is wrong for a while, a copy that is too old. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { toHex } from '../../src/carbonchain/bytes.ts';
import { encodeCommand, signCommand } from '../../src/ddt/version1.ts';
import type { Fetch } from '../../src/http/request.ts';
import { serveTrustLog, type TrustLogEvent } from '../../src/services/trust-log.ts';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { cosign, generateSignerKey, parseSignerKey } from '../../src/statements/cosignature.ts';
import { formatNoteKey } from '../../src/statements/note-key.ts';
import { parsePolicy } from '../../src/statements/policy.ts';
import { decodeEntry, networkOfLog } from '../../src/trust/log-entry.ts';
import { LogStore } from '../../src/trust/log-store.ts';
import { eventually } from '../support/eventually.ts';
import { OwnLog, signing, type Signed } from './logs.ts';

const DAY_MS = 86_400_000;
const witness = parseSignerKey(generateSignerKey('w.test/w', 'Ed25519 cosignature'));
/** By a clock that no test sets. */
const now = (): number => Math.floor((performance.timeOrigin + performance.now()) / 1000);

/** A witness that cosigns whatever it is asked for, by its own clock. */
const cosigning: Fetch = (_, { post: text = '' } = {}) => {
  const checkpoint = parseCheckpoint(text.slice(text.indexOf('\n\n') + 2));
  const body = Buffer.from(cosign(witness, checkpoint, BigInt(now())));
  return Promise.resolve({ status: 200, retryAfter: undefined, body });
};

/** A log that is served, with the witnesses of a policy whose lines behind the log's are `witnesses`. */
async function served(t: TestContext, witnesses: string, fetching: Fetch) {
  const log = OwnLog.make(t);
  const events: TrustLogEvent[] = [];
  const stop = new AbortController();
  const ended = serveTrustLog(
    {
      directory: log.path,
      address: '127.0.0.1',
      port: 0,
      policy: parsePolicy(Buffer.from(`log ${log.vkey}\n${witnesses}\n`)),
      fetch: fetching,
      refresh: 600,
      anchoring: undefined,
      onEvent: (event) => events.push(event),
    },
    stop.signal,
  );
  const end = async (): Promise<void> => {
    stop.abort();
    await ended;
  };
  t.after(end);
  const of = (name: string): TrustLogEvent[] => events.filter(({ event }) => event === name);
  const [listening] = await eventually(
    () => of('listening').length > 0 && of('listening'),
    'the log',
  );
  const { url } = listening as Extract<TrustLogEvent, { event: 'listening' }>;
  const add = async ([command, key]: Signed): Promise<string> => {
    const bytes = encodeCommand(signCommand(command, key, networkOfLog(log.key)));
    const answer = await fetch(`${url}add`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ command: toHex(bytes) }),
    });
    return `${answer.status} ${await answer.text()}`;
  };
  return { log, of, add, end };
}

const [root, key] = signing({}) as [Signed, Signed];
const W = `witness W ${formatNoteKey(witness.key)} http://w.test`;

test('a log takes nothing while its clock is ahead of its witnesses', async (t) => {
  // As after a start with an empty battery.
  t.mock.timers.enable({ apis: ['Date'], now: 1000 * now() + 365 * DAY_MS });
  const { log, of, add, end } = await served(t, `${W}\nquorum W`, cosigning);
  assert.match(await add(root), /^503 Not taken: the log's clock is more than an hour ahead/);
  assert.equal(of('failed').length, 1);
  t.mock.timers.reset();
  assert.match(await add(root), /^200 .*"published":true/);
  // Nor if it is set while the log runs; what is not much is no matter.
  t.mock.timers.enable({ apis: ['Date'], now: 1000 * now() + DAY_MS });
  assert.match(await add(key), /^503 /);
  t.mock.timers.reset();
  t.mock.timers.enable({ apis: ['Date'], now: 1000 * now() + 60_000 });
  assert.match(await add(key), /^200 /);
  await end();
  const store = LogStore.open(log.path);
  assert.equal(store.size, 2);
  for (let i = 0; i < store.size; i++) {
    const { time = Infinity } = decodeEntry(store.entry(i)) ?? {};
    assert(time <= 1000 * now() + 61_000, `entry ${i} is of ${new Date(time).toISOString()}`);
  }
  store.close();
});

test('a log that was set back signs nothing that would convict it', async (t) => {
  /** Has cosigned seven entries of it. */
  const knowing: Fetch = () =>
    Promise.resolve({ status: 409, retryAfter: undefined, body: Buffer.from('7\n') });
  const back = await served(t, `${W}\nquorum W`, knowing);
  assert.match(await back.add(root), /^503 Not taken: .* it was set back/);
  await back.end();
  const store = LogStore.open(back.log.path);
  assert.equal(store.size, 0);
  store.close();
  // One witness that says so, and is not needed, stops nothing.
  const other = parseSignerKey(generateSignerKey('l.test/w', 'Ed25519 cosignature'));
  const lines = `${W}\nwitness L ${formatNoteKey(other.key)} http://l.test\ngroup any 1 W L\nquorum any`;
  const either: Fetch = (url, options) =>
    (url.includes('l.test') ? knowing : cosigning)(url, options);
  const going = await served(t, lines, either);
  assert.match(await going.add(root), /^200 .*"published":true/);
});
