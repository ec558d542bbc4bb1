// SPDX-License-Identifier: Apache-2.0
/**
 * How the log guesses which network ctga observes: from what it saw, and from what it gave to whom.
 * Each gives every network a score, and the highest is the guess.
 */
import { TILE_WIDTH } from '../../src/merkle/tiles.ts';
import { HOUR, START, type Asked } from './log.ts';
import { BLOCK, NETWORKS, type Handed } from './marks.ts';
import { LENGTH, type Game } from './play.ts';

/** What the log knows at the end of a game. */
export type Knowledge = Pick<Game, 'asked' | 'handed'>;

/** A score for each network; the highest is the guess, and chance decides between equal ones. */
type Score = (view: View) => number[];

/** A request with the sizes and places that its URL names. */
interface Read extends Asked {
  readonly isHead: boolean;
  /** Every number, the width of a partial tile as the size that it tells. */
  readonly numbers: readonly number[];
  /** The leaves [start, end) that the request is about, if it is about some. */
  readonly leaves: readonly [start: number, end: number] | undefined;
}

class View {
  readonly requests: readonly Read[];
  readonly heads: readonly Read[];
  readonly others: readonly Read[];
  /** What each network was shown. */
  readonly marks: readonly (readonly Handed[])[];
  /** When each network was shown its first head; the end of the game where it was shown none. */
  readonly shownAt: readonly number[];
  readonly handed: readonly Handed[];
  readonly #mentions = new Map<string, Read[]>();
  readonly #largest = new Map<number, number>();

  constructor({ asked, handed }: Knowledge) {
    this.requests = asked.map(read);
    this.heads = this.requests.filter(({ isHead }) => isHead);
    this.others = this.requests.filter(({ isHead }) => !isHead);
    this.handed = handed;
    this.marks = Array.from({ length: NETWORKS }, (_, j) =>
      handed.filter(({ network }) => network === j),
    );
    this.shownAt = this.marks.map((marks) =>
      Math.min(START + LENGTH, ...marks.map(({ at }) => at)),
    );
    for (const request of this.others)
      for (const number of new Set(request.numbers)) {
        this.#largest.set(request.log, Math.max(this.largest(request.log), number));
        const name = `${request.log} ${number}`;
        const known = this.#mentions.get(name);
        if (known === undefined) this.#mentions.set(name, [request]);
        else known.push(request);
      }
  }

  /** The largest number that any request to a log names. */
  largest(log: number): number {
    return this.#largest.get(log) ?? 0;
  }

  /** The requests that name a number, the first before the others. */
  naming({ log, size }: Pick<Handed, 'log' | 'size'>, off = 0): readonly Read[] {
    return this.#mentions.get(`${log} ${size + off}`) ?? [];
  }

  /** One number for each mark of a network, added up. */
  sum(perMark: (mark: Handed) => number): number[] {
    return this.marks.map((marks) => marks.reduce((sum, mark) => sum + perMark(mark), 0));
  }
}

function read(asked: Asked): Read {
  const { path } = asked;
  const isHead = path === 'checkpoint' || path === 'ct/v1/get-sth';
  const tile = /^tile\/(\d)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d+))?$/.exec(path);
  if (tile === null) {
    const query = new URLSearchParams(path.split('?')[1]);
    const numbers = [...query.values()].map(Number).filter(Number.isFinite);
    const [start, end] = [query.get('start'), query.get('end')];
    const index = query.get('leaf_index');
    const leaves =
      start !== null && end !== null
        ? ([Number(start), Number(end) + 1] as const)
        : index === null
          ? undefined
          : ([Number(index), Number(index) + 1] as const);
    if (leaves !== undefined) numbers.push(leaves[1]);
    return { ...asked, isHead, numbers, leaves };
  }
  const span = TILE_WIDTH ** Number(tile[1]);
  const index = Number((tile[2] ?? '').replaceAll(/[x/]/g, ''));
  const width = Number(tile[3] ?? TILE_WIDTH);
  const [start, end] = [index * TILE_WIDTH * span, (index * TILE_WIDTH + width) * span];
  return { ...asked, isHead, numbers: [end], leaves: [start, end] };
}

