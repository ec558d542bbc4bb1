// SPDX-License-Identifier: Apache-2.0
/** What where.ts finds, as tables and figures. Pure. */
import { percent, type NumberTable, type PageSection } from './draw.ts';
import { barFigure, type Figure, type Line } from './svg.ts';
import type { Attack, Share, TargetView, Where } from './where.ts';

/** Neighbours that a table has room for; JSON has all. */
const SHOWN = 15;

const hasSpace = ({ covered }: TargetView): boolean => covered.space !== undefined;

function cells(share: Share | undefined, withSpace: boolean): string[] {
  if (share === undefined) return withSpace ? ['-', '-'] : ['-'];
  return [
    percent(share.clients, 0),
    ...(withSpace ? [share.space === undefined ? '-' : percent(share.space, 0)] : []),
  ];
}

/** An attack in words. */
export function attackWords({ kind, count }: Attack): string {
  switch (kind) {
    case 'none':
      return "from the target's own AS";
    case 'next to the client':
      return "from some neighbour of the client's AS";
    case 'best neighbour':
      return 'from the neighbour that suits best';
    case 'places':
      return `fragments from ${count} places`;
    case 'known':
      return `knows the ${count} most likely`;
  }
}

/** All about one target that fits a page. */
export function whereTables(target: TargetView): NumberTable[] {
  const withSpace = hasSpace(target);
  const titles = (of: string): string[] => [
    `CLIENTS ${of}, %`,
    ...(withSpace ? [`SPACE ${of}, %`] : []),
  ];
  return [
    ...(target.neighbours.length === 0
      ? []
      : [
          {
            title: 'What one more neighbour adds if it aggregates too',
            columns: ['NEIGHBOUR', 'IS MY', ...titles('MORE')],
            rows: target.neighbours
              .slice(0, SHOWN)
              .map(({ asn, is, adds }) => [`AS${asn}`, is, ...cells(adds, withSpace)]),
          },
        ]),
    ...(target.peers.length === 0
      ? []
      : [
          {
            title: 'What mine cover if they peer with one more AS',
            columns: ['PEER', ...titles('COVERED')],
            rows: target.peers.map(({ asn, covered }) => [
              `AS${asn}`,
              ...cells(covered, withSpace),
            ]),
          },
        ]),
    {
      title: 'What stays uncovered if an attacker goes out of their way',
      columns: ['ATTACKER SENDS', ...titles('LEFT')],
      rows: target.attacks.flatMap((attack) => [
        [attackWords(attack), ...cells(attack.uncovered, withSpace)],
        ...(attack.together === undefined
          ? []
          : [['  put together by mine', ...cells(attack.together, withSpace)]]),
      ]),
    },
  ];
}

export function whereSections({ targets }: Where): PageSection[] {
  return targets.map((target) => ({
    title: target.name,
    text: coveredWords(target),
    tables: whereTables(target),
  }));
}

/** How much mine cover, in a sentence. */
export function coveredWords({ covered, clients }: TargetView): string {
  const space =
    covered.space === undefined ? '' : ` and ${percent(covered.space, 0)} % of their IPv4 space`;
  return `Mine cover ${percent(covered.clients, 0)} % of ${clients} clients${space}.`;
}

export function drawWhere(found: Where, note: string): Figure[] {
  const { targets } = found;
  const frame = { note, yLabel: 'Share of clients, %' };
  const one = (target: TargetView, kind: Attack['kind'], isTogether = false): Line['series'] => {
    const own = target.attacks.filter((attack) => attack.kind === kind || attack.kind === 'none');
    const series = own.map(
      (attack) => ((isTogether ? attack.together : undefined) ?? attack.uncovered).clients,
    );
    return {
      values: series.map(({ values }) => values[0] ?? 0),
      low: series.map(({ low, values }) => (low ?? values)[0] ?? 0),
      high: series.map(({ high, values }) => (high ?? values)[0] ?? 0),
    };
  };
  const labels = (kind: Attack['kind'], first: string): string[] => [
    first,
    ...(targets[0]?.attacks ?? [])
      .filter((attack) => attack.kind === kind)
      .map(({ count }) => `${count}`),
  ];
  const added = targets.map((target) => ({ target, most: target.neighbours.slice(0, 10) }));
  return [
    barFigure(
      {
        ...frame,
        id: 'uncovered-by-places',
        title: 'Clients left uncovered, by places that fragments come from (model)',
        xLabel: 'Places that send fragments',
      },
      targets.flatMap((target) => [
        { name: `${target.name}, each by itself`, series: one(target, 'places') },
        ...(found.mine.length > 1
          ? [{ name: `${target.name}, put together`, series: one(target, 'places', true) }]
          : []),
      ]),
      labels('places', '1'),
    ),
    barFigure(
      {
        ...frame,
        id: 'uncovered-by-known',
        title: 'Clients left uncovered, by what the attacker knows (model)',
        xLabel: 'Most likely aggregators that the attacker avoids',
      },
      targets.map((target) => ({ name: target.name, series: one(target, 'known') })),
      labels('known', '0'),
    ),
    ...added
      .filter(({ most }) => most.length > 0)
      .map(({ target, most }) =>
        barFigure(
          {
            ...frame,
            id: `one-more-${target.name}`,
            title: `What one more neighbour adds, ${target.name} (model)`,
            xLabel: 'Neighbour that aggregates too',
          },
          [
            {
              name: 'clients more',
              series: {
                values: most.map(({ adds }) => adds.clients.values[0] ?? 0),
                low: most.map(({ adds }) => adds.clients.low?.[0] ?? 0),
                high: most.map(({ adds }) => adds.clients.high?.[0] ?? 0),
              },
            },
          ],
          most.map(({ asn }) => `${asn}`),
        ),
      ),
  ];
}
