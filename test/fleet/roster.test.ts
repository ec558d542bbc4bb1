// SPDX-License-Identifier: Apache-2.0
/** A roster that was edited by hand, wrongly: what is said, and what a service does that runs. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { CtgaError } from '../../src/base/errors.ts';
import { readCredentials } from '../../src/fleet/bus.ts';
import { FollowedRoster } from '../../src/fleet/followed-roster.ts';
import { foundFleet, joinFleet } from '../../src/fleet/found.ts';
import { readMembership, readRoster } from '../../src/fleet/roster.ts';
import { ctga } from '../support/ctga.ts';

const parent = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(parent, { recursive: true }));

interface Edited {
  intervalSeconds: unknown;
  batchBytes: unknown;
  name: unknown;
  nodes: Record<string, unknown>[];
  members: Record<string, unknown>[];
}

const founded = join(parent, 'fleet');
foundFleet(
  founded,
  'isp',
  ['n1', 'n2', 'n3'].map((name) => ({ name, host: name, port: 4222, clusterPort: 6222 })),
  Date.now(),
);
joinFleet(founded, 'hub', 'collector');
joinFleet(founded, 'router1', 'site');
joinFleet(founded, 'router2', 'site');
const whole = readFileSync(join(founded, 'fleet.json'), 'utf8');

/** The directory of a member, with a roster that somebody has edited. */
function edited(edit: string | ((roster: Edited) => void), member = 'hub'): string {
  const own = mkdtempSync(join(parent, `${member}-`));
  for (const file of ['member.key', 'bus.nkey', 'ca.pem'])
    writeFileSync(join(own, file), readFileSync(join(founded, 'members', member, file)));
  put(own, edit);
  return own;
}

function put(own: string, edit: string | ((roster: Edited) => void)): void {
  const roster = JSON.parse(whole) as Edited;
  if (typeof edit !== 'string') edit(roster);
  const text = typeof edit === 'string' ? edit : JSON.stringify(roster, null, 2);
  writeFileSync(join(own, 'fleet.json'), text);
}

const at = (list: readonly Record<string, unknown>[], i: number): Record<string, unknown> =>
  list[i] ?? assert.fail();

const WRONG: Readonly<Record<string, readonly [string | ((roster: Edited) => void), RegExp]>> = {
  'a doubled name': [
    ({ members }) => (at(members, 2)['name'] = 'router1'),
    /members\[2\]\.name: router1 has that of members\[1\], router1$/,
  ],
  "another's key": [
    ({ members }) => (at(members, 2)['key'] = at(members, 0)['key']),
    /members\[2\]\.key: router2 has that of members\[0\], hub$/,
  ],
  "another's NKEY": [
    ({ members }) => (at(members, 2)['nkey'] = at(members, 1)['nkey']),
    /members\[2\]\.nkey: router2 has that of members\[1\], router1$/,
  ],
  'a site that is its own collector': [
    ({ members }) => members.push({ ...at(members, 1), role: 'collector' }),
    /members\[3\]\.name: router1 has that of members\[1\], router1$/,
  ],
  'two servers at one address': [
    ({ nodes }) => (at(nodes, 1)['host'] = 'n1'),
    /nodes\[1\]\.host: n2 has that of nodes\[0\], n1$/,
  ],
  'a role that is misspelt': [
    ({ members }) => (at(members, 1)['role'] = 'Site'),
    /members\[1\]\.role: .*"site".* \(of router1\)$/,
  ],
  'a name in capitals': [
    ({ members }) => (at(members, 1)['name'] = 'Router1'),
    /members\[1\]\.name: is not 1 to 32 of a-z, 0-9 and -$/,
  ],
  'a key that was cut': [
    ({ members }) => (at(members, 1)['key'] = 'AAAA'),
    /members\[1\]\.key: is not 32 bytes \(of router1\)$/,
  ],
  'no NKEY in the place of one': [
    ({ members }) => (at(members, 1)['nkey'] = 'router1'),
    /members\[1\]\.nkey: is no public NKEY of a user \(of router1\)$/,
  ],
  'a huge port': [({ nodes }) => (at(nodes, 2)['port'] = 1e300), /nodes\[2\]\.port: .* \(of n3\)$/],
  'an interval of words': [(roster) => (roster.intervalSeconds = '10'), /intervalSeconds: /],
  'a huge interval': [
    whole.replace('"intervalSeconds": 10', '"intervalSeconds": 1e999'),
    /intervalSeconds: /,
  ],
  'a huge batch': [(roster) => (roster.batchBytes = 2 ** 31), /batchBytes: .*65536/],
  'no members': [
    (roster) => delete (roster as Partial<Edited>).members,
    /members: .*there is none/,
  ],
  'a trailing comma': [
    whole.replace(/\}\n {2}\]\n\}/, '},\n  ]\n}'),
    /not JSON: line \d+, column \d+: want a value/,
  ],
  'a byte order mark': [`\ufeff${whole}`, /byte order mark/],
  'half a file': [whole.slice(0, whole.length / 2), /not JSON: it ends in the middle/],
  nothing: ['', /not JSON: it is empty/],
  'zero bytes, as after a power cut': ['\0'.repeat(512), /not JSON: it is no text/],
  'a list': ['[]', /fleet\.json: document: /],
};

