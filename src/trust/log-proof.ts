// SPDX-License-Identifier: Apache-2.0
/**
 * Proofs of what a log of trust says of an image, for who has no network: a file of c2sp.org/tlog-proof for
 * the last entry that matters, which every verifier of such files can check, with the entries before
 * it as extra data. Pure.
 *
 * As with proofs from a chain, what was left out cannot be seen, and whoever checks one has to know a root
 * key of the name. But a log is small enough for a proof that has it whole: then nothing that was
 * revoked until a quorum of witnesses saw the tree can be left out.
 */
import * as z from 'zod';
import { decodeBase64, encodeBase64 } from '../base/base64.ts';
import { badInput } from '../base/errors.ts';
import { fromHex, sameBytes, sha256, toHex } from '../carbonchain/bytes.ts';
import type { HeaderChain } from '../carbonchain/header-chain.ts';
import { readOts } from '../carbonchain/ots.ts';
import { equalHash, hashLeaf, toMerkleHash } from '../merkle/hash.ts';
import { MerkleTree } from '../merkle/tree.ts';
import { foldConsistency, foldInclusion } from '../merkle/proof.ts';
import { parseCheckpoint } from '../statements/checkpoint.ts';
import type { Policy } from '../statements/policy.ts';
import { formatTlogProof, parseTlogProof } from '../statements/tlog-proof.ts';
import { checkCheckpoint } from '../statements/trust.ts';
import { accepted, logOf, type LogView } from './log-client.ts';
import { decodeEntry, LogState } from './log-entry.ts';
import { isSalt, type TrustName } from './names.ts';

const KIND = 'ctga-trust-log-proof';
const MAX_ENTRIES = 2 ** 17;

const bytesSchema = z
  .string()
  .max(2 ** 20)
  .transform((text, context) => {
    const bytes = decodeBase64(text);
    if (bytes !== undefined) return bytes;
    context.addIssue('no base64');
    return z.NEVER;
  });
const hashesSchema = z
  .array(bytesSchema.refine(({ length }) => length === 32).transform(toMerkleHash))
  .max(64);
const extraSchema = z.object({
  kind: z.literal(KIND),
  version: z.literal(1),
  salt: z
    .string()
    .transform((text) => fromHex(text) ?? new Uint8Array())
    .refine(isSalt)
    .optional(),
  /** In the order of the log. The hashes of the last one are the file's own; the whole log needs none. */
  entries: z
    .array(z.object({ index: z.int().min(0), entry: bytesSchema, hashes: hashesSchema }))
    .min(1)
    .max(MAX_ENTRIES),
  /** An earlier tree of the log that is in a chain, and that this one goes on from it. */
  anchor: z
    .object({ checkpoint: bytesSchema, stamp: bytesSchema, consistency: hashesSchema })
    .optional(),
});
type Extra = z.infer<typeof extraSchema>;

/**
 * A proof of all that the log says of a name. Undefined if it says nothing. Throws CtgaError `bad-input` if it would
 * have more entries than are read.
 *
 * @param published the name as it is in the log
 * @param isWhole whether it is to have all entries of the log
 */
export function writeLogProof(
  { entries, tree, note, key, anchor }: LogView,
  published: TrustName,
  salt: Uint8Array | undefined,
  isWhole = false,
): Uint8Array | undefined {
  const state = new LogState(key);
  const matters = entries.flatMap((bytes, index) => {
    const entry = decodeEntry(bytes);
    if (entry === undefined || state.apply(entry) !== undefined) return [];
    const { command } = entry;
    const isOfImage = !('image' in command) || command.image === published.image;
    if (command.user !== published.user || !isOfImage) return [];
    return [{ index, entry: bytes, hashes: tree.inclusionProof(index, tree.size) }];
  });
  if (matters.length === 0) return undefined;
  const count = isWhole ? entries.length : matters.length;
  if (count > MAX_ENTRIES)
    throw badInput(
      `a proof has at most ${MAX_ENTRIES} entries, and this one would have ${count}`,
      isWhole ? 'Leave --whole out.' : undefined,
    );
  const all = isWhole ? entries.map((entry, index) => ({ index, entry, hashes: [] })) : matters;
  const index = (all.at(-1) ?? { index: 0 }).index;
  const extra = {
    kind: KIND,
    version: 1,
    salt: salt && toHex(salt),
    entries: all.map((each) => ({
      index: each.index,
      entry: encodeBase64(each.entry),
      hashes: each.index === index ? [] : each.hashes.map(encodeBase64),
    })),
    anchor: anchor && anchorText(anchor, tree),
  };
  return formatTlogProof({
    extra: Buffer.from(JSON.stringify(extra)),
    index: BigInt(index),
    hashes: tree.inclusionProof(index, tree.size),
    checkpoint: note,
  });
}

function anchorText(
  { note, stamp }: NonNullable<LogView['anchor']>,
  tree: LogView['tree'],
): unknown {
  const size = Number(parseCheckpoint(Buffer.from(note).toString('utf8')).treeSize);
  if (size < 1 || size > tree.size) return undefined;
  const proof = size < tree.size ? tree.consistencyProof(size, tree.size) : [];
  return {
    checkpoint: encodeBase64(note),
    stamp: encodeBase64(stamp),
    consistency: proof.map(encodeBase64),
  };
}

