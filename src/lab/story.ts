// SPDX-License-Identifier: Apache-2.0
/**
 * The story of `ctga lab run`: how a split view is caught, as a list of steps. Each step acts,
 * checks the result and describes it in a line; the first check that fails ends the story. However
 * it ends, also with ctrl-C, the lab is removed; evidence stays.
 */
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { projectRoot } from '../base/project-root.ts';
import { CtgaError, ExitCode } from '../base/errors.ts';
import { shellWord } from '../base/text.ts';
import { Browsing } from './browsing.ts';
import { endLab, takeDown } from './ending.ts';
import { JsonLines, parseReports, type Report } from './json-lines.ts';
import {
  ADDRESS,
  LAB_NAMES,
  LAB_SWITCH,
  LabNetwork,
  PROXY_PORT,
  type ChallengerPackets,
  type LabDataPlane,
  type LabNames,
  type Role,
  type RoutedPackets,
} from './network.ts';
import { cleanLab, EARLIER_LAB_DIRECTORY, filesForLab, type Cleaned } from './clean.ts';
import {
  endMarkedProcesses,
  must,
  PATIENCE_SECONDS,
  requireLabTools,
  run,
  start,
  stop,
  untilReady,
  type Finished,
  type Service,
} from './processes.ts';
import {
  ctgaCommand,
  digTreeHead,
  type LabFiles,
  LabServices,
  type LabServicesOptions,
  LOG_NAME,
  SITE_NAME,
} from './services.ts';
import {
  alone,
  check,
  CheckFailed,
  Interruption,
  perform,
  type Outcome,
  type Play,
  type Step,
} from './stage.ts';

/** Not in the machine's own state directory, which others may not enter. */
export const DEFAULT_LAB_DIRECTORY = '/var/lib/ctga-lab';

export interface LabOptions {
  /** DEFAULT_LAB_DIRECTORY by default. */
  readonly stateDir?: string;
  /** The names of a second lab on the machine; LAB_NAMES by default. */
  readonly names?: LabNames;
  /** Whether challenges go through a private Tor network instead of a plain proxy. */
  readonly tor?: boolean;
  /** XDP by default. */
  readonly dataPlane?: LabDataPlane;
  /** Whether the client is a person with Firefox, and not dig alone. */
  readonly firefox?: boolean;
  /** Called with each line of the story. */
  readonly onLine: (line: string) => void;
}

export type LabResult = Outcome<LabSummary>;

export interface LabSummary {
  /** The router's interfaces, by name. */
  readonly interfaces: Readonly<Record<string, InterfaceCounts>>;
  /** Distinct verified tree heads, including the log's own answers to get-sth. */
  readonly treeHeads: number;
  /** Trees by verdict. */
  readonly verdicts: Readonly<Record<string, number>>;
  readonly challenger: ChallengerPackets;
  /** The evidence files, which stay. */
  readonly evidence: readonly string[];
  /** Commands that show what was found, for anybody on this machine, until the next lab runs. */
  readonly look: { readonly page: string; readonly verify: readonly string[] };
  /** The command that removes what is left, for root. */
  readonly clean: string;
}

export interface InterfaceCounts {
  readonly mode: string;
  /** Frames that reached the program, including ARP. */
  readonly packets: number;
  readonly notIp: number;
  readonly answersCopied: number;
  readonly fragmentsCopied: number;
}

/** Plays and tells the whole story. Rejects with CtgaError only if it cannot begin. */
export async function runLab(options: LabOptions): Promise<LabResult> {
  const say = options.onLine;
  const dataPlane = options.dataPlane ?? 'xdp';
  const isFirefox = options.firefox === true;
  requireLabTools([
    ...(dataPlane === 'bmv2' ? ['simple_switch', 'ethtool'] : []),
    ...(isFirefox ? ['firefox-esr', 'bash', 'ss'] : []),
  ]);
  const names = options.names ?? LAB_NAMES;
  return alone(names, () => {
    const files = filesForLab(resolve(options.stateDir ?? DEFAULT_LAB_DIRECTORY));
    const onProgress = (what: string): void => say(`        ${what}`);
    const story = new Story(new LabNetwork(names, dataPlane), files, {
      tor: options.tor === true,
      isStatic: isFirefox,
      onProgress,
    });
    return perform(story, say, summaryLines);
  });
}

