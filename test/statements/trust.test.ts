// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hashLeaf } from '../../src/merkle/hash.ts';
import { parseCheckpoint } from '../../src/statements/checkpoint.ts';
import { cosign, noteSigner, type NoteSigner } from '../../src/statements/cosignature.ts';
import { formatNoteKey } from '../../src/statements/note-key.ts';
import { parsePolicy, type Policy } from '../../src/statements/policy.ts';
import { isTlogProof, parseTlogProof } from '../../src/statements/tlog-proof.ts';
import { checkCheckpoint, checkProof, type TrustedCheckpoint } from '../../src/statements/trust.ts';
import {
  REKOR_CHECKPOINT,
  REKOR_VKEY,
  STAGEMOLE_VKEY,
  SUMDB_ENTRY,
  SUMDB_PROOF,
  SUMDB_VKEY,
} from '../support/real-checkpoints.ts';
import { fc } from '../support/random.ts';
import { treeOf } from '../support/signing-log.ts';
import { MLDSA_CHECKPOINT, MLDSA_LOG } from '../support/torchwood-mldsa.ts';

const TIME = 1_700_000_000n;
const log = noteSigner('log.test/a', 'Ed25519', Buffer.alloc(32, 1));
const [w1, w2, w3] = [2, 3, 4].map((n) =>
  noteSigner(`w${n}.test`, n === 3 ? 'ML-DSA-44' : 'Ed25519 cosignature', Buffer.alloc(32, n)),
) as [NoteSigner, NoteSigner, NoteSigner];
const vkey = ({ key }: NoteSigner): string => formatNoteKey(key);
const policy = (text: string): Policy => parsePolicy(Buffer.from(text));
const TWO = policy(
  `log ${vkey(log)}\nwitness W1 ${vkey(w1)}\nwitness W2 ${vkey(w2)}\nwitness W3 ${vkey(w3)}\ngroup two 2 W1 W2 W3\nquorum two\n`,
);

/** A checkpoint of nine entries, signed by each. */
function signed(
  signers: readonly NoteSigner[],
  { origin = 'log.test/a', extension = '', time = TIME } = {},
): string {
  const text = `${origin}\n9\n${Buffer.from(treeOf(9).root(9)).toString('base64')}\n${extension}`;
  const checkpoint = parseCheckpoint(`${text}\n\u2014 x AAAAAAA=\n`);
  return `${text}\n${signers.map((each) => cosign(each, checkpoint, time)).join('')}`;
}
/** The lines below the blank line. */
const linesOf = (note: string): string => note.slice(note.indexOf('\n\n') + 2);
const check = (note: string | Uint8Array, by = TWO): TrustedCheckpoint =>
  checkCheckpoint(typeof note === 'string' ? Buffer.from(note) : note, by);

