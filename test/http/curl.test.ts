// SPDX-License-Identifier: Apache-2.0
/**
 * What our requests look like, beside what those of curl 7.88.1 do (Debian 12, OpenSSL 3.0, nghttp2
 * 1.52), whose vectors are typed in. Where that curl is on the machine, it is measured again.
 */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { TlsOptions } from 'node:tls';
import { promisify } from 'node:util';
import { messageOf } from '../../src/base/errors.ts';
import { Connections, connectTcp, MAX_CONNECTIONS } from '../../src/http/connections.ts';
import { wayOver } from '../../src/http/request.ts';
import { makeCertificate } from '../../src/lab/api.ts';
import { addon } from '../../src/native/addon.ts';
import { trust } from '../support/trust.ts';
import { ja3, ja4, parseClientHello, type ClientHello } from './client-hello.ts';
import { parseFrames, TYPES } from './frames.ts';
import { startTranscript, type ShownConnection } from './transcript.ts';

const HOST = 'log.example.com';
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
const certificate = await makeCertificate(directory, HOST);
const { distrust } = trust(certificate);
after(() => {
  distrust();
  rmSync(directory, { recursive: true });
});
const keys: TlsOptions = {
  key: readFileSync(certificate.keyPath),
  cert: readFileSync(certificate.certificatePath),
};

/** Fetches URLs from a port of this machine: one after another, or as many as possible at once. */
type Client = (port: number, urls: readonly string[], atOnce: boolean) => Promise<unknown>;

const ours: Client = async (port, urls, atOnce) => {
  const connections = new Connections(
    (_host, _port, signal) => connectTcp({ host: '127.0.0.1', port, signal }),
    30_000,
  );
  const { fetch } = wayOver(connections, {});
  try {
    if (atOnce) await Promise.all(urls.map((url) => fetch(url)));
    else for (const url of urls) await fetch(url);
  } finally {
    connections.close();
  }
};

const curl: Client = (port, urls, atOnce) =>
  promisify(execFile)('curl', [
    ...['--disable', '--silent', '--cacert', certificate.certificatePath],
    ...['--connect-to', `${HOST}:443:127.0.0.1:${port}`],
    ...(atOnce ? ['--parallel', '--no-progress-meter'] : []),
    ...urls.flatMap((url) => [url, '--output', '/dev/null']),
  ]);

/** Why a client cannot be measured here; undefined if it can. */
function cannot(client: Client): string | undefined {
  if (client === curl) {
    const { error, stdout } = spawnSync('curl', ['--version'], { encoding: 'utf8' });
    const [version = ''] = error === undefined ? stdout.split('\n') : ['there is none'];
    return /^curl 7\.88\.1 .*OpenSSL\/3\.0\./.test(version)
      ? undefined
      : `want curl 7.88.1 with OpenSSL 3.0 (Debian 12): ${version}`;
  }
  const { openssl } = process.versions;
  if (!openssl.startsWith('3.0.'))
    return `want a Node with OpenSSL 3.0, such as Node 20: this one has ${openssl}`;
  try {
    return addon().offerPostHandshakeAuth() ? undefined : 'OpenSSL has no post-handshake auth';
  } catch (error) {
    // Without it, the ClientHello lacks one extension.
    return `want the addon as it is now (npm run build:native): ${messageOf(error)}`;
  }
}

