// SPDX-License-Identifier: Apache-2.0
/** The process that is started as `ctga`. */
import { ExitCode, messageOf } from '../base/errors.ts';
import { warn } from './output.ts';
import { runCtga } from './program.ts';

// A reader that leaves early, such as `head`, is no failure. A command that has something to take
// down first is asked to end as by a signal, once; others end here. An output that takes no more,
// such as a file on a full disk, is one; whatever watches goes on without it.
let isLost = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (isLost) return;
  isLost = true;
  if (error.code === 'EPIPE') {
    if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(0);
  } else {
    warn(`the output is lost: ${messageOf(error)}`);
    process.once('exit', (code) => {
      if (code === ExitCode.ok) process.exitCode = ExitCode.failed;
    });
  }
});
// Nobody is left to be told.
process.stderr.on('error', () => undefined);

// Compiled, this is a CommonJS module (packaging/bundle.ts), which cannot await.
void runCtga(process.argv.slice(2)).then((code) => (process.exitCode = code));
