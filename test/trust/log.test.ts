// SPDX-License-Identifier: Apache-2.0
/** A log of trust and its proofs, as those would have them who want to be believed and should not be. */
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { newKeyPair, type KeyPair } from '../../src/ddt/keys.ts';
import { encodeCommand, signCommand, type UnsignedCommand } from '../../src/ddt/version1.ts';
import { Refused } from '../../src/http/serving.ts';
import type { Fetch } from '../../src/http/request.ts';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import {
  cosign,
  generateSignerKey,
  parseSignerKey,
  type NoteSigner,
} from '../../src/statements/cosignature.ts';
import { formatNoteKey } from '../../src/statements/note-key.ts';
import { parsePolicy, type Policy } from '../../src/statements/policy.ts';
import { formatTlogProof, parseTlogProof } from '../../src/statements/tlog-proof.ts';
import { quorumTime } from '../../src/statements/trust.ts';
import { encodeEntry, networkOfLog } from '../../src/trust/log-entry.ts';
import {
  logOf,
  readLog,
  requireGrown,
  TrustLogError,
  type LogView,
} from '../../src/trust/log-client.ts';
import { readLogProof, writeLogProof } from '../../src/trust/log-proof.ts';
import { LogServer } from '../../src/trust/log-server.ts';
import { LogStore } from '../../src/trust/log-store.ts';
import { publishedName } from '../../src/trust/names.ts';
import { judge } from '../../src/trust/proof.ts';
import { fc } from '../support/random.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const NAME = { user: 'alice', image: 'app', tag: 'v1' };
const SALT = Buffer.alloc(16, 7);
const HIDDEN = publishedName(NAME, SALT);
const OF = { user: 'alice', image: HIDDEN.image, keyId: 0 };
const SEEN = 1_900_000_000;
const [root, tagging, mallory] = [newKeyPair(), newKeyPair(), newKeyPair()] as [
  KeyPair,
  KeyPair,
  KeyPair,
];
const witness = parseSignerKey(generateSignerKey('witness.test/w', 'Ed25519 cosignature'));

/** A log on the disk, and what runs it without a server. */
function logIn(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-log-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'log');
  const { key } = LogStore.make(path, 'log.test/trust');
  const policy = policyOf(key, 'quorum W');
  return { path, key, policy, network: networkOfLog(key) };
}

function policyOf(key: NoteSigner['key'], quorum: string): Policy {
  const lines = [
    `log ${formatNoteKey(key)} http://log.test/`,
    `witness W ${formatNoteKey(witness.key)}`,
    quorum,
  ];
  return parsePolicy(Buffer.from(`${lines.join('\n')}\n`));
}

function cosigned(note: string, time = SEEN): string {
  return note + cosign(witness, parseCheckpoint(note), BigInt(time));
}

/** Appends commands, one a second, and publishes them with the witness's cosignature. */
function grow(
  path: string,
  network: string,
  commands: readonly (readonly [UnsignedCommand, KeyPair])[],
  time = 1_800_000_000_000,
): void {
  const store = LogStore.open(path);
  for (const [command, key] of commands) {
    const bytes = encodeCommand(signCommand(command, key, network));
    store.append([encodeEntry(time + store.size * 1000, bytes)]);
  }
  store.publish(cosigned(store.signed));
  store.close();
}

const BASICS: readonly (readonly [UnsignedCommand, KeyPair])[] = [
  [{ kind: 'register-root-key', user: 'alice', serial: 1, publicKey: root.publicKey }, root],
  [{ kind: 'register-key', ...OF, serial: 2, until: 0, publicKey: tagging.publicKey }, root],
  [
    { kind: 'register-metadata', ...OF, tag: HIDDEN.tag, serial: 3, until: 0, digests: [DIGEST] },
    tagging,
  ],
];
const REVOKED: readonly [UnsignedCommand, KeyPair] = [
  { kind: 'delete-key', ...OF, serial: 9 },
  root,
];

/** Answers with the files of a directory. */
const filesOf =
  (
    path: string,
    change: (name: string, body: Buffer) => Buffer | undefined = (_, body) => body,
  ): Fetch =>
  (url) => {
    const name = url.slice('http://log.test/'.length);
    let body: Buffer | undefined;
    try {
      body = change(name, readFileSync(join(path, 'public', name)));
    } catch {
      body = undefined;
    }
    return Promise.resolve({
      status: body === undefined ? 404 : 200,
      retryAfter: undefined,
      body: body ?? Buffer.alloc(0),
    });
  };
