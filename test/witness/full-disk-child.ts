// SPDX-License-Identifier: Apache-2.0
/**
 * Run by full-disk.root.test.ts on a small disk of its own: `full-disk-child.ts DIRECTORY` serves a
 * witness there, fills the disk, brings it checkpoints of a log and of a second history of it, starts
 * it again, makes room, brings more, and prints what became of it all as JSON.
 */
import { appendFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseEvidence } from '../../src/evidence/bundle.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { makeWitness, serveWitness, type WitnessEvent } from '../../src/services/witness.ts';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { stateAt } from '../../src/store/state.ts';
import { witnessIn } from '../../src/witness/directory.ts';
import { readKeys, verifierKeysOf } from '../../src/witness/keys.ts';
import { WitnessStore } from '../../src/witness/store.ts';
import { originHash } from '../../src/witness/witness.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { eventually } from '../support/eventually.ts';
import { treeOf } from '../support/signing-log.ts';
import { addBody, NAME } from './harness.ts';

const [, , directory = ''] = process.argv;
const state = stateAt(join(directory, 'state'));
const log = new CheckpointLog();
const [tree, fork] = [treeOf(40, 'a', 2), treeOf(40, 'b', 2)];
const asItIs = (): undefined => undefined;
makeWitness(state, NAME, undefined, asItIs);

interface Serving {
  readonly url: string;
  end(): Promise<void>;
}
async function serve(): Promise<Serving> {
  const events: WitnessEvent[] = [];
  const stop = new AbortController();
  const serving = serveWitness(
    {
      state,
      logs: [log.asLog()],
      address: '127.0.0.1',
      port: 0,
      tls: undefined,
      feedEvery: undefined,
      proxies: [],
      open: () => {
        throw new Error('it visits nobody');
      },
      user: undefined,
      onEvent: (event) => events.push(event),
    },
    stop.signal,
    asItIs,
  );
  const ended = serving.catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
  const url = await eventually(() => {
    const listening = events.find((event) => event.event === 'listening');
    return listening?.event === 'listening' && listening.url;
  }, 'the witness to listen');
  return {
    url,
    end: async () => {
      stop.abort();
      await ended;
    },
  };
}

/** The size that was cosigned last, as far as answers say. */
let last = 0;
let witness = await serve();
/** Brings the tree of this size, as one that extends what was cosigned last. */
async function bring(size: number, of = tree): Promise<string> {
  const proof = last > 0 && last < size ? of.consistencyProof(last, size) : [];
  const body = addBody(last, proof, log.checkpoint(size, of.root(size)));
  const { status, headers } = await fetch(`${witness.url}add-checkpoint`, { method: 'POST', body });
  if (status === 200) last = size;
  const after = headers.get('retry-after');
  return `${status}${after === null ? '' : `, again in ${after}`}`;
}
const get = (path: string): Promise<Response> => fetch(new URL(path, witness.url));
/** Whether the witness publishes what its answers say that it cosigned. */
async function published(): Promise<string> {
  const { treeSize } = parseCheckpoint(
    await (await get(`${originHash(log.origin)}/checkpoint`)).text(),
  );
  return treeSize === BigInt(last) ? 'what was answered last' : `${treeSize}, not ${last}`;
}
/** What SQLite has room for in its journal is used up first. */
async function growUntilRefused(): Promise<string> {
  for (;;) {
    const answer = await bring(last + 1);
    if (answer !== '200') return answer;
  }
}

const before = [await bring(3), await bring(5)];
const filler = join(directory, 'filler');
for (const bytes of [65536, 4096, 1])
  try {
    for (;;) appendFileSync(filler, Buffer.alloc(bytes));
  } catch {
    // It is full, to the last byte.
  }
const growing = await growUntilRefused();
const whileFull = {
  growing,
  published: await published(),
  reading: await Promise.all(['', 'metrics'].map(async (path) => `${(await get(path)).status}`)),
};
await witness.end();
witness = await serve();
const restarted = { growing: await growUntilRefused(), published: await published() };
// A second history, at the size that was cosigned last: whatever the answer, it convicts.
const refused = await bring(last, fork);
if (!/^(422|503)/.test(refused)) throw new Error(`a second history got ${refused}`);
const evidence = readdirSync(state.evidence)
  .filter((name) => name.endsWith('.json'))
  .map((name) => join(state.evidence, name))
  .some((path) =>
    verifyEvidence(parseEvidence(readFileSync(path, 'utf8'), path)).every(({ holds }) => holds),
  );
rmSync(filler);
const later = [await bring(last + 1), await bring(last + 3)];
const inTheEnd = await published();
await witness.end();
const own = witnessIn(state.directory);
const keys = readKeys(own);
const store = WitnessStore.open(own, verifierKeysOf(keys), keys.ed25519.key, true);
const { open } = store.counts();
store.close();
console.log(JSON.stringify({ before, whileFull, restarted, evidence, later, inTheEnd, open }));
