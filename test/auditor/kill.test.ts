// SPDX-License-Identifier: Apache-2.0
/** `ctga audit run` is killed (kill -9) while clients send SCTs: nothing that was answered 200 is lost. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { auditorIn } from '../../src/auditor/directory.ts';
import { AuditStore } from '../../src/auditor/store.ts';
import { encodeBase64 } from '../../src/base/base64.ts';
import { Authority } from '../../src/lab/certificates.ts';
import { Certificate } from '../../src/scts/certificate.ts';
import { CTGA } from '../support/ctga.ts';
import { logListOf, SigningLog } from '../support/signing-log.ts';

const KILLS = Number(process.env['CTGA_KILLS'] ?? 3);
const A_ROUND = 12;
const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const [state, list] = [join(directory, 'state'), join(directory, 'list.json')];
const log = new SigningLog();
writeFileSync(list, logListOf({ alpha: log }));
const authority = new Authority();

test(`killed ${KILLS} times, the auditor has all that it said it took`, async () => {
  let taken = 0;
  for (let round = 0; round < KILLS; round++) {
    const args = `audit run --listen 127.0.0.1:0 --log-list ${list} --state-dir ${state} --mix 1000 --proxy socks5h://127.0.0.1:1 --json`;
    const stay = process.geteuid?.() === 0 ? ['--user', 'root'] : [];
    const child = spawn(CTGA, [...args.split(' '), ...stay], {
      env: { ...process.env, CTGA_NODE: process.execPath },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { url } = JSON.parse(line.toString().split('\n')[0] ?? '') as { url: string };
    let left = 5;
    await Promise.all(
      Array.from({ length: A_ROUND }, async () => {
        const leaf = authority.issue(['www.example.net'], { logs: [log] });
        const feedback = {
          x509_chain: [leaf, authority.der].map(encodeBase64),
          sct_data: new Certificate(leaf).embeddedScts.map(encodeBase64),
        };
        const status = await fetch(`${url}ct/v1/sct-feedback`, {
          method: 'POST',
          body: JSON.stringify({ sct_feedback: [feedback] }),
          headers: { 'content-type': 'application/json' },
        }).then(
          (response) => response.status,
          () => 0, // it was killed
        );
        if (status !== 200) return;
        taken += 1;
        left -= 1;
        if (left === 0) child.kill('SIGKILL');
      }),
    );
    child.kill('SIGKILL');
    await ended;
  }
  const store = AuditStore.open(auditorIn(state));
  const { mixing } = store.counts().scts;
  store.close();
  assert(taken >= KILLS && mixing >= taken, `${mixing} of ${taken}`);
});
