// SPDX-License-Identifier: Apache-2.0
/** What the extension keeps, for how long, and whom it tells. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  FORGET_ALL,
  MAX_BYTES_SENT,
  MAX_CHAINS,
  MAX_ORIGINS,
  MAX_SCTS_SENT,
  Memory,
  mayReport,
  REPORT_INTERVAL,
  reportOf,
  Turns,
} from '../../extension/memory.js';
import { placeOf } from '../../extension/places.js';
import { fc, random } from '../support/random.ts';

/** Behaves as storage.local does, and can end in the middle. */
class FakeArea {
  items = new Map<string, string>();
  writesLeft = Infinity;

  get(keys: string | readonly string[]): Promise<Record<string, unknown>> {
    const wanted = typeof keys === 'string' ? [keys] : keys;
    const found = wanted.flatMap((key): [string, unknown][] => {
      const item = this.items.get(key);
      return item === undefined ? [] : [[key, JSON.parse(item)]];
    });
    return Promise.resolve(Object.fromEntries(found));
  }

  set(items: Record<string, unknown>): Promise<void> {
    if (this.writesLeft-- <= 0) return Promise.reject(new Error('ended'));
    for (const [key, item] of Object.entries(items)) this.items.set(key, JSON.stringify(item));
    return Promise.resolve();
  }

  remove(keys: readonly string[]): Promise<void> {
    if (this.writesLeft-- <= 0) return Promise.reject(new Error('ended'));
    for (const key of keys) this.items.delete(key);
    return Promise.resolve();
  }
}

const draw = random(7);
const chance = (): number => draw(2 ** 30) / 2 ** 30;
const place = (name: string) => ({
  origin: `https://${name}`,
  container: 'firefox-default',
  below: '',
  mark: `/ctga-${name}`,
});
const shown = (name: string, scts: readonly string[] = [`sct of ${name}`]) => ({
  key: name,
  chain: [`leaf ${name}`, 'root'],
  scts,
});

