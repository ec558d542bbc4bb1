// SPDX-License-Identifier: Apache-2.0
/** DDT and trust on a node that nobody here wrote: the tests that need btcd, with the one built here. */
import { join, resolve } from 'node:path';
import { BTCD_VARIABLE } from '../../src/carbonchain/btcd.ts';

process.env[BTCD_VARIABLE] = join(resolve(import.meta.dirname, '../..'), 'build/interop/btcd');
await import('../ddt/btcd.test.ts');
await import('../trust/btcd.test.ts');
