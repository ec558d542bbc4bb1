// SPDX-License-Identifier: Apache-2.0
/** The lab's real processes: unbound, microsocks and the log, each in its namespace. Needs root. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ADDRESS, LabNetwork, PROXY_PORT } from '../../src/lab/network.ts';
import { must, run } from '../../src/lab/processes.ts';
import {
  digTreeHead,
  LabFiles,
  LabServices,
  LOG_NAME,
  removeServiceFiles,
} from '../../src/lab/services.ts';
import { readLogList } from '../../src/logs/list.ts';
import { parseTreeHeadText } from '../../src/statements/text.ts';
import { verifyStatement } from '../../src/statements/verify.ts';
import { eventually } from '../support/eventually.ts';

const network = new LabNetwork({
  lab: `ctga-test-${process.pid}-svc`,
  interfacePrefix: `s${process.pid % 1_000_000}-`,
});
const directory = mkdtempSync(join(tmpdir(), 'ctga-services-test-'));
const files = new LabFiles(directory);
let services: LabServices;

before(async () => {
  await network.up();
  services = await LabServices.start(network, files);
});
after(async () => {
  await services.stop();
  await network.down();
  removeServiceFiles(network);
  rmSync(directory, { recursive: true });
});

/** Counters of the resolver's kernel: fragments that came, and datagrams that they made. */
async function reassembly(): Promise<{ fragments: number; datagrams: number }> {
  const snmp = await must('cat', ['/proc/net/snmp'], network.in('resolver'));
  const [names = [], values = []] = snmp
    .split('\n')
    .filter((line) => line.startsWith('Ip:'))
    .map((line) => line.split(' '));
  const value = (name: string): number => Number(values[names.indexOf(name)]);
  return { fragments: value('ReasmReqds'), datagrams: value('ReasmOKs') };
}

test('the log list names the log, and the heads that dig gets verify under its key', async () => {
  const [log] = readLogList(files.logList).logs;
  assert.equal(log?.dns, LOG_NAME);
  await services.log.tell({ do: 'grow', count: 7 });
  const parsed = parseTreeHeadText(await digTreeHead(network));
  if (parsed.kind === 'refused') assert.fail(parsed.reason);
  assert.equal(parsed.head.treeSize, 7n);
  assert.ok(verifyStatement(parsed.head, log.key));
});

test('every question finds the newest head', async () => {
  for (const count of [1, 2, 3]) {
    const { publicSize } = await services.log.tell({ do: 'grow', count });
    assert.match(await digTreeHead(network), new RegExp(`^${publicSize}\\.`));
  }
});

for (const order of ['in order', 'reverse', 'shuffle'] as const) {
  test(`an answer in fragments (${order}) reaches dig whole, until the tree grows`, async () => {
    const was = await reassembly();
    await services.log.tell({ do: 'fragment', answerSize: 900, maxIpLength: 400, order });
    const printed = await digTreeHead(network);
    const { answers } = await services.log.tell({ do: 'state' });
    assert.deepEqual(answers.at(-1), { text: printed, packets: 3 });
    const is = await reassembly();
    // A resolver that has no answer soon enough asks twice.
    const datagrams = is.datagrams - was.datagrams;
    assert(datagrams >= 1);
    assert.equal(is.fragments - was.fragments, 3 * datagrams);
    await services.log.tell({ do: 'grow', count: 1 });
    await digTreeHead(network);
    assert.deepEqual(await reassembly(), is, 'the next answer is one packet again');
  });
}

test('equivocation shows in DNS alone', async () => {
  const { publicSize } = await services.log.tell({ do: 'equivocate', fromSize: 5, treeSize: 6 });
  assert.match(await digTreeHead(network), /^6\./);
  await services.log.tell({ do: 'stop-equivocating' });
  assert.match(await digTreeHead(network), new RegExp(`^${publicSize}\\.`));
});

describe('the challenger', () => {
  /** Fetches get-sth inside `role` and gives what it printed, or the error's code. */
  async function fetchHead(
    role: 'challenger' | 'proxy',
    host: string,
    port: number,
  ): Promise<string> {
    const script = `
      const { connect } = require('node:net'), tls = require('node:tls');
      const [host, port] = [${JSON.stringify(host)}, ${port}];
      const name = Buffer.from('${LOG_NAME}');
      const get = (socket) => {
        const secure = tls.connect({ socket, servername: '${LOG_NAME}' }, () =>
          secure.write('GET /lab/ct/v1/get-sth HTTP/1.1\\r\\nHost: ${LOG_NAME}\\r\\nConnection: close\\r\\n\\r\\n'));
        secure.on('data', (data) => process.stdout.write(data));
        secure.on('error', (error) => console.log(error.code));
      };
      const socket = connect(port, host);
      socket.on('error', (error) => console.log(error.code));
      if (port === 443) socket.on('connect', () => get(socket));
      else socket.on('connect', () => {
        // SOCKS5 (RFC 1928): no authentication, then CONNECT to a host name.
        socket.write(Buffer.of(5, 1, 0));
        socket.once('data', () => {
          socket.write(Buffer.concat([Buffer.of(5, 1, 0, 3, name.length), name, Buffer.of(1, 187)]));
          socket.once('data', (reply) => reply[1] === 0 ? get(socket) : console.log('SOCKS ' + reply[1]));
        });
      });`;
    const surroundings = network.in(role, { NODE_EXTRA_CA_CERTS: files.certificate });
    return (await run(process.execPath, ['-e', script], surroundings)).stdout;
  }

  test('reaches the API by name through the proxy, with a certificate that verifies', async () => {
    const before = (await services.log.tell({ do: 'state' })).apiRequests;
    assert.match(
      await fetchHead('challenger', ADDRESS.proxy, PROXY_PORT),
      /^HTTP\/1.1 200 OK[^]*"tree_size":/,
    );
    assert.equal((await services.log.tell({ do: 'state' })).apiRequests, before + 1);
    assert.equal((await network.challengerPackets()).stray, 0);
  });

  test("finds the log's name nowhere but at the proxy's process", async () => {
    assert.match(await fetchHead('proxy', LOG_NAME, 443), /ENOTFOUND|EAI_AGAIN/);
  });
});

test('a service that cannot start leaves none of the others behind', async () => {
  const other = new LabNetwork({
    lab: `ctga-test-${process.pid}-bad`,
    interfacePrefix: `b${process.pid % 1_000_000}-`,
  });
  const otherFiles = new LabFiles(join(directory, 'other'));
  await other.up();
  // The authority's port is taken already.
  const squatter = run(
    process.execPath,
    ['-e', `require('node:dgram').createSocket('udp4').bind(53, '${ADDRESS.authority}')`],
    other.in('log'),
  );
  try {
    await eventually(
      async () => (await must('ss', ['-lun'], other.in('log'))).includes(`${ADDRESS.authority}:53`),
      'another server on port 53',
    );
    await assert.rejects(LabServices.start(other, otherFiles), {
      name: 'CtgaError',
      message: /the log ended with exit code 1: .*cannot listen on 198\.18\.3\.2 port 53/,
    });
    for (const role of ['resolver', 'proxy'] as const) {
      assert.equal(
        await must('ip', ['netns', 'pids', other.namespace(role)], { lab: other.names.lab }),
        '',
        role,
      );
    }
  } finally {
    await other.down();
    removeServiceFiles(other);
    await squatter;
  }
  assert.ok(!existsSync(`/var/lib/unbound/${other.names.lab}`));
});
