// SPDX-License-Identifier: Apache-2.0
/**
 * Proofs of what the chain says of an image, for who has no network: the headers, the commands that
 * count, and for each of their transactions that a block has it. Pure.
 *
 * A proof shows that these commands are in the chain. That no later one takes them back, it cannot
 * show: whoever makes a proof may leave it out. So a proof is as of its last block, whose time has
 * to be told. Nor can it show that nobody else had the name before, so whoever checks it has to know
 * one of its root keys: what that key signed, and who it handed over to, nobody can make up.
 */
import * as z from 'zod';
import { badInput } from '../base/errors.ts';
import { fromHex, toHex } from '../carbonchain/bytes.ts';
import { packetsIn, type Start } from '../carbonchain/follow.ts';
import { HeaderChain } from '../carbonchain/header-chain.ts';
import { NETWORKS, parseHeader, PERIOD, type NetworkName } from '../carbonchain/header.ts';
import { checkInclusion, type Inclusion } from '../carbonchain/merkle.ts';
import type { PlacedPacket } from '../carbonchain/reader.ts';
import { HEADER_LENGTH } from '../carbonchain/transaction.ts';
import { Ledger } from '../ddt/ledger.ts';
import { type SignedMetadata, type Status } from '../ddt/version1.ts';
import { isSalt, publishedName, type TrustName } from './names.ts';

const KIND = 'ctga-trust-proof';

const hexSchema = z
  .string()
  .max(2 ** 23)
  .transform((text, context) => {
    const bytes = fromHex(text);
    if (bytes !== undefined) return bytes;
    context.addIssue('no hexadecimal digits');
    return z.NEVER;
  });
const nodesSchema = z.array(hexSchema).max(32);
const proofSchema = z.object({
  kind: z.literal(KIND),
  version: z.literal(1),
  network: z.enum(Object.keys(NETWORKS) as [NetworkName, ...NetworkName[]]),
  /** Of the name that is proven, if it is hidden. */
  salt: hexSchema.refine(isSalt).optional(),
  /** The height of the first header. */
  start: z.int().min(0),
  /** All headers in base64, one behind the other. */
  headers: z.base64(),
  transactions: z
    .array(
      z.object({
        height: z.int().min(0),
        index: z.int().min(0),
        transaction: hexSchema,
        branch: nodesSchema,
        coinbase: hexSchema,
        coinbaseBranch: nodesSchema,
      }),
    )
    .max(10_000),
});
export type Proof = z.infer<typeof proofSchema>;

export interface Proven extends Inclusion {
  readonly height: number;
}

export function writeProof(
  network: NetworkName,
  {
    start,
    headers,
    transactions,
    salt,
  }: {
    readonly start: number;
    readonly headers: readonly Uint8Array[];
    readonly transactions: readonly Proven[];
    readonly salt: Uint8Array | undefined;
  },
): string {
  const nodes = (list: readonly Uint8Array[]): string[] => list.map(toHex);
  const proof = {
    kind: KIND,
    version: 1,
    network,
    salt: salt && toHex(salt),
    start,
    headers: Buffer.concat(headers).toString('base64'),
    transactions: transactions.map(
      ({ height, index, transaction, branch, coinbase, coinbaseBranch }) => ({
        height,
        index,
        transaction: toHex(transaction),
        branch: nodes(branch),
        coinbase: toHex(coinbase),
        coinbaseBranch: nodes(coinbaseBranch),
      }),
    ),
  };
  return `${JSON.stringify(proof, undefined, 1)}\n`;
}

/** Throws CtgaError `bad-input` if the text is no proof. */
export function readProof(text: string): Proof {
  try {
    return proofSchema.parse(JSON.parse(text));
  } catch {
    throw badInput('that is no proof of ctga trust');
  }
}

/**
 * The chain of these headers, one behind the other. `trusted` is the block that they have to begin with if not
 * with the network's first; `now` is in Unix seconds. Throws CtgaError `bad-input` if they are no such
 * chain, or made up.
 */
export function chainOfHeaders(
  bytes: Uint8Array,
  name: NetworkName,
  trusted: Start | undefined,
  now: number,
  what = 'the headers',
): HeaderChain {
  const network = NETWORKS[name];
  const headers = Array.from({ length: Math.floor(bytes.length / HEADER_LENGTH) }, (_, i) =>
    bytes.subarray(i * HEADER_LENGTH, (i + 1) * HEADER_LENGTH),
  );
  const [first, ...rest] = headers;
  const { height, hash } = trusted ?? { height: 0, hash: network.genesis.hash };
  if (first === undefined || parseHeader(first).hash !== hash)
    throw badInput(
      `${what} do not begin with block ${height}, ${hash}`,
      'Name the block that you trust with --since HEIGHT:HASH.',
    );
  if (height % PERIOD !== 0 && !network.isFixed)
    throw badInput(`the height of the block that is trusted has to be one that ${PERIOD} divides`);
  const chain = new HeaderChain(network, { header: first, height });
  const offered = chain.extend(rest, now);
  if (offered.is === 'invalid') throw badInput(`block ${offered.height} of ${what} ${offered.why}`);
  // A later block that is trusted stands for the work before it.
  if (chain.start === 0 && chain.work < network.leastWork)
    throw badInput(`${what} have less work than ${network.name} has: they are made up`);
  return chain;
}

