// SPDX-License-Identifier: Apache-2.0
/** What is told of a transaction that no node takes. test/trust/anchor-btcd.test.ts anchors files in a real chain. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { sha256 } from '../../src/carbonchain/bytes.ts';
import { NETWORKS } from '../../src/carbonchain/header.ts';
import { NodeError } from '../../src/carbonchain/node.ts';
import { readPurse } from '../../src/carbonchain/send.ts';
import { anchor, isAnchoring } from '../../src/services/anchor.ts';
import { ChainService } from '../../src/services/ddt.ts';
import { FakeNode, payTo, transaction } from '../carbonchain/blocks.ts';

const network = NETWORKS.regtest;
const purse = readPurse('01'.repeat(32), network);

/** It takes one transaction, and then finds its coins spent. */
class Forgetful extends FakeNode {
  override send(bytes: Uint8Array): Promise<string> {
    if (this.sent.length > 0)
      return Promise.reject(new NodeError('node-refused', 'bad-txns-inputs-missingorspent'));
    return super.send(bytes);
  }
}

/** It takes one transaction, and goes away. */
class Gone extends FakeNode {
  override height = (): Promise<number> =>
    this.sent.length > 0 ? this.#nothing() : Promise.resolve(this.chain.length - 1);
  override send(bytes: Uint8Array): Promise<string> {
    return this.sent.length > 0 ? this.#nothing() : super.send(bytes);
  }
  #nothing(): Promise<never> {
    return Promise.reject(new NodeError('node-no-answer', 'nothing listens there'));
  }
}

/** Anchors with a node, so many rounds a time. */
function anchoring(t: TestContext, node: FakeNode) {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-anchor-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  node.mine([transaction([{}], [payTo(purse.owner), payTo(purse.owner)])]);
  const digests = [sha256(Buffer.from('what was seen'))];
  const told: string[] = [];
  const once = async (rounds: number): Promise<void> => {
    const chain = await ChainService.open(
      { network, nodes: [node], directory, purse, onEvent: () => undefined },
      { connect: () => undefined, rebuild: () => undefined },
    );
    t.after(() => chain.close());
    const stop = new AbortController();
    const looked = t.mock.method(chain, 'round', (signal: AbortSignal) => {
      if (looked.mock.callCount() === rounds) stop.abort();
      return ChainService.prototype.round.call(chain, signal);
    });
    const options = { digests, fee: 10n, every: 1, onSent: () => undefined };
    const done = await anchor(
      chain,
      directory,
      { ...options, onUntaken: (file) => told.push(file) },
      stop.signal,
    );
    assert.equal(done, undefined);
    await chain.close();
  };
  return { directory, digests, told, once };
}

test('a node that goes away has refused nothing, and nobody is told to pay anew', async (t) => {
  const { told, once } = anchoring(t, new Gone('node'));
  await once(30);
  assert.deepEqual(told, []);
});

test('says once that no node takes it any more, and what lets it be paid anew', async (t) => {
  const { directory, digests, told, once } = anchoring(t, new Forgetful('node'));
  await once(3);
  assert.deepEqual(told, []);
  await once(30);
  assert.equal(told.length, 1);
  const [file = ''] = told;
  assert(existsSync(file) && isAnchoring(directory, network.name, digests));
  rmSync(file);
  assert(!isAnchoring(directory, network.name, digests));
});
