// SPDX-License-Identifier: Apache-2.0
/**
 * What p4c made of p4/psa for the kernel, at TC and at XDP, by BPF_PROG_TEST_RUN on the frames that
 * the XDP program is tested with, against the same model: the same copies, which really leave at a
 * port, the same counters, and every frame as it came in.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { nameEntries } from '../../src/p4/name-tables.ts';
import { P4_COUNTERS, type P4Counters } from '../../src/p4/simple-switch.ts';
import { P4_SOURCES } from '../../src/p4/compile.ts';
import { mapEntry, PSA_FORMS, PSA_NAMES, type PsaForm } from '../../src/p4/psa.ts';
import {
  capturedFrames,
  cutOff,
  cutOffTruly,
  damaged,
  NAMES,
  NAMES_HEX,
  seeds,
  SHORTEST_FRAME,
} from '../support/corpus.ts';
import {
  dnsAnswer,
  encodeName,
  ethernet,
  fragmentIpv4,
  fragmentIpv6,
  frameV4,
  ipv4,
  ipv6,
} from '../support/packets.ts';
import { SEED } from '../support/random.ts';
import { fateOf } from './fate.ts';
import {
  answersAmongOthers,
  counterOf,
  isCopied,
  kernelRefusesPsa,
  NAMES_OF_EVERY_FORM,
} from './pieces.ts';

const THRESHOLD = 400;
const KEYS = [0x1e3779b9, 0x05ebca6b] as const;
/** Where frames come from in BPF_PROG_TEST_RUN, and where they are to go: any port of the namespace. */
const LOOPBACK = 1;
const COPY_SESSION = 250;
const XDP_PASS = '2';
const XDP_REDIRECT = '4';
const TC_ACT_REDIRECT = '7';

let directory: string;
let runner: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'ctga-psa-'));
  runner = join(directory, 'runner');
  built('make', ['-s', '-C', join(P4_SOURCES, 'psa'), `OUT=${directory}`]);
  built('c++', ['-std=c++17', '-o', runner, join(import.meta.dirname, 'runner.cc'), '-lbpf']);
});
after(() => rmSync(directory, { recursive: true }));

