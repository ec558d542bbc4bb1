// SPDX-License-Identifier: Apache-2.0
/** The certificate and the key of a server, in files that somebody else renews. */
import { statSync } from 'node:fs';
import { readTextFile } from '../base/documents.ts';

export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

/** In PEM. */
export interface Tls {
  readonly cert: string;
  readonly key: string;
}

/** Throws CtgaError `bad-input` where one cannot be read. */
export function readTls({ certificate, key }: TlsFiles): Tls {
  return { cert: readTextFile(certificate), key: readTextFile(key) };
}

/**
 * Takes what was renewed, each time that it is called. The two files change one after the other, and
 * may be readable later than they are there: what cannot be taken is tried again the next time, and
 * told once.
 */
export function renewal(
  files: TlsFiles,
  renew: (tls: Tls) => void,
  onError: (error: unknown) => void,
): () => void {
  const state = (): string | undefined => {
    const [certificate, key] = [files.certificate, files.key].map(
      (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs,
    );
    return certificate === undefined || key === undefined ? undefined : `${certificate} ${key}`;
  };
  let taken = state();
  let told: string | undefined;
  return () => {
    let now: string | undefined;
    try {
      now = state();
      if (now === undefined || now === taken) return;
      renew(readTls(files));
      taken = now;
    } catch (error) {
      if (now === undefined || now !== told) onError(error);
      told = now;
    }
  };
}
