// SPDX-License-Identifier: Apache-2.0
/**
 * Where pools push what they collected, and clients send what they saw to an auditor that they trust.
 * It does not know who connects, and asks nobody's address: an onion service is as welcome. The answer
 * is the same for what is new and for what was there.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod';
import { AUDITOR_PATH } from '../pool/auditor-url.ts';
import type { CheckedPair, FeedbackChecks, Refusal } from '../pool/feedback.ts';
import { DRAFT_02, type Brought } from '../pool/forms.ts';
import {
  JSON_TYPE,
  jsonOf,
  JsonServer,
  readAs,
  Refused,
  send,
  type JsonEndpoint,
  type JsonServerOptions,
} from '../pool/json-server.ts';
import type { VerifiedStatement } from '../statements/statement.ts';

/** In one request. */
const MAX_PAIRS = 256;
const MAX_HEADS = 500;

export interface AuditServerOptions extends Omit<JsonServerOptions, 'endpoints'> {
  readonly checks: FeedbackChecks;
  /** Keeps what one request brought, durably; false if a known log signed nothing of it. */
  readonly take: (pairs: readonly CheckedPair[], heads: readonly Brought[]) => boolean;
  /** The heads that whoever pollinates gets. */
  readonly share: () => readonly VerifiedStatement[];
}

const bodySchema = z.object({ sct_feedback: z.unknown().optional(), sths: z.unknown().optional() });

/** Rejects with CtgaError if it cannot listen at the address. */
export function startAuditServer(options: AuditServerOptions): Promise<JsonServer> {
  const handle = (request: IncomingMessage, response: ServerResponse): Promise<void> =>
    takeFeedback(options, request, response);
  const pollinate = (request: IncomingMessage, response: ServerResponse): Promise<void> =>
    exchange(options, request, response);
  const endpoints = new Map<string, JsonEndpoint>([
    [AUDITOR_PATH, { method: 'POST', handle }],
    [`${DRAFT_02.base}/sth-pollination`, { method: 'POST', handle: pollinate }],
  ]);
  return JsonServer.start({ ...options, endpoints });
}

async function takeFeedback(
  { checks, take }: AuditServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const json = readAs(await jsonOf(request), (body) => {
    const parsed = bodySchema.safeParse(body);
    if (parsed.success) return parsed.data;
    throw new RangeError('The body is no JSON object.');
  });
  const submitted =
    json.sct_feedback === undefined ? [] : readAs(json, (body) => DRAFT_02.readFeedback(body));
  const brought = json.sths === undefined ? [] : headsIn(json);
  if (json.sct_feedback === undefined && json.sths === undefined)
    throw new Refused(400, 'There is neither sct_feedback nor sths in it.');
  if (submitted.reduce((sum, { scts }) => sum + Math.max(1, scts.length), 0) > MAX_PAIRS)
    throw new Refused(413, `More than ${MAX_PAIRS} SCTs in one request.`);
  const pairs: CheckedPair[] = [];
  let refused: Refusal | undefined;
  for (const each of submitted) {
    const checked = checks.check(each);
    pairs.push(...checked.pairs);
    [refused = refused] = checked.refused.keys();
    // A signature takes a tenth of a millisecond: others get their turn in between.
    await new Promise(setImmediate);
  }
  const heads = brought.flatMap((each) => DRAFT_02.readHead(each) ?? []);
  if (!take(pairs, heads) && (refused !== undefined || brought.length > 0))
    throw new Refused(400, 'No SCT and no tree head in it is one that a known log signed.');
  send(response, 200, '{}\n', JSON_TYPE);
}

/** As a pool does (Section 5.2): what comes mixes as what clients send, and what goes out is public. */
async function exchange(
  { take, share }: AuditServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const brought = headsIn(await jsonOf(request));
  take(
    [],
    brought.flatMap((each) => DRAFT_02.readHead(each) ?? []),
  );
  send(response, 200, DRAFT_02.writeHeads(share()), JSON_TYPE);
}

function headsIn(json: unknown): unknown[] {
  const brought = readAs(json, (body) => DRAFT_02.readHeads(body));
  if (brought.length <= MAX_HEADS) return brought;
  throw new Refused(413, `More than ${MAX_HEADS} tree heads in one request.`);
}
