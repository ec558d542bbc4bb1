// SPDX-License-Identifier: Apache-2.0
/** `ctga dns query`: a tree head, fetched by DNS and verified, and what can be proven about it. */
import { Command, InvalidArgumentError } from 'commander';
import { decodeBase64 } from '../base/base64.ts';
import { DnsClient } from '../dns/client.ts';
import { nameservers, RESOLV_CONF } from '../dns/resolv-conf.ts';
import type { Endpoint } from '../dns/server.ts';
import { badInput, ExitCode, messageOf } from '../base/errors.ts';
import { bytesOf } from '../base/read-file.ts';
import { plural, time } from '../base/text.ts';
import type { Log } from '../logs/log.ts';
import { parseZone, zonesOf } from '../logs/zones.ts';
import { toMerkleHash, type MerkleHash } from '../merkle/hash.ts';
import { readTreeHeads } from '../exchange/files.ts';
import { logsInForce } from '../services/log-lists.ts';
import type { QueryResult } from '../services/query.ts';
import { stateAt } from '../store/state.ts';
import type { NoteKey } from '../statements/note-key.ts';
import { MALFORMED, type VerifiedStatement } from '../statements/statement.ts';
import { endpoint, withLogs, withState, type LogOptions, type StateOption } from './options.ts';
import { print, printJson, warn } from './output.ts';
import { setExitCode } from './run.ts';
import { printCosignature, witnessOption } from './witness-option.ts';

interface QueryOptions extends StateOption, LogOptions {
  readonly server?: Endpoint;
  readonly log?: string;
  readonly since?: string;
  readonly leaf?: MerkleHash;
  readonly witness: readonly NoteKey[];
}

export function dnsQueryCommand(): Command {
  const query = new Command('query')
    .description(
      'fetch a tree head over DNS and verify it; check that it extends an older one, or that its tree has a leaf',
    )
    .argument('<zone>', 'the zone of the log, such as tuscolo2027h1.ct.example.net')
    .option(
      '--server <address>',
      'ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT (default: the first of /etc/resolv.conf)',
      endpoint,
    )
    .option(
      '--log <name>',
      'the log whose tree head it must be (default: the log with that zone or name)',
    )
    .option(
      '--since <file>',
      'an older tree head, in a file as for "ctga heads import": check that the log is append-only since',
    )
    .option(
      '--leaf <hash>',
      'a Merkle leaf hash in base64 or hexadecimal: check that it is in the log',
      leafHash,
    )
    .addOption(witnessOption())
    .addHelpText(
      'after',
      `
Exit codes: 0 if all is verified; 1 if something is not, or nobody answers; 3 if the log signed two
trees that contradict each other. The evidence is then in the state directory.`,
    );
  return withLogs(withState(query)).action(runQuery);
}

async function runQuery(text: string, options: QueryOptions): Promise<void> {
  const { logOfZone, queryZone } = await import('../services/query.ts');
  const state = stateAt(options.stateDir);
  const zone = parseZone(text.replace(/^(sth|checkpoint)\./i, ''), 'the zone');
  const { zone: zones, zoneSuffix } = options;
  const logs = logsInForce(state, options.logList, warn);
  // Whatever is wrong with one of them, although another names the log.
  zonesOf(logs, { zones, zoneSuffix });
  const log = logOfZone(zone, logs, options.log, { zones, zoneSuffix });
  const client = new DnsClient(options.server ?? resolverOfThisHost());
  const result = await queryZone({
    zone,
    log,
    lookup: (name) => client.txt(name),
    since: options.since === undefined ? undefined : oldHead(options.since, log),
    leaf: options.leaf,
    witnesses: options.witness,
    evidenceDirectory: state.evidence,
    now: Date.now(),
  });
  if (options.json === true) printJson(result);
  else printResult(result);
  setExitCode(exitCodeOf(result));
}

function exitCodeOf({ cosignatures, since, leaf }: QueryResult): ExitCode {
  if (since?.verdict === 'fork-proven') return ExitCode.forkProven;
  const isVerified =
    (since?.verdict ?? 'consistent') === 'consistent' &&
    leaf?.included !== false &&
    cosignatures.every(({ valid }) => valid);
  return isVerified ? ExitCode.ok : ExitCode.failed;
}

const REASONS = {
  'bad-proof': 'the proof is no good',
  'malformed-head': 'one of the heads is of an empty tree, and has a wrong root',
} as const;

function printResult(result: QueryResult): void {
  const { name, log, treeSize, timestamp, cosignatures, since, leaf } = result;
  // Ed25519 checkpoints say no time.
  const when = timestamp === 0n ? '' : ` at ${time(timestamp)}`;
  print(`${name}: size ${treeSize}, signed by ${log}${when}. The signature verifies.`);
  for (const each of cosignatures) printCosignature('', each);
  if (since?.verdict === 'consistent')
    print(`It extends the tree of size ${since.treeSize}: append-only in between.`);
  else if (since?.verdict === 'fork-proven') {
    print(`SPLIT VIEW PROVEN: it contradicts the tree of size ${since.treeSize}.`);
    print(`  Evidence: ${since.evidence ?? ''}`);
  } else if (since?.verdict === 'malformed-head') print(`NOT COMPARED: ${MALFORMED}.`);
  else if (since !== undefined)
    print(`NOT PROVEN to extend the tree of size ${since.treeSize}: ${REASONS[since.verdict]}.`);
  if (leaf !== undefined)
    print(`The leaf is ${leaf.included ? '' : 'NOT PROVEN to be '}at index ${leaf.leafIndex}.`);
}

function oldHead(file: string, log: Log): VerifiedStatement {
  const { heads, refused } = readTreeHeads(file, [log], log);
  const [first, ...more] = heads;
  if (first === undefined) throw badInput(refused[0] ?? `${file}: no tree head in it`);
  if (more.length > 0) throw badInput(`${file}: ${plural(heads.length, 'tree head')}, want one`);
  return first.head;
}

function resolverOfThisHost(): Endpoint {
  try {
    const [first] = nameservers(bytesOf(RESOLV_CONF).toString());
    if (first !== undefined) return first;
  } catch (error) {
    throw badInput(
      `cannot read ${RESOLV_CONF}: ${messageOf(error)}`,
      'Name a server with --server.',
    );
  }
  throw badInput(`${RESOLV_CONF} names no server`, 'Name one with --server.');
}

function leafHash(text: string): MerkleHash {
  const bytes = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : decodeBase64(text);
  if (bytes?.length !== 32)
    throw new InvalidArgumentError('want 32 bytes in base64 or hexadecimal.');
  return toMerkleHash(bytes);
}
