// SPDX-License-Identifier: Apache-2.0
/**
 * Channels: ways to send an alert to a person. `send` resolves when the alert has been delivered,
 * and rejects with the reason if it has not.
 */
import { createHmac } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { connect } from 'node:net';
import { hostname } from 'node:os';
import { clean } from '../base/clean.ts';
import { CtgaError, messageOf } from '../base/errors.ts';
import { COMMAND_MS, runProgram } from '../base/program.ts';
import { HttpError } from '../http/error.ts';
import { directWay, type Resolve } from '../http/request.ts';
import type { Severity } from './conditions.ts';

/** An alert as it is sent; as JSON it is the body of a webhook. */
export interface Alert {
  readonly event: 'alert' | 'recovery' | 'test';
  readonly key: string;
  readonly severity: Severity;
  readonly message: string;
  readonly remedy: string;
  /** ISO 8601. */
  readonly time: string;
  readonly host: string;
}

export type ChannelKind = 'mail' | 'webhook' | 'command' | 'journal';

export interface Channel {
  readonly kind: ChannelKind;
  readonly name: string;
  readonly send: (alert: Alert) => Promise<void>;
  /** Gives up what is being sent, and sends nothing any more; undefined: nothing takes any time. */
  readonly close?: () => void;
}

/** No text from outside begins a line or a header of what a channel sends. */
function channelOf(kind: ChannelKind, name: string, send: Channel['send']): Channel {
  const cleaned = ({ key, message, remedy, host, ...rest }: Alert): Alert => ({
    ...rest,
    key: clean(key),
    message: clean(message),
    remedy: clean(remedy),
    host: clean(host),
  });
  return { kind, name, send: (alert) => send(cleaned(alert)) };
}

export function alertNow(
  event: Alert['event'],
  what: Pick<Alert, 'key' | 'severity' | 'message' | 'remedy'>,
  now: number,
): Alert {
  const { key, severity, message, remedy } = what;
  return {
    event,
    key,
    severity,
    message,
    remedy,
    time: new Date(now).toISOString(),
    host: hostname(),
  };
}

/**
 * Mail through this machine's sendmail(1), which queues it. `address` must have no line breaks.
 * Whoever may not let sendmail become its own group hands the mail to a helper, if one listens at
 * `helper` (packaging/systemd/ctga-mail@.service).
 */
export function mailChannel(
  address: string,
  sendmail = '/usr/sbin/sendmail',
  helper = '/run/ctga-mail.socket',
): Channel {
  const stop = new AbortController();
  const channel = channelOf('mail', `mail to ${address}`, (alert) => {
    const subject = `[ctga ${alert.host}] ${alert.event === 'recovery' ? 'over: ' : ''}${alert.message}`;
    const text = [
      `To: ${address}`,
      `Subject: ${headerText(subject)}`,
      `Date: ${new Date(alert.time).toUTCString().replace('GMT', '+0000')}`,
      'Auto-Submitted: auto-generated',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: base64',
      '',
      base64Lines(`${alert.message}\n\n${alert.remedy}\n\n${alert.time}, ${alert.host}\n`),
    ];
    const mail = `${text.join('\n')}\n`;
    return mayWrite(helper)
      ? askHelper(helper, mail, stop.signal)
      : runProgram(sendmail, ['-i', '-t'], mail, {}, stop.signal);
  });
  return { ...channel, close: () => stop.abort() };
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Rejects with CtgaError if the helper's last line is not that sendmail ended well. */
function askHelper(path: string, mail: string, stop: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ path, allowHalfOpen: true });
    const giveUp = (): unknown => socket.destroy();
    stop.addEventListener('abort', giveUp);
    const patience = setTimeout(
      () => socket.destroy(new Error(`no answer within ${COMMAND_MS / 1000} s`)),
      COMMAND_MS,
    );
    socket.on('data', (chunk: Buffer) => {
      answer = `${answer}${chunk.toString()}`.slice(-500);
      // What sendmail leaves behind to deliver may hold the connection open.
      if (/^exit code \d+\n$/m.test(answer)) socket.destroy();
    });
    socket.once('end', () => socket.destroy());
    // A sendmail that does not read its mail to the end resets the connection when it has answered.
    socket.once('error', (error) => (answer ||= `${path}: ${messageOf(error)}`));
    socket.once('close', () => {
      clearTimeout(patience);
      stop.removeEventListener('abort', giveUp);
      const [end, complaint] = answer.trim().split('\n').reverse();
      if (end === 'exit code 0') resolve();
      else reject(new CtgaError('kernel', [end, complaint ?? []].flat().join(': ') || 'no answer'));
    });
    socket.end(mail);
  });
}

