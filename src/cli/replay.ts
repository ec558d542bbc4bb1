/** `ctga replay`: the observer over a capture file. */
import { Command } from 'commander';
import { basename } from 'node:path';
import { replayCapture } from '../dataplane/pcap.ts';
import { knownLogs } from '../logs/known.ts';
import { zonesOf } from '../logs/zones.ts';
import { Observer, type ObserverEvent } from '../observer/observer.ts';
import { openForWriting, stateAt } from '../store/state.ts';
import { suffix } from './logs.ts';
import { withLogs, withState, type LogOptions, type StateOption } from './options.ts';
import { plural, print, printJson, time } from './output.ts';

export function replayCommand(): Command {
  const replay = new Command('replay')
    .description('look for tree heads in a capture (pcap or pcapng), verify and store them; needs no root')
    .argument('<file>');
  return withLogs(withState(replay)).action(run);
}

function run(file: string, options: StateOption & LogOptions): void {
  const state = stateAt(options.stateDir);
  const store = openForWriting(state);
  const found: Extract<ObserverEvent, { event: 'tree-head' }>[] = [];
  let packets = 0;
  try {
    const logs = knownLogs(store, options.logList);
    const observer = new Observer({
      zones: zonesOf(logs, { zones: options.zone, ...suffix(options) }),
      store,
      evidenceDirectory: state.evidence,
      now: () => lastTimestamp,
      onEvent: (event) => {
        if (event.event === 'tree-head') found.push(event);
        else if (event.event === 'fork-proven') print(`SPLIT VIEW PROVEN: ${event.evidence}`);
      },
    });
    let lastTimestamp = 0;
    try {
      for (const packet of readCapture(file)) {
        packets += 1;
        lastTimestamp = packet.timestamp;
        observer.receive({ ...packet, kind: 'unknown', interfaceName: `replay:${basename(file)}` });
      }
    } finally {
      observer.endBatch();
      store.putLogs(found.map(({ log }) => log));
      const summary = { file, packets, treeHeads: found.map(describe), counts: observer.counts() };
      if (options.json === true) printJson(summary);
      else printSummary(summary);
    }
  } finally {
    store.close();
  }
}
