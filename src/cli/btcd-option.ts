// SPDX-License-Identifier: Apache-2.0
/** The option of commands that start a btcd of their own. */
import { accessSync, constants, statSync } from 'node:fs';
import { Option } from 'commander';
import { badFile, badInput, CtgaError } from '../base/errors.ts';

export function btcdOption(): Option {
  return new Option('--btcd <file>', 'the program (default: CTGA_BTCD, or btcd on the PATH)');
}

/**
 * The program that was named, or the one that is found. Rejects with CtgaError `bad-input` if what was named is
 * no program, and `not-set-up` if there is none.
 */
export async function btcdProgram(named: string | undefined): Promise<string> {
  if (named !== undefined) return accessible(named);
  const { findBtcd, BTCD_VARIABLE } = await import('../carbonchain/btcd.ts');
  const found = findBtcd();
  if (found !== undefined) return found;
  throw new CtgaError('not-set-up', 'there is no btcd on this machine', {
    remedy: `Build it with: go install github.com/btcsuite/btcd@v0.24.2, and name it with ${BTCD_VARIABLE}.`,
  });
}

function accessible(file: string): string {
  try {
    accessSync(file, constants.X_OK);
    if (statSync(file).isDirectory()) throw badInput(`${file} is a directory`);
    return file;
  } catch (error) {
    throw error instanceof CtgaError ? error : badFile('run', file, error);
  }
}
