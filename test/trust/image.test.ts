// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isOnPath } from '../../src/lab/processes.ts';
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

test('the first colon ends the path, as it does for skopeo', async (t) => {
  const name = 'registry.example:5000/team/app:v1';
  const { directory: made, digests: of } = layout({ [name]: ['amd64'], other: ['arm64'] });
  t.after(() => rmSync(made, { recursive: true }));
  assert.equal(await digestOfImage(`oci:${made}:${name}`), of[name]);
  // A directory whose name has a colon is not what they would take.
  const { directory: beside } = layout({ v1: ['riscv64'] });
  const trap = `${made}:registry.example:5000/team/app`;
  t.after(() => rmSync(`${made}:registry.example:5000`, { recursive: true }));
  cpSync(beside, trap, { recursive: true });
  rmSync(beside, { recursive: true });
  assert.equal(await digestOfImage(`oci:${made}:${name}`), of[name]);
  await assert.rejects(digestOfImage(`oci:${made}:`), /several images/);
});

test('an archive in which a file stands twice is no image', async (t) => {
  const { directory: made, digests: of } = layout({ only: ['amd64'] });
  t.after(() => rmSync(made, { recursive: true }));
  const archive = join(made, 'archive.tar');
  const good = { Config: '', RepoTags: ['app:v1'], Layers: [] as string[] };
  const { config, layers } = JSON.parse(
    readFileSync(join(made, 'blobs/sha256', (of['only'] as string).slice(7)), 'utf8'),
  ) as { config: { digest: string }; layers: { digest: string }[] };
  const [Config = '', ...Layers] = [config, ...layers].map(
    ({ digest }) => `blobs/${digest.replace(':', '/')}`,
  );
  const save = (what: object): void =>
    writeFileSync(join(made, 'manifest.json'), JSON.stringify([what]));
  const tar = (...words: string[]): unknown =>
    execFileSync('tar', ['-C', made, '-f', archive, ...words]);
  const digest = (): Promise<string> => digestOfImage(`oci-archive:${archive}`);
  // What skopeo's docker-archive takes is the first, and what tar leaves is the last.
  save({ ...good, Config: 'blobs/sha256/evil' });
  tar('-c', 'manifest.json');
  save({ ...good, Config, Layers });
  tar('-r', 'oci-layout', 'index.json', 'blobs', './manifest.json');
  await assert.rejects(digest(), /can be read in two ways: manifest\.json stands twice in it/);
  tar('-c', 'oci-layout', 'index.json', 'blobs', 'manifest.json');
  tar('-r', '--no-recursion', 'blobs');
  assert.equal(await digest(), of['only'], 'a directory may stand twice');
});

test('what names no image is refused in words', async () => {
  for (const [image, want] of [
    [`oci:${directory}`, /several images/],
    [`oci:${directory}:none`, /no image none/],
    [`oci:${directory}/nowhere`, /cannot read/],
    ['oci-archive:/dev/null', /no index|cannot read/],
    // A file of that name, and not what comes from a terminal, for which one would wait.
    ['oci-archive:-', /cannot read -/],
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

test('an index.json that others read otherwise names no image', async (t) => {
  const hasSkopeo = isOnPath('skopeo');
  const of = layout({ good: ['amd64'], bad: ['arm64'] });
  t.after(() => rmSync(of.directory, { recursive: true }));
  const path = join(of.directory, 'index.json');
  const { manifests } = JSON.parse(readFileSync(path, 'utf8')) as {
    manifests: { mediaType: string; digest: string; size: number }[];
  };
  const [good = '', bad = ''] = manifests.map(({ mediaType, digest, size }) =>
    JSON.stringify({ mediaType, digest, size }).slice(1, -1),
  );
  const name = '{"org.opencontainers.image.ref.name":"v1"}';
  const asked = [`{${good},"annotations":${name}}`, `{${good}}`] as const;
  const cases = {
    'another list in capital letters': `{"schemaVersion":2,"manifests":[${asked[0]}],"Manifests":[{${bad},"annotations":${name}}]}`,
    'a list by a letter that Go folds': `{"schemaVersion":2,"manifests":[${asked[0]}],"manifest\u017f":[{${bad},"annotations":${name}}]}`,
    'a name in capital letters': `{"schemaVersion":2,"manifests":[{${bad},"Annotations":${name}},${asked[0]}]}`,
    'a name that is there twice, of which one is empty': `{"schemaVersion":2,"manifests":[{${bad},"annotations":${name},"annotations":{}},${asked[0]}]}`,
    'a name that is written in two ways': `{"schemaVersion":2,"manifests":[{${bad},"annotations":${name},"\\u0061nnotations":{}},${asked[0]}]}`,
    'a digest in capital letters': `{"schemaVersion":2,"manifests":[{${good},"annotations":${name},"DIGEST":"${of.digests['bad'] ?? ''}"}]}`,
  };
  const deceived: string[] = [];
  for (const [what, text] of Object.entries(cases)) {
    writeFileSync(path, text);
    await assert.rejects(digestOfImage(`oci:${of.directory}:v1`), /in two ways/, what);
    if (!hasSkopeo) continue;
    const ran = spawnSync('skopeo', ['inspect', '--raw', `oci:${of.directory}:v1`]);
    const taken = `sha256:${createHash('sha256').update(ran.stdout).digest('hex')}`;
    if (taken === of.digests['bad']) deceived.push(what);
  }
  if (hasSkopeo) t.diagnostic(`skopeo takes the other image: ${deceived.join('; ')}`);
  if (hasSkopeo) assert.notDeepEqual(deceived, [], 'none of these would have deceived anybody');
  // What is only unusual is read.
  for (const text of [
    `{ "schemaVersion" : 2, "manifests" : [ {${good}, "annotations": {"a\\"b:": "\\"x\\": y", "Digest": "1", "org.opencontainers.image.ref.name" : "v1"}} ] }`,
    `{"x-more":{"a":[{"a":1},{"a":":"}]},"manifests":[${asked[1]}]}`,
  ]) {
    writeFileSync(path, text);
    const ref = text.includes('ref.name') ? ':v1' : '';
    assert.equal(await digestOfImage(`oci:${of.directory}${ref}`), of.digests['good'], text);
  }
});

test('what would never come to an end is no part of an image', async (t) => {
  const of = layout({ only: ['amd64'] });
  t.after(() => rmSync(of.directory, { recursive: true }));
  const path = of.blob(of.digests['only'] as string);
  const before = readFileSync(path);
  rmSync(path);
  execFileSync('mkfifo', [path]);
  await assert.rejects(digestOfImage(`oci:${of.directory}`), /it is no file/);
  rmSync(path);
  writeFileSync(path, before);
  const index = join(of.directory, 'index.json');
  rmSync(index);
  execFileSync('mkfifo', [index]);
  await assert.rejects(digestOfImage(`oci:${of.directory}`), /it is no file/);
  rmSync(index);
  for (const text of [
    '',
    '{',
    '[]',
    `{"manifests":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
  ]) {
    writeFileSync(index, text);
    await assert.rejects(digestOfImage(`oci:${of.directory}`), {
      message: `cannot read ${index}: no index of images`,
    });
  }
  truncateSync(index, 2 ** 31);
  await assert.rejects(digestOfImage(`oci:${of.directory}`), /it is larger than 4\.2 MB/);
});
