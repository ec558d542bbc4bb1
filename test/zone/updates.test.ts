// SPDX-License-Identifier: Apache-2.0
/** Dynamic updates of Debian's Knot, BIND and PowerDNS, by their own answers. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { AddressInfo } from 'node:net';
import { RecordType } from '../../src/dns/message.ts';
import { PrimaryError, PrimaryServer } from '../../src/dns/primary.ts';
import { encodeTxt } from '../../src/dns/encode.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import type { VerifiedStatement } from '../../src/statements/statement.ts';
import { UpdateTarget, type UpdateOptions } from '../../src/zone/updates.ts';
import type { ZoneWish } from '../../src/zone/target.ts';
import { SERVER_NEEDS, startServer, type NameServer } from '../support/name-servers.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const ZONE = 'ct.example';
const TEMPLATE = `$TTL 300
@ SOA ns.ct.example. hostmaster.ct.example. 1 3600 600 1209600 300
@ NS ns.ct.example.
ns A 127.0.0.1
own TXT "of the operator"
sth.foreign TXT "of somebody else"
sth.alias CNAME own
`
  .replaceAll('@ ', `${ZONE}. `)
  .replaceAll(/^(ns|own|sth\.\w+) /gm, `$1.${ZONE}. `)
  .replace('CNAME own', `CNAME own.${ZONE}.`);
const key = { name: 'publisher', secret: randomBytes(32) };
const tree = treeOf(50);
const alpha = new SigningLog();
/** Its tree heads have 413 characters. */
const rsa = new SigningLog('rsa');
const proofs = { name: `proofs.${ZONE}`, addresses: ['192.0.2.53', '2001:db8::53'] };

/** Each signature is another one. */
const signed = new Map<string, VerifiedStatement>();
function headOf(log: SigningLog, size: number): VerifiedStatement {
  const name = `${Buffer.from(log.key.logId).toString('hex')} ${size}`;
  const head = signed.get(name) ?? log.verified(size, tree.root(size));
  signed.set(name, head);
  return head;
}

function wishOf(heads: Readonly<Record<string, readonly [SigningLog, number]>>): ZoneWish {
  const all = Object.entries(heads);
  return {
    parent: ZONE,
    proofs,
    logs: new Map(all.map(([name, [log]]) => [`${name}.${ZONE}`, log.asLog()])),
    heads: new Map(all.map(([name, [log, size]]) => [`${name}.${ZONE}`, headOf(log, size)])),
  };
}

const headText = (log: SigningLog, size: number): string => formatTreeHeadText(headOf(log, size));

