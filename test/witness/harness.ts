// SPDX-License-Identifier: Apache-2.0
/** A witness with keys and a store of its own, and requests to it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../src/logs/log.ts';
import type { MerkleHash } from '../../src/merkle/hash.ts';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { checkSignatures } from '../../src/statements/signature-lines.ts';
import { Convictions, type ConvictEvent } from '../../src/witness/convict.ts';
import { makeKeys, readKeys, verifierKeysOf, type WitnessKeys } from '../../src/witness/keys.ts';
import { Limit, type Rate } from '../../src/http/limits.ts';
import { witnessedLogs, type WitnessedLog } from '../../src/witness/logs.ts';
import { WitnessStore } from '../../src/witness/store.ts';
import { Witness } from '../../src/witness/witness.ts';

export const NAME = 'witness.test/w';

export interface Harness {
  readonly directory: string;
  readonly evidence: string;
  readonly keys: WitnessKeys;
  readonly store: WitnessStore;
  readonly logs: ReadonlyMap<string, WitnessedLog>;
  readonly convictions: Convictions;
  readonly witness: Witness;
  readonly events: ConvictEvent[];
  readonly errors: unknown[];
  readonly warnings: string[];
  /** In ms; a test may set it. */
  clock: { now: number };
  /** The same witness, as after a restart. */
  restart(): Harness;
  end(): void;
}

const OFTEN: Rate = { perSecond: 1000, burst: 100_000 };

export function makeWitness(
  logs: readonly Log[],
  rates: { readonly growing?: Rate; readonly repeating?: Rate } = {},
): Harness {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const keys = makeKeys(join(directory, 'witness'), NAME);
  WitnessStore.make(join(directory, 'witness'), verifierKeysOf(keys));
  return openWitness(directory, logs, rates);
}

export function openWitness(
  directory: string,
  known: readonly Log[],
  rates: { readonly growing?: Rate; readonly repeating?: Rate } = {},
): Harness {
  const own = join(directory, 'witness');
  const keys = readKeys(own);
  const store = WitnessStore.open(own, verifierKeysOf(keys), keys.ed25519.key);
  const warnings: string[] = [];
  const names = [keys.ed25519.key.name, keys.mlDsa44.key.name];
  const logs = witnessedLogs(known, names, (line) => warnings.push(line));
  const events: ConvictEvent[] = [];
  const errors: unknown[] = [];
  const evidence = join(directory, 'evidence');
  const convictions = new Convictions({
    store,
    logs,
    evidence,
    onEvent: (event) => events.push(event),
    onError: (error) => errors.push(error),
  });
  const clock = { now: 1_750_000_000_000 };
  const witness = new Witness({
    keys,
    store,
    logs,
    convictions,
    growing: new Limit(rates.growing ?? OFTEN),
    repeating: new Limit(rates.repeating ?? OFTEN),
    now: () => clock.now,
    onCosigned: () => undefined,
  });
  return {
    directory,
    evidence,
    keys,
    store,
    logs,
    convictions,
    witness,
    events,
    errors,
    warnings,
    clock,
    restart: () => {
      store.close();
      return openWitness(directory, known, rates);
    },
    end: () => {
      store.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** The body of an add-checkpoint request. */
export function addBody(
  old: bigint | number,
  proof: readonly MerkleHash[],
  checkpoint: string,
): Buffer {
  const lines = proof.map((hash) => `${Buffer.from(hash).toString('base64')}\n`);
  return Buffer.from(`old ${old}\n${lines.join('')}\n${checkpoint}`);
}

/** The kinds of lines in an answer that verify on the checkpoint, by the witness's keys. */
export function validKinds(
  { keys }: Pick<Harness, 'keys'>,
  checkpoint: string,
  lines: string,
): { readonly kind: string; readonly time: bigint | undefined }[] {
  const text = `${parseCheckpoint(checkpoint).text}\n${lines}`;
  const all = checkSignatures(parseCheckpoint(text), [keys.ed25519.key, keys.mlDsa44.key]);
  return all.filter(({ valid }) => valid).map(({ kind, time }) => ({ kind, time }));
}