describe('a checkpoint is held against a policy', () => {
  test('which accepts it with a quorum, and says who cosigned and when', () => {
    const { faults, logs, cosigned } = check(signed([log, w1, w2]));
    assert.deepEqual(faults, []);
    assert.deepEqual(logs, ['log.test/a']);
    assert.deepEqual(cosigned, [
      { witness: 'W1', time: TIME },
      { witness: 'W2', time: TIME },
    ]);
  });

  test('of real logs: Rekor v2 with a witness, the checksum database, a log of ML-DSA-44', () => {
    const rekor = policy(`log ${REKOR_VKEY}\nwitness mole ${STAGEMOLE_VKEY}\nquorum mole\n`);
    assert.deepEqual(check(REKOR_CHECKPOINT, rekor).faults, []);
    const [, line] = REKOR_CHECKPOINT.split(/(?=\u2014 witness)/);
    assert.match(check(REKOR_CHECKPOINT.replace(line ?? '', ''), rekor).faults.join(), /no quorum/);
    assert.deepEqual(check(MLDSA_CHECKPOINT, policy(`log ${MLDSA_LOG}\nquorum none`)).faults, []);
  });

  const refused: [string, string | Uint8Array, RegExp][] = [
    ['without a quorum', signed([log, w1]), /cosignatures \(1 of 3\) are no quorum: "two"/],
    ['with one cosignature twice', signed([log, w1, w1]), /\(1 of 3\) are no quorum/],
    ['without the log', signed([w1, w2]), /no log of the policy signed it/],
    [
      'with a log of the policy and another origin',
      signed([log, w1, w2], { origin: 'log.test/b' }),
      /its origin is "log\.test\/b"/,
    ],
    [
      'with a bad line of a witness beside a quorum',
      `${signed([log, w1, w2])}${linesOf(signed([w3], { time: 1n })).replace(/AAAAA\S{10}/, 'AAAAAAAAAAAAAAA')}`,
      /by the witness W3 is not good/,
    ],
    [
      'with a bad line of the log beside a good one',
      `${signed([log, w1, w2])}${linesOf(signed([log], { extension: 'x\n' }))}`,
      /by the log log\.test\/a is not good/,
    ],
    [
      'with another text',
      signed([log, w1, w2]).replace('\n9\n', '\n8\n'),
      /not good.*not good.*not good/s,
    ],
    [
      'with another text for ML-DSA-44 alone',
      signed([log, w1, w2], { extension: '' }).replace(/^log/, 'LOG'),
      /not good/,
    ],
  ];
  for (const [what, note, reason] of refused)
    test(`${what} it is not accepted`, () => assert.match(check(note).faults.join('\n'), reason));

  test('and lines of strangers count for nothing, and spoil nothing', () => {
    const stranger = noteSigner('w2.test', 'Ed25519 cosignature', Buffer.alloc(32, 99));
    const sameId = signed([log, w1, w2]).replace(
      /$/,
      '\u2014 other.test '.concat(
        Buffer.concat([w1.key.keyId, Buffer.alloc(72)]).toString('base64'),
        '\n',
      ),
    );
    assert.deepEqual(check(sameId).faults, []);
    assert.deepEqual(check(signed([log, w1, w2, stranger])).faults, []);
    assert.match(check(signed([log, w1, stranger])).faults.join(), /no quorum/);
  });

  test('with extension lines: by Ed25519 they are covered, by ML-DSA-44 they are not', () => {
    const [extended, plain] = [signed([log, w1, w3], { extension: 'more\n' }), signed([w2])];
    assert.deepEqual(check(extended).faults, []);
    // A cosignature of the tree counts as one of the tree, whatever else the log says.
    const added = `${signed([log, w1], { extension: 'more\n' })}${linesOf(plain)}`;
    const { faults, hasExtensionLines } = check(added);
    assert.deepEqual([faults, hasExtensionLines], [[], true]);
    assert.match(check(extended.replace('more\n', 'less\n')).faults.join(), /not good/);
    // The log itself must have signed them.
    const mlDsa = noteSigner('log.test/a', 'ML-DSA-44', Buffer.alloc(32, 9));
    const by = policy(`log ${vkey(mlDsa)}\nquorum none\n`);
    assert.deepEqual(check(signed([mlDsa]), by).faults, []);
    const forged = signed([mlDsa]).replace('\n\n', '\nforged\n\n');
    assert.match(check(forged, by).faults.join(), /extension lines, which .* does not cover/);
  });

  test('and a time of 0 is a cosignature that does not say when', () => {
    const { faults, cosigned } = check(signed([log, w1, w2], { time: 0n }));
    assert.deepEqual([faults, cosigned.map(({ time }) => time)], [[], [0n, 0n]]);
  });

  const GOOD = signed([log, w1, w2]);
  test('is not what was signed with a mark of byte order before it', () => {
    assert.deepEqual(check(GOOD).faults, []);
    assert.notDeepEqual(check(`\ufeff${GOOD}`).faults, []);
  });
  const malformed: [string, string | Uint8Array, RegExp][] = [
    ['carriage returns', GOOD.replaceAll('\n', '\r\n'), /control character/],
    ['a tab', GOOD.replace('log.test/a', 'log.test/a\t'), /control character/],
    ['a zero', `${GOOD}\0`, /control character/],
    [
      'bytes that are no UTF-8',
      Buffer.concat([Buffer.from([0xff]), Buffer.from(GOOD)]),
      /not UTF-8/,
    ],
    ['no newline at the end', GOOD.slice(0, -1), /does not end in a signature line/],
    ['an empty line at the end', `${GOOD}\n`, /line 2|signature/],
    ['two spaces in a line', GOOD.replace('\u2014 w2', '\u2014  w2'), /is no signature/],
    ['a hyphen for the dash', GOOD.replace('\u2014 w2', '- w2'), /is no signature/],
    [
      'a name with a space of Unicode',
      GOOD.replace('w2.test', 'w2\u00a0test'),
      /is no signature|space or a plus/,
    ],
    ['a name with a plus', GOOD.replace('w2.test', 'w2+test'), /space or a plus/],
    ['an empty extension line', GOOD.replace('\n\n', '\nmore\n\nmore\n\n'), /empty line among/],
    ['a size with a leading zero', GOOD.replace('\n9\n', '\n09\n'), /line 2/],
    ['a size beyond 2^64', GOOD.replace('\n9\n', '\n18446744073709551616\n'), /line 2/],
    [
      'a root of 31 bytes',
      GOOD.replace(/\n9\n\S+/, `\n9\n${Buffer.alloc(31).toString('base64')}`),
      /line 3/,
    ],
    ['no origin', GOOD.replace(/^\S+/, ''), /origin/],
    ['101 signature lines', GOOD + '\u2014 x AAAAAAA=\n'.repeat(101), /more than 100/],
    ['nothing', '', /blank line/],
  ];
  for (const [what, note, reason] of malformed)
    test(`and is none with ${what}`, () => assert.throws(() => check(note), reason));

  test('of any bytes it is refused with RangeError or held against the policy', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(GOOD.length), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
        (changes) => {
          const bytes = Buffer.from(GOOD);
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          try {
            const { faults } = check(bytes);
            if (!bytes.equals(Buffer.from(GOOD))) {
              // What is left of the quorum must be all of it: the text is covered by each.
              const text = GOOD.slice(0, GOOD.indexOf('\n\n') + 1);
              if (faults.length === 0) assert.ok(bytes.toString('utf8').startsWith(text));
            }
          } catch (error) {
            assert.ok(error instanceof RangeError);
          }
        },
      ),
    );
  });
});