const view = (path: string, policy: Policy, fetch = filesOf(path)): Promise<LogView> => {
  const { key, url } = logOf(policy);
  return readLog(policy, { key, url: url as string }, fetch);
};
const verdict = (
  bytes: Uint8Array,
  policy: Policy,
  rootKey = root.publicKey,
  digest = DIGEST,
): string => {
  const { state, salt, isWhole } = readLogProof(bytes, policy);
  const judged = judge(state, { name: NAME, salt, digest, now: SEEN, rootKey, isWhole });
  return judged.trusted ? 'trusted' : judged.why;
};
const isOf = (code: string) => (error: unknown) =>
  error instanceof TrustLogError && error.code === code;

test('what is signed is trusted, with the digest, the name and the root key that were signed', async (t) => {
  const { path, policy, network } = logIn(t);
  grow(path, network, BASICS);
  const proof = writeLogProof(await view(path, policy), HIDDEN, SALT) as Uint8Array;
  assert.equal(verdict(proof, policy), 'trusted');
  assert.match(verdict(proof, policy, root.publicKey, `sha256:${'cd'.repeat(32)}`), /^Signed is/);
  assert.match(verdict(proof, policy, mallory.publicKey), /never had the root key/);
  assert.equal(
    writeLogProof(await view(path, policy), { ...HIDDEN, user: 'bob' }, SALT),
    undefined,
  );
  t.diagnostic(`the proof has ${proof.length} bytes`);
});

test('a revoked key ends what it signed; a proof from before does not know it, and is dated', async (t) => {
  const { path, policy, network } = logIn(t);
  grow(path, network, BASICS);
  const before = writeLogProof(await view(path, policy), HIDDEN, SALT) as Uint8Array;
  grow(path, network, [REVOKED]);
  const after = writeLogProof(await view(path, policy), HIDDEN, SALT) as Uint8Array;
  assert.match(verdict(after, policy), /was revoked/);
  assert.equal(verdict(before, policy), 'trusted');
  assert.equal(readLogProof(before, policy).seen, SEEN);
  // Whoever has the log, and not a proof, cannot be kept from the revocation.
  const old = LogStore.open(path);
  const withheld = filesOf(path, (name, body) =>
    name.startsWith('tile/entries') ? body.subarray(0, body.length - 200) : body,
  );
  old.close();
  await assert.rejects(view(path, policy, withheld), isOf('log-not-trusted'));
});

test('a revocation can be left out of a proof of today, but not out of the whole log', async (t) => {
  const { path, policy, network } = logIn(t);
  grow(path, network, [...BASICS, REVOKED]);
  const seen = await view(path, policy);
  const partsOf = (bytes: Uint8Array) => {
    const proof = parseTlogProof(bytes);
    const extra = JSON.parse(Buffer.from(proof.extra as Uint8Array).toString()) as {
      entries: { index: number; entry: string; hashes: string[] }[];
    };
    return { proof, extra };
  };
  const { proof, extra } = partsOf(writeLogProof(seen, HIDDEN, SALT) as Uint8Array);
  // Whoever has the log makes a proof as of now, of which the last entry is the signature.
  const hashes = seen.tree.inclusionProof(2, 4);
  const entries = extra.entries
    .slice(0, 3)
    .map((each, i) => (i === 2 ? { ...each, hashes: [] } : each));
  const forged = formatTlogProof({
    ...proof,
    index: 2n,
    hashes,
    extra: Buffer.from(JSON.stringify({ ...extra, entries })),
  });
  assert.equal(verdict(forged, policy), 'trusted');
  assert.equal(readLogProof(forged, policy).isWhole, false, 'and it does not pass for a whole one');
  const whole = writeLogProof(seen, HIDDEN, SALT, true) as Uint8Array;
  assert.equal(readLogProof(whole, policy).isWhole, true);
  assert.match(verdict(whole, policy), /was revoked/);
  // As many entries, of which one stands for the revocation.
  const parts = partsOf(whole);
  const [first] = parts.extra.entries;
  for (const place of [0, 1, 2]) {
    const swapped = parts.extra.entries.map((each) =>
      each.index === place
        ? { ...each, entry: first?.entry === each.entry ? 'AAAA' : first?.entry }
        : each,
    );
    const changed = Buffer.from(JSON.stringify({ ...parts.extra, entries: swapped }));
    assert.throws(() => verdict(formatTlogProof({ ...parts.proof, extra: changed }), policy), {
      code: 'bad-input',
    });
  }
});

