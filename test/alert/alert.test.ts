// SPDX-License-Identifier: Apache-2.0
/**
 * Alerts: what is told, once each, over channels that fail; each channel against what it really
 * talks to.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, mock, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Alerter } from '../../src/alert/alerter.ts';
import {
  alertNow,
  commandChannel,
  journalChannel,
  mailChannel,
  sign,
  webhookChannel,
  type Alert,
  type Channel,
} from '../../src/alert/channels.ts';
import { clean } from '../../src/base/clean.ts';
import { judgeWithoutProof } from '../../src/evidence/judge.ts';
import { keepEvidence } from '../../src/evidence/keep.ts';
import { StoreError } from '../../src/disk/error.ts';
import { BLIND, NO_ROOM } from '../../src/store/counters.ts';
import { memoryStore, openForWriting, stateAt } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import { ctga, startCtga } from '../support/ctga.ts';
import { planeState } from '../support/plane-state.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
chmodSync(directory, 0o755); // for the account that root becomes
after(() => rmSync(directory, { recursive: true }));

const log = new SigningLog();
const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 1);

function seen(store: Store, size: number, branch = 'a'): void {
  const head = log.verified(size, treeOf(size, branch).root());
  store.heads.record([{ head, source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 }]);
}

function putPlane(store: Store, now: number, blindSince: number | null = null, lost = 0): void {
  const counters = { answersRingFull: lost, fragmentsRingFull: 0 };
  store.planes.put('eth0', planeState({ counters, blindSince }), now);
}

function proveFork(store: Store, size: number, evidence: string): void {
  seen(store, size);
  seen(store, size, 'b');
  const [fork] = store.evidence.missing();
  assert(fork !== undefined);
  const judgement = judgeWithoutProof(...fork);
  assert(judgement?.verdict === 'fork-proven');
  keepEvidence(store, evidence, log.asLog({ description: 'A log' }), fork, judgement, 1);
}

describe('the alerter', () => {
  let store: Store;
  let sent: Alert[];
  let failures: string[];
  let down: boolean;
  let alerter: Alerter;
  const channel: Channel = {
    kind: 'command',
    name: 'test',
    send: (alert) => {
      if (down) return Promise.reject(new Error('down'));
      sent.push(alert);
      return Promise.resolve();
    },
  };
  const anew = (channels: readonly Channel[] = [channel]): Alerter =>
    new Alerter({ store, channels, onFailure: (message) => void failures.push(message) });
  const tick = (each: Alerter, now: number): Promise<void> => each.tick(now, now);
  const told = (): string[] =>
    sent.splice(0).map(({ event, key }) => `${event} ${key.split(':')[0] ?? ''}`);

  beforeEach(() => {
    store = memoryStore();
    store.logs.put([log.asLog({ description: 'A log' })]);
    [sent, failures, down] = [[], [], false];
    alerter = anew();
  });

  test('says nothing while all is well', async () => {
    putPlane(store, START);
    seen(store, 3);
    await tick(alerter, START);
    assert.deepEqual(told(), []);
  });

  test('tells of what was lost while no alerter ran, once', async () => {
    store.counters.add('observer', { [NO_ROOM]: 3 });
    putPlane(store, START);
    await tick(alerter, START);
    assert.deepEqual(told(), [], 'nobody knows how old that is');
    store.counters.add('observer', { [NO_ROOM]: 1 });
    store.counters.add('eth0', { [BLIND]: 2500 });
    putPlane(store, START + 1000);
    // One that dies before the store has the alert leaves it to the next.
    const full = mock.method(store.alerts, 'raise', () => {
      throw new StoreError('store-failed', 'the disk is full');
    });
    await tick(anew(), START + 1000);
    assert.deepEqual(told().sort(), ['alert gap', 'alert lost-copies']);
    full.mock.restore();
    await tick(anew(), START + 2000);
    assert.deepEqual(told().sort(), ['alert gap', 'alert lost-copies']);
    await tick(anew(), START + 3000);
    assert.deepEqual(told().sort(), ['recovery gap', 'recovery lost-copies']);
  });

  test('tells of a split view once, over restarts too, and never that it is over', async () => {
    proveFork(store, 3, join(directory, 'evidence'));
    await tick(alerter, START);
    assert.equal(sent[0]?.severity, 'critical');
    assert.match(sent[0].message, /^SPLIT VIEW PROVEN: A log signed trees of size 3 and 3 /);
    assert.match(sent[0].remedy, /ctga evidence verify /);
    assert.deepEqual(told(), ['alert fork']);
    await tick(alerter, START + MINUTE);
    await tick(anew(), START + 2 * MINUTE);
    assert.deepEqual(told(), []);
    proveFork(store, 4, join(directory, 'evidence'));
    await tick(alerter, START + 3 * MINUTE);
    assert.deepEqual(told(), ['alert fork']);
  });

  test('tells of a log without proof, and when it has one', async () => {
    seen(store, 3);
    const [tree] = store.heads.trees(log.key.logId);
    assert(tree !== undefined);
    store.verdicts.set(tree, START, { verdict: 'unprovable' });
    await tick(alerter, START);
    store.verdicts.set(tree, START, { verdict: 'consistent' });
    await tick(alerter, START + MINUTE);
    assert.deepEqual(told(), ['alert unprovable', 'recovery unprovable']);
  });

  test('tells of copies that the observer dropped, until none were for a while', async () => {
    store.counters.add('observer', { [NO_ROOM]: 7 });
    await tick(alerter, START);
    assert.deepEqual(told(), []);
    store.counters.add('observer', { [NO_ROOM]: 1 });
    await tick(alerter, START + MINUTE);
    assert.match(sent[0]?.message ?? '', /^The observer drops copied answers/);
    await tick(alerter, START + 10 * MINUTE);
    await tick(alerter, START + 17 * MINUTE);
    assert.deepEqual(told(), ['alert lost-copies', 'recovery lost-copies']);
  });

  test('tells of a malformed tree head once', async () => {
    const head = log.verified(0, treeOf(1).root());
    store.heads.record([{ head, source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 }]);
    await tick(alerter, START);
    assert.equal(sent[0]?.severity, 'warning');
    assert.match(sent[0].message, /^A log signed a malformed tree head/);
    await tick(anew(), START + MINUTE);
    assert.deepEqual(told(), ['alert malformed-head']);
  });

  test('tells of a stale tree head once, and when the log shows a current one', async () => {
    store.logs.setStale(log.key.logId, START, 'shows a tree head that is 30 hours old');
    await tick(alerter, START);
    assert.match(sent[0]?.message ?? '', /^A log shows a tree head that is 30 hours old\.$/);
    await tick(anew(), START + MINUTE);
    store.logs.setStale(log.key.logId, START + MINUTE, undefined);
    await tick(alerter, START + 2 * MINUTE);
    assert.deepEqual(told(), ['alert stale-head', 'recovery stale-head']);
  });

  test('tells of an interface that is blind or that nobody watches, and when it is watched again', async () => {
    putPlane(store, START, START - MINUTE);
    await tick(alerter, START);
    putPlane(store, START + MINUTE);
    await tick(alerter, START + MINUTE);
    assert.deepEqual(told(), ['alert blind', 'recovery blind']);
    await tick(alerter, START + 3 * MINUTE);
    assert.match(
      sent[0]?.message ?? '',
      /^No observer has watched eth0 since 2026-01-01 00:01:00 UTC\.$/,
    );
    assert.deepEqual(told(), ['alert blind']);
    store.planes.forget('eth0');
    await tick(alerter, START + 4 * MINUTE);
    assert.deepEqual(told(), ['recovery blind']);
  });

  test('tells of lost copies from when it looks on, until none was for a quarter of an hour', async () => {
    const at = async (minute: number, lost: number): Promise<string[]> => {
      putPlane(store, START + minute * MINUTE, null, lost);
      await tick(alerter, START + minute * MINUTE);
      return told();
    };
    assert.deepEqual(await at(0, 5), [], 'long ago');
    assert.deepEqual(await at(1, 6), ['alert drops']);
    assert.deepEqual(await at(10, 7), []);
    assert.deepEqual(await at(20, 7), []);
    assert.deepEqual(await at(26, 7), ['recovery drops']);
    assert.deepEqual(await at(27, 0), [], 'attached anew');
  });

  test('keeps what cannot be sent, in order, tries later and later, and gives up after a week', async () => {
    down = true;
    putPlane(store, START, START);
    await tick(alerter, START);
    putPlane(store, START + MINUTE);
    let tries = 0;
    const count: Channel = { ...channel, send: (alert) => (tries++, channel.send(alert)) };
    alerter = anew([count]);
    for (let second = 0; second < 3600; second++) {
      putPlane(store, START + second * 1000);
      await tick(alerter, START + second * 1000);
    }
    // 5, 10, 20, ... seconds apart.
    assert(tries >= 9 && tries <= 11, `${tries} tries in an hour`);
    down = false;
    for (let hour = 2; hour < 5; hour++) {
      putPlane(store, START + hour * 60 * MINUTE);
      await tick(anew(), START + hour * 60 * MINUTE);
    }
    assert.deepEqual(told(), ['alert blind', 'recovery blind']);

    down = true;
    putPlane(store, START, START);
    await tick(alerter, START);
    for (let hour = 1; hour < 8 * 24; hour++) {
      putPlane(store, START + hour * 60 * MINUTE, START);
      await tick(alerter, START + hour * 60 * MINUTE);
    }
    assert.match(failures.at(-1) ?? '', /^test: dropped after \d+ attempts: down$/);
    assert.equal(store.alerts.outbox('test').length, 0);
  });

  test('takes no step of the clock for silence of an observer, nor silence for anything else', async () => {
    const YEAR = 365 * 24 * 60 * MINUTE;
    putPlane(store, START);
    await alerter.tick(START, 0);
    // The clock is set; the observer writes some seconds later.
    await alerter.tick(START + YEAR, 2000);
    putPlane(store, START + YEAR);
    await alerter.tick(START + YEAR, 10_000);
    await alerter.tick(START - YEAR, 12_000);
    assert.deepEqual(told(), []);
    // It ended before it could write: what it wrote last lies ahead.
    await alerter.tick(START - YEAR, 75_000);
    assert.deepEqual(told(), ['alert blind']);
  });

  test('sends what was put off while the clock was wrong', async () => {
    down = true;
    putPlane(store, START, START);
    await alerter.tick(START + 365 * 24 * 60 * MINUTE, 0);
    down = false;
    await alerter.tick(START, 1000);
    assert.deepEqual(told(), ['alert blind']);
  });

  test('lets no channel wait for another', async () => {
    const other: Alert[] = [];
    const stuck: Channel = {
      kind: 'command',
      name: 'stuck',
      send: () => Promise.reject(new Error('stuck')),
    };
    const free: Channel = {
      kind: 'command',
      name: 'free',
      send: (alert) => (other.push(alert), Promise.resolve()),
    };
    putPlane(store, START, START);
    await tick(anew([stuck, free]), START);
    assert.equal(other.length, 1);
  });
});

const alert = alertNow(
  'alert',
  {
    key: 'k',
    severity: 'critical',
    message: 'Ein Log zeigt zwei Bäume: "x"\nBcc: somebody@example.org',
    remedy: 'Look\n.\nat it',
  },
  START,
);

/** What every channel makes of it. */
const shown: Alert = {
  ...alert,
  message: clean(alert.message),
  remedy: 'Look\\u000a.\\u000aat it',
};

