// SPDX-License-Identifier: Apache-2.0
/**
 * The part of Tor's control protocol (control-spec.txt) that the lab needs: how far a client has
 * bootstrapped, and which circuit each stream used.
 */
import { connect, type Socket } from 'node:net';
import { CtgaError } from '../base/errors.ts';

/** A stream's user and its circuit. */
export interface TorStream {
  /** The SOCKS user name; each of the challenger's identities has another one. */
  readonly user: string;
  readonly circuit: string;
}

export class TorControl {
  readonly #socket: Socket;
  readonly #users = new Map<string, string>();
  readonly #circuits = new Map<string, string>();
  /** Streams that tor opened for itself. */
  readonly #internal = new Set<string>();
  /** The lines of the reply that is being read, and the caller that waits for it. */
  #lines: string[] = [];
  #waiting:
    | { readonly done: (lines: string[]) => void; readonly failed: (error: Error) => void }
    | undefined;
  #rest = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => this.#read(chunk));
    const ended = (): void =>
      this.#waiting?.failed(new CtgaError('kernel', "tor's control port closed"));
    socket.on('close', ended);
    socket.on('error', ended);
  }

  /**
   * `path` is a ControlPort on a Unix socket, without authentication. Rejects if nobody listens.
   */
  static async connect(path: string): Promise<TorControl> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) =>
      socket.once('connect', resolve).once('error', reject),
    );
    const control = new TorControl(socket);
    await control.#ask('AUTHENTICATE ""');
    return control;
  }

  /** How far tor has bootstrapped, in per cent, and what it is doing. */
  async bootstrapped(): Promise<{ readonly percent: number; readonly summary: string }> {
    const reply = (await this.#ask('GETINFO status/bootstrap-phase')).join('\n');
    const [, percent = '0'] = /PROGRESS=(\d+)/.exec(reply) ?? [];
    const [, summary = ''] = /SUMMARY="([^"]*)"/.exec(reply) ?? [];
    return { percent: Number(percent), summary };
  }

  /** Makes tor report its streams; `streams` knows all of them from now on. */
  async watchStreams(): Promise<void> {
    await this.#ask('SETEVENTS STREAM');
  }

  /** Every stream that was joined to a circuit since `watchStreams`. */
  streams(): TorStream[] {
    return [...this.#circuits].map(([stream, circuit]) => ({
      user: this.#users.get(stream) ?? '',
      circuit,
    }));
  }

  close(): void {
    this.#socket.destroy();
  }

  async #ask(command: string): Promise<string[]> {
    const lines = await new Promise<string[]>((done, failed) => {
      this.#waiting = { done, failed };
      this.#socket.write(`${command}\r\n`);
    });
    if (!lines.at(-1)?.startsWith('250 '))
      throw new CtgaError('kernel', `tor refuses ${command}: ${lines.at(-1) ?? 'no answer'}`);
    return lines;
  }

  /**
   * Replies and events are lines that begin with a code; a space behind it ends them (Section 2.3).
   */
  #read(chunk: string): void {
    const lines = (this.#rest + chunk).split('\r\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('650')) this.#onEvent(line);
      else {
        this.#lines.push(line);
        if (!/^\d{3} /.test(line)) continue;
        this.#waiting?.done(this.#lines);
        [this.#lines, this.#waiting] = [[], undefined];
      }
    }
  }

  /** 650 STREAM id status circuit target ... (Section 4.1.2) */
  #onEvent(line: string): void {
    const [, stream, status, circuit] = /^650 STREAM (\d+) (\S+) (\d+) /.exec(line) ?? [];
    if (stream === undefined || circuit === undefined) return;
    const [, user] = /SOCKS_USERNAME="([^"]*)"/.exec(line) ?? [];
    if (user !== undefined) this.#users.set(stream, user);
    // Tor's own look-ups of its directory are nobody's questions, and carry no credentials.
    if (/ PURPOSE=(?!USER)/.test(line)) this.#internal.add(stream);
    if (this.#internal.has(stream)) return;
    if (status === 'SUCCEEDED') this.#circuits.set(stream, circuit);
  }
}
