// SPDX-License-Identifier: Apache-2.0
/** A log key of the test's own that signs whatever it is told to, and trees to sign. */
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { Log } from '../../src/logs/log.ts';
import type { LogEntry } from '../../src/scts/sct.ts';
import { hashLeaf, type MerkleHash } from '../../src/merkle/hash.ts';
import { TILE_WIDTH, type TilePlace } from '../../src/merkle/tiles.ts';
import { MerkleTree } from '../../src/merkle/tree.ts';
import { toCtKey, type CtKey } from '../../src/statements/key.ts';
import {
  encodeSignedData,
  type Statement,
  type VerifiedStatement,
} from '../../src/statements/statement.ts';
import { verifyStatement } from '../../src/statements/verify.ts';

/**
 * A log list (schema v3, and the zone, which is ours) with these logs, and these static-ct logs: the
 * name that each is known by, and of its zone, by log.
 */
export function logListOf(
  logs: Readonly<Record<string, SigningLog>>,
  tiled: Readonly<Record<string, SigningLog>> = {},
): string {
  const entries = Object.entries(logs).map(([name, log]) => ({
    ...listEntry(name, log),
    url: `https://log.test/${name}/`,
    dns: `${name}.example`,
  }));
  const tiledEntries = Object.entries(tiled).map(([name, log]) => ({
    ...listEntry(name, log),
    submission_url: `https://log.test/${name}/`,
    monitoring_url: `https://log.test/${name}/`,
  }));
  const operator = { name: 'Test', logs: entries, tiled_logs: tiledEntries };
  return JSON.stringify({ operators: [operator] });
}

function listEntry(name: string, { key }: SigningLog): Record<string, unknown> {
  return {
    description: `The ${name} log`,
    key: Buffer.from(key.spki).toString('base64'),
    log_id: Buffer.from(key.logId).toString('base64'),
    mmd: 86_400,
  };
}

/** As github.com/transparency-dev/formats has it (note.RFC6962VerifierString), apart from src. */
export function vkeyOf({ logId, spki }: Pick<CtKey, 'logId' | 'spki'>, name: string): string {
  const id = createHash('sha256').update(`${name}\n\x05`).update(logId).digest('hex');
  const bytes = Buffer.concat([Uint8Array.of(5), spki]);
  return `${name}+${id.slice(0, 8)}+${bytes.toString('base64')}`;
}

export class SigningLog {
  readonly key: CtKey;
  readonly #privateKey: KeyObject;
  readonly #algorithm: 3 | 1;

  constructor(algorithm: 'ecdsa-p256' | 'rsa' = 'ecdsa-p256') {
    const { privateKey, publicKey } =
      algorithm === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    this.#privateKey = privateKey;
    this.#algorithm = algorithm === 'rsa' ? 1 : 3;
    this.key = toCtKey(publicKey.export({ type: 'spki', format: 'der' }));
  }

  /** Its private key as PKCS #8, in DER, for another program that is to sign as this log. */
  pkcs8(): Buffer {
    return this.#privateKey.export({ type: 'pkcs8', format: 'der' });
  }

