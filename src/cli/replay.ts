// SPDX-License-Identifier: Apache-2.0
/** `ctga replay`: the observer over capture files. */
import { Command } from 'commander';
import { ExitCode } from '../base/errors.ts';
import { plural, time } from '../base/text.ts';
import type { CaptureProgress } from '../dataplane/capture.ts';
import type { ReplayedFiles } from '../services/replay.ts';
import { MALFORMED } from '../statements/statement.ts';
import { stateAt } from '../store/state.ts';
import { withLogs, withState, type LogOptions, type StateOption } from './options.ts';
import { endProgress, print, printJson, printProgress, reportFailure, warn } from './output.ts';
import { setExitCode } from './run.ts';

export function replayCommand(): Command {
  const command = new Command('replay')
    .description('look for tree heads in captures, verify and store them; needs no root')
    .argument('<file...>', 'captures, or - for standard input')
    .addHelpText(
      'after',
      `
Reads pcap, its variants with nanoseconds, "modified" and Ixia's, and pcapng, in either byte order,
compressed with gzip, zstd, xz, lz4 or bzip2 if that program is installed. Link types: Ethernet, raw
IP, BSD loopback, Linux cooked (SLL and SLL2), PPP, PPPoE, Cisco HDLC, NFLOG and ENC. Packets of
other link types are counted and named. Reads what resolvers write as dnstap, too: files in Frame
Streams, as fstrm_capture writes them.`,
    );
  return withLogs(withState(command)).action(run);
}

async function run(files: readonly string[], options: StateOption & LogOptions): Promise<void> {
  const { replay } = await import('../services/replay.ts');
  const { COUNTED_BEFORE } = await import('../observer/observer.ts');
  const found = await replay({
    state: stateAt(options.stateDir),
    files,
    logList: options.logList,
    zones: { zones: options.zone, zoneSuffix: options.zoneSuffix },
    warn,
    onProgress: showProgress,
  }).finally(endProgress);
  const failures = found.files.flatMap(({ failure }) => failure ?? []);
  // What came before damage in a file is stored, and shown, all the same.
  if (failures.length === 0 || found.packets > 0) {
    if (options.json === true) printJson(forScripts(found));
    else printReplay(found, COUNTED_BEFORE);
  }
  for (const failure of failures) setExitCode(reportFailure(failure));
  if (found.evidence.length > 0) setExitCode(ExitCode.forkProven);
}

function showProgress(file: string, { packets, bytesRead, bytes }: CaptureProgress): void {
  const part = bytes === undefined ? '' : `, ${Math.floor((bytesRead / bytes) * 100)} %`;
  printProgress(`${file}: ${plural(packets, 'packet')}${part}`);
}

function forScripts({ files, treeHeads, ...found }: ReplayedFiles): unknown {
  return {
    files: files.map(({ unread, failure, ...file }) => ({
      ...file,
      unread: Array.from(unread, ([linkType, packets]) => ({ linkType, packets })),
      failure: failure && { error: failure.code, message: failure.message },
    })),
    ...found,
    treeHeads: treeHeads.map((head) => ({ ...head, log: head.log.description })),
  };
}

/** `before` is the name of what was counted by an earlier replay. */
function printReplay(found: ReplayedFiles, before: string): void {
  const { packets, treeHeads, evidence, malformed, counts } = found;
  print(`${plural(packets, 'packet')}, ${plural(treeHeads.length, 'verified tree head')}.`);
  for (const { log, treeSize, timestamp, seen, reassembled } of treeHeads) {
    const fragments =
      reassembled === 0 ? '' : `, ${reassembled} of them reassembled from fragments`;
    // Ed25519 checkpoints say no time.
    const when = timestamp === 0n ? '' : `, signed at ${time(timestamp)}`;
    print(`  ${log.description}: size ${treeSize}${when}, seen ${seen}x${fragments}`);
  }
  for (const log of malformed) warn(`malformed tree head of ${log}: ${MALFORMED}`);
  for (const path of evidence) print(`SPLIT VIEW PROVEN: ${path}`);
  for (const [name, count] of Object.entries(counts))
    if (name !== before) print(`  ${count} x ${name}`);
  const again = counts[before] ?? 0;
  if (again > 0)
    print(
      `An earlier replay has counted ${again === 1 ? '1 of these sightings' : `${again} of these sightings`}; ctga does not count them again.`,
    );
}