describe('a channel', () => {
  test('mail: what sendmail gets is a message that Python reads as meant, and no line is another header', async () => {
    const [program, got] = [join(directory, 'sendmail'), join(directory, 'mail')];
    // In the place of the machine's sendmail, which would deliver: takes what it is given.
    writeFileSync(program, `#!/bin/sh\necho "$@" > ${got}.args\ncat > ${got}\n`, { mode: 0o755 });
    await mailChannel('root@example.org', program).send(alert);
    assert.equal(readFileSync(`${got}.args`, 'utf8'), '-i -t\n');
    const parse = `
import email, email.policy, json, sys
m = email.message_from_binary_file(open(sys.argv[1], 'rb'), policy=email.policy.default)
print(json.dumps({'headers': m.keys(), 'to': m['To'], 'subject': m['Subject'], 'date': m['Date'].datetime.isoformat(), 'text': m.get_content(), 'defects': len(m.defects)}))`;
    const { stdout, stderr } = spawnSync('python3', ['-c', parse, got], { encoding: 'utf8' });
    assert.equal(stderr, '');
    const mail = JSON.parse(stdout) as Record<string, unknown>;
    assert(!(mail['headers'] as string[]).includes('Bcc'));
    assert.equal(mail['to'], 'root@example.org');
    assert.match(
      String(mail['subject']),
      /Ein Log zeigt zwei Bäume: "x"\\u000aBcc: somebody@example\.org$/,
    );
    assert.equal(mail['date'], '2026-01-01T00:00:00+00:00');
    assert.equal(mail['defects'], 0);
    assert(String(mail['text']).includes('Look\\u000a.\\u000aat it'));
  });

  test('mail: no sendmail, or one that fails, is a reason', async () => {
    await assert.rejects(
      mailChannel('root', '/nosuch/sendmail').send(alert),
      /\/nosuch\/sendmail: there is no program/,
    );
    const program = join(directory, 'broken');
    writeFileSync(program, '#!/bin/sh\necho "no such user" >&2; exit 67\n', { mode: 0o755 });
    await assert.rejects(
      mailChannel('root', program).send(alert),
      /^CtgaError: exit code 67: no such user$/,
    );
  });

  test("mail: a helper's sendmail gets the same message, and its complaint is the reason", async (context) => {
    const unit = new URL('../../packaging/systemd/ctga-mail@.service', import.meta.url);
    const [, line = assert.fail()] =
      /^ExecStart=.* \/bin\/sh -c '(.*)'$/m.exec(readFileSync(unit, 'utf8')) ?? [];
    const [program, helper, got] = ['helped', 'helper.socket', 'got'].map((name) =>
      join(directory, name),
    ) as [string, string, string];
    const command = line.replaceAll('$$', '$').replace('/usr/sbin/sendmail', program);
    const server = createSocketServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      spawn('/bin/sh', ['-c', command], { stdio: [socket, socket, 'ignore'] }).once('close', () =>
        socket.destroy(),
      );
    });
    await new Promise<void>((resolve) => server.listen(helper, resolve));
    context.after(() => server.close());
    writeFileSync(program, `#!/bin/sh\necho noise; cat > ${got}\n`, { mode: 0o755 });
    await mailChannel('root', '/nosuch/sendmail', helper).send(alert);
    assert.match(readFileSync(got, 'utf8'), /^To: root\nSubject: /);
    writeFileSync(program, '#!/bin/sh\necho "no such user" >&2; exit 67\n', { mode: 0o755 });
    await assert.rejects(
      mailChannel('root', '/nosuch/sendmail', helper).send(alert),
      /^CtgaError: exit code 67: no such user$/,
    );
    // The socket is there, and nobody listens.
    spawnSync('python3', ['-c', `import socket; socket.socket(1).bind('${helper}2')`]);
    await assert.rejects(
      mailChannel('root', '/nosuch/sendmail', `${helper}2`).send(alert),
      /helper\.socket2: .*refused/,
    );
  });

  test('a command gets the alert on its input and in its environment, and no part of it is code', async () => {
    const got = join(directory, 'command');
    const nasty = {
      ...alert,
      message: `$(touch ${got}.owned) \`touch ${got}.owned\` "; touch ${got}.owned; "`,
    };
    await commandChannel(
      `cat > ${got}; printf '%s|%s' "$CTGA_SEVERITY" "$CTGA_MESSAGE" > ${got}.env`,
    ).send(nasty);
    assert.deepEqual(JSON.parse(readFileSync(got, 'utf8')), { ...nasty, remedy: shown.remedy });
    assert.equal(readFileSync(`${got}.env`, 'utf8'), `critical|${nasty.message}`);
    assert.throws(() => readFileSync(`${got}.owned`));
    await assert.rejects(
      commandChannel('echo no >&2; exit 3').send(alert),
      /^CtgaError: exit code 3: no$/,
    );
    await commandChannel('exec true').send(alert);
  });

  test('the journal gets one line with a priority, whatever a log is called', async () => {
    let text = '';
    await journalChannel((line) => (text += line), true).send(alert);
    await journalChannel((line) => (text += line), false).send({ ...alert, event: 'recovery' });
    const [first = '', second = '', end] = text.split('\n');
    assert.match(first, /^<2>Ein Log zeigt .* Look\\u000a\.\\u000aat it$/);
    assert.match(second, /^over: Ein Log/);
    assert.equal(end, '');
  });
});

