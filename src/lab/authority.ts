// SPDX-License-Identifier: Apache-2.0
/**
 * The lab's log as a separate process: the log, its RFC 6962 API over HTTPS, and its tree heads
 * over DNS (draft-ct-over-dns-01). The API shows the public tree; DNS answers show the victim's
 * tree.
 *
 *   node authority.ts SOCKET CERTIFICATE KEY [ADDRESS...]
 *
 * It obeys the commands of control.ts on SOCKET. At each ADDRESS, if there are any, DNS answers show
 * the public tree: the victim is who asks at the address of the lab with one path.
 */
import { randomInt } from 'node:crypto';
import { encodeBase64 } from '../base/base64.ts';
import { clean } from '../base/clean.ts';
import { DnsServer, type Endpoint } from '../dns/server.ts';
import type { UdpClient } from '../dns/udp.ts';
import { Authority } from '../mirror/authority.ts';
import { messageOf } from '../base/errors.ts';
import { LabApi, type LabCertificate } from './api.ts';
import { listenForCommands, type LogCommand, type LogState } from './control.ts';
import { fragmentUdp, reorder } from '../packet/fragments.ts';
import { LabLog, type Audience } from './log.ts';
import { ADDRESS } from './network.ts';
import { sendRaw } from './raw-sender.ts';
import { LOG_NAME, SUBMISSION_PATH } from './services.ts';

/** The story needs a dozen, but a lab that is left standing may run for a long time. */
const REMEMBERED_ANSWERS = 1000;

const log = new LabLog();
const answers: LogState['answers'] = [];
/**
 * How to send answers with the current tree head, if not as one packet. It applies to each of them,
 * since a resolver may ask twice.
 */
let fragmentation: Extract<LogCommand, { do: 'fragment' }> | undefined;

/** The answer in the response that is being made; undefined if it answers another question. */
let answering: LogState['answers'][number] | undefined;

/**
 * Called first for each question; then come `answer`, if it is for the tree head, and `transmit`.
 */
function padTo(): number | undefined {
  answering = undefined;
  return fragmentation?.answerSize;
}

function answer(audience: Audience): string {
  answering = { text: log.treeHeadText(audience), packets: 1 };
  answers.push(answering);
  if (answers.length > REMEMBERED_ANSWERS) answers.shift();
  return answering.text;
}

/** Sends a padded answer as IP fragments, and leaves every other response to the DNS server. */
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
    // The resolver will ask again.
    console.error(clean(`fragments to ${client.address} were not sent: ${messageOf(error)}`));
  });
  return true;
}

function obey(command: LogCommand): LogState {
  let sct: Uint8Array | undefined;
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
    case 'promise':
      fragmentation = undefined;
      sct = log.promise(
        {
          issuerKeyHash: Buffer.from(command.issuerKeyHash, 'base64'),
          tbsCertificate: Buffer.from(command.tbsCertificate, 'base64'),
        },
        command.audience,
      );
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
    ...(sct === undefined ? {} : { sct: encodeBase64(sct) }),
  };
}

const [socketPath, certificatePath, keyPath, ...publicAddresses] = process.argv.slice(2);
if (socketPath === undefined || certificatePath === undefined || keyPath === undefined) {
  throw new Error('usage: authority.ts SOCKET CERTIFICATE KEY [ADDRESS...]');
}
let api: LabApi;
async function serve(socket: string, certificate: LabCertificate): Promise<void> {
  api = await LabApi.listen({
    log,
    certificate,
    submissionPath: SUBMISSION_PATH,
    origin: `${LOG_NAME}${SUBMISSION_PATH}`.replace(/\/$/, ''),
    host: ADDRESS.api,
    port: 443,
  });
  // No cache may keep a tree head, because the next question must get the next tree head.
  const listen = async (address: string, audience: Audience): Promise<void> => {
    const treeHead = (): string => answer(audience);
    const authority = new Authority({ zones: new Map([[LOG_NAME, { treeHead }]]), ttl: 0 });
    await new DnsServer(authority, { padTo, transmit }).listen({ address, port: 53 });
  };
  await listen(ADDRESS.authority, 'victim');
  for (const address of publicAddresses) await listen(address, 'public');
  await listenForCommands(socket, obey);
}
serve(socketPath, { certificatePath, keyPath }).catch((error: unknown) => {
  console.error(clean(messageOf(error)));
  process.exit(1);
});
