/** Asking a log that has the API of RFC 6962, Section 4. */
import { z } from 'zod';
import { encodeBase64 } from '../base/base64.ts';
import { describeIssue } from '../base/documents.ts';
import type { Fetch } from '../http/request.ts';
import type { MerkleHash } from '../merkle/hash.ts';
import { consistencyProofLength, inclusionProofLength, MAX_PROOF_LENGTH } from '../merkle/proof.ts';
import { hashBytes, treeHeadSchema } from '../statements/json.ts';
import type { Statement } from '../statements/statement.ts';
import { LogError, type Asker, type LeafProof, type LeafQuestion } from './asker.ts';
import { LogHttp, quoted } from './log-http.ts';

/** Go writes an empty list as null where its slice is nil. */
const proofHashes = z
  .array(hashBytes)
  .max(MAX_PROOF_LENGTH)
  .nullable()
  .transform((hashes) => hashes ?? []);
const consistencySchema = z.object({ consistency: proofHashes });
const pathSchema = z.object({ audit_path: proofHashes });
const inclusionSchema = pathSchema.extend({ leaf_index: z.number().int().nonnegative() });

export class Rfc6962Asker implements Asker {
  readonly #http: LogHttp;

  /** `url` is the submission prefix and ends in '/', as that of every Log does. */
  constructor(url: string, fetch: Fetch, now: () => number = Date.now) {
    this.#http = new LogHttp(url, fetch, now);
  }

  /** get-sth, Section 4.3. */
  treeHead(): Promise<Statement> {
    return this.#get('get-sth', {}, treeHeadSchema);
  }

  /** get-sth-consistency, Section 4.4. */
  async consistencyProof(first: bigint, second: bigint): Promise<MerkleHash[]> {
    consistencyProofLength(first, second); // throws where there is no such proof
    const query = { first: first.toString(), second: second.toString() };
    return (await this.#get('get-sth-consistency', query, consistencySchema)).consistency;
  }

  /**
   * get-proof-by-hash, Section 4.5, or get-entry-and-proof, Section 4.8, where the hash is not
   * known.
   */
  async inclusionProof(
    { leafHash, leafIndex }: LeafQuestion,
    treeSize: bigint,
  ): Promise<MerkleHash[]> {
    inclusionProofLength(leafIndex, treeSize); // throws where there is no such proof
    if (leafHash !== undefined) return [...(await this.leafProof(leafHash, treeSize)).path];
    const query = { leaf_index: leafIndex.toString(), tree_size: treeSize.toString() };
    return (await this.#get('get-entry-and-proof', query, pathSchema)).audit_path;
  }

  /** get-proof-by-hash, Section 4.5. */
  async leafProof(leafHash: MerkleHash, treeSize: bigint): Promise<LeafProof> {
    const endpoint = 'get-proof-by-hash';
    const query = { hash: encodeBase64(leafHash), tree_size: treeSize.toString() };
    const answer = await this.#get(endpoint, query, inclusionSchema);
    const leafIndex = BigInt(answer.leaf_index);
    if (leafIndex >= treeSize)
      throw new LogError(
        'log-unavailable',
        `${endpoint}: leaf ${leafIndex} is not in a tree of size ${treeSize}`,
      );
    return { leafIndex, path: answer.audit_path };
  }

  async #get<T>(endpoint: string, query: Record<string, string>, schema: z.ZodType<T>): Promise<T> {
    const search = new URLSearchParams(query).toString();
    const { body, failure } = await this.#http.get(
      `ct/v1/${endpoint}${search && `?${search}`}`,
      endpoint,
    );
    const text = body.toString('utf8');
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      throw failure('log-unavailable', `the answer is not JSON${quoted(text)}`);
    }
    const parsed = schema.safeParse(json);
    if (!parsed.success) throw failure('log-unavailable', describeIssue(parsed.error));
    return parsed.data;
  }
}
