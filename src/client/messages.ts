// SPDX-License-Identifier: Apache-2.0
/**
 * What a browser's extension and the daemon tell each other, as docs/CLIENT.md has it. Whatever the
 * daemon is told may come from any program of the same account, so nothing of it is believed.
 */
import * as z from 'zod';
import { describeIssue } from '../base/documents.ts';
import { messageOf } from '../base/errors.ts';
import { toJson } from '../base/json.ts';
import { base64Bytes } from '../statements/json.ts';
import { frame, MAX_MESSAGE } from './frames.ts';

/** What one message may bring. Longer chains are none that a browser follows. */
export const MAX_CHAIN = 10;
export const MAX_SCTS = 64;
/** Of a host name (253), the scheme and a port. */
const MAX_ORIGIN = 270;

const origin = z.string().refine(isOrigin, 'is not the origin of an HTTPS site');

const toDaemon = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('seen'),
    origin,
    chain: z.array(base64Bytes).min(1).max(MAX_CHAIN),
    scts: z.array(base64Bytes).max(MAX_SCTS).default([]),
  }),
  z.object({ type: z.literal('forget'), origin }),
  z.object({ type: z.literal('forget-all') }),
  z.object({
    type: z.literal('feedback'),
    origin,
    outcome: z.enum(['sent', 'refused', 'failed']),
    status: z.number().int().min(0).max(999).optional(),
  }),
  z.object({ type: z.literal('status') }),
]);

export type ToDaemon = z.output<typeof toDaemon>;
export type FeedbackOutcome = Extract<ToDaemon, { type: 'feedback' }>['outcome'];

/** What is known of a log, in words for people in `why`. Times are in ms since the epoch. */
export interface LogStatus {
  /** Its name as in `ctga logs list`. */
  readonly name: string;
  /** Its log ID in base64. */
  readonly id: string;
  /** Of the newest head. */
  readonly size: bigint | undefined;
  readonly time: bigint | undefined;
  readonly state: HeadState;
  readonly why: string;
}

export type HeadState =
  /** No zone with its tree heads is known. */
  | 'no-zone'
  /** It was not asked yet. */
  | 'unasked'
  /** All its heads are of one append-only log. */
  | 'consistent'
  /** The log signed the newest head, and no proof came that it extends the one before. */
  | 'unproven'
  /** No head came, or none that the log signed. */
  | 'no-answer'
  /** The log signed trees that contradict each other. */
  | 'contradicts';

/** What became of an SCT. */
export type SctState =
  /** The log that it names did not sign it. */
  | 'bad-signature'
  /** It is too early, by the log's delay or by chance. */
  | 'waiting'
  /** Its certificate is in the log's tree. */
  | 'included'
  /** The log's delay is over, and nobody proves that the certificate is in the tree. */
  | 'unprovable'
  /** What was given for a proof leads to another tree. Proofs in DNS are not signed. */
  | 'contradicted';

export interface SctStatus {
  readonly origin: string;
  /** As LogStatus.name. */
  readonly log: string;
  /** The SCT's own. */
  readonly time: bigint;
  readonly state: SctState;
  readonly why: string;
}

export interface FindingStatus {
  /** A sentence. */
  readonly what: string;
  readonly log: string;
  /** The path of the evidence. */
  readonly evidence: string;
}

export interface FeedbackStatus {
  readonly origin: string;
  readonly outcome: FeedbackOutcome;
  /** Of HTTP, where there was an answer. */
  readonly status: number | undefined;
  readonly time: number;
}

/** What a federation's update said last (docs/FEDERATION.md). */
export interface FederationStatus {
  readonly name: string;
  /** The member that gave it. */
  readonly url: string;
  /** When it came, in ms since the epoch; undefined: none has held yet. */
  readonly taken?: number | undefined;
  /** Of its newest roster. */
  readonly epoch?: number | undefined;
  readonly statements: number;
  /** When the period began in which something was stated last, in ms since the epoch. */
  readonly stated?: number | undefined;
  /** What is wrong since; empty: nothing. */
  readonly why: string;
}

export interface StatusMessage {
  readonly type: 'status';
  readonly logs: readonly LogStatus[];
  /** The newest; `more` counts those that are left out. */
  readonly scts: readonly SctStatus[];
  readonly more: number;
  /** What was told and not kept, by reason, since the daemon's store was made. */
  readonly discarded: Readonly<Record<string, number>>;
  readonly findings: readonly FindingStatus[];
  readonly feedback: readonly FeedbackStatus[];
  readonly federations: readonly FederationStatus[];
}

export interface ErrorMessage {
  readonly type: 'error';
  readonly message: string;
  /** Where what was asked for was not done and may be asked for again. */
  readonly why?: ErrorReason;
}

export type ErrorReason =
  /** The daemon could not do it now: there was too much at once, or the disk took nothing. */
  | 'later'
  /** No daemon runs; the host says this. */
  | 'no-daemon';

export type FromDaemon = StatusMessage | ErrorMessage;

/** Reads a message to the daemon. Throws RangeError with what is wrong. */
export function readToDaemon(body: Uint8Array): ToDaemon {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    throw new RangeError(`not JSON: ${messageOf(error)}`, { cause: error });
  }
  const parsed = toDaemon.safeParse(json);
  if (!parsed.success) throw new RangeError(describeIssue(parsed.error));
  return parsed.data;
}

/** The frame of a message to the browser; of a status, with fewer SCTs where all do not fit. */
export function frameFromDaemon(message: FromDaemon): Buffer {
  const json = toJson(message);
  if (message.type === 'error' || Buffer.byteLength(json) <= MAX_MESSAGE) return frame(json);
  const { length } = message.scts;
  if (length === 0) return frame(toJson({ type: 'error', message: 'the status is too long' }));
  const scts = message.scts.slice(0, Math.floor(length / 2));
  return frameFromDaemon({ ...message, scts, more: message.more + length - scts.length });
}

function isOrigin(text: string): boolean {
  if (text.length > MAX_ORIGIN || !URL.canParse(text)) return false;
  const url = new URL(text);
  return url.protocol === 'https:' && url.origin === text;
}