describe('the memory', () => {
  test('keeps each chain once, and is there again after a restart', async () => {
    const area = new FakeArea();
    const memory = new Memory(area, chance);
    await memory.add('a', place('a.test'), shown('one'), 1);
    await memory.add('a', place('a.test'), shown('two'), 2);
    await memory.add('a', place('a.test'), shown('one'), 3);
    const again = new Memory(area, chance);
    assert.deepEqual(
      (await again.chains('a')).map(({ key }) => key),
      ['one', 'two'],
    );
    const { a } = await again.rows();
    assert.equal(a?.chains, 2);
    assert.equal(a.scts, 2);
    assert.equal(a.seen, 3);
  });

  test('of one origin, lets go what the origin took before what it did not', async () => {
    const memory = new Memory(new FakeArea(), chance);
    await memory.add('a', place('a.test'), shown('fraud'), 1);
    for (let i = 1; i < MAX_CHAINS; i++) await memory.add('a', place('a.test'), shown(`${i}`), i);
    await memory.changeChains('a', (each) => ({ ...each, accepted: each.key === 'fraud' ? 0 : 1 }));
    for (let i = 0; i < MAX_CHAINS - 1; i++)
      await memory.add('a', place('a.test'), shown(`late ${i}`), 99);
    const keys = (await memory.chains('a')).map(({ key }) => key);
    assert.equal(keys.length, MAX_CHAINS);
    assert(keys.includes('fraud'));
  });

  test('a flood of origins with one certificate pushes out itself', async () => {
    const area = new FakeArea();
    const memory = new Memory(area, chance);
    for (let i = 0; i < 20; i++) await memory.add(`${i}`, place(`${i}.test`), shown(`${i}`), i);
    for (let i = 0; i < MAX_ORIGINS + 200; i++)
      await memory.add(`f${i}`, place(`${i}.flood.test`), shown('flood'), 1000 + i);
    const ids = Object.keys(await memory.rows());
    assert.equal(ids.length, MAX_ORIGINS);
    for (let i = 0; i < 20; i++) assert(ids.includes(`${i}`), `${i} is still there`);
    assert.equal(area.items.size, MAX_ORIGINS + 1, 'and nothing else is left behind');
  });

  test('knows what the daemon does not have, and what it may not have heard of', async () => {
    const area = new FakeArea();
    const memory = new Memory(area, chance);
    await memory.add('a', place('a.test'), shown('one'), 1);
    await memory.add('b', place('b.test'), shown('two'), 1);
    assert.deepEqual(await memory.unhanded(), ['a', 'b']);
    for (const id of ['a', 'b'])
      await memory.changeChains(id, (each) => ({ ...each, handed: true }));
    assert.deepEqual(await new Memory(area, chance).unhanded(), []);
    // The daemon ended before it heard of this, and its SCTs of the site would stay.
    await memory.untell(['https://a.test', 'https://gone.test']);
    assert.deepEqual(await memory.untold(), ['https://a.test', 'https://gone.test']);
    assert.deepEqual(await memory.unhanded(), ['a']);
    await memory.untell([FORGET_ALL]);
    assert.deepEqual(await memory.untold(), [FORGET_ALL]);
    assert.deepEqual(await memory.unhanded(), ['a', 'b']);
  });

  test('forgets, remembers what the daemon is yet to forget, and hands the rest again', async () => {
    const area = new FakeArea();
    const memory = new Memory(area, chance);
    await memory.add('a', place('a.test'), shown('one'), 1);
    await memory.add('a in b', { ...place('a.test'), below: 'https://b.test' }, shown('one'), 1);
    await memory.add('c', place('c.test'), shown('two'), 1);
    for (const id of ['a in b', 'c'])
      await memory.changeChains(id, (each) => ({ ...each, handed: true }));
    assert.deepEqual(
      (await memory.forget(['a', 'nobody'])).map(({ mark }) => mark),
      ['/ctga-a.test'],
    );
    assert.deepEqual(await memory.chains('a'), []);
    assert.deepEqual(await memory.untold(), ['https://a.test']);
    assert.equal((await memory.chains('a in b'))[0]?.handed, false);
    assert.equal((await memory.chains('c'))[0]?.handed, true);
    await memory.told();
    assert.deepEqual(await new Memory(area).untold(), []);
    await memory.forgetAll();
    assert.deepEqual(await memory.untold(), [FORGET_ALL]);
    assert.deepEqual([...area.items.keys()].sort(), ['index', 'untold']);
  });

  test('ended at any write, it is whole: each row has its chains', async () => {
    for (let writes = 0; writes < 12; writes++) {
      const area = new FakeArea();
      area.writesLeft = writes;
      const memory = new Memory(area, chance);
      await (async () => {
        await memory.add('a', place('a.test'), shown('one'), 1);
        await memory.add('a', place('a.test'), shown('two'), 2);
        await memory.add('b', place('b.test'), shown('two'), 2);
        await memory.forget(['a']);
        await memory.forgetAll();
      })().catch(() => undefined);
      area.writesLeft = Infinity;
      const after = new Memory(area);
      for (const [id, row] of Object.entries(await after.rows()))
        assert.equal((await after.chains(id)).length, row.chains);
      await after.add('a', place('a.test'), shown('three'), 3);
    }
  });
});

