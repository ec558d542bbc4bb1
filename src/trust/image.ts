// SPDX-License-Identifier: Apache-2.0
/** The digest of an image, wherever it is. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { badInput, CtgaError } from '../base/errors.ts';
import { digestOfLayout } from './layout.ts';

/** How people name an image, for the help and for mistakes. */
export const IMAGE_FORMS =
  'oci:DIRECTORY[:NAME], oci-archive:FILE[:NAME], docker://HOST/NAME[:TAG] or sha256:HEX';

/**
 * The digest of an image: of its index if it has several architectures. An image in a layout or
 * an archive is checked whole; of one in a registry, skopeo fetches the manifest, which is hashed here,
 * and whoever pulls it checks the rest.
 */
export async function digestOfImage(image: string): Promise<string> {
  const [, kind = '', rest = ''] = /^(oci|oci-archive|docker|sha256):(.+)$/s.exec(image) ?? [];
  switch (kind) {
    case 'sha256':
      if (/^[0-9a-f]{64}$/.test(rest)) return image;
      break;
    case 'oci':
    case 'oci-archive': {
      const [, path = '', ref] = /^(.*?)(?::([^/:]+(?::[^/:]+)?))?$/s.exec(rest) ?? [];
      return kind === 'oci' ? digestOfLayout(path, ref) : digestOfArchive(path, ref);
    }
    case 'docker':
      if (rest.startsWith('//')) return digestInRegistry(image);
  }
  throw badInput(`'${image}' names no image: want ${IMAGE_FORMS}`);
}

async function digestOfArchive(file: string, ref: string | undefined): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-image-'));
  try {
    // A colon in the name of the file does not name another machine.
    const words = ['-x', '--force-local', '-f', file, '-C', directory];
    words.push('--no-same-owner', '--no-same-permissions');
    await run('tar', words, 'bad-input', `cannot read ${file}`);
    return await digestOfLayout(directory, ref);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function digestInRegistry(image: string): Promise<string> {
  // A registry on this machine has no certificate.
  const isLocal = /^docker:\/\/(?:localhost|127\.[\d.]+|\[::1\])[:/]/.test(image);
  const words = ['inspect', '--raw', ...(isLocal ? ['--tls-verify=false'] : []), image];
  const manifest = await run('skopeo', words, 'kernel', `cannot fetch the manifest of ${image}`);
  const [, wanted] = /@(sha256:[0-9a-f]{64})$/.exec(image) ?? [];
  const digest = `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
  if (wanted === undefined || wanted === digest) return digest;
  throw new CtgaError('kernel', `the registry answered with ${digest} in place of ${wanted}`);
}

function run(
  program: string,
  words: readonly string[],
  code: 'bad-input' | 'kernel',
  failure: string,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { encoding: 'buffer', maxBuffer: 8 * 2 ** 20 } as const;
    execFile(program, words, options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      if (error.code === 'ENOENT')
        return reject(
          new CtgaError('not-set-up', `${program} is not on this machine`, {
            remedy: `Install it: sudo apt-get install ${program}`,
          }),
        );
      const said = stderr.toString('utf8').trim().split('\n').at(-1) ?? '';
      reject(new CtgaError(code, `${failure}: ${said}`));
    });
  });
}
