/** `ctga evidence`: proven split views, and checking them offline. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Command, Option } from 'commander';
import { badInput, ExitCode, messageOf } from '../base/errors.ts';
import { time } from '../base/text.ts';
import { isListed, parseEvidence } from '../evidence/bundle.ts';
import { formatReport } from '../evidence/report.ts';
import { readTextFile } from '../base/documents.ts';
import { logIdText } from '../logs/log.ts';
import { checkEvidence } from '../services/evidence.ts';
import { openForReading, stateAt } from '../store/state.ts';
import { withState, type StateOption } from './options.ts';
import { print, printJson, printTable, printText } from './output.ts';
import { setExitCode } from './run.ts';

export function evidenceCommand(): Command {
  return new Command('evidence')
    .description('list, show, verify and report proofs of split views')
    .addCommand(
      withState(
        new Command('list')
          .description('list the evidence that this installation has found')
          .action(listEvidence),
      ),
    )
    .addCommand(
      new Command('show')
        .description('print what a bundle says')
        .argument('<file>')
        .option('--json', 'print JSON for scripts')
        .action(show),
    )
    .addCommand(
      new Command('verify')
        .description(
          'check the signatures, the proof and the conclusion of a bundle, offline; the exit code is 0 only if all hold',
        )
        .argument('<file>')
        .addOption(listKeyOption())
        .option('--json', 'print JSON for scripts')
        .action(verify),
    )
    .addCommand(
      new Command('report')
        .description(
          "print a report on a bundle, for a browser's CT team: Markdown, or an HTML page that loads nothing",
        )
        .argument('<file>')
        .addOption(
          new Option('--format <format>').choices(['markdown', 'html']).default('markdown'),
        )
        .option('--output <file>', 'write the report to this file instead of printing it')
        .addOption(listKeyOption())
        .action(report),
    );
}

function listKeyOption(): Option {
  return new Option(
    '--list-key <file>',
    "accept log lists that this key (PEM) signed, besides Chrome's",
  );
}

function listEvidence(options: StateOption): void {
  const store = openForReading(stateAt(options.stateDir));
  const records = store.evidence.all();
  store.close();
  if (options.json === true)
    return printJson(records.map((record) => ({ ...record, logId: logIdText(record.logId) })));
  if (records.length === 0) return print('There is no evidence: no split view has been proven.');
  printTable(
    ['FOUND', 'TREE SIZES', 'FILE'],
    records.map((record) => [
      time(record.created),
      `${record.firstSize} / ${record.secondSize}`,
      record.path,
    ]),
  );
}

function show(file: string, options: { json?: boolean }): void {
  const text = readTextFile(file);
  const { log, first, second, proof, created } = parseEvidence(text, file);
  if (options.json === true) return printText(text);
  print(`${log.description} (${log.url})`);
  print(`  log ID      ${Buffer.from(log.logId).toString('base64')}`);
  for (const [name, head] of [
    ['first', first],
    ['second', second],
  ] as const) {
    const whence = isListed(head) ? 'final in a log list' : `signed at ${time(head.timestamp)}`;
    print(
      `  ${name.padEnd(10)}  size ${head.treeSize}, ${whence}, root ${Buffer.from(head.rootHash).toString('base64')}`,
    );
  }
  print(`  proof       ${proof.kind}${'hashes' in proof ? `, ${proof.hashes.length} hashes` : ''}`);
  print(`  found       ${created}`);
  print(`Check it with: ctga evidence verify ${file}`);
}

function report(
  file: string,
  { format, output, listKey }: { format: 'markdown' | 'html'; output?: string; listKey?: string },
): void {
  const { evidence, checks, text, stands } = checkEvidence(file, listKey);
  const sha256 = createHash('sha256').update(text).digest('hex');
  const written = formatReport(evidence, {
    format,
    checks,
    file: { name: basename(file), sha256 },
  });
  if (output === undefined) printText(written);
  else {
    try {
      writeFileSync(output, written);
    } catch (error) {
      throw badInput(`cannot write ${output}: ${messageOf(error)}`);
    }
    print(`Written to ${output}.`);
  }
  if (!stands) setExitCode(ExitCode.failed);
}

function verify(file: string, { json, listKey }: { json?: boolean; listKey?: string }): void {
  const { checks, stands } = checkEvidence(file, listKey);
  if (json === true) printJson({ file, valid: stands, checks });
  else {
    for (const { what, holds } of checks) print(`${holds ? 'holds' : 'FAILS'}  ${what}`);
    print(
      stands
        ? 'The evidence stands: the log showed two trees that no append-only history connects.'
        : 'The evidence does NOT stand.',
    );
  }
  setExitCode(stands ? ExitCode.ok : ExitCode.failed);
}
