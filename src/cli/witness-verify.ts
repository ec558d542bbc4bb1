// SPDX-License-Identifier: Apache-2.0
/** `ctga witness verify`: checkpoints and proof files against a trust policy, offline. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { decodeBase64, encodeBase64 } from '../base/base64.ts';
import { readBinaryFile } from '../base/documents.ts';
import { badInput, ExitCode } from '../base/errors.ts';
import { time } from '../base/text.ts';
import { hashLeaf, toMerkleHash, type MerkleHash } from '../merkle/hash.ts';
import { parsePolicy } from '../statements/policy.ts';
import type { TrustedCheckpoint } from '../statements/trust.ts';
import { isTlogProof, parseTlogProof, type TlogProof } from '../statements/tlog-proof.ts';
import { print, printJson, warn } from './output.ts';
import { setExitCode } from './run.ts';

interface VerifyOptions {
  readonly policy: string;
  readonly entry?: string;
  readonly leafHash?: MerkleHash;
  readonly json?: boolean;
}

/** A checkpoint with a hundred signatures of ML-DSA-44 is a third of it. */
const MAX_BYTES = 1024 * 1024;

export function witnessVerifyCommand(): Command {
  return new Command('verify')
    .description(
      'hold a checkpoint, or a tlog-proof file, against a trust policy (c2sp.org/tlog-policy), without asking anybody: exit code 1 if the policy does not accept it',
    )
    .argument('<file>', 'a checkpoint with its cosignatures, or a file of c2sp.org/tlog-proof')
    .requiredOption('--policy <file>', 'which logs are believed, and which witnesses make a quorum')
    .option('--entry <file>', 'with a tlog-proof: the entry that is said to be in the log')
    .addOption(
      new Option(
        '--leaf-hash <hash>',
        "with a tlog-proof: the entry's leaf hash instead, in hexadecimal or base64",
      )
        .argParser(leafHash)
        .conflicts('entry'),
    )
    .option('--json', 'print JSON for scripts')
    .addHelpText(
      'after',
      `
A policy has lines such as
  log example.com/log+1234abcd+AbC... https://example.com/log
  witness W1 witness.example+5678cdef+BdE...
  witness W2 other.example+90ab12cd+Bgh...
  group both 2 W1 W2
  quorum both`,
    )
    .action(verify);
}

async function verify(file: string, options: VerifyOptions): Promise<void> {
  const { checkCheckpoint, checkProof } = await import('../statements/trust.ts');
  const policy = read(options.policy, parsePolicy);
  if (policy.logs.length === 0)
    throw badInput(`${options.policy}: it names no log`, 'Add a line: log VKEY.');
  const trusted = read(file, (bytes): TrustedCheckpoint & { readonly proof?: TlogProof } => {
    const leaf =
      options.leafHash ?? (options.entry === undefined ? undefined : leafOf(options.entry));
    if (!isTlogProof(bytes)) {
      if (leaf === undefined) return checkCheckpoint(bytes, policy);
      throw badInput(`${file} is a checkpoint, which proves no entry`, 'Leave the entry out.');
    }
    if (leaf === undefined)
      throw badInput(
        `${file} proves that an entry is in a log`,
        'Say which: --entry FILE, or --leaf-hash.',
      );
    const proof = parseTlogProof(bytes);
    return { ...checkProof(proof, leaf, policy), proof };
  });
  setExitCode(trusted.faults.length === 0 ? ExitCode.ok : ExitCode.failed);
  if (options.json === true) return printJson(toJson(trusted));
  show(file, trusted);
}

function show(
  file: string,
  {
    checkpoint,
    logs,
    cosigned,
    faults,
    hasExtensionLines,
    proof,
  }: TrustedCheckpoint & { readonly proof?: TlogProof },
): void {
  print(
    `${checkpoint.origin}: size ${checkpoint.treeSize}, root ${encodeBase64(checkpoint.rootHash)}`,
  );
  for (const log of logs) print(`  signed by the log ${log}`);
  for (const { witness, time: seconds } of cosigned)
    print(
      `  cosigned by ${witness}${seconds === 0n ? ', which does not say when' : ` at ${time(seconds * 1000n)}`}`,
    );
  if (hasExtensionLines)
    print(
      '  It has extension lines: the log signed them, and no witness says anything about them.',
    );
  if (faults.length > 0) {
    for (const fault of faults) warn(`${file}: ${fault}`);
    return print('NOT accepted by the policy.');
  }
  print(
    proof === undefined
      ? 'Accepted by the policy.'
      : `Accepted by the policy: the entry is in the log, at index ${proof.index}.`,
  );
}

function toJson({
  checkpoint,
  logs,
  cosigned,
  faults,
  hasExtensionLines,
  proof,
}: TrustedCheckpoint & { readonly proof?: TlogProof }): Record<string, unknown> {
  return {
    accepted: faults.length === 0,
    faults,
    origin: checkpoint.origin,
    treeSize: checkpoint.treeSize,
    rootHash: encodeBase64(checkpoint.rootHash),
    logs,
    cosigned,
    hasExtensionLines,
    index: proof?.index,
  };
}

/** Reads a file; what RangeError says of its bytes is the message for its reader. */
function read<T>(path: string, parse: (bytes: Uint8Array) => T): T {
  const bytes = readBinaryFile(path, MAX_BYTES);
  try {
    return parse(bytes);
  } catch (error) {
    if (error instanceof RangeError) throw badInput(`${path}: ${error.message}`);
    throw error;
  }
}

/** Entries are hashed as RFC 6962, Section 2.1 hashes leaves. */
function leafOf(path: string): MerkleHash {
  return hashLeaf(readBinaryFile(path));
}

function leafHash(text: string): MerkleHash {
  const bytes = /^[0-9a-fA-F]{64}$/.test(text) ? Buffer.from(text, 'hex') : decodeBase64(text);
  if (bytes?.length === 32) return toMerkleHash(bytes);
  throw new InvalidArgumentError('want 32 bytes in hexadecimal or base64.');
}