/** Builds the lab and leaves it standing. Returns a text about what to try in it. */
export async function labUp(options: {
  readonly stateDir?: string;
  readonly tor: boolean;
  readonly onProgress: (what: string) => void;
}): Promise<string> {
  requireLabTools();
  return alone(LAB_NAMES, async () => {
    const network = new LabNetwork();
    const files = filesForLab(resolve(options.stateDir ?? DEFAULT_LAB_DIRECTORY));
    const interruption = new Interruption();
    const work = raise(network, files, options);
    try {
      await interruption.orElse(work);
    } catch (error) {
      await endMarkedProcesses(network.names.lab);
      await work.catch(() => undefined);
      await takeDown(network);
      if (error instanceof CheckFailed)
        throw new CtgaError('kernel', `the lab was not built: ${error.message}`);
      throw error;
    } finally {
      interruption.dispose();
    }
    const enter = (role: Role): string =>
      `sudo nsenter --net=/run/netns/${network.namespace(role)}`;
    const state = `--state-dir ${files.state} --log-list ${files.logList}`;
    return `The lab stands. Its log is ${LOG_NAME}; try:
  ${enter('router')} ctga attach ${network.routerInterfaces.join(' ')} ${state}
  ${enter('client')} dig @${ADDRESS.resolver} TXT sth.${LOG_NAME}
  ${enter('challenger')} env NODE_EXTRA_CA_CERTS=${files.certificate} ctga challenge --once --proxy ${PROXY_URL} ${state}
  sudo ctga lab tell '{"do":"grow","count":5}'    or '{"do":"equivocate","fromSize":8,"treeSize":12}'
Remove it with: sudo ctga lab down`;
  });
}

async function raise(
  network: LabNetwork,
  files: LabFiles,
  options: LabServicesOptions,
): Promise<void> {
  await network.up();
  const services = await LabServices.start(network, files, options);
  await services.log.tell({ do: 'grow', count: 10 });
  services.leaveRunning();
}

/** Removes everything that a lab left, even if it crashed. Returns a sentence that says so. */
export async function labDown(): Promise<string> {
  requireLabTools();
  return alone(LAB_NAMES, async () => {
    const network = new LabNetwork();
    const stood = network.exists;
    await takeDown(network);
    return stood ? 'The lab is gone.' : 'No lab was up.';
  });
}

/**
 * Takes down the lab, if one stands, and removes the files that labs left: those in `stateDir`, or
 * where they are by default, and were in earlier versions. Returns each directory that was cleaned.
 */
export async function labClean(stateDir: string | undefined): Promise<Cleaned[]> {
  if (process.geteuid?.() === 0)
    await alone(LAB_NAMES, async () => {
      const network = new LabNetwork();
      if (stateDir === undefined && network.exists) await takeDown(network);
    });
  const directories =
    stateDir === undefined ? [DEFAULT_LAB_DIRECTORY, EARLIER_LAB_DIRECTORY] : [resolve(stateDir)];
  return directories.flatMap((directory) => cleanLab(directory) ?? []);
}

const PROXY_URL = `socks5h://${ADDRESS.proxy}:${PROXY_PORT}`;

/** How much the tree grows before each question, to sizes of 9, 32 (perfect), 33, 73 and 100. */
const GROWTH = [9, 23, 1, 40, 27];

/** A large answer, in fragments below the threshold for copying (400 bytes). */
const LARGE_ANSWER = { answerSize: 900, maxIpLength: 400 } as const;

const IP_HEADER_AND_UDP_HEADER = 28;