/** Encodes text that is not plain ASCII (RFC 2047). */
function headerText(text: string): string {
  const line = text.slice(0, 200);
  if (/^[\x20-\x7e]*$/.test(line)) return line;
  const words: string[] = [];
  // An encoded word has at most 75 characters, which are 45 bytes in base64.
  for (let rest = Buffer.from(line); rest.length > 0;) {
    let take = Math.min(42, rest.length);
    // Do not split a character.
    while (take < rest.length && ((rest[take] ?? 0) & 0xc0) === 0x80) take--;
    words.push(`=?utf-8?B?${rest.subarray(0, take).toString('base64')}?=`);
    rest = rest.subarray(take);
  }
  return words.join('\n ');
}

function base64Lines(text: string): string {
  return Buffer.from(text).toString('base64').replaceAll(/.{76}/g, '$&\n');
}

export interface WebhookOptions {
  readonly url: string;
  /** The key that signs what is sent, if there is one. */
  readonly secret: string | undefined;
  readonly allowPrivateAddress: boolean;
  /** For tests; otherwise this machine resolves the webhook's name. */
  readonly resolve?: Resolve;
}

/**
 * POSTs the alert as JSON. With a secret, `X-Ctga-Signature` is `t=SECONDS,v1=HEX`, the HMAC-SHA256
 * of `SECONDS.BODY`, so that nobody can forge an alert or send an old one again. It follows no
 * redirects, and connects to private addresses only if `allowPrivateAddress` is true.
 */
export function webhookChannel(options: WebhookOptions): Channel {
  const { url, secret, allowPrivateAddress, resolve } = options;
  const { fetch, close } = directWay({ allowPrivateAddress }, resolve);
  const channel = channelOf('webhook', `webhook ${new URL(url).host}`, async (alert) => {
    const body = JSON.stringify(alert);
    const headers =
      secret === undefined ? undefined : { 'x-ctga-signature': sign(body, secret, Date.now()) };
    const { status } = await fetch(url, { post: body, headers });
    if (status < 200 || status > 299)
      throw new HttpError('http-bad-answer', `it answered with status ${status}`);
  });
  return { ...channel, close };
}

/** The value of X-Ctga-Signature: see webhookChannel. */
export function sign(body: string, secret: string, now: number): string {
  const seconds = Math.floor(now / 1000);
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

/**
 * Runs a shell command. It gets the alert as JSON on its standard input, and in the variables
 * CTGA_EVENT, CTGA_KEY, CTGA_SEVERITY, CTGA_MESSAGE and CTGA_REMEDY.
 */
export function commandChannel(command: string): Channel {
  const stop = new AbortController();
  const channel = channelOf('command', `command ${command}`, (alert) => {
    const environment = {
      CTGA_EVENT: alert.event,
      CTGA_KEY: alert.key,
      CTGA_SEVERITY: alert.severity,
      CTGA_MESSAGE: alert.message,
      CTGA_REMEDY: alert.remedy,
    };
    const input = `${JSON.stringify(alert)}\n`;
    return runProgram('/bin/sh', ['-c', command], input, environment, stop.signal);
  });
  return { ...channel, close: () => stop.abort() };
}

/** Standard output, with the priorities of sd-daemon(3) if it is the journal. */
export function journalChannel(write: (text: string) => void, isJournal: boolean): Channel {
  return channelOf('journal', isJournal ? 'journal' : 'standard output', (alert) => {
    const priority = { critical: 2, warning: 4 }[alert.severity];
    const prefix = isJournal ? `<${alert.event === 'recovery' ? 5 : priority}>` : '';
    const over = alert.event === 'recovery' ? 'over: ' : '';
    write(`${prefix}${over}${alert.message} ${alert.remedy}\n`);
    return Promise.resolve();
  });
}
