// SPDX-License-Identifier: Apache-2.0
/**
 * The extension in Debian's Firefox, which visits real servers on loopback with certificates of the
 * test's own authority. One Firefox for all of it but the restart.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import type { Row, Shown } from '../../extension/memory.js';
import { encodeBase64 } from '../../src/base/base64.ts';
import type { Marionette } from '../../src/lab/firefox.ts';
import { Certificate } from '../../src/scts/certificate.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { startCtga, type Running } from '../support/ctga.ts';
import { eventually } from '../support/eventually.ts';
import { noFirefox, packExtension, startFirefox, type RunningFirefox } from '../support/firefox.ts';
import { freePort } from '../support/ports.ts';
import { logListOf, SigningLog } from '../support/signing-log.ts';

const FEEDBACK = '/.well-known/ct/v1/sct-feedback';
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const log = new SigningLog();
const stranger = new SigningLog();
const authority = new Authority();
const root = encodeBase64(authority.der);

interface Identity {
  readonly der: Uint8Array;
  readonly key: KeyObject;
}

/** A certificate of its own for these names, with SCTs of a log that is known and of one that is not. */
function identity(names: readonly string[], logs = [log, stranger]): Identity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return { der: authority.issue(names, { logs, publicKey }), key: privateKey };
}

/** The pair that a report has of a certificate. */
function pairOf({ der }: Identity): { x509_chain: string[]; sct_data: string[] } {
  const [sct] = new Certificate(der).embeddedScts.map(encodeBase64);
  assert(sct !== undefined);
  return { x509_chain: [encodeBase64(der), root], sct_data: [sct] };
}

const pem = (label: string, der: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${encodeBase64(der)}\n-----END ${label}-----\n`;
const keyPem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const chainPem = (der: Uint8Array): string =>
  pem('CERTIFICATE', der) + pem('CERTIFICATE', authority.der);

interface Asked {
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Web servers of all names at one port, whose certificates can be changed. */
class Sites {
  readonly port: number;
  readonly asked: Asked[] = [];
  /** What a host says to a request, where it is not a page. */
  readonly answers = new Map<string, (path: string, response: ServerResponse) => boolean>();
  #identities = new Map<string, Identity>();
  #server: Server | undefined;

  constructor(port: number) {
    this.port = port;
  }

  /** From now on these hosts have these certificates; whoever was connected has to connect anew. */
  async show(identities: Readonly<Record<string, Identity>>): Promise<void> {
    await this.close();
    for (const [host, each] of Object.entries(identities)) this.#identities.set(host, each);
    const contexts = new Map(
      [...this.#identities].map(([host, { der, key }]) => [
        host,
        createSecureContext({ cert: chainPem(der), key: keyPem(key) }),
      ]),
    );
    // A new server has new ticket keys, so that no session goes on with the old certificate.
    const server = createServer({ SNICallback: (host, done) => done(null, contexts.get(host)) });
    server.on('request', (request, response) => {
      const host = (request.headers.host ?? '').replace(/:\d+$/, '');
      const { method = '', url: path = '', headers } = request;
      let body = '';
      request.on('data', (text: Buffer) => (body += text.toString()));
      request.on('end', () => {
        this.asked.push({ host, method, path, headers, body });
        response.setHeader('cache-control', 'no-store');
        if (this.answers.get(host)?.(path, response) === true) return;
        response.setHeader('set-cookie', 'visitor=1; Secure');
        response.setHeader('content-type', 'text/html');
        response.end('<!doctype html><title>a page</title>');
      });
    });
    await new Promise<void>((done) => server.listen(this.port, '127.0.0.1', done));
    this.#server = server;
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    await new Promise((done) => {
      server.close(done);
      server.closeAllConnections();
    });
  }

  url(host: string): string {
    return `https://${host}:${this.port}`;
  }

  posts(host?: string): Asked[] {
    return this.asked.filter(
      (each) => each.method !== 'GET' && (host === undefined || each.host === host),
    );
  }
}

