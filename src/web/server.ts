// SPDX-License-Identifier: Apache-2.0
/**
 * The server of the status page. It reads the store, writes nothing and connects to nobody.
 * Everyone who can reach it can read it, so it listens on loopback by default. It answers only to
 * names that it knows, so that the page of another host cannot make a browser fetch from it (DNS
 * rebinding).
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { Conditions, evidenceFault, type Condition } from '../alert/conditions.ts';
import { FleetConditions, fleetUnreadable } from '../alert/fleet-conditions.ts';
import { clean, cleanLines } from '../base/clean.ts';
import { CtgaError, messageOf } from '../base/errors.ts';
import { toJson } from '../base/json.ts';
import { listenAt, type Listening } from '../base/listen.ts';
import { projectRoot } from '../base/project-root.ts';
import { shellWord } from '../base/text.ts';
import { roomIn } from '../disk/probe.ts';
import { EvidenceWatch, type EvidenceLook } from '../evidence/watch.ts';
import { StoreError } from '../disk/error.ts';
import { pathOf } from '../http/serving.ts';
import { FleetWatch, type FleetOverview } from '../fleet/overview.ts';
import { MemberStore } from '../fleet/members.ts';
import type { Html } from '../base/html.ts';
import type { EvidenceRecord } from '../store/evidence.ts';
import { followedLogs, visitedLogs, type FollowedLog } from '../follow/followed-logs.ts';
import type { Log } from '../logs/log.ts';
import { SYSTEM_DIRECTORY } from '../store/directories.ts';
import { knownLogs, logDescriptions } from '../store/known-logs.ts';
import { openForReading, storeExists, type State } from '../store/state.ts';
import type { Store } from '../store/store.ts';
import { measure, type Measurements } from './measurements.ts';
import { Metrics } from './metrics.ts';
import { overviewOf, type Overview } from './overview.ts';
import {
  LOGS_A_PAGE,
  renderLogs,
  renderNoSplit,
  renderSplits,
  SPLITS_A_PAGE,
} from './list-pages.ts';
import { renderPage, renderUnreadable } from './page.ts';
import { renderSites, sitesOfSplit } from './site-pages.ts';
import { SITES_A_PAGE, sitesView, splitsAtSites } from './sites.ts';
import { latestOfEachLog, findingsOf } from './splits.ts';
import { timelineOf } from './timeline.ts';
import { findingNoun } from './words.ts';

export interface WebOptions {
  readonly state: State;
  readonly address: string;
  readonly port: number;
  /** The names that it answers to, besides addresses and localhost. */
  readonly hosts: readonly string[];
  readonly version: string;
  /** A remedy with the commands in it as they have to be typed to find this store. */
  readonly asTyped?: (remedy: string) => string;
}

const POLL_MS = 1000;
/** Browsers and proxies close a connection that is silent for too long. */
const HEARTBEAT_MS = 15_000;
const MAX_LISTENERS = 200;
/** So many logs have a line on the first page, and so many logs a split. */
const LANES = 12;
const SPLITS = 5;

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

const ASSETS = join(projectRoot(), 'src/web/assets');
const VERIFIER = join(projectRoot(), 'docs/verify-evidence.sh');

/** Files by the path of their URL. Each is read for every request. */
const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/assets/page.css': [join(ASSETS, 'page.css'), 'text/css; charset=utf-8'],
  '/assets/page.js': [join(ASSETS, 'page.js'), 'text/javascript; charset=utf-8'],
  ...Object.fromEntries(
    ['good', 'waiting', 'warning', 'alarm'].map((kind) => [
      `/assets/${kind}.svg`,
      [join(ASSETS, `${kind}.svg`), 'image/svg+xml'] as const,
    ]),
  ),
  '/verify-evidence.sh': [VERIFIER, 'text/x-shellscript; charset=utf-8'],
};

export class WebServer {
  readonly #options: WebOptions;
  readonly #server: Server;
  readonly #source: StoreSource;
  readonly #metrics: Metrics;
  readonly #conditions = new Conditions();
  readonly #fleet = new FleetWatch();
  readonly #fleetConditions = new FleetConditions();
  readonly #rendered = new Rendered();
  readonly #evidence: EvidenceWatch;
  readonly #listeners = new Set<ServerResponse>();
  readonly #poll: NodeJS.Timeout;
  readonly #heartbeat: NodeJS.Timeout;
  #at: Listening = { port: 0, url: '' };