describe('a proof file', () => {
  const bytes = Buffer.from(SUMDB_PROOF);
  const go = policy(`log ${SUMDB_VKEY}\nquorum none\n`);
  const leaf = hashLeaf(Buffer.from(SUMDB_ENTRY));

  test("of Go's checksum database: the entry is in the log, and no other is", () => {
    assert.equal(isTlogProof(bytes), true);
    const proof = parseTlogProof(bytes);
    assert.deepEqual([proof.extra, proof.index, proof.hashes.length], [undefined, 37_764_012n, 27]);
    assert.deepEqual(checkProof(proof, leaf, go).faults, []);
    const faults = (changed: string, of = leaf): string =>
      checkProof(parseTlogProof(Buffer.from(changed)), of, go).faults.join();
    assert.match(faults(SUMDB_PROOF, hashLeaf(Buffer.from(`${SUMDB_ENTRY} `))), /does not lead/);
    assert.match(faults(SUMDB_PROOF.replace('index 37764012', 'index 37764013')), /does not lead/);
    assert.match(faults(SUMDB_PROOF.replace('index 37764012', 'index 72201322')), /not in a tree/);
    assert.match(faults(SUMDB_PROOF.replace(/(index.*\n)\S+\n/, '$1')), /malformed/);
    assert.match(faults(SUMDB_PROOF.replace('\n72201322\n', '\n72201323\n')), /not good/);
  });

  test('may have extra data, which nobody signed', () => {
    const extended = SUMDB_PROOF.replace('@v1\n', '@v1\nextra aGVsbG8=\n');
    const proof = parseTlogProof(Buffer.from(extended));
    assert.equal(Buffer.from(proof.extra ?? []).toString(), 'hello');
    assert.deepEqual(checkProof(proof, leaf, go).faults, []);
  });

  test('of the only entry has no hashes', () => {
    const note = signed([log]).replace('\n9\n', '\n9\n');
    const { index, hashes, checkpoint } = parseTlogProof(
      Buffer.from(`c2sp.org/tlog-proof@v1\nindex 0\n\n${note}`),
    );
    assert.deepEqual([index, hashes, Buffer.from(checkpoint).toString()], [0n, [], note]);
  });

  const malformed: [string, string, RegExp][] = [
    ['another version', SUMDB_PROOF.replace('@v1', '@v2'), /line 1/],
    ['no index', SUMDB_PROOF.replace(/index.*\n/, ''), /line 2: want "index"/],
    ['an index with a zero before it', SUMDB_PROOF.replace('index ', 'index 0'), /line 2/],
    ['a negative index', SUMDB_PROOF.replace('index ', 'index -'), /line 2/],
    ['two spaces', SUMDB_PROOF.replace('index ', 'index  '), /line 2/],
    ['extra behind the index', SUMDB_PROOF.replace(/(index.*\n)/, '$1extra aGVsbG8=\n'), /line 3/],
    ['extra that is no base64', SUMDB_PROOF.replace('@v1\n', '@v1\nextra !\n'), /line 2/],
    [
      'a hash of 31 bytes',
      SUMDB_PROOF.replace(/(index.*\n)/, `$1${Buffer.alloc(31).toString('base64')}\n`),
      /line 3/,
    ],
    ['a carriage return', SUMDB_PROOF.replace('\n', '\r\n'), /line 1/],
    ['no checkpoint', SUMDB_PROOF.slice(0, SUMDB_PROOF.indexOf('\n\n')), /ends in the middle/],
    [
      'a thousand hashes',
      SUMDB_PROOF.replace(
        /(index.*\n)/,
        `$1${`${Buffer.alloc(32).toString('base64')}\n`.repeat(1000)}`,
      ),
      /at most 64/,
    ],
    ['nothing', '', /line 1: the file ends/],
  ];
  for (const [what, text, reason] of malformed)
    test(`with ${what} is refused`, () =>
      assert.throws(() => parseTlogProof(Buffer.from(text)), reason));
});
