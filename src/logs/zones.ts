/**
 * Which DNS name carries which log's tree heads.
 *
 * No published log list says so today, so names come from four places, later ones winning: the
 * zones that were once public, a `dns` field in the log list, `--zone-suffix` (a zone of the
 * operator's own with a label for each log), and `--zone`.
 */
import { badInput } from '../base/errors.ts';
import { builtinLogs } from './builtin.ts';
import { logIdText, logLabel, logLabels, type Log } from './log.ts';

/**
 * Checks a zone name and returns it in lower case without the trailing dot. `where` begins the
 * error.
 */
export function parseZone(text: string, where: string): string {
  const zone = text.toLowerCase().replace(/\.$/, '');
  const labels = zone.split('.');
  // sth.<zone> in wire format: a length before each label and a zero at the end, 255 bytes at most
  // (RFC 1035, 2.3.4).
  if (
    !labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label)) ||
    zone.length > 249
  ) {
    throw badInput(
      `${where}: "${text}" is not a DNS zone`,
      'A zone is letters, digits and hyphens in labels of 1 to 63, like rome.ct.example.org.',
    );
  }
  return zone;
}

export interface ZoneOptions {
  /** `sth-zone=log` pairs from the command line. */
  readonly zones: readonly string[];
  readonly zoneSuffix?: string;
}

/**
 * Zone (lower case, no trailing dot) to log. Throws CtgaError `bad-input` for what cannot be meant.
 */
export function zonesOf(logs: readonly Log[], options: ZoneOptions): Map<string, Log> {
  const zones = new Map<string, Log>();
  const byId = new Map(logs.map((log) => [logIdText(log.key.logId), log]));
  for (const { dns, key } of builtinLogs()) {
    const log = byId.get(logIdText(key.logId));
    if (log !== undefined && dns !== undefined) zones.set(dns, log);
  }
  for (const log of logs) if (log.dns !== undefined) zones.set(log.dns, log);
  if (options.zoneSuffix !== undefined) {
    const suffix = parseZone(options.zoneSuffix, '--zone-suffix');
    for (const [log, name] of logLabels(logs))
      zones.set(parseZone(`${name}.${suffix}`, `--zone-suffix with "${log.description}"`), log);
  }
  for (const pair of options.zones) {
    const split = pair.indexOf('=');
    if (split < 1)
      throw badInput(
        `--zone ${pair}: want ZONE=LOG`,
        'For example --zone rome.ct.example.org=Rome2026h1.',
      );
    const zone = parseZone(pair.slice(0, split).replace(/^sth\./i, ''), '--zone');
    zones.set(zone, findLog(logs, pair.slice(split + 1)));
  }
  return zones;
}

/** The one log meant by a log ID in base64, a URL, or (part of) a description. */
export function findLog(logs: readonly Log[], text: string): Log {
  const wanted = text.toLowerCase();
  const names = logLabels(logs);
  const exact = logs.filter(
    (log) =>
      logIdText(log.key.logId) === text ||
      log.url === text ||
      log.description.toLowerCase() === wanted ||
      logLabel(log) === wanted ||
      names.get(log) === wanted,
  );
  const found =
    exact.length > 0 ? exact : logs.filter((log) => log.description.toLowerCase().includes(wanted));
  const [log, ...others] = found;
  if (log === undefined) {
    throw badInput(
      `no log is called "${text}"`,
      'List the known logs with: ctga logs list. A log ID in base64, a URL or part of a description will do.',
    );
  }
  if (others.length > 0) {
    const names = found.slice(0, 5).map((each) => `"${each.description}"`);
    throw badInput(
      `"${text}" could be ${names.join(', ')}${found.length > 5 ? ' or others' : ''}`,
      'Use the log ID or the whole description.',
    );
  }
  return log;
}
