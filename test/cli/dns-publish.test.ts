// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga dns publish` with Debian's NSD, Knot and BIND as an operator has them, proofs from
 * `ctga dns serve --proofs` in delegated zones, and all of it through an unbound that validates.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { logIdText } from '../../src/logs/log.ts';
import { PublishedHeads } from '../../src/mirror/published.ts';
import { parseMessage, RecordType } from '../../src/dns/message.ts';
import { encodeName } from '../../src/dns/name.ts';
import { parseTreeHeadAnswer } from '../../src/sources/ct-over-dns/answer.ts';
import { message, opt, u16 } from '../dns/messages.ts';
import { concat, frameV4 } from '../support/packets.ts';
import { expectedOf } from '../xdp/verdict.ts';
import { parseTsigKey } from '../../src/dns/tsig.ts';
import { ctga, startCtga, type Ran } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { SERVER_NEEDS, startServer, type ServerKind } from '../support/name-servers.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { TiledFiles } from '../support/tiled-files.ts';
import { needs, startValidator } from '../support/unbound.ts';

const ZONE = 'ct.test';
const PROOFS = `proofs.${ZONE}`;
/** As in docs/DNS.md. */
const TEMPLATE = `$ORIGIN ${ZONE}.
$TTL 3600
@ SOA ns1 hostmaster (
  7     ; serial; "SOA" of comments is none
  3600 600 1209600
  5m )  ; for so long a new log may seem to be missing
@ NS ns1
ns1 A 127.0.0.1
note TXT "a \\"quoted\\" ; text (1 SOA 2 3 4 5)"
`;
const skip = needs('dig', 'bind9-dnsutils') || needs('unbound', 'unbound');
const tree = treeOf(400);

