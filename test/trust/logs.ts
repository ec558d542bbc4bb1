// SPDX-License-Identifier: Apache-2.0
/** A log of trust in the tests' own hands, which holds its key and may do with it what a log must not. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { newKeyPair, type KeyPair } from '../../src/ddt/keys.ts';
import { encodeCommand, signCommand, type UnsignedCommand } from '../../src/ddt/version1.ts';
import { formatNoteKey, type NoteKey } from '../../src/statements/note-key.ts';
import { encodeEntry, networkOfLog } from '../../src/trust/log-entry.ts';
import { LogStore } from '../../src/trust/log-store.ts';

export type Signed = readonly [UnsignedCommand, KeyPair];

export class OwnLog {
  readonly path: string;
  readonly key: NoteKey;
  readonly vkey: string;

  private constructor(path: string, key: NoteKey) {
    this.path = path;
    this.key = key;
    this.vkey = formatNoteKey(key);
  }

  static make(t: TestContext, name = 'log.test/trust'): OwnLog {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-own-log-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const path = join(directory, 'log');
    return new OwnLog(path, LogStore.make(path, name).key);
  }

  /** The same log once more, as it is now, with its key. */
  copy(): OwnLog {
    const path = `${this.path}-${copies++}`;
    cpSync(this.path, path, { recursive: true });
    return new OwnLog(path, this.key);
  }

  /** Appends commands, and publishes what `cosigned` makes of the checkpoint. */
  grow(commands: readonly Signed[], cosigned: (note: string) => string = (note) => note): void {
    const store = LogStore.open(this.path);
    const network = networkOfLog(this.key);
    const entries = commands.map(([command, key], i) =>
      encodeEntry(Date.now() + i, encodeCommand(signCommand(command, key, network))),
    );
    if (entries.length > 0) store.append(entries);
    store.publish(cosigned(store.signed));
    store.close();
  }

  /** Appends a command as it came, and publishes the checkpoint; returns its index. */
  take(command: Uint8Array, cosigned: (note: string) => string): number {
    const store = LogStore.open(this.path);
    store.append([encodeEntry(Date.now(), command)]);
    store.publish(cosigned(store.signed));
    store.close();
    return store.size - 1;
  }

  /** What it published last. */
  get checkpoint(): string {
    return readFileSync(join(this.path, 'public/checkpoint'), 'utf8');
  }
}

let copies = 0;

/** Serves whichever log it is told to at one URL. */
export async function servedLog(t: TestContext): Promise<{
  readonly url: string;
  show: (log: OwnLog) => void;
  /** What happens while somebody reads it: when the tiles are asked for. */
  meanwhile: (happens: () => void) => void;
  /** What it says to who adds a command. */
  toAdd: (answer: (command: Uint8Array) => string) => void;
}> {
  let shown: OwnLog | undefined;
  let adding: ((command: Uint8Array) => string) | undefined;
  let meanwhile = (): void => undefined;
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { command } = JSON.parse(Buffer.concat(parts).toString()) as { command: string };
        response.end(adding?.(Buffer.from(command, 'hex')));
      });
      return;
    }
    if (request.url?.startsWith('/tile/') === true) meanwhile();
    try {
      response.end(readFileSync(join(shown?.path ?? '', 'public', request.url ?? '')));
    } catch {
      response.writeHead(404).end();
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    url,
    show: (log) => (shown = log),
    toAdd: (answer) => (adding = answer),
    meanwhile: (happens) => (meanwhile = happens),
  };
}

export const [ROOT, TAGGING] = [newKeyPair(), newKeyPair()] as [KeyPair, KeyPair];

/** What a log has that signs these digests for alice/app, each under a tag. */
export function signing(digests: Readonly<Record<string, string>>): Signed[] {
  const of = { user: 'alice', image: 'app', keyId: 0, until: 0 };
  return [
    [{ kind: 'register-root-key', user: 'alice', serial: 1, publicKey: ROOT.publicKey }, ROOT],
    [{ kind: 'register-key', ...of, serial: 2, publicKey: TAGGING.publicKey }, ROOT],
    ...Object.entries(digests).map(([tag, digest], i) => signed(tag, digest, 3 + i)),
  ];
}

export function signed(tag: string, digest: string, serial: number): Signed {
  const of = { user: 'alice', image: 'app', keyId: 0, until: 0 };
  return [{ kind: 'register-metadata', ...of, tag, serial, digests: [digest] }, TAGGING];
}
