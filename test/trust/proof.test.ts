// SPDX-License-Identifier: Apache-2.0
/** Proofs without a network: what they prove, and what somebody who makes them up cannot. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NETWORKS } from '../../src/carbonchain/header.ts';
import { packetsOf } from '../../src/carbonchain/packet.ts';
import { newKeyPair, type KeyPair } from '../../src/ddt/keys.ts';
import { DDT_ID } from '../../src/ddt/ledger.ts';
import {
  encodeCommand,
  signCommand,
  signReplacement,
  type Command,
  type UnsignedCommand,
} from '../../src/ddt/version1.ts';
import { prove } from '../../src/services/trust.ts';
import { parseTrustName, publishedName } from '../../src/trust/names.ts';
import { judge, ledgerOf, readProof, type TrustVerdict } from '../../src/trust/proof.ts';
import { FakeNode, idOf, withPacket } from '../carbonchain/blocks.ts';
import { fc } from '../support/random.ts';

const network = NETWORKS.regtest;
const NETWORK = network.genesis.hash;
const NOW = 2_000_000_000;
const DIGEST = `sha256:${'ab'.repeat(32)}`;
const NAME = parseTrustName('alice/app:v1');
const OWNER = '44'.repeat(20);
const [root, tagging, mallory] = [newKeyPair(), newKeyPair(), newKeyPair()] as [
  KeyPair,
  KeyPair,
  KeyPair,
];

/** The transactions of a command, each of which spends the one before. */
function transactionsOf(command: Command): Uint8Array[] {
  const transactions: Uint8Array[] = [];
  for (const packet of packetsOf(encodeCommand(command), { id: DDT_ID, version: 1 })) {
    const before = transactions.at(-1);
    transactions.push(withPacket(packet, OWNER, before && { id: idOf(before), index: 0 }));
  }
  return transactions;
}

/** When the block at a height comes, in Unix milliseconds, as serials are by habit. */
const timeOf = (height: number): number => (network.genesis.time + 600 * height) * 1000;

const sign = (command: UnsignedCommand, by: KeyPair): Command => signCommand(command, by, NETWORK);
function commands(
  by = root,
  key = tagging,
  { image = NAME.image, tag = NAME.tag, digest = DIGEST } = {},
): Command[] {
  const of = { user: NAME.user, image, keyId: 0, until: 0 };
  return [
    sign({ kind: 'register-root-key', user: NAME.user, serial: 1, publicKey: by.publicKey }, by),
    sign({ kind: 'register-key', ...of, serial: 2, publicKey: key.publicKey }, by),
    sign({ kind: 'register-metadata', ...of, serial: 3, tag, digests: [digest] }, key),
  ];
}

/** A node whose chain has these commands, and the proof that its maker gets from it. */
async function proofOf(
  all: readonly Command[],
  salt?: Uint8Array,
  between = 0,
): Promise<{ text: string; node: FakeNode }> {
  const node = new FakeNode('node');
  for (const command of all) {
    node.mine(transactionsOf(command));
    for (let i = 0; i < between; i++) node.mine();
  }
  for (let i = 0; i < 6; i++) node.mine();
  const options = { network, nodes: [node], directory: undefined, onEvent: () => undefined };
  const text = await prove(options, publishedName(NAME, salt), salt, new AbortController().signal);
  return { text, node };
}

function verdict(
  text: string,
  { rootKey = root.publicKey, digest = DIGEST, name = NAME } = {},
): TrustVerdict {
  const proof = readProof(text);
  return judge(ledgerOf(proof, undefined, NOW), {
    name,
    salt: proof.salt,
    digest,
    now: NOW,
    rootKey,
    isWhole: false,
  });
}
const why = (given: TrustVerdict): string => (given.trusted ? 'trusted' : given.why);

test('what is signed is trusted, with the digest and under the name that was signed', async () => {
  const { text } = await proofOf(commands());
  assert.equal(why(verdict(text)), 'trusted');
  assert.match(
    why(verdict(text, { digest: `sha256:${'cd'.repeat(32)}` })),
    /^Signed is sha256:abab/,
  );
  assert.match(why(verdict(text, { name: { ...NAME, tag: 'v2' } })), /Nothing is signed/);
  assert.match(why(verdict(text, { name: { ...NAME, user: 'bob' } })), /Nobody has registered/);
  assert.match(why(verdict(text, { rootKey: mallory.publicKey })), /never had the root key/);
});