class Story implements Play<LabSummary> {
  readonly #steps: readonly (Step & { readonly only?: 'tor' | 'firefox' | 'dig' })[] = [
    {
      title: 'Building the network out of namespaces and veth pairs',
      play: () => this.#buildNetwork(),
    },
    {
      title: "Starting a resolver, the challenger's proxy and a CT log with its DNS authority",
      play: () => this.#startServices(),
    },
    { title: 'Attaching ctga to the packet processor on the path', play: () => this.#attach() },
    {
      title: 'The client asks for tree heads while the log grows',
      play: () => this.#askHonestly(),
    },
    {
      title: 'A large answer arrives as IP fragments, out of order',
      play: () => this.#askFragmented(),
    },
    {
      title: 'Challenging the log through the proxy: is it one tree?',
      play: () => this.#challengeHonest(),
    },
    {
      title: 'The log equivocates: it shows the client alone another tree',
      play: () => this.#equivocate(),
      only: 'dig',
    },
    {
      title:
        'Somebody takes over a web site; the log promises their certificate, to the client alone',
      play: () => this.#defraud(),
      only: 'firefox',
    },
    {
      title: 'Firefox visits the site, and the client asks the DNS for the tree head',
      play: () => this.#browse(),
      only: 'firefox',
    },
    {
      title: 'The public tree grows past it; challenging again',
      play: () => this.#challengeForked(),
    },
    { title: 'Verifying the evidence with ctga, offline', play: () => this.#verifyEvidence() },
    {
      title: 'Verifying it again without ctga: openssl and arithmetic',
      play: () => this.#verifyWithOpenssl(),
    },
    {
      title: 'The site is honest again; Firefox tells it what it was shown in its name',
      play: () => this.#feedBack(),
      only: 'firefox',
    },
    {
      title: 'An auditor polls the site, and looks for the promised certificate in the log',
      play: () => this.#audit(),
      only: 'firefox',
    },
    { title: 'Looking at the status page', play: () => this.#lookAtPage(), only: 'firefox' },
    {
      title: 'Asking Tor: did every batch of questions have its own circuit?',
      play: () => this.#checkCircuits(),
      only: 'tor',
    },
    {
      title: "Counting what left the challenger's namespace",
      play: () => this.#countChallengerPackets(),
    },
    { title: 'Comparing what arrived with what was sent', play: () => this.#comparePackets() },
    { title: 'Detaching; traffic goes on', play: () => this.#detach() },
  ];
  summary: LabSummary | undefined;

  readonly #options: LabServicesOptions;
  readonly #files: LabFiles;
  readonly #network: LabNetwork;
  #running: LabServices | undefined;
  /** What the router had received and forwarded when ctga was attached; nobody asks earlier. */
  #routedBefore = { received: 0, forwarded: 0, counted: 0 };
  #watching: { readonly service: Service; readonly reports: JsonLines } | undefined;
  /** The answers that dig printed, in order. */
  readonly #printed: string[] = [];
  /** The size of the tree that only the victim has seen. */
  #forkSize = 0;
  readonly #evidence: string[] = [];
  #browsing: Browsing | undefined;

  constructor(network: LabNetwork, files: LabFiles, options: LabServicesOptions) {
    this.#network = network;
    this.#files = files;
    this.#options = options;
  }

  get steps(): readonly Step[] {
    const { tor, isStatic } = this.#options;
    const here = [tor && 'tor', isStatic === true ? 'firefox' : 'dig', undefined];
    return this.#steps.filter(({ only }) => here.includes(only));
  }

  end(work: Promise<unknown> | undefined): Promise<void> {
    return endLab(this.#network, this.#files, work, () => {
      this.#running?.log.close();
      this.#running?.tor?.control.close();
    });
  }

  async #buildNetwork(): Promise<string> {
    await this.#network.up();
    return 'client - resolver - router - log; challenger - proxy - log on links of their own';
  }

  async #startServices(): Promise<string> {
    this.#running = await LabServices.start(this.#network, this.#files, this.#options);
    await this.#running.tor?.control.watchStreams();
    const proxy = this.#options.tor ? 'a private Tor network of four' : 'microsocks';
    const version =
      (await must('unbound', ['-V'], this.#network.in('resolver'))).split('\n')[0] ?? 'unbound';
    return `${version.replace('Version', 'unbound')} with names in mixed case, ${proxy}, and ${LOG_NAME}`;
  }

  async #attach(): Promise<string> {
    if (this.#switched) await this.#deploySwitch();
    // So that the store names the log to whoever looks at it later.
    const { exitCode, stderr } = await this.#ctga([
      ...['logs', 'import', this.#files.logList],
      ...this.#state,
    ]);
    check(exitCode === ExitCode.ok, `ctga logs import failed: ${lastLine(stderr)}`);
    const targets = this.#targets;
    const args = [
      'attach',
      ...targets,
      ...this.#state,
      '--log-list',
      this.#files.logList,
      '--json',
    ];
    const { command, surroundings } = ctgaCommand(args, this.#network, { role: 'router' });
    const logPath = join(this.#files.services, 'attach.log');
    const service = start('ctga attach', command, surroundings, { logPath, pipeOutput: true });
    if (service.child.stdout === null) throw new Error('its output is not a pipe');
    this.#watching = { service, reports: new JsonLines(service.child.stdout, logPath) };
    const attached = await this.#watching.reports.until(
      'that it is attached',
      ({ event }) => event === 'attached',
      targets.length,
    );
    const modes = attached.map(({ interface: name, mode }) => `${String(name)} (${String(mode)})`);
    this.#routedBefore = await this.#routed();
    if (this.#switched)
      return `P4 in simple_switch between the router's two interfaces, copies by XDP`;
    return `on ${modes.join(' and ')}`;
  }

  get #switched(): boolean {
    return this.#network.dataPlane === 'bmv2';
  }

  /** The arguments of `ctga attach` and `ctga detach`. */
  get #targets(): readonly string[] {
    return this.#switched ? [LAB_SWITCH] : this.#network.routerInterfaces;
  }

  async #deploySwitch(): Promise<void> {
    const ports = this.#network.routerInterfaces.flatMap((name) => ['--interface', name]);
    const args = ['p4', 'deploy', ...ports, ...this.#thrift, ...this.#state];
    const { exitCode, stderr } = await this.#ctga([...args, '--log-list', this.#files.logList], {
      role: 'router',
    });
    check(exitCode === ExitCode.ok, `ctga p4 deploy failed: ${lastLine(stderr)}`);
  }