test('a log that is too long to be in a proof whole is not put there', async (t) => {
  const { path, policy, network } = logIn(t);
  grow(path, network, BASICS);
  const seen = await view(path, policy);
  const nothing = new Uint8Array(1);
  const entries = Array.from({ length: 2 ** 17 + 1 }, (_, i) => seen.entries[i] ?? nothing);
  const long = { ...seen, entries };
  assert.throws(() => writeLogProof(long, HIDDEN, SALT, true), /at most 131072 entries.*131073/);
  assert(writeLogProof(long, HIDDEN, SALT) !== undefined);
});

test('an expired key signs no more, and what it signed stays', async (t) => {
  const { path, policy, network } = logIn(t);
  const until = 1_800_000_003;
  const [claim, , metadata] = BASICS as [
    (typeof BASICS)[0],
    (typeof BASICS)[0],
    (typeof BASICS)[0],
  ];
  const grant = [
    { kind: 'register-key', ...OF, serial: 2, until, publicKey: tagging.publicKey },
    root,
  ] as const;
  const late = [
    {
      kind: 'register-metadata',
      ...OF,
      tag: HIDDEN.tag,
      serial: 4,
      until: 0,
      digests: [`sha256:${'cd'.repeat(32)}`],
    },
    tagging,
  ] as const;
  // The log takes one entry a second; the key ends before the fourth.
  grow(path, network, [claim, grant, metadata, late]);
  const proof = writeLogProof(await view(path, policy), HIDDEN, SALT) as Uint8Array;
  assert.equal(verdict(proof, policy), 'trusted');
  // An entry with an earlier time does not set the clock back.
  grow(path, network, [late], 1_700_000_000_000);
  assert.equal(
    verdict(writeLogProof(await view(path, policy), HIDDEN, SALT) as Uint8Array, policy),
    'trusted',
  );
});

test('a command for one log or chain means nothing in another', async (t) => {
  const { path, policy, network } = logIn(t);
  grow(path, networkOfLog(witness.key), BASICS);
  assert.equal(writeLogProof(await view(path, policy), HIDDEN, SALT), undefined);
  assert.notEqual(network, networkOfLog(witness.key));
});

test('a log that is not what it signed is refused', async (t) => {
  const { path, key, policy, network } = logIn(t);
  grow(path, network, BASICS);
  const flip =
    (at: number) =>
    (name: string, body: Buffer): Buffer => {
      if (!name.startsWith('tile/entries')) return body;
      const changed = Buffer.from(body);
      changed[at] = (changed[at] as number) ^ 1;
      return changed;
    };
  for (const change of [
    flip(2),
    flip(0),
    flip(60),
    () => undefined,
    (name: string, body: Buffer) => (name === 'checkpoint' ? body.subarray(0, -10) : body),
  ])
    await assert.rejects(view(path, policy, filesOf(path, change)), TrustLogError);
  // Nobody has cosigned it, or another log's key has signed it.
  const alone = (name: string, body: Buffer): Buffer =>
    name === 'checkpoint'
      ? Buffer.from(`${body.toString().split('\n').slice(0, 5).join('\n')}\n`)
      : body;
  await assert.rejects(view(path, policy, filesOf(path, alone)), /no quorum/);
  await view(path, policyOf(key, 'quorum none'), filesOf(path, alone));
  const other = parseSignerKey(generateSignerKey('log.test/trust', 'Ed25519'));
  await assert.rejects(view(path, policyOf(other.key, 'quorum W')), /no log of the policy/);
});

