// SPDX-License-Identifier: Apache-2.0
/**
 * The story of `ctga trust lab`: what a person does with images from the first key to the last refusal, with a
 * registry, skopeo, Podman, a node of Bitcoin that nobody here wrote, and a log with its witness. A step types
 * commands, checks what they answered and says what was found; the first check that fails ends the story.
 * However it ends, nothing is left.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CtgaError } from '../base/errors.ts';
import { freePort } from '../base/free-port.ts';
import { launcherPath } from '../base/project-root.ts';
import { fromHex, showHash } from '../carbonchain/bytes.ts';
import { parseTransaction } from '../carbonchain/transaction.ts';
import {
  endMarkedProcesses,
  isOnPath,
  start,
  untilReady,
  type Finished,
} from '../lab/processes.ts';
import {
  check,
  Desk,
  failureOf,
  said,
  type Running,
  type RunCtga,
  type Variable,
  type Words,
} from './desk.ts';
import { addIndex } from './layout.ts';
import * as ORIGINAL from './original.ts';
import { Passing } from './passing.ts';
import { echoRoot, podmanIn } from './podman.ts';

export interface TrustLabOptions {
  /** The program of btcd. */
  readonly btcd: string;
  readonly runCtga: RunCtga;
  readonly stop: AbortSignal;
  /** Called with each line of the story. */
  readonly onLine: (line: string) => void;
}

export interface TrustLabResult {
  /** Whether every step held. */
  readonly held: boolean;
  readonly seconds: number;
  readonly steps: readonly StepResult[];
  /** Why a step failed, or that it was interrupted. */
  readonly failure?: { readonly step: string; readonly message: string; readonly remedy?: string };
  /** What the steps that were played measured. */
  readonly figures: Figures;
}

export interface StepResult {
  readonly title: string;
  readonly held: boolean;
  /** The result; undefined if the step failed. */
  readonly found?: string;
  readonly seconds: number;
}

/** Of one signature in each of the two places. Bytes, and BTC. */
export interface Figures {
  chain?: { transactions: number; bytes: number; fee: string; proof: number };
  original?: { transactions: number; bytes: number; digests: number };
  log?: { seconds: number; proof: number; wholeProof: number };
  anchor?: { entries: number; height: number; fee: string };
}

const PROGRAMS = ['docker-registry', 'skopeo', 'podman', 'crun', 'unshare', 'mount', 'ldd', 'tar'];

/** Throws CtgaError if this is not root, or a program that the lab needs is missing. */
function requirePrograms(): void {
  if (process.geteuid?.() !== 0)
    throw new CtgaError(
      'not-permitted',
      'the lab makes containers and an empty network, and needs root',
      { remedy: 'Run it with sudo: sudo ctga trust lab' },
    );
  const missing = PROGRAMS.filter((program) => !isOnPath(program));
  if (missing.length > 0)
    throw new CtgaError(
      'not-set-up',
      `the lab needs ${missing.join(', ')}, which this machine lacks`,
      { remedy: 'Install them: sudo apt-get install docker-registry skopeo podman crun' },
    );
}

/** Plays and tells the whole story. Rejects with CtgaError only if it cannot begin. */
export async function playTrustLab(options: TrustLabOptions): Promise<TrustLabResult> {
  requirePrograms();
  const { onLine: say, stop } = options;
  const began = performance.now();
  const story = new Story(options);
  const steps: StepResult[] = [];
  let failure: TrustLabResult['failure'];
  try {
    for (const [index, { title, play }] of story.steps.entries()) {
      say(`[${String(index + 1).padStart(2)}/${story.steps.length}] ${title}`);
      const stepBegan = performance.now();
      try {
        stop.throwIfAborted();
        const found = await play();
        steps.push({ title, held: true, found, seconds: secondsSince(stepBegan) });
        say(`        ${found}`);
      } catch (error) {
        steps.push({ title, held: false, seconds: secondsSince(stepBegan) });
        const { message, remedy } = stop.aborted
          ? { message: 'it was interrupted', remedy: undefined }
          : failureOf(error);
        failure = { step: title, message, ...(remedy !== undefined && { remedy }) };
        say(`        FAILED: ${message}`);
        if (remedy !== undefined) say(`        ${remedy}`);
        break;
      }
    }
  } finally {
    await story.end();
  }
  const seconds = secondsSince(began);
  for (const line of figureLines(story.figures)) say(line);
  const held = failure === undefined;
  say(
    held
      ? `All of it held, in ${seconds.toFixed(1)} s. The lab is gone.`
      : 'It did not hold. The lab is gone.',
  );
  return {
    held,
    seconds,
    steps,
    ...(failure !== undefined && { failure }),
    figures: story.figures,
  };
}

function secondsSince(began: number): number {
  return Math.round(performance.now() - began) / 1000;
}

