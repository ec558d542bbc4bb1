// SPDX-License-Identifier: Apache-2.0
/** CTng's objects and their signatures, against what its Go programs wrote. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodePublicKey, decodeSignature, herumi } from '../../src/bls/herumi.ts';
import { verify } from '../../src/bls/signatures.ts';
import { readGossiperConfig } from '../../src/ctng/config.ts';
import { rsaPublicKey, signaturesBy, type Signatures } from '../../src/ctng/crypto.ts';
import {
  decodeObject,
  encodeObject,
  encodeObjects,
  isConflict,
  messageOf,
  readSignature,
  statementOf,
  type GossipObject,
} from '../../src/ctng/object.ts';
import { fc } from '../support/random.ts';
import { needsShared, readShared, sharedPath } from '../support/shared.ts';
import { BLS_PUBLIC, PRINTED, RECORDED, RSA_PUBLIC } from './vectors.ts';

const blsPublic = new Map(
  Object.entries(BLS_PUBLIC).map(([id, key]) => [id, decodePublicKey(Buffer.from(key, 'base64'))]),
);
const rsaPublic = new Map(
  Object.entries(RSA_PUBLIC).map(([id, N]) => [id, rsaPublicKey({ N, E: 65537n })]),
);
/** Checks with the published keys, and has none of its own. */
const published: Signatures = signaturesBy({
  self: 'localhost:1',
  threshold: 2,
  rsaPublic,
  blsPublic,
  rsaPrivate: undefined as never,
  blsSecret: 1n,
});

function keysOf(ids: readonly string[]): NonNullable<ReturnType<typeof blsPublic.get>>[] {
  return ids.map((id) => {
    const key = blsPublic.get(id);
    assert(key !== undefined);
    return key;
  });
}

describe("the slides' signatures", () => {
  for (const { sign, payload } of PRINTED)
    test(`${sign.slice(0, 8)}... holds, and no other`, () => {
      const [bytes, message] = [Buffer.from(sign, 'hex'), Buffer.from(payload.join(''))];
      const keys = keysOf(['localhost:8080', 'localhost:8082']);
      assert(verify(herumi, decodeSignature(bytes), message, keys));
      assert(!verify(herumi, decodeSignature(bytes), message, keys.slice(1)));
      assert(!verify(herumi, decodeSignature(bytes), message.subarray(1), keys));
      for (const bit of [0, 7, 100, 200, 382, 383]) {
        const flipped = flip(bytes, bit);
        assert(!holds(() => verify(herumi, decodeSignature(flipped), message, keys)), `bit ${bit}`);
      }
    });

  test('as seed 001 has the first, it is none: one digit was misread', () => {
    const { sign = '', payload = [] } = PRINTED[0] ?? {};
    const misread = Buffer.from(sign.replace('e83e03', 'e8ae03'), 'hex');
    assert(
      !holds(() =>
        verify(
          herumi,
          decodeSignature(misread),
          Buffer.from(payload.join('')),
          keysOf(['localhost:8080', 'localhost:8082']),
        ),
      ),
    );
  });
});

describe('what the Go programs said', () => {
  for (const text of RECORDED) {
    const object = decodeObject(text);
    test(`${object.type} is read, written to the same bytes, and holds`, () => {
      assert.equal(encodeObject(object), text);
      assert.equal(published.fault(object), undefined);
    });
    test(`${object.type} with one bit flipped is refused`, () => {
      assertFlipsRefused(published, text);
    });
  }

  test('all 121 messages hold', { skip: needsShared('ctng/messages.jsonl') }, () => {
    const crypto = sharedPath('ctng/gossiper1-crypto.json') ?? '';
    const { keys } = readGossiperConfig(
      sharedPath('ctng/gossiper_pub_config.json') ?? '',
      sharedPath('ctng/gossiper1-config.json') ?? '',
      crypto,
    );
    const signatures = signaturesBy(keys);
    const lines = readShared('ctng/messages.jsonl').toString().trim().split('\n');
    assert.equal(lines.length, 121);
    for (const line of lines) {
      const text = line.slice(line.indexOf('"object":') + 9, -1);
      const object = decodeObject(text);
      assert.equal(encodeObject(object), text);
      assert.equal(signatures.fault(object), undefined);
    }
  });

  test("a monitor's file is written to the same bytes", { skip: needsShared('ctng') }, () => {
    const text = readShared('ctng/monitor1-conflict-pom.json').toString();
    const [line = ''] = RECORDED.filter((each) => each.includes('/304"'));
    assert.equal(encodeObjects([decodeObject(line)]), text.trimEnd());
  });
});