describe('ctga dns publish', { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const logs = {
    alpha: new TiledFiles(new SigningLog(), tree, 300),
    beta: new TiledFiles(new SigningLog('rsa'), tree, 200),
  };
  const list = join(directory, 'list.json');
  const template = join(directory, 'template');
  let files: Server;
  let asked = 0;
  let count = 0;
  before(async () => {
    writeFileSync(template, TEMPLATE);
    files = createServer((request, response) => {
      asked += 1;
      const [, name = '', ...path] = (request.url ?? '').split('/');
      const log = name in logs ? logs[name as keyof typeof logs] : undefined;
      const { status, body } = log?.read(path.join('/')) ?? { status: 404, body: '' };
      response.writeHead(status).end(body);
    });
    await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
    writeList('alpha', 'beta');
  });
  after(() => {
    files.close();
    rmSync(directory, { recursive: true });
  });

  function writeList(...names: (keyof typeof logs)[]): void {
    const { port } = files.address() as AddressInfo;
    const tiled_logs = names.map((name) => ({
      description: `Op '${name}' log`,
      key: Buffer.from(logs[name].log.key.spki).toString('base64'),
      log_id: logIdText(logs[name].log.key.logId),
      monitoring_url: `http://127.0.0.1:${port}/${name}/`,
      allow_private_address: true,
    }));
    writeFileSync(list, JSON.stringify({ operators: [{ name: 'Op', tiled_logs }] }));
  }
  const newState = (): string => join(directory, `state-${count++}`);
  const base = (state: string): string[] => [
    '--zone-suffix',
    ZONE,
    '--log-list',
    list,
    '--state-dir',
    state,
  ];
  const publish = (state: string, ...more: readonly string[]): Promise<Ran> =>
    ctga(['dns', 'publish', ...base(state), '--once', '--json', ...more]);
  const events = ({ stdout }: Ran): Record<string, unknown>[] =>
    stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  // Not in this process, which serves the proofs.
  const dig = async (port: number, ...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)('dig', ['@127.0.0.1', '-p', `${port}`, '+tries=1', ...args])).stdout;
  const sizeAt = async (port: number, name: string): Promise<string | undefined> =>
    /"(\d+)\./.exec(await dig(port, `sth.${name}.${ZONE}`, 'TXT', '+short'))?.[1];
  const serialAt = async (port: number): Promise<number> =>
    Number((await dig(port, ZONE, 'SOA', '+short')).split(' ')[2]);
  /** The heads that were published an hour ago are due. */
  function age(state: string): void {
    const heads = new PublishedHeads(state);
    for (const { log } of Object.values(logs)) {
      const published = heads.get(log.asLog());
      if (published !== undefined) heads.put(log.asLog(), { ...published, at: 0 });
    }
  }

  for (const kind of ['nsd', 'knot', 'bind'] as const satisfies ServerKind[])
    test(
      `a zone file that ${kind} reads again, and no more once a log has ended`,
      { skip: SERVER_NEEDS[kind] },
      async () => {
        const state = newState();
        const server = await startServer(kind, { zone: ZONE, records: TEMPLATE });
        const file = join(server.directory, 'zone');
        rmSync(file);
        const options = ['--zone-file', file, '--template', template, '--reload', server.reload];
        const PATH = process.env['PATH'];
        process.env['PATH'] = `${PATH ?? ''}:/usr/sbin`;
        try {
          logs.alpha.size = 300;
          const began = Math.floor(Date.now() / 1000);
          const first = await publish(state, ...options);
          assert.equal(first.code, 0, first.stderr + first.stdout);
          assert.deepEqual(
            events(first)
              .map(({ event }) => event)
              .sort(),
            ['published', 'published', 'zone-written'],
          );
          await eventually(
            async () => (await sizeAt(server.port, 'alpha')) === '300',
            () => server.said(),
          );
          assert.equal(await sizeAt(server.port, 'beta'), '200', 'of two character-strings');
          const serial = await serialAt(server.port);
          assert(serial >= began, 'later than any that the zone had');
          assert.match(
            await dig(server.port, `note.${ZONE}`, 'TXT', '+short'),
            /a \\"quoted\\" ; text/,
          );
          // Nothing is new: the file stays, and the server is told again, since nobody knows of before.
          const before = readFileSync(file, 'utf8');
          const again = await publish(state, ...options);
          assert.equal(again.code, 0, again.stderr);
          assert.equal(readFileSync(file, 'utf8'), before);
          logs.alpha.size = 400;
          age(state);
          writeList('alpha');
          const later = await publish(state, ...options);
          assert.equal(later.code, 0, later.stderr);
          await eventually(
            async () => (await sizeAt(server.port, 'alpha')) === '400',
            () => server.said(),
          );
          assert.equal(await sizeAt(server.port, 'beta'), undefined);
          assert((await serialAt(server.port)) > serial);
        } finally {
          process.env['PATH'] = PATH;
          writeList('alpha', 'beta');
          await server.stop();
        }
      },
    );

  for (const signs of ['zone', 'answers'] as const)
    test(
      `updates of a zone that Knot signs (${signs}), proofs in delegated zones: all of it validates`,
      { skip: SERVER_NEEDS.knot },
      async () => {
        const state = newState();
        logs.alpha.size = 300;
        logs.beta.size = 200;
        const key = { name: 'ctga', secret: randomBytes(32).toString('base64') };
        const keyFile = join(directory, 'key');
        writeFileSync(
          keyFile,
          `key "ctga" {\n\talgorithm hmac-sha256;\n\tsecret "${key.secret}";\n};\n`,
        );
        const knot = await startServer('knot', { zone: ZONE, records: TEMPLATE, key, signs });
        const options = [
          '--update',
          `127.0.0.1:${knot.port}`,
          '--key-file',
          keyFile,
          '--proofs',
          PROOFS,
          '--ns-address',
          '127.0.0.1',
        ];
        const put = async (): Promise<void> => {
          const ran = await publish(state, ...options);
          assert.equal(ran.code, 0, ran.stderr + ran.stdout);
        };
        await put();
        logs.alpha.size = 400;
        age(state);
        await put();
        assert.equal(await sizeAt(knot.port, 'alpha'), '400');
        // What the XDP program makes of the signed answers, by the model that it is compared with.
        for (const [name, size] of [
          ['alpha', 400],
          ['beta', 200],
        ] as const) {
          const wire = encodeName(`sth.${name}.${ZONE}`);
          const bytes = await answerTo(knot.port, wire);
          const { answers } = parseMessage(bytes);
          const types = answers.map(({ type }) => type);
          assert.deepEqual(types, [RecordType.txt, RecordType.rrsig]);
          const known = new Set([Buffer.from(wire).toString('hex')]);
          const { verdict, text } = expectedOf(frameV4(bytes), known, 400);
          assert.equal(verdict, 'answers');
          assert.notEqual(text, undefined);
          const answer = parseTreeHeadAnswer(bytes);
          assert(answer.kind === 'answer');
          assert(answer.texts.some((each) => String(each).startsWith(`${size}.`)));
        }

        const serve = startCtga([
          'dns',
          'serve',
          ...base(state),
          '--json',
          '--proofs',
          PROOFS,
          '--listen',
          '127.0.0.1:0',
        ]);
        await serve.until(() => serve.said().includes('"listening"'), 'word that it listens');
        const { port, zones } = JSON.parse(serve.said().split('\n')[0] ?? '') as {
          port: number;
          zones: string[];
        };
        assert.equal(zones.length, 6);
        const anchor = await dig(knot.port, ZONE, 'DNSKEY', '+noall', '+answer');
        const unbound = await startValidator({
          zone: ZONE,
          port: knot.port,
          anchor,
          // Where a delegation leads to: resolvers ask port 53, which a test has not.
          delegated: zones.map((zone) => ({ zone, port })),
        });
        try {
          const asked = (name: string): Promise<string> =>
            dig(unbound.port, `${name}.${ZONE}`, 'TXT', '+dnssec');
          const head = await asked('sth.alpha');
          assert.match(head, /flags: qr rd ra ad;/);
          assert.match(head, /"400\./);
          assert.match(head, /IN\s+RRSIG\s+TXT 13/);
          const proof = await asked('0.300.400.sth-consistency.alpha');
          assert.match(proof, /status: NOERROR.*\n.*flags: qr rd ra; QUERY: 1, ANSWER: 1/);
          assert.match(await asked('0.17.300.tree.alpha'), /status: NOERROR[^]*ANSWER: 1/);
          assert.match(
            await asked('nothing.tree.alpha'),
            /status: NOERROR[^]*ANSWER: 0, AUTHORITY: 1/,
          );
          assert.match(await asked('nothing'), /status: (NXDOMAIN|NOERROR)[^]*flags: qr rd ra ad;/);
          // An auditor needs to know nothing of where what is.
          const since = join(directory, 'since.json');
          const old = new SinceFile(logs.alpha.log, 300);
          writeFileSync(since, old.json);
          const where = [
            '--server',
            `127.0.0.1:${unbound.port}`,
            '--log-list',
            list,
            '--state-dir',
            state,
          ];
          const query = await ctga([
            'dns',
            'query',
            `alpha.${ZONE}`,
            '--since',
            since,
            '--json',
            ...where,
          ]);
          assert.equal(query.code, 0, query.stderr);
          assert.match(query.stdout, /"verdict": "consistent"/);
          // The server of the proofs has no tree heads, and does not speak for the zone itself.
          for (const name of [`sth.alpha.${ZONE}`, `alpha.${ZONE}`, ZONE])
            assert.match(await dig(port, name, 'TXT'), /status: REFUSED/);
          assert.match(
            await dig(port, `tree.alpha.${ZONE}`, 'NS'),
            new RegExp(`IN\\s+NS\\s+${PROOFS}\\.`),
          );
          assert.match(
            await dig(port, `0.300.350.sth-consistency.alpha.${ZONE}`, 'TXT'),
            /NOERROR[^]*ANSWER: 0/,
          );
          // What is published while it runs, it gives proofs of.
          logs.beta.size = 300;
          age(state);
          await put();
          const next = '0.200.300.sth-consistency.beta';
          await eventually(async () => /ANSWER: 1,/.test(await asked(next)), 'the newer proof');
        } finally {
          await unbound.stop();
          assert.equal((await serve.stop()).code, 0);
          await knot.stop();
        }
      },
    );

  test(
    'a server that is down is tried again until it is there',
    { skip: SERVER_NEEDS.knot },
    async () => {
      const state = newState();
      const key = { name: 'ctga', secret: randomBytes(32).toString('base64') };
      const keyFile = join(directory, 'key-of-one-line');
      writeFileSync(keyFile, `hmac-sha256:${key.name}:${key.secret}\n`);
      const port = (files.address() as AddressInfo).port + 1;
      const running = startCtga([
        'dns',
        'publish',
        ...base(state),
        '--json',
        '--update',
        `127.0.0.1:${port}`,
        '--key-file',
        keyFile,
      ]);
      await running.until(() => running.said().includes('"zone-failed"'), 'word that it failed');
      const failed =
        running
          .said()
          .split('\n')
          .find((line) => line.includes('zone-failed')) ?? '';
      const { message, remedy, retrySeconds } = JSON.parse(failed) as {
        message: string;
        remedy: string;
        retrySeconds: number;
      };
      assert.match(message, /the connection was refused|refused/);
      assert.match(remedy, /See whether it runs/);
      assert(retrySeconds <= 5);
      const knot = await startServer('knot', { zone: ZONE, records: TEMPLATE, key, port });
      await running.until(
        () => running.said().includes('"zone-written"'),
        'word that it is written',
      );
      assert.equal(await sizeAt(port, 'alpha'), `${logs.alpha.size}`);
      assert.equal((await running.stop()).code, 0);
      await knot.stop();
    },
  );

  test(
    'with a log that does not answer it publishes the others, and says so by its exit code',
    { skip: SERVER_NEEDS.nsd },
    async () => {
      const state = newState();
      const file = join(directory, 'with-one');
      const text = readFileSync(list, 'utf8');
      writeFileSync(list, text.replace('/beta/', '/nobody-has-this/'));
      // As in a service, whose files are for nobody else: the server is another account.
      const mask = process.umask(0o077);
      const ran = await publish(state, '--zone-file', file, '--template', template);
      process.umask(mask);
      assert.equal(statSync(file).mode & 0o777, 0o644);
      writeFileSync(list, text);
      assert.equal(ran.code, 1);
      assert.deepEqual(
        events(ran)
          .map(({ event }) => event)
          .sort(),
        ['log-failed', 'published', 'zone-written'],
      );
      assert.match(readFileSync(file, 'utf8'), /^sth\.alpha\.ct\.test\. 300 IN TXT "\d+\./m);
    },
  );

  const wrong: readonly [string, readonly string[], RegExp][] = [
    ['nowhere to publish', [], /Give either --update with --key-file, or --zone-file/],
    ['two places', ['--update', '127.0.0.1', '--zone-file', '/x'], /exclude each other/],
    ['no key', ['--update', '127.0.0.1'], /--update needs --key-file/],
    ['no template', ['--zone-file', '/x'], /--zone-file needs --template/],
    [
      'a template with no SOA',
      ['--zone-file', '/x', '--template', '/dev/null'],
      /has no SOA record/,
    ],
    [
      'a zone that does not have the logs',
      ['--update', '127.0.0.1', '--key-file', '/dev/null', '--parent', 'other.test'],
      /not in other\.test/,
    ],
    [
      'a file without a key',
      ['--update', '127.0.0.1', '--key-file', '/dev/null'],
      /is no TSIG key.*\n.*tsig-keygen/,
    ],
  ];
  for (const [what, options, said] of wrong)
    test(`${what}: wrong usage`, async () => {
      const state = newState();
      const ran = await ctga(['dns', 'publish', ...base(state), '--once', ...options]);
      assert.equal(ran.code, 2, ran.stderr);
      assert.match(ran.stderr, said);
      assert(!existsSync(state));
    });

  for (const [what, file] of [
    ['that is missing', 'none/zone'],
    ['that is a file', 'template/zone'],
    ['that belongs to another account', '/zone'],
  ] as const) {
    const mayAll = file === '/zone' && process.geteuid?.() === 0;
    const title = `a zone file in a directory ${what}: no log is asked, and nothing is made`;
    test(title, { skip: mayAll ? 'root may write everywhere' : false }, async () => {
      const state = newState();
      const before = asked;
      const path = resolve(directory, file);
      const ran = await publish(state, '--zone-file', path, '--template', template);
      assert.equal(ran.code, ran.stderr.includes('cannot read') ? 2 : 1, ran.stderr);
      assert.match(ran.stderr, /cannot (write|read) [^]*"remedy":"./);
      assert.equal(asked, before);
      assert(!existsSync(state));
    });
  }

  test('a file of others, records of its own in the template, and a reload that fails', async () => {
    const state = newState();
    const mine = join(directory, 'mine');
    writeFileSync(mine, TEMPLATE);
    const over = await publish(state, '--zone-file', mine, '--template', template);
    assert.equal(over.code, 2, over.stderr);
    assert.match(over.stderr, /is not a file that ctga wrote/);
    assert.equal(readFileSync(mine, 'utf8'), TEMPLATE);
    const clash = join(directory, 'clash');
    writeFileSync(clash, `${TEMPLATE}$ORIGIN Alpha\nSTH TXT "mine"\n`);
    const both = await publish(state, '--zone-file', join(directory, 'new'), '--template', clash);
    assert.equal(both.code, 1);
    assert.match(both.stdout, /has records at sth\.alpha\.ct\.test/);
    const reload = await publish(
      state,
      '--zone-file',
      join(directory, 'new'),
      '--template',
      template,
      '--reload',
      'echo it is away >&2; exit 3',
    );
    assert.equal(reload.code, 1);
    assert.match(reload.stdout, /exit code 3: it is away/);
    assert(existsSync(join(directory, 'new')));
  });
});

/** The answer over UDP to a question for TXT with DO. */
async function answerTo(port: number, name: Uint8Array): Promise<Uint8Array> {
  const dnssecOk = opt();
  dnssecOk[7] = 0x80;
  const question = concat(name, u16(RecordType.txt, 1));
  const socket = createSocket('udp4');
  socket.send(
    message({ flags: 0, question, answers: [], additionals: [dnssecOk] }),
    port,
    '127.0.0.1',
  );
  const [answer] = (await once(socket, 'message')) as [Uint8Array];
  socket.close();
  return answer;
}

class SinceFile {
  readonly json: string;
  constructor(log: SigningLog, size: number) {
    const { treeSize, timestamp, rootHash, signature } = log.sign(size, tree.root(size));
    this.json = JSON.stringify({
      log_id: logIdText(log.key.logId),
      tree_size: Number(treeSize),
      timestamp: Number(timestamp),
      sha256_root_hash: Buffer.from(rootHash).toString('base64'),
      tree_head_signature: Buffer.from(signature).toString('base64'),
    });
  }
}

describe('key files', () => {
  const secret = Buffer.alloc(32, 5).toString('base64');
  const good: readonly [string, string][] = [
    ['tsig-keygen', `key "a.key" {\n\talgorithm hmac-sha256;\n\tsecret "${secret}";\n};\n`],
    [
      'a configuration of BIND with a comment',
      `// key "other" {\nkey a.key { algorithm "hmac-sha256"; secret ${secret}; };`,
    ],
    [
      'keymgr',
      `# hmac-sha256:a.key:${secret}\nkey:\n  - id: a.key\n    algorithm: hmac-sha256\n    secret: ${secret}\n`,
    ],
    ['one line', `hmac-sha256:a.key:${secret}\n`],
    ['one line without an algorithm', `a.key:${secret}`],
  ];
  for (const [what, text] of good)
    test(`of ${what}`, () => {
      assert.deepEqual(parseTsigKey(text), {
        name: 'a.key',
        secret: new Uint8Array(Buffer.alloc(32, 5)),
      });
    });
  const bad: readonly [string, string, RegExp][] = [
    ['nothing', '', /no TSIG key/],
    [
      'another algorithm',
      `key "a" { algorithm hmac-md5; secret "${secret}"; };`,
      /for hmac-md5, want hmac-sha256/,
    ],
    [
      'a secret that is no base64',
      'key "a" { algorithm hmac-sha256; secret "%"; };',
      /no TSIG key/,
    ],
    ['no name', `key: \n - secret: ${secret}`, /no TSIG key/],
  ];
  for (const [what, text, said] of bad)
    test(`with ${what}: refused`, () => assert.throws(() => parseTsigKey(text), said));
});
