// SPDX-License-Identifier: Apache-2.0
/**
 * What a manifest is: an image, or an index of images (OCI image-spec v1.1, and Docker's registry formats).
 *
 * A digest covers bytes, and not what a program reads in them. One manifest may be an image to one program and an
 * index of other images to another (CVE-2021-41190), so what can be read in two ways is refused here.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { CtgaError } from '../base/errors.ts';

/** An image is not what its digest says: it was changed, or a part is missing, or it can be read in two ways. */
export class ImageError extends CtgaError<'image-changed'> {}

/** What a manifest, or index.json, says of a blob. */
export const descriptorSchema = z.object({
  mediaType: z.string().optional(),
  digest: z.string().regex(/^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/),
  size: z.int().min(0),
  annotations: z.record(z.string(), z.string()).optional(),
  data: z.base64().optional(),
});
export type Descriptor = z.infer<typeof descriptorSchema>;

/** OCI's limit for manifests. */
export const MAX_MANIFEST = 4 * 2 ** 20;
/** How deep indexes may lie in indexes. */
export const MAX_DEPTH = 4;

type Kind = 'image' | 'index';
const KINDS: ReadonlyMap<string, Kind> = new Map([
  ['application/vnd.oci.image.manifest.v1+json', 'image'],
  ['application/vnd.docker.distribution.manifest.v2+json', 'image'],
  ['application/vnd.oci.image.index.v1+json', 'index'],
  ['application/vnd.docker.distribution.manifest.list.v2+json', 'index'],
]);
/** A configuration that programs make a container of. */
const OF_CONTAINERS =
  /^application\/vnd\.(?:oci\.image\.config|docker\.container\.image)\.v1\+json$/;

/** What programs look for in manifests: those in Go take these names in capital letters too. */
const FIELDS = [
  ...['schemaVersion', 'mediaType', 'artifactType', 'config', 'layers', 'manifests', 'subject'],
  ...[
    'fsLayers',
    'history',
    'signatures',
    'blobs',
    'digest',
    'size',
    'urls',
    'data',
    'annotations',
  ],
  ...['platform', 'os', 'architecture', 'variant', 'os.version', 'os.features', 'features'],
];
/** And what `docker load` looks for in an archive's manifest.json. */
export const DOCKER_FIELDS = ['Config', 'RepoTags', 'Layers'];
const folded = (key: string): string => key.toLowerCase().toUpperCase();

/**
 * Parses JSON that all programs read as one thing: in UTF-8, no name twice in an object, and none that differs
 * from a manifest's by its letters alone. Throws ImageError for what can be read in two ways, and SyntaxError or
 * TypeError for what is no JSON. `what` is its path or digest, for the mistake; `fields` are those that matter.
 */
export function parseUnambiguous(bytes: Uint8Array, what: string, fields = FIELDS): unknown {
  const known = new Map(fields.map((each) => [folded(each), each]));
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  const value: unknown = JSON.parse(text);
  const names = text.match(/"(?:[^"\\]|\\.)*"\s*:?/g)?.filter((each) => each.endsWith(':')) ?? [];
  if (names.length !== namesIn(value)) throw ambiguous(what, 'a name stands twice in it');
  return value;

  function namesIn(part: unknown, isMap = false): number {
    if (typeof part !== 'object' || part === null) return 0;
    const entries = Object.entries(part);
    let count = Array.isArray(part) ? 0 : entries.length;
    for (const [key, each] of entries) {
      const field = known.get(folded(key));
      if (!isMap && field !== undefined && field !== key)
        throw ambiguous(what, `'${key}' is not '${field}'`);
      count += namesIn(each, key === 'annotations');
    }
    return count;
  }
}

const shape = {
  image: z.object({ config: descriptorSchema, layers: z.array(descriptorSchema) }),
  index: z.object({ manifests: z.array(descriptorSchema).min(1) }),
};
/** What one of them has and the other must not have; what schema 1 and artifacts have, neither. */
const FOREIGN: Readonly<Record<Kind, readonly string[]>> = {
  image: ['manifests', 'fsLayers', 'history', 'signatures', 'blobs'],
  index: ['config', 'layers', 'fsLayers', 'history', 'signatures', 'blobs'],
};