test('what was revoked is not trusted', async () => {
  const of = { user: NAME.user, image: NAME.image, keyId: 0 };
  for (const [end, want] of [
    [sign({ kind: 'delete-root-key', user: NAME.user, serial: 9 }, root), /root key was deleted/],
    [sign({ kind: 'delete-key', ...of, serial: 9 }, root), /was revoked/],
    [
      sign({ kind: 'delete-metadata', ...of, serial: 9, tag: NAME.tag }, tagging),
      /Nothing is signed/,
    ],
  ] as const) {
    const { text } = await proofOf([...commands(), end]);
    assert.match(why(verdict(text)), want);
  }
});

test('a proof holds after the root key was replaced, by the key that was known', async () => {
  const next = newKeyPair();
  const replacement = signReplacement(
    { user: NAME.user, serial: timeOf(4) },
    { from: root, to: next },
    NETWORK,
  );
  const { text } = await proofOf([...commands(), replacement]);
  assert.equal(why(verdict(text)), 'trusted');
  assert.equal(why(verdict(text, { rootKey: next.publicKey })), 'trusted');
});

test('a root key that was stolen and replaced is not believed by whoever knows the new one', async () => {
  const next = newKeyPair();
  const serial = timeOf(14);
  const replacement = signReplacement(
    { user: NAME.user, serial },
    { from: root, to: next },
    NETWORK,
  );
  const honest = await proofOf([...commands(), replacement], undefined, 5);
  const knowing = { rootKey: next.publicKey };
  assert.equal(why(verdict(honest.text, knowing)), 'trusted');
  // The thief signs what the chain refuses, writes the replacement once more, and leaves the first one out.
  const evil = `sha256:${'ee'.repeat(32)}`;
  const of = { user: NAME.user, image: NAME.image, keyId: 1, until: 0 };
  const stolen = [
    sign({ kind: 'register-key', ...of, serial: 8, publicKey: mallory.publicKey }, root),
    sign({ kind: 'register-metadata', ...of, serial: 9, tag: NAME.tag, digests: [evil] }, mallory),
  ];
  const { text } = await proofOf([...commands(), ...stolen, replacement], undefined, 5);
  assert.match(
    why(verdict(text, { ...knowing, digest: evil })),
    /A root key that had been replaced registered the tagging key/,
  );
  // Whoever has read all of a chain saw them in their order.
  const proof = readProof(text);
  const all = { name: NAME, salt: undefined, digest: evil, now: NOW, ...knowing, isWhole: true };
  assert.equal(why(judge(ledgerOf(proof, undefined, NOW), all)), 'trusted');
  // The new root key may vouch for the key that the old one registered.
  const again = sign(
    { kind: 'register-key', ...of, serial: serial + 1, publicKey: mallory.publicKey },
    next,
  );
  const vouched = await proofOf([...commands(), ...stolen, replacement, again], undefined, 5);
  assert.equal(why(verdict(vouched.text, { ...knowing, digest: evil })), 'trusted');
});

test('what was revoked before the block that is trusted does not come back behind it', async () => {
  const revoke = { kind: 'delete-key', user: NAME.user, image: NAME.image, keyId: 0 } as const;
  const after = async (...later: Command[]): Promise<string> => {
    const node = new FakeNode('node');
    for (const command of [...commands(), sign({ ...revoke, serial: 4 }, root)])
      node.mine(transactionsOf(command));
    for (let i = 0; i < 6; i++) node.mine();
    const height = node.chain.length - 1;
    const start = { height, hash: await node.hashAt(height) };
    for (const command of later) node.mine(transactionsOf(command));
    for (let i = 0; i < 6; i++) node.mine();
    const options = {
      network,
      nodes: [node],
      start,
      directory: undefined,
      onEvent: () => undefined,
    };
    const { signal } = new AbortController();
    const proof = readProof(await prove(options, NAME, undefined, signal));
    const question = { name: NAME, salt: undefined, digest: DIGEST, now: NOW };
    const rootKey = root.publicKey;
    return why(judge(ledgerOf(proof, start, NOW), { ...question, rootKey, isWhole: false }));
  };
  // A stranger writes once more what anybody can read in the chain, and not the revocation.
  assert.match(await after(...commands()), /Nobody has registered the name alice/);
  const of = { user: NAME.user, image: NAME.image, keyId: 0, until: 0 };
  const { publicKey } = root;
  const serial = timeOf(100);
  const anew = [
    sign({ kind: 'register-root-key', user: NAME.user, serial, publicKey }, root),
    sign({ kind: 'register-key', ...of, serial: serial + 1, publicKey: tagging.publicKey }, root),
    sign(
      { kind: 'register-metadata', ...of, serial: 3, tag: NAME.tag, digests: [DIGEST] },
      tagging,
    ),
  ];
  assert.equal(await after(...anew), 'trusted', 'who registers it anew has it');
});

