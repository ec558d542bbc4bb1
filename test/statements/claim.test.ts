// SPDX-License-Identifier: Apache-2.0
/** Claims of every form: what becomes a verified statement, and why others do not. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseClaim, verifyClaim, type StatementForm } from '../../src/statements/claim.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { fc } from '../support/random.ts';

const log = new SigningLog();
const root = treeOf(9).root();
const head = log.sign(9, root);

interface Example {
  readonly text: string;
  /** The same with another tree size, which the log did not sign. */
  readonly altered: string;
  /** Bytes that are not of the form, and why. */
  readonly malformed: readonly (readonly [string, RegExp])[];
}

const checkpoint = log.checkpoint(9, root);
const json = treeHeadToJson(head);
const FORMS: Readonly<Record<StatementForm, Example>> = {
  'ct-over-dns': {
    text: formatTreeHeadText(head),
    altered: formatTreeHeadText({ ...head, treeSize: 8n }),
    malformed: [
      ['', /^not four fields$/],
      ['9.1.AQID.BAMAAA==', /^bad root hash$/],
    ],
  },
  'get-sth': {
    text: JSON.stringify(json),
    altered: JSON.stringify({ ...json, tree_size: 8 }),
    malformed: [
      ['', /^not JSON$/],
      ['<html>', /^not JSON$/],
      [
        JSON.stringify({ ...json, sha256_root_hash: 'AQID' }),
        /^sha256_root_hash: is not 32 bytes$/,
      ],
      ['[]', /^document: /],
    ],
  },
  checkpoint: {
    text: checkpoint,
    altered: checkpoint.replace('\n9\n', '\n8\n'),
    malformed: [
      ['', /^no blank line/],
      [checkpoint.replace('\n9\n', '\n09\n'), /^line 2: /],
      [new SigningLog().checkpoint(9, root), /^no signature line of this log$/],
    ],
  },
};

for (const [form, { text, altered, malformed }] of Object.entries(FORMS) as [
  StatementForm,
  Example,
][]) {
  describe(`a claim as ${form}`, () => {
    const claim = (bytes: string): Parameters<typeof verifyClaim>[0] => ({
      log,
      bytes: Buffer.from(bytes),
      form,
    });

    test('that the log has signed is verified', () => {
      const verified = verifyClaim(claim(text));
      assert(verified.kind === 'verified');
      const { logId, treeSize, rootHash } = verified.statement;
      assert.deepEqual([logId, treeSize, rootHash], [log.key.logId, 9n, root]);
    });

    test('that the log has not signed is parsed and refused', () => {
      assert.equal(parseClaim(claim(altered)).kind, 'parsed');
      assert.deepEqual(verifyClaim(claim(altered)), { kind: 'refused', reason: 'bad signature' });
    });

    test('that is malformed is refused with a reason', () => {
      for (const [bytes, reason] of malformed) {
        const refused = verifyClaim(claim(bytes));
        assert(refused.kind === 'refused');
        assert.match(refused.reason, reason);
        assert.deepEqual(parseClaim(claim(bytes)), refused);
      }
    });

    test('never throws, and its bytes do not show in the reason', () => {
      const start = Buffer.from(text);
      fc.assert(
        fc.property(
          fc.oneof(
            fc.uint8Array({ maxLength: 300 }),
            fc
              .tuple(fc.nat(start.length - 1), fc.uint8Array({ maxLength: 20 }))
              .map(([at, noise]) => Buffer.concat([start.subarray(0, at), noise])),
            fc.json().map((value) => Buffer.from(value)),
          ),
          (bytes) => {
            const parsed = parseClaim({ log, bytes, form });
            // Counters are named by it, so there must be few.
            if (parsed.kind === 'refused') assert.match(parsed.reason, /^[\x20-\x7e—]{1,90}$/);
          },
        ),
      );
    });
  });
}