function figureLines({ chain, original, log, anchor }: Figures): string[] {
  const lines: string[] = [];
  if (chain !== undefined)
    lines.push(
      `A signature in the chain: ${chain.transactions} transactions, ${chain.bytes} bytes, ${chain.fee} BTC; it counts after 6 blocks, an hour on mainnet; the proof has ${chain.proof} bytes.`,
    );
  if (original !== undefined)
    lines.push(
      `The original's own command: ${original.bytes} bytes in ${original.transactions} transactions, read back byte for byte; its signature covers none of its ${original.digests} digests.`,
    );
  if (log !== undefined)
    lines.push(
      `A signature in the log: ${log.seconds} s until it was cosigned; the proof has ${log.proof} bytes, and ${log.wholeProof} with the whole log.`,
    );
  if (anchor !== undefined)
    lines.push(
      `The anchor: ${anchor.entries} entries of the log in block ${anchor.height}, by one transaction of ${anchor.fee} BTC.`,
    );
  return lines;
}

interface Step {
  readonly title: string;
  /** Acts and checks; resolves to the result. Rejects with CheckFailed or CtgaError. */
  readonly play: () => Promise<string>;
}

/** The log and its witness. */
interface Served {
  log: Running;
  readonly witness: Running;
  readonly vkey: string;
  readonly url: string;
}

const REGTEST = ['--network', 'regtest'];
const LOG_NAME = 'log.example.org/trust';
const WITNESS_NAME = 'witness.example.org/w1';
/** The zone in which the log's checkpoints are served. */
const ZONE = 'images.example';
/** What each transaction pays, if nobody says otherwise. */
const FEE = 0.00002;
/** How a signature of the original is shown. */
const WORTHLESS = /\(SIGNATURE_VALID\): signed, but the digest is not covered/;
/** Between two looks at whether a proof is old. */
const OLD_ENOUGH_MS = 10_000;
/** The first is at once, and the next not while the lab plays. */
const ANCHOR_SECONDS = '86400';