/** A program that Firefox starts in the daemon's place; it writes down what it is told. */
const HOST = (record: string): string => `#!${process.execPath}
const { appendFileSync } = require('node:fs');
const say = (message) => {
  const text = Buffer.from(JSON.stringify(message));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  process.stdout.write(Buffer.concat([length, text]));
};
const status = { type: 'status', logs: [{ name: 'Test log', size: 7, state: 'consistent' }],
  scts: [{ origin: 'https://www.example.net', log: 'Test log', time: 1, state: 'included' }],
  findings: [], feedback: [] };
let bytes = Buffer.alloc(0);
process.stdin.on('data', (more) => {
  bytes = Buffer.concat([bytes, more]);
  while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32LE()) {
    const end = 4 + bytes.readUInt32LE();
    const message = JSON.parse(bytes.subarray(4, end).toString());
    bytes = bytes.subarray(end);
    appendFileSync(${JSON.stringify(record)}, JSON.stringify(message) + '\\n');
    if (message.type === 'feedback')
      status.findings = [{ what: 'two trees of one size', log: 'Test log', evidence: '/tmp/fork-1.json' }];
    if (['status', 'feedback'].includes(message.type)) say(status);
  }
});
process.stdin.on('end', () => process.exit());
`;

describe('in Firefox', { skip: noFirefox }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  const profile = join(directory, 'profile');
  const home = join(directory, 'home');
  const told = join(directory, 'told');
  let running: RunningFirefox;
  let firefox: Marionette;
  let sites: Sites;
  let page = '';

  before(async () => {
    sites = new Sites(await freePort());
    running = await startFirefox(profile, home);
    ({ firefox } = running);
    await firefox.trust(authority.der);
    await firefox.install(packExtension(directory, [log]));
    const uuid = await firefox.inBrowser(
      `return WebExtensionPolicy.getByID('ctga@client.invalid').mozExtensionHostname;`,
    );
    page = `moz-extension://${String(uuid)}/page.html`;
  });
  after(async () => {
    await running.stop();
    await sites.close();
    rmSync(directory, { recursive: true });
  });

  interface Kept {
    readonly index: Record<string, Row>;
    readonly [chains: string]: Record<string, Row> | Shown[];
  }
  /** All that the extension has stored. */
  async function kept(): Promise<Kept> {
    await firefox.visit(page);
    const all = await firefox.inPage(`return await window.browser.storage.local.get(null);`);
    return { index: {}, ...(all as object) };
  }
  const rowOf = ({ index }: Kept, host: string, below = ''): Row | undefined =>
    Object.values(index).find((row) => row.origin === sites.url(host) && row.below === below);
  async function untilRow(
    host: string,
    condition: (row: Row | undefined) => boolean,
    what: string,
    below = '',
  ): Promise<void> {
    let row: Row | undefined;
    await eventually(
      async () => condition((row = rowOf(await kept(), host, below))),
      () => `${host}: ${what}; it is ${JSON.stringify(row)}`,
    );
  }
  const visit = (host: string, path = '/'): Promise<void> => firefox.visit(sites.url(host) + path);
  /** A visit on which the host is known with `chains` certificates afterwards. */
  async function visitAs(host: string, as: Identity, chains: number): Promise<void> {
    await sites.show({ [host]: as });
    await visit(host);
    await untilRow(host, (row) => row?.chains === chains, `${chains} certificates`);
  }

  test('what another server showed is told to the origin on the next visit, once', async () => {
    const [fraud, honest] = [identity(['www.example.test']), identity(['www.example.test'])];
    const bystander = identity(['bystander.test']);
    await sites.show({ 'bystander.test': bystander });
    await visit('bystander.test');
    await visitAs('www.example.test', fraud, 1);
    assert.deepEqual(sites.posts(), [], 'nothing is told on the connection itself');
    await visitAs('www.example.test', honest, 2);
    await untilRow('www.example.test', (row) => row?.report?.outcome === 'sent', 'was told');
    for (let i = 0; i < 3; i++) await visit('www.example.test');
    await visit('bystander.test');
    await visitAs('www.example.test', fraud, 2);
    const [post, ...more] = sites.posts();
    assert.deepEqual(more, [], 'once, and nobody else');
    assert.equal(post?.host, 'www.example.test');
    assert.equal(post.path, FEEDBACK);
    assert.deepEqual(JSON.parse(post.body), { sct_feedback: [pairOf(fraud)] });
    assert.equal(post.headers['content-type'], 'application/json');
    for (const name of ['origin', 'referer', 'cookie'])
      assert.equal(post.headers[name], undefined, name);
    assert(!JSON.stringify(post.headers).includes('moz-extension'));
  });

  test('no request carries a mark, and no site can read it', async () => {
    const mark = rowOf(await kept(), 'www.example.test')?.mark ?? '';
    assert.match(mark, /^\/ctga-[0-9a-f]{32}$/);
    await visit('www.example.test');
    assert.equal(await firefox.inPage('return document.cookie;'), 'visitor=1');
    assert(!sites.asked.some(({ headers }) => JSON.stringify(headers).includes('ctga')));
  });

  test('a day later it is told again, and not before', async () => {
    const later = async (hours: number): Promise<void> => {
      await firefox.visit(page);
      // As if the last report had been so long ago.
      await firefox.inPage(
        `const { index } = await browser.storage.local.get('index');
         for (const { report } of Object.values(index))
           if (report) report.at = Date.now() - arguments[0] * 3600000;
         await browser.storage.local.set({ index });`,
        hours,
      );
      // What the background has in memory goes as it does when Firefox suspends it.
      await suspend();
    };
    const before = sites.posts().length;
    await later(23.9);
    await visit('www.example.test');
    await visitAs('www.example.test', identity(['www.example.test'], [stranger]), 2);
    assert.equal(sites.posts().length, before);
    await later(24.1);
    await visit('www.example.test');
    await untilRow(
      'www.example.test',
      ({ report } = {} as Row) => report?.scts === 2 && report.outcome === 'sent',
      'was told again',
    );
    assert.equal(sites.posts().length, before + 1);
    assert.deepEqual(
      (JSON.parse(sites.posts().at(-1)?.body ?? '') as { sct_feedback: unknown[] }).sct_feedback
        .length,
      2,
      'a connection with SCTs of no known log brings none of those that are kept',
    );
  });

  async function suspend(): Promise<void> {
    await firefox.inBrowser(
      `const { extension } = WebExtensionPolicy.getByID('ctga@client.invalid');
       await extension.terminateBackground({ ignoreDevToolsAttached: true, disableResetIdleForTest: true });`,
    );
  }

  test('suspended by Firefox, it wakes for the next response', async () => {
    await visitAs('sleepy.test', identity(['sleepy.test']), 1);
    await suspend();
    await visitAs('sleepy.test', identity(['sleepy.test']), 2);
    await untilRow('sleepy.test', (row) => row?.report?.outcome === 'sent', 'was told');
  });

  test('a redirect is not followed, and a refusal is noted', async () => {
    sites.answers.set('moved.test', (path, response) => {
      if (path !== FEEDBACK) return false;
      response.writeHead(307, { location: `${sites.url('elsewhere.test')}${FEEDBACK}` }).end();
      return true;
    });
    sites.answers.set('refuses.test', (path, response) => {
      if (path !== FEEDBACK) return false;
      response.writeHead(404).end();
      return true;
    });
    await sites.show({ 'elsewhere.test': identity(['elsewhere.test']) });
    for (const host of ['moved.test', 'refuses.test']) {
      await visitAs(host, identity([host]), 1);
      await visitAs(host, identity([host]), 2);
    }
    await untilRow('moved.test', (row) => row?.report?.outcome === 'failed', 'failed');
    await untilRow('refuses.test', (row) => row?.report?.status === 404, 'refused');
    assert.deepEqual(sites.posts('elsewhere.test'), []);
    assert.equal(sites.posts('moved.test').length, 1);
  });

  test('third parties are treated as their cookies are', async () => {
    sites.answers.set('top.test', (path, response) => {
      if (path !== '/') return false;
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end(
          `<!doctype html><title>top</title><script src="${sites.url('third.test')}/x.js"></script>`,
        );
      return true;
    });
    await sites.show({
      'top.test': identity(['top.test']),
      'third.test': identity(['third.test']),
    });
    const setting = (value: number): Promise<unknown> =>
      firefox.inBrowser(
        `Services.prefs.setIntPref('network.cookie.cookieBehavior', arguments[0]);`,
        value,
      );
    await setting(1); // reject_third_party
    await visit('top.test');
    await untilRow('top.test', (row) => row !== undefined, 'is a first party');
    assert.equal(rowOf(await kept(), 'third.test'), undefined);
    assert.equal(rowOf(await kept(), 'third.test', 'https://top.test'), undefined);
    await setting(5); // reject_trackers_and_partition_foreign, the default
    await visit('top.test');
    await untilRow('third.test', (row) => row?.chains === 1, 'kept apart', 'https://top.test');
    await visit('third.test');
    await untilRow('third.test', (row) => row?.chains === 1, 'kept as a first party as well');
    await sites.show({ 'third.test': identity(['third.test']) });
    await setting(1);
    await visit('top.test');
    assert.deepEqual(sites.posts('third.test'), [], 'as a third party it is told nothing');
    await setting(5);
    await visit('top.test');
    await untilRow(
      'third.test',
      (row) => row?.report?.outcome === 'sent',
      'told',
      'https://top.test',
    );
    assert.equal(sites.posts('third.test').length, 1);
    await setting(2); // reject_all
    await sites.show({ 'nothing.test': identity(['nothing.test']) });
    await visit('nothing.test');
    await setting(5);
    assert.equal(rowOf(await kept(), 'nothing.test'), undefined);
  });
  /** Has a tab that `open` gives load a page, and then closes it. */
  const visitIn = (open: string, host: string): Promise<unknown> =>
    firefox.inBrowser(
      `const { BrowserWindowTracker } = ChromeUtils.importESModule('resource:///modules/BrowserWindowTracker.sys.mjs');
       const [url] = arguments;
       const { gBrowser, tab, close } = await (async () => { ${open} })();
       const loaded = new Promise((done) => {
         gBrowser.addTabsProgressListener({ onStateChange({ currentURI }, progress, request, flags) {
           if (flags & Ci.nsIWebProgressListener.STATE_STOP && currentURI.spec === url) done();
         } });
       });
       tab.linkedBrowser.fixupAndLoadURIString(url, {
         triggeringPrincipal: Services.scriptSecurityManager.getSystemPrincipal() });
       await loaded;
       close();`,
      `${sites.url(host)}/`,
    );

  test('private windows are not looked at', async () => {
    await sites.show({ 'private.test': identity(['private.test']) });
    await visitIn(
      `const window = BrowserWindowTracker.openWindow({ private: true });
       await new Promise((done) => window.addEventListener('load', done, { once: true }));
       await window.delayedStartupPromise;
       const { gBrowser } = window;
       return { gBrowser, tab: gBrowser.selectedTab, close: () => window.close() };`,
      'private.test',
    );
    assert(sites.asked.some(({ host }) => host === 'private.test'));
    await visitAs('public.test', identity(['public.test']), 1);
    assert.equal(rowOf(await kept(), 'private.test'), undefined);
  });

  test('what a container was shown is not told for another', async () => {
    const inContainer = (): Promise<unknown> =>
      visitIn(
        `const { gBrowser } = BrowserWindowTracker.getTopWindow();
         const tab = gBrowser.addTab('about:blank', { userContextId: 2,
           triggeringPrincipal: Services.scriptSecurityManager.getSystemPrincipal() });
         return { gBrowser, tab, close: () => gBrowser.removeTab(tab) };`,
        'apart.test',
      );
    await sites.show({ 'apart.test': identity(['apart.test']) });
    await inContainer();
    await visitAs('apart.test', identity(['apart.test']), 1);
    const { index } = await kept();
    const containers = Object.values(index)
      .filter(({ origin }) => origin === sites.url('apart.test'))
      .map(({ container }) => container);
    assert.deepEqual(containers.sort(), ['firefox-container-2', 'firefox-default']);
    assert.deepEqual(sites.posts('apart.test'), []);
    await inContainer();
    await eventually(
      () => sites.posts('apart.test').length === 1,
      () => 'the container to tell its own',
    );
  });

  describe('clearing', () => {
    const cleared = async (host: string, how: string): Promise<void> => {
      await visitAs(host, identity([host]), 1);
      await firefox.inBrowser(how, host);
      await sites.show({ [host]: identity([host]) });
      await visit(host);
      await untilRow(host, (row) => row?.chains === 1, 'began anew');
      assert.deepEqual(sites.posts(host), [], 'nothing of before is told');
    };
    const service = (flags: string, call: string): string =>
      `await new Promise((done) => Services.clearData.${call}, Ci.nsIClearDataService.${flags}, { onDataDeleted: done }));`;
    for (const [name, how] of [
      [
        "of a site's cookies and data",
        service('CLEAR_COOKIES_AND_SITE_DATA', 'deleteDataFromSite(arguments[0], {}, true'),
      ],
      [
        'forgetting about a site',
        service('CLEAR_FORGET_ABOUT_SITE', 'deleteDataFromSite(arguments[0], {}, true'),
      ],
      ['of all cookies', `Services.cookies.removeAll();`],
      [
        'of the last hour',
        service(
          'CLEAR_COOKIES',
          'deleteDataInTimeRange((Date.now() - 3600000) * 1000, Date.now() * 1000, true',
        ),
      ],
      [
        'of the history of a page',
        `const { PlacesUtils } = ChromeUtils.importESModule('resource://gre/modules/PlacesUtils.sys.mjs');
         await PlacesUtils.history.removeByFilter({ host: arguments[0] });`,
      ],
      [
        'of all history',
        `const { PlacesUtils } = ChromeUtils.importESModule('resource://gre/modules/PlacesUtils.sys.mjs');
         await PlacesUtils.history.clear();`,
      ],
    ] as const)
      test(name, () => cleared(`clear-${name.replace(/\W/g, '-')}.test`, how));

    test('by the site itself does not count: it could hide what was signed', async () => {
      const host = 'hides.test';
      await visitAs(host, identity([host]), 1);
      sites.answers.set(host, (path, response) => {
        if (path !== '/clear') return false;
        response.setHeader('clear-site-data', '"cookies", "storage"');
        response.setHeader('content-type', 'text/html');
        response.end('<!doctype html><title>cleared</title>');
        return true;
      });
      const mark = (): Promise<unknown> =>
        firefox.inBrowser(
          `return Services.cookies.getCookiesFromHost(arguments[0], {}).find(({ name }) => name === 'ctga')?.creationTime;`,
          host,
        );
      const before = await mark();
      await visit(host, '/clear');
      await eventually(
        async () => ![null, before].includes(await mark()),
        () => 'the mark to be set again',
      );
      // A flood of cookies pushes others out.
      await firefox.inPage(
        `for (let i = 0; i < 400; i++) document.cookie = 'flood' + i + '=1; Secure';`,
      );
      await visitAs(host, identity([host]), 2);
      await untilRow(host, (row) => row?.report?.outcome === 'sent', 'was told');
      // And a person who clears it a moment later is heeded.
      await firefox.inBrowser(
        service('CLEAR_COOKIES_AND_SITE_DATA', 'deleteDataFromSite(arguments[0], {}, true'),
        host,
      );
      await untilRow(host, (row) => row === undefined, 'is forgotten');
    });
  });

  describe('the page', () => {
    const text = async (): Promise<string> => {
      await firefox.visit(page);
      await eventually(
        async () =>
          !String(
            await firefox.inPage(`return document.querySelector('h1').textContent;`),
          ).startsWith('One moment'),
        () => 'the page to be filled',
      );
      return String(await firefox.inPage(`return document.body.innerText;`));
    };
    const faults = async (): Promise<unknown> =>
      firefox.inPage(
        `${AXE};
         const { violations } = await axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
         return violations.map(({ id, nodes }) => id + ': ' + nodes[0].html);`,
      );
    const scheme = (dark: boolean): Promise<unknown> =>
      firefox.inBrowser(
        `Services.prefs.setIntPref('layout.css.prefers-color-scheme.content-override', arguments[0]);`,
        dark ? 0 : 1,
      );

    test('without the daemon says that it is missing, and how to start it', async () => {
      await visitAs('told.test', identity(['told.test']), 1);
      await visitAs('told.test', identity(['told.test']), 2);
      await untilRow('told.test', (row) => row?.report?.outcome === 'sent', 'was told');
      const said = await text();
      assert.match(said, /the daemon is missing/);
      assert.match(said, /ctga client run/);
      assert.match(said, /told\.test:\d+ took it/);
      for (const dark of [false, true]) {
        await scheme(dark);
        await text();
        assert.deepEqual(await faults(), []);
      }
    });

    test('with the daemon says what it proved; and it was handed everything', async () => {
      const manifests = join(home, '.mozilla/native-messaging-hosts');
      mkdirSync(manifests, { recursive: true });
      const program = join(directory, 'host.js');
      writeFileSync(program, HOST(told), { mode: 0o755 });
      writeFileSync(
        join(manifests, 'ctga_client.json'),
        JSON.stringify({
          name: 'ctga_client',
          description: 'test',
          path: program,
          type: 'stdio',
          allowed_extensions: ['ctga@client.invalid'],
        }),
      );
      const said = await text();
      assert.match(said, /No log was caught/);
      assert.match(said, /1 promise was kept/);
      const heard = (): Record<string, unknown>[] =>
        readFileSync(told, 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Record<string, unknown>);
      const [fraud, honest] = [identity(['late.test']), identity(['late.test'])];
      await visitAs('late.test', fraud, 1);
      await visitAs('late.test', honest, 2);
      await untilRow('late.test', (row) => row?.report?.outcome === 'sent', 'was told');
      const origin = sites.url('late.test');
      await eventually(
        () => heard().some(({ type }) => type === 'feedback'),
        () => 'the daemon to hear of it',
      );
      assert.deepEqual(
        heard().filter(({ origin: of, type }) => of === origin || type === 'forget-all'),
        [
          // What was cleared while it was missing.
          { type: 'forget-all' },
          { type: 'seen', origin, chain: pairOf(fraud).x509_chain, scts: [] },
          { type: 'seen', origin, chain: pairOf(honest).x509_chain, scts: [] },
          { type: 'feedback', origin, outcome: 'sent', status: 200 },
        ],
      );
      const found = await text();
      assert.match(found, /A log signed what contradicts itself/);
      assert.match(found, /\/tmp\/fork-1\.json/);
      assert.deepEqual(await faults(), []);
      const button = `button[aria-label="Forget ${origin}"]`;
      await firefox.inPage(`document.querySelector(arguments[0]).click();`, button);
      await untilRow('late.test', (row) => row === undefined, 'is forgotten');
      await eventually(
        () => heard().some(({ type, origin: of }) => type === 'forget' && of === origin),
        () => 'the daemon to forget it',
      );
    });
  });

  describe('after a restart', () => {
    let pool: Running;
    let nginx: ChildProcess | undefined;
    after(async () => {
      nginx?.kill('SIGTERM');
      await pool.stop();
    });

    test('what was seen before is told to a pool behind nginx, and cleared when it was', async () => {
      const host = 'pool.test';
      const [fraud, honest] = [identity([host]), identity([host])];
      await visitAs(host, fraud, 1);
      await visitAs('gone.test', identity(['gone.test']), 1);
      await sites.close();
      await running.stop();
      // What Firefox clears while nothing of the extension runs, as cookies when it ends.
      const removed = spawn('python3', [
        '-c',
        'import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute("delete from moz_cookies where host=?", ("gone.test",)); c.commit()',
        join(profile, 'cookies.sqlite'),
      ]);
      await new Promise((done) => removed.once('exit', done));
      const list = join(directory, 'list.json');
      writeFileSync(list, logListOf({ alpha: log }));
      const poolPort = await freePort();
      pool = startCtga([
        ...['pool', 'serve', '--domain', host, '--listen', `127.0.0.1:${poolPort}`],
        ...['--log-list', list, '--state-dir', join(directory, 'state')],
      ]);
      await pool.until(() => pool.said().includes('The pool is at '), 'to listen');
      writeFileSync(join(directory, 'pool.pem'), chainPem(honest.der));
      writeFileSync(join(directory, 'pool.key'), keyPem(honest.key));
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (kind) => `${kind}_temp_path ${directory}/${kind};`,
      );
      writeFileSync(
        join(directory, 'nginx.conf'),
        `daemon off; pid ${directory}/nginx.pid; error_log stderr; events {}
http { access_log off; ${temporary.join(' ')}
  server { listen 127.0.0.1:${sites.port} ssl; server_name ${host};
    ssl_certificate ${directory}/pool.pem; ssl_certificate_key ${directory}/pool.key;
    location / { return 200 "a page"; }
    location ~ ^/\\.well-known/ct(-gossip)?/v1/ { proxy_pass http://127.0.0.1:${poolPort}; } } }`,
      );
      nginx = spawn('nginx', ['-c', join(directory, 'nginx.conf'), '-e', 'stderr'], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` },
      });
      running = await startFirefox(profile, home);
      ({ firefox } = running);
      await untilRow('gone.test', (row) => row === undefined, 'was cleared meanwhile');
      await visit(host);
      await untilRow(host, (row) => row?.report?.outcome === 'sent', 'was told');
      const collected = await fetch(
        `http://127.0.0.1:${poolPort}/.well-known/ct/v1/collected-sct-feedback`,
      );
      assert.deepEqual(await collected.json(), { sct_feedback: [pairOf(fraud)] });
    });
  });
});
