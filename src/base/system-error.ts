// SPDX-License-Identifier: Apache-2.0
/** What the operating system refused, in words: nobody has to know what ENOENT means. */
import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { getSystemErrorMap } from 'node:util';

/** An error that Node made of a failed system call. */
interface SystemError extends Error {
  readonly errno: number;
  readonly code: string;
  readonly syscall: string;
  readonly path?: string;
}

/** What Node asks for the directory that it is in, from which relative paths go on. */
const CWD = 'uv_cwd';

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRINUSE: 'another program has this address and port',
  EADDRNOTAVAIL: 'this machine does not have this address',
  EAI_AGAIN: 'the name cannot be resolved for now',
  EBUSY: 'something else is using it',
  ECONNABORTED: 'the connection was cut',
  ECONNREFUSED: 'nothing listens there (connection refused)',
  ECONNRESET: 'the other side cut the connection',
  EDQUOT: 'the quota of the disk is used up',
  EEXIST: 'something of this name is there already',
  EHOSTUNREACH: 'no way leads to this host',
  EIO: 'the disk fails',
  EISDIR: 'it is a directory',
  ELOOP: 'its symbolic links lead in a circle',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'the name is too long',
  ENETUNREACH: 'no way leads to this network',
  ENFILE: 'too many files are open on this machine',
  ENODATA: 'the name has no address',
  ENOENT: 'there is no such file or directory',
  ENOSPC: 'the disk is full, or has no inode left',
  ENOTDIR: 'a part of this path is not a directory',
  ENOTEMPTY: 'the directory is not empty',
  ENOTFOUND: 'the name cannot be resolved',
  ENXIO: 'nothing is behind it',
  EPERM: 'permission denied',
  EPIPE: 'the other side does not listen any more',
  EROFS: 'the disk is mounted read-only',
  ETIMEDOUT: 'no answer came in time',
};

function isSystemError(error: unknown): error is SystemError {
  const { errno, code, syscall } = error as Partial<SystemError>;
  return (
    error instanceof Error &&
    typeof errno === 'number' &&
    typeof code === 'string' &&
    typeof syscall === 'string'
  );
}

/**
 * What was refused, as a clause without its subject ("permission denied"), which the caller has
 * named already. Undefined for an error that is not the operating system's.
 */
export function systemFault(error: unknown): string | undefined {
  if (!isSystemError(error)) return undefined;
  const { code, errno, syscall } = error;
  const program = /^spawn(?:Sync)? (.*)$/.exec(syscall)?.[1];
  if (program !== undefined && code === 'ENOENT') return `there is no program ${program} here`;
  if (syscall === CWD) return 'the directory in which it was started is gone';
  return WORDS[code] ?? getSystemErrorMap().get(errno)?.[1] ?? code;
}

/**
 * A sentence with its subject, for an error that nobody expected: that of a file, or of a disk that takes
 * nothing, which does not name the file if that was open. Undefined for what is not the system's.
 */
export function systemSentence(error: unknown): string | undefined {
  const fault = systemFault(error);
  const { path } = error as Partial<SystemError>;
  if (fault === undefined) return undefined;
  if ((error as SystemError).syscall === CWD) return fault;
  if (path === undefined)
    return fileRemedy(error) === DISK ? `a file cannot be written: ${fault}` : undefined;
  return closedAbove(path, error) ?? `${path}: ${fault}`;
}

/**
 * Names the directory that an account may not enter, or not write in, where that is why the file at
 * `path` was refused: what is in it is of no use to whoever may not even look. Undefined where it is
 * the file itself.
 */
export function closedAbove(path: string, error: unknown): string | undefined {
  if (codeOf(error) !== 'EACCES') return undefined;
  // By stat(2): access(2) would ask for the account that started the process.
  const refused = (file: string): string => {
    try {
      statSync(file);
      return '';
    } catch (again) {
      return codeOf(again);
    }
  };
  const above: string[] = [];
  for (let at = dirname(resolve(path)); above[0] !== at; at = dirname(at)) above.unshift(at);
  const closed = above.find((directory) => refused(join(directory, 'x')) === 'EACCES');
  if (closed !== undefined) return `this account may not enter the directory ${closed}`;
  if (refused(path) !== 'ENOENT') return undefined;
  const last = above.findLast((directory) => refused(directory) === '');
  return last && `this account may not write in the directory ${last}`;
}

function codeOf(error: unknown): string {
  return (error as Partial<SystemError>).code ?? '';
}

const PERMISSION = 'Run it with sudo, or as the account that it belongs to.';
const DISK = 'Make room there, or name another place.';
const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: PERMISSION,
  EPERM: PERMISSION,
  ENOENT: 'Check the name and the directory.',
  ENOTDIR: 'Check the name and the directory.',
  EISDIR: 'Name a file.',
  ENOSPC: DISK,
  EDQUOT: DISK,
  EROFS: 'Name another place.',
};

/** What to do about a file that cannot be read or written, if that is known. */
export function fileRemedy(error: unknown): string | undefined {
  if (!isSystemError(error)) return undefined;
  return error.syscall === CWD ? 'Change to one that is there: cd' : REMEDIES[error.code];
}
