// SPDX-License-Identifier: Apache-2.0
/**
 * Runs one history against the real observer, challenger and store, and checks after each step what
 * must hold (INVARIANTS). Clock, chance and transport are the model's; nothing opens a socket.
 *
 * A restart drops every object and opens the store's bytes anew. A kill is an exception out of some
 * call of the store or of the transport, after which every further call throws too, and then a
 * restart.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Conditions } from '../../src/alert/conditions.ts';
import type { Asker } from '../../src/ask/asker.ts';
import { Rfc6962Asker } from '../../src/ask/rfc6962.ts';
import { TiledAsker } from '../../src/ask/tiled.ts';
import { CtgaError } from '../../src/base/errors.ts';
import { challengeLog } from '../../src/challenger/challenge.ts';
import { uniform } from '../../src/base/chance.ts';
import { failureOf, Settler } from '../../src/challenger/settle.ts';
import type { VerdictContext } from '../../src/challenger/verdicts.ts';
import { StoreError } from '../../src/disk/error.ts';
import { exhibitsOf, isIntact, parseEvidence } from '../../src/evidence/bundle.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { exchangeHeads, recordExchanged } from '../../src/exchange/pollination.ts';
import { visit } from '../../src/follow/follower.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import type { Log } from '../../src/logs/log.ts';
import { logIdText } from '../../src/logs/log.ts';
import type { MerkleHash } from '../../src/merkle/hash.ts';
import { Observer } from '../../src/observer/observer.ts';
import { importTreeHeads } from '../../src/services/heads.ts';
import { CtOverDns } from '../../src/sources/ct-over-dns/source.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import type { Statement } from '../../src/statements/statement.ts';
import type { StoredTree } from '../../src/store/heads.ts';
import { MEMORY, openDatabase } from '../../src/store/sqlite/open.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import type { Store } from '../../src/store/store.ts';
import type { Verdict } from '../../src/store/verdicts.ts';
import { recordFoundEvidence } from '../../src/upkeep/found-evidence.ts';
import { dnsAnswer, frameV4 } from '../support/packets.ts';
import { fixChance } from '../support/random.ts';
import type { Fault, History, Step } from './history.ts';
import {
  EVIL_MOODS,
  isExpected,
  KEY,
  MAX_SIZE,
  MMD,
  ModelLog,
  STRANGER,
  URL_OF_LOG,
} from './log.ts';
import { Oracle, type Answer, type Conviction, type Tree } from './oracle.ts';

/** What must hold, by the names that failures have. */
export const INVARIANTS = {
  honest: 'an honest log, however flaky, is never accused',
  patient: 'an honest log is not called unprovable, nor its answers bad, for want of answers',
  linked: 'no two heads that contradict each other are both consistent',
  convicted: 'if what was seen and answered convicts, there is evidence that verifies',
  evidence: 'all evidence verifies, and is of a log that forked',
  exposed: 'a log that answers for one branch is convicted of its heads of others',
  bound: 'every head has a verdict within the bound when the log answers',
  kept: 'every genuine head that was delivered and committed is in the store',
  alive: 'nothing throws but what is documented',
} as const;
export type Invariant = keyof typeof INVARIANTS;

export class Violation extends Error {
  readonly invariant: Invariant;

  constructor(invariant: Invariant, message: string) {
    super(`${invariant} (${INVARIANTS[invariant]}): ${message}`);
    this.name = 'Violation';
    this.invariant = invariant;
  }
}

/** How often each invariant was checked on something that it says anything about. */
export type Counts = Record<Invariant | 'histories' | 'challenges' | 'kills' | 'forks', number>;

export function newCounts(): Counts {
  const names = [...Object.keys(INVARIANTS), 'histories', 'challenges', 'kills', 'forks'];
  return Object.fromEntries(names.map((name) => [name, 0])) as Counts;
}

export interface RunOptions {
  readonly counts?: Counts;
  /** Told of each step how many calls there were that a fault may strike, and if it brought evidence. */
  readonly onStep?: (index: number, result: StepResult) => void;
  /** Given each evidence file before it is removed. */
  readonly onEvidence?: (path: string) => void;
  /** Given what happens, a line at a time. */
  readonly trace?: (line: string) => void;
}

