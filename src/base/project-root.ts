// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The program that starts ctga: of this checkout, or of the package. */
export function launcherPath(): string {
  const checkout = join(projectRoot(), 'bin/ctga');
  return existsSync(checkout) ? checkout : '/usr/bin/ctga';
}

/** The directory of package.json, both from src/ and from what is compiled of it. */
export function projectRoot(): string {
  let directory = import.meta.dirname;
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error(`no package.json above ${import.meta.dirname}`);
    directory = parent;
  }
  return directory;
}
