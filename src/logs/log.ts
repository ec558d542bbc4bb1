// SPDX-License-Identifier: Apache-2.0
/** A log as ctga knows it, and its names. */
import { encodeBase64 } from '../base/base64.ts';
import { isCheckpointKey, type LogKey } from '../statements/key.ts';
import type { LogId, TreeRoot } from '../statements/statement.ts';

/** The states that a log list (schema v3) can give a log. */
export const LOG_STATES = [
  'pending',
  'qualified',
  'usable',
  'readonly',
  'retired',
  'rejected',
] as const;
export type LogState = (typeof LOG_STATES)[number];

/**
 * How a log is asked. Of CT logs: RFC 6962, or c2sp.org/static-ct-api. Of any other: c2sp.org/tlog-tiles
 * (Rekor v2 too), or the Go checksum database's form.
 */
export const LOG_APIS = ['rfc6962', 'static-ct', 'tlog-tiles', 'sumdb'] as const;
export type LogApi = (typeof LOG_APIS)[number];

export interface Log {
  readonly key: LogKey;
  /** The log list's description, such as "Google 'Argon2026h1' log". */
  readonly description: string;
  /**
   * The RFC 6962 log's URL, or the monitoring prefix of a log of tiles; it ends in '/'. '' where the
   * list that has the log does not say: what it signed can be verified, and it cannot be asked.
   */
  readonly url: string;
  readonly api: LogApi;
  /** Where a static-ct log takes submissions, of which its checkpoints' origin is made. */
  readonly submissionUrl?: string;
  /** Maximum merge delay in seconds (RFC 6962, Section 3); of other logs how long they may lag. */
  readonly mmd: number;
  /** The zone of the log's CT-over-DNS names, such as `sth.<dns>`; without a trailing dot. */
  readonly dns?: string;
  /** Undefined if the list does not say. */
  readonly state?: LogState;
  /** The tree at which a read-only log ends, says its list. The log has not signed this. */
  readonly finalTree?: TreeRoot;
  /** Whether ctga may ask it at a private or link-local address. Only its list can say so. */
  readonly allowPrivateAddress?: boolean;
}

/** Whether the log serves its leaf hashes as tiles, and so cheaply. */
export function isTiled({ api }: Pick<Log, 'api'>): boolean {
  return api !== 'rfc6962';
}

/** Whether the log is expected to answer. ctga still knows other logs, and can audit them. */
export function isInService({ state, url }: Pick<Log, 'state'> & Partial<Log>): boolean {
  return state !== 'retired' && state !== 'rejected' && url !== '';
}

/**
 * Whether there is somebody to ask. Log lists have entries that stand for no log, at hosts that are
 * for examples (RFC 2606, Section 3, and RFC 6761): a request there would tell all who see it that
 * a list is being worked through.
 */
export function isAskable({ url }: Pick<Log, 'url'>): boolean {
  if (!URL.canParse(url)) return false;
  const labels = new URL(url).hostname.toLowerCase().replace(/\.$/, '').split('.');
  return !/^(example|.*\.example|example\.(com|net|org))$/.test(labels.slice(-2).join('.'));
}

/**
 * The first line of the log's checkpoints. A CT log's is where it takes submissions, as a URL without
 * scheme and without slashes at its end (c2sp.org/static-ct-api, "Checkpoints"). RFC 6962 logs publish
 * no checkpoints, so theirs is made of their URL in the same way. Undefined for a static-ct log of
 * which it is not known where it takes submissions.
 */
export function originOf({
  key,
  api,
  url,
  submissionUrl,
}: Pick<Log, 'key' | 'api' | 'url' | 'submissionUrl'>): string | undefined {
  if (isCheckpointKey(key)) return key.origin;
  const address = api === 'static-ct' ? submissionUrl : url;
  return address?.replace(/^[a-z]+:\/\//, '').replace(/\/+$/, '');
}

export function logIdText(logId: LogId): string {
  return encodeBase64(logId);
}

/**
 * Makes a DNS label for a log: of the quoted name in its description ("Google 'Argon2026h1' log"
 * gives argon2026h1), or else of the whole description, as letters, digits and hyphens.
 */
export function logLabel(log: Pick<Log, 'description'>): string {
  const name =
    /(?:^|\s)'([^']+)'/.exec(log.description)?.[1] ?? log.description.replace(/ log$/i, '');
  const label = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return label.slice(0, 63).replaceAll(/^-+|-+$/g, '');
}

/**
 * A DNS label for each log, different from all others: logs whose names make the same label get the
 * first four bytes of their log ID appended, in hexadecimal.
 */
export function logLabels(logs: readonly Log[]): Map<Log, string> {
  const shared = new Map<string, number>();
  for (const log of logs) shared.set(logLabel(log), (shared.get(logLabel(log)) ?? 0) + 1);
  return new Map(
    logs.map((log) => {
      const label = logLabel(log);
      const id = Buffer.from(log.key.logId).toString('hex', 0, 4);
      return [log, shared.get(label) === 1 ? label : `${label.slice(0, 54)}-${id}`];
    }),
  );
}
