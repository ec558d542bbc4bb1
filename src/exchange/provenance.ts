// SPDX-License-Identifier: Apache-2.0
/**
 * What goes with tree heads from one store to another: which store saw each where, when and how
 * often, and what it concluded. None of it is signed. It is recorded as what that store says.
 */
import * as z from 'zod';
import { describeIssue } from '../base/documents.ts';

const LAST_DATE = 8_640_000_000_000_000;
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const date = count.max(LAST_DATE);
/** Printable, so that no name forges another line. */
const word = (longest: number): z.ZodString =>
  z
    .string()
    .regex(/^[^\p{C}]+$/u)
    .max(longest);
const store = z.string().regex(/^[0-9a-f]{8}$/);
const host = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/);

const exporterSchema = z.object({ store, host });

const sightingSchema = z
  .object({ store, host, source: word(200), first_seen: date, last_seen: date, count })
  .refine((each) => each.first_seen <= each.last_seen, 'was last seen before it was first seen')
  .transform(({ first_seen: firstSeen, last_seen: lastSeen, store: id, host: name, ...each }) => ({
    ...each,
    firstSeen,
    lastSeen,
    origin: { store: id, host: name },
  }));

const provenanceSchema = z.object({
  seen: z.array(sightingSchema).max(10_000).default([]),
  verdict: word(32).optional(),
  reason: word(500).optional(),
});

/** The store that wrote a file. */
export type Exporter = z.infer<typeof exporterSchema>;
export type Provenance = z.infer<typeof provenanceSchema>;

/** Undefined where the document does not say who wrote it. */
export function exporterOf(document: unknown): Exporter | undefined {
  const named = z.object({ exporter: exporterSchema }).safeParse(document);
  return named.data?.exporter;
}

/** Returns a sentence's clause, as a string, where it cannot be read. */
export function provenanceOf(treeHead: unknown): Provenance | string {
  const read = provenanceSchema.safeParse(treeHead);
  return read.success ? read.data : describeIssue(read.error);
}

/** As JSON, beside what treeHeadToJson gives. */
export function provenanceToJson({ seen, verdict, reason }: Provenance): Record<string, unknown> {
  return {
    seen: seen.map(({ origin, source, firstSeen, lastSeen, count: times }) => ({
      ...origin,
      source: source.replaceAll(/\p{C}/gu, '?').slice(0, 200),
      first_seen: firstSeen,
      last_seen: lastSeen,
      count: times,
    })),
    verdict,
    reason,
  };
}

/** A machine's name in the form that exports have. */
export function toHost(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9._-]+/g, '-').slice(0, 64) || 'unknown';
}
