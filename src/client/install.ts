// SPDX-License-Identifier: Apache-2.0
/** Telling Firefox of the host: a manifest, and the script that it names. */
import { chmodSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { projectRoot } from '../base/project-root.ts';
import { fileRemedy } from '../base/system-error.ts';
import { shellWord } from '../base/text.ts';
import { makeDirectory } from '../disk/directory.ts';
import { StoreError } from '../disk/error.ts';
import { writeDurably } from '../disk/write.ts';

/** What the extension calls the host, and what the host calls the extension. */
export const HOST_NAME = 'ctga_client';
export const EXTENSION_ID = 'ctga@client.invalid';

export interface Installed {
  readonly manifest: string;
  readonly script: string;
}

/**
 * Writes both for the account whose home this is; `directory` is the client's and `stateDirectory`
 * what the host is to be given. Doing it again changes nothing. Throws StoreError `store-failed` where a
 * file cannot be written.
 */
export function installHost(home: string, directory: string, stateDirectory: string): Installed {
  const manifest = join(home, '.mozilla/native-messaging-hosts', `${HOST_NAME}.json`);
  const script = join(directory, 'host');
  const json = {
    name: HOST_NAME,
    description: 'ctga: the client of Certificate Transparency',
    path: script,
    type: 'stdio',
    allowed_extensions: [EXTENSION_ID],
  };
  write(
    script,
    `#!/bin/sh
# Firefox starts this. "ctga client install" wrote it.
${launcher()} client host --state-dir ${shellWord(stateDirectory)}
`,
    0o700,
  );
  write(manifest, `${JSON.stringify(json, null, 2)}\n`, 0o644);
  return { manifest, script };
}

/** How this program is started, as a shell takes it. */
function launcher(): string {
  const checkout = join(projectRoot(), 'bin/ctga');
  if (!existsSync(checkout)) return 'exec /usr/bin/ctga';
  // A browser has another PATH than a shell, maybe.
  return `CTGA_NODE=${shellWord(process.execPath)} exec ${shellWord(checkout)}`;
}

function write(path: string, text: string, mode: number): void {
  try {
    makeDirectory(dirname(path), 0o700);
    writeDurably(path, text);
    chmodSync(path, mode);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw new StoreError('store-failed', `cannot write ${path}: ${messageOf(error)}`, {
      remedy: fileRemedy(error),
      cause: error,
    });
  }
}
