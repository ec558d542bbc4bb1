/**
 * Failures that a person has to read.
 *
 * Three things are kept apart all over ctga: *evidence* is a value, a *bug* is any other Error and
 * shows its stack, and a *failure* is a CtgaError: one clear sentence, a stable code, a remedy.
 */

/** What the process exits with. Documented in `ctga --help`. */
export const ExitCode = {
  ok: 0,
  /** Something outside failed: the kernel, the network, a disk. */
  failed: 1,
  /** The command line or a file it names is wrong. */
  badInput: 2,
  /** A split view was proven. */
  forkProven: 3,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/**
 * A failure: one clear sentence, a stable code for scripts, and a remedy where there is one.
 *
 * Each domain owns its codes: a subclass, or the place that throws, says which there are and what
 * each means. The one code that is everybody's is `bad-input`, for what the user gave.
 */
export class CtgaError<Code extends string = string> extends Error {
  readonly code: Code;
  /** What to do about it, as a sentence; printed on its own line. */
  readonly remedy: string | undefined;

  constructor(code: Code, message: string, options: { remedy?: string; cause?: unknown } = {}) {
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
export function badInput(message: string, remedy?: string): CtgaError<'bad-input'> {
  return new CtgaError('bad-input', message, { remedy });
}

/** The message of anything thrown, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
