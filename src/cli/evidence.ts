/** `ctga evidence`: what was proven, and checking it again offline. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Command, Option } from 'commander';
import { badInput, ExitCode, messageOf } from '../base/errors.ts';
import { time } from '../base/text.ts';
import { isIntact, isListed, parseEvidence, type Evidence } from '../evidence/bundle.ts';
import { formatReport } from '../evidence/report.ts';
import { verifyEvidence, type Check } from '../evidence/verify.ts';
import { readTextFile } from '../base/documents.ts';
import { logIdText } from '../logs/log.ts';
import { CHROME_LIST_KEY, parseListKey } from '../logs/signed-list.ts';
import { openForReading, stateAt } from '../store/state.ts';
import { withState, type StateOption } from './options.ts';
import { print, printJson, printTable, printText } from './output.ts';
import { setExitCode } from './run.ts';

export function evidenceCommand(): Command {
  return new Command('evidence')
    .description('list, show, verify or report proofs of split views')
    .addCommand(
      withState(
        new Command('list').description('evidence found by this installation').action(listEvidence),
      ),
    )
    .addCommand(
      new Command('show')
        .description('what a bundle says, in words')
        .argument('<file>')
        .option('--json', 'print JSON for scripts')
        .action(show),
    )
    .addCommand(
      new Command('verify')
        .description(
          'check a bundle offline: signatures, proof and conclusion (exit code 0 only if all hold)',
        )
        .argument('<file>')
        .addOption(listKeyOption())
        .option('--json', 'print JSON for scripts')
        .action(verify),
    )
    .addCommand(
      new Command('report')
        .description(
          "a bundle as a report to send to a browser's CT team: Markdown, or an HTML page that loads nothing",
        )
        .argument('<file>')
        .addOption(
          new Option('--format <format>').choices(['markdown', 'html']).default('markdown'),
        )
        .option('--output <file>', 'write it there instead of printing it')
        .addOption(listKeyOption())
        .action(report),
    );
}

function listKeyOption(): Option {
  return new Option(
    '--list-key <file>',
    "a publisher's key in PEM whose log lists are believed, beside Chrome's",
  );
}

function listEvidence(options: StateOption): void {
  const store = openForReading(stateAt(options.stateDir));
  const records = store.evidence.all();
  store.close();
  if (options.json === true)
    return printJson(records.map((record) => ({ ...record, logId: logIdText(record.logId) })));
  if (records.length === 0) return print('No evidence: no split view has been proven.');
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

/** The bundle and what every check says of it. */
function check(
  file: string,
  listKey: string | undefined,
): { evidence: Evidence; checks: Check[]; text: string } {
  const given = listKey === undefined ? [] : [parseListKey(readTextFile(listKey), listKey)];
  const text = readTextFile(file);
  const evidence = parseEvidence(text, file);
  const whole = {
    what: 'the file is to the last bit as it was written',
    holds: isIntact(text, evidence),
  };
  return {
    evidence,
    checks: [whole, ...verifyEvidence(evidence, [CHROME_LIST_KEY, ...given])],
    text,
  };
}

function report(
  file: string,
  { format, output, listKey }: { format: 'markdown' | 'html'; output?: string; listKey?: string },
): void {
  const { evidence, checks, text } = check(file, listKey);
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
  if (checks.some(({ holds }) => !holds)) setExitCode(ExitCode.failed);
}

function verify(file: string, { json, listKey }: { json?: boolean; listKey?: string }): void {
  const { checks } = check(file, listKey);
  const stands = checks.every(({ holds }) => holds);
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
