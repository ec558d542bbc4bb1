// SPDX-License-Identifier: Apache-2.0
/** A log's side of c2sp.org/tlog-witness: having a checkpoint cosigned by the witnesses of a policy. */
import { encodeBase64 } from '../base/base64.ts';
import { messageOf } from '../base/errors.ts';
import { parseUint64 } from '../base/u64.ts';
import type { Fetch } from '../http/request.ts';
import type { MerkleTree } from '../merkle/tree.ts';
import { parseCheckpoint } from '../statements/checkpoint.ts';
import type { NoteKey } from '../statements/note-key.ts';
import { isNamedBy } from '../statements/signature-lines.ts';
import type { Policy, PolicyParty } from '../statements/policy.ts';
import { checkCheckpoint, quorumTime } from '../statements/trust.ts';

export interface Cosigned {
  /** The checkpoint with the good cosignatures that came. */
  readonly note: string;
  readonly isAccepted: boolean;
  /** What each witness did not do, as a sentence without its full stop. */
  readonly faults: readonly string[];
  /** When a quorum saw it, by the witnesses' clocks, in Unix seconds; undefined if none did, or says so. */
  readonly seen: number | undefined;
  /** Whether there is no quorum because a witness has cosigned more entries than there are. */
  readonly isSetBack: boolean;
}

/** A witness has cosigned more than the log has. */
class SetBack extends RangeError {}

export class Witnesses {
  readonly #policy: Policy;
  readonly #fetch: Fetch;
  /** The size that each witness cosigned last, by its name in the policy. */
  readonly #sizes = new Map<string, number>();

  constructor(policy: Policy, fetch: Fetch) {
    this.#policy = policy;
    this.#fetch = fetch;
  }

  /** Asks all witnesses at once. A witness that fails is left out, and the policy says if that matters. */
  async cosign(signed: string, tree: MerkleTree): Promise<Cosigned> {
    const faults: string[] = [];
    let hasMore = false;
    const ask = async ([name, { key, url }]: [string, PolicyParty]): Promise<string> => {
      if (url === undefined) return '';
      try {
        const answer = await this.#ask(name, url, signed, tree);
        const lines = linesOf(answer, signed, key);
        if (lines === '') faults.push(`the witness ${name} answered without a line of its key`);
        // One that does not verify would spoil the note for everybody.
        const checked = checkCheckpoint(Buffer.from(signed + lines), this.#policy);
        if (checked.cosigned.some((each) => each.witness === name)) return lines;
        faults.push(`the witness ${name} answered with a line that is not good`);
      } catch (error) {
        hasMore ||= error instanceof SetBack;
        faults.push(`the witness ${name}: ${messageOf(error)}`);
      }
      return '';
    };
    const lines = await Promise.all([...this.#policy.witnesses].map(ask));
    const note = signed + lines.join('');
    const { faults: unmet, cosigned } = checkCheckpoint(Buffer.from(note), this.#policy);
    const seen = unmet.length === 0 ? quorumTime(this.#policy, cosigned) : undefined;
    return {
      note,
      isAccepted: unmet.length === 0,
      faults: [...faults, ...unmet],
      seen: seen === undefined ? undefined : Number(seen),
      isSetBack: unmet.length > 0 && hasMore,
    };
  }

  async #ask(name: string, url: string, signed: string, tree: MerkleTree): Promise<string> {
    // A witness that knows another size says which, once.
    for (let tries = 0; ; tries++) {
      const old = this.#sizes.get(name) ?? 0;
      const proof = old > 0 && old < tree.size ? tree.consistencyProof(old, tree.size) : [];
      const lines = proof.map((hash) => `${encodeBase64(hash)}\n`).join('');
      const post = `old ${old}\n${lines}\n${signed}`;
      const { status, body } = await this.#fetch(`${url.replace(/\/$/, '')}/add-checkpoint`, {
        post,
      });
      const text = body.toString('utf8');
      const size = status === 409 ? parseUint64(text.trim()) : undefined;
      if (size !== undefined && size > BigInt(tree.size))
        throw new SetBack(
          `it has cosigned ${size} entries, and here are ${tree.size}: the log was set back, and must not go on`,
        );
      if (size !== undefined && tries === 0) this.#sizes.set(name, Number(size));
      else if (status === 200) {
        this.#sizes.set(name, tree.size);
        return text;
      } else throw new RangeError(`it answered ${status}: ${text.trim().slice(0, 200)}`);
    }
  }
}

/** Those lines of an answer that say that they are by this key. */
function linesOf(answer: string, signed: string, key: NoteKey): string {
  const { text } = parseCheckpoint(signed);
  const own = answer.split('\n').filter((line) => {
    if (line === '') return false;
    const [signature] = parseCheckpoint(`${text}\n${line}\n`).signatures;
    return signature !== undefined && isNamedBy(signature, key);
  });
  return own.map((line) => `${line}\n`).join('');
}
