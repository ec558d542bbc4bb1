// SPDX-License-Identifier: Apache-2.0
/**
 * OCI image layouts (OCI image-spec v1.1, "Image Layout"): which digest an image has, and that all
 * of it is what the digest says, down to the layers.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { badFile, badInput, FileFault, messageOf } from '../base/errors.ts';
import { bytesOf } from '../base/read-file.ts';
import { systemFault } from '../base/system-error.ts';
import {
  ambiguous,
  checkData,
  descriptorSchema,
  DOCKER_FIELDS,
  ImageError,
  MAX_DEPTH,
  MAX_MANIFEST,
  parseUnambiguous,
  partsOfManifest,
  type Descriptor,
} from './manifest.ts';

const indexSchema = z.object({
  schemaVersion: z.literal(2).optional(),
  manifests: z.array(descriptorSchema),
});

const REF_NAME = 'org.opencontainers.image.ref.name';

/**
 * The digest of the image that `ref` names in a layout, or of the only one. Rejects with CtgaError
 * `bad-input` if there is none of that name, and with ImageError if a part of it is not what it should be, or
 * `stop` is aborted before it is read.
 */
export async function digestOfLayout(
  directory: string,
  ref: string | undefined,
  stop?: AbortSignal,
): Promise<string> {
  const path = join(directory, 'index.json');
  let index;
  try {
    index = readIndex(path);
  } catch (error) {
    if (error instanceof ImageError) throw error;
    const isOfDisk = error instanceof FileFault || systemFault(error) !== undefined;
    throw badFile('read', path, isOfDisk ? error : new Error('no index of images'));
  }
  const found = index.manifests.filter(
    ({ annotations }) => ref === undefined || annotations?.[REF_NAME] === ref,
  );
  const [image, ...more] = found;
  if (image === undefined) throw badInput(`${directory} has no image ${ref ?? ''}`.trim());
  if (more.length > 0)
    throw badInput(`${directory} has several images: name one, as oci:${directory}:NAME`);
  const images: string[] = [];
  const checking = { directory, stop, checked: new Set<string>(), images };
  await checkBlob(image, { depth: 0, isManifest: true }, checking);
  checkForDocker(directory, images);
  return image.digest;
}

const dockerSchema = z.array(z.object({ Config: z.string(), Layers: z.array(z.string()) }));
/** What `docker load` reads of an archive that has no manifest.json. */
const BEFORE_MANIFEST = 'repositories';

/**
 * `docker save` writes a manifest.json beside index.json, and `docker load` may read that alone. Throws ImageError
 * unless all that it has are these images; each is its configuration and its layers, as JSON.
 */
function checkForDocker(directory: string, images: readonly string[]): void {
  const path = join(directory, 'manifest.json');
  if (!existsSync(path)) {
    if (existsSync(join(directory, BEFORE_MANIFEST)))
      throw ambiguous(directory, `docker load reads its file '${BEFORE_MANIFEST}'`);
    return;
  }
  let listed;
  try {
    if (!statSync(path).isFile()) throw new Error('it is no file');
    listed = dockerSchema.parse(parseUnambiguous(bytesOf(path, MAX_MANIFEST), path, DOCKER_FIELDS));
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw ambiguous(directory, 'docker load reads its manifest.json, which is none');
  }
  for (const { Config, Layers } of listed)
    if (!images.includes(JSON.stringify([Config, ...Layers])))
      throw new ImageError(
        'image-changed',
        `${path} has another image than index.json, and docker load would take it`,
        { remedy: 'Save one image alone, or remove manifest.json: programs for OCI need none.' },
      );
}

const pathOf = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

/** What an image has none of, so that index.json is not taken for one. */
const NOT_IN_INDEX = ['config', 'layers', 'fsLayers', 'history', 'blobs'];

/**
 * The one file of a layout that no digest covers. Whoever made it must not have another image pulled than the
 * one that is verified here. Throws ImageError for what can be read in two ways.
 */
function readIndex(path: string): z.infer<typeof indexSchema> {
  if (!statSync(path).isFile()) throw new FileFault('it is no file', 'Save the image anew.');
  const value = parseUnambiguous(bytesOf(path, MAX_MANIFEST), path);
  const index = indexSchema.parse(value);
  for (const field of NOT_IN_INDEX)
    if (field in (value as object)) throw ambiguous(path, `an index has no '${field}'`);
  for (const each of index.manifests) checkData(each, path);
  return index;
}

interface Checking {
  readonly directory: string;
  readonly stop: AbortSignal | undefined;
  readonly checked: Set<string>;
  /** The images that were found: where the configuration and the layers of each are, as JSON. */
  readonly images: string[];
}

async function checkBlob(
  { digest, size, mediaType }: Descriptor,
  { depth, isManifest }: { readonly depth: number; readonly isManifest: boolean },
  checking: Checking,
): Promise<void> {
  const { directory, stop, checked, images } = checking;
  // Once as what each place says that it is.
  const key = JSON.stringify([digest, size, isManifest, mediaType]);
  if (checked.has(key)) return;
  checked.add(key);
  const [algorithm = '', hex = ''] = digest.split(':');
  const path = join(directory, pathOf(digest));
  let manifest: Buffer | undefined;
  try {
    const found = statSync(path);
    if (!found.isFile()) throw new Error('it is no file');
    if (found.size !== size)
      throw new ImageError('image-changed', `${digest} has another length than the image says`);
    const hash = createHash(algorithm);
    // What is read of a manifest are the bytes that are hashed, also if the file is changed meanwhile.
    if (isManifest && size <= MAX_MANIFEST) hash.update((manifest = readFileSync(path)));
    else
      for await (const part of createReadStream(path, { signal: stop }))
        hash.update(part as Buffer);
    if (hash.digest('hex') !== hex)
      throw new ImageError('image-changed', `${path} was changed: it is not ${digest}`);
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError(
      'image-changed',
      `${digest} of the image cannot be read: ${messageOf(error)}`,
    );
  }
  if (!isManifest) return;
  if (depth > MAX_DEPTH || manifest === undefined)
    throw new ImageError('image-changed', `${digest} is no manifest: it is too large or too deep`);
  const { kind, parts } = partsOfManifest(manifest, { what: digest, mediaType });
  if (kind === 'image') images.push(JSON.stringify(parts.map((each) => pathOf(each.digest))));
  for (const part of parts)
    await checkBlob(part, { depth: depth + 1, isManifest: kind === 'index' }, checking);
}
