/**
 * How commands print: lines for people, or JSON for scripts. Results go to stdout, progress and
 * warnings to stderr, so that `ctga ... --json | jq` works.
 */
import { CtgaError, messageOf } from '../base/errors.ts';

/** JSON with bigints as numbers where they fit, else as decimal strings, and bytes as base64. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(
    value,
    (_key, item: unknown) => {
      if (typeof item === 'bigint')
        return item <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(item) : item.toString();
      if (item instanceof Uint8Array) return Buffer.from(item).toString('base64');
      return item;
    },
    indent,
  );
}

export function printJson(value: unknown): void {
  process.stdout.write(`${toJson(value, 2)}\n`);
}

/** One object a line, for commands that report as they go. */
export function printJsonLine(value: unknown): void {
  process.stdout.write(`${toJson(value)}\n`);
}

export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

export function warn(line: string): void {
  process.stderr.write(`ctga: ${line}\n`);
}

/** Columns as wide as their widest cell. */
export function printTable(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = header.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  for (const row of [header, ...rows]) {
    print(
      row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  '),
    );
  }
}

/**
 * Says what went wrong: one sentence and its remedy. Only a bug shows its stack. Returns the exit
 * code.
 */
export function reportFailure(error: unknown, json: boolean): number {
  if (error instanceof CtgaError) {
    if (json)
      process.stderr.write(
        `${toJson({ error: error.code, message: error.message, remedy: error.remedy })}\n`,
      );
    else {
      warn(error.message);
      if (error.remedy !== undefined) process.stderr.write(`  ${error.remedy}\n`);
    }
    return error.exitCode;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  process.stderr.write(`ctga: this is a bug in ctga, please report it:\n${stack}\n`);
  return 70;
}
