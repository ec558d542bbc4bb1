// SPDX-License-Identifier: Apache-2.0
/** Writes the largest resident set of the process that loads this, in KiB, to descriptor 3. */
'use strict';
const { writeSync } = require('node:fs');
const process = require('node:process');

process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS)));