/** curl's ClientHello for log.example.com. */
const HELLO: ClientHello = {
  record: '0301',
  version: '0303',
  sessionIdBytes: 32,
  // prettier-ignore
  ciphers: [
    '1302', '1303', '1301',
    'c02c', 'c030', '009f', 'cca9', 'cca8', 'ccaa', 'c02b', 'c02f', '009e',
    'c024', 'c028', '006b', 'c023', 'c027', '0067', 'c00a', 'c014', '0039', 'c009', 'c013', '0033',
    '009d', '009c', '003d', '003c', '0035', '002f', '00ff',
  ],
  compression: '00',
  extensions: [
    [0, '001200000f6c6f672e6578616d706c652e636f6d'], // server_name
    [11, '03000102'], // ec_point_formats
    [10, '0014001d0017001e0019001801000101010201030104'], // supported_groups
    [16, '000c02683208687474702f312e31'], // application_layer_protocol_negotiation
    [22, ''], // encrypt_then_mac
    [23, ''], // extended_master_secret
    [49, ''], // post_handshake_auth
    [
      13, // signature_algorithms
      '0028040305030603080708080809080a080b080408050806040105010601030303010302040205020602',
    ],
    [43, '080304030303020301'], // supported_versions
    [45, '0101'], // psk_key_exchange_modes
    [51, '0024001d0020x'], // key_share
    [21, '174 bytes'], // padding
  ],
};
const JA3 = '0149f47eabf9a20d0893e2a44e5a6323';
const JA4 = 't13d3112h2_e8f1e7e78f70_b26ce05bbdd6';

/** The types of its extensions: of a full handshake, and with a ticket of an earlier connection. */
const FULL = HELLO.extensions.map(([type]) => type);
const WITH_TICKET = [...FULL.slice(0, -1), 41];

/** Of one connection; record by record, but for the handshake and SETTINGS acknowledged. */
interface Shown {
  readonly extensions: readonly number[];
  readonly records: readonly string[];
  /** On the wire, with what TLS adds: ClientHello, ChangeCipherSpec, Finished... */
  readonly lengths: readonly number[];
}

