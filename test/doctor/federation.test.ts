// SPDX-License-Identifier: Apache-2.0
/** What `ctga doctor` says of a member of a federation. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { CheckResult } from '../../src/base/check-result.ts';
import { checkFederation } from '../../src/doctor/federation.ts';
import { makeKeys } from '../../src/federation/keys.ts';
import { stateAt } from '../../src/store/state.ts';
import { accusation, head } from '../federation/network.ts';
import { makeMember } from '../support/federation-store.ts';

describe('a member', () => {
  let directory: string;
  beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'ctga-test-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  const thisMinute = (): number => Math.floor(Date.now() / 60_000);
  const check = (): CheckResult | undefined => {
    const results = checkFederation(stateAt(directory));
    assert(results.length <= 1);
    return results[0];
  };
  const says = (state: CheckResult['state'], found: RegExp): void => {
    const result = check();
    assert.equal(result?.state, state, result?.found);
    assert.match(result.found, found);
    assert.equal(result.remedy !== undefined, state !== 'well');
  };

  test('that is not there is not spoken of', () => assert.equal(check(), undefined));

  test('without a roster, and without its keys', () => {
    const own = join(directory, 'federation');
    makeKeys(own, 'a', 'https://a.example/');
    says('warning', /the member a has no roster yet/);
    writeFileSync(join(own, 'keys.json'), '{}');
    says('failure', /no keys/);
  });

  test('that states something is well, and one that does not any more is not', () => {
    const began = thisMinute() - 60;
    const { state } = makeMember(directory, began);
    says('warning', /has agreed on nothing yet/);
    state(began + 1, head(0, 5));
    says('warning', /has agreed on nothing since .* UTC/);
    state(thisMinute() - 2, head(0, 6));
    says('well', /^a of demo, 1 member, last agreed at/);
  });

  test('that has just begun', () => {
    makeMember(directory, thisMinute() - 1);
    says('warning', /nothing was stated yet/);
  });

  test('says what is worst: a contradiction of thresholds, then one of a member, then an accusation', () => {
    const now = thisMinute();
    const { state, convict } = makeMember(directory, now - 9);
    state(now - 4, accusation(1), head(0, 7));
    says('warning', /accuses the log AgICAg/);
    // Over when a head of it is stated.
    state(now - 3, head(1, 2));
    says('well', /last agreed/);
    convict();
    says('warning', /The member a of the federation demo contradicted itself/);
    // Two of one period that say the same of a log, or speak of two logs, are no contradiction.
    state(now - 3, head(1, 2), head(2, 9));
    says('warning', /The member a/);
    state(now - 3, head(1, 2, 1));
    says('warning', /Two thresholds of the federation demo stated different things/);
  });
});
