/** `ctga replay`: the observer over a capture file. */
import { Command } from 'commander';
import { ExitCode } from '../base/errors.ts';
import { plural, time } from '../base/text.ts';
import { knownLogs } from '../store/known-logs.ts';
import { zonesOf } from '../logs/zones.ts';
import { replayCapture, type Replay } from '../observer/replay.ts';
import { CtOverDns } from '../sources/ct-over-dns/source.ts';
import { openForWriting, stateAt } from '../store/state.ts';
import { withLogs, withState, type LogOptions, type StateOption } from './options.ts';
import { print, printJson, warn } from './output.ts';
import { setExitCode } from './run.ts';

export function replayCommand(): Command {
  const replay = new Command('replay')
    .description(
      'look for tree heads in a capture (pcap or pcapng), verify and store them; needs no root',
    )
    .argument('<file>');
  return withLogs(withState(replay)).action(run);
}

function run(file: string, options: StateOption & LogOptions): void {
  const state = stateAt(options.stateDir);
  const store = openForWriting(state);
  try {
    const zones = zonesOf(knownLogs(store, options.logList, warn), {
      zones: options.zone,
      zoneSuffix: options.zoneSuffix,
    });
    const { failure, ...replay } = replayCapture(file, {
      sources: [new CtOverDns(zones)],
      store,
      evidenceDirectory: state.evidence,
    });
    // What came before damage in the file is stored, and shown, all the same.
    if (failure === undefined || replay.packets > 0) {
      if (options.json === true)
        printJson({
          file,
          ...replay,
          treeHeads: replay.treeHeads.map((head) => ({ ...head, log: head.log.description })),
        });
      else printReplay(replay);
    }
    if (failure !== undefined) throw failure;
    if (replay.evidence.length > 0) setExitCode(ExitCode.forkProven);
  } finally {
    store.close();
  }
}

function printReplay({ packets, treeHeads, evidence, counts }: Omit<Replay, 'failure'>): void {
  print(`${plural(packets, 'packet')}, ${plural(treeHeads.length, 'verified tree head')}.`);
  for (const { log, treeSize, timestamp, seen, reassembled } of treeHeads) {
    const fragments =
      reassembled === 0 ? '' : `, ${reassembled} of them reassembled from fragments`;
    print(
      `  ${log.description}: size ${treeSize}, signed at ${time(timestamp)}, seen ${seen}x${fragments}`,
    );
  }
  for (const path of evidence) print(`SPLIT VIEW PROVEN: ${path}`);
  for (const [name, count] of Object.entries(counts)) print(`  ${count} x ${name}`);
}