/**
 * The state that the proof's commands lead to; `trusted` and `now` are those of chainOfHeaders. Throws
 * CtgaError `bad-input` for what the proof does not prove.
 */
export function ledgerOf(proof: Proof, trusted: Start | undefined, now: number): Ledger {
  const network = NETWORKS[proof.network];
  const height = trusted?.height ?? 0;
  if (proof.start !== height)
    throw badInput(`the proof's headers do not begin with block ${height}`);
  const headers = Buffer.from(proof.headers, 'base64');
  const chain = chainOfHeaders(headers, proof.network, trusted, now);
  const blocks = new Map<number, PlacedPacket[]>();
  const seen = new Set<string>();
  for (const each of proof.transactions) {
    const header = chain.at(each.height);
    if (header === undefined) throw badInput(`the proof has no header of block ${each.height}`);
    const transaction = checkInclusion(header.bytes, each);
    if (typeof transaction === 'string')
      throw badInput(
        `the proof of a transaction in block ${each.height} does not hold: ${transaction}`,
      );
    const id = toHex(transaction.id);
    if (seen.has(id)) continue;
    seen.add(id);
    const packets = blocks.get(each.height) ?? [];
    packets.push(...packetsIn(transaction, each.index));
    blocks.set(each.height, packets);
  }
  const ledger = new Ledger(network.genesis.hash);
  ledger.begin(chain);
  for (let at = height; at <= chain.height; at++) {
    const packets = blocks.get(at) ?? [];
    ledger.connect(
      at,
      chain.medianTime(at),
      packets.sort((a, b) => a.place - b.place),
    );
  }
  return ledger;
}

export type TrustVerdict =
  | { readonly trusted: true; readonly metadata: SignedMetadata }
  /** Why not, as a sentence. */
  | { readonly trusted: false; readonly why: string };

const WHY: Readonly<Record<Exclude<Status, 'SIGNATURE_VALID'>, string>> = {
  ROOT_KEY_MISSING: 'The root key was deleted, and with it all that it stood for.',
  KEY_MISSING: 'The tagging key that signed it was revoked.',
  EXPIRED: 'The signature has expired.',
};

export interface Question {
  readonly name: TrustName;
  /** If the name is published hidden. */
  readonly salt: Uint8Array | undefined;
  readonly digest: string;
  /** Unix seconds. */
  readonly now: number;
  /** One that the name has, or had before it was replaced; undefined for whoever has the name. */
  readonly rootKey: Uint8Array | undefined;
  /** Whether no command can have been left out of what the verdict is given on. */
  readonly isWhole: boolean;
}

/** Whether an image with this digest is signed under this name. */
export function judge(
  { state, time }: Pick<Ledger, 'state' | 'time'>,
  { name, salt, digest, now, rootKey, isWhole }: Question,
): TrustVerdict {
  const { user: owner, image, tag } = publishedName(name, salt);
  const untrusted = (why: string): TrustVerdict => ({ trusted: false, why });
  const user = state.users.get(owner);
  if (user === undefined) return untrusted(`Nobody has registered the name ${owner}.`);
  const known = rootKey === undefined ? 0 : state.placeOfRootKey(owner, rootKey);
  if (rootKey !== undefined && known < 0)
    return untrusted(`The name ${owner} never had the root key ${toHex(rootKey)}.`);
  const metadata = state.metadataOf(owner, image, tag);
  if (metadata === undefined) return untrusted('Nothing is signed under this name.');
  const status = state.statusOf(owner, metadata, Math.max(time, now));
  if (status !== 'SIGNATURE_VALID') return untrusted(WHY[status]);
  if (!isWhole && state.isOfReplacedKey(owner, image, metadata.keyId, known))
    return untrusted(
      'A root key that had been replaced registered the tagging key, or it has to be registered anew: by the root key that there is now.',
    );
  if (metadata.digests.includes(digest)) return { trusted: true, metadata };
  return untrusted(`Signed is ${metadata.digests.join(', ')}, and this is ${digest}.`);
}
