// SPDX-License-Identifier: Apache-2.0
/** Real entries of a static-ct log (Navigli2025h2), where ../shared is there. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ByteCursor } from '../../src/base/cursor.ts';
import type { LogEntry, Sct } from '../../src/scts/sct.ts';
import { toLogId } from '../../src/statements/statement.ts';

const TILES = resolve(
  import.meta.dirname,
  '../../../shared/data/checkpoints/sunlight/testdata/navigli2025h2/tile',
);
const FILES = ['000', '001', '002', '003', '003.p/10'];

/** Without their signatures, which tiles do not have; and the leaf hashes as its tree has them. */
export const realEntries = existsSync(TILES)
  ? { entries: entriesOf(read('data')), hashes: read('0') }
  : undefined;

function read(kind: string): Buffer {
  return Buffer.concat(FILES.map((name) => readFileSync(resolve(TILES, kind, name))));
}

/** The entries of a data tile of a static-ct log (c2sp.org/static-ct-api, TileLeaf). */
function entriesOf(tile: Uint8Array): { readonly sct: Sct; readonly entry: LogEntry }[] {
  const cursor = new ByteCursor(tile);
  const vector = (octets: 2 | 3): Uint8Array =>
    cursor.take(octets === 2 ? cursor.u16() : cursor.u8() * 65_536 + cursor.u16());
  const entries: { sct: Sct; entry: LogEntry }[] = [];
  while (!cursor.atEnd) {
    const timestamp = (BigInt(cursor.u32()) << 32n) | BigInt(cursor.u32());
    const isPrecertificate = cursor.u16() === 1;
    const issuerKeyHash = isPrecertificate ? cursor.take(32) : new Uint8Array();
    const certificate = vector(3);
    const extensions = vector(2);
    if (isPrecertificate) vector(3);
    vector(2);
    entries.push({
      sct: {
        timestamp,
        extensions,
        logId: toLogId(new Uint8Array(32)),
        signature: new Uint8Array(),
      },
      entry: isPrecertificate
        ? { type: 'precert', issuerKeyHash, tbsCertificate: certificate }
        : { type: 'x509', certificate },
    });
  }
  return entries;
}
