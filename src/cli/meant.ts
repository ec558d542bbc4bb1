// SPDX-License-Identifier: Apache-2.0
/**
 * What somebody types who does not know ctga's words yet, and the commands that are meant. A name that
 * is only spelled wrong is found by commander.
 */
const TYPED: Readonly<Record<string, string>> = {
  '--version': '-v',
  'alert run': 'alert start; alert serve; notify',
  'alert list': 'alerts; alert ls; alert show; alert status',
  'attach eth0':
    'start; run; watch; monitor; capture; sniff; listen; observe; observer; on; up; add',
  'audit run': 'auditor; audit start; audit serve',
  'challenge --once': 'ask; query; prove; scan; audit-logs; challenge-once',
  'client run': 'client start; client serve; browser',
  'config check': 'config show; config test; config list; configure; settings',
  'detach eth0': 'stop; off; unwatch; down; kill; quit; end; remove',
  'dns query NAME': 'dns ask; dns dig; dig',
  'dns serve': 'dns run; dns start',
  doctor: 'check; diagnose; health; healthcheck; setup; install; init; requirements; preflight',
  'evidence list':
    'evidence ls; proof; proofs; forks; fork; findings; verdicts; splits; list; ls; show',
  'evidence report FILE': 'report; evidence export',
  'evidence show FILE': 'evidence print; evidence view; evidence cat',
  'evidence verify FILE':
    'verify; check; evidence check; evidence validate; evidence test; validate',
  'federation run': 'federation start; federation serve',
  'heads export': 'export; heads save; heads dump',
  'heads import FILE': 'import; heads add; heads load',
  'heads list': 'list; ls; show; heads ls; heads show; sth; sths; trees; roots',
  'lab clean': 'lab rm; lab remove; lab uninstall; uninstall; clean',
  'lab down': 'lab stop; lab end',
  'lab run': 'demo; try; test; example; tutorial; lab demo; lab test',
  'lab up': 'lab start',
  'logs import FILE': 'logs add; logs load',
  'logs list': 'list; ls; logs ls; logs show; list-logs',
  'logs update': 'update; upgrade; fetch; sync; logs fetch; logs refresh',
  'pool serve': 'pool run; pool start',
  'replay capture.pcap': 'pcap; read; capture; analyze; analyse; replay-pcap',
  status: 'info; stats; counters; state; top',
  'store backup FILE': 'backup; store save; store copy',
  'store check': 'store info; store verify; store status; store test; db; database',
  'store compact': 'vacuum; store vacuum; store clean; store prune; prune',
  'store salvage': 'repair; salvage; store repair; store fix; store recover; store restore',
  web: 'ui; gui; dashboard; page; serve; server; http; metrics',
  'witness serve': 'witness run; witness start; cosign',
};

/** All that is known to be typed. */
export const TYPED_WORDS: readonly string[] = Object.values(TYPED).flatMap((words) =>
  words.split('; '),
);

/** The commands that may be meant by what was typed after "ctga", as they are typed. */
export function meantBy(typed: string): string[] {
  return Object.entries(TYPED)
    .filter(([, words]) => words.split('; ').includes(typed))
    .map(([command]) => `ctga ${command}`);
}
