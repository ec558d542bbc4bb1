// SPDX-License-Identifier: Apache-2.0
/**
 * Reading documents from outside (log lists, tree heads, evidence, logs' answers). A fault in one
 * is a sentence that names the file and the field.
 */
import { basename, join } from 'node:path';
import type * as z from 'zod';
import { badFile, badInput, CtgaError } from './errors.ts';
import { isNestedTooDeeply, jsonFault } from './json-fault.ts';
import { bytesOf } from './read-file.ts';

/**
 * The text of a file; where this account may not read it, that of the credential of the same name,
 * if the service manager gave one (LoadCredential= in systemd.exec(5)). Throws the system's error, or
 * FileFault for what is no file.
 */
export function readText(path: string): string {
  try {
    return bytesOf(path).toString();
  } catch (error) {
    const credentials = process.env['CREDENTIALS_DIRECTORY'];
    if (credentials === undefined || (error as NodeJS.ErrnoException).code !== 'EACCES')
      throw error;
    try {
      return bytesOf(join(credentials, basename(path))).toString();
    } catch {
      throw error;
    }
  }
}

/** As readText. Throws CtgaError `bad-input` saying why the file cannot be read. */
export function readTextFile(path: string): string {
  try {
    return readText(path);
  } catch (error) {
    throw badFile('read', path, error);
  }
}

/** The bytes of a file. Throws CtgaError `bad-input` saying why it cannot be read. */
export function readBinaryFile(path: string, most?: number): Buffer {
  try {
    return bytesOf(path, most);
  } catch (error) {
    throw badFile('read', path, error);
  }
}

/** Throws CtgaError `bad-input` for what is not JSON, or is nested so deeply that it takes minutes. */
export function parseJson(text: string, name: string): unknown {
  if (isNestedTooDeeply(text))
    throw badInput(`${name}: lists or objects within each other, a million deep and more`);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new CtgaError('bad-input', `${name}: not JSON: ${jsonFault(text).what}`, {
      cause: error,
    });
  }
}

/** The first thing wrong with a document, as "operators[3].logs[2].key: is not padded base64". */
export function describeIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'not of the expected form';
  const path = issue.path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('');
  const message = issue.message
    .replace(', received undefined', ', and there is none')
    // Where one of several kinds is wanted, no more is said.
    .replace(/^Invalid input$/, 'is missing, or of another kind than it has to be');
  return `${path.replace(/^\./, '') || 'document'}: ${message}`;
}
