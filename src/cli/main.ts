// SPDX-License-Identifier: Apache-2.0
/** The process that is started as `ctga`. */
import { ExitCode, messageOf } from '../base/errors.ts';
import { warn } from './output.ts';
import { runCtga } from './program.ts';

// A reader that leaves early, such as `head`, is no failure, and changes no verdict: a command that
// has something to take down first is asked to end as by a signal, once; any other goes on to its
// end, so that evidence which does not hold is not reported as if it did. An output that takes no
// more, such as a file on a full disk, is a failure; whatever watches goes on without it.
let isLost = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (isLost) return;
  isLost = true;
  if (error.code === 'EPIPE') {
    endWhatWatches();
  } else {
    warn(`the output is lost: ${messageOf(error)}`);
    process.once('exit', (code) => {
      if (code === ExitCode.ok) process.exitCode = ExitCode.failed;
    });
  }
});

/** Now, or as soon as there is something that listens for signals. */
function endWhatWatches(): void {
  if (process.emit('SIGTERM', 'SIGTERM')) return;
  const listens = (name: string | symbol): void => {
    if (name !== 'SIGTERM') return;
    process.off('newListener', listens);
    // It is told of the listener before that is there.
    process.nextTick(() => process.emit('SIGTERM', 'SIGTERM'));
  };
  process.on('newListener', listens);
}
// Nobody is left to be told.
process.stderr.on('error', () => undefined);

// Compiled, this is a CommonJS module (packaging/bundle.ts), which cannot await.
void runCtga(process.argv.slice(2)).then((code) => (process.exitCode = code));
