// SPDX-License-Identifier: Apache-2.0
/**
 * Makes debian/copyright, which programs read too, of what is in the package
 * (https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/).
 */
import { join } from 'node:path';
import { copyrightHolders, licenseText, type Module } from './modules.ts';

const LIB = 'usr/lib/ctga';
/** License texts that every Debian has, by SPDX identifier: Debian wants them named, not repeated. */
const COMMON: Readonly<Record<string, string>> = {
  'Apache-2.0': '/usr/share/common-licenses/Apache-2.0',
  'GPL-2.0-only': '/usr/share/common-licenses/GPL-2',
};
/** Debian's own names for licenses that SPDX calls otherwise. */
const DEBIAN_NAMES: Readonly<Record<string, string>> = { MIT: 'Expat', 'GPL-2.0-only': 'GPL-2' };

/** What is in a compiled file besides that which its package says. */
const COMPILED_IN = [
  {
    file: 'build/native/Release/ctga.node',
    license: 'Apache-2.0 and Expat',
    packages: ['node-addon-api'],
    others: ['2026 The ctga authors'],
  },
  {
    file: 'node_modules/raw-socket/build/Release/raw.node',
    license: 'Expat',
    packages: ['raw-socket', 'nan'],
    others: [],
  },
  {
    file: 'node_modules/better-sqlite3/build/Release/better_sqlite3.node',
    license: 'Expat and public-domain',
    packages: ['better-sqlite3'],
    others: ['none for SQLite, whose authors disclaim it: https://sqlite.org/copyright.html'],
  },
];

/**
 * @param root where the packages are installed, above node_modules
 * @param nodeLicense the license of the Node that is in the package, if one is
 */
export function debianCopyright(
  modules: readonly Module[],
  root: string,
  nodeLicense: string | undefined,
): string {
  const ours = '2026 The ctga authors';
  const paragraphs = [
    [
      'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/',
      'Upstream-Name: ctga',
      `Comment: The program in ${LIB}/build/js contains the packages below`,
      ` ${LIB}/node_modules, each under the license that is named for it.`,
    ].join('\n'),
    paragraph('*', [ours], 'Apache-2.0', common('Apache-2.0')),
    paragraph(`${LIB}/build/xdp/*`, [ours], 'GPL-2.0-only', common('GPL-2.0-only')),
    ...modules.map((module) => {
      const text = licenseText(module);
      const holders = copyrightHolders(text, module.author, module.name);
      const files = `${LIB}/${module.directory.slice(root.length + 1)}/*`;
      return paragraph(files, holders, module.license, verbatim(module, text));
    }),
    ...COMPILED_IN.map(({ file, license, packages, others }) => {
      const texts = packages.map((name) =>
        licenseText({ name, directory: join(root, 'node_modules', name) }),
      );
      const holders = texts.flatMap((text, index) =>
        copyrightHolders(text, undefined, packages[index] ?? ''),
      );
      return paragraph(`${LIB}/${file}`, [...others, ...holders], license, texts.join('\n\n'));
    }),
  ];
  if (nodeLicense !== undefined)
    paragraphs.push(
      paragraph(
        `${LIB}/node`,
        [
          'Node.js contributors',
          'Joyent, Inc. and other Node contributors',
          'and those named below',
        ],
        'Node.js',
        nodeLicense,
      ),
    );
  return `${paragraphs.join('\n\n')}\n`;
}

function common(license: string): string {
  return `The text is in ${COMMON[license] ?? ''} on Debian systems.`;
}

/** What is to be read of a license: where Debian has it, what stands behind it in the file. */
function verbatim({ license }: Module, text: string): string {
  if (!(license in COMMON)) return text;
  const [, own = ''] = /\n *limitations under the License\.\n([^]*)$/.exec(text) ?? [];
  return `${common(license)}\n${own}`.trim();
}

function paragraph(
  files: string,
  holders: readonly string[],
  license: string,
  text: string,
): string {
  const name = DEBIAN_NAMES[license] ?? license;
  return [
    `Files: ${files}`,
    `Copyright: ${holders.join('\n           ')}`,
    `License: ${name}`,
    ...text.split('\n').map((line) => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`)),
  ].join('\n');
}
