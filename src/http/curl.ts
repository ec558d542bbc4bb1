// SPDX-License-Identifier: Apache-2.0
/**
 * What requests look like to whoever answers them: like those of curl 7.88.1, which Debian 12 has,
 * with OpenSSL 3.0 and nghttp2. test/http/curl.test.ts compares both; docs/UNLINKABILITY.md says
 * what remains different.
 *
 * It is curl without --compressed: that is what most people type, and hash tiles do not get smaller
 * anyway. Entries of RFC 6962 logs do, but whoever asks for packed ones as curl does has to unpack
 * brotli and zstd from servers that may be hostile.
 */
import { constants } from 'node:crypto';
import { isIP } from 'node:net';
import type { Settings } from 'node:http2';
import type { ConnectionOptions } from 'node:tls';
import { serverIdentityFault } from './server-identity.ts';

/** What a request may have beside its URL. Requests to logs have none of it. */
export interface FetchOptions {
  /** An ETag: the answer is 304 if there is nothing newer. */
  readonly ifNoneMatch?: string | undefined;
  /** JSON to be posted. Without it the request is a GET. */
  readonly post?: string;
  /** Further headers, such as a webhook's signature. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The most bytes that the answer may have; 256 KiB unless given. */
  readonly maxBytes?: number;
}

/** The longest proof is 129 hashes, some 6 KB. */
const MAX_BODY_BYTES = 256 * 1024;

/** One request, the same in either version of HTTP. */
export interface Request {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  /** All but `Host`, which HTTP/2 has in another form, in curl's order and in HTTP/1.1's case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly post: string | undefined;
  readonly maxBytes: number;
  /** See HttpOptions. */
  readonly maySend?: (() => boolean) | undefined;
}

export function requestOf(
  url: URL,
  { ifNoneMatch, post, headers = {}, maxBytes = MAX_BODY_BYTES }: FetchOptions = {},
): Request {
  const list: [string, string][] = [
    ['User-Agent', 'curl/7.88.1'],
    ['Accept', '*/*'],
  ];
  const { username, password } = url;
  if (username !== '' || password !== '') {
    const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    list.unshift(['Authorization', `Basic ${Buffer.from(user).toString('base64')}`]);
  }
  if (ifNoneMatch !== undefined) list.push(['If-None-Match', ifNoneMatch]);
  list.push(...Object.entries(headers));
  if (post !== undefined) {
    list.push(['Content-Type', 'application/json']);
    list.push(['Content-Length', `${Buffer.byteLength(post)}`]);
  }
  return { method: post === undefined ? 'GET' : 'POST', url, headers: list, post, maxBytes };
}

/** For its key exchange and the padding of its ClientHello (openssl/ssl.h, SSL_OP_TLSEXT_PADDING). */
const SSL_OP_TLSEXT_PADDING = 0x10;

/**
 * curl's ClientHello, if Node's OpenSSL is 3.0 like that curl's (Node 20). What 3.0 would choose by
 * itself is written out, because later ones choose otherwise; 3.5 (Node 24) differs in two
 * extensions even so. Nothing below TLS 1.2 can come of it: security level 2 refuses that.
 */
const TLS: ConnectionOptions = {
  minVersion: 'TLSv1',
  maxVersion: 'TLSv1.3',
  ALPNProtocols: ['h2', 'http/1.1'],
  secureOptions: constants.SSL_OP_NO_TICKET | SSL_OP_TLSEXT_PADDING,
  ciphers: [
    'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-CHACHA20-POLY1305',
    'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:DHE-RSA-AES256-SHA256',
    'ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:DHE-RSA-AES128-SHA256',
    'ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:DHE-RSA-AES256-SHA',
    'ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:DHE-RSA-AES128-SHA',
    'AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-SHA256:AES128-SHA256:AES256-SHA:AES128-SHA',
    '@SECLEVEL=2',
  ].join(':'),
  ecdhCurve: 'X25519:P-256:X448:P-521:P-384:ffdhe2048:ffdhe3072:ffdhe4096:ffdhe6144:ffdhe8192',
  sigalgs: [
    'ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448',
    'rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512',
    'rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512',
    'RSA+SHA256:RSA+SHA384:RSA+SHA512',
    'ECDSA+SHA224:RSA+SHA224:DSA+SHA224:DSA+SHA256:DSA+SHA384:DSA+SHA512',
  ].join(':'),
};

/** For a TLS connection to `host`, an address or the name that has to be in the certificate. */
export function tlsOptions(host: string): ConnectionOptions {
  // An address is no server name (RFC 6066, Section 3).
  return {
    ...TLS,
    host,
    ...(isIP(host) === 0 && { servername: host }),
    checkServerIdentity: serverIdentityFault,
  };
}

/** curl's window, for each stream and for all together. It never announces more. */
export const HTTP2_WINDOW = 32 * 1024 * 1024;

/** What curl sets of HTTP/2. The order on the wire is curl's too: see SETTINGS_ORDER. */
export const HTTP2_SETTINGS: Settings = {
  maxConcurrentStreams: 100,
  initialWindowSize: HTTP2_WINDOW,
  enablePush: false,
};

/** The identifiers of the settings (RFC 9113, Section 6.5.2) in the order in which curl has them. */
export const SETTINGS_ORDER: readonly number[] = [3, 4, 2];
