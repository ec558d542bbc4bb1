// SPDX-License-Identifier: Apache-2.0
/**
 * The story of `ctga lab run --fleet`: three sites on three paths, two challengers and a bus of three
 * servers. One of each is killed, the log deceives the clients of one site meanwhile, and all learn
 * of it.
 */
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { ExitCode } from '../base/errors.ts';
import { projectRoot } from '../base/project-root.ts';
import { shellWord } from '../base/text.ts';
import type { LogControl } from './control.ts';
import { endLab } from './ending.ts';
import { CHALLENGERS, FLEET, PATHS, type LabChallenger, type Path } from './fleet-plan.ts';
import { kill, LabMembers, runCtga, startSurroundings, type Member } from './fleet-members.ts';
import type { Report } from './json-lines.ts';
import {
  LAB_NAMES,
  LabNetwork,
  type ChallengerPackets,
  type LabNames,
  type Role,
} from './network.ts';
import {
  must,
  requireLabTools,
  run,
  start,
  stop,
  PATIENCE_SECONDS,
  untilReady,
} from './processes.ts';
import { filesForLab } from './clean.ts';
import { ctgaCommand, digTreeHead, type LabFiles, LOG_NAME } from './services.ts';
import {
  alone,
  check,
  perform,
  secondsSince,
  type Outcome,
  type Play,
  type Step,
} from './stage.ts';
import { cleanCommand, DEFAULT_LAB_DIRECTORY } from './story.ts';

export interface FleetLabOptions {
  /** DEFAULT_LAB_DIRECTORY by default. */
  readonly stateDir?: string;
  /** The names of a second lab on the machine; LAB_NAMES by default. */
  readonly names?: LabNames;
  /** Called with each line of the story. */
  readonly onLine: (line: string) => void;
}

export type FleetLabResult = Outcome<FleetLabSummary>;

export interface FleetLabSummary {
  readonly sites: readonly SiteCounts[];
  /** Trees of the log, and at which sites each was seen. */
  readonly trees: readonly { readonly treeSize: number; readonly sites: readonly string[] }[];
  readonly killed: readonly string[];
  /** What went on meanwhile. */
  readonly wentOn: readonly string[];
  /** From when the deceived client had its answer. */
  readonly seconds: {
    /** Until a challenger had proven the split view. */
    readonly toVerdict: number;
    /** Until each site had the evidence, and had verified it, in the order of the sites. */
    readonly toSites: Readonly<Record<string, number>>;
  };
  readonly challengers: Readonly<Record<string, ChallengerPackets>>;
  readonly evidence: string;
  /** Commands that show what was found, for anybody on this machine, until the next lab runs. */
  readonly look: readonly string[];
  readonly clean: string;
}

export interface SiteCounts {
  readonly site: string;
  readonly packets: number;
  readonly answersCopied: number;
}

/** Plays and tells the whole story. Rejects with CtgaError only if it cannot begin. */
export async function runFleetLab(options: FleetLabOptions): Promise<FleetLabResult> {
  requireLabTools(['nats-server']);
  const names = options.names ?? LAB_NAMES;
  return alone(names, () => {
    const files = filesForLab(resolve(options.stateDir ?? DEFAULT_LAB_DIRECTORY));
    const network = new LabNetwork(names, 'xdp', FLEET);
    return perform(new FleetStory(network, files), options.onLine, summaryLines);
  });
}

/** Each look runs ctga, which costs more than what is waited for. */
const POLL_MS = 2000;
const GROWTH = [9, 23, 41];
const [DECEIVED, KILLED_SITE] = PATHS;
const KILLED_SERVER = 'bus2';

