// SPDX-License-Identifier: Apache-2.0
/**
 * What others were shown of the logs: the checkpoints at the monitoring prefix of a witness
 * (c2sp.org/tlog-witness), or at a distributor, which collects them from witnesses
 * (github.com/transparency-dev/distributor).
 *
 * It is asked for the logs that lists have, and so for the same whatever was seen here. What it gives
 * has the log's own signature, and counts by that alone: a view that lies accuses nobody.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { shuffled } from '../base/chance.ts';
import { HttpError } from '../http/error.ts';
import type { Fetch } from '../http/request.ts';
import { originOf, type Log } from '../logs/log.ts';
import { withOthers } from '../statements/checkpoint.ts';
import { verifyClaim } from '../statements/claim.ts';
import type { ImportedHead, ImportedHeads } from './files.ts';

/** A checkpoint with a hundred signatures of ML-DSA-44 is a third of it. */
const MAX_CHECKPOINT_BYTES = 1024 * 1024;
/** In one visit: others have their turn in another one. */
const MAX_LOGS = 1000;

export interface Viewed {
  /** Of how many logs a checkpoint was asked for. */
  readonly asked: number;
  readonly received: ImportedHeads;
}

/** Throws TypeError for text that is no http(s) URL. The result has no slash at its end. */
export function viewUrl(text: string): string {
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError('want https://');
  if (`${url.search}${url.hash}` !== '') throw new TypeError('want no query');
  return url.href.replace(/\/+$/, '');
}

/**
 * Fetches what the view at `url` has of these logs, and verifies it under their keys. A URL with
 * `/distributor/v0` at its end is a distributor's; any other is a witness's monitoring prefix. Rejects
 * with ProxyError, or with HttpError where it gives no answer, or no list of its logs.
 */
export async function fetchViews(
  url: string,
  fetch: Fetch,
  logs: readonly Log[],
  chance?: () => number,
): Promise<Viewed> {
  const byOrigin = new Map<string, Log[]>();
  for (const log of logs) {
    const origin = originOf(log);
    if (origin !== undefined) byOrigin.set(origin, [...(byOrigin.get(origin) ?? []), log]);
  }
  const pathOf = url.endsWith('/distributor/v0')
    ? await pathsAtDistributor(url, fetch)
    : (origin: string) => `${sha256(origin)}/checkpoint`;
  const errands = [...byOrigin].flatMap(([origin, signers]) => {
    const path = pathOf(origin);
    return path === undefined ? [] : [{ path, signers }];
  });
  const heads: ImportedHead[] = [];
  const refused: string[] = [];
  const asked = shuffled(errands, chance).slice(0, MAX_LOGS);
  for (const { path, signers } of asked) {
    const { status, body } = await fetch(`${url}/${path}`, { maxBytes: MAX_CHECKPOINT_BYTES });
    // It has nothing of this log.
    if (status === 404) continue;
    if (status !== 200) throw new HttpError('http-bad-answer', `${url}/${path}: HTTP ${status}`);
    const claims = signers.map((log) => {
      const verified = verifyClaim({ log, bytes: body, form: 'checkpoint' });
      return verified.kind === 'refused'
        ? verified.reason
        : { head: withOthers(verified.statement, body, log.key), log };
    });
    const signed = claims.filter((claim) => typeof claim !== 'string');
    heads.push(...signed.map((each) => ({ ...each, provenance: undefined })));
    const [reason] = claims;
    if (signed.length === 0 && typeof reason === 'string') refused.push(`${path}: ${reason}`);
  }
  return { asked: asked.length, received: { heads, refused, signatures: [] } };
}

/** Where it has the checkpoint of an origin, with one cosignature at least. */
async function pathsAtDistributor(
  url: string,
  fetch: Fetch,
): Promise<(origin: string) => string | undefined> {
  const { status, body } = await fetch(`${url}/logs`);
  const listed = z.array(z.string()).safeParse(status === 200 ? parsed(body) : undefined);
  if (!listed.success)
    throw new HttpError('http-bad-answer', `${url}/logs: HTTP ${status}, and no list of logs`);
  const known = new Set(listed.data);
  return (origin) => {
    const id = sha256(`o:${origin}`);
    return known.has(id) ? `logs/${id}/checkpoint.1` : undefined;
  };
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
