/**
 * A CT log as ctga knows it, and what a person calls it.
 */
import { encodeBase64 } from '../base/base64.ts';
import type { LogKey } from '../statements/key.ts';
import type { LogId, TreeRoot } from '../statements/statement.ts';

/** What a log list says of a log; schema v3 has these. */
export const LOG_STATES = [
  'pending',
  'qualified',
  'usable',
  'readonly',
  'retired',
  'rejected',
] as const;
export type LogState = (typeof LOG_STATES)[number];

export interface Log {
  readonly key: LogKey;
  /** As the log list has it, for instance "Google 'Argon2026h1' log". */
  readonly description: string;
  /**
   * Where it is asked: the RFC 6962 log's URL or the static-ct log's monitoring prefix; ends in
   * '/'.
   */
  readonly url: string;
  readonly api: 'rfc6962' | 'static-ct';
  /** Maximum merge delay in seconds (RFC 6962, Section 3). */
  readonly mmd: number;
  /** Zone below which the log's CT-over-DNS answers live, without a trailing dot: `sth.<dns>`. */
  readonly dns?: string;
  /** Absent where the list does not say. */
  readonly state?: LogState;
  /** Of a log that is read-only: where its list says that it ends. Not signed by the log. */
  readonly finalTree?: TreeRoot;
  /** It may be asked at a private or link-local address; only its list can say so. */
  readonly allowPrivateAddress?: boolean;
}

/**
 * Whether it is expected to answer. What is known of other logs stays and can be audited, if they
 * still do.
 */
export function isInService({ state }: Pick<Log, 'state'>): boolean {
  return state !== 'retired' && state !== 'rejected';
}

export function logIdText(logId: LogId): string {
  return encodeBase64(logId);
}

/**
 * One DNS label for a log, for zones of an operator's own: the quoted name where the description
 * has one ("Google 'Argon2026h1' log" -> argon2026h1), else the description itself, as letters,
 * digits and hyphens.
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
