// SPDX-License-Identifier: Apache-2.0
/**
 * A web site of the lab as a separate process: a page, and in front of a pool if it has one.
 *
 *   node site.ts CHAIN KEY [POOL]      answers on port 443 of all addresses
 *
 * CHAIN and KEY are PEM files; POOL is the URL of `ctga pool serve`.
 */
import { readFileSync } from 'node:fs';
import { request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { pipeline } from 'node:stream';
import { clean } from '../base/clean.ts';
import { messageOf } from '../base/errors.ts';

const [chain, key, pool] = process.argv.slice(2);
if (chain === undefined || key === undefined) throw new Error('usage: site.ts CHAIN KEY [POOL]');

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { url = '/', method, headers } = request;
  if (pool !== undefined && url.startsWith('/.well-known/ct/v1/')) {
    const onward = ask(new URL(url, pool), { method, headers }, (answered) => {
      response.writeHead(answered.statusCode ?? 502, answered.headers);
      pipeline(answered, response, () => undefined);
    });
    pipeline(request, onward, (error) => {
      if (error) response.destroy();
    });
    onward.on('error', () => response.destroy());
    return;
  }
  response
    .writeHead(url === '/' ? 200 : 404, {
      'cache-control': 'no-store',
      'content-type': 'text/html; charset=utf-8',
    })
    .end('<!doctype html><title>A shop</title><h1>A shop</h1>\n');
}

createServer({ cert: readFileSync(chain), key: readFileSync(key) }, answer)
  .on('error', (error) => {
    console.error(clean(messageOf(error)));
    process.exit(1);
  })
  .listen(443);
