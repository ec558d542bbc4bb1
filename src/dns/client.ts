// SPDX-License-Identifier: Apache-2.0
/**
 * A stub resolver for TXT records: one question over UDP (RFC 1035, Section 4.2.1), and again over
 * TCP where the answer says that it was cut (RFC 7766).
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIP } from 'node:net';
import * as dnsPacket from 'dns-packet';
import { CtgaError, messageOf } from '../base/errors.ts';
import { parseMessage, Rcode, readTxt, RecordType, type DnsMessage } from './message.ts';
import { encodeName, equalNames } from './name.ts';
import type { Endpoint } from './server.ts';
import { frameMessage, framedMessages } from './tcp-framing.ts';

/** Nobody answered, or the server did, and has no such record. */
export class DnsError extends CtgaError<'dns-no-answer' | 'dns-no-record'> {}

/** What we take over UDP: fits an IPv6 packet on any path (RFC 9715). */
const UDP_PAYLOAD = 1232;
/** Milliseconds to wait for the answer to each try over UDP. */
const TRY_MS = [1000, 2000, 4000];
const TCP_MS = 10_000;

interface Answer {
  readonly message: DnsMessage;
  readonly bytes: Buffer;
}

export class DnsClient {
  readonly #server: Endpoint;
  readonly #stop: AbortSignal | undefined;

  /** Once `stop` is aborted, look-ups fail. */
  constructor(server: Endpoint, stop?: AbortSignal) {
    this.#server = server;
    this.#stop = stop;
  }

  /**
   * The character-strings of the one TXT record of `name`. Rejects with DnsError. Any number
   * of look-ups may be under way at once.
   */
  async txt(name: string): Promise<Uint8Array[]> {
    const wire = encodeName(name);
    const query = txtQuery(name);
    const isAnswer = ({ id, isResponse, question }: DnsMessage): boolean =>
      isResponse &&
      id === query.readUInt16BE(0) &&
      question.type === RecordType.txt &&
      equalNames(question.name, wire);
    let { message, bytes } = await this.#overUdp(query, isAnswer, name);
    if (message.truncated) ({ message, bytes } = await this.#overTcp(query, isAnswer, name));
    const { rcode, answers } = message;
    if (rcode !== Rcode.noError) throw this.#failure(`${name}: ${nameOfRcode(rcode)}`, name);
    // Other records of the answer section, such as CNAMEs, may lead here.
    const [answer, ...more] = answers.filter(
      ({ type, name: owner }) => type === RecordType.txt && equalNames(owner, wire),
    );
    if (answer === undefined) throw this.#failure(`${name}: no such record`, name, 'dns-no-record');
    if (more.length > 0) throw this.#failure(`${name}: ${more.length + 1} records, want one`, name);
    try {
      return readTxt(answer, bytes);
    } catch (error) {
      throw this.#failure(`${name}: ${messageOf(error)}`, name);
    }
  }

  async #overUdp(
    query: Buffer,
    isAnswer: (message: DnsMessage) => boolean,
    name: string,
  ): Promise<Answer> {
    const { address, port } = this.#server;
    // Each question has a port of its own, and is answered by the server's address alone (RFC
    // 5452).
    const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.connect(port, address, () => resolve());
      });
      let last = `no answer from ${address} port ${port}`;
      for (const wait of TRY_MS) {
        if (this.#stop?.aborted === true) break;
        const answer = await new Promise<Answer | undefined>((resolve) => {
          const timer = setTimeout(() => done(undefined), wait);
          const stopped = (): void => done(undefined);
          this.#stop?.addEventListener('abort', stopped);
          const done = (result: Answer | undefined): void => {
            this.#stop?.removeEventListener('abort', stopped);
            clearTimeout(timer);
            socket.removeAllListeners('message');
            resolve(result);
          };
          socket.on('message', (bytes) => {
            const message = parsed(bytes);
            if (message !== undefined && isAnswer(message)) done({ message, bytes });
          });
          socket.removeAllListeners('error').on('error', (error) => {
            last = `${address} port ${port}: ${messageOf(error)}`;
            done(undefined);
          });
          socket.send(query);
        });
        if (answer !== undefined) return answer;
      }
      throw this.#failure(last, name);
    } catch (error) {
      if (error instanceof DnsError) throw error;
      throw this.#failure(`${address} port ${port}: ${messageOf(error)}`, name);
    } finally {
      socket.close();
    }
  }

  async #overTcp(
    query: Buffer,
    isAnswer: (message: DnsMessage) => boolean,
    name: string,
  ): Promise<Answer> {
    const { address, port } = this.#server;
    const socket = connect(port, address);
    socket.setTimeout(TCP_MS, () => socket.destroy(new Error('no answer over TCP')));
    try {
      socket.write(frameMessage(query));
      for await (const bytes of framedMessages(socket)) {
        const message = parsed(bytes);
        if (message === undefined || !isAnswer(message)) break;
        return { message, bytes };
      }
      throw new Error('no answer over TCP');
    } catch (error) {
      throw this.#failure(`${address} port ${port}: ${messageOf(error)}`, name);
    } finally {
      socket.destroy();
    }
  }

  #failure(message: string, name: string, code: DnsError['code'] = 'dns-no-answer'): DnsError {
    const { address, port } = this.#server;
    return new DnsError(code, message, {
      remedy: `Name another server with --server, or see what is there: dig @${address} -p ${port} TXT ${name}`,
    });
  }
}

/**
 * A resolver is not to tell the servers that it asks who asks it (RFC 7871, Section 7.1.2): as
 * Chromium's client of CT over DNS had it.
 */
const NO_CLIENT_SUBNET: dnsPacket.PacketOpt = {
  code: 8,
  type: 'CLIENT_SUBNET',
  family: 1,
  sourcePrefixLength: 0,
  scopePrefixLength: 0,
  ip: '0.0.0.0',
};

function txtQuery(name: string): Buffer {
  return dnsPacket.encode({
    type: 'query',
    id: randomInt(0x1_0000),
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ type: 'TXT', name }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: UDP_PAYLOAD,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [NO_CLIENT_SUBNET],
      },
    ],
  });
}

function parsed(bytes: Buffer): DnsMessage | undefined {
  try {
    return parseMessage(bytes);
  } catch {
    return undefined;
  }
}

function nameOfRcode(rcode: number): string {
  const names = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];
  return names[rcode] ?? `response code ${rcode}`;
}
