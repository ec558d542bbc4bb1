/**
 * Log lists in schema v3, as Chrome, Apple and crt.sh publish them, or an operator writes them. ctga
 * reads two more fields: `dns`, the zone of a log's CT-over-DNS names, which no published list has
 * today, and `allow_private_address`, for a log in the operator's own network.
 *
 * A list decides whose signatures ctga believes, so it is read strictly: if one log ID is not the
 * SHA-256 of its key, the whole list is refused. Logs that ctga cannot use (a kind of key that RFC
 * 6962 does not allow, no URL, a placeholder) are left out and named.
 */
import { z } from 'zod';
import { describeIssue, parseJson, readTextFile } from '../base/documents.ts';
import { badInput, messageOf } from '../base/errors.ts';
import { base64Bytes, hashBytes, uint64 } from '../statements/json.ts';
import { equalHash } from '../merkle/hash.ts';
import { logIdOf, toLogKey, type LogKey } from '../statements/key.ts';
import { LOG_STATES, logIdText, type Log } from './log.ts';
import { parseZone } from './zones.ts';

const logSchema = z.object({
  description: z.string().optional(),
  log_id: base64Bytes.optional(),
  key: base64Bytes,
  url: z.string().optional(),
  monitoring_url: z.string().optional(),
  mmd: z.number().int().nonnegative().optional(),
  dns: z.string().optional(),
  allow_private_address: z.boolean().optional(),
  // It has one key, the state. What it says besides the final tree head differs between lists.
  // States that ctga does not know are ignored.
  state: z
    .record(
      z.string(),
      z.looseObject({
        final_tree_head: z.object({ tree_size: uint64, sha256_root_hash: hashBytes }).optional(),
      }),
    )
    .optional(),
});

const listSchema = z.object({
  log_list_timestamp: z.iso.datetime().optional(),
  operators: z.array(
    z.object({
      name: z.string(),
      logs: z.array(logSchema).default([]),
      tiled_logs: z.array(logSchema).default([]),
    }),
  ),
});

export interface LogList {
  /** In ms since the epoch; undefined if the list does not say. */
  readonly published: number | undefined;
  readonly logs: readonly Log[];
  /** A sentence for each log that was left out, with the reason. */
  readonly leftOut: readonly string[];
}

/** RFC 6962, Section 3 has no default; nearly every log promises a day. */
const DEFAULT_MMD_SECONDS = 86_400;

/**
 * Reads a list from a file. Throws CtgaError `bad-input` naming the file, the log and what was
 * expected.
 */
export function readLogList(path: string): LogList {
  return parseLogList(readTextFile(path), path);
}

/**
 * Parses a list; `name` says in messages where the text came from. Throws CtgaError `bad-input` if it
 * is not a log list, or contradicts itself.
 */
export function parseLogList(text: string, name: string): LogList {
  const parsed = listSchema.safeParse(parseJson(text, name));
  if (!parsed.success) {
    throw badInput(
      `${name}: ${describeIssue(parsed.error)}`,
      'A log list follows schema v3: {"operators": [{"name", "logs": [...]}]}.',
    );
  }
  const logs = new Map<string, Log>();
  const leftOut: string[] = [];
  for (const operator of parsed.data.operators) {
    for (const api of ['logs', 'tiled_logs'] as const) {
      operator[api].forEach((entry, i) => {
        const where = `${operator.name}, ${api}[${i}]${entry.description === undefined ? '' : ` "${entry.description}"`}`;
        const log = toLog(
          entry,
          api === 'logs' ? 'rfc6962' : 'static-ct',
          operator.name,
          `${name}: ${where}`,
        );
        if (typeof log === 'string') leftOut.push(`${where}: ${log}`);
        else logs.set(logIdText(log.key.logId), log);
      });
    }
  }
  const { log_list_timestamp: timestamp } = parsed.data;
  const published = timestamp === undefined ? undefined : Date.parse(timestamp);
  return { published, logs: [...logs.values()], leftOut };
}

/**
 * Returns the log of an entry, or the reason why ctga cannot use it. Throws CtgaError `bad-input` if
 * the entry contradicts itself.
 */
function toLog(
  entry: z.infer<typeof logSchema>,
  api: Log['api'],
  operator: string,
  where: string,
): Log | string {
  const logId = logIdOf(entry.key);
  if (entry.log_id !== undefined && !equalHash(entry.log_id, logId)) {
    throw badInput(
      `${where}: its log_id is not the SHA-256 of its key, which is ${logIdText(logId)}`,
      'Fetch the list again from its publisher; do not correct it by hand (RFC 6962, Section 3.2).',
    );
  }
  let key: LogKey;
  try {
    key = toLogKey(entry.key);
  } catch (error) {
    return messageOf(error);
  }
  const address = api === 'rfc6962' ? entry.url : entry.monitoring_url;
  if (address === undefined) return 'it has no URL';
  const url = normalizeUrl(address);
  if (url === undefined) return `its URL is malformed: ${address}`;
  if (isPlaceholder(url)) return `its URL is a placeholder: ${address}`;
  const state = LOG_STATES.find((each) => entry.state !== undefined && each in entry.state);
  const final = state === undefined ? undefined : entry.state?.[state]?.final_tree_head;
  return {
    key,
    url,
    api,
    description: entry.description ?? `${operator} ${url}`,
    mmd: entry.mmd ?? DEFAULT_MMD_SECONDS,
    dns: entry.dns === undefined ? undefined : parseZone(entry.dns, where),
    state,
    finalTree: final && { treeSize: final.tree_size, rootHash: final.sha256_root_hash },
    allowPrivateAddress: entry.allow_private_address,
  };
}

/**
 * Whether a URL is at a reserved name (RFC 2606, Section 3). Lists have such logs for programs that
 * require one of each operator.
 */
function isPlaceholder(url: string): boolean {
  return /(^|\.)example\.(com|net|org)$/.test(new URL(url).hostname);
}

/** Adds what a list may leave out: the scheme (before 2019) and the trailing slash. */
function normalizeUrl(address: string): string | undefined {
  try {
    const url = new URL(/^[a-z]+:\/\//.test(address) ? address : `https://${address}`);
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
    // A list must not be able to add anything to requests.
    if (`${url.username}${url.password}${url.search}${url.hash}` !== '') return undefined;
    return url.href.endsWith('/') ? url.href : `${url.href}/`;
  } catch {
    return undefined;
  }
}