test('who leaves commands out cannot take a name over', async () => {
  // Mallory came second, and tells in a proof of nobody who came first.
  const [claim, grant, metadata] = commands(mallory, mallory) as [Command, Command, Command];
  const { text } = await proofOf([claim, grant, metadata]);
  assert.equal(
    why(verdict(text, { rootKey: mallory.publicKey })),
    'trusted',
    "by mallory's own key",
  );
  assert.match(why(verdict(text)), /never had the root key/);
  // Nor with the consent that another key gave to replace the true root key.
  const next = newKeyPair();
  const real = signReplacement({ user: NAME.user, serial: 9 }, { from: root, to: next }, NETWORK);
  assert.equal(real.kind, 'replace-root-key');
  const stolen = sign({ ...real }, mallory);
  const taken = await proofOf([claim, grant, metadata, stolen]);
  assert.match(why(verdict(taken.text, { rootKey: next.publicKey })), /never had the root key/);
});

test('a tag that is signed again and again has a proof no larger for it', async () => {
  const of = { user: NAME.user, image: NAME.image, keyId: 0, until: 0 };
  const before = (await proofOf(commands())).text;
  const again = Array.from({ length: 20 }, (_, i) => {
    const digests = [`sha256:${i.toString(16).padStart(2, '0').repeat(32)}`];
    const tag = i % 2 === 0 ? NAME.tag : 'another';
    return sign({ kind: 'register-metadata', ...of, serial: 10 + i, tag, digests }, tagging);
  });
  const { text } = await proofOf([...commands(), ...again]);
  const many = (proof: string): number =>
    (JSON.parse(proof) as { transactions: unknown[] }).transactions.length;
  assert.equal(many(text), many(before));
  assert.equal(why(verdict(text, { digest: `sha256:${'12'.repeat(32)}` })), 'trusted');
  assert.match(why(verdict(text)), /^Signed is sha256:1212/);
});

test('a hidden name needs its salt, which the proof has', async () => {
  const salt = Buffer.alloc(16, 7);
  const { image, tag } = publishedName(NAME, salt);
  const { text, node } = await proofOf(commands(root, tagging, { image, tag }), salt);
  assert.equal(why(verdict(text)), 'trusted');
  const { salt: _, ...rest } = JSON.parse(text) as Record<string, unknown>;
  assert.match(why(verdict(JSON.stringify(rest))), /Nothing is signed/);
  for (const { block } of node.chain)
    assert.equal(Buffer.from(block).includes('app'), false, 'the chain does not have the name');
});

test('a proof that was changed anywhere proves nothing', async () => {
  const { text } = await proofOf(commands());
  type Json = { headers: string; start: number; transactions: Record<string, unknown>[] };
  const cases: [string, (proof: Json) => void, RegExp][] = [
    [
      'a header',
      (proof) => {
        const bytes = Buffer.from(proof.headers, 'base64');
        bytes[85] = (bytes[85] as number) ^ 1;
        proof.headers = bytes.toString('base64');
      },
      /block 1 /,
    ],
    [
      'another beginning',
      (proof) =>
        (proof.headers = Buffer.from(proof.headers, 'base64').subarray(80).toString('base64')),
      /do not begin/,
    ],
    ['a start', (proof) => (proof.start = 1), /do not begin/],
    ['no headers', (proof) => (proof.headers = ''), /do not begin/],
    [
      'fewer headers',
      (proof) =>
        (proof.headers = Buffer.from(proof.headers, 'base64').subarray(0, 160).toString('base64')),
      /no header of block/,
    ],
    [
      'a transaction',
      (proof) => {
        const first = proof.transactions[0] as Record<string, string>;
        first['transaction'] = (first['transaction'] as string).replace('44', '45');
      },
      /does not hold/,
    ],
    [
      'a place',
      (proof) => ((proof.transactions[0] as Record<string, unknown>)['index'] = 0),
      /does not hold/,
    ],
    [
      'another block',
      (proof) => ((proof.transactions[0] as Record<string, unknown>)['height'] = 2),
      /does not hold/,
    ],
  ];
  for (const [name, change, want] of cases) {
    const proof = JSON.parse(text) as Json;
    change(proof);
    assert.throws(() => verdict(JSON.stringify(proof)), want, name);
  }
  const without = JSON.parse(text) as Json;
  without.transactions.pop();
  assert.match(why(verdict(JSON.stringify(without))), /Nothing is signed/);
  for (const wrong of ['', '{}', '[]', text.slice(1), text.replace('ctga-trust-proof', 'x')])
    assert.throws(() => readProof(wrong), /no proof/);
});

