// SPDX-License-Identifier: Apache-2.0
/** A btcd for tests: a full node of Bitcoin that nobody here wrote, on no registry that setup knows. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { BTCD_VARIABLE, findBtcd, startBtcd, type Btcd } from '../../src/carbonchain/btcd.ts';
import { NETWORKS } from '../../src/carbonchain/header.ts';
import { purse, type Purse } from '../../src/carbonchain/send.ts';
import { newKeyPair } from '../../src/ddt/keys.ts';

/** `skip` value for node:test: false where it is there, else the reason. */
export const noBtcd: false | string =
  findBtcd() === undefined &&
  `no btcd: name it with ${BTCD_VARIABLE}, or run npm run test:interop, which builds it`;

/** One with some coins that can be spent, until the test ends. */
export async function btcdFor(
  context: Pick<TestContext, 'after'>,
): Promise<{ readonly btcd: Btcd; readonly own: Purse; readonly directory: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-btcd-'));
  const own = purse(newKeyPair().privateKey, NETWORKS.regtest);
  const btcd = await startBtcd(findBtcd() as string, { directory, miningAddress: own.address });
  context.after(async () => {
    await btcd.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  await btcd.mine(110);
  return { btcd, own, directory };
}
