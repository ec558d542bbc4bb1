// SPDX-License-Identifier: Apache-2.0
/**
 * What the programs for SUME and PSA (p4/sume/parser.p4) should make of a frame: what the XDP
 * program does, but for formats that they do not look behind. And names that they must find.
 */
import { release } from 'node:os';
import type { P4Counters } from '../../src/p4/simple-switch.ts';
import { dnsAnswer, encodeName, frameV4 } from '../support/packets.ts';
import { expectedOf } from '../xdp/verdict.ts';

const [major = 0, minor = 0] = release().split('.').map(Number);
/** `skip` value for node:test: the verifier of Linux 6.1 meets more than it allows, that of 6.12 does not. */
export const kernelRefusesPsa: false | string =
  (major < 6 || (major === 6 && minor < 12)) &&
  `p4/psa does NOT run: it takes Linux 6.12, and this is ${release()}`;

/** The counter of the frame, if everything is copied that could be. */
export function counterOf(
  frame: Uint8Array,
  names: ReadonlySet<string>,
  threshold: number,
): keyof P4Counters {
  if (hasOptions(Buffer.from(frame))) return 'notUdp';
  const { verdict: whole, atSwitch: verdict = whole } = expectedOf(frame, names, threshold);
  switch (verdict) {
    case 'answers':
      return 'answersCopied';
    case 'fragments':
      return 'fragmentsCopied';
    case 'encapsulatedTags':
    case 'encapsulatedMpls':
      return isMplsInIp(Buffer.from(frame)) ? 'notUdp' : 'notIp';
    case 'encapsulatedIp':
    case 'encapsulatedGre':
    case 'encapsulatedIpsec':
      return 'notUdp';
    case 'encapsulatedUdp':
      return 'otherPort';
    default:
      return verdict;
  }
}

export const isCopied = (counter: keyof P4Counters | undefined): boolean =>
  counter === 'answersCopied' || counter === 'fragmentsCopied';

/** Where IP begins, and which it is by what is in front of it; undefined if that is not IP. */
function ipOf(frame: Buffer): { readonly at: number; readonly version: 4 | 6 } | undefined {
  let at = 12;
  const type = (): number => (at + 2 <= frame.length ? frame.readUInt16BE(at) : 0);
  for (let tags = 0; tags < 3 && [0x8100, 0x88a8, 0x9100, 0x9200, 0x9300].includes(type()); tags++)
    at += 4;
  let protocol = type();
  at += 2;
  if (protocol === 0x8864 && at + 8 <= frame.length) {
    const session = frame.readUInt16BE(at) === 0x1100 ? frame.readUInt16BE(at + 6) : 0;
    protocol = session === 0x21 ? 0x0800 : session === 0x57 ? 0x86dd : 0;
    at += 8;
  }
  if (protocol === 0x0800 && at + 20 <= frame.length) return { at, version: 4 };
  return protocol === 0x86dd && at + 40 <= frame.length ? { at, version: 6 } : undefined;
}

const isMplsInIp = (frame: Buffer): boolean => ipOf(frame) !== undefined;

/** IPv4 options, or an IPv6 extension header that is no fragment header. */
function hasOptions(frame: Buffer): boolean {
  const ip = ipOf(frame);
  if (ip === undefined) return false;
  const first = frame.readUInt8(ip.at);
  if (ip.version === 4) return frame.readUInt8(ip.at + 9) === 17 && first >= 0x46 && first <= 0x4f;
  return [0, 43, 60].includes(frame.readUInt8(ip.at + 6));
}

/** The longest name that the programs look for, in bytes of wire format. */
const LONGEST = 128;
const STH_AND_END = 5;

/** Names with labels of every length, and of every depth up to as deep as one can be. */
export const NAMES_OF_EVERY_FORM: readonly string[] = [
  'sth',
  ...Array.from({ length: 63 }, (_, i) => `sth.${letters(i + 1, i)}`),
  ...Array.from({ length: 61 }, (_, i) => `sth${'.x'.repeat(i)}.${letters(1, i)}`),
  // Of every length from the longest label up to the longest name.
  ...Array.from(
    { length: LONGEST - STH_AND_END - 64 - 1 },
    (_, i) => `sth.${letters(63, i)}.${letters(Math.min(63, i + 1), i)}`,
  ),
  'sth.pilot.ct.googleapis.com',
  'sth.tuscolo2027h1.ct.example.org',
  'checkpoint',
  'checkpoint.tuscolo2027h1.ct.example.org',
  ...Array.from(
    { length: 32 },
    (_, i) => `checkpoint.${letters(63, i)}.${letters(2 * i + 1 - (i > 25 ? 12 : 0), i)}`,
  ),
].filter((name, i, all) => encodeName(name).length <= LONGEST && all.indexOf(name) === i);

/**
 * Two answers for each name with its letters in turn small and capital (`wanted`), among others:
 * one for a name that differs in its last byte, one that is longer by a label, and one for the name
 * itself that is asked for addresses.
 */
export function answersAmongOthers(names: readonly string[]): {
  readonly frames: Uint8Array[];
  readonly wanted: Uint8Array[];
} {
  const known = new Set(names);
  const strings = ['x'.repeat(90)];
  const frames: Uint8Array[] = [];
  const wanted: Uint8Array[] = [];
  for (const name of names) {
    const answers = [0, 1].map((capital) => {
      const mixed = Array.from(name, (letter, i) =>
        i % 2 === capital ? letter.toUpperCase() : letter,
      );
      return frameV4(dnsAnswer({ name: mixed.join(''), strings }));
    });
    const others = [`${name.slice(0, -1)}_`, `${name}.y`, `x.${name}`].filter(
      (other) => !known.has(other),
    );
    frames.push(
      ...others.map((other) => frameV4(dnsAnswer({ name: other, strings }))),
      ...answers,
      frameV4(dnsAnswer({ name, type: 'A', padding: 60 })),
    );
    wanted.push(...answers);
  }
  return { frames, wanted };
}

function letters(length: number, from: number): string {
  return Array.from({ length }, (_, i) => 'abcdefghijklmnopqrstuvwxyz0123456789-'[(from + i) % 37])
    .join('')
    .replaceAll(/^-|-$/g, 'z');
}
