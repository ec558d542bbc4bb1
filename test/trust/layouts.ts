// SPDX-License-Identifier: Apache-2.0
/** OCI image layouts, made here. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Record<string, string>;
}

/** A layout with images by their names; each is one architecture, or several as an index. */
export function layout(images: Readonly<Record<string, readonly string[]>>): {
  readonly directory: string;
  readonly digests: Readonly<Record<string, string>>;
  readonly blob: (digest: string) => string;
} {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-layout-'));
  const blobs = join(directory, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const put = (mediaType: string, content: string): Descriptor => {
    const hex = createHash('sha256').update(content).digest('hex');
    writeFileSync(join(blobs, hex), content);
    return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(content) };
  };
  const manifest = (of: string): Descriptor =>
    put(
      MANIFEST,
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST,
        config: put(
          'application/vnd.oci.image.config.v1+json',
          JSON.stringify({
            architecture: of,
            os: 'linux',
            rootfs: { type: 'layers', diff_ids: [] },
          }),
        ),
        layers: [put('application/vnd.oci.image.layer.v1.tar', `layer of ${of}`)],
      }),
    );
  const digests: Record<string, string> = {};
  const manifests = Object.entries(images).map(([name, architectures]) => {
    const all = architectures.map(manifest);
    const [first] = all as [Descriptor];
    const image =
      all.length === 1
        ? first
        : put(INDEX, JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: all }));
    digests[name] = image.digest;
    return { ...image, annotations: { 'org.opencontainers.image.ref.name': name } };
  });
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  return { directory, digests, blob: (digest) => join(blobs, digest.slice(7)) };
}
