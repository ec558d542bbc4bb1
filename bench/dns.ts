// SPDX-License-Identifier: Apache-2.0
/**
 * Questions a second that `ctga dns serve` answers on one core, beside NSD with the same records
 * in a zone file, by dnsperf and in turns.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DnsClient } from '../src/dns/client.ts';
import { logIdText } from '../src/logs/log.ts';
import { PublishedHeads } from '../src/mirror/published.ts';
import { formatTxt } from '../src/zone/master-file.ts';
import { CTGA } from '../test/support/ctga.ts';
import { eventually } from '../test/support/eventually.ts';
import { startServer } from '../test/support/name-servers.ts';
import { freePort } from '../test/support/ports.ts';
import { SigningLog, treeOf } from '../test/support/signing-log.ts';
import { TiledFiles } from '../test/support/tiled-files.ts';
import { cpuSecondsOf } from './cpu.ts';
import { median } from './statistics.ts';

export interface DnsRate {
  readonly server: string;
  /** The median of the turns. */
  readonly perSecond: number;
  readonly perCpuSecond: number;
  /** Of all questions of all turns. */
  readonly lost: number;
  /** To NSD's, of the medians. */
  readonly ratio: number;
  readonly cpuRatio: number;
}

const ZONE = 'alpha.ct.test';
const SIZES = [1500, 1700, 1900, 2000];

/** Undefined, or the program that is missing. */
export function missingDnsTool(): string | undefined {
  const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`;
  return ['dnsperf', 'nsd', 'dig'].find(
    (program) => spawnSync('sh', ['-c', `command -v ${program}`], { env: { PATH } }).status !== 0,
  );
}

/** Both servers on one CPU, and dnsperf on another, for so many seconds a turn. */
export async function measureDns(seconds: number, turns: number): Promise<DnsRate[]> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-bench-'));
  const onOneCpu = ['taskset', '-c', '0'];
  const files = new TiledFiles(new SigningLog(), treeOf(2000), 2000);
  const http = createServer((request, response) => {
    const { status, body } = files.read((request.url ?? '').slice(1));
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const list = join(directory, 'list.json');
  const { key } = files.log;
  const entry = {
    description: "'Alpha' log",
    key: Buffer.from(key.spki).toString('base64'),
    log_id: logIdText(key.logId),
    monitoring_url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/`,
    allow_private_address: true,
  };
  writeFileSync(list, JSON.stringify({ operators: [{ name: 'Op', tiled_logs: [entry] }] }));
  const state = join(directory, 'state');
  const head = files.log.verified(2000, files.tree.root(2000));
  new PublishedHeads(state).put(files.log.asLog(), {
    head,
    at: Date.now(),
    sizes: new Set(SIZES.map(BigInt)),
  });
  const port = await freePort();
  const options = `dns serve --zone ${ZONE}=Alpha --listen 127.0.0.1:${port} --log-list ${list} --state-dir ${state} --rate 100000`;
  const asRoot = process.geteuid?.() === 0 ? ['--user', 'root'] : [];
  const [file = '', ...rest] = [...onOneCpu, CTGA, ...options.split(' '), ...asRoot];
  const child = spawn(file, rest, { stdio: 'ignore' });
  const servers: { name: string; port: number; pid: number; stop: () => Promise<void> }[] = [
    {
      name: 'ctga dns serve',
      port,
      pid: child.pid ?? 0,
      stop: async () => {
        child.kill('SIGTERM');
        await new Promise((done) => child.once('exit', done));
      },
    },
  ];
  try {
    const client = new DnsClient({ address: '127.0.0.1', port });
    await eventually(
      () => client.txt(`sth.${ZONE}`).then(Boolean, () => false),
      'ctga dns serve to answer',
    );
    const names = questions();
    const records: string[] = [];
    for (const name of names)
      records.push(`${name}. 300 TXT ${formatTxt(Buffer.concat(await client.txt(name)))}`);
    const soa = `${ZONE}. 300 SOA ns.${ZONE}. hostmaster.${ZONE}. 1 3600 600 86400 300\n${ZONE}. 300 NS ns.${ZONE}.\nns.${ZONE}. 300 A 127.0.0.1\n`;
    const nsd = await startServer('nsd', {
      zone: ZONE,
      records: `${soa}${records.join('\n')}\n`,
      prefix: onOneCpu,
    });
    servers.unshift({ ...nsd, name: 'NSD' });
    const asked = join(directory, 'questions');
    writeFileSync(asked, names.map((name) => `${name} TXT\n`).join(''));
    const found = servers.map(() => ({ rates: [] as number[], cpu: [] as number[], lost: 0 }));
    for (let turn = 0; turn <= turns; turn++)
      for (const [i, server] of servers.entries()) {
        const result = dnsperf(server, asked, turn === 0 ? 1 : seconds);
        // In the first turn they warm up.
        if (turn === 0) continue;
        found[i]?.rates.push(result.perSecond);
        found[i]?.cpu.push(result.perCpuSecond);
        if (found[i] !== undefined) found[i].lost += result.lost;
      }
    const [first] = found;
    return servers.map(({ name }, i) => {
      const { rates = [], cpu = [], lost = 0 } = found[i] ?? {};
      return {
        server: name,
        perSecond: Math.round(median(rates)),
        perCpuSecond: Math.round(median(cpu)),
        lost,
        ratio: median(rates) / median(first?.rates ?? []),
        cpuRatio: median(cpu) / median(first?.cpu ?? []),
      };
    });
  } finally {
    for (const { stop } of servers) await stop();
    http.close();
    rmSync(directory, { recursive: true });
  }
}

/** The tree head, and proofs of several parts about the trees that were published. */
function questions(): string[] {
  const consistency = SIZES.flatMap((second) =>
    SIZES.filter((first) => first < second).map((first) => `0.${first}.${second}.sth-consistency`),
  );
  const inclusion = Array.from({ length: 200 }, (_, i) => [
    `0.${i * 7}.2000.tree`,
    `7.${i * 7}.2000.tree`,
  ]).flat();
  return ['sth', ...consistency, ...inclusion].map((question) => `${question}.${ZONE}`);
}

function dnsperf(
  { port, pid }: { readonly port: number; readonly pid: number },
  file: string,
  seconds: number,
): { perSecond: number; perCpuSecond: number; lost: number } {
  const before = cpuSecondsOf(pid);
  const args = `-c 1 dnsperf -s 127.0.0.1 -p ${port} -d ${file} -l ${seconds} -q 100 -e`;
  const { stdout, stderr } = spawnSync('taskset', args.split(' '), { encoding: 'utf8' });
  const cpu = cpuSecondsOf(pid) - before;
  const number = (what: RegExp): number => Number(what.exec(stdout)?.[1] ?? NaN);
  const completed = number(/Queries completed:\s+(\d+)/);
  const refused = /Response codes:\s+NOERROR \d+ \(100\.00%\)/.test(stdout);
  if (!refused) throw new Error(`dnsperf: not every answer is a good one: ${stdout}${stderr}`);
  return {
    perSecond: number(/Queries per second:\s+([0-9.]+)/),
    perCpuSecond: completed / Math.max(cpu, 0.01),
    lost: number(/Queries lost:\s+(\d+)/),
  };
}