  private constructor(options: WebOptions) {
    this.#options = options;
    this.#source = new StoreSource(options.state);
    this.#evidence = new EvidenceWatch(options.state.evidence);
    this.#metrics = new Metrics(options.version);
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => this.#fail(response, error));
    });
    this.#poll = setInterval(() => {
      if (this.#source.hasChanged()) this.#tell('event: change\ndata: \n\n');
    }, POLL_MS);
    let faults = '';
    this.#heartbeat = setInterval(() => {
      const before = faults;
      faults = [...this.#evidence.look().faults, this.#fleetState()].join('\n');
      this.#tell(faults === before ? ': still here\n\n' : 'event: change\ndata: \n\n');
    }, HEARTBEAT_MS);
  }

  /** Rejects with CtgaError if it cannot listen at the address. */
  static async start(options: WebOptions): Promise<WebServer> {
    const web = new WebServer(options);
    try {
      web.#at = await listenAt(web.#server, options);
    } catch (error) {
      await web.stop();
      throw error;
    }
    return web;
  }

  get at(): Listening {
    return this.#at;
  }

  async stop(): Promise<void> {
    clearInterval(this.#poll);
    clearInterval(this.#heartbeat);
    for (const listener of this.#listeners) listener.end();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
    this.#source.close();
  }

  #tell(event: string): void {
    for (const listener of this.#listeners) listener.write(event);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    if (!this.#isForUs(request.headers.host))
      return send(response, 421, 'This server has another name: see --host.\n');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return send(response, 405, 'Only GET and HEAD.\n');
    }
    // The path is compared as it was sent: every path that exists is listed below.
    const path = pathOf(request);
    const file = FILES[path];
    if (file !== undefined) return send(response, 200, readFileSync(file[0]), file[1]);
    if (path.startsWith('/evidence/'))
      return this.#sendEvidence(response, path.slice('/evidence/'.length));
    switch (path) {
      case '/':
      case '/evidence':
      case '/logs':
      case '/sites':
        try {
          return this.#sendPage(response, path, pageNumber(request));
        } catch (error) {
          if (!(error instanceof StoreError)) throw error;
          const { asTyped = String } = this.#options;
          const remedy = error.remedy === undefined ? undefined : asTyped(error.remedy);
          const text = renderUnreadable(error, remedy, Date.now());
          return send(response, 500, text, 'text/html; charset=utf-8');
        }
      case '/state.json':
        return send(
          response,
          200,
          toJson(this.#overview(this.#evidence.look())),
          'application/json',
        );
      case '/metrics': {
        const look = this.#evidence.look();
        const text = await this.#metrics.render(this.#overview(look), this.#measure(look));
        return send(response, 200, text, this.#metrics.contentType);
      }
      case '/healthz':
        return this.#sendHealth(response);
      case '/events':
        return this.#listen(response);
      default:
        return send(response, 404, 'Nothing is here.\n');
    }
  }

  #sendPage(response: ServerResponse, path: string, page: number): void {
    const look = this.#evidence.look();
    const key = [path, page, ...look.faults].join(' ');
    const changes = this.#source.changes();
    let text = this.#rendered.get(key, changes);
    if (text === undefined) {
      text = this.#render(path, page, look);
      this.#rendered.put(key, changes, text);
    }
    if (text === '') return send(response, 404, 'There are not that many pages.\n');
    send(response, 200, text, 'text/html; charset=utf-8');
  }

  /** Empty if there is no such page. */
  #render(path: string, page: number, look: EvidenceLook): string {
    const store = this.#source.store();
    const nameOf = logDescriptions(store);
    if (path === '/evidence') {
      const records = store.evidence.all().reverse();
      const part = { page, total: records.length };
      const offset = (page - 1) * SPLITS_A_PAGE;
      if (page > 1 && offset >= part.total) return '';
      if (part.total === 0) return renderNoSplit(store.verdicts.counts(), Date.now());
      const shown = records.slice(offset, offset + SPLITS_A_PAGE);
      return renderSplits(
        findingsOf(store, shown, nameOf, look.report),
        findingNoun(records),
        part,
        this.#stateOption,
        Date.now(),
        this.#atSites(store, this.#fleetOverview(), shown),
      );
    }
    if (path === '/sites') {
      const fleet = this.#fleetOverview();
      const total = fleet?.sites.length ?? 0;
      if (page > 1 && (page - 1) * SITES_A_PAGE >= total) return '';
      const view = fleet && sitesView(store, fleet, page, nameOf);
      return renderSites(view, { page, total }, Date.now());
    }
    const overview = this.#overview(look);
    const offset = (page - 1) * LOGS_A_PAGE;
    const limit = path === '/' ? LANES : LOGS_A_PAGE;
    const timeline = timelineOf(store, overview, nameOf, {
      offset: path === '/' ? 0 : offset,
      limit,
    });
    if (path === '/logs') {
      if (page > 1 && offset >= timeline.logs) return '';
      return renderLogs(timeline, { page, total: timeline.logs }, overview.generated);
    }
    const latest = latestOfEachLog(store.evidence.all(), SPLITS);
    const splits = findingsOf(store, latest, nameOf, look.report);
    const atSites = this.#atSites(store, overview.fleet, latest);
    return renderPage({ overview, splits, timeline, atSites, stateOption: this.#stateOption });
  }

  /** Of a collector's store: where the trees of these records were seen, by evidence file. */
  #atSites(
    store: Pick<Store, 'evidence' | 'heads'>,
    fleet: FleetOverview | undefined,
    records: readonly EvidenceRecord[],
  ): Map<string, Html> {
    if (fleet === undefined || fleet.role === 'site') return new Map();
    const all = fleet.sites.map(({ member }) => member);
    return new Map(
      Array.from(splitsAtSites(store, fleet, records), ([path, split]) => [
        path,
        sitesOfSplit(split, all),
      ]),
    );
  }

  #fleetOverview(): FleetOverview | undefined {
    const members = MemberStore.openForReading(this.#options.state.directory);
    try {
      return members && this.#fleet.look(members, Date.now(), performance.now());
    } finally {
      members?.close();
    }
  }

  /** Where it cannot be read, somebody has to know: all else can be shown. */
  #fleetOrFault(): { fleet: FleetOverview | undefined; fault: Condition[] } {
    try {
      const fleet = this.#fleetOverview();
      return { fleet, fault: this.#fleetConditions.present(fleet, performance.now()) };
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return { fleet: undefined, fault: [fleetUnreadable(messageOf(error), error.remedy)] };
    }
  }

  /** Changes whenever a person should see that something of the fleet has changed. */
  #fleetState(): string {
    try {
      const members = this.#fleetOverview()?.sites ?? [];
      return members
        .map(({ hearing, missing, givenUp }) => `${hearing} ${missing} ${givenUp}`)
        .join();
    } catch {
      // The page itself says so.
      return '';
    }
  }

  #overview({ report, faults }: EvidenceLook): Overview {
    const { asTyped = String } = this.#options;
    const store = this.#source.store();
    const room = roomIn(this.#options.state.directory);
    const now = Date.now();
    const { fleet, fault } = this.#fleetOrFault();
    const conditions = [
      ...fault,
      ...faults.map(evidenceFault),
      ...this.#conditions.present(store, now, performance.now()),
    ].map((condition) => ({ ...condition, remedy: asTyped(condition.remedy) }));
    const chain = report && { length: report.length, head: report.head };
    const following = this.#following(store);
    return overviewOf(store, { conditions, chain, following, fleet, room, now });
  }

  /** What a command needs to find this store, as a shell reads it. */
  get #stateOption(): string {
    const { directory } = this.#options.state;
    return directory === SYSTEM_DIRECTORY ? '' : ` --state-dir ${shellWord(directory)}`;
  }

  #measure({ report }: EvidenceLook): Measurements {
    const { state } = this.#options;
    const store = this.#source.store();
    const visited = ofHashes(store, (logs) => visitedLogs(state.directory, logs));
    return measure(store, state, visited, report);
  }

  #following(store: Pick<Store, 'logs'>): FollowedLog[] {
    const { directory } = this.#options.state;
    return ofHashes(store, (logs) => followedLogs(directory, logs, Date.now()));
  }

  #isForUs(host: string | undefined): boolean {
    // HTTP/1.0 has no Host header, and no browser that could be misled uses it.
    if (host === undefined) return true;
    const name = host
      .replace(/:\d+$/, '')
      .replace(/^\[|\]$/g, '')
      .toLowerCase();
    return isIP(name) !== 0 || name === 'localhost' || this.#options.hosts.includes(name);
  }

  /** Sends 200 as long as every interface on record is watched, and else 503 with the reasons. */
  #sendHealth(response: ServerResponse): void {
    const { state } = this.#options;
    if (!storeExists(state))
      return send(response, 503, `there is no store in ${clean(state.directory)}\n`);
    const { interfaces } = this.#overview(this.#evidence.look());
    const ill = interfaces.filter(({ isStale, blindSince }) => isStale || blindSince !== null);
    const text = ill
      .map(
        (each) =>
          `${clean(each.interface)}: ${each.blindSince === null ? 'no observer' : 'blind'}\n`,
      )
      .join('');
    send(response, ill.length === 0 ? 200 : 503, text === '' ? 'well\n' : text);
  }

  /** Sends only files that are on record, whatever the path says. */
  #sendEvidence(response: ServerResponse, asked: string): void {
    const record = this.#source
      .store()
      .evidence.all()
      .find(({ path }) => encodeURIComponent(path.slice(path.lastIndexOf('/') + 1)) === asked);
    if (record === undefined || !existsSync(record.path))
      return send(response, 404, 'No such evidence is on record here.\n');
    response.setHeader('content-disposition', `attachment; filename="${asked}"`);
    send(response, 200, readFileSync(record.path), 'application/json');
  }

  #listen(response: ServerResponse): void {
    if (this.#listeners.size >= MAX_LISTENERS)
      return send(response, 503, 'Too many are listening.\n');
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    // Who asks for the headers alone waits for no event.
    if (response.req.method === 'HEAD') return void response.end();
    response.write('retry: 2000\n\n');
    this.#listeners.add(response);
    response.once('close', () => this.#listeners.delete(response));
  }

  #fail(response: ServerResponse, error: unknown): void {
    if (response.headersSent) return void response.destroy();
    const isOurs = error instanceof CtgaError || (error as { code?: unknown }).code !== undefined;
    send(response, 500, isOurs ? `${clean(messageOf(error))}\n` : 'This is a bug in ctga.\n');
    if (!isOurs) console.error(cleanLines((error as Error).stack ?? messageOf(error)));
  }
}

