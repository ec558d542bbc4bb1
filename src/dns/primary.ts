// SPDX-License-Identifier: Apache-2.0
/**
 * The primary server of a zone, as one that may change the zone sees it: sets of records, and
 * dynamic updates of them (RFC 2136), over TCP and signed with a key that both have (tsig.ts).
 */
import { randomInt } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { ByteCursor } from '../base/cursor.ts';
import { CtgaError, messageOf } from '../base/errors.ts';
import { u16, u32 } from './encode.ts';
import { Opcode, parseMessage, Rcode, RecordClass, RecordType } from './message.ts';
import { encodeName, equalNames, foldName, readName } from './name.ts';
import type { Endpoint } from './server.ts';
import { frameMessage, framedMessages } from './tcp-framing.ts';
import { signMessage, TsigError, verifyResponse, type TsigKey, type Verified } from './tsig.ts';

/** The server does not do what it was asked, or nobody answers. */
export class PrimaryError extends CtgaError<'dns-refused' | 'dns-no-answer'> {}

/** All records of one name and type, of class IN. */
export interface RrSet {
  /** As text, without the last dot. */
  readonly name: string;
  readonly type: number;
  readonly ttl: number;
  /** One or more; a name in it is not compressed, and in lower case. */
  readonly rdatas: readonly Uint8Array[];
}

/** One set of records as it has to be for the update to be made, and as it is then; undefined: none. */
export interface Change {
  readonly name: string;
  readonly type: number;
  readonly before: RrSet | undefined;
  readonly after: RrSet | undefined;
}

const PATIENCE_MS = 20_000;
const MAX_IN_FLIGHT = 16;

interface Waiting {
  readonly resolve: (response: Buffer) => void;
  readonly reject: (error: Error) => void;
}

export class PrimaryServer {
  readonly #endpoint: Endpoint;
  readonly #key: TsigKey;
  readonly #now: () => number;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #ended: Error | undefined;

