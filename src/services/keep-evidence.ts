// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga evidence keep` as a service: the writer of evidence, an account of its own in whose
 * directory nobody else can write. It is handed bundles over a socket there (see
 * evidence/hand-over.ts), and whoever hands over may have been taken over: nothing that comes is
 * believed, and nobody can make it wait or grow.
 */
import { chmodSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { CtgaError, messageOf } from '../base/errors.ts';
import { aborted } from '../base/stop-signals.ts';
import { makeReserve } from '../disk/reserve.ts';
import { textsIn } from '../evidence/directory.ts';
import { MOST_BYTES, socketIn, type WriterAnswer } from '../evidence/hand-over.ts';
import { chainEvidence } from '../evidence/write.ts';
import { EvidenceWriter } from '../evidence/writer.ts';
import { builtinLogs } from '../logs/builtin.ts';
import { EVIDENCE } from '../store/directories.ts';
import type { State } from '../store/state.ts';
import { ServiceNotice } from './notice.ts';
import { becomeEvidenceWriter, checkAccount, type BecomeWriter } from './privileges.ts';

export interface KeepOptions {
  readonly state: State;
  /** As root: the account to become; undefined for the usual one. */
  readonly user: string | undefined;
  /** Called when bundles are taken. */
  readonly onStarted: () => void;
  /** Called with what became of each bundle; of those that are refused, with one in a second. */
  readonly onAnswer: (answer: WriterAnswer) => void;
}

/** Whoever hands over sends all at once. */
const PATIENCE_MS = 2000;
/** Of connections that are open at once, the one that has waited longest gives way. */
const MOST_CONNECTIONS = 32;
const UPKEEP_MS = 60_000;
const QUIET_MS = 1000;
/** Other accounts can write there. */
const MOST_OF_BEFORE = 20_000;

/**
 * Takes evidence until `stop` is aborted. Rejects with CtgaError `busy` if another writer is there,
 * or if it cannot become the account or listen.
 */
export async function keepEvidence(
  { state, user, onStarted, onAnswer }: KeepOptions,
  stop: AbortSignal,
  becomeWriter: BecomeWriter = becomeEvidenceWriter,
): Promise<void> {
  const directory = state.evidence;
  const path = socketIn(directory);
  if (user !== undefined) checkAccount(user);
  becomeWriter(directory, user);
  await refuseIfServed(path);
  makeReserve(directory);
  chainEvidence(directory);
  const writer = new EvidenceWriter(directory, builtinLogs());
  // What was kept before there was a writer.
  const before = join(state.directory, EVIDENCE);
  if (before !== directory)
    for (const text of textsIn(before, MOST_OF_BEFORE)) {
      const answer = writer.take(text);
      if ('refused' in answer) onAnswer(answer);
    }
  const connections = new Set<Socket>();
  let quietUntil = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    const [oldest] = connections;
    if (connections.size > MOST_CONNECTIONS) oldest?.destroy();
    receive(socket, (text) => {
      const answer = writer.take(text);
      // Whoever sends rubbish is not to fill the disk with what is said of it.
      if ('kept' in answer || performance.now() >= quietUntil) onAnswer(answer);
      if ('refused' in answer) quietUntil = performance.now() + QUIET_MS;
      return answer;
    });
  });
  await listen(server, path);
  const upkeep = setInterval(() => {
    makeReserve(directory);
    chainEvidence(directory);
  }, UPKEEP_MS);
  const notice = new ServiceNotice(`keeping evidence in ${directory}`);
  onStarted();
  await aborted(stop);
  notice.stopping();
  clearInterval(upkeep);
  for (const socket of connections) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
}

/** Reads a bundle to its end and answers, unless it takes too long or is too large. */
function receive(socket: Socket, answerTo: (text: string) => WriterAnswer): void {
  const chunks: Buffer[] = [];
  let size = 0;
  const deadline = setTimeout(() => socket.destroy(), PATIENCE_MS);
  const answer = (message: WriterAnswer): void => {
    socket.removeAllListeners('data').removeAllListeners('end');
    socket.end(JSON.stringify(message));
  };
  socket
    .on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MOST_BYTES) answer({ refused: `it is larger than ${MOST_BYTES} bytes` });
      else chunks.push(chunk);
    })
    .on('end', () => answer(answerTo(Buffer.concat(chunks).toString('utf8'))))
    // Whoever hands over may go away at any time.
    .on('error', () => socket.destroy())
    .once('close', () => clearTimeout(deadline));
}

/** Whoever may write in the store may hand over: the directory has that group. */
async function listen(server: Server, path: string): Promise<void> {
  // Where a writer was killed, its socket is still there.
  rmSync(path, { force: true });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(path, resolve);
    });
  } catch (error) {
    throw new CtgaError('kernel', `cannot listen at ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const isOfGroup = (statSync(dirname(path)).mode & 0o2000) !== 0;
  chmodSync(path, isOfGroup ? 0o660 : 0o666);
}

/** Two writers would take the socket from each other. */
async function refuseIfServed(path: string): Promise<void> {
  const isServed = await new Promise<boolean>((resolve) => {
    const socket = connect(path)
      .once('connect', () => {
        socket.destroy();
        resolve(true);
      })
      .once('error', () => resolve(false));
  });
  if (isServed)
    throw new CtgaError('busy', `another writer keeps the evidence in ${dirname(path)}`, {
      remedy: 'See: systemctl status ctga-evidence',
    });
}