/** None where the hashes cannot be read: ctga status says why. */
function ofHashes<T>(store: Pick<Store, 'logs'>, read: (logs: readonly Log[]) => T[]): T[] {
  try {
    return read(knownLogs(store, undefined, () => undefined));
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return [];
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** `?page=N`; the first page for all else. */
function pageNumber({ url = '' }: IncomingMessage): number {
  return Number(/\?page=([1-9]\d{0,5})$/.exec(url)?.[1] ?? 1);
}

/**
 * Pages that were just made. Whoever listens asks for them at once when the store changes, so each
 * is made once for all of them.
 */
class Rendered {
  readonly #pages = new Map<string, { changes: number; at: number; text: string }>();

  get(key: string, changes: number): string | undefined {
    const page = this.#pages.get(key);
    const isFresh = page?.changes === changes && performance.now() - page.at < POLL_MS;
    return isFresh ? page.text : undefined;
  }

  put(key: string, changes: number, text: string): void {
    this.#pages.delete(key);
    this.#pages.set(key, { changes, at: performance.now(), text });
    for (const old of this.#pages.keys()) if (this.#pages.size > 16) this.#pages.delete(old);
  }
}

/** The store, opened again when its file is another one: made, moved aside, restored. */
class StoreSource {
  readonly #state: State;
  #store: Store;
  #opened = 0;
  #changes = -1;

  constructor(state: State) {
    this.#state = state;
    this.#store = openForReading(state, { mayBeMissing: true });
  }

  store(): Store {
    if (!this.#store.isInPlace()) {
      const opened = openForReading(this.#state, { mayBeMissing: true });
      this.#store.close();
      this.#store = opened;
      this.#opened += 1;
    }
    return this.#store;
  }

  /** Another number whenever the store has changed, or is another one. */
  changes(): number {
    const changes = this.store().changes();
    return this.#opened * 2 ** 32 + changes;
  }

  /** Whether the store has changed since the last call. */
  hasChanged(): boolean {
    try {
      const changes = this.changes();
      if (changes === this.#changes) return false;
      this.#changes = changes;
      return true;
    } catch {
      // The store is damaged, or is being replaced: the page itself will say so.
      return false;
    }
  }

  close(): void {
    this.#store.close();
  }
}