const isAfter = (request: Asked, { at }: Pick<Handed, 'at'>): boolean => request.at >= at;

/** Sizes that are asked about after they were shown to one network, and never before. */
const exactSizes: Score = (view) =>
  view.sum((mark) => {
    const naming = view.naming(mark);
    const after = naming.filter((request) => isAfter(request, mark)).length;
    return after === 0 ? 0 : after === naming.length ? 1 + after / 1000 : 0.01;
  });

/** A proof for a power of two may be asked from the next size, and a leaf from the one before. */
const nextSizes: Score = (view) =>
  view.sum((mark) =>
    [-1, 0, 1].reduce((sum, off) => {
      const naming = view.naming(mark, off);
      const isNews = naming.length > 0 && naming.every((request) => isAfter(request, mark));
      return sum + (isNews ? 1 : 0);
    }, 0),
  );

/** How near the sizes that are asked about after the sighting come to the marks. */
const neighbours: Score = (view) =>
  view.sum((mark) => {
    let nearest = Infinity;
    for (const request of view.others)
      if (request.log === mark.log && isAfter(request, mark))
        for (const number of request.numbers)
          nearest = Math.min(nearest, Math.abs(number - mark.size));
    return -Math.log2(1 + Math.min(nearest, 1e6));
  });

/**
 * Ranges of leaves, of a block or a tile, that hold a mark and are asked for more often after it was
 * shown than before. Old ranges count for more, because chance draws them less often.
 */
function ranges(least: number, most: number): Score {
  return (view) =>
    view.sum((mark) => {
      let [before, after, rarity] = [0, 0, 0];
      for (const { log, leaves, at } of view.others) {
        if (log !== mark.log || leaves === undefined) continue;
        const [start, end] = leaves;
        if (end - start < least || end - start > most) continue;
        // Both the range that ends with the tree and the one that the next leaf is in.
        if (mark.size < start || mark.size > end) continue;
        if (at < mark.at) before += 1;
        else after += 1;
        rarity = Math.log2(2 + Math.max(0, view.largest(log) - end) / most);
      }
      const passed = (mark.at - START) / (START + LENGTH - mark.at + 1);
      return rarity * Math.max(0, Math.log((after + 0.1) / (before / (passed + 0.01) + 0.1)));
    });
}

/** Two marks of one network in one question, in two questions in a row, or in one circuit. */
const chains: Score = (view) =>
  view.marks.map((marks) => {
    const sizes = new Set(marks.map(({ log, size }) => `${log} ${size}`));
    const hits = (request: Read): number =>
      new Set(request.numbers.filter((number) => sizes.has(`${request.log} ${number}`))).size;
    let [score, before] = [0, 0];
    for (const request of view.others) {
      const found = hits(request);
      if (found >= 2 || (found > 0 && before > 0)) score += 1;
      before = found;
    }
    return score;
  });

/** The most marks of one network that one circuit touches, beside what it touches of others. */
const circuits: Score = (view) => {
  const owners = new Map<string, Set<number>>();
  for (const { log, size, network } of view.handed) {
    const name = `${log} ${size}`;
    const known = owners.get(name);
    if (known === undefined) owners.set(name, new Set([network]));
    else known.add(network);
  }
  const byCircuit = new Map<number, Map<number, number>>();
  for (const { circuit, log, numbers } of view.others)
    for (const number of numbers)
      for (const network of owners.get(`${log} ${number}`) ?? []) {
        const counts = byCircuit.get(circuit) ?? new Map<number, number>();
        byCircuit.set(circuit, counts.set(network, (counts.get(network) ?? 0) + 1));
      }
  const scores = view.marks.map(() => 0);
  for (const counts of byCircuit.values()) {
    const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
    for (const [network, count] of counts)
      scores[network] = (scores[network] ?? 0) + (count * count) / all;
  }
  return scores;
};

