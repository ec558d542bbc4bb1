// SPDX-License-Identifier: Apache-2.0
/** A command line of every command, with which it would do something. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Any name of an error number, a stack, JavaScript's words for JSON, or what it makes of nothing. */
export const RAW =
  /\bE(?!OF\b)[A-Z]{4,}\b|\n\s+at .*:\d+|this is a bug|undefined|\[object|Unexpected |is not valid JSON/;

/** Arguments with which a command would do something if its options were right, and files among them. */
export function commandLines(directory: string): {
  /** By the words of the command. */
  readonly ARGUMENTS: Readonly<Record<string, readonly string[]>>;
  readonly empty: string;
  readonly coinKey: string;
} {
  const empty = join(directory, 'empty.json');
  writeFileSync(empty, '{"sths": []}');
  const prefixes = join(directory, 'prefixes');
  writeFileSync(prefixes, '50.0.0.0/8 1\n');
  const graph = join(directory, 'graph');
  writeFileSync(graph, '1|2|-1\n');
  const graphProbes = join(directory, 'graph-probes');
  writeFileSync(graphProbes, '1 1\n');

  const zoneTemplate = join(directory, 'template');
  writeFileSync(zoneTemplate, '@ 3600 SOA ns a 1 3600 600 1209600 300\n');

  const coinKey = join(directory, 'coin-key');
  writeFileSync(coinKey, '01'.repeat(32));
  const DIGEST = `sha256:${'ab'.repeat(32)}`;
  const ROOT_KEY = `02${'79'.repeat(32)}`;
  const CHAIN = ['--network', 'regtest', '--node', 'http://127.0.0.1:1'];

  const KEY = [
    ...['user/image', ...CHAIN, '--coins', coinKey],
    ...['--key-file', coinKey, '--root-key-file', coinKey],
  ];

  const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
    attach: ['ctga-no-such0'],
    detach: ['ctga-no-such0'],
    'alert forget': ['eth0'],
    'bench traffic': ['--tool', 'osnt', '--output', join(directory, 'bench')],
    challenge: ['--once', '--proxy', 'socks5h://127.0.0.1:1'],
    'dns publish': [
      '--zone-suffix',
      'ct.example.net',
      '--zone-file',
      join(directory, 'zone'),
      '--template',
      zoneTemplate,
      '--once',
    ],
    'dns query': ['argon2018.ct.googleapis.com', '--server', '127.0.0.1:1'],
    'audit run': ['--listen', '127.0.0.1:1'],
    'carbonchain headers': [...CHAIN, '--output', join(directory, 'headers')],
    'carbonchain read': CHAIN,
    'carbonchain write': [empty, ...CHAIN, '--coins', coinKey],
    'ddt key': [join(directory, 'ddt-key')],
    'ddt lab': ['--listen', '192.0.2.1:1'],
    'ddt send': ['00', ...CHAIN, '--coins', coinKey],
    'ddt serve': [...CHAIN, '--listen', '127.0.0.1:1'],
    'ddt show': ['user', ...CHAIN],
    'trust hook': ['--rules', empty, '--write', join(directory, 'no-hooks')],
    'trust key new': KEY,
    'trust key revoke': ['user/image', ...CHAIN, '--coins', coinKey, '--root-key-file', coinKey],
    'trust key rotate': KEY,
    'trust log new': [join(directory, 'log'), 'log.example.org/trust'],
    'trust log serve': [join(directory, 'no-log'), '--policy', empty, '--listen', '127.0.0.1:1'],
    'trust name': ['user/image:tag'],
    'trust prove': ['user/image:tag', ...CHAIN, '--output', join(directory, 'proof')],
    'trust show': ['user', ...CHAIN],
    'trust sign': [DIGEST, 'user/image:tag', ...CHAIN, '--coins', coinKey, '--key-file', coinKey],
    'trust verify': [DIGEST, 'user/image:tag', ...CHAIN, '--root-key', ROOT_KEY],
    'ddt sign': ['delete-root-key', 'user', '--key-file', coinKey],
    'ctng ca': [empty],
    'federation init': [empty],
    'federation join': ['--name', 'a', '--url', 'https://a.example/'],
    'federation run': ['--listen', '127.0.0.1:1'],
    'federation verify': ['--roster', empty, empty],
    'ctng gossiper': [empty, empty, empty, '1'],
    'ctng logger': [empty],
    'ctng monitor': [empty, empty, empty, '1'],
    'pool serve': ['--domain', 'www.example.net', '--listen', '127.0.0.1:1'],
    'witness keygen': ['witness.example.org/w1'],
    'witness serve': ['--listen', '127.0.0.1:1'],
    'witness verify': [empty, '--policy', empty],
    'dns serve': ['--zone-suffix', 'ct.example.net', '--listen', '127.0.0.1:1'],
    collect: ['--bus', 'nats://127.0.0.1:1', '--fleet', join(directory, 'no-fleet')],
    'fleet init': [join(directory, 'fleet'), '--node', 'n1=127.0.0.1'],
    'fleet join': ['site', '--dir', join(directory, 'no-fleet')],
    'fleet publish': ['--bus', 'nats://127.0.0.1:1', '--fleet', join(directory, 'no-fleet')],
    'evidence anchor': [empty, ...CHAIN, '--coins', coinKey],
    'evidence report': [empty],
    'evidence show': [empty],
    'evidence verify': [empty],
    'heads import': [empty],
    'impact simulate': ['--graph', graph, '--targets', '2', '--probes', graphProbes],
    'impact traceroutes': [empty, '--rib', prefixes, '--target', 'one=50.0.0.0/24'],
    'impact where': ['--graph', graph, '--targets', '2', '--probes', graphProbes, '--mine', '1'],
    'lab tell': ['{"do": "state"}'],
    'logs import': [empty],
    'logs update': ['--proxy', 'socks5h://127.0.0.1:1'],
    'p4 compile': ['--target', 'sume', '--output', join(directory, 'sume')],
    'p4 deploy': ['--thrift', '127.0.0.1:1'],
    replay: [empty],
    'store backup': [join(directory, 'copy.db')],
  };
  return { ARGUMENTS, empty, coinKey };
}