  get #thrift(): [string, string] {
    return ['--thrift', LAB_SWITCH.replace('bmv2', '127.0.0.1')];
  }

  /** The counters of the program in the switch. */
  async #switchCounters(): Promise<z.infer<typeof counters>> {
    const { exitCode, stdout, stderr } = await this.#ctga(
      ['p4', 'status', '--json', ...this.#thrift],
      { role: 'router' },
    );
    check(exitCode === ExitCode.ok, `ctga p4 status failed: ${lastLine(stderr)}`);
    const found = switchSchema.parse(JSON.parse(stdout)).counters;
    const packets = Object.values(found).reduce((sum, count) => sum + count, 0);
    return counters.parse({ ...found, packets });
  }

  /**
   * Reads all counts until none changes: a frame that arrives in between would be in only some of
   * them.
   */
  async #routed(): Promise<RoutedPackets & { readonly counted: number }> {
    for (;;) {
      const before = await this.#network.routedPackets();
      const { packets } = this.#switched ? await this.#switchCounters() : { packets: 0 };
      const after = await this.#network.routedPackets();
      if (before.received === after.received && before.forwarded === after.forwarded)
        return { ...after, counted: packets };
    }
  }

  async #askHonestly(): Promise<string> {
    const sizes: number[] = [];
    for (const count of GROWTH) {
      const { publicSize } = await this.#log.tell({ do: 'grow', count });
      await this.#ask(publicSize);
      sizes.push(publicSize);
    }
    return `tree heads of sizes ${sizes.join(', ')} seen in passing, signatures verified`;
  }

  async #askFragmented(): Promise<string> {
    const { publicSize } = await this.#log.tell({ do: 'grow', count: 11 });
    await this.#log.tell({ do: 'fragment', ...LARGE_ANSWER, order: 'reverse' });
    const report = await this.#ask(publicSize);
    const { answers } = await this.#log.tell({ do: 'state' });
    const packets = answers.at(-1)?.packets ?? 0;
    check(packets > 1, `the answer left as ${packets} packet instead of fragments`);
    check(
      Number(report.reassembled) > 0,
      'the tree head was seen, but not from reassembled fragments',
    );
    const bytes = LARGE_ANSWER.answerSize + IP_HEADER_AND_UDP_HEADER;
    return `${bytes} bytes in ${packets} fragments, last one first: reassembled, and the head of size ${publicSize} verified`;
  }

  async #challengeHonest(): Promise<string> {
    const { exitCode } = await this.#challenge(ExitCode.ok);
    const heads = await this.#heads();
    const others = heads.filter(({ verdict }) => verdict !== 'consistent');
    check(
      exitCode === ExitCode.ok && others.length === 0,
      `an honest log was not found consistent: ${listing(others)}`,
    );
    return `every head is consistent: ${heads.length} of them, proven by the log to belong to one append-only tree`;
  }

  async #equivocate(): Promise<string> {
    const { publicSize } = await this.#log.tell({ do: 'state' });
    this.#forkSize = publicSize + 13;
    await this.#log.tell({ do: 'equivocate', fromSize: publicSize - 5, treeSize: this.#forkSize });
    await this.#ask(this.#forkSize);
    return `a tree of size ${this.#forkSize}, properly signed, with 18 entries that nobody else sees`;
  }

  async #defraud(): Promise<string> {
    const { publicSize } = await this.#log.tell({ do: 'state' });
    await this.#log.tell({ do: 'equivocate', fromSize: publicSize - 5, treeSize: publicSize + 12 });
    this.#browsing = new Browsing(this.#network, this.#files);
    await this.#browsing.showSite(this.#log, 'victim', false);
    const { victimSize } = await this.#log.tell({ do: 'state' });
    this.#forkSize = victimSize;
    return `${SITE_NAME} has a certificate that only one tree of ${victimSize} has, which nobody else sees`;
  }

  async #browse(): Promise<string> {
    const { reports } = this.#watching ?? {};
    if (reports === undefined || this.#browsing === undefined)
      throw new Error('browses before ctga watches');
    await this.#browsing.start();
    await this.#browsing.visitSite();
    const state = ['--state-dir', this.#browsing.state];
    await this.#until('the client to hold the SCT that Firefox was shown', async () => {
      const { stdout } = await this.#ctga(['client', 'status', ...state, '--json']);
      return stdout.includes(`https://${SITE_NAME}`);
    });
    await reports.until(
      `the tree head of size ${this.#forkSize}`,
      ({ event, ...head }) => event === 'tree-head' && head.treeSize === this.#forkSize,
    );
    return `the client has the SCT; its tree head of size ${this.#forkSize} was seen in passing`;
  }

  async #feedBack(): Promise<string> {
    if (this.#browsing === undefined) throw new Error('nobody browses');
    const browsing = this.#browsing;
    await browsing.startPool();
    await browsing.showSite(this.#log, 'public', true);
    await browsing.visitSite();
    await this.#until('the site to be told', () => browsing.poolHasScts());
    return `${SITE_NAME} has the SCT and the certificate that Firefox got from somebody else`;
  }

  async #audit(): Promise<string> {
    if (this.#browsing === undefined) throw new Error('nobody browses');
    const { command, surroundings } = ctgaCommand(
      [
        ...['audit', 'run', '--pool', `https://${SITE_NAME}`, '--proxy', PROXY_URL, '--json'],
        ...['--every', '1', '--delay', '0.1', '--listen', '127.0.0.1:8422', ...this.#state],
        ...['--log-list', this.#files.logList],
      ],
      this.#network,
      { role: 'challenger', env: { NODE_EXTRA_CA_CERTS: this.#browsing.roots } },
    );
    const logPath = join(this.#files.services, 'audit.log');
    const service = start('ctga audit', command, surroundings, { logPath, pipeOutput: true });
    if (service.child.stdout === null) throw new Error('its output is not a pipe');
    const reports = new JsonLines(service.child.stdout, logPath);
    await reports.until('that the log is convicted', ({ event }) => event === 'convicted');
    await stop(service);
    await this.#keepEvidence(2);
    await this.#verifyEvidence();
    await this.#verifyWithOpenssl();
    return 'promise-broken: in the promised place the public tree has something else; ctga and openssl agree';
  }

  async #lookAtPage(): Promise<string> {
    const { command, surroundings } = ctgaCommand(
      ['web', '--listen', '127.0.0.1:0', ...this.#state],
      this.#network,
    );
    const logPath = join(this.#files.services, 'web.log');
    const service = start('ctga web', command, surroundings, { logPath });
    const address = (): string | undefined =>
      /http:\/\/[\d.:]+\//.exec(readFileSync(logPath, 'utf8'))?.[0];
    await untilReady(service, () => address() !== undefined);
    const page = await (await fetch(`${address() ?? ''}evidence`)).text();
    await stop(service);
    for (const path of this.#evidence)
      check(page.includes(basename(path)), `the status page does not show ${basename(path)}`);
    return `it shows ${this.#evidence.length} findings, each with its evidence`;
  }

  /** Waits until a condition holds. Rejects with CheckFailed after PATIENCE_SECONDS. */
  async #until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + PATIENCE_SECONDS * 1000;
    while (!(await condition())) {
      check(performance.now() < deadline, `waited in vain for ${what}`);
      await sleep(100);
    }
  }

  async #challengeForked(): Promise<string> {
    const { publicSize } = await this.#log.tell({ do: 'grow', count: 50 });
    await this.#challenge(ExitCode.forkProven);
    const heads = await this.#heads();
    const forked = heads.filter(({ verdict }) => verdict === 'fork-proven');
    check(
      forked.length === 1 && forked[0]?.treeSize === this.#forkSize,
      `not just the fork at size ${this.#forkSize} was proven: ${listing(forked)}`,
    );
    const others = heads.filter(
      ({ verdict }) => verdict !== 'consistent' && verdict !== 'fork-proven',
    );
    check(others.length === 0, `the other heads are no longer consistent: ${listing(others)}`);
    await this.#keepEvidence();
    return `fork-proven: no history leads from the client's tree of ${this.#forkSize} to the public one of ${publicSize}`;
  }

  async #verifyEvidence(): Promise<string> {
    const bundle = this.#evidence.at(-1) ?? '';
    const { exitCode, stdout, stderr } = await this.#ctga([
      ...['evidence', 'verify', bundle, '--json'],
      ...['--log-list', this.#files.logList],
    ]);
    check(
      exitCode === ExitCode.ok,
      `ctga evidence verify refuses it: ${lastLine(stderr) || lastLine(stdout)}`,
    );
    const { checks } = verificationSchema.parse(JSON.parse(stdout));
    return `it stands: ${checks.length} checks of signatures, proof and conclusion hold`;
  }

  async #verifyWithOpenssl(): Promise<string> {
    const bundle = this.#evidence.at(-1) ?? '';
    const script = join(projectRoot(), 'docs', 'verify-evidence.sh');
    const { exitCode, stdout, stderr } = await run('sh', [script, bundle, this.#files.logList], {
      lab: this.#network.names.lab,
    });
    check(
      exitCode === 0,
      `docs/verify-evidence.sh refuses it: ${lastLine(stderr) || lastLine(stdout)}`,
    );
    return `docs/verify-evidence.sh agrees: ${lastLine(stdout)}`;
  }

  #checkCircuits(): Promise<string> {
    const { tor } = this.#running ?? {};
    if (tor === undefined) throw new Error('tor was not started');
    const circuits = new Map<string, Set<string>>();
    for (const { user, circuit } of tor.control.streams())
      circuits.set(user, (circuits.get(user) ?? new Set()).add(circuit));
    check(circuits.size >= 2, `the two challenges used ${circuits.size} sets of SOCKS credentials`);
    const all = [...circuits.values()].flatMap((each) => [...each]);
    check(
      new Set(all).size === all.length && !circuits.has(''),
      `two sets of SOCKS credentials shared a circuit: ${all.join(', ')}`,
    );
    const { byName, unsafe } = tor.socksUse();
    check(unsafe.length === 0, `tor warns about a request: ${unsafe[0] ?? ''}`);
    check(byName > 0, 'tor had no name to resolve');
    return Promise.resolve(
      `${circuits.size} identities, ${all.length} circuits, none shared; tor resolved the name for all ${byName} connections`,
    );
  }

  async #countChallengerPackets(): Promise<string> {
    const packets = await this.#network.challengerPackets();
    check(packets.toProxy > 0, 'no packet went to the proxy, though the log was asked');
    check(
      packets.stray === 0,
      `${packets.stray} packets tried to leave by another way than the proxy`,
    );
    return `${packets.toProxy} packets to the proxy, none anywhere else`;
  }

  async #comparePackets(): Promise<string> {
    // Nobody is to ask while it is counted.
    await this.#browsing?.stop();
    await this.#routed();
    this.summary = await this.#summarize();
    const { answers } = await this.#log.tell({ do: 'state' });
    // A resolver may ask twice for one question, so the printed answers are a subsequence of those
    // that were sent.
    const sent = answers.map(({ text }) => text);
    let from = 0;
    for (const text of this.#printed) {
      const index = sent.indexOf(text, from);
      check(index >= 0, `the client got what the log did not send: ${text}`);
      from = index;
    }
    // The kernel received what the program passed, and forwarded all of it.
    const now = await this.#routed();
    const received = now.received - this.#routedBefore.received;
    const forwarded = now.forwarded - this.#routedBefore.forwarded;
    const { interfaces } = this.summary;
    const passed = this.#switched
      ? now.counted - this.#routedBefore.counted
      : Object.values(interfaces).reduce((sum, { packets, notIp }) => sum + packets - notIp, 0);
    const [what, who] = this.#switched ? ['frames', 'the switch'] : ['IP packets', 'the program'];
    check(
      passed > 0 && passed === received && received === forwarded,
      `the data plane counted ${passed} ${what}, the router received ${received} and forwarded ${forwarded}`,
    );
    return `${this.#printed.length} answers, byte for byte as the log sent them; ${passed} ${what} met ${who}, ${forwarded} went on`;
  }

  async #detach(): Promise<string> {
    if (this.#watching !== undefined) {
      const exitCode = await stop(this.#watching.service);
      check(
        exitCode === ExitCode.ok,
        `ctga attach did not end well: exit code ${exitCode ?? 'none'}`,
      );
    }
    const { exitCode, stderr } = await this.#ctga(['detach', ...this.#targets, ...this.#state], {
      role: 'router',
    });
    check(exitCode === ExitCode.ok, `ctga detach failed: ${lastLine(stderr)}`);
    const links = await must(
      'ip',
      ['-d', 'link', 'show', 'type', 'veth'],
      this.#network.in('router'),
    );
    check(!links.includes('prog/xdp'), 'an XDP program is still attached');
    check((await digTreeHead(this.#network)) !== '', 'answers no longer pass');
    return this.#switched
      ? 'no program is left at the CPU port, and the switch forwards as before'
      : 'no program is left on the interfaces, and questions are answered as before';
  }

  /**
   * Lets the client ask one question, whose answer ctga must see. Resolves to the report of that
   * sighting.
   */
  async #ask(treeSize: number): Promise<Report> {
    const printed = await digTreeHead(this.#network);
    check(
      printed.startsWith(`${treeSize}.`),
      `dig did not print the tree head of size ${treeSize}: "${printed}"`,
    );
    this.#printed.push(printed);
    const { reports } = this.#watching ?? {};
    if (reports === undefined) throw new Error('asked before ctga watches');
    const [report = {}] = await reports.until(
      `the tree head of size ${treeSize}`,
      ({ event, ...head }) => event === 'tree-head' && head.treeSize === treeSize,
    );
    return report;
  }

  /** Lets the challenger ask the log once, from its own namespace, and checks its exit code. */
  async #challenge(expected: ExitCode): Promise<Finished> {
    const finished = await this.#ctga(
      [
        'challenge',
        '--once',
        '--proxy',
        PROXY_URL,
        ...this.#state,
        '--log-list',
        this.#files.logList,
        '--max-delay',
        '0.5',
        '--json',
      ],
      { role: 'challenger', env: { NODE_EXTRA_CA_CERTS: this.#files.certificate } },
    );
    const said = parseReports(finished.stdout)
      .map((report) => JSON.stringify(report))
      .at(-1);
    check(
      finished.exitCode === expected,
      `ctga challenge ended with exit code ${finished.exitCode}, not ${expected}: ${lastLine(finished.stderr) || (said ?? '')}`,
    );
    return finished;
  }

  async #heads(): Promise<z.infer<typeof headsSchema>> {
    const { stdout, stderr, exitCode } = await this.#ctga([
      'heads',
      'list',
      ...this.#state,
      '--json',
    ]);
    check(exitCode === ExitCode.ok, `ctga heads list failed: ${lastLine(stderr)}`);
    return headsSchema.parse(JSON.parse(stdout));
  }

  /** Copies the evidence, of so many findings, to a directory that the next run does not remove. */
  async #keepEvidence(findings = 1): Promise<void> {
    const { stdout, stderr, exitCode } = await this.#ctga([
      'evidence',
      'list',
      ...this.#state,
      '--json',
    ]);
    check(exitCode === ExitCode.ok, `ctga evidence list failed: ${lastLine(stderr)}`);
    const { evidence: found } = evidenceListSchema.parse(JSON.parse(stdout));
    check(found.length === findings, `want evidence of ${findings} on disk, found ${found.length}`);
    mkdirSync(this.#files.evidence, { recursive: true });
    for (const { path } of found) {
      const copy = join(this.#files.evidence, basename(path));
      if (this.#evidence.includes(copy)) continue;
      cpSync(path, copy);
      this.#evidence.push(copy);
    }
  }

  async #summarize(): Promise<LabSummary> {
    // Pins can be seen from everywhere, but only its own namespace shows whether an interface still
    // has its program.
    const { stdout, stderr, exitCode } = await this.#ctga(['status', ...this.#state, '--json'], {
      role: 'router',
    });
    check(exitCode === ExitCode.ok, `ctga status failed: ${lastLine(stderr)}`);
    const { dataPlanes, treeHeads, verdicts } = statusSchema.parse(JSON.parse(stdout));
    const ours = dataPlanes.filter((plane) =>
      this.#network.routerInterfaces.includes(plane.interface),
    );
    const state = `--state-dir ${shellWord(this.#files.state)}`;
    return {
      interfaces: this.#switched
        ? { [LAB_SWITCH]: { mode: 'bmv2', ...(await this.#switchCounters()) } }
        : Object.fromEntries(
            ours.map(({ interface: name, mode, counters }) => [name, { mode, ...counters }]),
          ),
      treeHeads,
      verdicts: Object.fromEntries(Object.entries(verdicts).filter(([, count]) => count > 0)),
      challenger: await this.#network.challengerPackets(),
      evidence: this.#evidence,
      look: {
        page: `ctga web ${state}`,
        verify: this.#evidence.map((path) => `ctga evidence verify ${shellWord(path)} ${state}`),
      },
      clean: cleanCommand(this.#files.directory),
    };
  }

  async #ctga(
    args: readonly string[],
    options: { readonly role?: Role; readonly env?: Readonly<Record<string, string>> } = {},
  ): Promise<Finished> {
    const { command, surroundings } = ctgaCommand(args, this.#network, options);
    return run(command[0], command.slice(1), surroundings);
  }

  get #log(): LabServices['log'] {
    if (this.#running === undefined) throw new Error('the log was not started');
    return this.#running.log;
  }

  get #state(): [string, string] {
    return ['--state-dir', this.#files.state];
  }
}

const headsSchema = z.array(z.object({ treeSize: z.number(), verdict: z.string() }));
const counters = z.object({
  packets: z.number(),
  notIp: z.number(),
  answersCopied: z.number(),
  fragmentsCopied: z.number(),
});
const statusSchema = z.object({
  dataPlanes: z.array(z.object({ interface: z.string(), mode: z.string(), counters })),
  treeHeads: z.number(),
  verdicts: z.record(z.string(), z.number()),
});
const switchSchema = z.object({ counters: z.record(z.string(), z.number()) });
const evidenceListSchema = z.object({ evidence: z.array(z.object({ path: z.string() })) });
const verificationSchema = z.object({ checks: z.array(z.object({ holds: z.literal(true) })) });

function listing(
  heads: readonly { readonly treeSize: number; readonly verdict: string }[],
): string {
  return (
    heads.map(({ treeSize, verdict }) => `size ${treeSize} ${verdict}`).join(', ') || 'nothing'
  );
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

export function cleanCommand(directory: string): string {
  const where = directory === DEFAULT_LAB_DIRECTORY ? '' : ` --state-dir ${shellWord(directory)}`;
  return `sudo ctga lab clean${where}`;
}

/** What a newcomer needs to know about what has happened. */
function summaryLines({
  interfaces,
  treeHeads,
  verdicts,
  challenger,
  evidence,
  look,
  clean,
}: LabSummary): string[] {
  const sum = (key: 'packets' | 'answersCopied' | 'fragmentsCopied'): number =>
    Object.values(interfaces).reduce((total, counts) => total + counts[key], 0);
  const verdictList = Object.entries(verdicts).map(([verdict, count]) => `${count} ${verdict}`);
  return [
    '',
    'What happened',
    `  packets     ${sum('packets')} reached the router's two interfaces, and every one of them went on`,
    `  copied      ${sum('answersCopied')} answers that carry tree heads, ${sum('fragmentsCopied')} IP fragments`,
    `  tree heads  ${treeHeads} different ones, each properly signed, some from the log's own API`,
    `  verdicts    ${verdictList.join(', ')}`,
    `  challenger  ${challenger.toProxy} packets to its proxy, ${challenger.stray} anywhere else`,
    ...evidence.flatMap((path) => [
      `  evidence    ${path}`,
      basename(path).startsWith('fork-')
        ? '              two tree heads, signed by the log, that no append-only log can have both'
        : '              a promise and a tree head, signed by the log, which has something else there',
    ]),
    '',
    'Look at it yourself',
    ...look.verify.map((command) => `  ${command}`),
    `  ${look.page}`,
    '',
    'Remove what is left of it, evidence too',
    `  ${clean}`,
    '',
  ];
}
