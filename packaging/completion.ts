// SPDX-License-Identifier: Apache-2.0
/** Makes the completion for bash, zsh and fish: commands and their options, and else files. */
import { options, subcommands, type CommandDoc } from './program.ts';

export function bashCompletion(commands: readonly CommandDoc[]): string {
  const cases = commands.map((doc) => {
    const words = [...subcommands(doc), ...options(doc)].join(' ');
    return `\t'${doc.path.join(' ')}') words='${words}' ;;`;
  });
  return `# bash completion for ctga
_ctga() {
\tlocal path='' words='' word i
\tfor ((i = 1; i < COMP_CWORD; i++)); do
\t\tword=\${COMP_WORDS[i]}
\t\tcase "$word" in
\t\t-*) ;;
\t\t*) _ctga_is_command "\${path:+$path }$word" && path="\${path:+$path }$word" ;;
\t\tesac
\tdone
\tcase "$path" in
${cases.join('\n')}
\tesac
\tCOMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
\t# Else files.
}
_ctga_is_command() {
\tcase "$1" in
\t${commands
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => `'${path.join(' ')}'`)
    .join(' | ')}) return 0 ;;
\tesac
\treturn 1
}
complete -o default -F _ctga ctga
`;
}

/** A list of words for a pattern of the shell's `case`. */
function alternatives(commands: readonly CommandDoc[]): string {
  return commands
    .flatMap(({ path }) => (path.length > 0 ? [`'${path.join(' ')}'`] : []))
    .join(' | ');
}

export function zshCompletion(commands: readonly CommandDoc[]): string {
  const cases = commands.map((doc) => {
    const words = [...subcommands(doc), ...options(doc)].join(' ');
    return `\t'${doc.path.join(' ')}') names=(${words}) ;;`;
  });
  return `#compdef ctga
# zsh completion for ctga
_ctga() {
\tlocal at='' longer word
\tlocal -a names
\tfor word in "\${(@)words[2,CURRENT-1]}"; do
\t\tlonger="\${at:+$at }$word"
\t\tcase "$longer" in
\t\t${alternatives(commands)}) at=$longer ;;
\t\tesac
\tdone
\tcase "$at" in
${cases.join('\n')}
\tesac
\tcompadd -- $names
\t[[ $PREFIX == -* ]] || _files
}
if [[ $funcstack[1] == _ctga ]]; then _ctga "$@"; else compdef _ctga ctga; fi
`;
}

export function fishCompletion(commands: readonly CommandDoc[]): string {
  const lines = commands.flatMap((doc) => {
    const at = `-n '__ctga_at "${doc.path.join(' ')}"'`;
    return [
      ...subcommands(doc).map((name) => `complete -c ctga ${at} -a ${name}`),
      ...options(doc).map((name) => `complete -c ctga ${at} -l ${name.slice(2)}`),
    ];
  });
  const known = commands.flatMap(({ path }) => (path.length > 0 ? [`'${path.join(' ')}'`] : []));
  return `# fish completion for ctga
function __ctga_at
\tset -l at ''
\tfor word in (commandline -opc)[2..]
\t\tset -l longer (string trim "$at $word")
\t\tcontains -- $longer ${known.join(' ')}
\t\tand set at $longer
\tend
\ttest "$at" = "$argv[1]"
end
${lines.join('\n')}
`;
}