function built(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const zeros = (length: number): Buffer => Buffer.alloc(length);
const inHex = (...parts: readonly Uint8Array[]): string => Buffer.concat(parts).toString('hex');

interface Passed {
  /** What the frame was when the program was done. */
  readonly frame: string;
  readonly copies: readonly string[];
}

/** The programs in the kernel, with the tables filled. */
class Psa {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #form: PsaForm;

  private constructor(form: PsaForm) {
    this.#form = form;
    this.#child = spawn(runner, { stdio: ['pipe', 'pipe', 'inherit'] });
    assert(this.#child.stdout !== null);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  static async load(form: PsaForm, names: readonly Uint8Array[], mask = 0): Promise<Psa> {
    const psa = new Psa(form);
    await psa.#tell(`load ${join(directory, `${form}.bpf.o`)}`);
    const port = u32(Number(await psa.#tell('port copies')));
    await psa.#fill(names, mask, port);
    return psa;
  }

  async #fill(names: readonly Uint8Array[], mask: number, port: Buffer): Promise<void> {
    const { entries, left } = nameEntries(names, PSA_NAMES);
    assert.deepEqual(left, []);
    const set = (map: string, key: string, value: string): Promise<string> =>
      this.#tell(`set ${map} ${key} ${value}`);
    await set('_route', inHex(u32(LOOPBACK)), inHex(u32(1), port));
    for (const entry of entries) {
      const { key, value } = mapEntry(entry);
      await set(`_known_names_${entry.table}`, inHex(key), inHex(value));
    }
    await set('PsaIngress_sampling_mask', inHex(u32(0)), inHex(u32(mask)));
    await set('PsaIngress_key_a', inHex(u32(0)), inHex(u32(KEYS[0])));
    await set('PsaIngress_key_b', inHex(u32(0)), inHex(u32(KEYS[1])));
    // A list of ports, which begins at nothing.
    const list = (to: Buffer, next: Buffer): Buffer =>
      Buffer.concat([to, zeros(8), next, zeros(4)]);
    const entry = [inHex(zeros(8)), inHex(list(zeros(4), port))];
    const last = [inHex(port, zeros(4)), inHex(list(port, zeros(4)))];
    await this.#tell(
      ['inner clone_session_tbl', inHex(u32(COPY_SESSION)), ...entry, ...last].join(' '),
    );
    if (this.#form === 'xdp') await set('tx_port', inHex(port), inHex(port, zeros(4)));
  }

  async #tell(command: string): Promise<string> {
    this.#child.stdin?.write(`${command}\n`);
    const line = await this.#lines.next();
    assert(line.done !== true, `the runner has ended after: ${command}`);
    return line.value;
  }

  /** Lets a frame pass, and asserts that it is sent on. */
  async pass(frame: Uint8Array): Promise<Passed> {
    const run = async (program: string, hex: string): Promise<string[]> =>
      (await this.#tell(`run ${program} ${hex}`)).split(' ');
    const hex = inHex(frame);
    if (this.#form === 'xdp') {
      const [verdict, at = '', ...early] = await run('xdp_ingress_func', hex);
      assert.deepEqual(early, []);
      if (verdict === XDP_REDIRECT) return { frame: at, copies: [] };
      assert.equal(verdict, XDP_PASS, hex);
      return this.#atTc(await run('tc_ingress_func', at), hex);
    }
    return this.#atTc(await run('tc_ingress_func', hex), hex);
  }

  #atTc([verdict, frame = '', ...copies]: readonly string[], hex: string): Passed {
    assert.equal(verdict, TC_ACT_REDIRECT, hex);
    return { frame, copies };
  }

  async counters(): Promise<Partial<P4Counters>> {
    const counters: [string, bigint][] = [];
    for (const [i, name] of P4_COUNTERS.entries()) {
      const hex = await this.#tell(`get PsaIngress_verdicts ${inHex(u32(i))}`);
      counters.push([name, BigInt(Buffer.from(hex, 'hex').readUInt32LE(0))]);
    }
    return Object.fromEntries(counters);
  }

  close(): void {
    this.#child.stdin?.end();
  }
}

for (const form of PSA_FORMS)
  describe(`the program for PSA at ${form.toUpperCase()}`, { skip: kernelRefusesPsa }, () => {
    /** Lets the frames pass, asserts that none is altered, and returns which were copied. */
    async function passAll(psa: Psa, frames: readonly Uint8Array[]): Promise<Uint8Array[]> {
      const copied: Uint8Array[] = [];
      for (const frame of frames) {
        const passed = await psa.pass(frame);
        const hex = inHex(frame);
        assert.equal(passed.frame, hex, 'altered');
        if (passed.copies.length > 0) copied.push(frame);
        assert.deepEqual(passed.copies, passed.copies.length > 0 ? [hex] : []);
      }
      return copied;
    }

    /** BPF_PROG_TEST_RUN makes no socket buffer of a frame that ends within its IP header. */
    const long = (frames: readonly Uint8Array[]): Uint8Array[] =>
      frames.filter((frame) => {
        const type = frame.length < SHORTEST_FRAME ? 0 : Buffer.from(frame).readUInt16BE(12);
        const header = type === 0x0800 ? 20 : type === 0x86dd ? 40 : 0;
        return frame.length >= SHORTEST_FRAME + (form === 'tc' ? header : 0);
      });

    async function withPsa(
      names: readonly Uint8Array[],
      mask: number,
      use: (psa: Psa) => Promise<void>,
    ): Promise<void> {
      const psa = await Psa.load(form, names, mask);
      try {
        await use(psa);
      } finally {
        psa.close();
      }
    }

    test('copies what XDP copies, as far as its formats go, and lets everything through', (context) =>
      withPsa(NAMES, 0, async (psa) => {
        context.diagnostic(`CTGA_TEST_SEED=${SEED}`);
        const frames = long([
          ...seeds,
          ...cutOff(),
          ...cutOffTruly(),
          ...damaged(5000, SEED),
          ...capturedFrames(),
        ]);
        const copied = await passAll(psa, frames);
        const expected = frames.map((frame) => counterOf(frame, NAMES_HEX, THRESHOLD));
        assert.deepEqual(
          copied,
          frames.filter((_, i) => isCopied(expected[i])),
        );
        for (const [name, count] of Object.entries(await psa.counters()))
          assert.equal(count, BigInt(expected.filter((each) => each === name).length), name);
        context.diagnostic(
          `${frames.length} frames, ${copied.length} copies, every counter the same`,
        );
      }));

    test('finds names of every form, in any case, and no others', (context) =>
      withPsa(NAMES_OF_EVERY_FORM.map(encodeName), 0, async (psa) => {
        const { frames, wanted } = answersAmongOthers(NAMES_OF_EVERY_FORM);
        assert.deepEqual(await passAll(psa, frames), wanted);
        context.diagnostic(`${NAMES_OF_EVERY_FORM.length} names`);
      }));

    test('copies every n-th answer, and all fragments of a datagram or none', () =>
      withPsa(NAMES, 3, async (psa) => {
        const answers = Array.from({ length: 32 }, () => frameV4(dnsAnswer()));
        assert.equal((await passAll(psa, answers)).length, 8);
        const fragments = Array.from({ length: 64 }, (_, identification) => [
          ...fragmentIpv4(ipv4({ payload: new Uint8Array(200), identification }), 64),
          ...fragmentIpv6(ipv6({ payload: new Uint8Array(200) }), 64, identification),
        ]).flat();
        const key = (BigInt(KEYS[1]) << 32n) | BigInt(KEYS[0]);
        const chosen = fragments.filter((packet) => (fateOf(key, Buffer.from(packet)) & 3) === 0);
        assert(chosen.length > 0 && chosen.length < fragments.length);
        const frames = (packets: readonly Uint8Array[]): Uint8Array[] =>
          packets.map((payload) => ethernet({ payload }));
        assert.deepEqual(await passAll(psa, frames(fragments)), frames(chosen));
      }));
  });
