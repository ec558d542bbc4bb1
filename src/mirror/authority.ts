// SPDX-License-Identifier: Apache-2.0
/**
 * What an authoritative server for tree heads answers: query in, response out, and no sockets.
 *
 * It follows draft-ct-over-dns-01 and, where the draft is silent, the server that Google ran: names
 * in any case, a TTL of 300 for tree heads and of a day for the rest, an empty answer rather than
 * NXDOMAIN for every other name of a zone, and SERVFAIL past the end of a proof.
 */
import ipaddr from 'ipaddr.js';
import { FormatError } from '../base/cursor.ts';
import { encodeResponse, encodeSoa, encodeTxt, type OutgoingRecord } from '../dns/encode.ts';
import {
  Opcode,
  parseMessage,
  Rcode,
  RecordClass,
  RecordType,
  type DnsMessage,
} from '../dns/message.ts';
import { encodeName, equalNames, foldName, formatName, labelsOf, MAX_NAME } from '../dns/name.ts';
import { ReadyAnswers } from '../dns/ready-answers.ts';
import type { Exchange, Responder } from '../dns/server.ts';
import type { MerkleHash } from '../merkle/hash.ts';
import { readCtQuestion, type CtQuestion } from '../sources/ct-over-dns/question.ts';

/** Where a zone's answers come from. It is asked for each question; an error becomes SERVFAIL. */
export interface ZoneSource {
  /**
   * Something else whenever answers may have become others: until then, an answer with a tree head,
   * an index or a proof may be given again to whoever asks the same. Undefined while nothing may.
   * It is asked for each question; `isForHead`: as `treeHead` and `checkpoint` are.
   */
  version?(isForHead: boolean): object | undefined;
  /** The TXT text. */
  treeHead(client: { readonly address: string }): Promise<string> | string;
  /**
   * For a log that signs checkpoints, of which no tree head is asked then: the RDATA of a TXT record,
   * with what fits in `room` bytes.
   */
  readonly checkpoint?: (room: number) => Promise<Uint8Array> | Uint8Array;
  /** Not there for a zone that has tree heads alone. */
  readonly proofs?: ProofSource;
}

/** A proof is undefined where it is about a tree of which this source gives none to anybody. */
export interface ProofSource {
  leafIndex(leafHash: MerkleHash): Promise<bigint>;
  consistency(first: bigint, second: bigint): Promise<readonly MerkleHash[] | undefined>;
  inclusion(leafIndex: bigint, treeSize: bigint): Promise<readonly MerkleHash[] | undefined>;
}

/**
 * In bytes: what the server takes, and the most that it sends over UDP. It fits into an IPv6 packet
 * on any path (RFC 9715).
 */
export const MAX_UDP_RESPONSE = 1232;
/**
 * In bytes: what every client takes, with EDNS or without (RFC 1035, Section 4.2.1; RFC 6891,
 * Section 6.2.3).
 */
const MIN_UDP_RESPONSE = 512;
const MAX_MESSAGE = 65_535;
const DEFAULT_TTL = 300;
/** The most responses that are ready, of all zones; some 7 MB. */
const MAX_READY = 10_000;

/**
 * What stands first in the name of a zone that has proofs alone. The name of a question ends in one
 * of them and the log's zone (draft-ct-over-dns-01), so a proof zone can be delegated.
 */
export const PROOF_LABELS = ['hash', 'tree', 'sth-consistency'] as const;

interface Zone {
  /** Wire format, in lower case. */
  readonly name: Uint8Array;
  readonly labels: number;
  readonly source: ZoneSource | undefined;
  readonly soa: Uint8Array;
  /** How many of its first labels are part of a question. */
  readonly asked: number;
  readonly server: Uint8Array;
}

export interface AuthorityOptions {
  /**
   * From a zone as text, such as lab-log.ct.test, to where its answers come from; undefined for a
   * zone that has only zones below it.
   */
  readonly zones: ReadonlyMap<string, ZoneSource | undefined>;
  /** For how many seconds a tree head may be cached; 300 unless given, as by Google's server. */
  readonly ttl?: number | undefined;
  /**
   * The server's own addresses, for the A and AAAA records of its zones. They are needed if it
   * listens on a wildcard address, which no resolver could connect to.
   */
  readonly addresses?: readonly string[] | undefined;
  /**
   * Of each zone only the proofs are served, in zones of their own: those of PROOF_LABELS below it.
   * This is the server's name, which may be in another zone.
   */
  readonly proofsAt?: string | undefined;
}

