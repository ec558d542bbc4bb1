// SPDX-License-Identifier: Apache-2.0
/**
 * OCI image layouts (OCI image-spec v1.1, "Image Layout"): which digest an image has, and that all
 * of it is what the digest says, down to the layers.
 */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { badFile, badInput, CtgaError, messageOf } from '../base/errors.ts';

/** An image is not what its digest says: it was changed, or a part is missing. */
export class ImageError extends CtgaError<'image-changed'> {}

const descriptorSchema = z.object({
  mediaType: z.string().optional(),
  digest: z.string().regex(/^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/),
  size: z.int().min(0),
  annotations: z.record(z.string(), z.string()).optional(),
});
type Descriptor = z.infer<typeof descriptorSchema>;
const manySchema = z.array(descriptorSchema).optional();
const indexSchema = z.object({ manifests: z.array(descriptorSchema) });
const manifestSchema = z.object({
  manifests: manySchema,
  config: descriptorSchema.optional(),
  layers: manySchema,
});

/** OCI's limit for manifests. */
const MAX_MANIFEST = 4 * 2 ** 20;
/** How deep indexes may lie in indexes. */
const MAX_DEPTH = 4;
const REF_NAME = 'org.opencontainers.image.ref.name';

/**
 * The digest of the image that `ref` names in a layout, or of the only one. Rejects with CtgaError
 * `bad-input` if there is none of that name, and with ImageError if a part of it is not what it should be.
 */
export async function digestOfLayout(directory: string, ref: string | undefined): Promise<string> {
  const path = join(directory, 'index.json');
  let index;
  try {
    index = readIndex(path);
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw badFile(
      'read',
      path,
      error instanceof z.ZodError ? new Error('no index of images') : error,
    );
  }
  const found = index.manifests.filter(
    ({ annotations }) => ref === undefined || annotations?.[REF_NAME] === ref,
  );
  const [image, ...more] = found;
  if (image === undefined) throw badInput(`${directory} has no image ${ref ?? ''}`.trim());
  if (more.length > 0)
    throw badInput(`${directory} has several images: name one, as oci:${directory}:NAME`);
  await checkBlob(directory, image, 0, new Set());
  return image.digest;
}

/** What programs in Go look for in index.json: they take these names in capital letters too. */
const FIELDS = ['manifests', 'mediaType', 'digest', 'size', 'annotations', 'platform'];
const folded = (key: string): string => key.toLowerCase().toUpperCase();
const FOLDED = new Map(FIELDS.map((each) => [folded(each), each]));

/**
 * The one file of a layout that no digest covers. Whoever made it must not have another image pulled than the
 * one that is verified here: podman and skopeo, which are written in Go, take names of fields in any letters, and
 * of a name that stands twice they may take both. Throws ImageError for what can be read in two ways.
 */
function readIndex(path: string): z.infer<typeof indexSchema> {
  if (!statSync(path).isFile()) throw new Error('it is no file');
  const text = readFileSync(path, 'utf8');
  const value: unknown = JSON.parse(text);
  const names = text.match(/"(?:[^"\\]|\\.)*"\s*:?/g)?.filter((each) => each.endsWith(':')) ?? [];
  if (names.length !== namesIn(value)) throw ambiguous(path, 'a name stands twice in it');
  return indexSchema.parse(value);

  function namesIn(part: unknown, isMap = false): number {
    if (typeof part !== 'object' || part === null) return 0;
    const entries = Object.entries(part);
    let count = Array.isArray(part) ? 0 : entries.length;
    for (const [key, each] of entries) {
      const field = FOLDED.get(folded(key));
      if (!isMap && field !== undefined && field !== key)
        throw ambiguous(path, `'${key}' is not '${field}'`);
      count += namesIn(each, key === 'annotations');
    }
    return count;
  }
}

function ambiguous(path: string, why: string): ImageError {
  return new ImageError('image-changed', `${path} can be read in two ways: ${why}`);
}

async function checkBlob(
  directory: string,
  { digest, size, mediaType = '' }: Descriptor,
  depth: number,
  checked: Set<string>,
): Promise<void> {
  if (checked.has(digest)) return;
  checked.add(digest);
  const [algorithm = '', hex = ''] = digest.split(':');
  const path = join(directory, 'blobs', algorithm, hex);
  try {
    const found = statSync(path);
    if (!found.isFile()) throw new Error('it is no file');
    if (found.size !== size)
      throw new ImageError('image-changed', `${digest} has another length than the image says`);
    const hash = createHash(algorithm);
    for await (const part of createReadStream(path)) hash.update(part as Buffer);
    if (hash.digest('hex') !== hex)
      throw new ImageError('image-changed', `${path} was changed: it is not ${digest}`);
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError(
      'image-changed',
      `${digest} of the image cannot be read: ${messageOf(error)}`,
    );
  }
  if (!/manifest|index/.test(mediaType)) return;
  if (size > MAX_MANIFEST || depth > MAX_DEPTH)
    throw new ImageError('image-changed', `${digest} is no manifest: it is too large or too deep`);
  let parts: Descriptor[];
  try {
    const {
      manifests = [],
      config,
      layers = [],
    } = manifestSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    parts = [...manifests, ...(config === undefined ? [] : [config]), ...layers];
  } catch {
    throw new ImageError('image-changed', `${digest} is no manifest`);
  }
  for (const part of parts) await checkBlob(directory, part, depth + 1, checked);
}
