// SPDX-License-Identifier: Apache-2.0
/** In place of the npm package bindings, which looks in a dozen places for the addon of SQLite. */
'use strict';
const { join } = require('node:path');
const { projectRoot } = require('../src/base/project-root.ts');

module.exports = (name) =>
  require(join(projectRoot(), 'node_modules/better-sqlite3/build/Release', name));
