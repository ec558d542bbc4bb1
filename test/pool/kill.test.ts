// SPDX-License-Identifier: Apache-2.0
/**
 * `ctga pool serve` is killed (kill -9) again and again while clients bring SCTs and tree heads:
 * nothing that was answered 200 is lost. CTGA_KILLS says how often, 5 times unless given.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { encodeBase64 } from '../../src/base/base64.ts';
import { poolIn } from '../../src/pool/directory.ts';
import { PoolStore } from '../../src/pool/store.ts';
import { Certificate } from '../../src/scts/certificate.ts';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { CTGA } from '../support/ctga.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';

const KILLS = Number(process.env['CTGA_KILLS'] ?? 5);
/** The pool keeps 10,000 SCTs, and 336 heads of a log: no more than those are brought. */
const [SCTS_A_ROUND, HEADS_A_ROUND] = [24, 1];

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const [state, list] = [join(directory, 'state'), join(directory, 'list.json')];
const log = new SigningLog();
writeFileSync(list, logListOf({ alpha: log }));
const authority = new Authority();
const root = treeOf(1).root();

interface Started {
  readonly url: string;
  readonly kill: () => Promise<unknown>;
}

async function start(): Promise<Started> {
  const args = `pool serve --domain www.example.net --listen 127.0.0.1:0 --log-list ${list} --state-dir ${state} --json`;
  const stay = process.geteuid?.() === 0 ? ['--user', 'root'] : [];
  const child = spawn(CTGA, [...args.split(' '), ...stay], {
    env: { ...process.env, CTGA_NODE: process.execPath },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { url } = JSON.parse(line.toString().split('\n')[0] ?? '') as { url: string };
  return { url, kill: () => (child.kill('SIGKILL'), ended) };
}

test(`killed ${KILLS} times, the pool has all that it said it took`, async () => {
  const [scts, heads] = [new Set<string>(), new Set<string>()];
  let size = 0;
  const bring = async (url: string, path: string, json: unknown): Promise<boolean> => {
    try {
      const { status } = await fetch(`${url}.well-known/ct/v1/${path}`, {
        method: 'POST',
        body: JSON.stringify(json),
        headers: { 'content-type': 'application/json' },
      });
      return status === 200;
    } catch {
      return false; // it was killed
    }
  };
  for (let round = 0; round < KILLS; round++) {
    const { url, kill } = await start();
    const collected = (await (
      await fetch(`${url}.well-known/ct/v1/collected-sct-feedback`)
    ).json()) as { sct_feedback: { sct_data: string[] }[] };
    const there = new Set(collected.sct_feedback.flatMap(({ sct_data: data }) => data));
    for (const sct of scts) assert(there.has(sct), `lost in round ${round}: ${sct}`);
    // It dies when so many were answered, others being on their way.
    let left = randomInt(1, SCTS_A_ROUND);
    let dead: Promise<unknown> | undefined;
    const answered = (): void => {
      left -= 1;
      if (left === 0) dead = kill();
    };
    const certificates = Array.from({ length: SCTS_A_ROUND }, () => {
      const leaf = authority.issue(['www.example.net'], { logs: [log] });
      return [leaf, new Certificate(leaf).embeddedScts.map(encodeBase64)] as const;
    });
    const bringing: Promise<void>[] = [];
    for (let i = 0; i < HEADS_A_ROUND; i++) {
      size += 1;
      const head = log.sign(size, root, BigInt(Date.now()));
      const json = { sth_version: 0, log_id: encodeBase64(log.key.logId), ...treeHeadToJson(head) };
      const name = String(size);
      bringing.push(
        (async () => {
          if (await bring(url, 'sth-pollination', { sths: [json] })) heads.add(name);
        })(),
      );
    }
    bringing.push(
      ...certificates.map(async ([leaf, data]) => {
        const x509_chain = [leaf, authority.der].map(encodeBase64);
        const json = { sct_feedback: [{ x509_chain, sct_data: data }] };
        if (!(await bring(url, 'sct-feedback', json))) return;
        for (const sct of data) scts.add(sct);
        answered();
      }),
    );
    await Promise.all(bringing);
    await (dead ?? kill());
  }
  assert(scts.size >= KILLS && heads.size > 0, `${scts.size} SCTs, ${heads.size} heads`);
  const store = PoolStore.open(poolIn(state));
  const kept = new Set(store.heads().map(({ treeSize }) => String(treeSize)));
  const pairs = store.pairs();
  store.close();
  for (const head of heads) assert(kept.has(head), `lost: the head of size ${head}`);
  assert(pairs >= scts.size, `${pairs} of ${scts.size}`);
});