class FleetStory implements Play<FleetLabSummary> {
  readonly steps: readonly Step[] = [
    {
      title: 'Building three paths, two challengers and a bus out of namespaces and veth pairs',
      play: () => this.#build(),
    },
    {
      title: 'Founding a fleet, and starting the three servers of its bus',
      play: () => this.#found(),
    },
    { title: 'Starting two challengers, which share the logs', play: () => this.#challenge() },
    { title: 'Attaching ctga to the three routers', play: () => this.#attach() },
    {
      title: 'Clients of all sites ask for tree heads while the log grows',
      play: () => this.#askHonestly(),
    },
    {
      title: 'Killing a server of the bus, an observer, and the challenger that asks the log',
      play: () => this.#killOneOfEach(),
    },
    {
      title: 'The log equivocates: it shows the clients of one router another tree',
      play: () => this.#equivocate(),
    },
    { title: 'The other challenger takes the place of the killed one', play: () => this.#prove() },
    {
      title: 'The killed observer is started again; all sites learn of it',
      play: () => this.#tellAll(),
    },
    { title: 'Looking at the status page of the fleet', play: () => this.#lookAtPage() },
    { title: 'Verifying the evidence, with ctga and with openssl', play: () => this.#verify() },
    { title: "Counting what left the challengers' namespaces", play: () => this.#countPackets() },
    { title: 'Detaching; traffic goes on at all sites', play: () => this.#detach() },
  ];
  summary: FleetLabSummary | undefined;

  readonly #network: LabNetwork;
  readonly #files: LabFiles;
  readonly #members: LabMembers;
  #logControl: LogControl | undefined;
  readonly #challengers = new Map<LabChallenger, Member>();
  readonly #observers = new Map<Path, Member>();
  /** What dig printed, at any client. */
  readonly #printed: string[] = [];
  #survivor: LabChallenger = CHALLENGERS[0];
  readonly #killed: string[] = [];
  readonly #wentOn: string[] = [];
  #forkSize = 0;
  /** When the deceived client had its answer. */
  #shownAt = 0;
  #toVerdict = 0;
  readonly #toSites = new Map<string, number>();
  #trees: FleetLabSummary['trees'] = [];
  #evidence = '';

  constructor(network: LabNetwork, files: LabFiles) {
    this.#network = network;
    this.#files = files;
    this.#members = new LabMembers(network, files);
  }

  end(work: Promise<unknown> | undefined): Promise<void> {
    return endLab(this.#network, this.#files, work, () => this.#logControl?.close());
  }

  async #build(): Promise<string> {
    await this.#network.up();
    return `${PATHS.length} routers, ${CHALLENGERS.length} challengers with a proxy each, and a hub between all and the bus`;
  }

  async #found(): Promise<string> {
    const { services, state } = this.#files;
    for (const old of [services, state]) rmSync(old, { recursive: true, force: true });
    for (const made of [services, state]) mkdirSync(made, { recursive: true, mode: 0o755 });
    this.#logControl = await startSurroundings(this.#network, this.#files);
    await this.#members.found();
    await this.#members.startBus();
    for (const name of [...PATHS.map(({ site }) => site), ...CHALLENGERS.map(({ name }) => name)])
      await this.#members.knowLog(name);
    const version = await must('nats-server', ['--version'], { lab: this.#network.names.lab });
    return `${version.trim()}, with what "ctga fleet init" and "join" made; ${LOG_NAME} answers`;
  }

  async #challenge(): Promise<string> {
    for (const challenger of CHALLENGERS)
      this.#challengers.set(challenger, this.#members.challenge(challenger));
    const holder = await this.#holder();
    return `${CHALLENGERS.map(({ name }) => name).join(' and ')} are there; ${holder.name} has the lease of the log`;
  }

  async #attach(): Promise<string> {
    for (const path of PATHS) this.#observers.set(path, await this.#members.attach(path));
    return `on the two interfaces of each; ${PATHS.map(({ site }) => site).join(', ')} tell the fleet what they see`;
  }

  async #askHonestly(): Promise<string> {
    const sizes: number[] = [];
    for (const count of GROWTH) {
      const { publicSize } = await this.#log.tell({ do: 'grow', count });
      for (const path of PATHS) await this.#ask(path, publicSize);
      sizes.push(publicSize);
    }
    // What a challenger concludes comes back to all.
    for (const { site } of PATHS)
      await this.#until(`${site} to be told that all trees are consistent`, async () => {
        const heads = await this.#heads(site);
        return sizes.every((size) =>
          heads.some(
            ({ treeSize, elsewhere }) =>
              treeSize === size && elsewhere.some(({ verdict }) => verdict === 'consistent'),
          ),
        );
      });
    return `sizes ${sizes.join(', ')}, seen at all three; each site was told that they are of one tree`;
  }

  async #killOneOfEach(): Promise<string> {
    const holder = await this.#holder();
    const challenger = this.#challengers.get(holder);
    const observer = this.#observers.get(KILLED_SITE);
    if (challenger === undefined || observer === undefined) throw new Error('none was started');
    await this.#members.killServer(KILLED_SERVER);
    await kill(observer.service);
    await kill(challenger.service);
    this.#survivor = CHALLENGERS.find((each) => each !== holder) ?? CHALLENGERS[0];
    const killed = `${KILLED_SERVER}, the observer of ${KILLED_SITE.site}, and the challenger ${holder.name}`;
    this.#killed.push(
      `${KILLED_SERVER}, a server of the bus`,
      `the observer of ${KILLED_SITE.site}`,
      `${holder.name}, the challenger that had the lease of the log`,
    );
    return `${killed} are gone, as in a power cut`;
  }

  async #equivocate(): Promise<string> {
    const { publicSize } = await this.#log.tell({ do: 'state' });
    this.#forkSize = publicSize + 13;
    await this.#log.tell({ do: 'equivocate', fromSize: publicSize - 5, treeSize: this.#forkSize });
    await this.#ask(DECEIVED, this.#forkSize);
    this.#shownAt = performance.now();
    const grown = await this.#log.tell({ do: 'grow', count: 50 });
    for (const path of PATHS) if (path !== DECEIVED) await this.#ask(path, grown.publicSize);
    this.#wentOn.push(
      `${KILLED_SITE.site} forwards, though nobody reads what its data plane copies`,
    );
    return `a tree of ${this.#forkSize} at ${DECEIVED.site} alone; the others were shown ${grown.publicSize}`;
  }

  async #prove(): Promise<string> {
    const survivor = this.#challengers.get(this.#survivor);
    if (survivor === undefined) throw new Error('no challenger is left');
    await survivor.reports.until(
      'that the split view is proven',
      ({ event, verdict }) => event === 'verdict' && verdict === 'fork-proven',
    );
    this.#toVerdict = secondsSince(this.#shownAt);
    this.#wentOn.push(
      'the bus takes and gives, with two servers of three',
      `${this.#survivor.name} took the lease, and asked the log`,
    );
    return `${this.#survivor.name}: fork-proven, ${this.#toVerdict.toFixed(1)} s after the client was shown the tree`;
  }

  async #tellAll(): Promise<string> {
    this.#observers.set(KILLED_SITE, await this.#members.attach(KILLED_SITE));
    await Promise.all(
      [...this.#observers].map(async ([{ site }, { reports }]) => {
        await reports.until('evidence', ({ event }) => event === 'evidence');
        this.#toSites.set(site, secondsSince(this.#shownAt));
      }),
    );
    for (const { site } of PATHS) {
      const evidence = await this.#evidenceOf(site);
      check(evidence.length === 1, `${site} has ${evidence.length} findings, and not one`);
    }
    const last = Math.max(...this.#toSites.values());
    return `each has the evidence and has verified it, the last of them ${last.toFixed(1)} s after the tree was shown`;
  }

  async #lookAtPage(): Promise<string> {
    await this.#until('what each site saw to be in one store', async () => {
      const seen = await this.#treesAtSites();
      this.#trees = seen;
      return [...GROWTH.keys()].every((i) =>
        seen.some(({ treeSize, sites }) => treeSize === sizeAfter(i) && sites.length === 3),
      );
    });
    const forked = this.#trees.filter(({ treeSize }) => treeSize === this.#forkSize);
    check(
      forked.length === 1 && forked[0]?.sites.join(' ') === DECEIVED.site,
      `the other tree was seen at ${forked.map(({ sites }) => sites.join(', ')).join('; ') || 'no site'}`,
    );
    const found = (await this.#evidenceOf(this.#survivor.name))[0];
    check(found !== undefined, `${this.#survivor.name} has no evidence`);
    mkdirSync(this.#files.evidence, { recursive: true });
    this.#evidence = join(this.#files.evidence, basename(found));
    cpSync(found, this.#evidence);
    const { command, surroundings } = ctgaCommand(
      ['web', '--listen', '127.0.0.1:0', '--state-dir', this.#store],
      this.#network,
    );
    const logPath = join(this.#files.services, 'web.log');
    const service = start('ctga web', command, surroundings, { logPath });
    const address = (): string | undefined =>
      /http:\/\/[\d.:]+\//.exec(readFileSync(logPath, 'utf8'))?.[0];
    await untilReady(service, () => address() !== undefined);
    const text = async (path: string): Promise<string> =>
      (await fetch(`${address() ?? ''}${path}`)).text();
    const [evidence, sites] = [await text('evidence'), await text('sites')];
    await stop(service);
    check(evidence.includes(basename(found)), `the page does not show ${basename(found)}`);
    for (const { site } of PATHS) check(sites.includes(site), `the page does not show ${site}`);
    return `it shows the evidence, and which of the three sites saw which tree`;
  }

  async #verify(): Promise<string> {
    const list = this.#files.logList;
    const verified = await this.#ctga([
      ...['evidence', 'verify', this.#evidence, '--json'],
      ...['--log-list', list],
    ]);
    check(
      verified.exitCode === ExitCode.ok,
      `ctga evidence verify refuses it: ${verified.stderr.trim()}`,
    );
    const script = join(projectRoot(), 'docs', 'verify-evidence.sh');
    const openssl = await run('sh', [script, this.#evidence, list], {
      lab: this.#network.names.lab,
    });
    check(
      openssl.exitCode === 0,
      `docs/verify-evidence.sh refuses it: ${openssl.stderr.trim() || openssl.stdout.trim()}`,
    );
    return 'both say that no log that only appends can have signed both trees';
  }

  async #countPackets(): Promise<string> {
    this.summary = await this.#summarize();
    for (const { name } of CHALLENGERS) {
      const packets = this.summary.challengers[name];
      check(packets !== undefined && packets.toBus > 0, `${name} sent nothing to the bus`);
      check(packets.stray === 0, `${packets.stray} packets of ${name} tried another way`);
    }
    const { toProxy = 0 } = this.summary.challengers[this.#survivor.name] ?? {};
    check(toProxy > 0, `${this.#survivor.name} sent nothing to its proxy, though it asked the log`);
    const { answers } = await this.#log.tell({ do: 'state' });
    const sent = new Set(answers.map(({ text }) => text));
    for (const text of this.#printed)
      check(sent.has(text), `a client got what the log did not send: ${text}`);
    return `to their proxies and the bus, none anywhere else; ${this.#printed.length} answers reached the clients as the log sent them`;
  }

  async #detach(): Promise<string> {
    for (const [{ site, router }, { service }] of this.#observers) {
      const exitCode = await stop(service);
      check(exitCode === ExitCode.ok, `ctga attach of ${site} ended with ${exitCode ?? 'none'}`);
      const state = ['--state-dir', this.#members.state(site)];
      const detached = await this.#ctga(
        ['detach', ...this.#network.interfacesOf(router), ...state],
        router,
      );
      check(detached.exitCode === ExitCode.ok, `ctga detach failed: ${detached.stderr.trim()}`);
    }
    for (const { client, resolverAddress, site } of PATHS)
      check(
        (await digTreeHead(this.#network, client, resolverAddress)) !== '',
        `answers no longer pass ${site}`,
      );
    return 'questions are answered as before';
  }

  /** The challenger that has the lease of the log. Waits for one to have it. */
  async #holder(): Promise<LabChallenger> {
    const has = ({ reports }: Member): boolean =>
      reports.all(({ event }) => event === 'lease').at(-1)?.['isHeld'] === true;
    let holder: LabChallenger | undefined;
    await this.#until('a challenger to have the lease of the log', () => {
      holder = [...this.#challengers].find(([, member]) => has(member))?.[0];
      return Promise.resolve(holder !== undefined);
    });
    return holder ?? CHALLENGERS[0];
  }

  /** Lets the client of a path ask, whose answer must be seen there, if anybody looks. */
  async #ask(path: Path, treeSize: number): Promise<Report | undefined> {
    const printed = await digTreeHead(this.#network, path.client, path.resolverAddress);
    check(
      printed.startsWith(`${treeSize}.`),
      `at ${path.site} dig did not print the tree head of size ${treeSize}: "${printed}"`,
    );
    this.#printed.push(printed);
    const observer = this.#observers.get(path);
    if (observer === undefined) throw new Error('asked before ctga watches');
    const { child } = observer.service;
    if (child.exitCode !== null || child.signalCode !== null) return undefined;
    const [report] = await observer.reports.until(
      `the tree head of size ${treeSize}`,
      ({ event, ...head }) => event === 'tree-head' && head['treeSize'] === treeSize,
    );
    return report;
  }

  async #until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + PATIENCE_SECONDS * 1000;
    while (!(await condition())) {
      check(performance.now() < deadline, `waited in vain for ${what}`);
      await sleep(POLL_MS);
    }
  }

  async #heads(name: string): Promise<z.infer<typeof headsSchema>> {
    return headsSchema.parse(await this.#json(['heads', 'list'], name));
  }

  async #evidenceOf(name: string): Promise<string[]> {
    const { evidence } = evidenceSchema.parse(await this.#json(['evidence', 'list'], name));
    return evidence.map(({ path }) => path);
  }

  async #treesAtSites(): Promise<FleetLabSummary['trees']> {
    const { contested, latest } = treesSchema.parse(
      await this.#json(['fleet', 'heads'], this.#survivor.name),
    );
    const all = [...contested.flatMap(({ trees }) => trees), ...latest];
    return all
      .filter(({ rootHash }, i) => all.findIndex((each) => each.rootHash === rootHash) === i)
      .map(({ treeSize, sites }) => ({ treeSize, sites }))
      .sort((a, b) => a.treeSize - b.treeSize);
  }

  async #summarize(): Promise<FleetLabSummary> {
    const sites: SiteCounts[] = [];
    for (const { site, router } of PATHS) {
      const { dataPlanes } = statusSchema.parse(await this.#json(['status'], site, router));
      const ours = dataPlanes.filter((plane) =>
        this.#network.interfacesOf(router).includes(plane.interface),
      );
      const sum = (key: 'packets' | 'answersCopied'): number =>
        ours.reduce((total, { counters }) => total + counters[key], 0);
      sites.push({ site, packets: sum('packets'), answersCopied: sum('answersCopied') });
    }
    const challengers: Record<string, ChallengerPackets> = {};
    for (const { name, role } of CHALLENGERS)
      challengers[name] = await this.#network.challengerPackets(role);
    const state = `--state-dir ${shellWord(this.#store)}`;
    return {
      sites,
      trees: this.#trees,
      killed: this.#killed,
      wentOn: this.#wentOn,
      seconds: { toVerdict: this.#toVerdict, toSites: Object.fromEntries(this.#toSites) },
      challengers,
      evidence: this.#evidence,
      look: [
        `ctga evidence verify ${shellWord(this.#evidence)} ${state}`,
        `ctga fleet heads ${state}`,
        `ctga web ${state}`,
      ],
      clean: cleanCommand(this.#files.directory),
    };
  }

  /** The store that has what all sites saw. */
  get #store(): string {
    return this.#members.state(this.#survivor.name);
  }

  async #json(command: readonly string[], name: string, role?: Role): Promise<unknown> {
    const args = [...command, '--state-dir', this.#members.state(name), '--json'];
    const { exitCode, stdout, stderr } = await this.#ctga(args, role);
    check(exitCode === ExitCode.ok, `ctga ${command.join(' ')} failed: ${stderr.trim()}`);
    return JSON.parse(stdout);
  }

  #ctga(args: readonly string[], role?: Role): ReturnType<typeof runCtga> {
    return runCtga(this.#network, args, role);
  }

  get #log(): LogControl {
    if (this.#logControl === undefined) throw new Error('the log was not started');
    return this.#logControl;
  }
}

function sizeAfter(step: number): number {
  return GROWTH.slice(0, step + 1).reduce((sum, count) => sum + count, 0);
}

const headsSchema = z.array(
  z.object({ treeSize: z.number(), elsewhere: z.array(z.object({ verdict: z.string() })) }),
);
const evidenceSchema = z.object({ evidence: z.array(z.object({ path: z.string() })) });
const treeSchema = z.object({
  treeSize: z.number(),
  rootHash: z.string(),
  sites: z.array(z.string()),
});
const treesSchema = z.object({
  contested: z.array(z.object({ trees: z.array(treeSchema) })),
  latest: z.array(treeSchema),
});
const statusSchema = z.object({
  dataPlanes: z.array(
    z.object({
      interface: z.string(),
      counters: z.object({ packets: z.number(), answersCopied: z.number() }),
    }),
  ),
});

/** What a newcomer needs to know about what has happened. */
function summaryLines(summary: FleetLabSummary): string[] {
  const { sites, trees, killed, wentOn, seconds, challengers, evidence, look, clean } = summary;
  return [
    '',
    'What was seen where',
    ...sites.map(
      ({ site, packets, answersCopied }) =>
        `  ${site.padEnd(12)}${packets} packets, ${answersCopied} answers with tree heads copied`,
    ),
    ...trees.map(({ treeSize, sites: at }) => `  size ${treeSize}`.padEnd(14) + at.join(', ')),
    '',
    'Who was killed, and what went on',
    ...killed.map((what) => `  killed      ${what}`),
    ...wentOn.map((what) => `  went on     ${what}`),
    '',
    'From the answer to the deceived client',
    `  ${seconds.toVerdict.toFixed(1).padStart(6)} s to the verdict`,
    ...Object.entries(seconds.toSites).map(
      ([site, after]) => `  ${after.toFixed(1).padStart(6)} s to its evidence at ${site}`,
    ),
    '',
    ...Object.entries(challengers).map(
      ([name, { toProxy, toBus, stray }]) =>
        `  ${name.padEnd(12)}${toProxy} packets to its proxy, ${toBus} to the bus, ${stray} anywhere else`,
    ),
    `  evidence    ${evidence}`,
    '',
    'Look at it yourself',
    ...look.map((command) => `  ${command}`),
    '',
    'Remove what is left of it, evidence too',
    `  ${clean}`,
    '',
  ];
}
