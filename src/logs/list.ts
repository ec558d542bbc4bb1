// SPDX-License-Identifier: Apache-2.0
/**
 * Log lists in schema v3, as Chrome, Apple and crt.sh publish them, or an operator writes them; and
 * the forms in which logs that are no CT logs are written down (key-list.ts).
 *
 * ctga reads two more fields: `dns`, the zone of a log's CT-over-DNS names, which no published list
 * has today, and `allow_private_address`, for a log in the operator's own network.
 *
 * A list decides whose signatures ctga believes, so it is read strictly: if one log ID is not the
 * SHA-256 of its key, the whole list is refused. Logs that ctga cannot use (a kind of key that RFC
 * 6962 does not allow, no URL, a placeholder) are left out and named.
 */
import * as z from 'zod';
import { describeIssue, parseJson, readTextFile } from '../base/documents.ts';
import { badInput, messageOf } from '../base/errors.ts';
import { base64Bytes, hashBytes, uint64 } from '../statements/json.ts';
import { equalHash } from '../merkle/hash.ts';
import { logIdOf, toCtKey, type CtKey } from '../statements/key.ts';
import { normalizeUrl } from './list-url.ts';
import { LOG_STATES, logIdText, type Log } from './log.ts';
import { keyListKind, parseKeyList, type ListKind } from './key-list.ts';
import { parseZone } from './zones.ts';

const logSchema = z.object({
  description: z.string().optional(),
  log_id: base64Bytes.optional(),
  key: base64Bytes,
  url: z.string().optional(),
  monitoring_url: z.string().optional(),
  submission_url: z.string().optional(),
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
  readonly kind: ListKind | 'log list';
  /** In ms since the epoch; undefined if the list does not say. */
  readonly published: number | undefined;
  readonly logs: readonly Log[];
  /** A sentence for each log that was left out, with the reason. */
  readonly leftOut: readonly string[];
}

export type { ListKind };

/** How many of all logs of a list are read. */
export type Progress = (done: number, all: number) => void;
const REPORT_EVERY = 1000;

/** How many reasons the error gives for a list of which nothing can be used. */
const SHOWN = 3;

/** RFC 6962, Section 3 has no default; nearly every log promises a day. */
const DEFAULT_MMD_SECONDS = 86_400;

const FORM = 'A log list follows schema v3: {"operators": [{"name", "logs": [...]}]}.';
const FETCH_AGAIN =
  'Fetch it again, for example from https://www.gstatic.com/ct/log_list/v3/log_list.json, or run: ctga logs update.';

/**
 * Reads a list from a file. Throws CtgaError `bad-input` naming the file, the log and what was
 * expected.
 */
export function readLogList(path: string): LogList {
  return parseLogList(readTextFile(path), path);
}

/** The logs of a list in a file. Calls `warn` for each log that was left out; throws as above. */
export function readListedLogs(path: string, warn: (line: string) => void): readonly Log[] {
  const { logs, leftOut } = readLogList(path);
  for (const line of leftOut) warn(`${path}: left out: ${line}`);
  return logs;
}

/**
 * Parses a list; `name` says in messages where the text came from. Throws CtgaError `bad-input` if
 * it is not a log list, contradicts itself, or has no log that ctga can use. `onProgress` is called
 * now and then while a long list is read.
 */
export function parseLogList(text: string, name: string, onProgress?: Progress): LogList {
  const kind = keyListKind(text);
  if (kind !== undefined) return { kind, published: undefined, ...parseKeyList(text, kind, name) };
  const document = readDocument(text, name);
  const parsed = listSchema.safeParse(document);
  if (!parsed.success) throw badInput(`${name}: ${describeIssue(parsed.error)}`, FORM);
  const logs = new Map<string, Log>();
  const leftOut: string[] = [];
  const { operators } = parsed.data;
  const all = operators.reduce((sum, each) => sum + each.logs.length + each.tiled_logs.length, 0);
  let done = 0;
  for (const operator of operators) {
    for (const api of ['logs', 'tiled_logs'] as const) {
      operator[api].forEach((entry, i) => {
        if (done % REPORT_EVERY === 0 && done > 0) onProgress?.(done, all);
        done += 1;
        const where = `${operator.name}, ${api}[${i}]${entry.description === undefined ? '' : ` "${entry.description}"`}`;
        const log = toLog(
          entry,
          api === 'logs' ? 'rfc6962' : 'static-ct',
          operator.name,
          `${name}: ${where}`,
        );
        if (typeof log === 'string') return leftOut.push(`${where}: ${log}`);
        const id = logIdText(log.key.logId);
        const earlier = logs.get(id);
        if (earlier !== undefined)
          leftOut.push(`${where}: "${earlier.description}" has the same key`);
        else logs.set(id, log);
      });
    }
  }
  if (logs.size === 0)
    throw badInput(
      [`${name}: has no log that ctga can use`, ...leftOut.slice(0, SHOWN)].join('; '),
      FORM,
    );
  const { log_list_timestamp: timestamp } = parsed.data;
  const published = timestamp === undefined ? undefined : Date.parse(timestamp);
  return { kind: 'log list', published, logs: [...logs.values()], leftOut };
}

/**
 * Parses the text as JSON. Throws CtgaError `bad-input` that says what the text is instead, where
 * it is something that people take for a log list: a web page, half of a download, an older form.
 */
function readDocument(text: string, name: string): unknown {
  const start = text.replace(/^\ufeff/, '').trimStart();
  if (start === '') throw badInput(`${name}: is empty`, FETCH_AGAIN);
  if (start.startsWith('<'))
    throw badInput(`${name}: is a web page or XML, not a log list`, FETCH_AGAIN);
  if (start.startsWith('\x1f\ufffd'))
    throw badInput(`${name}: is compressed with gzip`, 'Run gunzip on it first.');
  if (/^[[{]/.test(start) && !/[\]}]\s*$/.test(start))
    throw badInput(`${name}: not JSON: it ends in the middle`, FETCH_AGAIN);
  const document = parseJson(start, name);
  if (Array.isArray(document)) throw badInput(`${name}: is an array, not a log list`, FORM);
  if (typeof document === 'object' && document !== null && 'logs' in document)
    throw badInput(
      `${name}: is a log list in Google's first form (schema v1, with "operated_by"), which ctga does not read`,
      `${FETCH_AGAIN} Or give each log to its operator by hand. ${FORM}`,
    );
  return document;
}

/**
 * Returns the log of an entry, or the reason why ctga cannot use it. Throws CtgaError `bad-input`
 * if the entry contradicts itself.
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
  let key: CtKey;
  try {
    key = toCtKey(entry.key);
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
    submissionUrl: entry.submission_url && normalizeUrl(entry.submission_url),
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