/**
 * What a manifest refers to: an image's configuration and layers, or the manifests that an index lists. Throws
 * ImageError if it is neither, or if one program could take one image of it and another program another.
 * `mediaType` is what whoever refers to it says that it is, if anybody does.
 */
export function partsOfManifest(
  bytes: Uint8Array,
  { what, mediaType: said }: { readonly what: string; readonly mediaType?: string | undefined },
): { readonly kind: Kind; readonly parts: readonly Descriptor[] } {
  if (bytes.length > MAX_MANIFEST)
    throw new ImageError('image-changed', `${what} is no manifest: it is too large`);
  let value;
  try {
    value = z.record(z.string(), z.unknown()).parse(parseUnambiguous(bytes, what));
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw new ImageError('image-changed', `${what} is no manifest`);
  }
  const { schemaVersion, mediaType } = value;
  if (schemaVersion === 1)
    throw new ImageError(
      'image-changed',
      `${what} is of Docker's first format (schema 1), which has another digest without its signatures`,
      { remedy: 'Push the image anew, with any present program: skopeo copy --format v2s2.' },
    );
  if (schemaVersion !== 2)
    throw ambiguous(what, `its schemaVersion is ${JSON.stringify(schemaVersion ?? null)}, not 2`);
  const kind: Kind = 'manifests' in value ? 'index' : 'image';
  for (const field of FOREIGN[kind])
    if (field in value) throw ambiguous(what, `${A[kind]} has no '${field}'`);
  // What it says itself, and what is said of it.
  if (mediaType !== undefined && (typeof mediaType !== 'string' || KINDS.get(mediaType) !== kind))
    throw ambiguous(what, `it is ${A[kind]}, and its mediaType is ${JSON.stringify(mediaType)}`);
  if (said !== undefined && said !== '') {
    if (KINDS.get(said) !== kind)
      throw ambiguous(what, `it is ${A[kind]}, and is called ${JSON.stringify(said)}`);
    if (mediaType !== undefined && mediaType !== said)
      throw ambiguous(what, `its mediaType is ${mediaType}, and it is called ${said}`);
  }
  const read = shape[kind].safeParse(value);
  if (!read.success) {
    const path = read.error.issues[0]?.path.join('.') ?? '';
    throw new ImageError('image-changed', `${what} is no manifest: it lacks a valid '${path}'`);
  }
  if ('manifests' in read.data) return { kind, parts: read.data.manifests.map(withItsData) };
  const { config, layers } = read.data;
  for (const part of [config, ...layers])
    if (part.mediaType !== undefined && KINDS.has(part.mediaType))
      throw ambiguous(what, `a part of an image is called ${part.mediaType}`);
  if ('artifactType' in value && OF_CONTAINERS.test(config.mediaType ?? ''))
    throw ambiguous(
      what,
      'its artifactType says that it is no image, and its config that it is one',
    );
  return { kind, parts: [config, ...layers].map(withItsData) };

  function withItsData(part: Descriptor): Descriptor {
    checkData(part, what);
    return part;
  }
}

const A: Readonly<Record<Kind, string>> = { image: 'an image', index: 'an index' };

/** A descriptor may have the blob in it, which programs may take in place of the blob: it has to be the same. */
export function checkData({ data, digest, size }: Descriptor, what: string): void {
  if (data === undefined) return;
  const bytes = Buffer.from(data, 'base64');
  const [algorithm = '', hex] = digest.split(':');
  if (bytes.length !== size || createHash(algorithm).update(bytes).digest('hex') !== hex)
    throw ambiguous(what, `the data that it has of ${digest} is not that`);
}

/** The mistake for what programs may take differently. */
export function ambiguous(what: string, why: string): ImageError {
  return new ImageError('image-changed', `${what} can be read in two ways: ${why}`);
}