test('a log that forks or goes back is noticed by who read it before', async (t) => {
  const { path, policy, network } = logIn(t);
  grow(path, network, BASICS.slice(0, 1));
  cpSync(path, `${path}-2`, { recursive: true });
  grow(path, network, BASICS.slice(1));
  // The other branch has mallory's tagging key under the same name.
  const grant = [
    { kind: 'register-key', ...OF, serial: 2, until: 0, publicKey: mallory.publicKey },
    root,
  ] as const;
  grow(`${path}-2`, network, [
    grant,
    BASICS[0] as (typeof BASICS)[0],
    BASICS[0] as (typeof BASICS)[0],
  ]);
  const [one, two] = [await view(path, policy), await view(`${path}-2`, policy)];
  const text = (of: LogView): string => Buffer.from(of.note).toString();
  assert.throws(() => requireGrown(text(one), two), isOf('log-forked'));
  assert.throws(() => requireGrown(text(two), one), isOf('log-not-trusted'), 'it is shorter');
  requireGrown(text(one), one);
});

test('a proof that was changed anywhere proves nothing', async (t) => {
  const { path, policy, network } = logIn(t);
  // Another's entry, so that the proof does not have the whole log.
  const bob = {
    kind: 'register-root-key',
    user: 'bob',
    serial: 1,
    publicKey: mallory.publicKey,
  } as const;
  grow(path, network, [...BASICS, [bob, mallory]]);
  const bytes = writeLogProof(await view(path, policy), HIDDEN, SALT) as Uint8Array;
  const proof = parseTlogProof(bytes);
  type Extra = {
    entries: { index: number; entry: string; hashes: string[] }[];
    salt?: string;
    anchor?: unknown;
  };
  const with_ = (change: (extra: Extra) => unknown): Uint8Array => {
    const extra = JSON.parse(Buffer.from(proof.extra as Uint8Array).toString()) as Extra;
    change(extra);
    return formatTlogProof({ ...proof, extra: Buffer.from(JSON.stringify(extra)) });
  };
  const first = (extra: Extra): Extra['entries'][0] => extra.entries[0] as Extra['entries'][0];
  const anchor = {
    checkpoint: Buffer.from(proof.checkpoint).toString('base64'),
    stamp: '',
    consistency: [],
  };
  for (const [name, change] of [
    ['no entries', (extra) => (extra.entries = [])],
    ['the last one is left out', (extra) => extra.entries.pop()],
    ['an entry twice', (extra) => extra.entries.splice(1, 0, first(extra))],
    ['out of order', (extra) => extra.entries.reverse()],
    ['another index', (extra) => (first(extra).index = 1)],
    ['an index outside', (extra) => (first(extra).index = 4)],
    ['another entry', (extra) => (first(extra).entry = Buffer.from('x').toString('base64'))],
    ['no path', (extra) => (first(extra).hashes = [])],
    ['a short hash', (extra) => (first(extra).hashes = ['AAAA'])],
    ['a short salt', (extra) => (extra.salt = '00')],
    ['an anchor that is none', (extra) => (extra.anchor = anchor)],
    ['an anchor of another log', (extra) => (extra.anchor = { ...anchor, checkpoint: 'AAAA' })],
  ] as [string, (extra: Extra) => unknown][])
    assert.throws(() => verdict(with_(change), policy), { code: 'bad-input' }, name);
  // What is left out is not noticed, and gains nothing: the chain of keys is cut.
  assert.match(
    verdict(
      with_((extra) => extra.entries.shift()),
      policy,
    ),
    /Nobody has registered/,
  );
  assert.match(
    verdict(
      with_((extra) => extra.entries.splice(1, 1)),
      policy,
    ),
    /Nothing is signed/,
  );
  assert.match(
    verdict(
      with_((extra) => delete extra.salt),
      policy,
    ),
    /Nothing is signed/,
  );
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
      const changed = Uint8Array.from(bytes);
      if (changed[at] === byte) return;
      changed[at] = byte;
      try {
        // A salt or a number that is read the same is no other proof.
        assert.notEqual(verdict(changed, policy, mallory.publicKey), 'trusted');
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'bad-input', String(error));
      }
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
      assert.throws(() => readLogProof(noise, policy), { code: 'bad-input' });
    }),
  );
});

test('the time of a quorum is that which enough witnesses vouch for', () => {
  const names = ['A', 'B', 'C'];
  const keys = names.map((name) =>
    parseSignerKey(generateSignerKey(`${name}.test/w`, 'Ed25519 cosignature')),
  );
  const lines = names.map(
    (name, i) => `witness ${name} ${formatNoteKey((keys[i] as NoteSigner).key)}`,
  );
  const policy = parsePolicy(Buffer.from(`${lines.join('\n')}\ngroup two 2 A B C\nquorum two\n`));
  for (const [times, want] of [
    [[30n, 20n, 10n], 20n],
    [[30n, 30n, 10n], 30n],
    // One whose clock is years ahead makes nothing newer.
    [[9_000_000_000n, 20n, 10n], 20n],
    [[30n, 0n, 0n], undefined],
    [[0n, 20n, 10n], 10n],
  ] as const) {
    const cosignedBy = names.map((name, i) => ({ witness: name, time: times[i] as bigint }));
    assert.equal(quorumTime(policy, cosignedBy), want, times.join());
  }
});

