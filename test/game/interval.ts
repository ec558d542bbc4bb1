// SPDX-License-Identifier: Apache-2.0
/** How sure a share is that was counted: the binomial distribution. Pure. */

/**
 * The interval of Clopper and Pearson for a chance of which `wins` of `games` came true: it holds
 * the chance in a share `confidence` of all cases at least.
 */
export function clopperPearson(
  wins: number,
  games: number,
  confidence = 0.95,
): readonly [low: number, high: number] {
  const tail = (1 - confidence) / 2;
  const low = wins === 0 ? 0 : solve((p) => atLeast(wins, games, p) - tail);
  const high = wins === games ? 1 : solve((p) => tail - atMost(wins, games, p));
  return [low, high];
}

/** P(X >= wins) of `games` with chance `p`. */
export function atLeast(wins: number, games: number, p: number): number {
  return wins <= 0 ? 1 : beta(p, wins, games - wins + 1);
}

/** P(X <= wins) of `games` with chance `p`. */
export function atMost(wins: number, games: number, p: number): number {
  return wins >= games ? 1 : beta(1 - p, games - wins, wins + 1);
}

/** Where an increasing function on 0 .. 1 is 0. */
function solve(f: (p: number) => number): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (f(middle) < 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The regularized incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22). */
function beta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - beta(1 - x, b, a);
  const front = Math.exp(
    a * Math.log(x) + b * Math.log1p(-x) - logGamma(a) - logGamma(b) + logGamma(a + b),
  );
  // Lentz's way.
  const tiny = 1e-300;
  const safe = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let [c, d] = [1, 1 / safe(1 - ((a + b) * x) / (a + 1))];
  let fraction = d;
  for (let m = 1; m < 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / safe(1 + even * d);
    c = safe(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / safe(1 + odd * d);
    c = safe(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-14) break;
  }
  return (front * fraction) / a;
}

/** ln of the gamma function, by the approximation of Lanczos (g = 7, n = 9). */
function logGamma(x: number): number {
  const terms = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
    -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
    1.5056327351493116e-7,
  ];
  const z = x - 1;
  let sum = terms[0] ?? 0;
  for (const [i, term] of terms.entries()) if (i > 0) sum += term / (z + i);
  const t = z + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}