/** The content of a response, before the server knows whether it fits. */
interface Reply {
  /** Whether it may be given again; not there if it never may. */
  readonly holds?: () => boolean;
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answers: readonly OutgoingRecord[];
  readonly authorities: readonly OutgoingRecord[];
}

export class Authority implements Responder {
  readonly #zones: readonly Zone[];
  readonly #ttl: number;
  readonly #addresses: readonly string[] | undefined;
  readonly #ready = new ReadyAnswers(MAX_READY);

  /**
   * Throws RangeError for a zone that is not a domain name, or is too long for an `sth` below it.
   */
  constructor({ ttl = DEFAULT_TTL, addresses, zones, proofsAt }: AuthorityOptions) {
    this.#ttl = ttl;
    this.#addresses = proofsAt === undefined ? addresses : [];
    this.#zones = Array.from(zones, ([text, source]) => {
      if (proofsAt === undefined) return makeZone(text, source, ttl);
      if (source === undefined) return [];
      return PROOF_LABELS.map((label) => makeZone(`${label}.${text}`, source, ttl, proofsAt));
    })
      .flat()
      // The most labels first, so that the first match is the closest zone.
      .sort((a, b) => b.labels - a.labels);
  }

  /** The zones that it answers for, as text. */
  get zones(): string[] {
    return this.#zones.map(({ name }) => formatName(name)).reverse();
  }

  ready(query: Uint8Array): Buffer | undefined {
    return this.#ready.find(query);
  }

  /**
   * The response to a query. Undefined for bytes that are too short to be answered, and for
   * responses: if servers answered those, two of them could go on forever. Never rejects because of
   * what is in the bytes.
   */
  async respond(bytes: Uint8Array, exchange: Exchange): Promise<Buffer | undefined> {
    let query: DnsMessage;
    try {
      query = parseMessage(bytes);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return formatErrorResponse(bytes);
    }
    if (query.isResponse) return undefined;
    if (exchange.overLimit === true) return encodeReply(query, bare(Rcode.noError), 0, true);
    const reply = await this.#reply(query, exchange);
    const limit = exchange.transport === 'tcp' ? MAX_MESSAGE : udpLimit(query);
    const response = encodeReply(query, reply, Math.min(exchange.padTo ?? 0, limit));
    if (response.length <= limit) {
      const isForAll = exchange.transport === 'udp' && exchange.padTo === undefined;
      if (isForAll && reply.holds?.() === true) this.#ready.put(bytes, response, reply.holds);
      return response;
    }
    // A set of records that does not fit is left out whole (RFC 2181, Section 9), and the client
    // asks again over TCP.
    return encodeReply(query, { ...reply, answers: [], authorities: [] }, 0, true);
  }

  async #reply(query: DnsMessage, exchange: Exchange): Promise<Reply> {
    if ((query.edns?.version ?? 0) !== 0) return bare(Rcode.badVersion);
    if (query.opcode !== Opcode.query) return bare(Rcode.notImplemented);
    const { question } = query;
    const labels = labelsOf(question.name).length;
    const zone = this.#zones.find((each) => isWithin(question.name, labels, each));
    // Google's server said NOTZONE, which is a code for updates (RFC 2136). Resolvers take REFUSED
    // to mean "ask elsewhere".
    if (zone === undefined) return bare(Rcode.refused);

    const above = labels - zone.labels;
    const soa = { labelsAbove: above, type: RecordType.soa, ttl: this.#ttl, rdata: zone.soa };
    const answer = (records: readonly OutgoingRecord[]): Reply => ({
      rcode: Rcode.noError,
      authoritative: true,
      answers: records,
      // Without the SOA, nobody may cache that there is nothing (RFC 2308, Section 2.2).
      authorities: records.length === 0 ? [soa] : [],
    });
    // The SOA is of class IN and says nothing of other classes. dig calls such a mixture malformed.
    if (question.class !== RecordClass.in) return { ...answer([]), authorities: [] };
    if (above === 0) {
      const records = apexData(
        zone,
        question.type,
        this.#addresses ?? [exchange.serverAddress ?? ''],
      );
      return answer(
        records.map((rdata) => ({ labelsAbove: 0, type: question.type, ttl: this.#ttl, rdata })),
      );
    }
    if (question.type !== RecordType.txt || zone.source === undefined) return answer([]);
    const asked = readCtQuestion(labelsOf(foldName(question.name)).slice(0, above + zone.asked));
    const { source } = zone;
    if (asked === undefined || !hasAnswer(asked, source)) return answer([]);
    const isForHead = asked.kind === 'tree head' || asked.kind === 'checkpoint';
    const current = (): object | undefined => source.version?.(isForHead);
    const version = current();
    const holds = (): boolean => version !== undefined && current() === version;
    try {
      const rdata = await this.#answer(asked, source, exchange, question.name.length);
      // Resolvers would take an error code to be a fault of the server, and ask again.
      if (rdata === undefined) return answer([]);
      if (rdata.length > MAX_MESSAGE - 2 * MIN_UDP_RESPONSE) return bare(Rcode.serverFailure);
      const ttl = isForHead ? this.#ttl : PROOF_TTL;
      return { ...answer([{ labelsAbove: 0, type: RecordType.txt, ttl, rdata }]), holds };
    } catch {
      // What failed, and how, is between the server and the log: the client learns only that it
      // did.
      return bare(Rcode.serverFailure);
    }
  }

  async #answer(
    asked: CtQuestion,
    source: ZoneSource,
    { client }: Exchange,
    nameLength: number,
  ): Promise<Uint8Array | undefined> {
    const { proofs } = source;
    if (asked.kind === 'tree head') return encodeTxt(await source.treeHead(client));
    if (asked.kind === 'checkpoint')
      return source.checkpoint?.(MAX_UDP_RESPONSE - CHECKPOINT_OVERHEAD - nameLength);
    if (proofs === undefined) throw new RangeError('no proofs here');
    if (asked.kind === 'leaf index')
      return encodeTxt((await proofs.leafIndex(asked.leafHash)).toString());
    const proof =
      asked.kind === 'consistency'
        ? await proofs.consistency(asked.first, asked.second)
        : await proofs.inclusion(asked.leafIndex, asked.treeSize);
    if (proof === undefined) return undefined;
    const part = proof.slice(asked.start, asked.start + hashesThatFit(nameLength));
    if (part.length === 0) throw new RangeError('past the end of the proof');
    return encodeTxt(Buffer.concat(part));
  }
}

function hasAnswer({ kind }: CtQuestion, source: ZoneSource): boolean {
  if (kind === 'tree head') return source.checkpoint === undefined;
  return (kind === 'checkpoint' ? source.checkpoint : source.proofs) !== undefined;
}

/**
 * In bytes, what an answer with a checkpoint has beside the question's name and the RDATA: the
 * header of DNS (12), the question's type and class (4), a record that points to the name (12) and
 * OPT (11).
 */
export const CHECKPOINT_OVERHEAD = 12 + 4 + 12 + 11;

/** In seconds: what never changes may be cached for a day. */
const PROOF_TTL = 86_400;
/** The draft's number: 7 hashes fit into one character-string of at most 255 bytes. */
const MAX_HASHES = 7;
/**
 * In bytes. Data planes copy no fragments above this size (restricted CT-over-DNS, Section 4.1 of
 * the paper), and no path fragments packets below it.
 */
const MAX_IP_LENGTH = 400;
/**
 * What an answer has beside the question's name and the hashes: the headers of IPv6 and UDP (48)
 * and DNS (12), the question's type and class (4), a record that points to the name (12), the
 * length of a character-string (1) and OPT (11).
 */
const OVERHEAD = 48 + 12 + 4 + 12 + 1 + 11;
const HASH_BYTES = 32;

/**
 * How many hashes of a proof fit into an IP packet of 400 bytes beside a question's name of this
 * length, in bytes of wire format. One fits beside the longest name there is (255 bytes).
 */
function hashesThatFit(nameLength: number): number {
  return Math.min(MAX_HASHES, Math.floor((MAX_IP_LENGTH - OVERHEAD - nameLength) / HASH_BYTES));
}

/** The first label of the mailbox in a zone's SOA record, in wire format. */
const HOSTMASTER = encodeName('hostmaster').subarray(0, -1);
/** For secondary servers, of which there are none: conventional values. */
const SOA_TIMERS = { refresh: 3600, retry: 600, expire: 86_400 };

/** Without a server's name the zone's one name server goes by the zone's own name: see apexData. */
function makeZone(
  text: string,
  source: ZoneSource | undefined,
  ttl: number,
  serverName?: string,
): Zone {
  const name = foldName(encodeName(text));
  const mailbox = Buffer.concat([HOSTMASTER, name]);
  if (mailbox.length > MAX_NAME) throw new RangeError(`zone "${text}": too long a name`);
  const server = serverName === undefined ? name : foldName(encodeName(serverName));
  return {
    name,
    server,
    asked: serverName === undefined ? 0 : 1,
    labels: labelsOf(name).length,
    source,
    soa: encodeSoa(server, mailbox, 1, { ...SOA_TIMERS, minimum: ttl }),
  };
}

/**
 * What the zone's own name has: its SOA, itself as name server, and where that is. Without the
 * address a resolver that had learnt the NS record from us could find us no more.
 */
function apexData(zone: Zone, type: number, addresses: readonly string[]): Uint8Array[] {
  if (type === RecordType.soa) return [zone.soa];
  if (type === RecordType.ns) return [zone.server];
  if (type !== RecordType.a && type !== RecordType.aaaa) return [];
  const kind = type === RecordType.a ? 'ipv4' : 'ipv6';
  return addresses.flatMap((text) => {
    if (!ipaddr.isValid(text)) return [];
    const address = ipaddr.process(text); // an IPv4 client of an IPv6 socket sees ::ffff:192.0.2.1
    if (address.range() === 'unspecified' || address.kind() !== kind) return [];
    return [Uint8Array.from(address.toByteArray())];
  });
}

function isWithin(name: Uint8Array, labels: number, zone: Zone): boolean {
  if (labels < zone.labels) return false;
  let start = 0;
  for (let above = labels - zone.labels; above > 0; above--) start += 1 + (name[start] ?? 0);
  return equalNames(name.subarray(start), zone.name);
}

function bare(rcode: number): Reply {
  return { rcode, authoritative: false, answers: [], authorities: [] };
}

function udpLimit(query: DnsMessage): number {
  const size = query.edns?.udpPayloadSize ?? MIN_UDP_RESPONSE;
  return Math.min(Math.max(size, MIN_UDP_RESPONSE), MAX_UDP_RESPONSE);
}

function encodeReply(query: DnsMessage, reply: Reply, padTo: number, truncated = false): Buffer {
  return encodeResponse({
    ...reply,
    id: query.id,
    opcode: query.opcode,
    truncated,
    recursionDesired: query.recursionDesired,
    question: query.question,
    // A response has OPT only if the query had it (RFC 6891, Section 6.1.1).
    edns: query.edns && {
      udpPayloadSize: MAX_UDP_RESPONSE,
      extendedRcode: reply.rcode >>> 4,
      dnssecOk: query.edns.dnssecOk,
      padTo,
    },
  });
}

/** FORMERR with the identification and no question, for a query that does not parse. */
function formatErrorResponse(bytes: Uint8Array): Buffer | undefined {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (header.length < 12 || header.readUInt16BE(2) >= 0x8000) return undefined;
  return encodeResponse({
    id: header.readUInt16BE(0),
    opcode: (header.readUInt16BE(2) >>> 11) & 0xf,
    authoritative: false,
    truncated: false,
    recursionDesired: (header.readUInt16BE(2) & 0x0100) !== 0,
    rcode: Rcode.formatError,
    question: undefined,
    answers: [],
    authorities: [],
    edns: undefined,
  });
}
