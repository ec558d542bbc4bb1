// SPDX-License-Identifier: Apache-2.0
/** An image for several architectures, made of one in an OCI layout. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly architecture: string; readonly os: string };
}

const INDEX = 'application/vnd.oci.image.index.v1+json';

/** Puts an index with the layout's image and another architecture into it as `name`; returns its digest. */
export function addIndex(layout: string, name: string): string {
  const path = join(layout, 'index.json');
  const top = JSON.parse(readFileSync(path, 'utf8')) as { manifests: Descriptor[] };
  const blob = (digest: string): string => join(layout, 'blobs/sha256', digest.slice(7));
  const put = (mediaType: string, value: object): Descriptor => {
    const text = JSON.stringify(value);
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
    writeFileSync(blob(digest), text);
    return { mediaType, digest, size: Buffer.byteLength(text) };
  };
  const [one] = top.manifests;
  if (one === undefined) throw new RangeError(`${layout} has no image`);
  const read = (digest: string): Record<string, unknown> =>
    JSON.parse(readFileSync(blob(digest), 'utf8')) as Record<string, unknown>;
  const manifest = read(one.digest) as { config: Descriptor };
  const config = read(manifest.config.digest);
  const here = config['architecture'] as string;
  const there = here === 'riscv64' ? 'arm64' : 'riscv64';
  const other = put(one.mediaType, {
    ...manifest,
    config: put(manifest.config.mediaType, { ...config, architecture: there }),
  });
  const { mediaType, digest, size } = one;
  const index = put(INDEX, {
    schemaVersion: 2,
    mediaType: INDEX,
    manifests: [
      { mediaType, digest, size, platform: { architecture: here, os: 'linux' } },
      { ...other, platform: { architecture: there, os: 'linux' } },
    ],
  });
  const named = { ...index, annotations: { 'org.opencontainers.image.ref.name': name } };
  writeFileSync(path, JSON.stringify({ ...top, manifests: [...top.manifests, named] }));
  return index.digest;
}
