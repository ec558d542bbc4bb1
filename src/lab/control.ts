// SPDX-License-Identifier: Apache-2.0
/**
 * Commands to the lab's log: one JSON object a line over a Unix socket. The log answers each with
 * its state afterwards. The socket is in the file system, so it can be reached from any network
 * namespace, and a person can give commands to the log that `ctga lab up` leaves running:
 *
 *   sudo ctga lab tell '{"do":"grow","count":5}'
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { LogError } from '../ask/asker.ts';
import { describeIssue } from '../base/documents.ts';
import { badInput, messageOf } from '../base/errors.ts';
import { jsonFault } from '../base/json-fault.ts';

const count = z.number().int().nonnegative();

const commandSchema = z.discriminatedUnion('do', [
  z.object({ do: z.literal('state') }),
  z.object({
    do: z.literal('grow'),
    count: count.min(1).max(1_000_000),
    audience: z.enum(['public', 'victim']).default('public'),
  }),
  z.object({ do: z.literal('equivocate'), fromSize: count, treeSize: count.max(1_000_000) }),
  z.object({ do: z.literal('stop-equivocating') }),
  /** Appends a precertificate, in base64, to a tree, and answers with the SCT for it. */
  z.object({
    do: z.literal('promise'),
    issuerKeyHash: z.base64(),
    tbsCertificate: z.base64(),
    audience: z.enum(['public', 'victim']).default('public'),
  }),
  /** Pads answers with the current tree head to `answerSize` bytes and sends IP fragments. */
  z.object({
    do: z.literal('fragment'),
    answerSize: count.min(512).max(4096),
    maxIpLength: count.min(68).max(1500),
    order: z.enum(['in order', 'reverse', 'shuffle']),
  }),
  /** The fault of the API from now on. */
  z.object({
    do: z.literal('misbehave'),
    misbehaviour: z
      .discriminatedUnion('kind', [
        z.object({ kind: z.literal('html') }),
        z.object({ kind: z.literal('server-error') }),
        z.object({ kind: z.literal('rate-limit'), retryAfterSeconds: count }),
        z.object({ kind: z.literal('hang') }),
        z.object({ kind: z.literal('garbage-proof') }),
      ])
      .optional(),
  }),
]);

/** A command to the log. */
export type LogCommand = z.infer<typeof commandSchema>;

const stateSchema = z.object({
  /** The SubjectPublicKeyInfo and its SHA-256, in base64. */
  key: z.string(),
  logId: z.string(),
  publicSize: z.number(),
  victimSize: z.number(),
  equivocating: z.boolean(),
  /** The TXT data of each tree head sent, in order, and the number of its IP packets. */
  answers: z.array(z.object({ text: z.string(), packets: z.number() })),
  apiRequests: z.number(),
  /** The SCT that the command asked for, in base64. */
  sct: z.string().optional(),
});
export type LogState = z.infer<typeof stateSchema>;

const replySchema = z.union([z.object({ state: stateSchema }), z.object({ error: z.string() })]);

/** Obeys commands on the socket `path` until the process ends. Resolves when it listens. */
export async function listenForCommands(
  path: string,
  obey: (command: LogCommand) => LogState,
): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    createInterface({ input: socket }).on('line', (line) => {
      socket.write(`${JSON.stringify(replyTo(line, obey))}\n`);
    });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  return server;
}

function replyTo(
  line: string,
  obey: (command: LogCommand) => LogState,
): z.infer<typeof replySchema> {
  try {
    return { state: obey(commandSchema.parse(JSON.parse(line))) };
  } catch (error) {
    return { error: error instanceof z.ZodError ? describeIssue(error) : messageOf(error) };
  }
}

/** Parses a command that a person typed. Throws CtgaError `bad-input`. */
export function parseCommand(json: string): z.input<typeof commandSchema> {
  try {
    return commandSchema.parse(JSON.parse(json));
  } catch (error) {
    const why = error instanceof z.ZodError ? describeIssue(error) : jsonFault(json).what;
    throw badInput(`no command for the lab's log: ${why}`, 'For instance: {"do":"grow","count":5}');
  }
}

/** The client's end of the socket. Send one command at a time. */
export class LogControl {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;

  /** Rejects if nobody listens yet. */
  static async connect(path: string): Promise<LogControl> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) =>
      socket.once('error', reject).once('connect', resolve),
    );
    return new LogControl(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => socket.destroy());
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  /** Rejects with CtgaError if the log has ended or refuses the command. */
  async tell(command: z.input<typeof commandSchema>): Promise<LogState> {
    this.#socket.write(`${JSON.stringify(command)}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new LogError('log-unavailable', "the lab's log has ended");
    const reply = replySchema.parse(JSON.parse(line.value));
    if ('error' in reply) throw new LogError('log-refused', `the lab's log: ${reply.error}`);
    return reply.state;
  }

  close(): void {
    this.#socket.destroy();
  }
}
