// SPDX-License-Identifier: Apache-2.0
/** How a lab of namespaces ends: what ran in it is gone, and what it found is for everybody to read. */
import { existsSync } from 'node:fs';
import type { LabNetwork } from './network.ts';
import { endMarkedProcesses, run } from './processes.ts';
import { removeServiceFiles, type LabFiles } from './services.ts';

/**
 * Ends the lab's processes and `work`, the step that is being played, which waits for them; `close`
 * is called then. What is left in files is opened to all accounts, and the network removed.
 */
export async function endLab(
  network: LabNetwork,
  files: LabFiles,
  work: Promise<unknown> | undefined,
  close: () => void,
): Promise<void> {
  await endMarkedProcesses(network.names.lab);
  await work?.catch(() => undefined);
  close();
  await openToAll(network, files);
  await takeDown(network);
}

/** Removes the network of a lab, if there is one, and what its services wrote for themselves. */
export async function takeDown(network: LabNetwork): Promise<void> {
  await network.down();
  removeServiceFiles(network);
}

/** What is left is for whoever ran the lab, not only for the account that wrote it. */
async function openToAll({ names }: LabNetwork, files: LabFiles): Promise<void> {
  const { directory, state, evidence, logList } = files;
  if (!existsSync(directory)) return;
  const here = { lab: names.lab };
  await run('chmod', ['a+rx', directory], here);
  await run('chmod', ['-R', 'a+rX', ...[state, evidence, logList].filter(existsSync)], here);
}