export interface StepResult {
  readonly calls: number;
  readonly isConvicting: boolean;
}

const START = 1_800_000_000_000;
const HOUR = 3_600_000;
/** Bytes a day: more than the log has, or less than its heads. */
const BUDGET = { whole: 64_000_000, poor: 1000 } as const;
const ZONE = 'alpha.example';
/** Evidence is synced to the disk, which takes no time where that is memory. */
const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
/** A new store costs a copy. */
const EMPTY_STORE = openDatabase(MEMORY).serialize();

class Killed extends Error {}

const NO_SIGNAL = new AbortController().signal;

/** Every question that an asker answers is told to the world that is running. */
let listener: ((answer: Answer) => void) | undefined;
for (const { prototype } of [Rfc6962Asker, TiledAsker]) {
  listen(prototype, 'consistencyProof', ([first, second], hashes) => ({
    kind: 'consistency',
    first: Number(first),
    second: Number(second),
    hashes,
  }));
  listen(prototype, 'inclusionProof', ([leaf, treeSize], hashes) => ({
    kind: 'inclusion',
    first: Number(leaf.leafIndex),
    second: Number(treeSize),
    hashes,
  }));
}

function listen<Name extends 'consistencyProof' | 'inclusionProof'>(
  asker: Asker,
  name: Name,
  toAnswer: (question: Parameters<Asker[Name]>, hashes: readonly MerkleHash[]) => Answer,
): void {
  const ask = Reflect.get(asker, name) as (...question: unknown[]) => Promise<MerkleHash[]>;
  Reflect.set(asker, name, async function (this: Asker, ...question: Parameters<Asker[Name]>) {
    const hashes = await ask.apply(this, question);
    listener?.(toAnswer(question, hashes));
    return hashes;
  });
}

/** Runs the history; throws Violation. */
export async function runHistory(history: History, options: RunOptions = {}): Promise<void> {
  const restoreChance = fixChance(history.seed);
  const world = new World(history, options);
  try {
    for (const [i, step] of history.steps.entries()) {
      const result = await world.take(step);
      options.onStep?.(i, result);
    }
    await world.settle();
  } finally {
    world.end();
    restoreChance();
  }
}

/**
 * Runs the history up to the first step that brings evidence once for each call of that step, and
 * kills ctga there.
 */
export async function killEverywhere(history: History, options: RunOptions = {}): Promise<void> {
  const steps = history.steps.map((step) => ({ ...step, fault: undefined }));
  const results: StepResult[] = [];
  await runHistory(
    { ...history, steps },
    { ...options, onStep: (_, result) => void results.push(result) },
  );
  const at = results.findIndex(({ isConvicting }) => isConvicting);
  const [step, calls] = [steps[at], results[at]?.calls ?? 0];
  if (step === undefined) return;
  for (let after = 0; after < calls; after++) {
    const killed: Step = { ...step, fault: { kind: 'kill', after } };
    await runHistory({ ...history, busy: 0, steps: [...steps.slice(0, at), killed] }, options);
  }
}

class World {
  readonly #history: History;
  readonly #options: RunOptions;
  readonly #counts: Counts;
  readonly #log: ModelLog;
  readonly #oracle: Oracle;
  readonly #directory = mkdtempSync(join(SCRATCH, 'ctga-model-'));
  readonly #asLog: Log;
  #now = START;
  #database: Database.Database = new Database(EMPTY_STORE);
  #store: Store;
  #observer: Observer;
  #settler: Settler;
  #hashes = HashStore.inMemory();
  #faults = new Faults(undefined);
  /** On the wire and not committed yet. */
  #delivered: Tree[] = [];
  #answers: Answer[] = [];
  /** What the log is convicted of by answers, in challenges that nothing cut short. */
  #convictions: Conviction[] = [];
  #storeFailures = 0;
  /** Calm challenges that a pending tree has seen, and how many it may; by ID. */
  readonly #waited = new Map<number, { seen: number; bound: number }>();
  readonly #checkedEvidence = new Map<string, Exhibits>();
  #damaged = false;
  #owes = false;
  /** IDs of the consistent trees when their links were checked last. */
  #checkedLinks = '';

