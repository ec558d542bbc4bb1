// SPDX-License-Identifier: Apache-2.0
/**
 * The RFC 6962 API of the lab's log over HTTPS: Section 4.3 to 4.6 (get-sth, get-sth-consistency,
 * get-proof-by-hash, get-entries); and beside it what c2sp.org/static-ct-api has of tree heads and
 * proofs, a checkpoint and tiles of hashes. It always shows the public tree: the victim's tree
 * exists only in DNS answers.
 *
 * It can misbehave as real logs do, so that tests show the challenger all of this.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { isIPv6, type AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decodeBase64, encodeBase64 } from '../base/base64.ts';
import { TILE_WIDTH } from '../merkle/tiles.ts';
import type { LabLog, LogTree } from './log.ts';

/** get-entries may return fewer entries than a client asks for (RFC 6962, Section 4.6). */
export const MAX_ENTRIES = 64;

/** Faults of the body, the status, the connection or the proof. */
export type Misbehaviour =
  | { readonly kind: 'html' }
  | { readonly kind: 'server-error' }
  | { readonly kind: 'rate-limit'; readonly retryAfterSeconds: number }
  | { readonly kind: 'hang' }
  | { readonly kind: 'garbage-proof' };

export interface LabCertificate {
  /** PEM files. The certificate is self-signed: clients trust it through NODE_EXTRA_CA_CERTS. */
  readonly certificatePath: string;
  readonly keyPath: string;
}

/** Makes a self-signed certificate for `hostName` in `directory` with the openssl command. */
export async function makeCertificate(
  directory: string,
  hostName: string,
): Promise<LabCertificate> {
  const certificatePath = join(directory, 'api-certificate.pem');
  const keyPath = join(directory, 'api-key.pem');
  await promisify(execFile)('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${hostName}`,
    '-addext',
    `subjectAltName=DNS:${hostName}`,
    '-keyout',
    keyPath,
    '-out',
    certificatePath,
  ]);
  return { certificatePath, keyPath };
}

export interface LabApiOptions {
  readonly log: LabLog;
  readonly certificate: LabCertificate;
  /** The path above `ct/v1/`; it ends in '/'. */
  readonly submissionPath: string;
  /** Names the log in its checkpoints. */
  readonly origin?: string;
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
}

export class LabApi {
  readonly #log: LabLog;
  readonly #submissionPath: string;
  readonly #origin: string;
  readonly #server: Server;
  #misbehaviour: Misbehaviour | undefined;
  #requests = 0;

