// SPDX-License-Identifier: Apache-2.0
/** `ctga evidence`: proven split views, and checking them offline. */
import { createHash } from 'node:crypto';
import { statSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Command, Option } from 'commander';
import { encodeBase64 } from '../base/base64.ts';
import { cleanJson } from '../base/clean.ts';
import { badFile, badInput, ExitCode } from '../base/errors.ts';
import { plural, time, utc } from '../base/text.ts';
import type { KnownKey } from '../evidence/report.ts';
import { readTextFile } from '../base/documents.ts';
import type { EvidenceRecord } from '../store/evidence.ts';
import { stateAt } from '../store/state.ts';
import { anchorCommand } from './evidence-anchor.ts';
import { withState, type StateOption } from './options.ts';
import { checkCommand } from './next.ts';
import { print, printJson, printJsonLine, printTable, printText, warn } from './output.ts';
import { setExitCode, stopRequest } from './run.ts';

export function evidenceCommand(): Command {
  return new Command('evidence')
    .description('list, keep, show, verify and report proofs of split views and broken promises')
    .addCommand(
      withState(
        new Command('list')
          .description(
            'list the evidence that this installation has found; the exit code is 1 if a file is missing, was changed, or is not in the chain',
          )
          .action(list),
      ),
    )
    .addCommand(
      withState(
        new Command('keep')
          .description(
            'keep evidence for other accounts, which cannot change what is kept: the writer, of an account of its own',
          )
          .option('--user <name>', 'as root: the account to become (default: ctga-evidence)')
          .action(keep),
      ),
    )
    .addCommand(
      new Command('show')
        .description('print what a file of evidence says')
        .argument('<file>')
        .option('--json', 'print JSON for scripts')
        .action(show),
    )
    .addCommand(
      new Command('verify')
        .description(
          'check the signatures, the proof and the conclusion of evidence, offline; the exit code is 0 only if all hold and a log list has the key, and 4 if they hold but none has',
        )
        .argument('<file>')
        .addOption(listKeyOption())
        .addOption(logListOption())
        .addOption(stateDirOption())
        .option('--json', 'print JSON for scripts')
        .action(verify),
    )
    .addCommand(
      new Command('report')
        .description(
          "print a report on evidence, for a browser's CT team: Markdown, or an HTML page that loads nothing",
        )
        .argument('<file>')
        .addOption(
          new Option('--format <format>', 'of the report')
            .choices(['markdown', 'html'])
            .default('markdown'),
        )
        .option('--output <file>', 'write the report to this file instead of printing it')
        .addOption(listKeyOption())
        .addOption(logListOption())
        .addOption(stateDirOption())
        .action(report),
    )
    .addCommand(anchorCommand());
}

function listKeyOption(): Option {
  return new Option(
    '--list-key <file>',
    "accept log lists that this key (PEM) signed, besides Chrome's",
  );
}

function logListOption(): Option {
  return new Option(
    '--log-list <file>',
    'whose key it is, by this list alone (default: the imported and built-in lists)',
  );
}

function stateDirOption(): Option {
  return new Option('--state-dir <dir>', 'the directory of the store with the imported lists');
}

interface CheckOptions {
  readonly listKey?: string;
  readonly logList?: string;
  readonly stateDir?: string;
}

async function list(options: StateOption): Promise<void> {
  const { listEvidence } = await import('../services/evidence.ts');
  const { logIdText } = await import('../logs/log.ts');
  const { evidence, chain, faults } = await listEvidence(stateAt(options.stateDir));
  if (faults.length > 0) setExitCode(ExitCode.failed);
  if (options.json === true)
    return printJson({
      chain,
      faults,
      evidence: evidence.map(({ path, state, index, record }) => ({
        ...record,
        logId: record && logIdText(record.logId),
        path,
        state,
        index,
      })),
    });
  for (const fault of faults) warn(fault);
  if (evidence.length === 0)
    return print('There is no evidence: no split view and no broken promise has been proven.');
  printTable(
    [
      { title: 'FOUND (UTC)', is: 'whole' },
      'KIND',
      { title: 'TREE SIZES', is: 'number' },
      { title: 'CHAIN', is: 'number' },
      'STATE',
    ],
    evidence.map(({ path, state, index, record }) => ({
      cells: [
        record === undefined ? '' : utc(record.created),
        record?.kind ?? '',
        record === undefined ? '' : sizesOf(record),
        `${index ?? ''}`,
        state,
      ],
      notes: [path],
    })),
  );
  print(
    `The chain has ${plural(chain.length, 'file')}, and its head is ${chain.head}. Note it elsewhere: whoever has it can tell later that nothing before it was taken away.`,
  );
}

/** Of a broken promise the place, and the size of the tree. */
function sizesOf({ kind, firstSize, secondSize }: EvidenceRecord): string {
  return kind === 'fork' ? `${firstSize} / ${secondSize}` : `entry ${firstSize} of ${secondSize}`;
}

async function keep(options: StateOption & { readonly user?: string }): Promise<void> {
  const { keepEvidence } = await import('../services/keep-evidence.ts');
  const state = stateAt(options.stateDir);
  const json = options.json === true;
  await keepEvidence(
    {
      state,
      user: options.user,
      onStarted: () => {
        if (json) printJsonLine({ event: 'keeping', directory: state.evidence });
        else print(`Keeping evidence in ${state.evidence} (Ctrl-C ends it).`);
      },
      onAnswer: (answer) => {
        if (json) printJsonLine({ event: 'answered', ...answer });
        else if ('kept' in answer) print(`${time(Date.now())}  kept: ${answer.kept}`);
        else warn(`refused: ${answer.refused}`);
      },
    },
    stopRequest(),
  );
}

