// SPDX-License-Identifier: Apache-2.0
/** `ctga witness serve` as a process, beside the programs of logs that nobody here wrote. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { parseNoteKey } from '../../src/statements/note-key.ts';
import { checkSignatures, type SignatureKind } from '../../src/statements/signature-lines.ts';
import { CTGA, ctgaProcess } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/ports.ts';
import { fresh } from './peers.ts';

const children = new Set<ChildProcess>();

/** Ends every program that `start` started. */
export function endPrograms(): void {
  for (const child of children) child.kill('SIGKILL');
}

/** Starts a program and waits until `isUp` says so. Returns what ends it. */
export async function start(
  program: string,
  args: readonly string[],
  isUp: () => Promise<boolean>,
  env: Record<string, string> = {},
): Promise<() => Promise<void>> {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  children.add(child);
  const ended = once(child, 'exit');
  let said = '';
  child.stderr.on('data', (part: Buffer) => (said += part.toString()));
  await eventually(
    () => {
      assert.equal(child.exitCode, null, said);
      return isUp().catch(() => false);
    },
    () => `${program} to be up: ${said}`,
  );
  return async () => {
    child.kill('SIGTERM');
    await ended;
  };
}

/** Whether a URL can be fetched: isUp of what listens there. */
export async function answers(url: string): Promise<boolean> {
  return (await fetch(url)).status === 200;
}

export interface WitnessedCtLog {
  /** SubjectPublicKeyInfo, in DER. */
  readonly spki: Uint8Array;
  readonly origin: string;
  /** Its monitoring prefix. */
  readonly tiles: string;
}

export interface RunningWitness {
  /** Ends in '/'. */
  readonly url: string;
  readonly vkeys: readonly [ed25519: string, mlDsa44: string];
  stop(): Promise<void>;
  /** The kinds of its lines below a checkpoint that verify. */
  cosigned(note: string): SignatureKind[];
  /** The paths of what it has written. */
  evidence(): string[];
}

/** A witness of one static-ct log. `more`: further arguments. */
export async function startWitness(
  log: WitnessedCtLog,
  more: readonly string[] = [],
): Promise<RunningWitness> {
  const [list, state, port] = [fresh('list.json'), fresh('state'), await freePort()];
  const entry = {
    description: 'A log',
    key: Buffer.from(log.spki).toString('base64'),
    monitoring_url: log.tiles,
    submission_url: `https://${log.origin}/`,
    allow_private_address: true,
  };
  const operators = [{ name: 'Op', logs: [], tiled_logs: [entry] }];
  writeFileSync(list, JSON.stringify({ operators }));
  const user = process.geteuid?.() === 0 ? ['--user', 'root'] : [];
  const args = ['--state-dir', state, '--json', ...user];
  const keygen = await ctgaProcess(['witness', 'keygen', 'interop.example.org/w', ...args]);
  assert.equal(keygen.code, 0, keygen.stderr);
  const { vkeys } = JSON.parse(keygen.stdout) as Pick<RunningWitness, 'vkeys'>;
  const keys = vkeys.map((vkey) => parseNoteKey(vkey));
  const url = `http://127.0.0.1:${port}/`;
  const serve = ['witness', 'serve', '--listen', `127.0.0.1:${port}`, '--log-list', list];
  const stop = await start(CTGA, [...serve, ...args, ...more], () => answers(url), {
    CTGA_NODE: process.execPath,
  });
  const cosigned = (note: string): SignatureKind[] =>
    checkSignatures(parseCheckpoint(note), keys).flatMap(({ valid, kind }) =>
      valid === true ? kind : [],
    );
  const evidence = (): string[] => {
    const directory = join(state, 'evidence');
    const names = existsSync(directory) ? readdirSync(directory) : [];
    return names.filter((name) => name.endsWith('.json')).map((name) => join(directory, name));
  };
  return { url, vkeys, stop, cosigned, evidence };
}
