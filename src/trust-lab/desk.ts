// SPDX-License-Identifier: Apache-2.0
/** Where the person of `ctga trust lab` types: each command is told as it was typed, with its answer. */
import { CtgaError } from '../base/errors.ts';
import { shellWord } from '../base/text.ts';
import { run, type Finished } from '../lab/processes.ts';

/** Runs a command of ctga in this process, as `runCtga` of the command line does. Resolves to its exit code. */
export type RunCtga = (
  argv: readonly string[],
  io: {
    readonly stdout: { write(text: string): unknown };
    readonly stderr: { write(text: string): unknown };
    readonly signal: AbortSignal;
  },
) => Promise<number>;

/** Arguments that go together and are told by a name, as a person keeps them in a variable of the shell. */
export interface Variable {
  readonly variable: string;
  readonly words: readonly string[];
}

export type Words = readonly (string | Variable)[];

export interface DeskOptions {
  /** What is told as '~'. */
  readonly directory: string;
  /** The mark of its processes: see src/lab/processes.ts. */
  readonly lab: string;
  readonly runCtga: RunCtga;
  /** An empty file of configuration: the machine's own options are for what it really runs. */
  readonly config: string;
  readonly stop: AbortSignal;
  readonly onLine: (line: string) => void;
}

/** Far longer than anything takes on a busy machine: it ends a wait for what never comes. */
const PATIENCE_MS = 5 * 60_000;

/** As many characters of a line, or of a word, as are told. */
const MAX_SHOWN = 240;

/** A step did not have the result that it must have. */
export class CheckFailed extends Error {}

export function check(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new CheckFailed(otherwise);
}

export class Desk {
  readonly #options: DeskOptions;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** Says what a variable has. */
  set(variable: Variable): Variable {
    this.#tell(`${variable.variable}='${variable.words.join(' ')}'`);
    return variable;
  }

  /** A command of ctga that has to succeed. Resolves to what it printed. Rejects with CheckFailed. */
  async ctga(...words: Words): Promise<string> {
    const ran = await this.tryCtga(...words);
    check(ran.exitCode === 0, `ctga ${plain(words).slice(0, 3).join(' ')}: ${said(ran)}`);
    return ran.stdout.trim();
  }

  /** A command of ctga, whatever its exit code is. */
  async tryCtga(...words: Words): Promise<Finished> {
    const { runCtga, config, stop } = this.#options;
    stop.throwIfAborted();
    this.#typed(['ctga', ...words]);
    let [stdout, stderr] = ['', ''];
    const exitCode = await runCtga(['--config', config, ...plain(words)], {
      stdout: { write: (text) => void (stdout += text) },
      stderr: { write: (text) => void (stderr += text) },
      signal: stop,
    });
    return this.#answered({ exitCode, stdout, stderr });
  }

  /** A command of ctga that goes on by itself until it is stopped, or the lab ends; it prints JSON lines. */
  start(...words: Words): Running {
    const { runCtga, config, stop } = this.#options;
    stop.throwIfAborted();
    this.#typed(['ctga', ...words], ' &');
    return new Running(`ctga ${plain(words).slice(0, 3).join(' ')}`, stop, (io) =>
      runCtga(['--config', config, ...plain(words), '--json'], io),
    );
  }

  /** Another program, whatever its exit code is; `as` is what is told of it if not this. */
  async try(
    program: string,
    words: Words,
    { env = {}, as }: { readonly env?: Record<string, string>; readonly as?: Words } = {},
  ): Promise<Finished> {
    const { stop, lab } = this.#options;
    stop.throwIfAborted();
    this.#typed(as ?? [program, ...words]);
    const ran = await run(program, plain(words), { lab, env }, { signal: stop });
    return this.#answered(ran);
  }

  /** As `try`, of what has to succeed. Resolves to what it printed. Rejects with CheckFailed. */
  async program(program: string, ...words: Words): Promise<string> {
    const ran = await this.try(program, words);
    check(ran.exitCode === 0, `${program}: ${said(ran)}`);
    return ran.stdout.trim();
  }

  #typed(words: Words, end = ''): void {
    const shown = words.map((word) =>
      typeof word === 'string' ? shortened(shellWord(word)) : `$${word.variable}`,
    );
    this.#tell(`$ ${shown.join(' ')}${end}`);
  }

  #answered(ran: Finished): Finished {
    const text = said(ran);
    if (text !== '') for (const line of text.split('\n')) this.#tell(`  ${shortened(line)}`);
    return ran;
  }

  #tell(line: string): void {
    const { directory, onLine } = this.#options;
    onLine(`        ${line.replaceAll(directory, '~')}`);
  }
}

/** For a person, who reads no command of 852 digits. */
function shortened(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 10)}...` : text;
}

export function said({ stdout, stderr }: Finished): string {
  return `${stdout}${stderr}`.trim();
}

function plain(words: Words): string[] {
  return words.flatMap((word) => (typeof word === 'string' ? [word] : word.words));
}

type Event = Readonly<Record<string, unknown>>;

/** A command of ctga that goes on, and tells what happens as JSON, a line each. */
export class Running {
  readonly #name: string;
  readonly #own = new AbortController();
  readonly #ended: Promise<number>;
  readonly #events: Event[] = [];
  #said = '';
  #exitCode: number | undefined;
  #changed: () => void = () => undefined;

  constructor(
    name: string,
    stop: AbortSignal,
    run: (io: Parameters<RunCtga>[1]) => Promise<number>,
  ) {
    this.#name = name;
    let rest = '';
    const heard = (text: string): void => {
      this.#said = (this.#said + text).slice(-2000);
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines)
        if (line.startsWith('{')) this.#events.push(JSON.parse(line) as Event);
      this.#changed();
    };
    const signal = AbortSignal.any([stop, this.#own.signal]);
    const ended = run({ stdout: { write: heard }, stderr: { write: heard }, signal });
    this.#ended = ended.finally(() => this.#changed());
    void this.#ended.then((code) => {
      this.#exitCode = code;
      this.#changed();
    });
  }

  /** All that it has told with this name so far. */
  events(name: string): readonly Event[] {
    return this.#events.filter(({ event }) => event === name);
  }

  /** Waits for an event. Rejects with CheckFailed if the command ends before, or tells nothing of it for long. */
  async until(name: string, is: (event: Event) => boolean = () => true): Promise<Event> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = this.events(name).find(is);
      if (found !== undefined) return found;
      check(
        this.#exitCode === undefined,
        `${this.#name} ended before it was ${name}: ${this.#said.trim()}`,
      );
      const left = deadline - performance.now();
      check(
        left > 0,
        `${this.#name} was not ${name} within ${PATIENCE_MS / 60_000} minutes: ${this.#said.trim()}`,
      );
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, left);
        this.#changed = () => {
          clearTimeout(late);
          resolve();
        };
      });
    }
  }

  /** Asks it to end, and resolves when it has. */
  async stop(): Promise<void> {
    this.#own.abort();
    await this.#ended;
  }
}

/** What an error says, with its remedy on a line of its own. */
export function failureOf(error: unknown): { message: string; remedy: string | undefined } {
  const message = error instanceof Error ? error.message : String(error);
  return { message, remedy: error instanceof CtgaError ? error.remedy : undefined };
}