describe('a webhook', () => {
  let server: Server;
  let url: string;
  let status = 200;
  const requests: { headers: Record<string, unknown>; body: string; path: string }[] = [];
  before(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        requests.push({ headers: request.headers, body, path: request.url ?? '' });
        response.writeHead(status, { location: 'http://127.0.0.1:1/elsewhere' }).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    assert(typeof address === 'object' && address !== null);
    url = `http://127.0.0.1:${address.port}/hook`;
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  beforeEach(() => {
    requests.length = 0;
    status = 200;
  });

  test('is signed, so that openssl agrees', async () => {
    await webhookChannel({ url, secret: 'a secret', allowPrivateAddress: true }).send(alert);
    const [got] = requests;
    assert(got !== undefined);
    assert.deepEqual(JSON.parse(got.body), shown);
    assert.equal(got.headers['content-type'], 'application/json');
    const [, seconds = '', hex] =
      /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(got.headers['x-ctga-signature'])) ?? [];
    assert(Math.abs(Number(seconds) - Date.now() / 1000) < 60);
    const { stdout } = spawnSync('openssl', ['dgst', '-sha256', '-hmac', 'a secret'], {
      input: `${seconds}.${got.body}`,
      encoding: 'utf8',
    });
    assert.equal(hex, stdout.trim().split(' ').at(-1));
    assert.notEqual(sign(got.body, 'another', Date.now()), got.headers['x-ctga-signature']);
    await webhookChannel({ url, secret: undefined, allowPrivateAddress: true }).send(alert);
    assert.equal(requests[1]?.headers['x-ctga-signature'], undefined);
  });

  test('goes to no private address, by number or by name, and follows no redirect', async () => {
    const port = new URL(url).port;
    for (const host of [
      '127.0.0.1',
      'localhost',
      '[::1]',
      '169.254.169.254',
      '10.0.0.1',
      '[::ffff:127.0.0.1]',
      '0x7f.1',
    ])
      await assert.rejects(
        webhookChannel({
          url: `http://${host}:${port}/`,
          secret: undefined,
          allowPrivateAddress: false,
        }).send(alert),
        /is no public address: nothing was sent/,
        host,
      );
    assert.equal(requests.length, 0);
    status = 302;
    await assert.rejects(
      webhookChannel({ url, secret: undefined, allowPrivateAddress: true }).send(alert),
      /it answered with status 302/,
    );
    assert.equal(requests.length, 1);
  });

  test('as a user has it: alert test says which channel works; alert run tells, and keeps its heart beating', async () => {
    const secret = join(directory, 'secret');
    writeFileSync(secret, 'a secret\n');
    const state = stateAt(join(directory, 'state'));
    const common = [
      '--webhook-secret-file',
      secret,
      '--webhook-allow-private',
      '--state-dir',
      state.directory,
    ];
    const tried = await ctga([
      'alert',
      'test',
      '--webhook',
      url,
      '--command',
      'exit 9',
      '--json',
      ...common,
    ]);
    assert.equal(tried.code, 1);
    assert.deepEqual(
      (JSON.parse(tried.stdout) as { error: string | null }[]).map(({ error }) => error),
      [null, 'exit code 9'],
    );
    assert.equal((JSON.parse(requests[0]?.body ?? '{}') as Alert).event, 'test');
    const none = await ctga(['alert', 'test', '--state-dir', state.directory]);
    assert.equal(none.code, 2);
    assert.match(none.stderr, /no channel is set/);

    requests.length = 0;
    const beat = url.replace('/hook', '/beat');
    const args = [
      'alert',
      'run',
      '--webhook',
      url,
      '--heartbeat',
      beat,
      // Whose failure is no concern of the URL's.
      '--heartbeat-command',
      'exit 1',
      '--heartbeat-every',
      '1',
      ...common,
    ];
    const { said, until, stop } = startCtga(args);
    const got = (path: string): number => requests.filter((each) => each.path === path).length;
    await until(() => got('/beat') >= 2, 'two heartbeats');
    const store = openForWriting(state);
    putPlane(store, Date.now(), Date.now());
    await until(() => got('/hook') === 1, 'an alert');
    assert.match(said(), /ctga has seen no packet of eth0/);
    const beats = got('/beat');
    await sleep(2500);
    assert(got('/beat') <= beats + 1, 'its heart does not beat while an interface is blind');
    const listed = await ctga(['alert', 'list', '--state-dir', state.directory]);
    assert.match(listed.stdout, /ctga has seen no packet of eth0/);
    const forgotten = await ctga(['alert', 'forget', 'eth0', '--state-dir', state.directory]);
    assert.equal(forgotten.stdout, 'ctga no longer sends alerts about eth0.\n');
    await until(() => got('/hook') === 2, 'the end of the alert');
    store.close();
    assert.equal((await stop()).code, 0, said());
  });
});
