// SPDX-License-Identifier: Apache-2.0
/**
 * Failures that a person has to read.
 *
 * ctga tells three things apart: *evidence* is a value; a *failure* is a CtgaError, with one clear
 * sentence, a stable code and a remedy; a *bug* is any other Error, and shows its stack.
 */
import { fileRemedy, systemFault } from './system-error.ts';

/** What the process exits with. Documented in `ctga --help`. */
export const ExitCode = {
  ok: 0,
  /** Something outside failed: the kernel, the network, a disk. */
  failed: 1,
  /** The command line or a file it names is wrong. */
  badInput: 2,
  /** A split view was proven. */
  forkProven: 3,
  /** Evidence holds, but no list has its key: anybody may have made it. */
  unknownKey: 4,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Codes of failures that any part of ctga may have. The other codes belong to a domain. */
export type GeneralErrorCode =
  /** The command line, or a file that it names, is wrong. */
  | 'bad-input'
  /** Somebody else is using it, and only one can: a port, an interface, the lab. */
  | 'busy'
  /** It was asked to end before it was done. */
  | 'interrupted'
  /** There is no network interface of that name here. */
  | 'no-such-interface'
  /** ctga is not attached to that interface or switch. */
  | 'not-attached'
  /** The kernel, or a program that ctga works with, failed. */
  | 'kernel'
  /** This process lacks a right. */
  | 'not-permitted'
  /** A program, a compiled file or a package is missing on this machine. */
  | 'not-set-up';

/**
 * A failure: one clear sentence, a stable code for scripts, and a remedy where there is one. A
 * domain with codes of its own has a subclass that says what each means: HttpError, LogError and
 * others. `CtgaError<string>` is any of them.
 */
export class CtgaError<Code extends string = GeneralErrorCode> extends Error {
  readonly code: Code;
  /** What to do about it, as a sentence; printed on its own line. */
  readonly remedy: string | undefined;

  // NoInfer: a code that the type does not have is a mistake, and does not widen the type.
  constructor(
    code: NoInfer<Code>,
    message: string,
    options: { remedy?: string; cause?: unknown } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'CtgaError';
    this.code = code;
    this.remedy = options.remedy;
  }

  get exitCode(): ExitCode {
    return this.code === 'bad-input' ? ExitCode.badInput : ExitCode.failed;
  }
}

/** The command line, or a file that it names, is wrong. */
export function badInput(message: string, remedy?: string): CtgaError {
  return new CtgaError('bad-input', message, { remedy });
}

/** Why something that was named is not read as a file: a clause without its subject, and a remedy. */
export class FileFault extends Error {
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.name = 'FileFault';
    this.remedy = remedy;
  }
}

/** A file that was named, and cannot be read or written; `doing` is "read" or "write". */
export function badFile(doing: string, file: string, cause: unknown): CtgaError {
  return new CtgaError('bad-input', `cannot ${doing} ${file}: ${messageOf(cause)}`, {
    remedy: cause instanceof FileFault ? cause.remedy : fileRemedy(cause),
    cause,
  });
}

/** The message of anything thrown, without its stack; what the system refused is put in words. */
export function messageOf(error: unknown): string {
  const fault = systemFault(error);
  if (fault !== undefined) return fault;
  // Where several addresses were tried, Node says nothing but each one's error.
  if (error instanceof AggregateError && error.message === '' && error.errors.length > 0)
    return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
