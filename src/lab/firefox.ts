// SPDX-License-Identifier: Apache-2.0
/**
 * Debian's Firefox without a screen, driven by Marionette, Firefox's own protocol: each message is
 * its length in decimal, a colon and JSON. A command is [0, id, name, parameters], its answer
 * [1, id, error, result].
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import * as z from 'zod';

export const FIREFOX = '/usr/bin/firefox-esr';

/** What of Firefox would ask hosts that nobody visits, or wait for a person. */
const QUIET = {
  'app.normandy.enabled': false,
  'app.update.disabledForTesting': true,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'marionette.port': 0,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.http.http3.enable': false,
  'network.proxy.type': 0,
  'network.trr.mode': 5,
  'security.OCSP.enabled': 0,
  'services.settings.server': 'data:,#none',
  'toolkit.telemetry.enabled': false,
  // Of Debian's ESR: the extension is not one that Mozilla has signed.
  'xpinstall.signatures.required': false,
} as const;

/** Writes a profile that keeps to itself; it may be there. Preferences by name. */
export function prepareProfile(
  profile: string,
  preferences: Readonly<Record<string, string | number | boolean>> = {},
): void {
  mkdirSync(profile, { recursive: true });
  const lines = Object.entries({ ...QUIET, ...preferences }).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(profile, 'user.js'), lines.join(''));
}

/** Its HOME has to be a directory of whoever runs it. */
export function firefoxCommand(profile: string): [string, ...string[]] {
  return [
    FIREFOX,
    '--headless',
    '--no-remote',
    '--marionette',
    '--remote-allow-system-access',
    '--profile',
    profile,
  ];
}

/** The port on 127.0.0.1 at which a Firefox listens that uses the profile; undefined until it does. */
export function marionettePort(profile: string): number | undefined {
  try {
    const port = Number(readFileSync(join(profile, 'MarionetteActivePort'), 'utf8'));
    return port > 0 ? port : undefined;
  } catch {
    return undefined;
  }
}

const answerSchema = z.tuple([
  z.literal(1),
  z.number(),
  z.nullable(z.object({ error: z.string(), message: z.string() })),
  z.unknown(),
]);

/** Firefox refused a command, or is gone. */
export class MarionetteError extends Error {}

export class Marionette {
  readonly #stream: Duplex;
  readonly #waiting = new Map<
    number,
    { resolve: (result: unknown) => void; reject: (error: Error) => void }
  >();
  #received = Buffer.alloc(0);
  #lastId = 0;

  private constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (bytes: Buffer) => this.#hear(bytes));
    const gone = (): void => {
      for (const { reject } of this.#waiting.values())
        reject(new MarionetteError('Firefox is gone'));
      this.#waiting.clear();
    };
    stream.on('error', gone);
    stream.on('close', gone);
  }

  /** `stream` leads to the port of marionettePort. */
  static async open(stream: Duplex): Promise<Marionette> {
    const firefox = new Marionette(stream);
    await firefox.command('WebDriver:NewSession', {
      capabilities: { alwaysMatch: { pageLoadStrategy: 'normal' } },
    });
    return firefox;
  }

  /** Rejects with MarionetteError. */
  command(name: string, parameters: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const id = ++this.#lastId;
    const text = JSON.stringify([0, id, name, parameters]);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#stream.write(`${Buffer.byteLength(text)}:${text}`);
    });
  }

  /** Resolves when the page has loaded. */
  async visit(url: string): Promise<void> {
    await this.command('WebDriver:Navigate', { url });
  }

  /**
   * Installs the extension of a packed file for good, or that of a directory until Firefox ends.
   * Resolves to its ID.
   */
  async install(path: string): Promise<string> {
    const result = await this.command('Addon:Install', { path, temporary: !path.endsWith('.xpi') });
    return z.object({ value: z.string() }).parse(result).value;
  }

  /** Has this profile trust a root certificate for TLS. */
  async trust(root: Uint8Array): Promise<void> {
    await this.inBrowser(
      `Cc['@mozilla.org/security/x509certdb;1'].getService(Ci.nsIX509CertDB)
        .addCertFromBase64(arguments[0], 'CT,,');`,
      Buffer.from(root).toString('base64'),
    );
  }

  /** Runs the body of an async function with the browser's own rights, and resolves to its value. */
  async inBrowser(body: string, ...args: readonly unknown[]): Promise<unknown> {
    await this.command('Marionette:SetContext', { value: 'chrome' });
    try {
      return await this.inPage(body, ...args);
    } finally {
      await this.command('Marionette:SetContext', { value: 'content' });
    }
  }

  /** Runs the body of an async function in the page. */
  async inPage(body: string, ...args: readonly unknown[]): Promise<unknown> {
    const script = `return (async function () { ${body} }).apply(null, arguments);`;
    const result = await this.command('WebDriver:ExecuteScript', { script, args });
    return z.object({ value: z.unknown() }).parse(result).value;
  }

  /** Ends Firefox. */
  async quit(): Promise<void> {
    await this.command('Marionette:Quit', { flags: ['eAttemptQuit'] });
    this.#stream.destroy();
  }

  #hear(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (;;) {
      const colon = this.#received.indexOf(':');
      if (colon < 0) return;
      const end = colon + 1 + Number(this.#received.subarray(0, colon).toString('latin1'));
      if (this.#received.length < end) return;
      const json: unknown = JSON.parse(this.#received.subarray(colon + 1, end).toString('utf8'));
      this.#received = this.#received.subarray(end);
      // Its first message says what it is.
      const answer = answerSchema.safeParse(json);
      if (!answer.success) continue;
      const [, id, error, result] = answer.data;
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === null) waiting?.resolve(result);
      else waiting?.reject(new MarionetteError(`${error.error}: ${error.message}`));
    }
  }
}
