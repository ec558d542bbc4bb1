// SPDX-License-Identifier: Apache-2.0
/**
 * Frames as in the paper's experiments ("Aggregation-Based Certificate Transparency Gossip",
 * Section 4.5.1).
 */
import {
  dnsAnswer,
  encodeName,
  ethernet,
  frameV4,
  ipv4,
  IpProtocol,
  udp,
} from '../test/support/packets.ts';

/**
 * Names of the 16 fictional logs: five labels of 1 + 16 bytes in the paper. Names of tree heads
 * begin with `sth` here, so there are four such labels behind it, and zeros make up the length of
 * the packet.
 */
export const LOGS = Array.from({ length: 16 }, (_, log) =>
  ['sth', ...[0, 1, 2, 3].map((label) => `log${log}-${label}`.padEnd(16, 'x'))].join('.'),
);
export const KNOWN_NAMES = LOGS.map(encodeName);

/** Bytes on the wire of a tree head's answer, and of a small fragment, in the paper. */
export const ANSWER_BYTES = 411;
export const FRAGMENT_BYTES = 68;

/** An answer of exactly ANSWER_BYTES; `n` makes it another tree head. */
export function answer(name: string, n = 0): Uint8Array {
  const overhead = frameV4(dnsAnswer({ name, strings: ['', ''], compressed: true })).length;
  const text = `${n}.1529486742541.`.padEnd(ANSWER_BYTES - overhead, 'x');
  return frameV4(
    dnsAnswer({ name, strings: [text.slice(0, 100), text.slice(100)], compressed: true }),
  );
}

/** In the way of `answer`, to a name that nobody looks for. */
export const unknownAnswer = (n = 0): Uint8Array =>
  answer(['sth', ...[0, 1, 2, 3].map((label) => `unknown-${label}`.padEnd(16, 'x'))].join('.'), n);

export const fragment = (identification = 1): Uint8Array =>
  ethernet({
    payload: ipv4({
      payload: new Uint8Array(FRAGMENT_BYTES - 34),
      identification,
      moreFragments: true,
    }),
  });

/** UDP of a fragment's size that is none. */
export const smallUdp = (): Uint8Array =>
  ethernet({
    payload: ipv4({
      payload: udp({ payload: new Uint8Array(FRAGMENT_BYTES - 42), sourcePort: 5000 }),
    }),
  });

export const tcp = (): Uint8Array =>
  ethernet({
    payload: ipv4({ protocol: IpProtocol.tcp, payload: new Uint8Array(ANSWER_BYTES - 34) }),
  });

export const notIp = (): Uint8Array => ethernet({ payload: new Uint8Array(46), etherType: 0x0806 });

export const addressAnswer = (): Uint8Array =>
  frameV4(dnsAnswer({ name: 'www.example.org', type: 'A' }));
