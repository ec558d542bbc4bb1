// SPDX-License-Identifier: Apache-2.0
/**
 * How SCT feedback and STH pollination look in JSON, in the two drafts: version 02 of
 * draft-linus-trans-gossip-ct (Sections 5.1.3 and 5.2.3) and version 05 of draft-ietf-trans-gossip
 * (Sections 8.1 and 8.2). Which of the two a client speaks, its path says.
 */
import * as z from 'zod';
import { decodeBase64, encodeBase64 } from '../base/base64.ts';
import { logIdText } from '../logs/log.ts';
import {
  attributionSchema,
  base64Bytes,
  treeHeadSchema,
  treeHeadToJson,
} from '../statements/json.ts';
import type { LogId, Statement, VerifiedStatement } from '../statements/statement.ts';

/** A chain with SCTs for its first certificate. Nothing of it has been checked. */
export interface Submitted {
  /** In DER. */
  readonly chain: readonly Uint8Array[];
  /** Serialized (RFC 6962, Section 3.2). */
  readonly scts: readonly Uint8Array[];
}

/** A tree head that somebody brings. Version 05 forgot to say of which log: undefined. */
export interface Brought {
  readonly head: Statement;
  readonly logId: LogId | undefined;
}

/** One draft's way to write. The readers throw RangeError with what is wrong. */
export interface Forms {
  /** Where its endpoints are on an HTTPS server. */
  readonly base: string;
  readFeedback(json: unknown): Submitted[];
  /** The JSON of one chain, and what stands before, between and behind several. */
  writeFeedback(submitted: Submitted): string;
  readonly feedbackBrackets: readonly [before: string, behind: string];
  readHeads(json: unknown): unknown[];
  readHead(json: unknown): Brought | undefined;
  writeHeads(heads: readonly VerifiedStatement[]): string;
}

const sctData = z.array(base64Bytes);

const feedback02 = z.object({
  sct_feedback: z.array(
    z
      .object({ x509_chain: z.array(base64Bytes).min(1), sct_data: sctData })
      .transform(({ x509_chain: chain, sct_data: scts }) => ({ chain, scts })),
  ),
});

const pem = z.string().transform((text, context) => {
  const body =
    /^\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/.exec(text);
  const bytes = body?.[1] === undefined ? undefined : decodeBase64(body[1].replace(/\s/g, ''));
  if (bytes !== undefined) return bytes;
  context.addIssue({ code: 'custom', message: 'is not one certificate in PEM' });
  return z.NEVER;
});

const feedback05 = z.array(
  z
    .object({ x509_chain: z.array(pem).min(1), sct_data_v1: sctData.default([]) })
    .transform(({ x509_chain: chain, sct_data_v1: scts }) => ({ chain, scts })),
);

const heads02 = z.object({ sths: z.array(z.unknown()) });
const heads05 = z.object({ v1: z.array(z.unknown()) });

export const DRAFT_02: Forms = {
  base: '/.well-known/ct/v1',
  readFeedback: (json) => read(feedback02, json).sct_feedback,
  writeFeedback: ({ chain, scts }) =>
    JSON.stringify({ x509_chain: chain.map(encodeBase64), sct_data: scts.map(encodeBase64) }),
  feedbackBrackets: ['{"sct_feedback":[', ']}'],
  readHeads: (json) => read(heads02, json).sths,
  readHead: (json) => readHead(json, attributionSchema),
  writeHeads: (heads) =>
    JSON.stringify({ sths: heads.map((head) => ({ sth_version: 0, ...headToJson(head) })) }),
};

export const DRAFT_05: Forms = {
  base: '/.well-known/ct-gossip/v1',
  readFeedback: (json) => read(feedback05, json),
  writeFeedback: ({ chain, scts }) =>
    JSON.stringify({
      x509_chain: chain.map(toPem),
      sct_data_v1: scts.map(encodeBase64),
      sct_data_v2: [],
    }),
  feedbackBrackets: ['[', ']'],
  readHeads: (json) => read(heads05, json).v1,
  readHead: (json) => readHead(json, attributionSchema.partial()),
  // Whoever keeps to the draft passes over log_id; nobody could tell the log without it.
  writeHeads: (heads) => JSON.stringify({ v1: heads.map(headToJson), v2: [] }),
};

function headToJson(head: VerifiedStatement): Record<string, number | string> {
  return { log_id: logIdText(head.logId), ...treeHeadToJson(head) };
}

function readHead(
  json: unknown,
  attribution: z.ZodType<{ log_id?: LogId | undefined }>,
): Brought | undefined {
  const head = treeHeadSchema.safeParse(json);
  const log = attribution.safeParse(json);
  if (!head.success || !log.success) return undefined;
  return { head: head.data, logId: log.data.log_id };
}

function read<T>(schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new RangeError(
    `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not as the draft has it'}`,
  );
}

function toPem(der: Uint8Array): string {
  const lines = encodeBase64(der).match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
