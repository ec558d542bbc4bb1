/**
 * The logs ctga knows before it is told of any: those whose tree heads were once public in DNS.
 */
import { decodeBase64 } from '../base64.ts';
import { toLogKey } from '../treehead/key.ts';
import type { Log } from './log.ts';
import { PUBLIC_ZONES } from './public-zones.ts';

export function builtinLogs(): Log[] {
  return PUBLIC_ZONES.map(([label, description, url, key]) => {
    const spki = decodeBase64(key);
    if (spki === undefined) throw new Error(`built-in key of ${description} is not base64`);
    return {
      key: toLogKey(spki),
      description,
      url,
      api: 'rfc6962',
      mmd: 86_400,
      dns: `${label}.ct.googleapis.com`,
    };
  });
}
