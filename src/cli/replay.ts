/** `ctga replay`: the observer over a capture file. */
import { Command } from 'commander';
import { ExitCode } from '../base/errors.ts';
import { plural, time } from '../base/text.ts';
import { parsePlane } from '../dataplane/registry.ts';
import type { Replay } from '../observer/replay.ts';
import { replay } from '../services/replay.ts';
import { MALFORMED } from '../statements/statement.ts';
import { stateAt } from '../store/state.ts';
import { withLogs, withState, type LogOptions, type StateOption } from './options.ts';
import { print, printJson, warn } from './output.ts';
import { setExitCode } from './run.ts';

export function replayCommand(): Command {
  const command = new Command('replay')
    .description(
      'look for tree heads in a capture (pcap or pcapng), verify and store them; needs no root',
    )
    .argument('<file>');
  return withLogs(withState(command)).action(run);
}

async function run(file: string, options: StateOption & LogOptions): Promise<void> {
  const { failure, ...found } = await replay({
    state: stateAt(options.stateDir),
    plane: parsePlane(`replay:${file}`),
    logList: options.logList,
    zones: { zones: options.zone, zoneSuffix: options.zoneSuffix },
    warn,
  });
  // What came before damage in the file is stored, and shown, all the same.
  if (failure === undefined || found.packets > 0) {
    if (options.json === true)
      printJson({
        file,
        ...found,
        treeHeads: found.treeHeads.map((head) => ({ ...head, log: head.log.description })),
      });
    else printReplay(found);
  }
  if (failure !== undefined) throw failure;
  if (found.evidence.length > 0) setExitCode(ExitCode.forkProven);
}

function printReplay(replay: Omit<Replay, 'failure'>): void {
  const { packets, treeHeads, evidence, malformed, counts } = replay;
  print(`${plural(packets, 'packet')}, ${plural(treeHeads.length, 'verified tree head')}.`);
  for (const { log, treeSize, timestamp, seen, reassembled } of treeHeads) {
    const fragments =
      reassembled === 0 ? '' : `, ${reassembled} of them reassembled from fragments`;
    print(
      `  ${log.description}: size ${treeSize}, signed at ${time(timestamp)}, seen ${seen}x${fragments}`,
    );
  }
  for (const log of malformed) warn(`malformed tree head of ${log}: ${MALFORMED}`);
  for (const path of evidence) print(`SPLIT VIEW PROVEN: ${path}`);
  for (const [name, count] of Object.entries(counts)) print(`  ${count} x ${name}`);
}
