// SPDX-License-Identifier: Apache-2.0
/** Opens the socket that resolvers write to. */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { badInput, CtgaError, messageOf } from '../../base/errors.ts';
import type { DnstapPlace } from './place.ts';

/**
 * Resolves when `server` listens at the place. A socket that a killed process left is replaced.
 * Anybody on the machine may write to it: only logs' signatures are believed. Throws CtgaError:
 * `busy` if another process listens there, `not-permitted`, `bad-input`.
 */
export async function listenAt(server: Server, place: DnstapPlace): Promise<void> {
  if (!('path' in place)) return tryToListen(server, place);
  const { path } = place;
  try {
    makeParent(path);
    await removeLeftOver(path);
    await tryToListen(server, place);
    chmodSync(path, 0o666);
  } catch (error) {
    throw error instanceof CtgaError ? error : refused(place, error);
  }
}

/** Makes the socket's directory, though not those above it. */
function makeParent(path: string): void {
  try {
    mkdirSync(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function tryToListen(server: Server, place: DnstapPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(refused(place, error)));
    server.listen(place, resolve);
  });
}

/** Removes a socket at which nobody listens. */
async function removeLeftOver(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket())
    throw badInput(`${path} is there already and is no socket`, 'Name another path, or move it.');
  if (await answers(path)) throw inUse(path);
  unlinkSync(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const settle = (does: boolean) => () => {
      socket.destroy();
      resolve(does);
    };
    socket.once('connect', settle(true));
    // ECONNREFUSED: nobody listens. Anything else leaves the socket where it is.
    socket.once('error', (error: NodeJS.ErrnoException) => settle(error.code !== 'ECONNREFUSED')());
  });
}

function inUse(where: string): CtgaError {
  return new CtgaError('busy', `another process listens at ${where}`, {
    remedy: 'End that process, or name another socket.',
  });
}

function refused(place: DnstapPlace, error: unknown): CtgaError {
  const where = 'path' in place ? place.path : `${place.host} port ${place.port}`;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return inUse(where);
  const why = `cannot listen at ${where}: ${messageOf(error)}`;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new CtgaError('not-permitted', why, {
      remedy: 'Name a socket in a directory that you may write to, or use sudo.',
    });
  return badInput(why, 'Name a socket that this machine can have.');
}
