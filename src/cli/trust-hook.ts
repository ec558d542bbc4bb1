// SPDX-License-Identifier: Apache-2.0
/** `ctga trust hook`: Podman asks before it makes a container. */
import { appendFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { Command } from 'commander';
import { readTextFile } from '../base/documents.ts';
import { clean } from '../base/clean.ts';
import { badFile, messageOf } from '../base/errors.ts';
import { shellWord } from '../base/text.ts';
import type { Rule } from '../trust/hook-rules.ts';
import { print, printText } from './output.ts';
import { currentIo } from './run.ts';

export function hookCommand(): Command {
  return new Command('hook')
    .description('as a precreate hook of Podman: refuse containers of images that are not trusted')
    .requiredOption('--rules <file>', 'what has to be signed, in TOML')
    .option(
      '--write <directory>',
      'write the file that makes Podman call this, and do nothing else',
    )
    .addHelpText(
      'after',
      `
The rules have, for each image that may run, its name here and the arguments of ctga trust verify:
  [[image]]
  name = "registry.example/app:v1"
  verify = ["alice/app:v1", "--proof", "/etc/ctga/app.proof", "--root-key", "02..."]
Podman reads the directory if it is named with --hooks-dir, or in containers.conf. docs/TRUST.md has
what the hook protects from, and what not.`,
    )
    .action(run);
}

async function run({ rules: file, write }: { rules: string; write?: string }): Promise<void> {
  if (write !== undefined) {
    // So that mistakes are found now, and not when a container is to start.
    await rulesOf(file);
    return writeHook(resolve(file), resolve(write));
  }
  try {
    await answer(file);
  } catch (error) {
    if (process.env[CALLED_BY_PODMAN] === '1') tellCaller(`ctga: ${messageOf(error)}`);
    throw error;
  }
}

async function answer(file: string): Promise<void> {
  const [rules, { imageOfContainer }, { checkImage }] = await Promise.all([
    rulesOf(file),
    import('../trust/podman.ts'),
    import('../services/trust-hook.ts'),
  ]);
  const { stdin } = currentIo();
  const config = stdin === undefined ? '' : await textOf(stdin);
  await checkImage(imageOfContainer(config), rules);
  // Podman takes the configuration from here, as it was.
  printText(config);
}

async function rulesOf(file: string): Promise<readonly Rule[]> {
  const { readRules } = await import('../trust/hook-rules.ts');
  return readRules(readTextFile(file), file);
}

/** Set for the hook: Podman shows nobody what a hook writes to its standard error. */
const CALLED_BY_PODMAN = 'CTGA_CALLED_BY_PODMAN';

/** Writes a line where the process that started this one writes its own mistakes. */
function tellCaller(line: string): void {
  const path = `/proc/${process.ppid}/fd/2`;
  try {
    // In a file, Podman would write over it.
    if (!statSync(path).isFile()) appendFileSync(path, `${clean(line)}\n`);
  } catch {
    // A socket cannot be opened there, and Podman says by itself that the hook refused.
  }
}

async function writeHook(rules: string, directory: string): Promise<void> {
  const [{ writeDurably }, { launcherPath }] = await Promise.all([
    import('../disk/write.ts'),
    import('../base/project-root.ts'),
  ]);
  const path = join(directory, 'ctga.json');
  const hook = {
    version: '1.0.0',
    // Podman starts it with no environment but this. It passes over a hook whose program is gone, and
    // runs anything then; the shell is there, and fails.
    hook: {
      path: '/bin/sh',
      args: ['sh', '-c', 'exec "$0" "$@"', launcherPath(), 'trust', 'hook', '--rules', rules],
      env: [
        `PATH=${process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin'}`,
        `CTGA_NODE=${process.execPath}`,
        `${CALLED_BY_PODMAN}=1`,
      ],
    },
    when: { always: true },
    stages: ['precreate'],
  };
  try {
    writeDurably(path, `${JSON.stringify(hook, undefined, 2)}\n`);
  } catch (error) {
    throw badFile('write', path, error);
  }
  print(
    `${path} makes Podman ask. Name the directory to it: podman --hooks-dir ${shellWord(directory)} run ...`,
  );
}
