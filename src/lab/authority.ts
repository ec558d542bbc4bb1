/**
 * The lab's log as a process of its own: the log, its RFC 6962 API over HTTPS, and its tree heads
 * over CT-over-DNS (draft-ct-over-dns-01). The API shows the public tree; DNS answers show the
 * victim's.
 *
 *   node authority.ts SOCKET CERTIFICATE KEY      obeys the commands of control.ts on SOCKET
 */
import { randomInt } from 'node:crypto';
import { encodeBase64 } from '../base/base64.ts';
import { DnsServer, type Endpoint, type UdpClient } from '../dns/server.ts';
import { Authority } from '../mirror/authority.ts';
import { messageOf } from '../base/errors.ts';
import { LabApi } from './api.ts';
import { listenForCommands, type LogCommand, type LogState } from './control.ts';
import { fragmentUdp, reorder } from '../packet/fragments.ts';
import { LabLog } from './log.ts';
import { ADDRESS } from './network.ts';
import { sendRaw } from './raw-sender.ts';
import { LOG_NAME, SUBMISSION_PATH } from './services.ts';

/** A lab that is left standing may run for long; its story needs a dozen. */
const REMEMBERED_ANSWERS = 1000;

const log = new LabLog();
const answers: LogState['answers'] = [];
/**
 * How answers with the present tree head are sent, if not as one packet: each, since a resolver may
 * ask twice.
 */
let fragmentation: Extract<LogCommand, { do: 'fragment' }> | undefined;

/** The answer that the response being made carries; responses to other questions carry none. */
let answering: LogState['answers'][number] | undefined;

/** Called first for every question, then `answer` if it is for the tree head, then `transmit`. */
function padTo(): number | undefined {
  answering = undefined;
  return fragmentation?.answerSize;
}

function answer(): string {
  answering = { text: log.treeHeadText('victim'), packets: 1 };
  answers.push(answering);
  if (answers.length > REMEMBERED_ANSWERS) answers.shift();
  return answering.text;
}

/**
 * Sends the answer that was padded for it as IP fragments; leaves every other response to the DNS
 * server.
 */
function transmit(response: Uint8Array, client: UdpClient, server: Endpoint): boolean {
  if (fragmentation === undefined || answering === undefined) return false;
  const { maxIpLength, order } = fragmentation;
  const datagram = {
    source: server.address,
    destination: client.address,
    sourcePort: server.port,
    destinationPort: client.port,
    payload: response,
  };
  const fragments = fragmentUdp(datagram, randomInt(0x1_0000), maxIpLength);
  answering.packets = fragments.length;
  sendRaw(reorder(fragments, order), client.address).catch((error: unknown) => {
    // The resolver asks again.
    console.error(`fragments to ${client.address} were not sent: ${messageOf(error)}`);
  });
  return true;
}

function obey(command: LogCommand): LogState {
  switch (command.do) {
    case 'state':
      break;
    case 'grow':
      fragmentation = undefined;
      log.grow(command.count, command.audience);
      break;
    case 'equivocate':
      fragmentation = undefined;
      log.equivocate(command.fromSize, command.treeSize);
      break;
    case 'stop-equivocating':
      log.stopEquivocating();
      break;
    case 'fragment':
      fragmentation = command;
      break;
    case 'misbehave':
      api.misbehave(command.misbehaviour);
      break;
  }
  return {
    key: encodeBase64(log.key.spki),
    logId: encodeBase64(log.key.logId),
    publicSize: log.tree('public').size,
    victimSize: log.tree('victim').size,
    equivocating: log.equivocating,
    answers,
    apiRequests: api.requests,
  };
}

const [socketPath, certificatePath, keyPath] = process.argv.slice(2);
if (socketPath === undefined || certificatePath === undefined || keyPath === undefined) {
  throw new Error('usage: authority.ts SOCKET CERTIFICATE KEY');
}
let api: LabApi;
try {
  api = await LabApi.listen({
    log,
    certificate: { certificatePath, keyPath },
    submissionPath: SUBMISSION_PATH,
    host: ADDRESS.api,
    port: 443,
  });
  // Nobody may remember a head: the next question is to find the next one.
  const authority = new Authority({ zones: new Map([[LOG_NAME, { treeHead: answer }]]), ttl: 0 });
  const dns = new DnsServer(authority, { padTo, transmit });
  await dns.listen({ address: ADDRESS.authority, port: 53 });
  await listenForCommands(socketPath, obey);
} catch (error) {
  console.error(messageOf(error));
  process.exit(1);
}
