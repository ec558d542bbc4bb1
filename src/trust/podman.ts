// SPDX-License-Identifier: Apache-2.0
/**
 * Which image a container is made of, as Podman keeps it (github.com/containers/storage).
 *
 * A precreate hook (podman(1), "--hooks-dir") gets the container's configuration, in which no image
 * is named. But its root is a layer, Podman's store says which container has that layer, and which image
 * that is made of. The store has the image's manifests too, byte by byte.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import * as z from 'zod';
import { badInput, CtgaError, messageOf } from '../base/errors.ts';
import { partsOfManifest } from './manifest.ts';

export interface LocalImage {
  readonly id: string;
  /** What it is called on this machine, such as docker.io/library/debian:12. */
  readonly names: readonly string[];
  /** Of its manifests, and of the indexes that list them: calculated here. */
  readonly digests: readonly string[];
}

const configSchema = z.object({ root: z.object({ path: z.string() }) });
const containersSchema = z.array(
  z.object({ id: z.string(), layer: z.string(), image: z.string().optional() }),
);
const imagesSchema = z.array(
  z.object({ id: z.string().regex(/^[0-9a-f]{64}$/), names: z.array(z.string()).nullish() }),
);
/** The store may keep containers that end with their process apart (containers/storage v1.44). */
const CONTAINER_FILES = ['containers.json', 'volatile-containers.json'];

/**
 * The image of the container whose configuration (OCI runtime-spec) this is. Throws CtgaError
 * `bad-input` if it is no configuration, and `kernel` if Podman's store does not know its image.
 */
export function imageOfContainer(text: string): LocalImage {
  let root: string;
  try {
    root = configSchema.parse(JSON.parse(text)).root.path;
  } catch {
    throw badInput(
      "that is no container's configuration",
      'Podman gives one to its precreate hooks: ctga trust hook --write makes it call this one.',
    );
  }
  const { store, driver } = storeOf(root);
  const layers = new Set(root.split(sep));
  const containers = CONTAINER_FILES.map((file) => join(store, `${driver}-containers`, file))
    .filter(existsSync)
    .flatMap((path) => read(path, containersSchema));
  const { image: id = '' } = containers.find(({ layer }) => layers.has(layer)) ?? {};
  if (id === '') throw new CtgaError('kernel', `${root} is not of an image that Podman keeps`);
  const images = join(store, `${driver}-images`);
  const image = read(join(images, 'images.json'), imagesSchema).find((each) => each.id === id);
  if (image === undefined) throw new CtgaError('kernel', `Podman keeps no image ${id}`);
  return { id, names: image.names ?? [], digests: digestsOf(join(images, id), id) };
}

/** The store that a root lies in: DIRECTORY/overlay/LAYER/merged, or DIRECTORY/vfs/dir/LAYER. */
function storeOf(root: string): { store: string; driver: string } {
  for (let at = root; dirname(at) !== at; at = dirname(at)) {
    const driver = at.slice(dirname(at).length).replaceAll(sep, '');
    if (existsSync(join(dirname(at), `${driver}-containers`)))
      return { store: dirname(at), driver };
  }
  throw new CtgaError('kernel', `${root} is in no store of Podman's`);
}

function read<T>(path: string, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new CtgaError('kernel', `cannot read ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * An image's ID is the digest of its configuration, which has the digests of what its layers unpack
 * to. So a manifest counts if it has that configuration, and an index if it lists such a manifest.
 */
function digestsOf(directory: string, id: string): string[] {
  const found = new Map<string, ReturnType<typeof partsOfManifest>>();
  for (const file of readdirSync(directory)) {
    const bytes = readFileSync(join(directory, file));
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    try {
      found.set(digest, partsOfManifest(bytes, { what: digest }));
    } catch {
      // A signature, a configuration, or a manifest that could be another image's as well.
    }
  }
  const ofImage = (digest: string): boolean => {
    const { kind, parts: [config] = [] } = found.get(digest) ?? {};
    return kind === 'image' && config?.digest === `sha256:${id}`;
  };
  return [...found]
    .filter(
      ([digest, { kind, parts }]) =>
        ofImage(digest) || (kind === 'index' && parts.some((each) => ofImage(each.digest))),
    )
    .map(([digest]) => digest);
}
