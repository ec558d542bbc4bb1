// SPDX-License-Identifier: Apache-2.0
/** A log of checkpoints with a key of the test's own, which signs whatever it is told to. */
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { ml_dsa44 } from '@noble/post-quantum/ml-dsa.js';
import type { Log } from '../../src/logs/log.ts';
import type { MerkleHash } from '../../src/merkle/hash.ts';
import { verifyClaim } from '../../src/statements/claim.ts';
import { toCheckpointKey, type CheckpointKey } from '../../src/statements/key.ts';
import type { VerifiedStatement } from '../../src/statements/statement.ts';

export interface CheckpointLogOptions {
  readonly algorithm?: 'ed25519' | 'ml-dsa-44';
  readonly name?: string;
  /** By default the key's name. */
  readonly origin?: string;
  /** A log whose key this one shares. */
  readonly sharing?: CheckpointLog;
}

export interface SignedText {
  /** Lines behind the root hash, each with its newline. */
  readonly extension?: string;
  /** Of ML-DSA-44, in seconds. */
  readonly time?: bigint;
}

type Signer =
  | { readonly algorithm: 'ed25519'; readonly publicKey: Uint8Array; readonly key: KeyObject }
  | { readonly algorithm: 'ml-dsa-44'; readonly publicKey: Uint8Array; readonly key: Uint8Array };

export class CheckpointLog {
  readonly name: string;
  readonly origin: string;
  readonly vkey: string;
  readonly key: CheckpointKey;
  readonly #signer: Signer;
  readonly #keyId: Buffer;

  constructor({
    algorithm = 'ed25519',
    name = 'log.test/beta',
    origin = name,
    sharing,
  }: CheckpointLogOptions = {}) {
    this.name = name;
    this.origin = origin;
    this.#signer = sharing === undefined ? newSigner(algorithm) : sharing.#signer;
    const type = this.#signer.algorithm === 'ed25519' ? 1 : 6;
    const bytes = Buffer.from([type, ...this.#signer.publicKey]);
    this.#keyId = createHash('sha256').update(`${name}\n`).update(bytes).digest().subarray(0, 4);
    this.vkey = `${name}+${this.#keyId.toString('hex')}+${bytes.toString('base64')}`;
    this.key = toCheckpointKey(this.vkey, origin);
  }

  /** A checkpoint with this log's line alone. */
  checkpoint(treeSize: bigint | number, rootHash: MerkleHash, signed: SignedText = {}): string {
    const { extension = '' } = signed;
    const text = `${this.origin}\n${treeSize}\n${Buffer.from(rootHash).toString('base64')}\n${extension}`;
    return `${text}\n${this.line(text, BigInt(treeSize), rootHash, signed.time)}`;
  }

  /** The log's signature line over a text with this tree. */
  line(text: string, treeSize: bigint, rootHash: MerkleHash, time = 1_700_000_000n): string {
    const signature = Buffer.concat([this.#keyId, this.#sign(text, treeSize, rootHash, time)]);
    return `\u2014 ${this.name} ${signature.toString('base64')}\n`;
  }

  /** c2sp.org/tlog-cosignature, "ML-DSA-44 signed message", written apart from src/statements. */
  #sign(text: string, treeSize: bigint, rootHash: MerkleHash, time: bigint): Buffer {
    const signer = this.#signer;
    if (signer.algorithm === 'ed25519') return sign(null, Buffer.from(text), signer.key);
    const [at, end] = [Buffer.alloc(8), Buffer.alloc(16)];
    at.writeBigUInt64BE(time);
    end.writeBigUInt64BE(treeSize, 8);
    const sized = (name: string): Buffer =>
      Buffer.concat([Buffer.from([Buffer.byteLength(name)]), Buffer.from(name)]);
    const message = Buffer.concat([
      Buffer.from('subtree/v1\n\0'),
      sized(this.name),
      at,
      sized(this.origin),
      end,
      rootHash,
    ]);
    return Buffer.concat([at, ml_dsa44.sign(message, signer.key)]);
  }

  verified(
    treeSize: bigint | number,
    rootHash: MerkleHash,
    signed: SignedText = {},
  ): VerifiedStatement {
    const note = this.checkpoint(treeSize, rootHash, signed);
    const claim = { log: this.asLog(), bytes: Buffer.from(note), form: 'checkpoint' } as const;
    const verified = verifyClaim(claim);
    if (verified.kind === 'refused') throw new Error(`the test log is refused: ${verified.reason}`);
    return verified.statement;
  }

  asLog(overrides: Partial<Log> = {}): Log {
    return {
      key: this.key,
      description: "Test 'Beta' log",
      url: 'https://log.test/beta/',
      api: 'static-ct',
      mmd: 86_400,
      ...overrides,
    };
  }
}

function newSigner(algorithm: Signer['algorithm']): Signer {
  if (algorithm === 'ml-dsa-44') {
    const { publicKey, secretKey } = ml_dsa44.keygen();
    return { algorithm, publicKey, key: secretKey };
  }
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return { algorithm, publicKey: Uint8Array.from(spki.subarray(-32)), key: privateKey };
}
