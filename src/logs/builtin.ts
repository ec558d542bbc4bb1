// SPDX-License-Identifier: Apache-2.0
/** The logs that are built in: today's, and those whose tree heads were once public in DNS. */
import { decodeBase64 } from '../base/base64.ts';
import { toMerkleHash } from '../merkle/hash.ts';
import { toCtKey, type CtKey } from '../statements/key.ts';
import type { Log } from './log.ts';
import { PUBLIC_ZONES } from './public-zones.ts';
import { FINAL_TREES, TODAYS_LIST, TODAYS_LOGS } from './todays-logs.ts';

/** When the list of the built-in logs was published, in ms since the epoch. */
export const BUILTIN_PUBLISHED = TODAYS_LIST;

export function builtinLogs(): Log[] {
  const finals = new Map(FINAL_TREES.map(([description, ...tree]) => [description, tree]));
  const today = TODAYS_LOGS.map(([api, state, description, url, mmd, key, submissionUrl]): Log => {
    const log = { key: keyOf(description, key), description, url, api, submissionUrl, mmd, state };
    const [treeSize, root] = finals.get(description) ?? [];
    if (treeSize === undefined || root === undefined) return log;
    return { ...log, finalTree: { treeSize, rootHash: toMerkleHash(bytesOf(description, root)) } };
  });
  const once = PUBLIC_ZONES.map(([label, description, url, key]): Log => ({
    key: keyOf(description, key),
    description,
    url,
    api: 'rfc6962',
    mmd: 86_400,
    dns: `${label}.ct.googleapis.com`,
    state: 'retired',
  }));
  return [...today, ...once];
}

const keyOf = (description: string, key: string): CtKey => toCtKey(bytesOf(description, key));

function bytesOf(description: string, base64: string): Uint8Array {
  const bytes = decodeBase64(base64);
  if (bytes === undefined)
    throw new Error(`the built-in key or root of ${description} is not base64`);
  return bytes;
}