for (const kind of ['knot', 'bind', 'powerdns'] as const)
  describe(`dynamic updates of ${kind}`, { skip: SERVER_NEEDS[kind] }, () => {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    let server: NameServer;
    let options: UpdateOptions;
    before(async () => {
      const secret = key.secret.toString('base64');
      server = await startServer(kind, { zone: ZONE, records: TEMPLATE, key: { ...key, secret } });
      options = { server, key, directory, now: Date.now };
    });
    after(async () => {
      await server.stop();
      rmSync(directory, { recursive: true });
    });

    /** What dig is told, with the strings of a TXT record joined. A server that is busy is asked again. */
    const dig = (name: string, type: string, section = '+answer'): string[] => {
      for (let tries = 0; ; tries++) {
        const lines = execFileSync(
          'dig',
          [
            ...['@127.0.0.1', '-p', `${server.port}`],
            ...['+norecurse', '+noall', '+comments', section, name, type],
          ],
          { encoding: 'utf8' },
        ).split('\n');
        const [, status] = /status: (\w+)/.exec(lines.join('\n')) ?? [];
        if (status === 'SERVFAIL' && tries < 20) continue;
        assert(
          status === 'NOERROR' || status === 'NXDOMAIN',
          `${name} ${type}: ${status ?? 'no status'}`,
        );
        return lines
          .filter((line) => line !== '' && !line.startsWith(';'))
          .map((line) =>
            line.split(/\s+/).slice(4).join(' ').replaceAll('" "', '').replaceAll('"', ''),
          );
      }
    };
    const serial = (): number => Number(dig(ZONE, 'SOA')[0]?.split(' ')[2]);

    test('put tree heads and delegations, and a second time nothing', async () => {
      const target = new UpdateTarget(options);
      const wish = wishOf({ alpha: [alpha, 20], rsa: [rsa, 7] });
      assert.deepEqual(await target.apply(wish), { changed: true, records: 10, kept: [] });
      assert.deepEqual(dig(`sth.alpha.${ZONE}`, 'TXT'), [headText(alpha, 20)]);
      assert.equal(dig(`sth.rsa.${ZONE}`, 'TXT').join().length, headText(rsa, 7).length);
      for (const label of ['hash', 'tree', 'sth-consistency']) {
        assert.deepEqual(dig(`0.1.2.${label}.alpha.${ZONE}`, 'TXT', '+authority'), [
          `proofs.${ZONE}.`,
        ]);
      }
      assert.deepEqual(dig(`proofs.${ZONE}`, 'A'), ['192.0.2.53']);
      assert.deepEqual(dig(`proofs.${ZONE}`, 'AAAA'), ['2001:db8::53']);
      const first = serial();
      assert(first > 1);
      assert.deepEqual(await target.apply(wish), { changed: false, records: 10, kept: [] });
      assert.equal(serial(), first);
    });

    test('put what is later in place of it, and take out a log that has ended', async () => {
      const later = new UpdateTarget(options);
      const wish = wishOf({ alpha: [alpha, 30] });
      assert.deepEqual(await later.apply(wish), { changed: true, records: 6, kept: [] });
      assert.deepEqual(dig(`sth.alpha.${ZONE}`, 'TXT'), [headText(alpha, 30)]);
      assert.deepEqual(dig(`sth.rsa.${ZONE}`, 'TXT'), []);
      assert.deepEqual(dig(`x.tree.rsa.${ZONE}`, 'TXT', '+authority').length, 1, 'SOA');
      assert.deepEqual(dig(`own.${ZONE}`, 'TXT'), ['of the operator']);
    });

    test('leave alone what others put, an alias too, and go on with the rest', async () => {
      const wish = wishOf({ alpha: [alpha, 40], foreign: [rsa, 3], alias: [rsa, 3] });
      const { kept, changed } = await new UpdateTarget(options).apply(wish);
      assert(changed);
      assert.deepEqual(kept.map(({ name }) => name).sort(), [
        `sth.alias.${ZONE}`,
        `sth.foreign.${ZONE}`,
      ]);
      assert.deepEqual(dig(`sth.foreign.${ZONE}`, 'TXT'), ['of somebody else']);
      assert.deepEqual(dig(`sth.alias.${ZONE}`, 'CNAME'), [`own.${ZONE}.`]);
      assert.deepEqual(dig(`sth.alpha.${ZONE}`, 'TXT'), [headText(alpha, 40)]);
      // Nor are they taken out with the log.
      await new UpdateTarget(options).apply(wishOf({ alpha: [alpha, 40] }));
      assert.deepEqual(dig(`sth.foreign.${ZONE}`, 'TXT'), ['of somebody else']);
    });

    test('with nothing written down, go on from the signature, and never to a smaller tree', async () => {
      for (const name of readdirSync(directory)) rmSync(join(directory, name));
      const older = await new UpdateTarget(options).apply(wishOf({ alpha: [alpha, 39] }));
      assert.deepEqual(
        older.kept.map(({ why }) => /size 40: another process/.test(why)),
        [true],
      );
      assert.deepEqual(dig(`sth.alpha.${ZONE}`, 'TXT'), [headText(alpha, 40)]);
      const newer = await new UpdateTarget(options).apply(wishOf({ alpha: [alpha, 41] }));
      assert.deepEqual(newer.kept, []);
      assert.deepEqual(dig(`sth.alpha.${ZONE}`, 'TXT'), [headText(alpha, 41)]);
    });

    test('hold only while what was read is still so', async () => {
      const primary = new PrimaryServer(server, key, Date.now);
      const at = { name: `race.${ZONE}`, type: RecordType.txt };
      const set = (text: string) => ({ ...at, ttl: 300, rdatas: [encodeTxt(text)] });
      const put = (before: string | undefined, after: string | undefined): Promise<boolean> =>
        primary.update(ZONE, [
          {
            ...at,
            before: before === undefined ? undefined : set(before),
            after: after === undefined ? undefined : set(after),
          },
        ]);
      assert.equal(await put(undefined, 'a'), true);
      assert.equal(await put(undefined, 'b'), false);
      assert.equal(await put('b', 'c'), false);
      assert.equal(await put('b', undefined), false);
      assert.deepEqual(dig(at.name, 'TXT'), ['a']);
      assert.equal(await put('a', 'c'), true);
      assert.equal(await put('c', undefined), true);
      assert.deepEqual(dig(at.name, 'TXT'), []);
      primary.close();
    });

    const wrong: readonly [string, Partial<UpdateOptions>, string, RegExp][] = [
      [
        'a key that it does not know',
        { key: { ...key, name: 'stranger' } },
        ZONE,
        /knows no key stranger/,
      ],
      [
        'another secret',
        { key: { ...key, secret: randomBytes(32) } },
        ZONE,
        /another secret .*BADSIG/,
      ],
      [
        'a clock that is behind',
        { now: () => Date.now() - 900_000 },
        ZONE,
        /clock is (89\d|90\d) seconds ahead .*BADTIME/,
      ],
      [
        'a zone that it does not have',
        {},
        'other.example',
        /REFUSED|not the primary of other\.example/,
      ],
      [
        'a zone that is below its own',
        {},
        `sub.${ZONE}`,
        /not the primary of sub\.ct\.example|REFUSED/,
      ],
    ];
    for (const [what, change, parent, said] of wrong)
      test(`with ${what}: what is wrong, and what to do`, async () => {
        const target = new UpdateTarget({ ...options, ...change });
        await assert.rejects(target.apply({ ...wishOf({}), parent }), (error) => {
          assert(error instanceof PrimaryError);
          // PowerDNS answers what it does not accept with NOTAUTH, and no more.
          const silent = /with the key .* does not say why/;
          assert.match(error.message, kind === 'powerdns' && parent === ZONE ? silent : said);
          assert(error.message.includes(`port ${server.port}`));
          assert(error.remedy !== undefined, error.message);
          return true;
        });
      });
  });

describe('no server', () => {
  const options = { key, directory: tmpdir(), now: Date.now };
  test('is said with its address', async () => {
    const target = new UpdateTarget({ ...options, server: { address: '127.0.0.1', port: 1 } });
    await assert.rejects(target.apply(wishOf({})), /server 127\.0\.0\.1 port 1: .*refused/);
  });

  const answers: readonly [string, Buffer][] = [
    ['closes the connection', Buffer.alloc(0)],
    ['answers nonsense', Buffer.from('GET / HTTP/1.1')],
    ['answers less than a header', Buffer.from([0, 2, 1, 2])],
  ];
  for (const [what, answer] of answers)
    test(`but one that ${what}: a failure, and no wait`, async () => {
      const listener = createServer((socket) => socket.on('error', () => undefined).end(answer));
      await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
      const { port } = listener.address() as AddressInfo;
      const target = new UpdateTarget({ ...options, server: { address: '127.0.0.1', port } });
      await assert.rejects(target.apply(wishOf({})), PrimaryError);
      listener.close();
    });
});
