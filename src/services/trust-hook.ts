// SPDX-License-Identifier: Apache-2.0
/** `ctga trust hook`: whether Podman may make a container of an image. */
import { execFile } from 'node:child_process';
import { CtgaError } from '../base/errors.ts';
import { scriptPath } from '../base/scripts.ts';
import { rulesFor, type Rule } from '../trust/hook-rules.ts';
import type { LocalImage } from '../trust/podman.ts';

/** A container was refused; the message says why. */
export class UntrustedError extends CtgaError<'untrusted'> {}

/** Rejects with UntrustedError unless every name of the image is that of something signed. */
export async function checkImage(
  { id, names, digests }: LocalImage,
  rules: readonly Rule[],
): Promise<void> {
  const refused = (why: string): UntrustedError =>
    new UntrustedError('untrusted', `the image ${id.slice(0, 12)} is not trusted: ${why}`);
  if (names.length === 0) throw refused('it has no name on this machine');
  if (digests.length === 0) throw refused('none of its manifests is here');
  const needed = rulesFor(names, rules);
  if ('without' in needed) throw refused(`there is no rule for ${needed.without}`);
  for (const [i, any] of needed.entries()) {
    const reasons: string[] = [];
    if (await holds(any, digests, reasons)) continue;
    throw refused(`${names[i] ?? ''}: ${reasons.at(-1) ?? ''}`);
  }
}

async function holds(
  rules: readonly Rule[],
  digests: readonly string[],
  reasons: string[],
): Promise<boolean> {
  for (const { verify } of rules)
    for (const digest of digests) {
      const why = await verified(['trust', 'verify', digest, ...verify]);
      if (why === undefined) return true;
      reasons.push(why);
    }
  return false;
}

/**
 * Undefined if the command says that it is trusted, else what it says. Its exit code alone says nothing: that of
 * `--help` in a rule is 0 too.
 */
function verified(words: readonly string[]): Promise<string | undefined> {
  const args = [...process.execArgv, scriptPath('cli/main'), ...words, '--json'];
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) => {
      const { trusted, why } = verdictIn(stdout);
      if (error === null && trusted === true) return resolve(undefined);
      const [line = ''] = stderr.trim().split('\n');
      resolve(why ?? (line === '' ? 'its rule verifies nothing' : line.replace(/^ctga: /, '')));
    });
  });
}

function verdictIn(text: string): { readonly trusted?: unknown; readonly why?: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return {};
    const { trusted, why } = value as { trusted?: unknown; why?: unknown };
    return { trusted, ...(typeof why === 'string' && { why }) };
  } catch {
    return {};
  }
}
