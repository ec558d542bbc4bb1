// SPDX-License-Identifier: Apache-2.0
/**
 * `node packaging/cache.cjs DIRECTORY` writes DIRECTORY/cli/main.cache: what V8 compiles of the
 * program in DIRECTORY while it loads every command and runs some. It is of use to the Node that
 * runs this.
 */
'use strict';
const { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { tmpdir } = require('node:os');
const { dirname, join, resolve } = require('node:path');
const process = require('node:process');
const { setImmediate } = require('node:timers');
const { Script } = require('node:vm');

const main = resolve(process.argv[2], 'cli/main');
const filename = `${main}.code.cjs`;
const script = new Script(readFileSync(filename, 'latin1'), { filename });
const run = script.runInThisContext();
const temporary = mkdtempSync(join(tmpdir(), 'ctga-cache-'));
const config = join(temporary, 'ctga.toml');
writeFileSync(config, '');
const store = ['--config', config, '--state-dir', join(temporary, 'state')];
const runs = [
  ['--help'],
  ['config', 'check', config],
  ['logs', 'list', ...store],
  ['status', ...store],
  ['heads', 'list', ...store],
  ['evidence', 'list', ...store],
  ['alert', 'list', ...store],
];
process.stderr.write = () => true;
// The first run says which commands there are.
process.stdout.write = (help) => {
  process.stdout.write = () => true;
  const commands = help.split('\nCommands:\n')[1].matchAll(/^ {2}([a-z]\S*) /gm);
  for (const [, name] of commands) runs.push([name, '--help']);
  return true;
};

function next() {
  const argv = runs.shift();
  process.argv = [process.execPath, filename, ...argv];
  const module = { exports: {} };
  run(module.exports, createRequire(filename), module, filename, dirname(filename));
}
// A run ends when it has nothing more to do.
process.on('beforeExit', () => {
  if (runs.length > 0) return void setImmediate(next);
  // V8 need not notice that it reads half of one.
  writeFileSync(`${main}.${process.pid}`, script.createCachedData());
  renameSync(`${main}.${process.pid}`, `${main}.cache`);
  rmSync(temporary, { recursive: true });
  process.exitCode = 0;
});
