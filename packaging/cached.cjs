// SPDX-License-Identifier: Apache-2.0
/**
 * Runs the program beside it, NAME.code.cjs, with what V8 compiled of it earlier, NAME.cache
 * (packaging/cache.cjs). V8 refuses a cache that another version of it made, and compiles anew.
 */
'use strict';
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');

const part = module.filename.slice(0, -'.cjs'.length);
const filename = `${part}.code.cjs`;
let cachedData;
try {
  cachedData = readFileSync(`${part}.cache`);
} catch {
  // It starts without, more slowly.
}
// It is ASCII, which needs no decoding, and a function as Module.wrap makes one.
const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
script.runInThisContext()(exports, require, module, filename, module.path);
