// SPDX-License-Identifier: Apache-2.0
/**
 * Logs as people write them down beside CT's own lists: a verifier key on each line, with a URL where
 * the log can be asked (GOSUMDB has this form); lists of the witness network (`logs/v0`), which have
 * CT logs too; trust policies (c2sp.org/tlog-policy).
 *
 * The URL says how a log is asked. One that ends in `/latest` is a Go checksum database's, and any
 * other that of a log of c2sp.org/tlog-tiles, with or without `checkpoint` at its end.
 */
import { badInput, messageOf } from '../base/errors.ts';
import { decodeBase64 } from '../base/base64.ts';
import { plural } from '../base/text.ts';
import { noteKeyId, RFC6962_NOTE_SIGNATURE } from '../statements/checkpoint.ts';
import { toCheckpointKey, toCtKey, type CheckpointKey, type CtKey } from '../statements/key.ts';
import { formatNoteKey, isNoteName, originOfKey, SUMDB_ORIGIN } from '../statements/note-key.ts';
import { parsePolicy } from '../statements/policy.ts';
import { normalizeUrl } from './list-url.ts';
import { logIdText, type Log } from './log.ts';

export type ListKind = 'verifier keys' | 'witness network list' | 'policy';

export interface KeyList {
  readonly logs: readonly Log[];
  /** A sentence for each log that was left out, with the reason. */
  readonly leftOut: readonly string[];
}

const SUMDB_URL = 'https://sum.golang.org/latest';
/** Sigstore names its logs by the host alone; Rekor v2 serves checkpoint and tiles below this. */
const REKOR_HOST = /(^|\.)rekor\.sigstage\.dev$|(^|\.)rekor\.sigstore\.dev$/;
const REKOR_PATH = 'api/v2/';

/** How long such a log may lag behind what it signed: none of these forms says, and CT's is usual. */
const PATIENCE_SECONDS = 86_400;

const VKEY = /^[^\s+]+\+[0-9a-fA-F]{8}\+\S/u;

/** Which of the forms a text has, by its first line that says something; undefined for none. */
export function keyListKind(text: string): ListKind | undefined {
  for (const line of text.replace(/^\ufeff/, '').split('\n')) {
    const said = line.trim();
    if (said === '' || said.startsWith('#')) continue;
    if (said === 'logs/v0') return 'witness network list';
    if (/^(log|witness|group|quorum)[ \t]/.test(said)) return 'policy';
    return VKEY.test(said) ? 'verifier keys' : undefined;
  }
  return undefined;
}

/**
 * Reads the logs of a text of this form. Throws CtgaError `bad-input`, with `name` for where the
 * text came from, if it is not of the form or has no log that ctga can use.
 */
export function parseKeyList(text: string, kind: ListKind, name: string): KeyList {
  const { entries, leftOut } = readers[kind](text.replace(/^\ufeff/, ''), name);
  const logs = new Map<string, Log>();
  for (const entry of entries) {
    const log = toLog(entry);
    if (typeof log === 'string') {
      leftOut.push(`${entry.where}: ${log}`);
      continue;
    }
    const id = logIdText(log.key.logId);
    if (logs.has(id)) leftOut.push(`${entry.where}: the list has this log already`);
    else logs.set(id, log);
  }
  if (logs.size === 0)
    throw badInput(
      [`${name}: has no log that ctga can use`, ...leftOut.slice(0, 3)].join('; '),
      FORM,
    );
  return { logs: [...logs.values()], leftOut };
}

interface Entry {
  readonly where: string;
  readonly vkey: string;
  readonly origin?: string;
  readonly url?: string;
  readonly allowPrivateAddress?: boolean;
}

interface Entries {
  readonly entries: readonly Entry[];
  readonly leftOut: string[];
}

const FORM =
  'Give lines of "NAME+KEYID+KEY [URL]", a list of the witness network (logs/v0) or a tlog-policy file.';