test('what has fewer than six confirmations is not proven', async () => {
  const { text } = await proofOf(commands());
  type Json = { headers: string };
  const proof = JSON.parse(text) as Json;
  // Blocks 1 to 3 have the commands, and 9 is the sixth from the last of them.
  const cut = (height: number): string =>
    JSON.stringify({
      ...proof,
      headers: Buffer.from(proof.headers, 'base64')
        .subarray(0, 80 * (height + 1))
        .toString('base64'),
    });
  assert.match(why(verdict(cut(7))), /Nothing is signed/);
  assert.equal(why(verdict(cut(8))), 'trusted');
});

test('a mainnet of little work is made up', () => {
  const { bytes, hash } = NETWORKS.mainnet.genesis;
  const proof = readProof(
    JSON.stringify({
      kind: 'ctga-trust-proof',
      version: 1,
      network: 'mainnet',
      start: 0,
      headers: Buffer.from(bytes).toString('base64'),
      transactions: [],
    }),
  );
  assert.throws(() => ledgerOf(proof, undefined, NOW), /made up/);
  // Whoever trusts the first block trusts no work.
  assert.throws(() => ledgerOf(proof, { height: 0, hash }, NOW), /made up/);
});

test('a name that cannot be is refused', () => {
  for (const text of ['', 'a', 'a/b', 'a/b:', '/b:c', 'a/b:c\n'])
    assert.throws(() => parseTrustName(text), /USER\/IMAGE:TAG/, text);
  assert.deepEqual(parseTrustName('a/b/c:d'), { user: 'a', image: 'b/c', tag: 'd' });
  const salt = Buffer.alloc(16, 1);
  const names = ['a/bc:d', 'a/b:cd', 'ab/c:d'].map((text) =>
    publishedName(parseTrustName(text), salt),
  );
  assert.equal(new Set(names.map(({ tag }) => tag)).size, 3);
});

test('no two salts and names are one hidden name', () => {
  // A maker of proofs chooses the salt: it must not take over what stands before or in a name.
  const salt = Buffer.alloc(16, 1);
  const long = publishedName(parseTrustName('alice/a5:alice3:foo:v1'), salt);
  const moved = publishedName(
    parseTrustName('alice/foo:v1'),
    Buffer.concat([salt, Buffer.from('5:alice13:a')]),
  );
  assert.notEqual(long.image, moved.image);
  assert.notEqual(long.tag, moved.tag);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.uint8Array({ minLength: 16, maxLength: 64 }), NAMES), {
        minLength: 2,
        maxLength: 2,
      }),
      ([one, other]) => {
        const [a, b] = [one, other] as [[Uint8Array, string], [Uint8Array, string]];
        const same = Buffer.compare(a[0], b[0]) === 0 && a[1] === b[1];
        const hidden = ([bytes, image]: [Uint8Array, string]): string =>
          publishedName({ user: 'alice', image, tag: 'v1' }, bytes).image;
        assert.equal(hidden(a) === hidden(b), same);
      },
    ),
  );
  // What could be tried out is no salt, whoever made the proof.
  const proof = { kind: 'ctga-trust-proof', version: 1, network: 'regtest', start: 0 };
  for (const short of ['', '00'.repeat(15), '00'.repeat(65)])
    assert.throws(
      () => readProof(JSON.stringify({ ...proof, headers: '', transactions: [], salt: short })),
      /no proof/,
    );
});

/** Names of images of the letters that lengths and names are told apart by. */
const NAMES = fc.string({ unit: fc.constantFrom('1', '3', ':', 'a', 'alice'), minLength: 1 });
