// SPDX-License-Identifier: Apache-2.0
/**
 * Which DNS zone has which log's tree heads.
 *
 * No published log list says so today. Zones come from four places, and later ones win: the zones
 * that were once public, a `dns` field in the log list, `--zone-suffix` (a zone that the operator
 * runs, with a label for each log), and `--zone`.
 */
import { badInput } from '../base/errors.ts';
import { isCheckpointKey } from '../statements/key.ts';
import { builtinLogs } from './builtin.ts';
import { logIdText, logLabel, logLabels, type Log } from './log.ts';

/**
 * Checks a zone name and returns it in lower case without the trailing dot. Throws CtgaError
 * `bad-input` that begins with `where`.
 */
export function parseZone(text: string, where: string): string {
  const zone = text.toLowerCase().replace(/\.$/, '');
  const labels = zone.split('.');
  // sth.<zone> in wire format has a length before each label and a zero at the end, and at most 255
  // bytes (RFC 1035, Section 2.3.4).
  if (
    !labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label)) ||
    zone.length > 249
  ) {
    throw badInput(
      `${where}: "${text}" is not a DNS zone`,
      'A zone has labels of 1 to 63 letters, digits and hyphens, as in tuscolo2027h1.ct.example.org.',
    );
  }
  return zone;
}

export interface ZoneOptions {
  /** Pairs of a zone and a log, as in `tuscolo2027h1.ct.example.org=Tuscolo2027h1`. */
  readonly zones: readonly string[];
  readonly zoneSuffix?: string;
}

/**
 * Maps zones (in lower case, without a trailing dot) to logs. Throws CtgaError `bad-input` for
 * malformed zones and unknown logs.
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
        'An example is --zone tuscolo2027h1.ct.example.org=Tuscolo2027h1.',
      );
    const zone = parseZone(pair.slice(0, split).replace(/^sth\./i, ''), '--zone');
    zones.set(zone, findLog(logs, pair.slice(split + 1)));
  }
  for (const [zone, { key, description }] of zones)
    if (isCheckpointKey(key) && zone.length > MAX_CHECKPOINT_ZONE)
      throw badInput(
        `the zone ${zone} of "${description}" is too long for checkpoint.${zone}`,
        `Such a zone has at most ${MAX_CHECKPOINT_ZONE} characters.`,
      );
  return zones;
}

/** checkpoint.<zone> takes eleven bytes more than the zone, of 255: see parseZone. */
const MAX_CHECKPOINT_ZONE = 242;

/**
 * Finds the one log with this log ID in base64, URL, name or description, or else with this part of
 * a description. Throws CtgaError `bad-input` if there is none, or more than one.
 */
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
      'To see the known logs, run: ctga logs list. Give a log ID in base64, a URL, or part of a description.',
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