describe('a report', () => {
  const kept = (name: string, scts: readonly string[], accepted = 0) => ({
    ...shown(name, scts),
    handed: true,
    accepted,
  });

  test('has what did not come by this connection, in the form of the draft', () => {
    const report = reportOf(
      [kept('now', ['1', '2']), kept('then', ['2', '3'])],
      new Set(['1', '2']),
    );
    assert.deepEqual(JSON.parse(report?.body ?? ''), {
      sct_feedback: [{ x509_chain: ['leaf then', 'root'], sct_data: ['3'] }],
    });
    assert.equal(report?.scts, 1);
    assert.equal(reportOf([kept('now', ['1', '2'])], new Set(['1', '2'])), undefined);
    assert.equal(reportOf([], new Set()), undefined);
  });

  test('stays below what a pool takes, and has the rest the next time', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ scts: fc.nat(60), size: fc.nat(200_000) }), { maxLength: MAX_CHAINS }),
        (sizes) => {
          let left = sizes.map(({ scts, size }, i) => ({
            ...kept(
              `${i}`,
              Array.from({ length: scts }, (_, j) => `${i}.${j}`),
            ),
            chain: ['x'.repeat(size)],
          }));
          const told = new Set<string>();
          for (let day = 0; day <= MAX_CHAINS; day++) {
            const report = reportOf(left, new Set());
            if (report === undefined) break;
            assert(report.scts <= MAX_SCTS_SENT);
            assert(report.body.length <= MAX_BYTES_SENT + 100);
            for (const key of report.keys) told.add(key);
            left = left.map((each) => ({
              ...each,
              accepted: each.accepted + Number(report.keys.includes(each.key)),
            }));
          }
          assert.equal(told.size, sizes.filter(({ scts }) => scts > 0).length);
        },
      ),
    );
  });

  test('has in the end all of a certificate that has more SCTs than may be sent at once', () => {
    const crowded = kept(
      'crowded',
      Array.from({ length: 500 }, (_, i) => `${i}`),
    );
    const told = new Set<string>();
    for (let day = 0; day < 60 && told.size < 500; day++) {
      const report = reportOf([{ ...crowded, accepted: day }], new Set(), chance);
      assert.equal(report?.scts, MAX_SCTS_SENT);
      const { sct_feedback: items } = JSON.parse(report.body) as {
        sct_feedback: [{ sct_data: string[] }];
      };
      assert.equal(new Set(items[0].sct_data).size, MAX_SCTS_SENT);
      for (const sct of items[0].sct_data) told.add(sct);
    }
    assert.equal(told.size, 500);
  });

  test('goes to an origin once a day, whatever the container and the clock', async () => {
    const day = REPORT_INTERVAL;
    const report = { at: 10 * day, scts: 1, outcome: 'sent' as const, status: 200 };
    const memory = new Memory(new FakeArea(), chance);
    await memory.add('a', place('a.test'), shown('one'), 1);
    await memory.add('a 2', { ...place('a.test'), container: '2' }, shown('one'), 1);
    await memory.change('a', { report });
    const may = async (origin: string, now: number): Promise<boolean> => {
      await memory.settle(now);
      return mayReport(Object.values(await memory.rows()), origin, now);
    };
    assert.equal(await may('https://a.test', 11 * day - 1), false);
    assert.equal(await may('https://b.test', 10 * day), true);
    assert.equal(await may('https://a.test', 11 * day), true);
    assert.equal(await may('https://a.test', 2 * day), false, 'the clock was set back');
    assert.equal(await may('https://a.test', 3 * day - 1), false);
    assert.equal(await may('https://a.test', 3 * day), true);
  });
});

describe('where SCTs are kept', () => {
  const tab = 'https://www.top.co.uk/page';
  const third = { url: 'https://cdn.test:8443/x.js', thirdParty: true, documentUrl: tab };
  const tracker = { ...third, urlClassification: { thirdParty: ['tracking_ad'] } };
  const framed = { ...third, documentUrl: 'https://ad.test/', frameAncestors: [{ url: tab }] };
  const site = (host: string): string => host.replace(/^www\./, '');
  const below = 'firefox-default https://top.co.uk https://cdn.test:8443';
  const alone = 'firefox-default  https://cdn.test:8443';
  const PARTITION = 'reject_trackers_and_partition_foreign';
  for (const [behavior, response, visited, id] of [
    ['allow_all', third, false, alone],
    ['allow_all', { ...third, thirdParty: false }, false, alone],
    ['reject_all', { ...third, thirdParty: false }, true, undefined],
    ['reject_third_party', third, true, undefined],
    ['reject_third_party', { ...third, thirdParty: false }, false, alone],
    ['allow_visited', third, false, undefined],
    ['allow_visited', third, true, alone],
    ['reject_trackers', third, false, alone],
    ['reject_trackers', tracker, true, undefined],
    [PARTITION, third, false, below],
    [PARTITION, framed, false, below],
    [PARTITION, tracker, false, undefined],
    [PARTITION, { ...third, documentUrl: undefined }, false, undefined],
    ['something_new', third, true, undefined],
  ] as const)
    test(`${behavior}, ${JSON.stringify(response)}: ${String(id)}`, () => {
      const found = placeOf(response, behavior, site, () => visited);
      assert.equal(found?.id, id);
    });

  test('containers are apart', () => {
    const one = placeOf(
      { url: 'https://a.test/', cookieStoreId: '1' },
      'allow_all',
      site,
      () => true,
    );
    const two = placeOf(
      { url: 'https://a.test/', cookieStoreId: '2' },
      'allow_all',
      site,
      () => true,
    );
    assert.notEqual(one?.id, two?.id);
  });
});

test('turns are taken one at a time, and one that fails does not hold up the next', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const first = turns.take(async () => {
    seen.push('one begins');
    await new Promise(setImmediate);
    seen.push('one ends');
    throw new Error('one fails');
  });
  const second = turns.take(() => Promise.resolve(seen.push('two')));
  await assert.rejects(first, /one fails/);
  await second;
  assert.deepEqual(seen, ['one begins', 'one ends', 'two']);
});
