// SPDX-License-Identifier: Apache-2.0
/**
 * From the ring buffer to a decision, known or new, and to a stored tree head: records a second on
 * one core.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as immediate } from 'node:timers/promises';
import { loadXdp } from '../src/dataplane/xdp.ts';
import { hashLeaf } from '../src/merkle/hash.ts';
import { Observer } from '../src/observer/observer.ts';
import { openForWriting, stateAt } from '../src/store/state.ts';
import { CtOverDns } from '../src/sources/ct-over-dns/source.ts';
import { toLogKey } from '../src/statements/key.ts';
import { formatTreeHeadText } from '../src/statements/text.ts';
import { encodeSignedData } from '../src/statements/statement.ts';
import { dnsAnswer, frameV4 } from '../test/support/packets.ts';

export interface DrainRate {
  readonly what: string;
  readonly records: number;
  readonly lost: number;
  readonly recordsPerSecond: number;
  /** Resident memory in MiB: at the start, the most, at the end. */
  readonly memory: readonly [number, number, number];
}

const NAME = 'sth.alpha.example';
/** Records in the ring at once. */
const CHUNK = 8000;

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const log = {
  key: toLogKey(publicKey.export({ type: 'spki', format: 'der' })),
  description: 'Bench log',
  url: 'https://log.test/',
  api: 'rfc6962' as const,
  mmd: 86_400,
};

function headFrame(n: number): Uint8Array {
  const head = {
    treeSize: BigInt(n + 1),
    timestamp: 1_700_000_000_000n,
    rootHash: hashLeaf(Buffer.from(`${n}`)),
  };
  const signature = sign('sha256', encodeSignedData(head), privateKey);
  const text = formatTreeHeadText({
    ...head,
    signature: Uint8Array.from([4, 3, 0, signature.length, ...signature]),
  });
  return frameV4(dnsAnswer({ name: NAME, strings: [text], compressed: true }));
}

const mebibytes = (): number => Math.round(process.memoryUsage().rss / (1 << 20));

/** `distinct` tree heads in turn; with all of them different, each is verified and stored. */
export async function measureDrain(
  what: string,
  records: number,
  distinct: number,
): Promise<DrainRate> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-bench-'));
  const store = openForWriting(stateAt(directory));
  const observer = new Observer({
    sources: [new CtOverDns(new Map([['alpha.example', log]]))],
    store,
    evidenceDirectory: directory,
    onEvent: () => undefined,
  });
  // The cache is off: every record goes all the way.
  const xdp = loadXdp({ seenMilliseconds: 0, answersPerSecond: 0, ringBytes: 8 << 20 });
  xdp.setMatchRules(observer.matchRules);
  const frames = Array.from({ length: Math.min(distinct, records) }, (_, n) => headFrame(n));
  const before = mebibytes();
  let [most, seconds, delivered] = [before, 0, 0];
  for (let done = 0; done < records; done += CHUNK) {
    const chunk = Math.min(CHUNK, records - done);
    fill(xdp, frames, done, chunk, distinct > records);
    const start = process.hrtime.bigint();
    xdp.start(
      (packet) => {
        delivered += 1;
        observer.receive(packet);
      },
      () => observer.endBatch(Date.now()),
    );
    await xdp.stop();
    seconds += Number(process.hrtime.bigint() - start) / 1e9;
    await immediate(); // libuv lets go of the ring's mapping in its next turn
    most = Math.max(most, mebibytes());
  }
  const { answersCopied } = xdp.counters();
  xdp.close();
  const stored = store.heads.latest().reduce((sum, { count }) => sum + count, 0);
  store.close();
  rmSync(directory, { recursive: true });
  return {
    what,
    records: delivered,
    lost: records - Math.min(Number(answersCopied), delivered, stored),
    recordsPerSecond: Math.round(records / seconds),
    memory: [before, most, mebibytes()],
  };
}

/** Puts `count` copies into the ring: of one frame, which is quicker to make, or one of each. */
function fill(
  xdp: ReturnType<typeof loadXdp>,
  frames: readonly Uint8Array[],
  from: number,
  count: number,
  ofEach: boolean,
): void {
  const repeat = ofEach ? 1 : count;
  for (let put = 0; put < count; put += repeat) {
    const frame = frames[(ofEach ? from + put : from / CHUNK) % frames.length];
    if (frame !== undefined) xdp.testRun(frame, repeat);
  }
}
