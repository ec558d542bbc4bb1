// SPDX-License-Identifier: Apache-2.0
/** The version of package.json. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './base/project-root.ts';

export const { version } = JSON.parse(
  readFileSync(join(projectRoot(), 'package.json'), 'utf8'),
) as { version: string };
