// SPDX-License-Identifier: Apache-2.0
/** Makes the completion for bash: commands and their options. */
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
