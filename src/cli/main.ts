// SPDX-License-Identifier: Apache-2.0
/** The process that is started as `ctga`. */
import { runCtga } from './program.ts';

// A reader that leaves early, such as `head`, is no failure. A command that has something to take
// down first is asked to end as by a signal, once; others end here.
let readerLeft = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  if (readerLeft) return;
  readerLeft = true;
  if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(0);
});

process.exitCode = await runCtga(process.argv.slice(2));
