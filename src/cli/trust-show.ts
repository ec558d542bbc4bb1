// SPDX-License-Identifier: Apache-2.0
/** `ctga trust show`: what a chain or a log says of a name. */
import { Command } from 'commander';
import { badInput, ExitCode } from '../base/errors.ts';
import { plural, utc } from '../base/text.ts';
import type { State } from '../ddt/version1.ts';
import { notBefore, withLedger } from './chain-options.ts';
import { print, printJson } from './output.ts';
import { logOptions, withPlace, type PlaceOptions } from './place-options.ts';
import { setExitCode } from './run.ts';

export function showCommand(): Command {
  const show = new Command('show')
    .description(
      'show the keys and the signed digests that a chain or a log has of a user, an image or a tag',
    )
    .argument('<name>', 'USER, USER/IMAGE or USER/IMAGE:TAG, as it is published');
  return withPlace(show).action(run);
}

/** Where it stands, and as of when. */
interface Shown {
  readonly state: State;
  /** In Unix seconds, by its own clock. */
  readonly time: number;
  /** What it is, in a sentence, and as of when. */
  readonly place: string;
  readonly as: string;
  readonly json: Readonly<Record<string, unknown>>;
}

async function run(name: string, options: PlaceOptions): Promise<void> {
  if (options.policy !== undefined) return showPlace(name, await log(options), options.json);
  if (options.node.length === 0)
    throw badInput('want --node URL for a chain, or --policy FILE for a transparency log');
  await withLedger(options, ({ state, time, height }, isBehind) => {
    const behind = isBehind ? ', which is not the last one' : '';
    const as = `As of block ${height}${behind}, whose time is ${utc(time * 1000)}${notBefore(options)}`;
    const json = { height, isBehind, since: options.since?.height ?? null };
    return showPlace(name, { state, time, place: 'the chain', as, json }, options.json);
  });
}

async function log(options: PlaceOptions): Promise<Shown> {
  const { readRemembered } = await import('../services/trust-place.ts');
  const { key, tree, state, seen } = await readRemembered(await logOptions(options));
  const when =
    seen === undefined ? '' : `, which a quorum of its witnesses saw at ${utc(seen * 1000)}`;
  const as = `As of ${plural(tree.size, 'entry', 'entries')} of ${key.name}${when}`;
  const at = seen === undefined ? null : new Date(seen * 1000).toISOString();
  const json = { log: key.name, treeSize: tree.size, time: at };
  return { state: state.state, time: state.time, place: `the log ${key.name}`, as, json };
}

async function showPlace(name: string, shown: Shown, json: boolean | undefined): Promise<void> {
  const { shownOfState } = await import('../ddt/shown.ts');
  const found = shownOfState(shown, name);
  if (found.lines.length === 0) setExitCode(ExitCode.failed);
  if (json === true) return printJson({ asOf: shown.json, found: found.json });
  print(`${shown.as}:`);
  for (const line of found.lines) print(line);
  if (found.lines.length === 0) print(`Nothing: ${shown.place} does not have ${name}.`);
}