export interface ReadLogProof {
  readonly salt: Uint8Array | undefined;
  readonly state: LogState;
  readonly origin: string;
  readonly treeSize: bigint;
  /** Unix seconds at which a quorum saw the tree; undefined if the policy wants none. */
  readonly seen: number | undefined;
  /** Whether the proof has all entries, so that none can have been left out. */
  readonly isWhole: boolean;
  readonly anchor: ProvenAnchor | undefined;
}

/** A tree of the log, of which a chain has the hash if these are its blocks. */
export interface ProvenAnchor {
  readonly treeSize: bigint;
  readonly blocks: ReturnType<typeof readOts>['blocks'];
}

/**
 * What the entries of a proof leave. Throws CtgaError `bad-input` for what is no proof, and for what it
 * does not prove.
 */
export function readLogProof(bytes: Uint8Array, policy: Policy): ReadLogProof {
  const { key } = logOf(policy);
  try {
    const proof = parseTlogProof(bytes);
    if (proof.extra === undefined) throw new RangeError('it has no extra data');
    const extra = extraSchema.parse(JSON.parse(Buffer.from(proof.extra).toString('utf8')));
    const { checkpoint, seen } = accepted(proof.checkpoint, policy);
    const { treeSize, rootHash, origin } = checkpoint;
    const state = new LogState(key);
    const isWhole = BigInt(extra.entries.length) === treeSize;
    const tree = new MerkleTree();
    let before = -1;
    for (const [i, { index, entry, hashes }] of extra.entries.entries()) {
      const isLast = i === extra.entries.length - 1;
      if (index <= before || BigInt(index) >= treeSize)
        throw new RangeError(`entry ${index} is out of order, or not in a tree of ${treeSize}`);
      before = index;
      if (isLast && BigInt(index) !== proof.index)
        throw new RangeError('its last entry is not the one that the file proves');
      if (isWhole) tree.append(hashLeaf(entry));
      const path = isLast ? proof.hashes : hashes;
      if (isWhole && !isLast) {
        applyTo(state, entry);
        continue;
      }
      const folded = foldInclusion(BigInt(index), treeSize, hashLeaf(entry), path);
      if (folded.kind !== 'folded' || !equalHash(folded.root, rootHash))
        throw new RangeError(`entry ${index} does not lead to the root of the tree`);
      applyTo(state, entry);
    }
    if (isWhole && !equalHash(tree.root(), rootHash))
      throw new RangeError('its entries do not lead to the root of the tree');
    const anchor = extra.anchor && provenAnchor(extra.anchor, { treeSize, rootHash }, policy);
    return { salt: extra.salt, state, origin, treeSize, seen, isWhole, anchor };
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError)
      throw badInput('that is no proof of ctga trust from a log: its extra data is malformed');
    if (error instanceof Error) throw badInput(`the proof does not hold: ${error.message}`);
    throw error;
  }
}

function applyTo(state: LogState, bytes: Uint8Array): void {
  const entry = decodeEntry(bytes);
  if (entry !== undefined) state.apply(entry);
}

/** Throws RangeError or FormatError if it is not of this log, or the tree does not go on from it. */
function provenAnchor(
  { checkpoint: note, stamp, consistency }: NonNullable<Extra['anchor']>,
  tree: { readonly treeSize: bigint; readonly rootHash: Uint8Array },
  policy: Policy,
): ProvenAnchor {
  const { checkpoint, logs } = checkCheckpoint(note, policy);
  if (logs.length === 0) throw new RangeError('the anchored checkpoint is of another log');
  const { treeSize, rootHash } = checkpoint;
  const isSame = treeSize === tree.treeSize;
  const folded =
    isSame || treeSize < 1n || treeSize > tree.treeSize
      ? undefined
      : foldConsistency(treeSize, tree.treeSize, rootHash, consistency);
  const leads =
    folded === undefined
      ? isSame && equalHash(rootHash, tree.rootHash)
      : folded.kind === 'folded' &&
        equalHash(folded.firstRoot, rootHash) &&
        equalHash(folded.secondRoot, tree.rootHash);
  if (!leads) throw new RangeError('its tree does not go on from the anchored one');
  const { digest, blocks } = readOts(stamp);
  if (!sameBytes(digest, sha256(note)))
    throw new RangeError('its stamp is of something else than the anchored checkpoint');
  return { treeSize, blocks };
}

/** The earliest block of the chain that has the anchor, and its median time in Unix seconds. */
export function anchoredIn(
  blocks: ProvenAnchor['blocks'],
  chain: HeaderChain,
): { readonly height: number; readonly time: number } | undefined {
  const found = blocks
    .filter(({ height, root }) => {
      const header = chain.at(height);
      return header !== undefined && sameBytes(header.bytes.subarray(36, 68), root);
    })
    .map(({ height }) => height);
  if (found.length === 0) return undefined;
  const height = Math.min(...found);
  return { height, time: chain.medianTime(height) };
}