/** More requests, or more bytes, in the hours after the sighting than in those before. */
function counts(weight: (request: Asked) => number, hours: number): Score {
  return (view) =>
    view.shownAt.map((at) => {
      let [before, after] = [0, 0];
      for (const request of view.requests) {
        const since = request.at - at;
        if (since >= 0 && since < hours * HOUR) after += weight(request);
        else if (since < 0 && since >= -hours * HOUR) before += weight(request);
      }
      return (after - before) / (after + before + 1);
    });
}

/** How soon after the sighting the log is asked anything. */
const soonness: Score = (view) =>
  view.shownAt.map((shown) => {
    const next = view.requests.find(({ at }) => at >= shown);
    return next === undefined ? -LENGTH / HOUR : -(next.at - shown) / HOUR;
  });

/** How long visits take after the sighting, beside those before. */
const durations: Score = (view) => {
  const visits = new Map<number, { from: number; to: number }>();
  for (const { circuit, at, answered = at } of view.requests) {
    const visit = visits.get(circuit);
    if (visit === undefined) visits.set(circuit, { from: at, to: answered });
    else visit.to = answered;
  }
  return view.shownAt.map((shown) => {
    let [after, n, before, m] = [0, 0, 0, 0];
    for (const { from, to } of visits.values()) {
      if (from >= shown && from < shown + 12 * HOUR) [after, n] = [after + to - from, n + 1];
      else if (from < shown) [before, m] = [before + to - from, m + 1];
    }
    return n === 0 || m === 0 ? 0 : Math.log((1 + after / n) / (1 + before / m));
  });
};

/** A log that is asked only because a head of it was seen, or is not asked because none was. */
const absentLogs: Score = (view) => {
  const asked = new Map<number, number>();
  for (const { log, at } of view.requests) if (!asked.has(log)) asked.set(log, at);
  const logs = [...new Set(view.handed.map(({ log }) => log))].filter((log) => log > 0);
  return view.marks.map((marks) =>
    logs.reduce((score, log) => {
      const mark = marks.find((each) => each.log === log);
      const first = asked.get(log);
      const isNews = first !== undefined && (mark === undefined || first >= mark.at);
      return score + (isNews === (mark !== undefined) ? 1 : 0);
    }, 0),
  );
};

/** What was asked for regularly and is not any more, once the network has been shown it. */
const absentSizes: Score = (view) =>
  view.sum((mark) => {
    const naming = view.others.filter(
      ({ log, leaves, numbers }) =>
        log === mark.log &&
        (numbers.includes(mark.size) ||
          (leaves !== undefined && leaves[0] < mark.size && mark.size <= leaves[1])),
    );
    const before = naming.filter((request) => !isAfter(request, mark)).length;
    return before === 0 ? 0 : 1 - (naming.length - before) / before;
  });

/** The same request again after it failed, near a mark. */
const retries: Score = (view) => {
  const failed = new Set<string>();
  const again: Read[] = [];
  for (const request of view.others) {
    const name = `${request.log} ${request.path}`;
    if (failed.has(name)) again.push(request);
    if (request.status !== 200) failed.add(name);
  }
  return view.sum((mark) => {
    let score = 0;
    for (const { log, numbers, leaves } of again) {
      if (log !== mark.log) continue;
      if (numbers.includes(mark.size)) score += 1;
      else if (leaves !== undefined && leaves[0] < mark.size && mark.size <= leaves[1])
        score += 1 / (leaves[1] - leaves[0]);
    }
    return score;
  });
};

/** How long the log is left alone after a failure that follows the sighting. */
const silence: Score = (view) =>
  view.shownAt.map((shown) => {
    const at = view.requests.findIndex((each) => each.at >= shown && each.status !== 200);
    const [failure, next] = [view.requests[at], view.requests[at + 1]];
    if (at < 0 || failure === undefined || next === undefined) return 0;
    return Math.log1p((next.at - failure.at) / 1000);
  });

