// SPDX-License-Identifier: Apache-2.0
/** How the cost grows: the exponent of a power that fits best, by least squares of the logarithms. */
export function exponent(points: readonly (readonly [x: number, y: number])[]): number {
  const logs = points.filter(([, y]) => y > 0).map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, each) => sum + each, 0) / values.length;
  const [mx, my] = [mean(logs.map(([x]) => x)), mean(logs.map(([, y]) => y))];
  const above = logs.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  const below = logs.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
  return above / below;
}