/** In the payload, in each signature and in the names. */
function assertFlipsRefused(signatures: Signatures, text: string): void {
  const object = decodeObject(text);
  const { payload, signature, signer, signers } = object;
  const changed: GossipObject[] = [];
  for (const i of [0, 1, 2] as const) {
    const part = payload[i];
    if (part === '') continue;
    const other: [string, string, string] = [...payload];
    other[i] = flipText(part, part.length - 3);
    changed.push({ ...object, payload: other });
  }
  for (const i of [0, 1] as const) {
    // Go's programs leave the second of a CON_FRAG unsigned, and unread.
    if (signature[i] === '' || (i === 1 && object.type === 'CON_FRAG')) continue;
    for (const at of [12, 40, signature[i].length - 4]) {
      const other: [string, string] = [...signature];
      other[i] = flipText(signature[i], at);
      changed.push({ ...object, signature: other });
    }
  }
  if (signer !== '') changed.push({ ...object, signer: flipText(signer, 11) });
  if (signers !== undefined)
    changed.push({ ...object, signers: signers.map((each) => flipText(each, 12)) });
  for (const each of changed)
    assert(
      !holds(() => signatures.fault(decodeObject(encodeObject(each))) === undefined),
      JSON.stringify(each),
    );
}

function holds(check: () => boolean): boolean {
  try {
    return check();
  } catch (error) {
    assert(error instanceof RangeError || error instanceof SyntaxError, String(error));
    return false;
  }
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return flipped;
}

function flipText(text: string, at: number): string {
  return Buffer.from(flip(Buffer.from(text), at * 8)).toString();
}

describe('a signature counts only for whom it names', () => {
  const [sth, con, acc, , full] = RECORDED.map(decodeObject) as [
    GossipObject,
    GossipObject,
    GossipObject,
    GossipObject,
    GossipObject,
  ];
  const [sign] = full.signature;
  const cases: [name: string, object: GossipObject, want: RegExp][] = [
    [
      'a monitor signs for a logger',
      { ...sth, signature: acc.signature },
      /is signed by localhost:8180, not by localhost:9000/,
    ],
    ['a head of another period', { ...sth, period: '14' }, /says that it is of period 13/],
    [
      'an accusation is no statement',
      {
        ...con,
        payload: ['localhost:8180', 'localhost:9002', 'localhost:9102'],
        signature: [acc.signature[0], acc.signature[0]],
      },
      /no two statements/,
    ],
    [
      'a threshold of one',
      {
        ...full,
        signers: ['localhost:8080'],
        signature: [sign.replace(',"localhost:8082"', ''), ''],
      },
      /is signed by 1, want 2/,
    ],
    [
      'one gossiper twice',
      {
        ...full,
        signers: ['localhost:8080', 'localhost:8080'],
        signature: [sign.replace('8082', '8080'), ''],
      },
      /is signed by 1, want 2/,
    ],
    ['other signers', { ...full, signers: ['localhost:8080', 'localhost:8081'] }, /names others/],
    [
      'nobody known, and no signature',
      {
        ...full,
        signers: ['a', 'b'],
        signature: [`{"sign":"${'0'.repeat(96)}", "ids":["a","b"]}`, ''],
      },
      /whose key is not known/,
    ],
    [
      'the point at infinity',
      { ...full, signature: [sign.replace(/[0-9a-f]{96}/, '0'.repeat(96)), ''] },
      /is no point/,
    ],
  ];
  for (const [name, object, want] of cases)
    test(name, () => assert.match(published.fault(object) ?? 'holds', want));

  test('what signs one head twice contradicts nothing', () => {
    const again = messageOf(sth).replace('"TreeSize":0', '"TreeSize": 0');
    const [first, second] = [messageOf(sth), again].map((text) => statementOf(sth.signer, text));
    assert(first !== undefined && second !== undefined && !isConflict(first, second));
  });

  test('nor do two orders of the fields', () => {
    const ca = 'localhost:9100';
    const [first, second] = ['"RootHash":"x","Period":"13"', '"Period":"13","RootHash":"x"'].map(
      (fields) => statementOf(ca, `${ca}CRV{"Day":1,"SRH":{${fields}}}`),
    );
    assert(first !== undefined && second !== undefined && !isConflict(first, second));
  });

  test('heads of two periods contradict nothing', () => {
    const [, one, other] = con.payload;
    const later = other.replace('"Timestamp":"13"', '"Timestamp":"14"');
    const [a, b, c] = [one, other, later].map((text) => statementOf('localhost:9000', text));
    assert(a !== undefined && b !== undefined && c !== undefined);
    assert(isConflict(a, b));
    assert(!isConflict(a, c));
  });
});

