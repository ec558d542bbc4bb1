// SPDX-License-Identifier: Apache-2.0
/** Telling the lab's log what to do over its socket, and waiting for what ctga reports. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import {
  listenForCommands,
  LogControl,
  type LogCommand,
  type LogState,
} from '../../src/lab/control.ts';
import { JsonLines, parseReports } from '../../src/lab/json-lines.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-control-test-'));
after(() => rmSync(directory, { recursive: true }));

describe('the log obeys', () => {
  const path = join(directory, 'log.sock');
  const obeyed: LogCommand[] = [];
  const state: LogState = {
    key: 'a2V5',
    logId: 'aWQ=',
    publicSize: 7,
    victimSize: 7,
    equivocating: false,
    answers: [{ text: '7.1.root.signature', packets: 3 }],
    apiRequests: 0,
  };
  let server: Server;
  let control: LogControl;
  before(async () => {
    server = await listenForCommands(path, (command) => {
      if (command.do === 'equivocate') throw new RangeError('no such fork');
      obeyed.push(command);
      return state;
    });
    control = await LogControl.connect(path);
  });
  after(() => {
    control.close();
    server.close();
  });

  const commands = [
    { told: { do: 'state' }, obeys: { do: 'state' } },
    { told: { do: 'grow', count: 3 }, obeys: { do: 'grow', count: 3, audience: 'public' } },
    { told: { do: 'misbehave' }, obeys: { do: 'misbehave' } },
    {
      told: { do: 'fragment', answerSize: 900, maxIpLength: 400, order: 'reverse' },
      obeys: { do: 'fragment', answerSize: 900, maxIpLength: 400, order: 'reverse' },
    },
  ] as const;
  for (const { told, obeys } of commands) {
    test(told.do, async () => {
      assert.deepEqual(await control.tell(told), state);
      assert.deepEqual(obeyed.at(-1), obeys);
    });
  }

  const refused = [
    {
      name: 'what the log cannot do',
      told: { do: 'equivocate', fromSize: 1, treeSize: 2 },
      reason: /no such fork/,
    },
    { name: 'numbers out of range', told: { do: 'grow', count: 0 }, reason: /count/ },
    { name: 'unknown commands', told: { do: 'explode' }, reason: /the lab's log: / },
  ] as const;
  for (const { name, told, reason } of refused) {
    test(`refuses ${name}, and goes on`, async () => {
      await assert.rejects(control.tell(told as never), {
        name: 'CtgaError',
        code: 'log-refused',
        message: reason,
      });
      assert.deepEqual(await control.tell({ do: 'state' }), state);
    });
  }

  test('connecting where nobody listens is rejected', async () => {
    await assert.rejects(LogControl.connect(join(directory, 'nobody.sock')));
  });
});

describe('waiting for reports', () => {
  const errorPath = join(directory, 'errors');
  writeFileSync(errorPath, 'ctga: no such interface\n');
  const isHead = (report: Readonly<Record<string, unknown>>): boolean =>
    report['event'] === 'tree-head';

  test('finds those that came before and those that come later, cut anywhere', async () => {
    const stream = new PassThrough();
    const reports = new JsonLines(stream, errorPath);
    stream.write(
      '{"event":"attached"}\nnot json\n{"event":"tree-head","treeSize":1}\n{"event":"tree-',
    );
    const waiting = reports.until('two heads', isHead, 2);
    stream.write('head","treeSize":2}\n');
    assert.deepEqual(
      (await waiting).map(({ treeSize }) => treeSize),
      [1, 2],
    );
    assert.equal((await reports.until('a head', isHead)).length, 1);
  });

  test('gives up when the process has ended, with what it said', async () => {
    const stream = new PassThrough();
    const waiting = new JsonLines(stream, errorPath).until('a head', isHead);
    stream.end('{"event":"attached"}\n');
    await assert.rejects(
      waiting,
      /ended without reporting a head; it said: ctga: no such interface/,
    );
  });

  test('only objects are reports', () => {
    assert.deepEqual(parseReports('1\n[]\nnull\n{"a":1}\n{"a":'), [{ a: 1 }]);
  });
});
