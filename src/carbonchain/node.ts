// SPDX-License-Identifier: Apache-2.0
/**
 * A Bitcoin node that is asked by JSON-RPC, with the calls that bitcoind and btcd have in common. Nothing
 * that it says of the chain is believed here: headers and blocks are checked where they are used.
 */
import * as z from 'zod';
import { CtgaError, messageOf } from '../base/errors.ts';
import { HttpError } from '../http/error.ts';
import type { Fetch } from '../http/request.ts';
import { fromHex, toHex } from './bytes.ts';

export type NodeErrorCode =
  /** No answer, or none of JSON-RPC. */
  | 'node-no-answer'
  /** The node refuses what was asked for, or the name and password. */
  | 'node-refused';

export class NodeError extends CtgaError<NodeErrorCode> {
  /** The number that the node gave its refusal. */
  readonly number: number | undefined;

  constructor(
    code: NodeErrorCode,
    message: string,
    { number, ...options }: { number?: number; remedy?: string; cause?: unknown } = {},
  ) {
    super(code, message, options);
    this.number = number;
  }
}

/** Each call rejects with NodeError. */
export interface BitcoinNode {
  /** What a person knows it by; without a password. */
  readonly name: string;
  /** The height of its last block. */
  height(): Promise<number>;
  /** As Bitcoin shows it. */
  hashAt(height: number): Promise<string>;
  header(hash: string): Promise<Uint8Array>;
  block(hash: string): Promise<Uint8Array>;
  /** Passes a transaction on; resolves to its ID. */
  send(transaction: Uint8Array): Promise<string>;
}

/** A block has at most 4 MB, and each byte is two digits. */
const MAX_ANSWER = 9 * 2 ** 20;

const answerSchema = z.object({
  result: z.unknown(),
  error: z
    .object({ code: z.number(), message: z.string() })
    .nullish()
    .catch({ code: 0, message: 'an error of no known form' }),
});
const hashSchema = z.string().regex(/^[0-9a-f]{64}$/);
const hexSchema = z.string().transform((text, context) => {
  const bytes = fromHex(text);
  if (bytes !== undefined) return bytes;
  context.addIssue('no hexadecimal digits');
  return z.NEVER;
});
const heightSchema = z.int().min(0).max(0x7fff_ffff);

/** `url` may hold a name and a password. */
export function nodeAt(url: URL, fetch: Fetch): BitcoinNode {
  const name = `${url.protocol}//${url.host}${url.pathname === '/' ? '' : url.pathname}`;
  async function call<T>(schema: z.ZodType<T>, method: string, ...params: unknown[]): Promise<T> {
    const post = JSON.stringify({ jsonrpc: '1.0', id: 'ctga', method, params });
    let answer;
    try {
      answer = await fetch(url.href, { post, maxBytes: MAX_ANSWER });
    } catch (cause) {
      if (!(cause instanceof HttpError)) throw cause;
      throw new NodeError('node-no-answer', `the node ${name}: ${messageOf(cause)}`, {
        remedy: 'Check that the node runs, and that its RPC server listens there.',
        cause,
      });
    }
    if (answer.status === 401 || answer.status === 403)
      throw new NodeError('node-refused', `the node ${name} refuses the name and password`, {
        remedy:
          'Give them with --node-auth FILE: one line, NAME:PASSWORD, as in .cookie of bitcoind.',
      });
    let read;
    try {
      read = answerSchema.parse(JSON.parse(answer.body.toString('utf8')));
    } catch (cause) {
      const message = `the node ${name} answered ${method} with ${answer.status}, and not in JSON-RPC`;
      throw new NodeError('node-no-answer', message, { cause });
    }
    const { error, result } = read;
    if (error !== null && error !== undefined)
      throw new NodeError('node-refused', `the node ${name} refuses ${method}: ${error.message}`, {
        number: error.code,
      });
    const value = schema.safeParse(result);
    if (value.success) return value.data;
    throw new NodeError('node-no-answer', `the node ${name} answered ${method} in another form`);
  }
  return {
    name,
    height: () => call(heightSchema, 'getblockcount'),
    hashAt: (height) => call(hashSchema, 'getblockhash', height),
    header: (hash) => call(hexSchema, 'getblockheader', hash, false),
    block: (hash) => call(hexSchema, 'getblock', hash, 0),
    send: (transaction) => call(hashSchema, 'sendrawtransaction', toHex(transaction)),
  };
}