describe('a roster that was edited by hand', () => {
  for (const [what, [edit, expected]] of Object.entries(WRONG))
    test(`with ${what} is refused: where, why, and what is to be done`, () => {
      const own = edited(edit);
      try {
        readRoster(own);
      } catch (error) {
        assert(error instanceof CtgaError);
        assert.match(error.message, expected);
        assert(error.message.startsWith(join(own, 'fleet.json')), error.message);
        assert.match(error.remedy ?? '', /ctga fleet join/);
        assert.equal(error.exitCode, 2);
        return;
      }
      assert.fail('it was read');
    });

  test('with the line ends and tabs of another editor is read', () => {
    assert.equal(readRoster(edited(whole.replaceAll('\n', '\r\n'))).members.length, 3);
    assert.equal(readRoster(edited(whole.replaceAll('  ', '\t'))).members.length, 3);
  });

  test('is what a command says, with exit code 2, and makes nothing', async () => {
    const own = edited(({ members }) => (at(members, 2)['key'] = at(members, 0)['key']));
    const state = join(parent, 'state');
    const bus = ['--bus', 'nats://127.0.0.1:1', '--fleet', own, '--state-dir', state];
    const { code, stderr } = await ctga(['collect', ...bus]);
    assert.equal(code, 2);
    assert.match(stderr, /^ctga: \S+fleet\.json: members\[2\]\.key: router2 has .*\n {2}Mend it/);
    assert.throws(() => readFileSync(state));
  });

  test('into a directory says that it is one', () => {
    const own = edited(whole);
    rmSync(join(own, 'fleet.json'));
    mkdirSync(join(own, 'fleet.json'));
    assert.throws(() => readRoster(own), /cannot read \S+fleet\.json: it is a directory/);
  });

  test('so that the NKEY is not the one that is there is refused before the bus is asked', () => {
    // Two directories were mixed up: of one the key that signs, of the other that of the bus.
    const own = edited(whole);
    writeFileSync(join(own, 'bus.nkey'), readFileSync(join(founded, 'members/router1/bus.nkey')));
    const { member } = readMembership(own, 'collector');
    assert.throws(() => readCredentials(own, member), {
      code: 'bad-input',
      message: /bus\.nkey is not the key that fleet\.json has for hub$/,
    });
    assert.doesNotThrow(() => readCredentials(edited(whole), member));
  });
});

describe('the roster of a member that runs', () => {
  function followed(
    member: string,
    role: 'site' | 'collector',
  ): { own: string; said: string[]; roster: FollowedRoster } {
    const own = edited(whole, member);
    const said: string[] = [];
    const roster = new FollowedRoster(own, readMembership(own, role), (message) =>
      said.push(message),
    );
    return { own, said, roster };
  }

  for (const [what, [edit]] of Object.entries(WRONG))
    test(`stays what it was after ${what} was put there, and that is said once`, () => {
      const { own, said, roster } = followed('hub', 'collector');
      put(own, edit);
      for (let i = 0; i < 5; i++) assert.equal(roster.look(), false);
      assert.equal(roster.current.members.length, 3);
      assert.equal(said.length, 1);
      assert.match(
        said[0] ?? '',
        /fleet\.json.*: until that is mended the fleet is as it was before$/,
      );
      // And once more, when it is wrong once more.
      put(own, whole);
      assert.equal(roster.look(), false);
      put(own, edit);
      assert.equal(roster.look(), false);
      assert.equal(said.length, 2);
    });

  test('stays what it was while the file is gone, or a directory', () => {
    const { own, said, roster } = followed('hub', 'collector');
    rmSync(join(own, 'fleet.json'));
    for (let i = 0; i < 3; i++) roster.look();
    mkdirSync(join(own, 'fleet.json'));
    for (let i = 0; i < 3; i++) roster.look();
    assert.equal(roster.current.members.length, 3);
    assert.equal(said.length, 2);
  });

  test('follows who joins and who is taken out', () => {
    const { own, said, roster } = followed('hub', 'collector');
    put(own, ({ members }) => members.splice(1, 1));
    assert.equal(roster.look(), true);
    assert.equal(roster.look(), false);
    assert.deepEqual(
      roster.current.members.map(({ name }) => name),
      ['hub', 'router2'],
    );
    assert.deepEqual(said, []);
  });

  for (const [what, edit, expected] of [
    [
      'has another name',
      ({ members }) => (at(members, 0)['name'] = 'hub2'),
      /has hub, which runs here as a collector, as hub2, a collector/,
    ],
    [
      'has another role',
      ({ members }) => (at(members, 0)['role'] = 'site'),
      /has hub, .* as hub, a site/,
    ],
    [
      'is taken out',
      ({ members }) => members.splice(0, 1),
      /no member with the key of hub, which runs here, any more/,
    ],
    ['is in another fleet', (roster) => (roster.name = 'ixp'), /is that of another fleet, ixp/],
  ] as const satisfies readonly (readonly [string, (roster: Edited) => void, RegExp])[])
    test(`stays what it was where the member itself ${what}`, () => {
      const { own, said, roster } = followed('hub', 'collector');
      put(own, edit);
      for (let i = 0; i < 3; i++) assert.equal(roster.look(), false);
      assert.equal(said.length, 1);
      assert.match(said[0] ?? '', expected);
      assert.equal(roster.current.members.length, 3);
    });

  test('says once that another interval or batch takes effect later, and follows its members', () => {
    const { own, said, roster } = followed('hub', 'collector');
    put(own, (found) => {
      found.intervalSeconds = 60;
      found.batchBytes = 16_384;
      found.members.pop();
    });
    assert.equal(roster.look(), true);
    assert.equal(roster.look(), false);
    assert.equal(said.length, 1);
    assert.match(
      said[0] ?? '',
      /fleet\.json has intervalSeconds 60 in place of 10, batchBytes 16384 in place of 8192: .*started again/,
    );
    const { intervalSeconds, batchBytes, members } = roster.current;
    assert.deepEqual([intervalSeconds, batchBytes, members.length], [10, 8192, 2]);
  });
});
