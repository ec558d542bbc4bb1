/** `ctga dns query`: a tree head, fetched by DNS and verified, and what can be proven about it. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { Command, InvalidArgumentError } from 'commander';
import { decodeBase64 } from '../base/base64.ts';
import { LogError, type Asker } from '../ask/asker.ts';
import { CtOverDnsAsker } from '../ask/ct-over-dns.ts';
import { prove } from '../ask/prove.ts';
import { DnsClient } from '../dns/client.ts';
import type { Endpoint } from '../dns/server.ts';
import { badInput, ExitCode, messageOf } from '../base/errors.ts';
import { plural, time } from '../base/text.ts';
import { makeEvidence } from '../evidence/bundle.ts';
import type { Conclusion } from '../evidence/judge.ts';
import { writeEvidence } from '../evidence/write.ts';
import { logLabels, type Log } from '../logs/log.ts';
import { findLog, parseZone, zonesOf } from '../logs/zones.ts';
import { equalHash, toMerkleHash, type MerkleHash } from '../merkle/hash.ts';
import { foldInclusion } from '../merkle/proof.ts';
import { readTreeHeads } from '../exchange/files.ts';
import { logsInForce } from '../services/log-lists.ts';
import { stateAt, type State } from '../store/state.ts';
import { MALFORMED, type VerifiedStatement } from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';
import { endpoint, withLogs, withState, type LogOptions, type StateOption } from './options.ts';
import { print, printJson, warn } from './output.ts';
import { setExitCode } from './run.ts';

interface QueryOptions extends StateOption, LogOptions {
  readonly server?: Endpoint;
  readonly log?: string;
  readonly since?: string;
  readonly leaf?: MerkleHash;
}

export function dnsQueryCommand(): Command {
  const query = new Command('query')
    .description(
      'fetch a tree head over DNS and verify it; check that it extends an older one, or that its tree has a leaf',
    )
    .argument('<zone>', 'the zone of the log, such as rome2026h1.ct.example.net')
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
    .addHelpText(
      'after',
      `
Exit codes: 0 if all is verified; 1 if something is not, or nobody answers; 3 if the log signed two
trees that contradict each other. The evidence is then in the state directory.`,
    );
  return withLogs(withState(query)).action(runQuery);
}

async function runQuery(text: string, options: QueryOptions): Promise<void> {
  const state = stateAt(options.stateDir);
  const zone = parseZone(text.replace(/^sth\./i, ''), 'the zone');
  const log = logOf(zone, logsInForce(state, options.logList, warn), options);
  const server = options.server ?? resolverOfThisHost();
  const client = new DnsClient(server);
  const asker = new CtOverDnsAsker(zone, (name) => client.txt(name));
  const head = verifyStatement(await asker.treeHead(), log.key);
  if (head === undefined)
    throw new LogError(
      'log-unavailable',
      `the tree head at sth.${zone} is not signed by "${log.description}"`,
      {
        remedy: 'It is another log, or somebody makes heads up. Say whose it should be with --log.',
      },
    );
  const result: QueryResult = {
    zone,
    log: log.description,
    treeSize: head.treeSize,
    timestamp: head.timestamp,
  };
  if (options.since !== undefined)
    result.since = await compare(asker, log, oldHead(options.since, log), head, state);
  if (options.leaf !== undefined) result.leaf = await findLeaf(asker, options.leaf, head);
  if (options.json === true) printJson(result);
  else printResult(result);
  setExitCode(
    result.since?.verdict === 'fork-proven'
      ? ExitCode.forkProven
      : (result.since !== undefined && result.since.verdict !== 'consistent') ||
          result.leaf?.included === false
        ? ExitCode.failed
        : ExitCode.ok,
  );
}

interface QueryResult {
  readonly zone: string;
  readonly log: string;
  readonly treeSize: bigint;
  readonly timestamp: bigint;
  since?: {
    readonly treeSize: bigint;
    readonly verdict: Conclusion['verdict'];
    readonly evidence?: string;
  };
  leaf?: { readonly leafIndex: bigint; readonly included: boolean };
}

/** Whether the log's tree only grew between two heads, whichever is the older. */
async function compare(
  asker: Asker,
  log: Log,
  old: VerifiedStatement,
  now: VerifiedStatement,
  state: State,
): Promise<NonNullable<QueryResult['since']>> {
  const [first, second] = old.treeSize <= now.treeSize ? [old, now] : [now, old];
  const found = await prove(asker, first, second);
  const { treeSize } = old;
  if (found.verdict !== 'fork-proven') return { treeSize, verdict: found.verdict };
  const bundle = makeEvidence(log, first, second, found, Date.now());
  return { treeSize, verdict: found.verdict, evidence: writeEvidence(state.evidence, bundle) };
}

/** Whether a leaf is in the tree of a head. */
async function findLeaf(
  asker: Asker,
  leaf: MerkleHash,
  { treeSize, rootHash }: VerifiedStatement,
): Promise<NonNullable<QueryResult['leaf']>> {
  const { leafIndex, path } = await asker.leafProof(leaf, treeSize);
  const folded = foldInclusion(leafIndex, treeSize, leaf, path);
  return { leafIndex, included: folded.kind === 'folded' && equalHash(folded.root, rootHash) };
}

function printResult({ zone, log, treeSize, timestamp, since, leaf }: QueryResult): void {
  print(
    `sth.${zone}: size ${treeSize}, signed by ${log} at ${time(timestamp)}. The signature verifies.`,
  );
  if (since?.verdict === 'consistent')
    print(`It extends the tree of size ${since.treeSize}: append-only in between.`);
  else if (since?.verdict === 'fork-proven')
    print(
      `SPLIT VIEW PROVEN: it contradicts the tree of size ${since.treeSize}.\n  Evidence: ${since.evidence ?? ''}`,
    );
  else if (since?.verdict === 'malformed-head') print(`NOT COMPARED: ${MALFORMED}.`);
  else if (since !== undefined)
    print(`NOT PROVEN to extend the tree of size ${since.treeSize}: the proof is no good.`);
  if (leaf !== undefined)
    print(`The leaf is ${leaf.included ? '' : 'NOT PROVEN to be '}at index ${leaf.leafIndex}.`);
}

/**
 * The log that --log names; else the one with this zone; else the one that the zone's first label
 * names, as in the zones that ctga serves.
 */
function logOf(zone: string, logs: readonly Log[], options: QueryOptions): Log {
  if (options.log !== undefined) return findLog(logs, options.log);
  const { zone: zones, zoneSuffix } = options;
  const [label] = zone.split('.');
  const known = zonesOf(logs, { zones, zoneSuffix }).get(zone);
  const named = known ?? Array.from(logLabels(logs)).find(([, name]) => name === label)?.[0];
  if (named === undefined)
    throw badInput(
      `no log is known whose zone is ${zone}`,
      'Say whose it is with --log; ctga logs list has the names.',
    );
  return named;
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
    const [, found] =
      /^nameserver\s+([^\s%]+)/m.exec(readFileSync('/etc/resolv.conf', 'utf8')) ?? [];
    if (found !== undefined && isIP(found) !== 0) return { address: found, port: 53 };
  } catch (error) {
    throw badInput(
      `cannot read /etc/resolv.conf: ${messageOf(error)}`,
      'Name a server with --server.',
    );
  }
  throw badInput('/etc/resolv.conf names no server', 'Name one with --server.');
}

function leafHash(text: string): MerkleHash {
  const bytes = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : decodeBase64(text);
  if (bytes?.length !== 32)
    throw new InvalidArgumentError('want 32 bytes in base64 or hexadecimal.');
  return toMerkleHash(bytes);
}
