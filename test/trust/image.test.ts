// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { digestOfImage } from '../../src/trust/image.ts';
import { layout } from './layouts.ts';

const { directory, digests, blob } = layout({
  one: ['amd64'],
  many: ['amd64', 'arm64', 'riscv64'],
});
after(() => rmSync(directory, { recursive: true }));

test('an image in a layout or an archive has the digest of its manifest or index', async () => {
  const archive = join(directory, 'archive.tar');
  execFileSync('tar', ['-cf', archive, '-C', directory, 'oci-layout', 'index.json', 'blobs']);
  for (const name of ['one', 'many'])
    for (const place of [`oci:${directory}`, `oci-archive:${archive}`])
      assert.equal(await digestOfImage(`${place}:${name}`), digests[name]);
  assert.equal(await digestOfImage(digests['one'] as string), digests['one']);
  const single = layout({ only: ['amd64'] });
  assert.equal(await digestOfImage(`oci:${single.directory}`), single.digests['only']);
  rmSync(single.directory, { recursive: true });
});

test('what names no image is refused in words', async () => {
  for (const [image, want] of [
    [`oci:${directory}`, /several images/],
    [`oci:${directory}:none`, /no image none/],
    [`oci:${directory}/nowhere`, /cannot read/],
    ['oci-archive:/dev/null', /no index|cannot read/],
    ['sha256:abc', /names no image/],
    ['debian:12', /names no image/],
    ['', /names no image/],
  ] as const)
    await assert.rejects(digestOfImage(image), want, image);
});

test('an image of which any part was changed, or is missing, has no digest', async () => {
  const parts = (digest: string): string[] => {
    const {
      manifests = [],
      config,
      layers = [],
    } = JSON.parse(readFileSync(blob(digest), 'utf8')) as {
      manifests?: { digest: string }[];
      config?: { digest: string };
      layers?: { digest: string }[];
    };
    const own = [config?.digest, ...layers.map((each) => each.digest)].filter(
      (each) => each !== undefined,
    );
    return [digest, ...own, ...manifests.flatMap((each) => parts(each.digest))];
  };
  const all = parts(digests['many'] as string);
  assert.equal(all.length, 10);
  for (const digest of all) {
    const path = blob(digest);
    const before = readFileSync(path);
    appendFileSync(path, ' ');
    await assert.rejects(digestOfImage(`oci:${directory}:many`), /another length/, digest);
    const changed = Buffer.from(before);
    changed[changed.length - 2] = (changed[changed.length - 2] as number) ^ 1;
    writeFileSync(path, changed);
    await assert.rejects(digestOfImage(`oci:${directory}:many`), /was changed/, digest);
    rmSync(path);
    await assert.rejects(digestOfImage(`oci:${directory}:many`), /cannot be read/, digest);
    writeFileSync(path, before);
  }
  assert.equal(await digestOfImage(`oci:${directory}:many`), digests['many']);
});