  /** Connects at once; what fails is said by the first question. `now` is in milliseconds. */
  constructor(endpoint: Endpoint, key: TsigKey, now: () => number) {
    this.#endpoint = endpoint;
    this.#key = key;
    this.#now = now;
    this.#socket = connect(endpoint.port, endpoint.address);
    this.#socket.setTimeout(PATIENCE_MS, () =>
      this.#socket.destroy(new Error('it does not answer')),
    );
    void this.#read();
  }

  close(): void {
    this.#socket.destroy();
  }

  /**
   * The sets of records with these names and types, in their order; of a name that is an alias, its
   * CNAME record. Rejects with PrimaryError.
   */
  async read(sets: readonly Pick<RrSet, 'name' | 'type'>[]): Promise<(RrSet | undefined)[]> {
    const found: (RrSet | undefined)[] = [];
    for (let at = 0; at < sets.length; at += MAX_IN_FLIGHT) {
      const some = sets.slice(at, at + MAX_IN_FLIGHT);
      found.push(...(await Promise.all(some.map((set) => this.#readOne(set)))));
    }
    return found;
  }

  /**
   * For how many seconds resolvers remember that the zone has no such name. Rejects with PrimaryError
   * if the server does not have the zone.
   */
  async negativeTtl(zone: string): Promise<number> {
    const soa = await this.#readOne({ name: zone, type: RecordType.soa }, zone);
    const [rdata] = soa?.rdatas ?? [];
    if (soa === undefined || rdata === undefined) throw this.#notAuthoritative(zone);
    return Math.min(soa.ttl, Buffer.from(rdata).readUInt32BE(rdata.length - 4));
  }

  /**
   * Makes all changes, or none of them if a set is not what it has to be before: then it resolves to
   * false. Rejects with PrimaryError, and with RangeError if the changes do not fit into a message.
   */
  async update(zone: string, changes: readonly Change[]): Promise<boolean> {
    const prerequisites = changes.flatMap(({ name, type, before }) =>
      before === undefined
        ? [record(name, type, RecordClass.none, 0)]
        : before.rdatas.map((rdata) => record(name, type, RecordClass.in, 0, rdata)),
    );
    const updates = changes.flatMap(({ name, type, before, after }) => [
      ...(before === undefined ? [] : [record(name, type, RecordClass.any, 0)]),
      ...(after?.rdatas ?? []).map((rdata) =>
        record(name, type, RecordClass.in, after?.ttl ?? 0, rdata),
      ),
    ]);
    const counts = [1, prerequisites.length, updates.length, 0];
    const response = await this.#ask(
      Buffer.concat([
        u16(0),
        u16(Opcode.update << 11),
        ...counts.map(u16),
        question(zone, RecordType.soa),
        ...prerequisites,
        ...updates,
      ]),
      zone,
    );
    const rcode = response.readUInt16BE(2) & 0xf;
    const { yxDomain, yxRrset, nxRrset, nxDomain, noError } = Rcode;
    if ([yxDomain, yxRrset, nxRrset, nxDomain].some((each) => each === rcode)) return false;
    if (rcode !== noError) throw this.#refusal(rcode, zone);
    return true;
  }

  async #readOne(
    { name, type }: Pick<RrSet, 'name' | 'type'>,
    zone = name,
  ): Promise<RrSet | undefined> {
    const bytes = await this.#ask(
      Buffer.concat([u16(0), u16(0), ...[1, 0, 0, 0].map(u16), question(name, type)]),
      zone,
    );
    const { rcode, answers, authorities } = this.#parsed(() => parseMessage(bytes));
    if (rcode !== Rcode.noError && rcode !== Rcode.nxDomain) throw this.#refusal(rcode, zone);
    const wire = encodeName(name);
    // A delegation is a referral: its records are in the authority section.
    const here = [...answers, ...authorities].filter((each) => equalNames(each.name, wire));
    const alias = here.filter((each) => each.type === RecordType.cname);
    const found = alias.length > 0 ? alias : here.filter((each) => each.type === type);
    const [first] = found;
    if (first === undefined) return undefined;
    const rdatas = found.map(({ rdata, rdataAt }) =>
      first.type === RecordType.ns
        ? this.#parsed(() => foldName(readName(new ByteCursor(bytes, rdataAt))))
        : Uint8Array.from(rdata),
    );
    return { name, type: first.type, ttl: first.ttl, rdatas };
  }

  #parsed<T>(parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      throw this.#failed('dns-no-answer', `its answer is malformed: ${messageOf(error)}`);
    }
  }

  /** The response to a message, whose identification is made here, once it is verified. */
  async #ask(message: Buffer, zone: string): Promise<Buffer> {
    let id = randomInt(0x1_0000);
    while (this.#waiting.has(id)) id = randomInt(0x1_0000);
    message.writeUInt16BE(id, 0);
    const sentAt = this.#now();
    const { bytes, mac } = signMessage(message, this.#key, sentAt);
    const response = await new Promise<Buffer>((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(frameMessage(bytes));
    });
    const verified = this.#parsed(() => verifyResponse(response, this.#key, mac, this.#now()));
    if (verified.error !== undefined && verified.error !== TsigError.none)
      throw this.#badKey(verified);
    const rcode = response.readUInt16BE(2) & 0xf;
    if (verified.isGenuine) return response;
    // Whoever cannot sign may still say why not; nothing is done because of it but to say so.
    if (rcode === Rcode.notAuth)
      throw this.#failed(
        'dns-refused',
        `it accepts no question about ${zone} with the key ${this.#key.name} (NOTAUTH), and does not say why`,
        'It must know the key of --key-file, under the same name, and the clocks must agree; else it is not the primary of the zone.',
      );
    if (rcode !== Rcode.noError) throw this.#refusal(rcode, zone);
    throw this.#failed(
      'dns-refused',
      `its answers are not signed with the key ${this.#key.name}`,
      'Something between may have changed them: name the server itself with --update.',
    );
  }

  async #read(): Promise<void> {
    let reason = 'it has closed the connection';
    // An error also ends the iteration.
    this.#socket.on('error', (error) => (reason = messageOf(error)));
    try {
      for await (const response of framedMessages(this.#socket)) {
        if (response.length < 12) break;
        const id = response.readUInt16BE(0);
        this.#waiting.get(id)?.resolve(Buffer.from(response));
        this.#waiting.delete(id);
      }
    } catch (error) {
      reason = messageOf(error);
    }
    this.#socket.destroy();
    this.#ended = this.#failed(
      'dns-no-answer',
      reason,
      'See whether it runs and answers over TCP; its address and port are those of --update.',
    );
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }

  #failed(code: PrimaryError['code'], what: string, remedy?: string): PrimaryError {
    const { address, port } = this.#endpoint;
    return new PrimaryError(code, `the server ${address} port ${port}: ${what}`, { remedy });
  }

  #notAuthoritative(zone: string): PrimaryError {
    return this.#failed(
      'dns-refused',
      `it is not the primary of ${zone}`,
      'Name the zone that it has with --parent, or the primary of that zone with --update.',
    );
  }

  #badKey({ error, serverTime }: Verified): PrimaryError {
    const { name } = this.#key;
    switch (error) {
      case TsigError.badKey:
        return this.#failed(
          'dns-refused',
          `it knows no key ${name} (BADKEY)`,
          'Give it the key of --key-file, under the same name and for hmac-sha256.',
        );
      case TsigError.badSignature:
        return this.#failed(
          'dns-refused',
          `it has another secret for the key ${name} (BADSIG)`,
          'Give both the same: copy the key of the server into the file of --key-file.',
        );
      case TsigError.badTime: {
        const ahead = serverTime === undefined ? 0 : serverTime - Math.floor(this.#now() / 1000);
        const by =
          serverTime === undefined
            ? 'too far from that of this machine'
            : `${Math.abs(ahead)} seconds ${ahead < 0 ? 'behind' : 'ahead of'} that of this machine`;
        return this.#failed(
          'dns-refused',
          `its clock is ${by} (BADTIME)`,
          'Set both clocks, and keep them right with NTP.',
        );
      }
      default:
        return this.#failed('dns-refused', `it refuses the signature (TSIG error ${error ?? 0})`);
    }
  }

  #refusal(rcode: number, zone: string): PrimaryError {
    const { name } = this.#key;
    switch (rcode) {
      case Rcode.refused:
        return this.#failed(
          'dns-refused',
          `it refuses this for ${zone} (REFUSED)`,
          `It must have the zone, and let the key ${name} update it: in BIND allow-update { key "${name}"; };, in Knot an acl with "action: update", in PowerDNS dnsupdate=yes and TSIG-ALLOW-DNSUPDATE.`,
        );
      case Rcode.notAuth:
        return this.#notAuthoritative(zone);
      case Rcode.notZone:
        return this.#failed(
          'dns-refused',
          `names are not in its zone ${zone} (NOTZONE)`,
          'Name the zone that has them with --parent.',
        );
      case Rcode.notImplemented:
        return this.#failed(
          'dns-refused',
          'it takes no dynamic updates (NOTIMP)',
          'Write its zone file instead, with --zone-file.',
        );
      default:
        return this.#failed(
          'dns-refused',
          `it fails with response code ${rcode}`,
          'Its log says why; most often it may not write its journal.',
        );
    }
  }
}

function question(name: string, type: number): Buffer {
  return Buffer.concat([encodeName(name), u16(type), u16(RecordClass.in)]);
}

function record(
  name: string,
  type: number,
  rclass: number,
  ttl: number,
  rdata: Uint8Array = Buffer.alloc(0),
): Buffer {
  return Buffer.concat([
    encodeName(name),
    u16(type),
    u16(rclass),
    u32(ttl),
    u16(rdata.length),
    rdata,
  ]);
}