describe('hostile objects', () => {
  const [text = ''] = RECORDED;
  const documents: [name: string, text: string, want: RegExp | typeof SyntaxError][] = [
    ['no JSON', '{', SyntaxError],
    ['a body and more behind it', `${text}}`, SyntaxError],
    ['lists in lists', '['.repeat(100_000) + ']'.repeat(100_000), SyntaxError],
    ['no end of a time', text.replace('"13","crypto', `"${'1'.repeat(65)}","crypto`), /no time/],
    [
      'no end of a signature',
      text.replace(',""],"t', `,"${'x'.repeat(65_537)}"],"t`),
      /too long a/,
    ],
    ['a list', '[]', /no JSON object/],
    ['another application', text.replace('"CTng"', '"x"'), /application 'x'/],
    ['another type', text.replace('/101"', '/999"'), /does not know/],
    ['a number for text', text.replace('"13"', '13'), /period is no text/],
    ['a period of no hour', text.replace('"period":"13"', '"period":"60"'), /want 0 to 59/],
    ['two ways to write a period', text.replace('"period":"13"', '"period":"013"'), /want 0 to 59/],
    ['a signer who is another', text.replace('"signer":"localhost:9000"', '"signer":"x"'), /about/],
    ['signers of a head', text.replace('"signers":null', '"signers":{"0":"x"}'), /has signers/],
    ['signers with names', text.replace('"signers":null', '"signers":{"x":"x"}'), /no number/],
    ['a second signature', text.replace(',""],"timestamp"', ',"x"],"timestamp"'), /two signatures/],
    ['another scheme', text.replace('"RSA"', '"BLS"'), /signed by 'BLS'/],
  ];
  for (const [name, document, want] of documents)
    test(name, () => assert.throws(() => decodeObject(document), want));

  test("names in any case, fields that Go does not know, and what is missing, as Go's reader", () => {
    const loose = text
      .replace('"application"', '"Application"')
      .replace('"signers":null,', '"more":[1],')
      .replace(',""],"timestamp"', '],"timestamp"');
    assert.equal(encodeObject(decodeObject(loose)), text);
  });

  test('what is no JSON costs no more than what is', () => {
    const cost = (json: string): number => {
      const { user } = process.cpuUsage();
      holds(() => Boolean(decodeObject(json)));
      return process.cpuUsage({ user, system: 0 }).user;
    };
    const quotes = '\\"'.repeat(50_000);
    const good = Math.max(...[1, 2, 3].map(() => cost(`["${quotes}"]`)));
    const bad = Math.min(...[1, 2, 3].map(() => cost(`["${quotes}`)));
    // Looked at from each quote on, it takes some thousand times as long.
    assert(bad < 50 * good, `${bad} and ${good} microseconds`);
  });

  test('nothing else than what is declared is thrown', () => {
    fc.assert(
      fc.property(fc.json(), fc.integer({ min: 0, max: 400 }), (json, at) => {
        for (const each of [json, text.slice(0, at) + json + text.slice(at)])
          holds(() => Boolean(decodeObject(each)));
        holds(() => Boolean(readSignature(json)));
      }),
    );
  });
});
