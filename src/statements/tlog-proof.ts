// SPDX-License-Identifier: Apache-2.0
/**
 * Proof files (c2sp.org/tlog-proof): the index of an entry, its audit path and a checkpoint, so that
 * an entry's inclusion can be checked without asking anybody. Only form is read here.
 */
import { decodeBase64, encodeBase64 } from '../base/base64.ts';
import { parseUint64 } from '../base/u64.ts';
import { toMerkleHash, type MerkleHash } from '../merkle/hash.ts';

const HEADER = 'c2sp.org/tlog-proof@v1';
/** No tree of less than 2^64 entries has a longer path. */
const MAX_HASHES = 64;

export interface TlogProof {
  /** Nobody signed this, and nothing may be believed because it is there. */
  readonly extra: Uint8Array | undefined;
  readonly index: bigint;
  /** From the leaf's sibling upwards. */
  readonly hashes: readonly MerkleHash[];
  /** The checkpoint as it stands in the file. */
  readonly checkpoint: Uint8Array;
}

/** Whether the bytes begin as a proof file does. */
export function isTlogProof(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, HEADER.length + 1)).toString('latin1') === `${HEADER}\n`;
}

/** Throws RangeError with the number of the line and what was expected there. */
export function parseTlogProof(bytes: Uint8Array): TlogProof {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  let number = 0;
  const next = (): string => {
    const end = file.indexOf('\n', at);
    if (end < 0) throw new RangeError(`line ${number + 1}: the file ends in the middle`);
    const line = file.toString('latin1', at, end);
    at = end + 1;
    number += 1;
    return line;
  };
  const wrong = (want: string): RangeError => new RangeError(`line ${number}: want ${want}`);

  if (next() !== HEADER) throw wrong(`"${HEADER}"`);
  let line = next();
  let extra: Uint8Array | undefined;
  if (line.startsWith('extra ')) {
    extra = decodeBase64(line.slice('extra '.length));
    if (extra === undefined) throw wrong('"extra" and base64');
    line = next();
  }
  const index = line.startsWith('index ') ? parseUint64(line.slice('index '.length)) : undefined;
  if (index === undefined) throw wrong('"index" and a decimal without leading zeros');
  const hashes: MerkleHash[] = [];
  for (line = next(); line !== ''; line = next()) {
    const hash = decodeBase64(line);
    if (hash?.length !== 32) throw wrong('32 bytes of hash in base64, or an empty line');
    if (hashes.length === MAX_HASHES) throw wrong(`at most ${MAX_HASHES} hashes`);
    hashes.push(toMerkleHash(hash));
  }
  return { extra, index, hashes, checkpoint: Uint8Array.from(file.subarray(at)) };
}

/** The file that `parseTlogProof` reads. */
export function formatTlogProof({ extra, index, hashes, checkpoint }: TlogProof): Uint8Array {
  const lines = [
    HEADER,
    ...(extra === undefined ? [] : [`extra ${encodeBase64(extra)}`]),
    `index ${index}`,
    ...hashes.map(encodeBase64),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\n')}\n\n`), checkpoint]);
}
