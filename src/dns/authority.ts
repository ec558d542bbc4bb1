/**
 * What an authoritative server for tree heads answers: query in, response out, and no sockets.
 *
 * draft-ct-over-dns-01, "STH Query", with the habits of the server that Google ran: any case, TTL 300, and an
 * empty answer rather than NXDOMAIN for every other name of the zone, where later query types have their place.
 */
import ipaddr from 'ipaddr.js';
import { FormatError } from '../packet/cursor.ts';
import { encodeResponse, encodeSoa, encodeTxt, recordData, type OutgoingRecord } from './encode.ts';
import { Opcode, parseMessage, Rcode, RecordClass, RecordType, type DnsMessage } from './message.ts';
import { encodeName, equalNames, foldName, formatName, labelsOf, MAX_NAME } from './name.ts';
import { isTreeHeadName } from './sth-answer.ts';

/** Where a zone's TXT text comes from, made anew for each question. An error becomes SERVFAIL. */
export type TreeHeadSource = (client: { readonly address: string }) => Promise<string> | string;

/** What is known about a query beside its bytes. */
export interface Exchange {
  readonly client: { readonly address: string };
  /** Where the query was sent to, if known: the address of the zone's one name server. */
  readonly serverAddress?: string | undefined;
  readonly transport: 'udp' | 'tcp';
  /** The size to pad the response to, in bytes, if the client takes padding (EDNS) and that size. */
  readonly padTo?: number | undefined;
}

/** What we can take, and the most that we send over UDP: fits an IPv6 packet on any path (RFC 9715). */
export const MAX_UDP_RESPONSE = 1232;
/** What every client takes, EDNS or not (RFC 1035, Section 4.2.1; RFC 6891, Section 6.2.3). */
const MIN_UDP_RESPONSE = 512;
const MAX_MESSAGE = 65_535;

interface Zone {
  /** Folded wire format. */
  readonly name: Uint8Array;
  readonly labels: number;
  readonly source: TreeHeadSource;
  readonly soa: Uint8Array;
  readonly ns: Uint8Array;
}

export interface AuthorityOptions {
  /** Zone as text, such as lab-log.ct.test, to where its tree heads come from. */
  readonly zones: ReadonlyMap<string, TreeHeadSource>;
  /** Seconds. */
  readonly ttl: number;
}

/** What is to be said, before it is known whether it fits. */
interface Reply {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly answers: readonly OutgoingRecord[];
  readonly authorities: readonly OutgoingRecord[];
}

export class Authority {
  readonly #zones: readonly Zone[];
  readonly #ttl: number;

  /** Throws RangeError for a zone that is no domain name, or too long to have an `sth` below it. */
  constructor(options: AuthorityOptions) {
    this.#ttl = options.ttl;
    this.#zones = Array.from(options.zones, ([text, source]) => makeZone(text, source, options.ttl))
      // The most labels first, so that the first match is the closest zone.
      .sort((a, b) => b.labels - a.labels);
  }

  /**
   * The response to a query, or undefined where silence is right: what is too short to be answered, and responses,
   * which two servers could else send each other forever. Never throws for what is in the bytes.
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
    const reply = await this.#reply(query, exchange);
    const limit = exchange.transport === 'tcp' ? MAX_MESSAGE : udpLimit(query);
    const response = encodeReply(query, reply, Math.min(exchange.padTo ?? 0, limit));
    if (response.length <= limit) return response;
    // RFC 2181, Section 9: no part of a set of records that does not fit is of use. The client asks over TCP.
    return encodeReply(query, { ...reply, answers: [], authorities: [] }, 0, true);
  }

  async #reply(query: DnsMessage, exchange: Exchange): Promise<Reply> {
    if ((query.edns?.version ?? 0) !== 0) return bare(Rcode.badVersion);
    if (query.opcode !== Opcode.query) return bare(Rcode.notImplemented);
    const { question } = query;
    const labels = labelsOf(question.name).length;
    const zone = this.#zones.find((each) => isWithin(question.name, labels, each));
    // Google's server said NOTZONE, a code for updates (RFC 2136); resolvers know REFUSED as "ask elsewhere".
    if (zone === undefined) return bare(Rcode.refused);

    const above = labels - zone.labels;
    const soa = { labelsAbove: above, type: RecordType.soa, ttl: this.#ttl, rdata: zone.soa };
    const answer = (records: readonly OutgoingRecord[]): Reply => ({
      rcode: Rcode.noError,
      authoritative: true,
      answers: records,
      // RFC 2308, Section 2.2: without the SOA nobody may remember that there is nothing.
      authorities: records.length === 0 ? [soa] : [],
    });
    // Our SOA is of class IN and cannot vouch for another: dig calls such a mixture malformed.
    if (question.class !== RecordClass.in) return { ...answer([]), authorities: [] };
    if (above === 0) {
      const rdata = apexData(zone, question.type, exchange.serverAddress);
      return answer(rdata ? [{ labelsAbove: 0, type: question.type, ttl: this.#ttl, rdata }] : []);
    }
    if (above !== 1 || !isTreeHeadName(question.name) || question.type !== RecordType.txt) return answer([]);
    try {
      const rdata = encodeTxt(await zone.source(exchange.client));
      if (rdata.length > MAX_MESSAGE - 2 * MIN_UDP_RESPONSE) return bare(Rcode.serverFailure);
      return answer([{ labelsAbove: 0, type: RecordType.txt, ttl: this.#ttl, rdata }]);
    } catch {
      // The source is another's code with a network behind it; the client learns only that it has failed.
      return bare(Rcode.serverFailure);
    }
  }
}

/** The label in front of the mailbox in a zone's SOA record, in wire format. */
const HOSTMASTER = encodeName('hostmaster').subarray(0, -1);

function makeZone(text: string, source: TreeHeadSource, ttl: number): Zone {
  const name = foldName(encodeName(text));
  if (HOSTMASTER.length + name.length > MAX_NAME) throw new RangeError(`zone "${text}": too long a name`);
  const zone = formatName(name);
  // The zone has one name server, this one, and it goes by the zone's own name: see apexData.
  return {
    name,
    labels: labelsOf(name).length,
    source,
    soa: encodeSoa(zone, ttl),
    ns: recordData('NS', zone),
  };
}

/**
 * What the zone's own name has: its SOA, itself as name server, and where that is. Without the address a
 * resolver that had learnt the NS record from us could find us no more.
 */
function apexData(zone: Zone, type: number, serverAddress: string | undefined): Uint8Array | undefined {
  if (type === RecordType.soa) return zone.soa;
  if (type === RecordType.ns) return zone.ns;
  if (serverAddress === undefined || (type !== RecordType.a && type !== RecordType.aaaa)) return undefined;
  const address = ipaddr.process(serverAddress); // an IPv4 client of an IPv6 socket sees ::ffff:192.0.2.1
  if (address.range() === 'unspecified') return undefined;
  if (address.kind() !== (type === RecordType.a ? 'ipv4' : 'ipv6')) return undefined;
  return recordData(type === RecordType.a ? 'A' : 'AAAA', address.toString());
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
    // A server must not answer with OPT to who did not ask with one (RFC 6891, Section 6.1.1).
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