  constructor(history: History, options: RunOptions) {
    this.#history = history;
    this.#options = options;
    this.#counts = options.counts ?? newCounts();
    this.#log = new ModelLog(history.log, history.fronts, () => this.#now);
    this.#oracle = new Oracle(this.#log);
    this.#asLog = KEY.asLog({ api: history.log.api, mmd: MMD, url: URL_OF_LOG, dns: ZONE });
    this.#counts.histories += 1;
    listener = (answer) => void this.#answers.push(answer);
    for (const branch of this.#log.branches.keys())
      this.#log.grow(branch, history.sizes[branch] ?? 0);
    [this.#store, this.#observer, this.#settler] = this.#open();
  }

  end(): void {
    listener = undefined;
    this.#database.close();
    this.#hashes.close();
    const { onEvidence } = this.#options;
    if (onEvidence !== undefined) for (const path of this.#evidenceFiles()) onEvidence(path);
    rmSync(this.#directory, { recursive: true });
  }

  async take(step: Step): Promise<StepResult> {
    this.#faults = new Faults(step.fault);
    const evidence = this.#evidenceFiles().length;
    this.#log.requests = [];
    this.#answers = [];
    let died = false;
    try {
      await this.#do(step);
    } catch (error) {
      died = error instanceof Killed;
      if (!died) this.#unexpected(error, step);
    }
    // The code may have caught what killed it.
    died ||= this.#faults.dead;
    if (!died && this.#faults.struck) this.#trace('  a write failed');
    if (died) this.#counts.kills += 1;
    const { calls } = this.#faults;
    const wasCut = died || this.#faults.struck;
    this.#owes ||= this.#faults.struck;
    this.#faults = new Faults(undefined);
    // A start that a full disk ended is tried again.
    if (died || (wasCut && step.do === 'restart')) this.#restart();
    this.#tell(step, died);
    this.#check(wasCut);
    return { calls, isConvicting: this.#evidenceFiles().length > evidence };
  }

  /** Restarts, lets all be calm, and checks that every head comes to a verdict. */
  async settle(): Promise<void> {
    await this.take({ do: 'restart' });
    await this.take({ do: 'flush' });
    const { busy, questions } = this.#history;
    const old = this.#trees().map(({ stored }) => stored.id);
    const rounds = 2 + Math.min(boundOf(old.length + 1, questions, false), 64);
    let next = this.#log.sizes[0] ?? 0;
    for (let round = 0; round < rounds; round++) {
      const isOver = !this.#trees().some(
        ({ stored }) => isWaiting(stored.verdict) && old.includes(stored.id),
      );
      if (round >= 2 && isOver) break;
      await this.take({ do: 'wait', ms: 37 * HOUR });
      if (busy > 0 && next + busy <= MAX_SIZE) {
        await this.take({ do: 'grow', branch: 0, size: next + busy });
        await this.take({ do: 'see many', branch: 0, from: next + 1, count: busy });
        next += busy;
      }
      await this.take({ do: 'challenge', once: false, moods: [] });
    }
    if (this.#history.log.honest) this.#checkAlerts();
    else {
      this.#checkRecords();
      this.#checkExposed(old);
    }
  }

  async #do(step: Step): Promise<void> {
    const log = this.#log;
    const branch = 'branch' in step ? step.branch % log.branches.length : 0;
    switch (step.do) {
      case 'grow':
        return log.grow(branch, step.size);
      case 'front': {
        const front = log.fronts[step.index % log.fronts.length];
        if (front !== undefined) Object.assign(front, { branch, size: step.size, lag: step.lag });
        return;
      }
      case 'wait':
        this.#now += step.ms;
        return;
      case 'restart':
        if (step.forgets === true) {
          this.#hashes.close();
          this.#hashes = HashStore.inMemory();
        }
        return this.#restart();
      case 'see':
        await this.#see(branch, step.size, step.age, step.via);
        if (step.via === 'wire' && step.more !== true) this.#flush();
        return;
      case 'see many':
        for (let i = 0; i < step.count; i++)
          await this.#see(branch, Math.min(step.from + i, MAX_SIZE), 0, 'wire');
        return this.#flush();
      case 'forge':
        return this.#receive(STRANGER.sign(step.size, log.root(branch, step.size), BigInt(START)));
      case 'flush':
        return this.#flush();
      case 'challenge':
        return this.#challenge(step);
      case 'flip':
        return this.#flip(step);
    }
  }

  async #see(
    branch: number,
    wanted: number,
    age: number,
    via: 'wire' | 'import' | 'pollination',
  ): Promise<void> {
    const log = this.#log;
    const size = this.#history.log.honest ? Math.min(wanted, log.sizes[0] ?? 0) : wanted;
    const timestamp = log.timestamp() - BigInt(age);
    const root = log.root(branch, size);
    const head = KEY.sign(size, root, timestamp < 0n ? 0n : timestamp);
    if (via === 'wire') {
      this.#receive(head);
      this.#delivered.push({ size, root });
      return;
    }
    const json = { sths: [{ log_id: logIdText(KEY.key.logId), ...treeHeadToJson(head) }] };
    if (via === 'import') {
      const file = join(this.#directory, 'heads.json');
      writeFileSync(file, JSON.stringify(json));
      const logs = [this.#asLog];
      const evidenceDirectory = join(this.#directory, 'evidence');
      const options = { logs, witnesses: [], evidenceDirectory, now: this.#now };
      importTreeHeads(() => this.#store, [file], options);
    } else {
      const logs = [this.#asLog];
      const exchanged = await exchangeHeads(
        'https://pollen.test/',
        () => {
          this.#faults.step();
          const body = Buffer.from(JSON.stringify(json));
          return Promise.resolve({ status: 200, retryAfter: undefined, body });
        },
        [],
        logs,
      );
      const evidenceDirectory = join(this.#directory, 'evidence');
      recordExchanged(exchanged, { store: this.#store, evidenceDirectory, logs, now: this.#now });
    }
    this.#mustBeThere([{ size, root }]);
  }

  #receive(head: Statement): void {
    const strings = formatTreeHeadText(head).match(/.{1,255}/g) ?? [];
    const frame = frameV4(dnsAnswer({ name: `sth.${ZONE}`, strings }));
    this.#observer.receive({
      kind: 'answer',
      frame,
      frameLength: frame.length,
      interfaceName: 'eth0',
      timestamp: this.#now,
    });
  }

  #flush(): void {
    const failures = this.#storeFailures;
    this.#observer.endBatch(this.#now);
    if (this.#storeFailures > failures || this.#faults.dead) return;
    this.#mustBeThere(this.#delivered);
    this.#delivered = [];
  }

  async #challenge({ once, moods }: Extract<Step, { do: 'challenge' }>): Promise<void> {
    const log = this.#log;
    const { honest } = this.#history.log;
    log.moods = honest ? moods.filter(isHonest) : [...moods];
    log.failed = 0;
    this.#counts.challenges += 1;
    const before = this.#trees().filter(({ stored }) => isWaiting(stored.verdict));
    let failure: Error | undefined;
    try {
      failure = await (this.#history.way === 'direct' ? this.#askDirectly(once) : this.#visit());
      if (failure !== undefined) this.#trace(`  failed: ${failure.message}`);
    } catch (error) {
      if (!isExpected(error)) throw error;
      failure = error as Error;
      this.#trace(`  rejected: ${failure.message}`);
    }
    if (failure === undefined && log.failed === 0 && !this.#faults.struck)
      this.#countDown(before, once ? Infinity : this.#history.questions);
  }

  #askDirectly(once: boolean): Promise<Error | undefined> {
    return challengeLog(this.#asLog, {
      ...this.#verdictContext(this.#store),
      ignoreBackOff: once,
      paths: this.#log.fronts.map((_, i) => this.#log.fetchOf(i, () => this.#faults.step())),
      questions: once ? undefined : this.#history.questions,
      signal: NO_SIGNAL,
    });
  }

  /** Each way leads to the next front end. */
  async #visit(): Promise<Error | undefined> {
    const [log, { fronts }] = [this.#asLog, this.#log];
    let opened = 0;
    const visited = await visit(log, {
      hashes: this.#hashes,
      open: () => ({
        fetch: this.#log.fetchOf(opened++ % fronts.length, () => this.#faults.step()),
        close: () => undefined,
      }),
      paths: fronts.length,
      budget: BUDGET[this.#history.way === 'poor' ? 'poor' : 'whole'],
      window: 14 * 24 * HOUR,
      blocks: this.#history.questions,
      now: () => this.#now,
      chance: uniform,
      sleep: () => Promise.resolve(),
      signal: NO_SIGNAL,
      wanted: () => this.#settler.wanted(log),
    });
    await this.#settler.settle(log, this.#hashes.of(log), visited);
    return failureOf(visited) ?? visited.failures[0];
  }

  #verdictContext(store: Store): VerdictContext {
    return {
      store,
      evidenceDirectory: join(this.#directory, 'evidence'),
      now: () => this.#now,
      onVerdict: ({ tree, verdict, reason }) =>
        this.#trace(`  verdict ${tree.treeSize}: ${verdict} ${reason ?? ''}`),
      onNotice: (_, message) => this.#trace(`  notice ${message}`),
    };
  }

  /** `before`: the trees that waited when the challenge began; others, that it unlinked, join them. */
  #countDown(before: readonly SeenTree[], questions: number): void {
    if (this.#history.way === 'poor') return;
    const after = this.#trees().filter(({ stored }) => isWaiting(stored.verdict));
    const all = new Set([...before, ...after].map(({ stored }) => stored.id));
    const { way, log } = this.#history;
    const asked = boundOf(all.size + 1, questions, log.honest);
    // Where a log turns to another branch, the hashes are fetched anew on the next visit.
    const bound = way === 'direct' ? asked : log.honest ? 1 : 4;
    for (const { stored } of after) {
      if (stored.verdict !== 'pending') continue;
      const waited = this.#waited.get(stored.id) ?? { seen: 0, bound };
      this.#waited.set(stored.id, { ...waited, seen: waited.seen + 1 });
    }
  }

  #flip({ table, row, column, bit }: Extract<Step, { do: 'flip' }>): void {
    const rows = this.#database
      .prepare<[], { rowid: number }>(`SELECT rowid AS rowid FROM ${table}`)
      .all();
    const names = this.#database.pragma(`table_info(${table})`) as { name: string; type: string }[];
    const chosen = rows[row % Math.max(1, rows.length)];
    const { name, type } = names[column % names.length] ?? { name: '', type: '' };
    if (chosen === undefined || name === 'id' || name === 'tree') return;
    const value = this.#database
      .prepare<[number], { value: Buffer | null }>(
        `SELECT CAST(${name} AS BLOB) AS value FROM ${table} WHERE rowid = ?`,
      )
      .get(chosen.rowid)?.value;
    if (value === undefined || value === null || value.length === 0) return;
    const at = bit % (value.length * 8);
    value.writeUInt8(value.readUInt8(at >> 3) ^ (1 << (at & 7)), at >> 3);
    this.#database.pragma('ignore_check_constraints = ON');
    try {
      this.#database
        .prepare(`UPDATE ${table} SET ${name} = CAST(? AS ${type}) WHERE rowid = ?`)
        .run(value, chosen.rowid);
      this.#damaged = true;
    } catch {
      // Two rows would be the same: no single bit of a file does that to an index.
    } finally {
      this.#database.pragma('ignore_check_constraints = OFF');
    }
  }

  #restart(): void {
    this.#owes = false;
    const bytes = this.#database.serialize();
    this.#database.close();
    this.#database = new Database(bytes);
    this.#delivered = [];
    [this.#store, this.#observer, this.#settler] = this.#open();
  }

  #open(): [Store, Observer, Settler] {
    this.#database.pragma('foreign_keys = ON');
    const opened = new SqliteStore(MEMORY, { database: this.#database, file: undefined });
    const store = withFaults(opened, () => this.#faults);
    const evidenceDirectory = join(this.#directory, 'evidence');
    recordFoundEvidence(store, evidenceDirectory);
    store.logs.put([this.#asLog]);
    const observer = new Observer({
      sources: [new CtOverDns(new Map([[ZONE, this.#asLog]]))],
      store,
      evidenceDirectory,
      onEvent: (event) => {
        if (event.event === 'store-failed') this.#storeFailures += 1;
      },
    });
    const settler = new Settler({ ...this.#verdictContext(store), signal: NO_SIGNAL });
    return [store, observer, settler];
  }

  #trees(): SeenTree[] {
    return this.#store.heads
      .trees(KEY.key.logId)
      .map((stored) => ({ size: Number(stored.treeSize), root: stored.rootHash, stored }));
  }

  #mustBeThere(wanted: readonly Tree[]): void {
    const trees = this.#trees();
    for (const { size, root } of wanted) {
      this.#counts.kept += 1;
      if (!this.#damaged && !trees.some((tree) => tree.size === size && equal(tree.root, root)))
        this.#violated('kept', `the head of size ${size} is not in the store`);
    }
  }

  #check(wasCut: boolean): void {
    const trees = this.#trees();
    this.#checkEvidence();
    if (this.#history.log.honest) this.#checkHonest(trees);
    if (this.#damaged) return;
    this.#checkLinks(trees);
    if (!this.#history.log.honest) this.#checkConvictions(trees, wasCut);
    for (const { stored, size } of trees) {
      const waited = this.#waited.get(stored.id);
      if (waited === undefined) continue;
      this.#counts.bound += 1;
      if (stored.verdict !== 'pending') this.#waited.delete(stored.id);
      else if (waited.seen > waited.bound)
        this.#violated('bound', `size ${size} waits since ${waited.seen} challenges`);
    }
  }

  #checkHonest(trees: readonly SeenTree[]): void {
    this.#counts.honest += 1;
    if (this.#evidenceFiles().length > 0) this.#violated('honest', 'there is evidence');
    if (this.#store.evidence.all().length > 0) this.#violated('honest', 'evidence is on record');
    for (const { size, stored } of trees) {
      const { verdict, reason } = stored;
      if (verdict === 'fork-proven') this.#violated('honest', `size ${size} is ${verdict}`);
      this.#counts.patient += 1;
      // A block is asked for once, and what then brought no answer is not known.
      if (this.#history.way === 'poor' && /did not give the hashes/.test(reason ?? '')) continue;
      if (verdict === 'bad-proof' || verdict === 'unprovable')
        this.#violated('patient', `size ${size} is ${verdict}: ${reason ?? ''}`);
    }
  }

  #checkAlerts(): void {
    for (const { severity, message } of new Conditions().present(this.#store, this.#now, this.#now))
      if (severity === 'critical') this.#violated('honest', `alert: ${message}`);
  }

  /** When all is calm the store knows of all evidence, and its verdicts say what evidence does. */
  #checkRecords(): void {
    const recorded = this.#store.evidence.all().map(({ path }) => path);
    const trees = this.#trees();
    for (const path of this.#evidenceFiles()) {
      if (!recorded.includes(path)) this.#violated('convicted', 'evidence is not on record');
      const pair = this.#checkedEvidence.get(path);
      const isTold = trees.some(
        ({ size, stored }) =>
          stored.verdict === 'fork-proven' && (size === pair?.first || size === pair?.second),
      );
      if (!isTold) this.#violated('convicted', 'there is evidence, and no verdict says so');
    }
    if (recorded.some((path) => !this.#evidenceFiles().includes(path)))
      this.#violated('convicted', 'evidence is on record that is not on the disk');
  }

  /**
   * After the calm, in which one front end answered all questions for its branch. `old`: the IDs of
   * the trees that were there when it began.
   */
  #checkExposed(old: readonly number[]): void {
    if (this.#history.way === 'poor') return;
    const shown = this.#log.fronts.map((_, i) => this.#log.shown(i));
    const size = Math.max(...shown.map((each) => each.size));
    const [current, ...others] = shown.filter((each) => each.size === size);
    if (current === undefined || others.length > 0) return;
    const top = { size, root: this.#log.root(current.branch, size) };
    // Then the others are a chain without it, and the log is convicted as it is.
    if (this.#isAccused(top)) return;
    for (const tree of this.#trees()) {
      if (tree.size > size || !old.includes(tree.stored.id)) continue;
      if (!this.#oracle.contradict(tree, top)) continue;
      this.#counts.exposed += 1;
      if (tree.stored.verdict !== 'fork-proven' && !this.#isAccused(tree))
        this.#violated('exposed', `size ${tree.size} is ${tree.stored.verdict}`);
    }
  }

  #isAccused({ size, root }: Tree): boolean {
    return [...this.#checkedEvidence.values()]
      .flatMap(({ trees }) => trees)
      .some((each) => each.size === size && equal(each.root, root));
  }

  #checkLinks(trees: readonly SeenTree[]): void {
    const consistent = trees.filter(({ stored }) => stored.verdict === 'consistent');
    const ids = consistent.map(({ stored }) => stored.id).join();
    if (ids === this.#checkedLinks) return;
    this.#checkedLinks = ids;
    for (const [i, first] of consistent.entries()) {
      if (first.size === 0 && !equal(first.root, this.#log.tree(0).root(0)))
        this.#violated('linked', 'an empty tree with a wrong root is consistent');
      for (const second of consistent.slice(i + 1)) {
        this.#counts.linked += 1;
        if (this.#oracle.contradict(first, second))
          this.#violated('linked', `sizes ${first.size} and ${second.size}`);
      }
    }
  }

  #checkConvictions(trees: readonly SeenTree[], wasCut: boolean): void {
    // What a challenge was told that was killed before it could write is told again, or forgotten.
    if (!wasCut) this.#convictions.push(...this.#oracle.byAnswers(trees, this.#answers));
    // What a full disk kept from being written is owed until the next head, or a restart.
    if (wasCut || this.#owes) return;
    for (const { first, second, why } of this.#oracle.twoRoots(trees)) {
      this.#counts.convicted += 1;
      if (!this.#isAccused(first) || !this.#isAccused(second)) this.#violated('convicted', why);
    }
    // The second may be held against others: one bundle for each tree that is false is enough.
    for (const { first, why } of this.#convictions) {
      this.#counts.convicted += 1;
      if (!this.#isAccused(first)) this.#violated('convicted', why);
    }
  }

  #evidenceFiles(): string[] {
    const directory = join(this.#directory, 'evidence');
    if (!existsSync(directory)) return [];
    return readdirSync(directory)
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(directory, name));
  }

  /** The sizes of each bundle on the disk, after verifying those that are new. */
  #checkEvidence(): Exhibits[] {
    return this.#evidenceFiles().map((path) => {
      const known = this.#checkedEvidence.get(path);
      if (known !== undefined) return known;
      this.#counts.evidence += 1;
      this.#counts.forks += 1;
      const text = readFileSync(path, 'utf8');
      const evidence = parseEvidence(text, path);
      if (!isIntact(text, evidence)) this.#violated('evidence', 'it is not as it was written');
      for (const { what, holds } of verifyEvidence(evidence))
        if (!holds) this.#violated('evidence', `fails: ${what}`);
      const [first, second] = exhibitsOf(evidence).map(({ treeSize, rootHash }): Tree => ({
        size: Number(treeSize),
        root: rootHash,
      })) as [Tree, Tree];
      if (!this.#oracle.contradict(first, second))
        this.#violated('evidence', `sizes ${first.size} and ${second.size} do not contradict`);
      const exhibits = { first: first.size, second: second.size, trees: [first, second] };
      this.#checkedEvidence.set(path, exhibits);
      return exhibits;
    });
  }

  #unexpected(error: unknown, step: Step): void {
    if (error instanceof Violation) throw error;
    const isInjected = error instanceof StoreError && this.#faults.struck;
    if (isInjected || (this.#damaged && error instanceof CtgaError)) return;
    this.#violated(
      'alive',
      `${step.do}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  }

  #violated(invariant: Invariant, message: string): never {
    this.#trace(`VIOLATED ${invariant}: ${message}`);
    throw new Violation(invariant, message);
  }

  #tell(step: Step, died: boolean): void {
    if (this.#options.trace === undefined) return;
    this.#trace(`${JSON.stringify(step)}${died ? ' KILLED' : ''}`);
    for (const request of this.#log.requests) this.#trace(`    ${request}`);
    for (const { size, root, stored } of this.#trees())
      this.#trace(`    ${size} ${short(root)} ${stored.verdict} ${stored.reason ?? ''}`);
  }

  #trace(line: string): void {
    this.#options.trace?.(line);
  }
}

/** The two trees of a bundle, and their sizes. */
interface Exhibits {
  readonly first: number;
  readonly second: number;
  readonly trees: readonly Tree[];
}

/** docs/OPERATIONS.md, "How long a tree waits": so many challenges, for the last of `waiting` trees. */
function boundOf(waiting: number, questions: number, isHonest: boolean): number {
  const challenges = questions > 1 ? Math.ceil(waiting / (questions - 1)) : waiting;
  return isHonest ? challenges : 2 * challenges;
}

/** Whether there may be another verdict tomorrow. */
function isWaiting(verdict: Verdict): boolean {
  return !['consistent', 'fork-proven', 'malformed-head'].includes(verdict);
}

interface SeenTree extends Tree {
  readonly stored: StoredTree;
}

/** Counts the calls of a step, and strikes at the one that was drawn. */
class Faults {
  readonly #fault: Fault | undefined;
  calls = 0;
  struck = false;
  dead = false;

  constructor(fault: Fault | undefined) {
    this.#fault = fault;
  }

  /** A call of the transport, or the end of one of the store. */
  step(): void {
    if (this.dead) throw new Killed('dead');
    this.calls += 1;
    if (this.#fault?.kind !== 'kill' || this.calls <= this.#fault.after) return;
    this.dead = true;
    throw new Killed('killed');
  }

  /** The beginning of a call of the store, which may fail and have written nothing. */
  begin(): void {
    this.step();
    if (this.#fault?.kind !== 'disk full' || this.struck || this.calls <= this.#fault.after) return;
    this.struck = true;
    throw new StoreError('store-failed', 'database or disk is full');
  }
}

/** Strikes at the beginnings and ends of the calls of each role. */
function withFaults(store: Store, faults: () => Faults): Store {
  const wrap = <T extends object>(role: T): T =>
    new Proxy(role, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...given: unknown[]): unknown => {
          faults().begin();
          const result: unknown = Reflect.apply(member, target, given);
          faults().step();
          return result;
        };
      },
    });
  const { heads, verdicts, evidence, logs, planes, alerts, counters, exchange, publishing } = store;
  return {
    heads: wrap(heads),
    verdicts: wrap(verdicts),
    evidence: wrap(evidence),
    logs: wrap(logs),
    planes: wrap(planes),
    alerts: wrap(alerts),
    counters: wrap(counters),
    exchange: wrap(exchange),
    publishing: wrap(publishing),
    changes: () => store.changes(),
    isInPlace: () => store.isInPlace(),
    close: () => store.close(),
  };
}

function isHonest(mood: string): boolean {
  return !(EVIL_MOODS as readonly string[]).includes(mood);
}

function equal(a: MerkleHash, b: MerkleHash): boolean {
  return Buffer.compare(a, b) === 0;
}

function short(root: MerkleHash): string {
  return Buffer.from(root).toString('hex', 0, 3);
}
