/** What an observer writes of an interface into the store (src/observer/watch.ts). */
export function planeState(changes: {
  readonly counters?: Readonly<Record<string, number>>;
  readonly settings?: Readonly<Record<string, number>>;
  readonly blindSince?: number | null;
}): string {
  const { counters = {}, settings = {}, blindSince = null } = changes;
  const usual = {
    threshold: 400,
    everyNth: 1,
    answersPerSecond: 50_000,
    fragmentsPerSecond: 50_000,
    answersShare: 1,
    fragmentsShare: 1,
  };
  return JSON.stringify({
    mode: 'native',
    names: 32,
    counters,
    blindSince,
    settings: { ...usual, ...settings },
  });
}
