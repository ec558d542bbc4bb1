// SPDX-License-Identifier: Apache-2.0
/** What has to be signed before a container may be made of it. Pure. */
import { parse } from 'smol-toml';
import * as z from 'zod';
import { badInput, messageOf } from '../base/errors.ts';

const rulesSchema = z.strictObject({
  image: z
    .array(
      z.strictObject({
        /** On this machine: HOST/REPOSITORY:TAG. */
        name: z.string().regex(/^[^\s/]+\/[^\s@]+:[^\s:/@]+$/, 'want HOST/REPOSITORY:TAG'),
        /** The arguments of `ctga trust verify` behind the image. */
        verify: z.array(z.string()).min(1),
      }),
    )
    .default([]),
});
export type Rule = z.infer<typeof rulesSchema>['image'][number];

/** Throws CtgaError `bad-input` that says what is wrong with the rules. */
export function readRules(text: string, path: string): readonly Rule[] {
  try {
    return rulesSchema.parse(parse(text)).image;
  } catch (error) {
    const [issue] = error instanceof z.ZodError ? error.issues : [];
    const why =
      issue === undefined ? messageOf(error) : `${issue.path.join('.')}: ${issue.message}`;
    throw badInput(`${path}: ${why.split('\n')[0] ?? ''}`);
  }
}

/**
 * What has to hold of an image with these names: of each list, one rule. A name with a tag needs the
 * rule for it. One with a digest, by which somebody asked for these very bytes, needs any of its repository's.
 * Returns the name that has none, if there is one.
 */
export function rulesFor(
  names: readonly string[],
  rules: readonly Rule[],
): readonly (readonly Rule[])[] | { readonly without: string } {
  const needed: Rule[][] = [];
  for (const name of names) {
    const [repository = '', digest] = name.split('@');
    const found = rules.filter((rule) =>
      digest === undefined
        ? rule.name === name
        : rule.name.startsWith(`${repository}:`) &&
          !rule.name.slice(repository.length + 1).includes('/'),
    );
    if (found.length === 0) return { without: name };
    needed.push(found);
  }
  return needed;
}
