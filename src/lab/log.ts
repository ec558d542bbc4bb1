// SPDX-License-Identifier: Apache-2.0
/**
 * A Certificate Transparency log (RFC 6962, Section 3) in memory that can show two trees.
 *
 * It holds a real Merkle tree over well-formed entries and signs its tree heads with ECDSA P-256.
 * When it equivocates, it keeps a second tree for one victim, signed by the same key: the split
 * view that ctga must catch. Each of the two trees is append-only, but no history connects them.
 */
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';
import { encodeBase64 } from '../base/base64.ts';
import { hashLeaf, type MerkleHash } from '../merkle/hash.ts';
import { TILE_WIDTH, type TilePlace } from '../merkle/tiles.ts';
import { MerkleTree } from '../merkle/tree.ts';
import type { LogEntry } from '../scts/sct.ts';
import { treeHeadToJson } from '../statements/json.ts';
import { toCtKey, type CtKey } from '../statements/key.ts';
import { formatTreeHeadText } from '../statements/text.ts';
import { encodeSignedData, type Statement } from '../statements/statement.ts';

/** Who sees a tree: everyone who asks the API, or the victim, who gets it in DNS answers. */
export type Audience = 'public' | 'victim';

/** One side of the log: a tree, its entries and the tree head that it signed last. */
export interface LogTree {
  readonly size: number;
  /** Signed when the tree last grew; it stays the same until the tree grows again. */
  readonly signedTreeHead: Statement;
  root(treeSize: number): MerkleHash;
  consistencyProof(first: number, second: number): MerkleHash[];
  inclusionProof(leafIndex: number, treeSize: number): MerkleHash[];
  /** The MerkleTreeLeaf structures of [start, end). */
  entries(start: number, end: number): readonly Uint8Array[];
  /** The index of the entry with this leaf hash. */
  indexOf(leafHash: Uint8Array): number | undefined;
  /** The hashes in a tile (c2sp.org/tlog-tiles); undefined if the tree has not so many. */
  tile(place: TilePlace): Uint8Array | undefined;
}

export interface LabLogOptions {
  /** ECDSA P-256; a new one by default. */
  readonly privateKey?: KeyObject;
  /** In ms since the epoch. */
  readonly now?: () => number;
}

export class LabLog {
  readonly key: CtKey;
  readonly #privateKey: KeyObject;
  readonly #now: () => number;
  readonly #publicTree: GrowingTree;
  #victimTree: GrowingTree | undefined;
  #lastTimestamp = 0;

