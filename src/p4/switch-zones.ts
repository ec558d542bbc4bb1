// SPDX-License-Identifier: Apache-2.0
/**
 * The zones that `ctga p4 deploy` was told for a switch, in a file beside the store. A switch holds
 * names alone, and not whose tree heads they are; so they are kept here for `ctga attach`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { nameOfPlace, type SwitchPlace } from './simple-switch.ts';

/** As on the command line: pairs of a zone and a log, and a suffix. */
export interface SwitchZones {
  readonly zones: readonly string[];
  readonly zoneSuffix?: string | undefined;
}

const schema = z.object({ zones: z.array(z.string()), zoneSuffix: z.string().optional() });

/** Throws the error of node:fs where the directory cannot be written. */
export function keepZones(directory: string, place: SwitchPlace, zones: SwitchZones): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(fileOf(directory, place), `${JSON.stringify(schema.parse(zones))}\n`, {
    mode: 0o600,
  });
}

/** Undefined if none are kept, or none can be read. */
export function keptZones(directory: string, place: SwitchPlace): SwitchZones | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(fileOf(directory, place), 'utf8')));
  } catch {
    return undefined;
  }
}

function fileOf(directory: string, place: SwitchPlace): string {
  return join(directory, `switch-${nameOfPlace(place)}.zones.json`);
}
