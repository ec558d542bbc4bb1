// SPDX-License-Identifier: Apache-2.0
/** Makes the man page from the commands' own help, so that it repeats and omits nothing. */
import type { CommandDoc } from './program.ts';

export function manPage(commands: readonly CommandDoc[], version: string): string {
  const [program, ...others] = commands;
  const title = `.TH CTGA 1 "" "ctga ${version}" "User Commands"`;
  return `${[
    title,
    section('NAME'),
    'ctga \\- catches Certificate Transparency logs that show different trees to different people',
    section('SYNOPSIS'),
    '.B ctga\n.RI [ options ]\n.I command\n.RI [ arguments ]',
    section('DESCRIPTION'),
    verbatim(program?.help ?? ''),
    section('COMMANDS'),
    ...others.map(({ path, help }) => `.SS "ctga ${path.join(' ')}"\n${verbatim(help)}`),
    section('FILES'),
    '.TP\n.I /etc/ctga/ctga.toml\nSets the options of commands.\n.TP\n.I /var/lib/ctga\nThe store of root and of the services. Evidence is in the files below evidence/.\n.TP\n.I /sys/fs/bpf/ctga\nThe data planes that are attached.',
    section('SEE ALSO'),
    '.BR tor (1),\n.BR systemctl (1),\n.I /usr/share/doc/ctga',
  ].join('\n')}\n`;
}

function section(name: string): string {
  return `.SH ${name}`;
}

/** The text as it is, not filled. A leading dot or quote is escaped: it would be a request. */
function verbatim(text: string): string {
  const lines = text.trimEnd().replaceAll('\\', '\\e').replaceAll('-', '\\-').split('\n');
  return ['.nf', ...lines.map((line) => line.replace(/^([.'])/, '\\&$1')), '.fi'].join('\n');
}
