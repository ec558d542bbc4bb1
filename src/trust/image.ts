// SPDX-License-Identifier: Apache-2.0
/** The digest of an image, wherever it is. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix, resolve } from 'node:path';
import { badInput, CtgaError } from '../base/errors.ts';
import { digestOfLayout } from './layout.ts';
import { ambiguous, ImageError, MAX_DEPTH, partsOfManifest, type Descriptor } from './manifest.ts';

/** How people name an image, for the help and for mistakes. */
export const IMAGE_FORMS =
  'oci:DIRECTORY[:NAME], oci-archive:FILE[:NAME], docker://HOST/NAME[:TAG] or sha256:HEX';

/**
 * The digest of an image: of its index if it has several architectures. An image in a layout or
 * an archive is checked whole; of one in a registry, skopeo fetches the manifests, which are hashed and
 * read here, and whoever pulls it checks the rest. Rejects with ImageError for an image that is not what its
 * digest says, and for one that programs could take for another, and with CtgaError `interrupted` if `stop` is
 * aborted: a registry may answer late, or never.
 */
export async function digestOfImage(image: string, stop?: AbortSignal): Promise<string> {
  try {
    return await digestOf(image, stop);
  } catch (error) {
    if (stop?.aborted !== true) throw error;
    throw new CtgaError('interrupted', `interrupted, so nobody knows what ${image} is`, {
      remedy: 'Run it again.',
      cause: error,
    });
  }
}

async function digestOf(image: string, stop: AbortSignal | undefined): Promise<string> {
  const [, kind = '', rest = ''] = /^(oci|oci-archive|docker|sha256):(.+)$/s.exec(image) ?? [];
  switch (kind) {
    case 'sha256':
      if (/^[0-9a-f]{64}$/.test(rest)) return image;
      break;
    case 'oci':
    case 'oci-archive': {
      // As skopeo and Podman take it: the first colon ends the path, whatever the name is.
      const [, path, ref] = /^([^:]+)(?::(.+)?)?$/s.exec(rest) ?? [];
      if (path === undefined) break;
      return kind === 'oci' ? digestOfLayout(path, ref, stop) : digestOfArchive(path, ref, stop);
    }
    case 'docker':
      if (rest.startsWith('//')) return digestInRegistry(image, stop);
  }
  throw badInput(`'${image}' names no image: want ${IMAGE_FORMS}`);
}

async function digestOfArchive(
  file: string,
  ref: string | undefined,
  stop: AbortSignal | undefined,
): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-image-'));
  try {
    // A colon in the name of the file does not name another machine, and a hyphen not what is typed.
    const words = ['-x', '-v', '--quoting-style=escape', '--force-local', '-f', resolve(file)];
    words.push('-C', directory, '--no-same-owner', '--no-same-permissions');
    const names = await run('tar', words, 'bad-input', `cannot read ${file}`, stop);
    checkNames(names.toString('utf8').split('\n'), file);
    return await digestOfLayout(directory, ref, stop);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Throws ImageError if a file stands twice in an archive: of two, tar keeps the last and `skopeo copy
 * docker-archive:` takes the first.
 */
function checkNames(names: readonly string[], archive: string): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (name === '' || name.endsWith('/')) continue;
    const path = posix.normalize(`/${name}`);
    if (seen.has(path)) throw ambiguous(archive, `${path.slice(1)} stands twice in it`);
    seen.add(path);
  }
}

async function digestInRegistry(image: string, stop: AbortSignal | undefined): Promise<string> {
  const [, repository = image, wanted] =
    /^(docker:\/\/[^@]*?)(?::[^:/@]+)?(?:@(sha256:[0-9a-f]{64}))?$/.exec(image) ?? [];
  const manifest = await manifestInRegistry(image, stop);
  const digest = digestOfBytes(manifest);
  if (wanted !== undefined && wanted !== digest)
    throw new CtgaError('kernel', `the registry answered with ${digest} in place of ${wanted}`);
  const fetch: Fetch = (each) => manifestInRegistry(`${repository}@${each}`, stop);
  await checkInRegistry(fetch, manifest, { digest }, 0, new Set());
  return digest;
}

/** The manifest with a digest. */
type Fetch = (digest: string) => Promise<Buffer>;

/** Checks that nothing can be read in two ways in a manifest, and in those that it lists. */
async function checkInRegistry(
  fetch: Fetch,
  manifest: Buffer,
  { digest, mediaType }: Pick<Descriptor, 'digest' | 'mediaType'>,
  depth: number,
  checked: Set<string>,
): Promise<void> {
  const { kind, parts } = partsOfManifest(manifest, { what: digest, mediaType });
  if (kind === 'image') return;
  if (depth >= MAX_DEPTH)
    throw new ImageError('image-changed', `${digest} is no index: it is too deep`);
  for (const part of parts) {
    const key = JSON.stringify([part.digest, part.mediaType]);
    if (checked.has(key)) continue;
    checked.add(key);
    const bytes = await fetch(part.digest);
    if (digestOfBytes(bytes, part.digest) !== part.digest || bytes.length !== part.size)
      throw new ImageError('image-changed', `what the registry has as ${part.digest} is not that`);
    await checkInRegistry(fetch, bytes, part, depth + 1, checked);
  }
}

const digestOfBytes = (bytes: Uint8Array, like = 'sha256:'): string => {
  const [algorithm = ''] = like.split(':');
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
};

function manifestInRegistry(image: string, stop: AbortSignal | undefined): Promise<Buffer> {
  // A registry on this machine has no certificate.
  const isLocal = /^docker:\/\/(?:localhost|127\.[\d.]+|\[::1\])[:/]/.test(image);
  const words = ['inspect', '--raw', ...(isLocal ? ['--tls-verify=false'] : []), image];
  return run('skopeo', words, 'kernel', `cannot fetch the manifest of ${image}`, stop);
}

function run(
  program: string,
  words: readonly string[],
  code: 'bad-input' | 'kernel',
  failure: string,
  stop: AbortSignal | undefined,
): Promise<Buffer> {
  return new Promise((done, reject) => {
    const options = { encoding: 'buffer', maxBuffer: 8 * 2 ** 20, signal: stop } as const;
    execFile(program, words, options, (error, stdout, stderr) => {
      if (error === null) return done(stdout);
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