async function show(file: string, options: { json?: boolean }): Promise<void> {
  const { exhibitsOf, isListed, parseEvidence, signerOf } = await import('../evidence/bundle.ts');
  const { verifierKeyOf } = await import('../statements/key.ts');
  const text = readTextFile(file);
  const evidence = parseEvidence(text, file);
  const { log, created } = evidence;
  if (options.json === true) return printText(cleanJson(text));
  print(`The file claims that this is of ${log.description} (${log.url}).`);
  print(`  log ID      ${Buffer.from(log.logId).toString('base64')}`);
  const signer = signerOf(evidence);
  if (signer !== undefined) {
    print(`  origin      ${printable(signer.origin)}`);
    print(`  key         ${verifierKeyOf(signer)}`);
  }
  if (evidence.kind === 'promise-broken') {
    const { promise, derivation } = evidence;
    print(
      `  promise     entry ${derivation.leafIndex}, signed at ${time(promise.timestamp)}, leaf hash ${encodeBase64(derivation.leafHash)}`,
    );
  }
  const names = evidence.kind === 'fork' ? ['first', 'second'] : ['tree'];
  for (const [i, head] of exhibitsOf(evidence).entries()) {
    const whence = isListed(head)
      ? 'final in a log list'
      : signer?.algorithm === 'ed25519'
        ? 'signed' // nothing that is signed says when
        : `signed at ${time(head.timestamp)}`;
    print(
      `  ${(names[i] ?? '').padEnd(10)}  size ${head.treeSize}, ${whence}, root ${Buffer.from(head.rootHash).toString('base64')}`,
    );
  }
  if (evidence.kind === 'promise-broken') {
    const { leafHash, hashes } = evidence.proof;
    print(`  has there   another leaf, ${encodeBase64(leafHash)}`);
    print(`  proof       inclusion, ${hashes.length} hashes`);
  } else {
    const { proof } = evidence;
    const count = 'hashes' in proof ? `, ${proof.hashes.length} hashes` : '';
    print(`  proof       ${proof.kind}${count}`);
  }
  print(`  found       ${created}`);
  print(`Check it with: ${checkCommand(file)}`);
}

async function report(
  file: string,
  options: CheckOptions & { format: 'markdown' | 'html'; output?: string },
): Promise<void> {
  const { checkEvidence } = await import('../services/evidence.ts');
  const { formatReport } = await import('../evidence/report.ts');
  const { format, output, listKey } = options;
  if (output !== undefined && isSameFile(file, output))
    throw badInput(`${output} is the evidence itself`, 'Name another file for the report.');
  const { evidence, checks, text, stands, known } = checkEvidence(file, listKey, options);
  const sha256 = createHash('sha256').update(text).digest('hex');
  const written = formatReport(evidence, {
    format,
    checks,
    known,
    file: { name: basename(file), sha256 },
  });
  if (output === undefined) printText(written);
  else {
    try {
      writeFileSync(output, written);
    } catch (error) {
      throw badFile('write', output, error);
    }
    print(`Written to ${output}.`);
  }
  setExitCode(exitCodeOf(stands, known));
}

/** What cannot be looked at is said by whoever reads or writes it. */
function isSameFile(one: string, other: string): boolean {
  try {
    const [a, b] = [statSync(one), statSync(other)];
    return a.dev === b.dev && a.ino === b.ino;
  } catch {
    return false;
  }
}

async function verify(file: string, options: CheckOptions & { json?: boolean }): Promise<void> {
  const { checkEvidence } = await import('../services/evidence.ts');
  const { UNKNOWN_KEY } = await import('../evidence/report.ts');
  const { evidence, checks, stands, known } = checkEvidence(file, options.listKey, options);
  if (options.json === true)
    printJson({
      file,
      valid: stands,
      key: known ?? 'unknown',
      claims: evidence.log.description,
      checks,
    });
  else {
    for (const { what, holds } of checks) print(`${holds ? 'holds' : 'FAILS'}  ${what}`);
    if (known === undefined)
      print(`${UNKNOWN_KEY} The file claims that it is of ${printable(evidence.log.description)}.`);
    else print(`The key is that of ${printable(known.description)}, in ${known.list}.`);
    print(
      !stands
        ? 'The evidence does NOT stand.'
        : known === undefined
          ? `The evidence holds: whoever has this key ${CONVICTIONS[evidence.kind]}.`
          : `The evidence stands: the log ${CONVICTIONS[evidence.kind]}.`,
    );
  }
  setExitCode(exitCodeOf(stands, known));
}

const CONVICTIONS = {
  fork: 'showed two trees that no append-only history connects',
  'promise-broken': 'promised an entry, and signed a tree that has another in its place',
} as const;

function exitCodeOf(stands: boolean, known: KnownKey | undefined): ExitCode {
  if (!stands) return ExitCode.failed;
  return known === undefined ? ExitCode.unknownKey : ExitCode.ok;
}

/** What a file claims must not steer a terminal. */
function printable(text: string): string {
  return JSON.stringify(text.replaceAll(/\p{C}/gu, ' '));
}