/** HTTP/1.1, in plain text. */
const get = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n`;

// HTTP/2, in hexadecimal. 3=100, 4=33554432, 2=0; the connection's window is 32 MiB as well.
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n').toString('hex');
const SETTINGS = '000012040000000000000300000064000402000000000200000000';
const SETTINGS_ACK = '000000040100000000';
const WINDOW_UPDATE = '00000408000000000001ff0001';
// :method GET, :path /tile/0/000, :scheme https, :authority, user-agent, accept.
const HEADERS_1 =
  '0000280105000000018204886126a0ac0180001f87418ba0f32e5f23a6ba0ab90f4f7a8825b650c3abbcf2e153032a2f2a';
const HEADERS_3 = '00000f0105000000038204886126a0ac0180003f87c0bfbe';
const HEADERS_5 = '00000f0105000000058204886126a0ac0180005f87c0bfbe';
// RST_STREAM(STREAM_CLOSED), after an answer that is complete.
const RST_1 = '00000403000000000100000005';
const RST_3 = '00000403000000000300000005';

const paths = ['/tile/0/000', '/tile/0/001', '/tile/0/002'];
type Case = readonly [
  name: string,
  protocol: 'h2' | 'http/1.1',
  TlsOptions & { readonly closes?: boolean },
  readonly Shown[],
];
const cases: readonly Case[] = [
  [
    'HTTP/2',
    'h2',
    {},
    [
      {
        extensions: FULL,
        records: [
          PREFACE + SETTINGS + WINDOW_UPDATE,
          HEADERS_1,
          RST_1 + HEADERS_3,
          RST_3 + HEADERS_5,
        ],
        // It ends without close_notify.
        lengths: [512, 1, 69, 81, 66, 54, 54],
      },
    ],
  ],
  [
    'HTTP/2 over TLS 1.2',
    'h2',
    { maxVersion: 'TLSv1.2' },
    [
      {
        extensions: FULL,
        records: [
          PREFACE + SETTINGS + WINDOW_UPDATE,
          HEADERS_1,
          RST_1 + HEADERS_3,
          RST_3 + HEADERS_5,
        ],
        lengths: [512, 37, 1, 40, 88, 73, 61, 61],
      },
    ],
  ],
  [
    'HTTP/1.1',
    'http/1.1',
    {},
    [{ extensions: FULL, records: paths.map(get), lengths: [512, 1, 69, 106, 106, 106, 19] }],
  ],
  [
    'HTTP/1.1 over TLS 1.2',
    'http/1.1',
    { maxVersion: 'TLSv1.2' },
    [{ extensions: FULL, records: paths.map(get), lengths: [512, 37, 1, 40, 113, 113, 113, 26] }],
  ],
  [
    // Node's server gives a ticket with a full handshake alone, and each is used once.
    'HTTP/1.1, a connection an answer',
    'http/1.1',
    { closes: true },
    paths.map((path, i) => ({
      extensions: i === 1 ? WITH_TICKET : FULL,
      records: [get(path)],
      lengths: [i === 1 ? 637 : 512, 1, 69, 106, 19],
    })),
  ],
];

/** What remains different, which docs/UNLINKABILITY.md lists as well. */
const DIFFERENCES = {
  // curl's first connection may take a second request.
  'connections for six requests at once over HTTP/1.1': { curl: [5, 6], ours: [MAX_CONNECTIONS] },
};

const clients = [
  ['curl', curl],
  ['ours', ours],
] as const;
for (const [who, client] of clients) {
  const skip = cannot(client);
  if (skip !== undefined) console.error(`test/http/curl.test.ts: ${who} is NOT MEASURED: ${skip}`);

  describe(`on the wire: ${who}`, { skip: skip ?? false }, () => {
    test('the ClientHello', async () => {
      const server = await startTranscript('h2', keys);
      await client(server.port, [`https://${HOST}/`], false);
      await server.ended();
      server.close();
      const [hello] = server.connections.map((each) => parseClientHello(each.hello));
      assert.deepEqual(hello, HELLO);
      assert.deepEqual([ja3(hello), ja4(hello)], [JA3, JA4]);
    });

    for (const [name, protocol, { closes, ...options }, want] of cases) {
      test(`three requests, ${name}`, async () => {
        const server = await startTranscript(protocol, { ...keys, ...options }, closes);
        const urls = paths.map((path) => `https://${HOST}${path}`);
        await client(server.port, urls, false);
        await server.ended();
        server.close();
        assert.deepEqual(server.connections.map(shownOf), want);
      });
    }

    test('six requests at once, HTTP/2', async () => {
      const connections = await atOnce(client, 'h2');
      assert.equal(connections.length, 1);
      const [{ records }] = connections as [ShownConnection];
      const streams = records
        .slice(1)
        .flatMap((record) => parseFrames(record).frames)
        .filter(({ type }) => type === TYPES.headers)
        .map(({ stream }) => stream);
      assert.deepEqual(streams, [1, 3, 5, 7, 9, 11]);
      // Each is a record, unless an answer came before it.
      for (const each of [HEADERS_1, HEADERS_3, HEADERS_5])
        assert(records.some((record) => record.toString('hex').endsWith(each)));
    });

    test('six requests at once, HTTP/1.1', async () => {
      const connections = await atOnce(client, 'http/1.1');
      const want = DIFFERENCES['connections for six requests at once over HTTP/1.1'][who];
      assert(want.includes(connections.length), `${connections.length} connections`);
      const requests = connections.flatMap(({ records }) => records.map((each) => each.toString()));
      assert.deepEqual(requests.sort(), sixPaths.map(get));
    });
  });
}

const sixPaths = Array.from({ length: 6 }, (_, i) => `/tile/0/00${i}`);
async function atOnce(
  client: Client,
  protocol: 'h2' | 'http/1.1',
): Promise<readonly ShownConnection[]> {
  const server = await startTranscript(protocol, keys);
  const urls = sixPaths.map((path) => `https://${HOST}${path}`);
  await client(server.port, urls, true);
  await server.ended();
  server.close();
  return server.connections;
}

function shownOf({ hello, records, lengths }: ShownConnection): Shown {
  const texts = records.map((record) =>
    record.toString(/^[A-Z]+ \//.test(record.toString('latin1')) ? 'latin1' : 'hex'),
  );
  // When the server's SETTINGS arrive is chance. TLS adds 17 bytes, and TLS 1.2 24.
  const ack = [17, 24].map((more) => SETTINGS_ACK.length / 2 + more);
  const isHttp2 = texts[0]?.startsWith(PREFACE);
  return {
    extensions: parseClientHello(hello).extensions.map(([type]) => type),
    records: texts.filter((text) => text !== SETTINGS_ACK),
    lengths: lengths.filter((length) => isHttp2 !== true || !ack.includes(length)),
  };
}