  /** Resolves when the server listens. */
  static async listen(options: LabApiOptions): Promise<LabApi> {
    const [cert, key] = await Promise.all([
      readFile(options.certificate.certificatePath),
      readFile(options.certificate.keyPath),
    ]);
    const server = createServer({ cert, key });
    const api = new LabApi(options, server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, options.host, () => {
        server.off('error', reject);
        resolve();
      });
    });
    return api;
  }

  private constructor(options: LabApiOptions, server: Server) {
    this.#log = options.log;
    this.#submissionPath = options.submissionPath;
    this.#origin = options.origin ?? 'log.invalid';
    this.#server = server;
    server.on('request', (request, response) => this.#handle(request, response));
  }

  /** The submission prefix with an address instead of a name: `https://127.0.0.1:port/path/`. */
  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `https://${isIPv6(address) ? `[${address}]` : address}:${port}${this.#submissionPath}`;
  }

  /** The number of requests so far, answered or not. */
  get requests(): number {
    return this.#requests;
  }

  /** Sets the fault of every request from now on; undefined means that there is none. */
  misbehave(misbehaviour: Misbehaviour | undefined): void {
    this.#misbehaviour = misbehaviour;
  }

  /** Also ends open connections, including those that hang. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    this.#requests++;
    switch (this.#misbehaviour?.kind) {
      case 'hang':
        return;
      case 'html':
        send(
          response,
          200,
          '<!DOCTYPE html><title>Welcome</title><h1>It works!</h1>\n',
          'text/html',
        );
        return;
      case 'server-error':
        send(response, 500, '<html><body>Internal Server Error</body></html>\n', 'text/html');
        return;
      case 'rate-limit':
        response.setHeader('Retry-After', this.#misbehaviour.retryAfterSeconds);
        sendJson(response, 429, failure('too many requests'));
        return;
      case 'garbage-proof':
      case undefined:
        break;
    }
    if (request.method !== 'GET') {
      response.setHeader('Allow', 'GET');
      sendJson(response, 405, failure('only GET is answered here'));
      return;
    }
    const resource = this.#resource(request.url ?? '/');
    if (resource !== undefined) return send(response, 200, ...resource);
    const answer = this.#answer(request.url ?? '/');
    sendJson(response, answer.status, answer.body);
  }

  /** What a static-ct log has there. */
  #resource(path: string): [body: string | Uint8Array, contentType: string] | undefined {
    if (!path.startsWith(this.#submissionPath)) return undefined;
    const name = path.slice(this.#submissionPath.length);
    if (name === 'checkpoint')
      return [this.#log.checkpoint(this.#origin), 'text/plain; charset=utf-8'];
    const [, level, index, width] =
      /^tile\/(\d)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d{1,3}))?$/.exec(name) ?? [];
    if (level === undefined || index === undefined) return undefined;
    const tile = this.#log
      .tree('public')
      .tile({
        level: Number(level),
        index: BigInt(index.replace(/\D/g, '')),
        width: Number(width ?? TILE_WIDTH),
      });
    return tile === undefined ? undefined : [tile, 'application/octet-stream'];
  }

  #answer(target: string): Answer {
    // URL needs a base, because requests carry only a path (RFC 9112, Section 3.2.1).
    const base = 'https://log.invalid';
    if (!URL.canParse(target, base)) return badRequest('the request target is no path');
    const url = new URL(target, base);
    const prefix = `${this.#submissionPath}ct/v1/`;
    if (!url.pathname.startsWith(prefix)) return { status: 404, body: failure('no such endpoint') };
    const query = url.searchParams;
    const tree = this.#log.tree('public');
    switch (url.pathname.slice(prefix.length)) {
      case 'get-sth':
        return { status: 200, body: this.#log.treeHeadJson() };
      case 'get-sth-consistency':
        return this.#spoil(getConsistency(tree, query), 'consistency');
      case 'get-proof-by-hash':
        return this.#spoil(getProofByHash(tree, query), 'audit_path');
      case 'get-entries':
        return getEntries(tree, query);
      default:
        return { status: 404, body: failure('no such endpoint') };
    }
  }

  /** A garbage proof has the right length and wrong hashes, so that only folding it shows this. */
  #spoil(answer: Answer, field: 'consistency' | 'audit_path'): Answer {
    if (this.#misbehaviour?.kind !== 'garbage-proof' || answer.status !== 200) return answer;
    const length = (answer.body[field] as readonly string[]).length;
    const garbage = Array.from({ length }, () => encodeBase64(randomBytes(32)));
    return { ...answer, body: { ...answer.body, [field]: garbage } };
  }
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

function getConsistency(tree: LogTree, query: URLSearchParams): Answer {
  const first = integer(query, 'first');
  const second = integer(query, 'second');
  if (first === undefined || second === undefined)
    return badRequest('first and second must be decimal integers');
  if (first > second) return badRequest(`first ${first} is greater than second ${second}`);
  if (second > tree.size)
    return badRequest(`second ${second} is beyond the tree size ${tree.size}`);
  // Every tree extends the empty tree, but the RFC does not mention it; real logs (DigiCert's)
  // refuse it.
  if (first === 0) return badRequest('first must be at least 1');
  return {
    status: 200,
    body: { consistency: tree.consistencyProof(first, second).map(encodeBase64) },
  };
}

function getProofByHash(tree: LogTree, query: URLSearchParams): Answer {
  const treeSize = integer(query, 'tree_size');
  const leafHash = decodeBase64(query.get('hash') ?? '');
  if (treeSize === undefined) return badRequest('tree_size must be a decimal integer');
  if (leafHash?.length !== 32) return badRequest('hash must be the base64 of 32 bytes');
  if (treeSize > tree.size)
    return badRequest(`tree_size ${treeSize} is beyond the tree size ${tree.size}`);
  const leafIndex = tree.indexOf(leafHash);
  if (leafIndex === undefined || leafIndex >= treeSize) {
    return { status: 404, body: failure(`no entry of the first ${treeSize} has that hash`) };
  }
  const path = tree.inclusionProof(leafIndex, treeSize);
  return { status: 200, body: { leaf_index: leafIndex, audit_path: path.map(encodeBase64) } };
}

function getEntries(tree: LogTree, query: URLSearchParams): Answer {
  const start = integer(query, 'start');
  const end = integer(query, 'end');
  if (start === undefined || end === undefined)
    return badRequest('start and end must be decimal integers');
  if (start > end) return badRequest(`start ${start} is greater than end ${end}`);
  if (start >= tree.size) return badRequest(`start ${start} is beyond the tree size ${tree.size}`);
  // `end` is inclusive and may be beyond the tree.
  const entries = tree.entries(start, Math.min(end + 1, start + MAX_ENTRIES, tree.size));
  return {
    status: 200,
    // extra_data of an x509_entry is its chain, ASN.1Cert certificate_chain<0..2^24-1>; ours is
    // empty.
    body: {
      entries: entries.map((leaf) => ({ leaf_input: encodeBase64(leaf), extra_data: 'AAAA' })),
    },
  };
}

function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || !/^(0|[1-9][0-9]*)$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

function badRequest(message: string): Answer {
  return { status: 400, body: failure(message) };
}

/** RFC 6962 defines no format for errors; logs have this one in common. */
function failure(message: string): Record<string, unknown> {
  return { success: false, error_message: message };
}

function sendJson(response: ServerResponse, status: number, body: Record<string, unknown>): void {
  send(response, status, JSON.stringify(body), 'application/json');
}

function send(
  response: ServerResponse,
  status: number,
  body: string | Uint8Array,
  contentType: string,
): void {
  response
    .writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) })
    .end(body);
}
