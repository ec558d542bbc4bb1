// SPDX-License-Identifier: Apache-2.0
/**
 * Asking a log by CT-over-DNS (draft-ct-over-dns-01), whose answers have a proof in parts. Whoever
 * serves the zone need not be the log: for this interface it is.
 */
import { parseUint64 } from '../base/u64.ts';
import { DnsError } from '../dns/client.ts';
import { toMerkleHash, type MerkleHash } from '../merkle/hash.ts';
import { consistencyProofLength, inclusionProofLength } from '../merkle/proof.ts';
import { noteOfStrings } from '../sources/checkpoints/text.ts';
import { formatCtQuestion, type CtQuestion } from '../sources/ct-over-dns/question.ts';
import { withOthers } from '../statements/checkpoint.ts';
import { parseClaim } from '../statements/claim.ts';
import { isCheckpointKey, type CheckpointKey, type LogKey } from '../statements/key.ts';
import type { Statement } from '../statements/statement.ts';
import { parseTreeHeadText } from '../statements/text.ts';
import { LogError, type Asker, type LeafProof, type LeafQuestion } from './asker.ts';

/**
 * Looks up the one TXT record of a name: its character-strings. Rejects with DnsError. DnsClient's
 * `txt` is one.
 */
export type TxtLookup = (name: string) => Promise<readonly Uint8Array[]>;

const HASH_BYTES = 32;

export class CtOverDnsAsker implements Asker {
  readonly #zone: string;
  readonly #key: LogKey;
  readonly #lookup: TxtLookup;

  /** `zone` is that of the log of `key`, as text, such as rome.ct.example.org. */
  constructor(zone: string, key: LogKey, lookup: TxtLookup) {
    this.#zone = zone;
    this.#key = key;
    this.#lookup = lookup;
  }

  async treeHead(): Promise<Statement> {
    if (isCheckpointKey(this.#key)) return this.#checkpoint(this.#key);
    const answer = parseTreeHeadText(await this.#text({ kind: 'tree head' }));
    if (answer.kind === 'refused')
      throw new LogError(
        'log-unavailable',
        `sth.${this.#zone} carries no tree head: ${answer.reason}`,
      );
    return answer.head;
  }

  /** docs/DNS.md, "Checkpoints". */
  async #checkpoint(key: CheckpointKey): Promise<Statement> {
    const note = noteOfStrings(await this.#ask({ kind: 'checkpoint' }));
    const parsed = parseClaim({ log: { key }, bytes: note, form: 'checkpoint' });
    if (parsed.kind === 'refused')
      throw new LogError(
        'log-unavailable',
        `checkpoint.${this.#zone} carries no checkpoint: ${parsed.reason}`,
      );
    return withOthers(parsed.statement, note, key);
  }

  async consistencyProof(first: bigint, second: bigint): Promise<MerkleHash[]> {
    const length = consistencyProofLength(first, second);
    return this.#proof(length, (start) => ({ kind: 'consistency', start, first, second }));
  }

  async inclusionProof({ leafIndex }: LeafQuestion, treeSize: bigint): Promise<MerkleHash[]> {
    const length = inclusionProofLength(leafIndex, treeSize);
    return this.#proof(length, (start) => ({ kind: 'inclusion', start, leafIndex, treeSize }));
  }

  /** The zone says where the leaf is in its current tree, which may be larger than treeSize. */
  async leafProof(leafHash: MerkleHash, treeSize: bigint): Promise<LeafProof> {
    const text = await this.#text({ kind: 'leaf index', leafHash });
    const leafIndex = parseUint64(text);
    if (leafIndex === undefined)
      throw new LogError('log-unavailable', `the index of the leaf is ${JSON.stringify(text)}`);
    if (leafIndex >= treeSize)
      throw new LogError(
        'log-unavailable',
        `the leaf is said to be at index ${leafIndex}, beyond the tree's ${treeSize} entries`,
      );
    return { leafIndex, path: await this.inclusionProof({ leafHash, leafIndex }, treeSize) };
  }

  /** CT-over-DNS finds the index of a leaf hash, and has no question for the reverse. */
  leafHashes(): Promise<never> {
    return Promise.reject(
      new LogError('log-refused', 'a zone of CT-over-DNS cannot be asked for leaf hashes'),
    );
  }

  /** Asks for hashes from the first one that is missing on, until there are `length` at least. */
  async #proof(length: number, question: (start: number) => CtQuestion): Promise<MerkleHash[]> {
    const hashes: MerkleHash[] = [];
    while (hashes.length < length) {
      const bytes = Buffer.concat(await this.#ask(question(hashes.length)));
      if (bytes.length === 0 || bytes.length % HASH_BYTES !== 0)
        throw new LogError(
          'log-unavailable',
          `${bytes.length} bytes of proof, want hashes of ${HASH_BYTES}`,
        );
      for (let at = 0; at < bytes.length; at += HASH_BYTES)
        hashes.push(toMerkleHash(bytes.subarray(at, at + HASH_BYTES)));
    }
    return hashes;
  }

  async #text(question: CtQuestion): Promise<string> {
    return Buffer.concat(await this.#ask(question)).toString('latin1');
  }

  async #ask(question: CtQuestion): Promise<readonly Uint8Array[]> {
    try {
      return await this.#lookup(`${formatCtQuestion(question)}.${this.#zone}`);
    } catch (error) {
      if (!(error instanceof DnsError)) throw error;
      const { code, message, remedy } = error;
      if (
        code === 'dns-no-record' &&
        (question.kind === 'consistency' || question.kind === 'inclusion')
      )
        throw new LogError('log-refused', `${message}: the zone gives no proof about this tree`, {
          remedy: `A server of ctga's gives proofs only of the trees that it has published itself.`,
          cause: error,
        });
      throw new LogError('log-unavailable', message, { remedy, cause: error });
    }
  }
}