/** What a request has beside its path: its options and the order of its kind among others. */
const odd: Score = (view) => {
  const known = new Map<string, number>();
  for (const { options, path } of view.requests) {
    const form = `${options} ${path.replaceAll(/[0-9]+/g, '0').replace(/hash=[^&]*/, '')}`;
    known.set(form, (known.get(form) ?? 0) + 1);
  }
  return view.shownAt.map((shown) => {
    let score = 0;
    for (const { options, path, at } of view.requests) {
      const form = `${options} ${path.replaceAll(/[0-9]+/g, '0').replace(/hash=[^&]*/, '')}`;
      if (at >= shown && at < shown + 12 * HOUR) score += 1 / (known.get(form) ?? 1);
    }
    return score;
  });
};

export const DISTINGUISHERS = {
  'exact sizes': exactSizes,
  'sizes next to them': nextSizes,
  neighbours,
  'the block': ranges(2, BLOCK),
  'the tile': ranges(BLOCK + 1, TILE_WIDTH),
  'order and chains': chains,
  'one circuit': circuits,
  'requests an hour': counts(() => 1, 6),
  'bytes an hour': counts(({ bytes }) => bytes, 12),
  'how soon': soonness,
  'how long': durations,
  'which logs': absentLogs,
  'what is missing': absentSizes,
  'after a failure': retries,
  'silence after a failure': silence,
  'odd requests': odd,
} as const satisfies Readonly<Record<string, Score>>;

export type Distinguisher = keyof typeof DISTINGUISHERS;
export const LEARNED = 'learned from all of these';

/** All scores of a game, each by network. */
export type Scores = Readonly<Record<Distinguisher, readonly number[]>>;

export function scoresOf(game: Knowledge): Scores {
  const view = new View(game);
  const entries = Object.entries(DISTINGUISHERS).map(([name, score]) => [name, score(view)]);
  return Object.fromEntries(entries) as Scores;
}

/** The network with the highest score; `draw` chooses among equals. */
export function guess(scores: readonly number[], draw: (below: number) => number): number {
  const most = Math.max(...scores);
  const best = scores.flatMap((score, network) => (score === most ? [network] : []));
  return best[draw(Math.max(1, best.length))] ?? 0;
}

/**
 * A conditional logit model: the odds of a network are the exponential of a weighted sum of its
 * scores, and the weights are those under which the answers of the games that it is trained on are
 * likeliest.
 */
export class Learned {
  readonly #weights: number[];

  constructor(games: readonly { readonly scores: Scores; readonly answer: number }[]) {
    const all = games.map(({ scores, answer }) => ({ rows: standardized(scores), answer }));
    const width = all[0]?.rows[0]?.length ?? 0;
    const weights = Array.from({ length: width }, () => 0);
    const squares = Array.from({ length: width }, () => 1e-6);
    for (let epoch = 0; epoch < 30; epoch++)
      for (const { rows, answer } of all) {
        const odds = oddsOf(rows, weights);
        for (let k = 0; k < width; k++) {
          let slope = -0.001 * (weights[k] ?? 0);
          for (const [j, row] of rows.entries())
            slope += ((j === answer ? 1 : 0) - (odds[j] ?? 0)) * (row[k] ?? 0);
          squares[k] = (squares[k] ?? 0) + slope * slope;
          weights[k] = (weights[k] ?? 0) + (0.3 * slope) / Math.sqrt(squares[k] ?? 1);
        }
      }
    this.#weights = weights;
  }

  scores(scores: Scores): number[] {
    return oddsOf(standardized(scores), this.#weights);
  }
}

/** For each network what each distinguisher says of it beside all others: mean 0, variance 1. */
function standardized(scores: Scores): number[][] {
  const columns = Object.values(scores).map((column) => {
    const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
    const deviation = Math.sqrt(
      column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length,
    );
    return column.map((value) => (deviation === 0 ? 0 : (value - mean) / deviation));
  });
  return Array.from({ length: NETWORKS }, (_, j) => columns.map((column) => column[j] ?? 0));
}

function oddsOf(rows: readonly (readonly number[])[], weights: readonly number[]): number[] {
  const sums = rows.map((row) => row.reduce((sum, value, k) => sum + value * (weights[k] ?? 0), 0));
  const most = Math.max(...sums);
  const powers = sums.map((sum) => Math.exp(sum - most));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}
