// SPDX-License-Identifier: Apache-2.0
/** Traceroutes of RIPE Atlas, as ripe-atlas-sagan reads them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Fault } from '../../src/impact/fault.ts';
import { LEGACY, parseTraceroute, type Traceroute } from '../../src/impact/traceroute.ts';
import { needsPython, python } from '../support/python.ts';
import { fc } from '../support/random.ts';
import { SAGAN_VECTORS } from './sagan-vectors.ts';

function parse(json: string): Traceroute {
  const found = parseTraceroute(json);
  assert(found !== LEGACY);
  return found;
}

describe("sagan's vectors", () => {
  for (const { name, firmware, json, isSuccess, addresses } of SAGAN_VECTORS)
    test(`${name}, firmware ${firmware}`, () => {
      const found = parse(json);
      assert.equal(found.isSuccess, isSuccess);
      assert.deepEqual([...found.addresses].sort(), addresses);
    });
});

const result = (more: object): string =>
  JSON.stringify({ timestamp: 1, msm_id: 1, prb_id: 7, fw: 4720, type: 'traceroute', ...more });
const hops = (...packets: readonly unknown[]): string =>
  result({ result: [{ hop: 1, result: packets }] });

describe('one traceroute', () => {
  for (const [what, json, isSuccess] of [
    ['a time makes success', hops({ from: '1.2.3.4', rtt: 1.5 }), true],
    ['a time of 0 makes none', hops({ from: '1.2.3.4', rtt: 0 }), false],
    ['a time in a string counts', hops({ from: '1.2.3.4', rtt: '1.5' }), true],
    ['an error makes none', hops({ from: '1.2.3.4', rtt: 1, err: 'H' }), false],
    ['an error that is a number makes none', hops({ from: '1.2.3.4', rtt: 1, err: 0 }), false],
    ['one good packet is enough', hops({ x: '*' }, { from: '1.2.3.4', rtt: 1 }), true],
    ['a packet that came late is none', hops({ from: '1.2.3.4', rtt: 1, late: 2 }), false],
    ['no hops', result({ result: [] }), false],
    ['a hop with an error alone', result({ result: [{ hop: 1, error: 'connect failed' }] }), false],
  ] as const)
    test(what, () => assert.equal(parse(json).isSuccess, isSuccess));

  test('without a list of hops is from before firmware 4460', () => {
    assert.equal(parseTraceroute(result({ fw: 1, result: 'text' })), LEGACY);
    assert.equal(parseTraceroute(result({ fw: 0 })), LEGACY);
  });

  test('names the probe, where it is and where it went', () => {
    const { probe, from, destination } = parse(
      result({ from: '198.51.100.1', src_addr: '10.0.0.1', dst_addr: '192.0.2.1', result: [] }),
    );
    assert.deepEqual([probe, from, destination], [7, '198.51.100.1', '192.0.2.1']);
    assert.equal(parse(result({ from: '', src_addr: '::1', result: [] })).from, '::1');
    assert.equal(parse(result({ result: [] })).destination, undefined);
  });

  for (const [what, json, message] of [
    ['no JSON', '{"a": ', /^is no JSON: /],
    ['two values', '{} {}', /^is no JSON: /],
    ['an array', '[1]', /not the object of a result/],
    ['null', 'null', /not the object of a result/],
    ['no result of Atlas', '{"a": 1}', /it has no "timestamp"/],
    ['a ping', result({ type: 'ping', result: [] }), /has the type "ping": want "traceroute"/],
    ['a probe of no number', result({ prb_id: '7', result: [] }), /has the probe "7"/],
    ['a hop that is none', result({ result: [7] }), /has the hop 7/],
    ['packets that are none', result({ result: [{ result: {} }] }), /has a hop of {}/],
    ['a packet that is none', hops(null), /has the packet null/],
    ['an address that is none', hops({ from: 7 }), /has the address 7 in "from"/],
  ] as const)
    test(`is refused if it is ${what}`, () =>
      assert.throws(
        () => parseTraceroute(json),
        (error) => error instanceof Fault && message.test(error.message),
      ));
});

/** Results as a probe may write them, and as none would. */
const arbitraryPacket = fc.oneof(
  fc.constant({ x: '*' }),
  fc.record(
    {
      from: fc.constantFrom('192.0.2.1', '10.0.0.1', '2001:db8::1', ''),
      rtt: fc.constantFrom(0, 1.5, '2.5', 'x', null),
      err: fc.constantFrom('N', 'H', 'x', '', 13, 0),
      late: fc.constantFrom(1, 0),
      ttl: fc.nat(255),
    },
    { requiredKeys: [] },
  ),
);
const arbitraryHop = fc.oneof(
  fc.record({ hop: fc.nat(255), result: fc.array(arbitraryPacket, { maxLength: 4 }) }),
  fc.constant({ hop: 1, error: 'network unreachable' }),
);
const arbitraryResult = fc.record({
  timestamp: fc.constant(1),
  msm_id: fc.constant(1),
  prb_id: fc.nat(1000),
  fw: fc.constantFrom(0, 1, 4460, 4720, 5080),
  type: fc.constantFrom('traceroute', 'Traceroute'),
  result: fc.oneof(fc.array(arbitraryHop, { maxLength: 5 }), fc.constant('legacy')),
});

const SAGAN = `
import json, logging, sys
logging.disable(logging.CRITICAL)
from ripe.atlas.sagan import Result
def read(line):
    r = Result.get(line)
    return [r.is_success, sorted({p for h in r.ip_path for p in h if p})]
print(json.dumps([read(line) for line in sys.stdin]))
`;

test('sagan itself reads results as we do', { skip: needsPython('ripe.atlas.sagan') }, () => {
  const results = fc.sample(arbitraryResult, 5000).map((each) => JSON.stringify(each));
  const theirs = python(SAGAN, `${results.join('\n')}\n`) as [boolean, string[]][];
  for (const [i, json] of results.entries()) {
    const ours = parseTraceroute(json);
    const read = ours === LEGACY ? [false, []] : [ours.isSuccess, [...ours.addresses].sort()];
    assert.deepEqual(read, theirs[i], json);
  }
});