class Story {
  readonly steps: readonly Step[] = [
    { title: 'Starting btcd in regtest, with coins', play: () => this.#startChain() },
    {
      title: 'Podman pushes an image to a registry, and skopeo copies it',
      play: () => this.#push(),
    },
    {
      title: 'Registering a root key and a tagging key in the chain',
      play: () => this.#registerKeys(),
    },
    { title: 'Signing the image in the chain', play: () => this.#sign() },
    {
      title: 'Verifying it: from the registry, a layout and an archive',
      play: () => this.#verify(),
    },
    { title: 'Verifying it where there is no network', play: () => this.#verifyOffline() },
    { title: 'Podman runs what is signed, and nothing else', play: () => this.#runSigned() },
    { title: 'An image for two architectures', play: () => this.#signIndex() },
    { title: 'Other keys take over: what the old ones signed stays', play: () => this.#rotate() },
    {
      title: 'What the original program wrote is read back, and is worth what it is worth',
      play: () => this.#readOriginal(),
    },
    {
      title: 'A transparency log and its witness take the place of the chain',
      play: () => this.#startLog(),
    },
    { title: 'The log goes into the chain, in one transaction', play: () => this.#anchor() },
    { title: 'Two clients are served different digests for one tag', play: () => this.#split() },
    {
      title: 'The log asks its witness to cosign the other tree as well',
      play: () => this.#convict(),
    },
    { title: 'Revoking the key, in the chain and in the log', play: () => this.#revoke() },
    {
      title: 'A proof from before the revocation is refused for its age',
      play: () => this.#refuseOld(),
    },
    { title: 'Podman refuses what was revoked', play: () => this.#refuse() },
  ];
  readonly figures: Figures = {};

  readonly #options: TrustLabOptions;
  readonly #directory = mkdtempSync(join(tmpdir(), 'ctga-trust-lab-'));
  readonly #lab = `ctga-trust-lab-${process.pid}-${Math.random().toString(36).slice(2)}`;
  readonly #desk: Desk;
  readonly #running: Running[] = [];
  readonly #passing = new Passing();
  readonly #podman: ReturnType<typeof podmanIn>;
  /** How many commands the chain has executed. */
  #executed = 0;
  #chainLab: Running | undefined;
  #chain: Variable = { variable: 'CHAIN', words: [] };
  #pay: Variable = { variable: 'PAY', words: [] };
  #log: Variable = { variable: 'LOG', words: [] };
  /** The image in the registry, without its tag. */
  #place = '';
  #digest = '';
  #otherDigest = '';
  #known: Variable = { variable: 'KNOWN', words: [] };
  #logRootKey = '';
  #served: Served | undefined;
  #transactions: readonly string[] = [];

  constructor(options: TrustLabOptions) {
    this.#options = options;
    writeFileSync(this.#at('config.toml'), '');
    const { runCtga, stop, onLine } = options;
    this.#desk = new Desk({
      directory: this.#directory,
      lab: this.#lab,
      runCtga,
      config: this.#at('config.toml'),
      stop,
      onLine,
    });
    this.#podman = podmanIn(this.#at('podman'));
  }

  /** Ends all that was started, and removes all that was made. */
  async end(): Promise<void> {
    for (const running of this.#running.toReversed()) await running.stop();
    this.#passing.close();
    await endMarkedProcesses(this.#lab);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #at(name: string): string {
    return join(this.#directory, name);
  }

  #start(...words: Words): Running {
    const running = this.#desk.start(...words);
    this.#running.push(running);
    return running;
  }

  async #startChain(): Promise<string> {
    const lab = this.#start('ddt', 'lab', '--btcd', this.#options.btcd, '--listen', '127.0.0.1:0');
    this.#chainLab = lab;
    const { node, auth, coins } = await lab.until('ready');
    await lab.until('listening');
    const words = [...REGTEST, '--node', String(node), '--node-auth', String(auth)];
    const chain = [...words, '--state-dir', this.#at('state')];
    this.#chain = this.#desk.set({ variable: 'CHAIN', words: chain });
    this.#pay = this.#desk.set({ variable: 'PAY', words: ['--coins', String(coins), ...chain] });
    const { stdout } = await this.#desk.try(this.#options.btcd, ['--version']);
    return `${stdout.trim()}; a block is mined when something waits for one`;
  }

  async #push(): Promise<string> {
    const port = await freePort();
    const http = { addr: `127.0.0.1:${port}` };
    const storage = { filesystem: { rootdirectory: this.#at('registry') } };
    writeFileSync(this.#at('registry.yml'), JSON.stringify({ version: '0.1', storage, http }));
    const logPath = this.#at('registry.log');
    const command = ['docker-registry', 'serve', this.#at('registry.yml')] as const;
    const registry = start('docker-registry', command, { lab: this.#lab }, { logPath });
    const answers = (): Promise<boolean> =>
      fetch(`http://127.0.0.1:${port}/v2/`).then(
        ({ ok }) => ok,
        () => false,
      );
    await untilReady(registry, answers);
    this.#place = `127.0.0.1:${port}/app`;
    const tar = echoRoot(this.#at('podman'));
    const echo = (text: string): string => `CMD ["/bin/echo", "${text}"]`;
    for (const [tag, text] of [
      ['v1', 'it runs'],
      ['other', 'nobody signed this'],
    ] as const) {
      await this.#does('import', '--change', echo(text), tar, `${this.#place}:${tag}`);
      await this.#does('push', '--tls-verify=false', `${this.#place}:${tag}`);
      // What runs later is what came from the registry.
      await this.#does('image', 'rm', `${this.#place}:${tag}`);
      await this.#does('pull', '--quiet', '--tls-verify=false', `${this.#place}:${tag}`);
    }
    await this.#copy(`docker://${this.#place}:v1`, `oci:${this.#at('layout')}:v1`);
    await this.#copy(`oci:${this.#at('layout')}:v1`, `docker://${this.#place}:v2`);
    await this.#copy(`oci:${this.#at('layout')}:v1`, `oci-archive:${this.#at('app.tar')}:v1`);
    const digestOf = (tag: string): Promise<string> =>
      this.#desk.program(
        'skopeo',
        'inspect',
        '--tls-verify=false',
        '--format',
        '{{.Digest}}',
        `docker://${this.#place}:${tag}`,
      );
    this.#digest = await digestOf('v1');
    this.#otherDigest = await digestOf('other');
    check(this.#digest !== this.#otherDigest, 'the two images are one');
    return `${this.#place}:v1 is ${this.#digest}`;
  }

  async #copy(from: string, to: string, ...more: string[]): Promise<void> {
    const tls = [from, to].map((each, i) =>
      each.startsWith('docker:') ? [`--${i === 0 ? 'src' : 'dest'}-tls-verify=false`] : [],
    );
    const words = ['copy', '--quiet', ...more, '--insecure-policy', '--preserve-digests'];
    await this.#desk.program('skopeo', ...words, ...tls.flat(), from, to);
  }

  /** Podman, with a store of its own. */
  #tryPodman(...words: string[]): Promise<Finished> {
    const { words: front, env } = this.#podman;
    return this.#desk.try('unshare', [...front, ...words], { env, as: ['podman', ...words] });
  }

  async #does(...words: string[]): Promise<string> {
    const ran = await this.#tryPodman(...words);
    check(ran.exitCode === 0, `podman ${words[0] ?? ''}: ${said(ran)}`);
    return ran.stdout.trim();
  }

  /** Waits until the chain has executed so many more commands, and each of them was good. */
  async #counts(more: number): Promise<void> {
    const lab = this.#chainLab as Running;
    this.#executed += more;
    await lab.until('executed', () => lab.events('executed').length >= this.#executed);
    const last = lab.events('executed').slice(-more);
    const refused = last.find(({ refusal }) => refusal !== null);
    check(refused === undefined, `the chain refused a command: ${String(refused?.['refusal'])}`);
  }

  async #registerKeys(): Promise<string> {
    const key = ['trust', 'key', 'new'];
    const said = await this.#desk.ctga(
      ...key,
      'alice',
      '--key-file',
      this.#at('root.key'),
      this.#pay,
    );
    const [, rootKey = ''] = /The root key of alice is (0[23][0-9a-f]{64})/.exec(said) ?? [];
    check(rootKey !== '', 'no root key was told');
    await this.#counts(1);
    const tagging = ['alice/app', '--key-file', this.#at('tagging.key')];
    await this.#desk.ctga(...key, ...tagging, '--root-key-file', this.#at('root.key'), this.#pay);
    await this.#counts(1);
    this.#known = this.#desk.set({ variable: 'KNOWN', words: ['--root-key', rootKey] });
    return 'alice has a name, and a key that signs alice/app';
  }

  async #sign(): Promise<string> {
    const signing = ['alice/app:v1', '--key-file', this.#at('tagging.key'), this.#pay];
    const said = await this.#desk.ctga('trust', 'sign', `docker://${this.#place}:v1`, ...signing);
    check(said.includes(this.#digest), `it did not sign ${this.#digest}`);
    this.#transactions = said.match(/^[0-9a-f]{64}$/gm) ?? [];
    check(this.#transactions.length > 0, 'no transaction was told');
    await this.#counts(1);
    return `its digest is in the chain, by ${this.#transactions.length} transactions`;
  }

  async #verify(): Promise<string> {
    const images = [
      `docker://${this.#place}:v1`,
      `docker://${this.#place}:v2`,
      `oci:${this.#at('layout')}:v1`,
      `oci-archive:${this.#at('app.tar')}:v1`,
    ];
    for (const image of images) {
      const said = await this.#desk.ctga(
        'trust',
        'verify',
        image,
        'alice/app:v1',
        this.#known,
        this.#chain,
      );
      check(said.startsWith('TRUSTED: '), `${image} is not trusted`);
    }
    const other = `docker://${this.#place}:other`;
    const ran = await this.#desk.tryCtga(
      'trust',
      'verify',
      other,
      'alice/app:v1',
      this.#known,
      this.#chain,
    );
    check(ran.exitCode === 1 && ran.stdout.startsWith('NOT TRUSTED: '), 'another image is trusted');
    return 'one image, wherever it lies; another one is not trusted';
  }

  async #prove(tag = 'v1', file = 'app.proof'): Promise<number> {
    const output = this.#at(file);
    await this.#desk.ctga('trust', 'prove', `alice/app:${tag}`, '--output', output, this.#chain);
    return statSync(output).size;
  }

  /** A command of ctga in a network of its own that has nothing, not even loopback. */
  #alone(...words: Words): Promise<Finished> {
    const env = { CTGA_NODE: process.execPath };
    const as = ['unshare', '--net', 'ctga', ...words];
    return this.#desk.try('unshare', ['--net', launcherPath(), ...words], { env, as });
  }

  #verifyAlone(proof: string, ...more: string[]): Promise<Finished> {
    const offline = ['--offline', '--proof', this.#at(proof), ...REGTEST];
    return this.#alone(
      'trust',
      'verify',
      `oci:${this.#at('layout')}:v1`,
      'alice/app:v1',
      this.#known,
      ...offline,
      ...more,
    );
  }

  async #verifyOffline(): Promise<string> {
    const proof = await this.#prove();
    copyFileSync(this.#at('app.proof'), this.#at('old.proof'));
    const { transactions } = JSON.parse(readFileSync(this.#at('app.proof'), 'utf8')) as {
      transactions: { transaction: string }[];
    };
    const bytes = transactions
      .map(({ transaction }) => fromHex(transaction) ?? new Uint8Array())
      .filter((each) => this.#transactions.includes(showHash(parseTransaction(each).id)))
      .reduce((sum, { length }) => sum + length, 0);
    const count = this.#transactions.length;
    this.figures.chain = { transactions: count, bytes, fee: (count * FEE).toFixed(5), proof };
    const ran = await this.#verifyAlone('app.proof');
    check(
      ran.exitCode === 0 && ran.stdout.startsWith('TRUSTED: '),
      `without a network: ${said(ran)}`,
    );
    return `${proof} bytes of headers and transactions prove it to who asks nobody`;
  }

  #rule(tag: string, name: string, proof: string): string {
    const verify = [name, ...this.#known.words, '--proof', this.#at(proof), ...REGTEST];
    return `[[image]]\nname = "${this.#place}:${tag}"\nverify = ${JSON.stringify(verify)}\n`;
  }

  #runImage(tag: string): Promise<Finished> {
    return this.#tryPodman(
      '--hooks-dir',
      this.#at('hooks'),
      'run',
      '--rm',
      `${this.#place}:${tag}`,
    );
  }

  async #refuses(tag: string, why: RegExp): Promise<void> {
    const ran = await this.#runImage(tag);
    check(ran.exitCode !== 0, `Podman ran ${tag}: ${said(ran)}`);
    check(!/it runs|nobody signed this$/m.test(ran.stdout), `something of ${tag} ran`);
    check(why.test(said(ran)), `Podman refused ${tag} for another reason: ${said(ran)}`);
  }

  async #runs(tag: string): Promise<void> {
    const ran = await this.#runImage(tag);
    check(
      ran.exitCode === 0 && ran.stdout.trim() === 'it runs',
      `Podman did not run ${tag}: ${said(ran)}`,
    );
  }

  async #runSigned(): Promise<string> {
    const rules = this.#at('rules.toml');
    // The other image has a rule too: what is missing is a signature.
    const all = [
      this.#rule('v1', 'alice/app:v1', 'app.proof'),
      this.#rule('other', 'alice/app:v1', 'app.proof'),
    ];
    writeFileSync(rules, all.join(''));
    mkdirSync(this.#at('hooks'));
    await this.#desk.ctga('trust', 'hook', '--rules', rules, '--write', this.#at('hooks'));
    await this.#runs('v1');
    await this.#refuses('other', /Signed is sha256:[0-9a-f]{64}, and this is sha256:/);
    return 'the signed image ran; the other one did not, and Podman says why';
  }

  async #signIndex(): Promise<string> {
    const index = addIndex(this.#at('layout'), 'all');
    const image = `docker://${this.#place}:v3`;
    await this.#copy(`oci:${this.#at('layout')}:all`, image, '--all');
    await this.#does('pull', '--quiet', '--tls-verify=false', `${this.#place}:v3`);
    // Every name of an image needs a rule, and the manifest of v1 is in this index.
    await this.#does('image', 'untag', `${this.#place}:v3`, `${this.#place}:v1`);
    const signing = ['alice/app:v3', '--key-file', this.#at('tagging.key'), this.#pay];
    const signed = await this.#desk.ctga('trust', 'sign', image, ...signing);
    check(signed.includes(index), `it did not sign the index ${index}`);
    await this.#counts(1);
    await this.#prove('v3', 'v3.proof');
    const rules = readFileSync(this.#at('rules.toml'), 'utf8');
    writeFileSync(this.#at('rules.toml'), rules + this.#rule('v3', 'alice/app:v3', 'v3.proof'));
    await this.#runs('v3');
    await this.#does('tag', `${this.#place}:v3`, `${this.#place}:v1`);
    return `the index ${index} is signed, and Podman runs the manifest for this machine`;
  }

  async #rotate(): Promise<string> {
    const root = ['--root-key-file', this.#at('root.key')];
    const next = ['--key-file', this.#at('next.key')];
    await this.#desk.ctga('trust', 'key', 'rotate', 'alice/app', ...next, ...root, this.#pay);
    await this.#counts(2);
    const sign = ['trust', 'sign', `docker://${this.#place}:other`, 'alice/app:v4', '--key-file'];
    const old = await this.#desk.tryCtga(...sign, this.#at('tagging.key'), this.#pay);
    check(old.exitCode === 2 && /the key has expired/.test(old.stderr), 'the old key still signs');
    await this.#desk.ctga(...sign, this.#at('next.key'), this.#pay);
    await this.#counts(1);
    await this.#desk.ctga(
      'trust',
      'key',
      'rotate',
      'alice',
      '--key-file',
      this.#at('root2.key'),
      ...root,
      this.#pay,
    );
    await this.#counts(1);
    const v1 = ['trust', 'verify', `docker://${this.#place}:v1`, 'alice/app:v1'];
    const v4 = ['trust', 'verify', `docker://${this.#place}:other`, 'alice/app:v4'];
    for (const verify of [v1, v4]) await this.#desk.ctga(...verify, this.#known, this.#chain);
    await this.#prove();
    const ran = await this.#verifyAlone('app.proof');
    check(ran.exitCode === 0, `after the root key was replaced: ${said(ran)}`);
    return 'what the first tagging key signed holds, by the root key that was known before';
  }

  /** The commands of the original's own test, by its own rules; then another one that nobody signed. */
  async #readOriginal(): Promise<string> {
    const send = async (command: string): Promise<string[]> => {
      const said = await this.#desk.ctga('ddt', 'send', command, this.#pay);
      await this.#counts(1);
      return said.split('\n');
    };
    const written = [
      ORIGINAL.REGISTER_ROOT_KEY,
      ORIGINAL.REGISTER_KEY,
      ORIGINAL.registerMetadata(),
    ];
    let transactions: string[] = [];
    for (const command of written) transactions = await send(command);
    const show = ['ddt', 'show', ORIGINAL.NAME] as const;
    const shown = await this.#desk.ctga(...show, this.#chain);
    check(
      ORIGINAL.DIGESTS.every((each) => shown.includes(each)) && WORTHLESS.test(shown),
      'it is shown otherwise',
    );
    const read = (await this.#desk.ctga('carbonchain', 'read', '--id', '0xdf', this.#chain)).split(
      '\n',
    );
    for (const command of written)
      check(read.includes(`  ${command}`), 'the packets are put together otherwise');
    const bytes = (written.at(-1) ?? '').length / 2;
    const digests = ORIGINAL.DIGESTS.length;
    this.figures.original = { transactions: transactions.length, bytes, digests };
    // Whoever saw that command has what it takes to sign anything, as the original judges.
    await send(ORIGINAL.registerMetadata([this.#otherDigest]));
    const forged = await this.#desk.ctga(...show, this.#chain);
    check(
      forged.includes(this.#otherDigest) && WORTHLESS.test(forged),
      'the forged command is shown as something better',
    );
    const ran = await this.#desk.tryCtga(
      'trust',
      'verify',
      `docker://${this.#place}:other`,
      ORIGINAL.NAME,
      '--root-key',
      ORIGINAL.PUBLIC_KEY,
      this.#chain,
    );
    check(ran.exitCode === 1 && ran.stdout.startsWith('NOT TRUSTED: '), 'a forgery is trusted');
    return `${bytes} bytes in ${transactions.length} packets, by the original's rules; other digests behind the same signature are valid there, and trusted here by nobody`;
  }

  async #startLog(): Promise<string> {
    const made = await this.#desk.ctga('trust', 'log', 'new', this.#at('log'), LOG_NAME);
    const [, vkey = ''] = /^log (\S+) https:/m.exec(made) ?? [];
    writeFileSync(this.#at('log.keys'), `${vkey}\n`);
    const state = ['--state-dir', this.#at('witness')];
    await this.#desk.ctga('logs', 'import', this.#at('log.keys'), ...state);
    // The lab is the one account that its parts have.
    const asRoot = ['--user', 'root'];
    const keys = await this.#desk.ctga('witness', 'keygen', WITNESS_NAME, ...state, ...asRoot);
    const [, witnessKey = ''] = /^ {2}(\S+\/ed25519\+\S+)$/m.exec(keys) ?? [];
    const witness = this.#start('witness', 'serve', '--listen', '127.0.0.1:0', ...state, ...asRoot);
    const { url: witnessUrl } = await witness.until('listening');
    const policy = this.#at('log.policy');
    const policyOf = (url: string): string =>
      `log ${vkey} ${url}\nwitness W ${witnessKey} ${String(witnessUrl)}\nquorum W\n`;
    // A port of its own, which it keeps when it is started again.
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/`;
    writeFileSync(policy, policyOf(url));
    const serve = [
      'trust',
      'log',
      'serve',
      this.#at('log'),
      '--policy',
      policy,
      '--listen',
      `127.0.0.1:${port}`,
    ];
    const log = this.#start(...serve);
    await log.until('published');
    this.#served = { log, witness, vkey, url };
    this.#log = this.#desk.set({
      variable: 'LOG',
      words: ['--policy', policy, '--state-dir', this.#at('state')],
    });
    const root = ['--key-file', this.#at('root.key')];
    const claimed = await this.#desk.ctga('trust', 'key', 'new', 'alice', ...root, this.#log);
    const [, rootKey = ''] = /The root key of alice is (0[23][0-9a-f]{64})/.exec(claimed) ?? [];
    this.#logRootKey = rootKey;
    const grant = ['--key-file', this.#at('tagging.key'), '--root-key-file', this.#at('root.key')];
    await this.#desk.ctga('trust', 'key', 'new', 'alice/app', ...grant, this.#log);
    const image = `docker://${this.#place}:v2`;
    const began = performance.now();
    await this.#desk.ctga(
      'trust',
      'sign',
      image,
      'alice/app:v1',
      '--key-file',
      this.#at('tagging.key'),
      this.#log,
    );
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    const verified = await this.#desk.ctga(
      'trust',
      'verify',
      image,
      'alice/app:v1',
      '--root-key',
      rootKey,
      this.#log,
    );
    check(verified.startsWith('TRUSTED: '), 'the log does not have it');
    const size = async (file: string, ...more: string[]): Promise<number> => {
      await this.#desk.ctga(
        'trust',
        'prove',
        'alice/app:v1',
        '--output',
        this.#at(file),
        ...more,
        this.#log,
      );
      return statSync(this.#at(file)).size;
    };
    const proof = await size('log.proof');
    const wholeProof = await size('whole.proof', '--whole');
    this.figures.log = { seconds, proof, wholeProof };
    const ran = await this.#verifyLogAlone('whole.proof', '--max-age', '1d');
    check(ran.exitCode === 0, `without a network: ${said(ran)}`);
    return `signed, cosigned and verified; it took ${seconds} s, and nothing in the chain`;
  }

  #verifyLogAlone(file = 'whole.proof', ...more: string[]): Promise<Finished> {
    const offline = ['--offline', '--proof', this.#at(file), '--whole'];
    const known = ['--policy', this.#at('log.policy'), '--root-key', this.#logRootKey];
    return this.#alone(
      'trust',
      'verify',
      `oci:${this.#at('layout')}:v1`,
      'alice/app:v1',
      ...offline,
      ...known,
      ...more,
    );
  }

  async #anchor(): Promise<string> {
    const served = this.#logServed();
    await served.log.stop();
    // Of what the log is now, somebody keeps a copy with its key.
    await this.#desk.program('cp', '-r', this.#at('log'), this.#at('fork'));
    const { port } = new URL(served.url);
    const chain = this.#pay.words.slice(0, this.#pay.words.indexOf('--state-dir'));
    const anchoring = ['--anchor-every', ANCHOR_SECONDS, '--state-dir', this.#at('log-state')];
    const words = ['--policy', this.#at('log.policy'), '--listen', `127.0.0.1:${port}`];
    served.log = this.#start(
      'trust',
      'log',
      'serve',
      this.#at('log'),
      ...words,
      ...chain,
      ...anchoring,
    );
    const { height, size } = await served.log.until('anchored');
    this.figures.anchor = { entries: Number(size), height: Number(height), fee: FEE.toFixed(5) };
    await this.#desk.ctga('carbonchain', 'headers', '--output', this.#at('headers'), this.#chain);
    const whole = ['--output', this.#at('whole.proof'), '--whole'];
    await this.#desk.ctga('trust', 'prove', 'alice/app:v1', ...whole, this.#log);
    copyFileSync(this.#at('whole.proof'), this.#at('old-whole.proof'));
    const anchored = ['--headers', this.#at('headers'), ...REGTEST];
    const ran = await this.#verifyLogAlone('whole.proof', ...anchored);
    check(ran.exitCode === 0, `with the anchor: ${said(ran)}`);
    check(
      ran.stdout.includes(
        `The first ${String(size)} entries of the log are in block ${String(height)}`,
      ),
      'the proof does not have the anchor',
    );
    return `${String(size)} entries in block ${String(height)}, which the proof shows without a network`;
  }

  #logServed(): Served {
    if (this.#served === undefined) throw new Error('the log was not started');
    return this.#served;
  }

  /** One tag, two digests: the log, in league with who has the key, has a second tree for the second client. */
  async #split(): Promise<string> {
    const { vkey, url } = this.#logServed();
    const port = await freePort();
    const forkUrl = `http://127.0.0.1:${port}/`;
    const forkPolicy = this.#at('fork.policy');
    writeFileSync(forkPolicy, `log ${vkey} ${forkUrl}\nquorum none\n`);
    const listen = ['--listen', `127.0.0.1:${port}`];
    const fork = this.#start(
      'trust',
      'log',
      'serve',
      this.#at('fork'),
      '--policy',
      forkPolicy,
      ...listen,
    );
    await fork.until('published');
    const forked = ['--policy', forkPolicy, '--state-dir', this.#at('second')];
    const key = ['--key-file', this.#at('tagging.key')];
    await this.#desk.ctga('trust', 'sign', this.#digest, 'alice/app:v5', ...key, this.#log);
    await this.#desk.ctga('trust', 'sign', this.#otherDigest, 'alice/app:v5', ...key, ...forked);
    for (const [digest, place] of [
      [this.#digest, [this.#log]],
      [this.#otherDigest, forked],
    ] as const) {
      const known = ['--root-key', this.#logRootKey];
      await this.#desk.ctga('trust', 'verify', digest, 'alice/app:v5', ...known, ...place);
    }
    // Each of them is content. But the log's checkpoints come by DNS, where ctga is on the way.
    const query = ['--log-list', this.#at('log.keys'), '--zone', `${ZONE}=${LOG_NAME}`];
    for (const [i, from] of [url, forkUrl].entries()) {
      const list = this.#at(`served-${i}.logs`);
      writeFileSync(list, `logs/v0\n\nvkey ${vkey}\nurl ${from}\nallow_private_address true\n`);
      const state = ['--state-dir', this.#at(`dns-${i}`), '--user', 'root'];
      const zone = ['--log-list', list, '--log', LOG_NAME, '--zone', `${ZONE}=${LOG_NAME}`];
      const dns = this.#start('dns', 'serve', ...zone, '--listen', '127.0.0.1:0', ...state);
      const { port: at } = await dns.until('listening');
      const server = await this.#passing.to(Number(at));
      const client = ['--state-dir', this.#at(`client-${i}`)];
      await this.#desk.ctga('dns', 'query', ZONE, '--server', server, ...query, ...client);
      await dns.stop();
    }
    await fork.stop();
    writeFileSync(this.#at('passed.pcap'), this.#passing.capture());
    const replayed = await this.#desk.tryCtga(
      'replay',
      this.#at('passed.pcap'),
      ...query,
      '--state-dir',
      this.#at('watch'),
    );
    check(replayed.exitCode === 3, `nobody was told: ${said(replayed)}`);
    const [evidence, ...more] = evidenceIn(this.#at('watch'));
    check(evidence !== undefined && more.length === 0, 'there is no evidence');
    await this.#desk.ctga('evidence', 'verify', evidence, '--log-list', this.#at('log.keys'));
    return 'SPLIT VIEW PROVEN from what passed by, with evidence that both clients can check';
  }

  async #convict(): Promise<string> {
    const { vkey, witness } = this.#logServed();
    const policy = this.#at('both.policy');
    const [, witnessLine = ''] =
      /^(witness .*)$/m.exec(readFileSync(this.#at('log.policy'), 'utf8')) ?? [];
    writeFileSync(policy, `log ${vkey} http://127.0.0.1:1/\n${witnessLine}\nquorum W\n`);
    const fork = this.#start(
      'trust',
      'log',
      'serve',
      this.#at('fork'),
      '--policy',
      policy,
      '--listen',
      '127.0.0.1:0',
    );
    await fork.until('waiting');
    check(fork.events('published').length === 0, 'the witness cosigned two trees of one size');
    const { evidence } = await witness.until('fork-proven');
    await fork.stop();
    check(typeof evidence === 'string', 'the witness wrote no evidence');
    await this.#desk.ctga('evidence', 'verify', evidence, '--log-list', this.#at('log.keys'));
    return 'the witness cosigns one tree of a size, and the log is convicted there as well';
  }

  async #revoke(): Promise<string> {
    const root = (file: string): string[] => ['--root-key-file', this.#at(file)];
    const revoke = ['trust', 'key', 'revoke', 'alice/app'];
    await this.#desk.ctga(...revoke, '--key-id', '0', ...root('root2.key'), this.#pay);
    await this.#counts(1);
    await this.#desk.ctga(...revoke, ...root('root.key'), this.#log);
    const isRevoked = (ran: Finished): void =>
      check(
        ran.exitCode === 1 &&
          /NOT TRUSTED: The tagging key that signed it was revoked/.test(ran.stdout),
        `it was revoked, and: ${said(ran)}`,
      );
    const v3 = ['trust', 'verify', `docker://${this.#place}:v3`, 'alice/app:v3'];
    isRevoked(await this.#desk.tryCtga(...v3, this.#known, this.#chain));
    const v2 = ['trust', 'verify', `docker://${this.#place}:v2`, 'alice/app:v1'];
    isRevoked(await this.#desk.tryCtga(...v2, '--root-key', this.#logRootKey, this.#log));
    await this.#prove();
    isRevoked(await this.#verifyAlone('app.proof'));
    const whole = ['--output', this.#at('whole.proof'), '--whole'];
    await this.#desk.ctga('trust', 'prove', 'alice/app:v1', ...whole, this.#log);
    isRevoked(await this.#verifyLogAlone());
    const v4 = ['trust', 'verify', `docker://${this.#place}:other`, 'alice/app:v4'];
    await this.#desk.ctga(...v4, this.#known, this.#chain);
    return 'nothing that it signed is trusted any more, with a network and without; what the next key signed is';
  }

  /** Both proofs say what was so; only their age gives them away. */
  async #refuseOld(): Promise<string> {
    const verified = [
      await this.#verifyAlone('old.proof'),
      await this.#verifyLogAlone('old-whole.proof'),
    ];
    for (const ran of verified)
      check(
        ran.exitCode === 0 && ran.stdout.startsWith('TRUSTED: '),
        `the old proof: ${said(ran)}`,
      );
    const young = ['--max-age', '1m'];
    const { stop } = this.#options;
    for (const verify of [
      () => this.#verifyAlone('old.proof', ...young),
      () => this.#verifyLogAlone('old-whole.proof', ...young),
    ]) {
      let ran = await verify();
      // A minute has to pass, and regtest's blocks may be a little ahead of the clock.
      for (; ran.exitCode === 0; ran = await verify())
        await sleep(OLD_ENOUGH_MS, undefined, { signal: stop });
      check(
        ran.stdout.startsWith('NOT TRUSTED: What is known is older than --max-age allows.'),
        `the old proof, with --max-age: ${said(ran)}`,
      );
    }
    return 'offline it verifies for as long as nobody asks how old it is; with --max-age it does not';
  }

  async #refuse(): Promise<string> {
    await this.#prove('v3', 'v3.proof');
    for (const tag of ['v1', 'v3'])
      await this.#refuses(tag, /tagging key that signed it was revoked/);
    // Without the hook Podman asks nobody: that it refused was the hook's doing.
    const ran = await this.#does('run', '--rm', `${this.#place}:v3`);
    check(ran === 'it runs', 'without the hook, Podman does not run it either');
    return 'no container is made of it, and Podman says why';
  }
}

function evidenceIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((each) => /evidence.*\.json$/.test(each))
    .map((each) => join(directory, each));
}