  sign(treeSize: bigint | number, rootHash: MerkleHash, timestamp = 1_700_000_000_000n): Statement {
    const head = { treeSize: BigInt(treeSize), timestamp, rootHash };
    return { ...head, signature: this.#digitallySigned(encodeSignedData(head)) };
  }

  /** An SCT for the entry (RFC 6962, Section 3.2), written apart from src/scts. */
  promise(entry: LogEntry, timestamp: bigint, extensions: Uint8Array = new Uint8Array()): Buffer {
    const [at, type] = [Buffer.alloc(8), Buffer.alloc(2)];
    at.writeBigUInt64BE(timestamp);
    type[1] = entry.type === 'precert' ? 1 : 0;
    const bytes = entry.type === 'precert' ? entry.tbsCertificate : entry.certificate;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    const more = Buffer.from([extensions.length >> 8, extensions.length & 255, ...extensions]);
    const keyHash = entry.type === 'precert' ? entry.issuerKeyHash : new Uint8Array();
    const signed = Buffer.concat([
      Uint8Array.of(0, 0),
      at,
      type,
      keyHash,
      length.subarray(1),
      bytes,
      more,
    ]);
    const id = this.key.logId;
    return Buffer.concat([Uint8Array.of(0), id, at, more, this.#digitallySigned(signed)]);
  }

  #digitallySigned(bytes: Uint8Array): Uint8Array {
    const signature = sign('sha256', bytes, this.#privateKey);
    const length = [signature.length >> 8, signature.length & 255];
    return Uint8Array.from([4, this.#algorithm, ...length, ...signature]);
  }

  vkey(name = 'log.test/alpha'): string {
    return vkeyOf(this.key, name);
  }

  /**
   * A checkpoint with this log's line among others, as Sunlight writes it: noise first, with the
   * log's own name.
   */
  checkpoint(
    treeSize: bigint | number,
    rootHash: MerkleHash,
    timestamp = 1_700_000_000_000n,
  ): string {
    const name = 'log.test/alpha';
    const { signature } = this.sign(treeSize, rootHash, timestamp);
    const keyId = createHash('sha256')
      .update(`${name}\n\x05`)
      .update(this.key.logId)
      .digest()
      .subarray(0, 4);
    const at = Buffer.alloc(8);
    at.writeBigUInt64BE(timestamp);
    const line = (...parts: readonly Uint8Array[]): string =>
      `— ${name} ${Buffer.concat(parts).toString('base64')}\n`;
    const text = `${name}\n${treeSize}\n${Buffer.from(rootHash).toString('base64')}\n`;
    return `${text}\n${line(Buffer.from('grease, not a key'))}${line(keyId, at, signature)}`;
  }

  verified(treeSize: bigint | number, rootHash: MerkleHash, timestamp?: bigint): VerifiedStatement {
    const head = verifyStatement(this.sign(treeSize, rootHash, timestamp), this.key);
    if (head === undefined) throw new Error('the test log does not verify its own signature');
    return head;
  }

  asLog(overrides: Partial<Log> = {}): Log {
    return {
      key: this.key,
      description: "Test 'Alpha' log",
      url: 'https://log.test/alpha/',
      api: 'rfc6962',
      mmd: 86_400,
      ...overrides,
    };
  }
}

/** CtExtensions as static-ct logs have them: leaf_index(0), five octets, and the index. */
export function indexExtension(index: number | bigint): Buffer {
  const bytes = Buffer.from([0, 0, 5, 0, 0, 0, 0, 0]);
  bytes.writeUIntBE(Number(index), 3, 5);
  return bytes;
}

/** A tree that knows its entries, as a log does. */
export class LogTree extends MerkleTree {
  readonly #entryAt: (index: number) => Uint8Array;
  readonly #indexes = new Map<string, number>();

  /** The leaves are those of `entryAt(0)` to `entryAt(size - 1)`. */
  constructor(size: number, entryAt: (index: number) => Uint8Array) {
    super();
    this.#entryAt = entryAt;
    for (let i = 0; i < size; i++) this.append(hashLeaf(entryAt(i)));
  }

  entry(index: number): Uint8Array {
    return this.#entryAt(index);
  }

  /** The index of the leaf with this hash in base64. */
  indexOf(leafHash: string): number | undefined {
    for (let i = this.#indexes.size; i < this.size; i++)
      this.#indexes.set(Buffer.from(this.leafHash(i)).toString('base64'), i);
    return this.#indexes.get(leafHash);
  }
}

/**
 * A tree of `size` leaves; trees with the same first `shared` leaves differ after them by `branch`.
 */
export function treeOf(size: number, branch = 'a', shared = 0): LogTree {
  return new LogTree(size, (i) => Buffer.from(`${i < shared ? 'shared' : branch} ${i}`));
}

/** A tile as a static-ct log serves it. */
export function readTile(tree: MerkleTree, { level, index, width }: TilePlace): Uint8Array {
  const first = Number(index) * TILE_WIDTH;
  return Buffer.concat(Array.from({ length: width }, (_, i) => tree.node(level * 8, first + i)));
}