const readers: Record<ListKind, (text: string, name: string) => Entries> = {
  'verifier keys': (text) => {
    const leftOut: string[] = [];
    const entries = saidLines(text).flatMap(({ line, where }): Entry[] => {
      const [vkey = '', url, ...more] = line.split(/[ \t]+/);
      if (more.length === 0) return [{ where, vkey, url }];
      leftOut.push(`${where}: want a verifier key and a URL, and no more`);
      return [];
    });
    return { entries, leftOut };
  },

  /**
   * As litewitness reads it: what follows a vkey is about that log, and lines that nobody knows are
   * passed over. Ours alone are `url` and `allow_private_address true`.
   */
  'witness network list': (text) => {
    const entries: Writable<Entry>[] = [];
    for (const { line, where } of saidLines(text).slice(1)) {
      const [, keyword = '', value = ''] = /^(\S+)(?:[ \t]+(.*))?$/u.exec(line) ?? [];
      if (keyword === 'vkey') entries.push({ where, vkey: value.trim() });
      const entry = entries.at(-1);
      if (entry === undefined) continue;
      if (keyword === 'origin') entry.origin ??= value;
      if (keyword === 'url') entry.url ??= value.trim();
      if (keyword === 'allow_private_address') entry.allowPrivateAddress = value.trim() === 'true';
    }
    return { entries, leftOut: [] };
  },

  policy: (text, name) => {
    try {
      const { logs } = parsePolicy(Buffer.from(text));
      const entries = logs.map(({ key, url }, i) => ({
        where: `log ${i + 1} of the policy`,
        vkey: formatNoteKey(key),
        url,
      }));
      return { entries, leftOut: [] };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw badInput(`${name}: ${error.message}`, 'c2sp.org/tlog-policy has the form of a policy.');
    }
  },
};

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Lines that are neither empty nor comments, without the spaces around them. */
function saidLines(text: string): { readonly line: string; readonly where: string }[] {
  return text
    .split('\n')
    .map((line, i) => ({ line: line.trim(), where: `line ${i + 1}` }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'));
}

/** The log of an entry, or the reason why ctga cannot use it. */
function toLog(entry: Entry): Log | string {
  const { vkey, origin, url: given, allowPrivateAddress } = entry;
  const [keyName = '', id = ''] = vkey.split('+', 2);
  // Base64 has pluses of its own.
  const encoded = vkey.slice(keyName.length + id.length + 2);
  const bytes = decodeBase64(encoded);
  if (bytes?.[0] === RFC6962_NOTE_SIGNATURE) return toCtLog(entry, keyName, id, bytes.subarray(1));
  const usual = originOfKey(keyName);
  const isGo = usual === SUMDB_ORIGIN;
  const address = given ?? (isGo ? SUMDB_URL : undefined);
  const [, prefix = '', end] = /^(.*?\/)(latest|checkpoint)?$/u.exec(address ?? '') ?? [];
  const isSumdb = end === 'latest' || (isGo && end === undefined);
  let key: CheckpointKey;
  try {
    key = toCheckpointKey(vkey, origin ?? (isSumdb ? SUMDB_ORIGIN : usual));
  } catch (error) {
    if (error instanceof RangeError) return messageOf(error);
    throw error;
  }
  const description = key.origin === SUMDB_ORIGIN ? keyName : key.origin;
  const log = { key, description, mmd: PATIENCE_SECONDS, allowPrivateAddress };
  if (address === undefined) return { ...log, url: '', api: 'tlog-tiles' };
  const url = normalizeUrl(end === undefined ? address : prefix);
  if (url === undefined) return `its URL is malformed: ${address}`;
  const { hostname, pathname } = new URL(url);
  const isRekor = pathname === '/' && REKOR_HOST.test(hostname);
  return {
    ...log,
    url: isRekor ? `${url}${REKOR_PATH}` : url,
    api: isSumdb ? 'sumdb' : 'tlog-tiles',
  };
}

/**
 * A CT log, of which the vkey has the SubjectPublicKeyInfo and the key ID is made of the log ID, as
 * github.com/transparency-dev/formats has it.
 */
function toCtLog(
  { origin, url: address = '', allowPrivateAddress }: Entry,
  name: string,
  id: string,
  spki: Uint8Array,
): Log | string {
  if (!isNoteName(name) || (origin ?? name) !== name)
    return 'the origin of a CT log is the name of its key (c2sp.org/static-ct-api)';
  let key: CtKey;
  try {
    key = toCtKey(spki);
  } catch (error) {
    if (error instanceof RangeError) return messageOf(error);
    throw error;
  }
  const made = noteKeyId(name, key.logId).toString('hex');
  if (made !== id.toLowerCase()) return `its key ID should be ${made}, and is ${id}`;
  const url = address === '' ? '' : normalizeUrl(address.replace(/\/checkpoint$/, '/'));
  if (url === undefined) return `its URL is malformed: ${address}`;
  return {
    key,
    description: name,
    mmd: PATIENCE_SECONDS,
    allowPrivateAddress,
    url,
    api: 'static-ct',
    submissionUrl: `https://${name}/`,
  };
}

/** What to say of logs that cannot be asked, if there are some. */
export function withoutUrl(logs: readonly Log[]): string | undefined {
  const count = logs.filter(({ url }) => url === '').length;
  return count === 0
    ? undefined
    : `${plural(count, 'log')} of them ${count === 1 ? 'has' : 'have'} no URL here: give one with "NAME+KEYID+KEY URL" to have it challenged.`;
}
