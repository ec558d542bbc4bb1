// SPDX-License-Identifier: Apache-2.0
/** Makes the completion for bash, zsh and fish: commands and their options, and else files. */
import { options, optionsWithValue, subcommands, type CommandDoc } from './program.ts';

export function bashCompletion(commands: readonly CommandDoc[]): string {
  const cases = commands.map((doc) => {
    const words = [...subcommands(doc), ...options(doc)].join(' ');
    return `\t'${doc.path.join(' ')}') words='${words}' ;;`;
  });
  return `# bash completion for ctga
_ctga() {
\tlocal path='' words='' i
\tfor ((i = 1; i < COMP_CWORD; i++)); do
\t\tcase "\${path:+$path }\${COMP_WORDS[i]}" in
\t\t${alternatives(commandsOf(commands))}) path="\${path:+$path }\${COMP_WORDS[i]}" ;;
\t\t${alternatives(takersOf(commands))})
\t\t\t# bash makes a word of the = in --config=FILE.
\t\t\t((i += 1))
\t\t\t[[ \${COMP_WORDS[i]} != '=' ]] || ((i += 1))
\t\t\t;;
\t\tesac
\tdone
\t# A value, which is a file for all that is known here.
\t[ "$i" -le "$COMP_CWORD" ] && [[ \${COMP_WORDS[COMP_CWORD]} != '=' ]] || return 0
\tcase "$path" in
${cases.join('\n')}
\tesac
\t# Options for whoever has begun one: for others they would stand before the files.
\t[[ \${COMP_WORDS[COMP_CWORD]} == -* ]] || words="\${words%%--*}"
\tCOMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
\t# Else files.
}
complete -o default -F _ctga ctga
`;
}

/** The commands, as they are typed. */
function commandsOf(commands: readonly CommandDoc[]): string[] {
  return commands.flatMap(({ path }) => (path.length > 0 ? [path.join(' ')] : []));
}

/**
 * The options whose next word is their value, each behind its command; those of the program are taken
 * behind every command. So nobody takes a value for a command.
 */
function takersOf(commands: readonly CommandDoc[]): string[] {
  const everywhere = commands.filter(({ path }) => path.length === 0).flatMap(optionsWithValue);
  return commands.flatMap((doc) =>
    [...new Set([...everywhere, ...optionsWithValue(doc)])].map((name) =>
      [...doc.path, name].join(' '),
    ),
  );
}

/** A list of words for a pattern of the shell's `case`. */
function alternatives(words: readonly string[]): string {
  return quoted(words).join(' | ');
}

function quoted(words: readonly string[]): string[] {
  return words.map((word) => `'${word}'`);
}

export function zshCompletion(commands: readonly CommandDoc[]): string {
  const cases = commands.map((doc) => {
    const words = [...subcommands(doc), ...options(doc)].join(' ');
    return `\t'${doc.path.join(' ')}') names=(${words}) ;;`;
  });
  return `#compdef ctga
# zsh completion for ctga
_ctga() {
\tlocal at='' longer word isValue=''
\tlocal -a names
\tfor word in "\${(@)words[2,CURRENT-1]}"; do
\t\tif [[ -n $isValue ]]; then isValue=''; continue; fi
\t\tlonger="\${at:+$at }$word"
\t\tcase "$longer" in
\t\t${alternatives(commandsOf(commands))}) at=$longer ;;
\t\t${alternatives(takersOf(commands))}) isValue=1 ;;
\t\tesac
\tdone
\tif [[ -n $isValue ]]; then _files; return; fi
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
    const takers = new Set(optionsWithValue(doc));
    return [
      ...subcommands(doc).map((name) => `complete -c ctga ${at} -a ${name}`),
      ...options(doc).map(
        (name) => `complete -c ctga ${at} -l ${name.slice(2)}${takers.has(name) ? ' -r' : ''}`,
      ),
    ];
  });
  return `# fish completion for ctga
function __ctga_at
\tset -l at ''
\tset -l is_value ''
\tfor word in (commandline -opc)[2..]
\t\tif test -n "$is_value"
\t\t\tset is_value ''
\t\t\tcontinue
\t\tend
\t\tset -l longer (string trim "$at $word")
\t\tif contains -- $longer ${quoted(commandsOf(commands)).join(' ')}
\t\t\tset at $longer
\t\telse if contains -- $longer ${quoted(takersOf(commands)).join(' ')}
\t\t\tset is_value 1
\t\tend
\tend
\ttest -z "$is_value" -a "$at" = "$argv[1]"
end
${lines.join('\n')}
`;
}
