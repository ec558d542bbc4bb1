// SPDX-License-Identifier: Apache-2.0
/** DDT on a chain of btcd's: written, read, undone by reorganisations, shown by the commands. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { NETWORKS } from '../../src/carbonchain/header.ts';
import { wifOf } from '../../src/carbonchain/send.ts';
import { newKeyPair } from '../../src/ddt/keys.ts';
import { DDT_ID } from '../../src/ddt/ledger.ts';
import { nameOf } from '../../src/ddt/names.ts';
import { encodeOriginal } from '../../src/ddt/original.ts';
import { encodeCommand, signCommand } from '../../src/ddt/version1.ts';
import { openDdt, type ChainEvent } from '../../src/services/ddt.ts';
import { btcdFor, noBtcd } from '../support/btcd.ts';
import { ctga, startCtga } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';

const network = NETWORKS.regtest;
const skip = noBtcd;
const DIGEST = `sha256:${'ab'.repeat(32)}`;

test(
  'what is written counts after six blocks, and what leaves the chain is undone',
  { skip },
  async (t) => {
    const { btcd, own } = await btcdFor(t);
    const events: ChainEvent[] = [];
    const nodes = [btcd.node];
    const { chain, ledger } = await openDdt({
      network,
      nodes,
      directory: undefined,
      purse: own,
      onEvent: (event) => events.push(event),
    });
    t.after(() => chain.close());
    await chain.round();
    const user = nameOf('alice');
    const rootKey = newKeyPair().publicKey;
    const register = encodeOriginal({
      kind: 'register-root-key',
      user,
      publicKey: rootKey,
      signature: new Uint8Array(64),
    });
    const key = newKeyPair();
    const claim = signCommand(
      { kind: 'register-root-key', user: 'alice', serial: 1, publicKey: key.publicKey },
      key,
      network.genesis.hash,
    );
    assert.equal((await chain.write(register, { id: DDT_ID })).length, 1);
    assert.equal((await chain.write(encodeCommand(claim), { id: DDT_ID, version: 1 })).length, 2);
    const [block] = await btcd.mine(1);
    await chain.round();
    assert.equal(ledger.original.rootKeys.size, 0, 'one confirmation');
    await btcd.mine(4);
    await chain.round();
    assert.equal(ledger.original.rootKeys.size, 0, 'five');
    await btcd.mine(1);
    await chain.round();
    assert.deepEqual(ledger.original.rootKeys.get(user), rootKey);
    assert.deepEqual(ledger.state.users.get('alice')?.rootKey, key.publicKey);
    // The block with the commands, and seven above it, leave the chain; btcd writes them once more.
    await btcd.mine(2);
    await chain.round();
    const before = chain.follower.height;
    await btcd.call('invalidateblock', block);
    assert.equal(await btcd.node.height(), before - 8);
    await btcd.mine(8);
    await chain.round();
    assert.equal(chain.follower.height, before, 'as much work is no reason to leave a chain');
    await btcd.mine(1);
    await chain.round();
    assert.deepEqual(ledger.original.rootKeys.get(user), rootKey, 'in other blocks');
    // Another node has more work, and none of it: all 119 blocks leave.
    const other = await btcdFor(t);
    await other.btcd.mine(20);
    nodes.push(other.btcd.node);
    await chain.round();
    assert.equal(chain.follower.height, 130);
    assert.equal(ledger.original.rootKeys.size, 0);
    assert.equal(ledger.state.users.size, 0);
    const depths = events.flatMap((each) => (each.event === 'reorganised' ? [each.depth] : []));
    assert.deepEqual(depths, [8, before + 1]);
  },
);

test(
  'the commands: key, sign, send, show, and the lab from its start to its end',
  { skip },
  async (t) => {
    const { btcd, own, directory } = await btcdFor(t);
    const at = (name: string): string => join(directory, name);
    writeFileSync(at('auth'), `${btcd.url.username}:${btcd.url.password}\n`);
    writeFileSync(at('coins'), wifOf(own, network));
    const on = ['--network', 'regtest', '--node', `http://${btcd.url.host}`];
    const chain = [...on, '--node-auth', at('auth'), '--state-dir', at('state')];
    const run = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await ctga(args);
      assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
      return stdout.trim();
    };
    await run('ddt', 'key', at('root'));
    const tagging = await run('ddt', 'key', at('tagging'));
    assert.equal(readFileSync(at('root'), 'utf8').length, 65);
    assert.equal((await ctga(['ddt', 'key', at('root')])).code, 2, 'a key is not overwritten');
    const sign = (...args: string[]): Promise<string> =>
      run('ddt', 'sign', ...args, '--network', 'regtest');
    const commands = [
      await sign('register-root-key', 'alice', '--key-file', at('root')),
      await sign('register-key', 'alice/app', '--key-file', at('root'), '--public-key', tagging),
      await sign(
        'register-metadata',
        'alice/app:v1',
        '--key-file',
        at('tagging'),
        '--digest',
        DIGEST,
      ),
    ];
    for (const command of commands) {
      await run('ddt', 'send', command, '--coins', at('coins'), ...chain);
      await btcd.mine(6);
    }
    assert.match(
      await run('ddt', 'show', 'alice/app:v1', ...chain),
      /app:v1 by tagging key 0 \(SIGNATURE_VALID\)\n +sha256:abab/,
    );
    assert.equal((await ctga(['ddt', 'show', 'nobody', ...chain])).code, 1);
    writeFileSync(at('file'), 'anything at all');
    await run('carbonchain', 'write', at('file'), '--coins', at('coins'), ...chain);
    await btcd.mine(6);
    assert.match(
      await run('carbonchain', 'read', ...chain),
      /15 bytes of .*\n {2}anything at all$/,
    );

    const lab = startCtga(['ddt', 'lab', '--listen', '127.0.0.1:0', '--json']);
    const say = (): Record<string, unknown>[] =>
      lab
        .said()
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    t.after(() => lab.stop());
    const { url } = await eventually(() => say().find(({ event }) => event === 'listening'), 'it');
    const ready = say().find(({ event }) => event === 'ready');
    // Until the chain is read, it says to come again.
    const status = await eventually(async () => {
      const answer = await fetch(`${url as string}alice`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ command: commands[0] }),
      });
      return answer.status !== 503 && answer.status;
    }, 'the chain to be read');
    assert.equal(status, 200);
    await eventually(
      () => say().some(({ event }) => event === 'executed'),
      'a command that counts',
    );
    assert.equal((await lab.stop()).code, 0);
    assert.equal(existsSync(ready?.['coins'] as string), false, 'nothing is left');
  },
);
