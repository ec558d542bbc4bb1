// SPDX-License-Identifier: Apache-2.0
/** Help texts are written as prose, and fill whatever width there is. */

/** The texts with no line longer than `width`, unless a word is. Indented lines stay lines. */
export function refill(text: string, width: number): string {
  const lines: string[] = [];
  let paragraph: string[] = [];
  const end = (): void => {
    if (paragraph.length > 0) lines.push(...broken(paragraph.join(' '), width, 0));
    paragraph = [];
  };
  for (const line of text.split('\n')) {
    if (/^\S/.test(line)) paragraph.push(line);
    else {
      end();
      // What goes on in the next line is below what is explained: behind the last gap.
      const [start = ''] = /^ +(?:.*\S {2,})?(?=\S)/.exec(line) ?? [];
      lines.push(...broken(line, width, start.length));
    }
    // A heading is no part of what follows.
    if (/^\S.*:$/.test(line)) end();
  }
  end();
  return lines.join('\n');
}

function broken(line: string, width: number, indent: number): string[] {
  if (line.length <= width) return [line];
  const at = line.lastIndexOf(' ', width);
  if (at <= indent) return [line];
  const rest = `${' '.repeat(indent)}${line.slice(at).trimStart()}`;
  return [line.slice(0, at).trimEnd(), ...broken(rest, width, indent)];
}