test('a log goes on after a crash with what it signed, and never signs two trees of one size', (t) => {
  const { path, network } = logIn(t);
  grow(path, network, BASICS);
  const signed = readFileSync(join(path, 'signed'));
  const bundle = 'public/tile/entries/000.p/3';
  // It died after the entries of the next tree were written, and before that tree was signed.
  copyFileSync(join(path, bundle), join(path, 'public/tile/entries/000.p/4'));
  const again = LogStore.open(path);
  assert.equal(again.size, 3);
  assert.equal(LogStoreBusy(path), 'busy');
  again.close();
  assert.deepEqual(readFileSync(join(path, 'signed')), signed);
  // Its disk lost an entry, or a stranger changed one: then it signs nothing more.
  const good = readFileSync(join(path, bundle));
  const bad = Buffer.from(good);
  bad[20] = (bad[20] as number) ^ 1;
  for (const bytes of [bad, good.subarray(0, 50), Buffer.alloc(0)]) {
    writeFileSync(join(path, bundle), bytes);
    assert.throws(() => LogStore.open(path), { code: 'store-failed' });
  }
  writeFileSync(join(path, bundle), good);
  LogStore.open(path).close();
  assert.throws(() => LogStore.make(path, 'log.test/other'), { code: 'bad-input' });
});

function LogStoreBusy(path: string): string | undefined {
  try {
    LogStore.open(path).close();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

test('the server gives nothing but the log, and takes nothing but commands', async (t) => {
  const { path, network } = logIn(t);
  grow(path, network, BASICS);
  const added: Uint8Array[] = [];
  const server = await LogServer.start({
    address: '127.0.0.1',
    port: 0,
    directory: join(path, 'public'),
    add: (command) => {
      added.push(command);
      if (command[0] === 0) throw new Refused(409, 'Not taken: the name is taken.');
      return Promise.resolve({ index: 3, published: true });
    },
    onError: (error) => assert.fail(String(error)),
  });
  t.after(() => server.stop());
  const get = async (to: string, init?: RequestInit): Promise<number> =>
    (await fetch(new URL(to, server.at.url), init)).status;
  for (const [to, want] of [
    ['checkpoint', 200],
    ['tile/0/000.p/3', 200],
    ['tile/entries/000.p/3', 200],
    ['tile/0/000', 404],
    ['anchor', 404],
    ['key', 404],
    ['../key', 404],
    ['%2e%2e/key', 404],
    ['tile/..%2f..%2fkey', 404],
    ['tile/', 404],
    ['add', 405],
    ['', 404],
  ] as const)
    assert.equal(await get(to), want, to);
  const json = { 'content-type': 'application/json' };
  for (const [body, headers, want] of [
    ['{"command":"ff"}', json, 200],
    ['{"command":"00"}', json, 409],
    ['{"command":"ff"}', { 'content-type': 'text/plain' }, 415],
    ['{"command":"f"}', json, 400],
    ['{"command":7}', json, 400],
    ['{"command":""}', json, 400],
    ['{', json, 400],
    ['x'.repeat(10_000), json, 413],
  ] as const)
    assert.equal(await get('add', { method: 'POST', body, headers }), want, body.slice(0, 30));
  assert.equal(added.length, 2);
  const add = (from: string): Promise<number> =>
    get('add', {
      method: 'POST',
      body: '{"command":"ff"}',
      headers: { ...json, 'x-forwarded-for': from },
    });
  // The web server says who asks; one asks too often, from all over its network, and no other is touched.
  const often = await Promise.all(
    Array.from({ length: 120 }, (_, number) => add(`192.0.2.9, 2001:db8::${number}`)),
  );
  assert.deepEqual(new Set(often), new Set([200, 429]));
  assert(often.filter((status) => status === 200).length >= 100);
  assert.equal(await add('192.0.2.9'), 200);
});