  constructor(options: LabLogOptions = {}) {
    this.#privateKey =
      options.privateKey ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    this.key = toCtKey(createPublicKey(this.#privateKey).export({ type: 'spki', format: 'der' }));
    if (this.key.algorithm !== 'ecdsa-p256')
      throw new RangeError(`the lab's log signs with ECDSA P-256 only`);
    this.#now = options.now ?? Date.now;
    this.#publicTree = new GrowingTree((tree) => this.#sign(tree));
  }

  get equivocating(): boolean {
    return this.#victimTree !== undefined;
  }

  /** As long as the log is honest there is one tree, and the victim sees what everyone sees. */
  tree(audience: Audience = 'public'): LogTree {
    return this.#growing(audience);
  }

  /** Appends `count` new entries to one tree and signs its new head. */
  grow(count: number, audience: Audience = 'public'): Statement {
    if (!Number.isSafeInteger(count) || count < 1)
      throw new RangeError(`cannot grow by ${count} entries`);
    const tree = this.#growing(audience);
    tree.append(Array.from({ length: count }, (_, i) => this.#newEntry(tree.size + i)));
    return tree.signedTreeHead;
  }

  /**
   * Appends a precertificate to one tree and signs its new head. Returns the SCT, serialized
   * (RFC 6962, Section 3.2), with the leaf's index in it as c2sp.org/static-ct-api has it.
   */
  promise(
    { issuerKeyHash, tbsCertificate }: Omit<Extract<LogEntry, { type: 'precert' }>, 'type'>,
    audience: Audience = 'public',
  ): Uint8Array {
    const tree = this.#growing(audience);
    const head = Buffer.alloc(10);
    head.writeBigUInt64BE(BigInt(this.#now()));
    head.writeUInt16BE(1, 8); // precert_entry
    const length = Buffer.alloc(3);
    length.writeUIntBE(tbsCertificate.length, 0, 3);
    // Extension leaf_index(0), of five octets, in extensions of eight.
    const extensions = Buffer.from([0, 8, 0, 0, 5, 0, 0, 0, 0, 0]);
    extensions.writeUIntBE(tree.size, 5, 5);
    const entry = Buffer.concat([head, issuerKeyHash, length, tbsCertificate, extensions]);
    tree.append([Buffer.concat([Uint8Array.of(0, 0), entry])]);
    // version = 0, signature_type = certificate_timestamp
    const signature = this.#digitallySigned(Buffer.concat([Uint8Array.of(0, 0), entry]));
    const timestamp = head.subarray(0, 8);
    return Buffer.concat([Uint8Array.of(0), this.key.logId, timestamp, extensions, signature]);
  }

  /**
   * Shows the victim another tree from now on: the first `fromSize` entries of the public tree and
   * then other entries, `treeSize` in all. Requires fromSize < treeSize; the trees must differ.
   */
  equivocate(fromSize: number, treeSize: number): Statement {
    if (!Number.isSafeInteger(fromSize) || fromSize < 0 || fromSize > this.#publicTree.size) {
      throw new RangeError(
        `cannot fork at ${fromSize}: the public tree has ${this.#publicTree.size} entries`,
      );
    }
    if (!Number.isSafeInteger(treeSize) || treeSize <= fromSize) {
      throw new RangeError(
        `a tree of ${treeSize} entries forked at ${fromSize} has no entry of its own`,
      );
    }
    const fork = new GrowingTree((tree) => this.#sign(tree));
    const others = Array.from({ length: treeSize - fromSize }, (_, i) =>
      this.#newEntry(fromSize + i),
    );
    fork.append([...this.#publicTree.entries(0, fromSize), ...others]);
    this.#victimTree = fork;
    return fork.signedTreeHead;
  }

  /** Shows the victim the public tree again. */
  stopEquivocating(): void {
    this.#victimTree = undefined;
  }

  /** The tree head as get-sth returns it (RFC 6962, Section 4.3). */
  treeHeadJson(audience: Audience = 'public'): Record<string, number | string> {
    return treeHeadToJson(this.tree(audience).signedTreeHead);
  }

  /** The public tree head as a checkpoint (c2sp.org/static-ct-api); `origin` names the log. */
  checkpoint(origin: string): string {
    const { treeSize, timestamp, rootHash, signature } = this.#publicTree.signedTreeHead;
    const at = Buffer.alloc(8);
    at.writeBigUInt64BE(timestamp);
    const keyId = createHash('sha256')
      .update(`${origin}\n\x05`)
      .update(this.key.logId)
      .digest()
      .subarray(0, 4);
    const signed = encodeBase64(Buffer.concat([keyId, at, signature]));
    return `${origin}\n${treeSize}\n${encodeBase64(rootHash)}\n\n\u2014 ${origin} ${signed}\n`;
  }

  /** The tree head as CT-over-DNS returns it. */
  treeHeadText(audience: Audience = 'public'): string {
    return formatTreeHeadText(this.tree(audience).signedTreeHead);
  }

  #growing(audience: Audience): GrowingTree {
    return audience === 'victim' ? (this.#victimTree ?? this.#publicTree) : this.#publicTree;
  }

  /**
   * MerkleTreeLeaf with a TimestampedEntry for an x509_entry (RFC 6962, Section 3.4):
   * version(1) = 0, leaf_type(1) = 0, timestamp(8), entry_type(2) = 0, certificate<1..2^24-1>,
   * extensions<0..2^16-1>.
   */
  #newEntry(index: number): Uint8Array {
    const certificate = certificateStandIn(index);
    const leaf = Buffer.alloc(15 + certificate.length + 2);
    leaf.writeBigUInt64BE(BigInt(this.#now()), 2);
    leaf.writeUIntBE(certificate.length, 12, 3);
    leaf.set(certificate, 15);
    return new Uint8Array(leaf);
  }

  #sign(tree: MerkleTree): Statement {
    // A later tree head must not look older, even if the clock did not advance.
    this.#lastTimestamp = Math.max(this.#now(), this.#lastTimestamp + 1);
    const head = {
      treeSize: BigInt(tree.size),
      timestamp: BigInt(this.#lastTimestamp),
      rootHash: tree.root(),
    };
    return { ...head, signature: this.#digitallySigned(encodeSignedData(head)) };
  }

  /** DigitallySigned (RFC 5246, Section 4.7): sha256(4), ecdsa(3), length(2), signature. */
  #digitallySigned(bytes: Uint8Array): Uint8Array {
    const der = sign('sha256', bytes, this.#privateKey);
    return Uint8Array.from([4, 3, der.length >> 8, der.length & 0xff, ...der]);
  }
}

class GrowingTree implements LogTree {
  readonly #tree = new MerkleTree();
  readonly #entries: Uint8Array[] = [];
  readonly #indexes = new Map<string, number>();
  readonly #sign: (tree: MerkleTree) => Statement;
  #signedTreeHead: Statement;

  constructor(sign: (tree: MerkleTree) => Statement) {
    this.#sign = sign;
    this.#signedTreeHead = sign(this.#tree);
  }

  get size(): number {
    return this.#tree.size;
  }

  get signedTreeHead(): Statement {
    return this.#signedTreeHead;
  }

  append(entries: readonly Uint8Array[]): void {
    for (const entry of entries) {
      const leafHash = hashLeaf(entry);
      this.#indexes.set(hex(leafHash), this.#tree.append(leafHash));
      this.#entries.push(entry);
    }
    this.#signedTreeHead = this.#sign(this.#tree);
  }

  root(treeSize: number): MerkleHash {
    return this.#tree.root(treeSize);
  }

  consistencyProof(first: number, second: number): MerkleHash[] {
    return this.#tree.consistencyProof(first, second);
  }

  inclusionProof(leafIndex: number, treeSize: number): MerkleHash[] {
    return this.#tree.inclusionProof(leafIndex, treeSize);
  }

  entries(start: number, end: number): readonly Uint8Array[] {
    return this.#entries.slice(start, end);
  }

  indexOf(leafHash: Uint8Array): number | undefined {
    return this.#indexes.get(hex(leafHash));
  }

  tile({ level, index, width }: TilePlace): Uint8Array | undefined {
    const height = level * 8;
    const first = Number(index) * TILE_WIDTH;
    if ((first + width) * 2 ** height > this.size) return undefined;
    return Buffer.concat(
      Array.from({ length: width }, (_, i) => this.#tree.node(height, first + i)),
    );
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/**
 * DER in place of a certificate: SEQUENCE { serialNumber INTEGER, nonce OCTET STRING }. Tree heads
 * do not depend on what certificates contain; the nonce makes two trees differ from the first entry
 * on.
 */
function certificateStandIn(serialNumber: number): Uint8Array {
  const serial = Buffer.alloc(9); // a leading zero octet keeps the INTEGER positive
  serial.writeBigUInt64BE(BigInt(serialNumber), 1);
  // DER requires the shortest form (X.690, Section 8.3.2): a leading zero octet only if the top bit
  // of the next one is set.
  let start = 0;
  while (start < 8 && serial[start] === 0 && (serial[start + 1] ?? 0) < 0x80) start++;
  const nonce = randomBytes(16);
  return derValue(
    0x30,
    Buffer.concat([derValue(0x02, serial.subarray(start)), derValue(0x04, nonce)]),
  );
}

/** Encodes tag, length and value, for values of fewer than 128 bytes. */
function derValue(tag: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(tag, value.length), value]);
}
