/**
 * Asking CT-over-DNS (draft-ct-over-dns-01): a tree head, a leaf's index, or a proof, part by part.
 * Nothing that comes back is verified here but its form.
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIP } from 'node:net';
import * as dnsPacket from 'dns-packet';
import { CtgaError, messageOf } from '../base/errors.ts';
import { toMerkleHash, type MerkleHash } from '../merkle/hash.ts';
import { MAX_PROOF_LENGTH } from '../merkle/proof.ts';
import { formatCtQuestion, type CtQuestion } from '../sources/ct-over-dns/question.ts';
import { parseMessage, Rcode, readTxt, RecordType, type DnsMessage } from '../dns/message.ts';
import { encodeName, equalNames } from '../dns/name.ts';
import type { Endpoint } from '../dns/server.ts';

/** What we take over UDP: fits an IPv6 packet on any path (RFC 9715). */
const UDP_PAYLOAD = 1232;
const TRY_MS = [1000, 2000, 4000];
const TCP_MS = 10_000;
const HASH_BYTES = 32;

export class CtDnsClient {
  readonly #server: Endpoint;
  readonly #zone: string;

  /** `zone` as text, such as rome.ct.example.org. */
  constructor(server: Endpoint, zone: string) {
    this.#server = server;
    this.#zone = zone;
  }

  /** The TXT text. Rejects with CtgaError `log-unavailable`, as all here. */
  async treeHead(): Promise<string> {
    return (await this.#ask({ kind: 'tree head' })).toString('latin1');
  }

  async leafIndex(leafHash: MerkleHash): Promise<bigint> {
    const text = (await this.#ask({ kind: 'leaf index', leafHash })).toString('latin1');
    if (!/^(0|[1-9][0-9]{0,19})$/.test(text))
      throw this.#failure(`the index of the leaf is ${JSON.stringify(text)}`);
    return BigInt(text);
  }

  /** `isWhole` says of what came so far whether it is a proof; hashes are asked for until it is. */
  consistency(
    first: bigint,
    second: bigint,
    isWhole: (hashes: readonly MerkleHash[]) => boolean,
  ): Promise<MerkleHash[]> {
    return this.#proof((start) => ({ kind: 'consistency', start, first, second }), isWhole);
  }

  inclusion(
    leafIndex: bigint,
    treeSize: bigint,
    isWhole: (hashes: readonly MerkleHash[]) => boolean,
  ): Promise<MerkleHash[]> {
    return this.#proof((start) => ({ kind: 'inclusion', start, leafIndex, treeSize }), isWhole);
  }

  async #proof(
    question: (start: number) => CtQuestion,
    isWhole: (hashes: readonly MerkleHash[]) => boolean,
  ): Promise<MerkleHash[]> {
    const hashes: MerkleHash[] = [];
    while (!isWhole(hashes)) {
      if (hashes.length >= MAX_PROOF_LENGTH) throw this.#failure('the proof has no end');
      const bytes = await this.#ask(question(hashes.length));
      if (bytes.length === 0 || bytes.length % HASH_BYTES !== 0)
        throw this.#failure(`${bytes.length} bytes of proof, want hashes of ${HASH_BYTES}`);
      for (let at = 0; at < bytes.length; at += HASH_BYTES)
        hashes.push(toMerkleHash(bytes.subarray(at, at + HASH_BYTES)));
    }
    return hashes;
  }

  /** The joined character-strings of the one TXT record that answers. */
  async #ask(question: CtQuestion): Promise<Buffer> {
    const name = `${formatCtQuestion(question)}.${this.#zone}`;
    const wire = encodeName(name);
    const query = dnsPacket.encode({
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
          options: [],
        },
      ],
    });
    const isAnswer = ({ id, isResponse, question: echoed }: DnsMessage): boolean =>
      isResponse &&
      id === query.readUInt16BE(0) &&
      echoed.type === RecordType.txt &&
      equalNames(echoed.name, wire);
    let { message, bytes } = await this.#overUdp(query, isAnswer);
    if (message.truncated) ({ message, bytes } = await this.#overTcp(query, isAnswer));
    const { rcode, answers } = message;
    if (rcode !== Rcode.noError) throw this.#failure(`${name}: ${nameOfRcode(rcode)}`);
    // Others of the answer section may lead here, as CNAMEs do.
    const [answer, ...more] = answers.filter(
      ({ type, name: owner }) => type === RecordType.txt && equalNames(owner, wire),
    );
    if (answer === undefined) throw this.#failure(`${name}: no such record`);
    if (more.length > 0) throw this.#failure(`${name}: ${more.length + 1} records, want one`);
    return Buffer.concat(readTxt(answer, bytes));
  }

  async #overUdp(query: Buffer, isAnswer: (message: DnsMessage) => boolean): Promise<Answer> {
    const { address, port } = this.#server;
    // A port of its own for each question, and only what comes from the server itself is heard (RFC
    // 5452).
    const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.connect(port, address, () => resolve());
      });
      let last = `no answer from ${address} port ${port}`;
      for (const wait of TRY_MS) {
        const answer = await new Promise<Answer | undefined>((resolve) => {
          const timer = setTimeout(() => resolve(undefined), wait);
          const done = (result: Answer | undefined): void => {
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
      throw this.#failure(last);
    } catch (error) {
      throw error instanceof CtgaError
        ? error
        : this.#failure(`${address} port ${port}: ${messageOf(error)}`);
    } finally {
      socket.close();
    }
  }

  async #overTcp(query: Buffer, isAnswer: (message: DnsMessage) => boolean): Promise<Answer> {
    const { address, port } = this.#server;
    const socket = connect(port, address);
    socket.setTimeout(TCP_MS, () => socket.destroy(new Error('no answer over TCP')));
    try {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(query.length);
      socket.write(Buffer.concat([length, query]));
      let buffered = Buffer.alloc(0);
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        buffered = Buffer.concat([buffered, chunk]);
        if (buffered.length < 2 || buffered.length < 2 + buffered.readUInt16BE(0)) continue;
        const bytes = buffered.subarray(2, 2 + buffered.readUInt16BE(0));
        const message = parsed(bytes);
        if (message === undefined || !isAnswer(message)) break;
        return { message, bytes };
      }
      throw new Error('no answer over TCP');
    } catch (error) {
      throw this.#failure(`${address} port ${port}: ${messageOf(error)}`);
    } finally {
      socket.destroy();
    }
  }

  #failure(message: string): CtgaError {
    return new CtgaError('log-unavailable', message, {
      remedy: `Name another server with --server, or see what is there: dig @${this.#server.address} -p ${this.#server.port} TXT sth.${this.#zone}`,
    });
  }
}

interface Answer {
  readonly message: DnsMessage;
  readonly bytes: Buffer;
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
