// SPDX-License-Identifier: Apache-2.0
/**
 * A zone file for NSD, Knot or BIND: the operator's own file, with tree heads behind it and another
 * serial in it, written whole, and a command by which the server reads it again.
 */
import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { readBinaryFile } from '../base/documents.ts';
import { badFile, badInput, CtgaError, messageOf } from '../base/errors.ts';
import { runProgram } from '../base/program.ts';
import { bytesOf } from '../base/read-file.ts';
import { writeDurably } from '../disk/write.ts';
import type { RrSet } from '../dns/primary.ts';
import { formatRecords, nextSerial, readZoneFile, type ZoneFile } from './master-file.ts';
import { isIn, recordsOf } from './records.ts';
import type { Applied, ZoneTarget, ZoneWish } from './target.ts';

export interface ZoneFileOptions {
  /** Where it is written. */
  readonly path: string;
  /** The zone as the operator writes it. */
  readonly template: string;
  /** A command line for a shell; undefined: the server looks by itself. */
  readonly reload: string | undefined;
  readonly now: () => number;
}

/** What the files begin with that are written here; others are not replaced. */
const MARK = '; Written by ctga dns publish';

export class ZoneFileTarget implements ZoneTarget {
  readonly #options: ZoneFileOptions;
  /** What the server has read, as far as it is known. */
  #loaded: string | undefined;

  /**
   * Throws CtgaError `bad-input` if the template or the present file is none of its own, and
   * `not-permitted` where no file can be written there.
   */
  constructor(options: ZoneFileOptions) {
    this.#options = options;
    this.#template();
    this.#present();
    this.expectWritable();
  }

  /** The last of these, for whoever has become another account since. */
  expectWritable(): void {
    const { path } = this.#options;
    try {
      // What is written is another file, which then takes its name.
      accessSync(dirname(path), constants.W_OK | constants.X_OK);
    } catch (error) {
      throw cannotWrite(path, error);
    }
  }

  async apply(wish: ZoneWish): Promise<Applied> {
    const { path, reload, now } = this.#options;
    const { text, file } = this.#template();
    const sets = recordsOf(wish.heads, wish.logs, wish.parent, wish.proofs);
    const taken = ownersOf(file, wish.parent);
    const clash = sets.find(({ name }) => taken.has(name));
    if (clash !== undefined)
      throw badInput(
        `${this.#options.template} has records at ${clash.name}`,
        'ctga writes those: take them out of that file.',
      );
    const present = this.#present();
    const write = (serial: number): string =>
      `${MARK}, from ${this.#options.template}: edit that one.\n${text.slice(0, file.serialStart)}${serial}${text.slice(file.serialEnd)}${text.endsWith('\n') ? '' : '\n'}${linesOf(sets)}`;
    let { serial } = present?.file ?? file;
    const isNew = present === undefined || present.text !== write(serial);
    if (isNew) {
      serial = nextSerial(present === undefined ? file.serial - 1 : serial, file.serial, now());
      // The server has another account, and all of it is public.
      const mask = process.umask(0o022);
      try {
        writeDurably(path, write(serial));
      } catch (error) {
        throw cannotWrite(path, error);
      } finally {
        process.umask(mask);
      }
    }
    const isLoaded = this.#loaded === write(serial);
    if (reload !== undefined && !isLoaded) await run(reload);
    this.#loaded = write(serial);
    return { changed: isNew || !isLoaded, records: sets.length, serial, kept: [] };
  }

  #template(): { text: string; file: ZoneFile } {
    const { template } = this.#options;
    const text = read(template);
    return { text, file: readZoneFile(text, template) };
  }

  #present(): { text: string; file: ZoneFile } | undefined {
    const { path } = this.#options;
    let text: string;
    try {
      text = bytesOf(path).toString('latin1');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw badFile('read', path, error);
    }
    if (!text.startsWith(MARK))
      throw badInput(
        `${path} is not a file that ctga wrote`,
        'Name another with --zone-file. If it is your zone, name it with --template.',
      );
    return { text, file: readZoneFile(text, path) };
  }
}

function cannotWrite(path: string, cause: unknown): CtgaError {
  return new CtgaError('not-permitted', `cannot write ${path}: ${messageOf(cause)}`, {
    remedy: 'Its directory has to be writable for the account that this runs as (--user).',
    cause,
  });
}

function read(path: string): string {
  return readBinaryFile(path).toString('latin1');
}

function linesOf(sets: readonly RrSet[]): string {
  return sets.flatMap(formatRecords).join('\n') + (sets.length === 0 ? '' : '\n');
}

/** Those that are told by the file itself; whatever it includes is not looked into. */
function ownersOf({ owners }: ZoneFile, parent: string): Set<string> {
  return new Set(
    owners.flatMap(({ text, origin = `${parent}.` }) => {
      const base = origin.endsWith('.') ? origin : `${origin}.${parent}.`;
      const name = (text === '@' ? base : text.endsWith('.') ? text : `${text}.${base}`)
        .toLowerCase()
        .replace(/\.$/, '');
      return isIn(name, parent) ? [name] : [];
    }),
  );
}

async function run(command: string): Promise<void> {
  try {
    await runProgram('/bin/sh', ['-c', command], '', {});
  } catch (error) {
    throw new CtgaError(
      'kernel',
      `the server has not read the zone file: ${command}: ${messageOf(error)}`,
      {
        remedy: 'Run that command by hand, as the account that this runs as. The file is written.',
        cause: error,
      },
    );
  }
}
