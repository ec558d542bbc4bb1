// SPDX-License-Identifier: Apache-2.0
/**
 * Manifests of which one program takes one image and another program another (CVE-2021-41190), in a registry, a
 * layout and an archive. What skopeo takes of each is told as the test's diagnostics.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { isOnPath } from '../../src/lab/processes.ts';
import { digestOfImage } from '../../src/trust/image.ts';

const OCI = 'application/vnd.oci.image.';
const DOCKER = 'application/vnd.docker.distribution.manifest.';
const [IMAGE, INDEX] = [`${OCI}manifest.v1+json`, `${OCI}index.v1+json`];
const CONFIG = `${OCI}config.v1+json`;

interface Part {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const sha256 = (content: string | Uint8Array): string =>
  `sha256:${createHash('sha256').update(content).digest('hex')}`;

/** What is there, by its digest; a registry, a layout and an archive have all of it. */
const blobs = new Map<string, { readonly type: string; readonly content: string | Uint8Array }>();

function put(mediaType: string, content: string | Uint8Array): Part {
  const digest = sha256(content);
  blobs.set(digest, { type: mediaType, content });
  return { mediaType, digest, size: Buffer.byteLength(content) };
}

function partsOf(architecture: string): { readonly config: Part; readonly layers: Part[] } {
  const layer = `layer of ${architecture}`;
  const rootfs = { type: 'layers', diff_ids: [sha256(layer)] };
  return {
    config: put(CONFIG, JSON.stringify({ architecture, os: 'linux', rootfs })),
    layers: [put(`${OCI}layer.v1.tar`, layer)],
  };
}

const [good, bad] = [partsOf('amd64'), partsOf('arm64')];
const image = { schemaVersion: 2, mediaType: IMAGE, ...good };
const other = put(IMAGE, JSON.stringify({ schemaVersion: 2, mediaType: IMAGE, ...bad }));
const own = put(IMAGE, JSON.stringify(image));
const platform = { os: 'linux', architecture: 'amd64' };
const manifests = [{ ...other, platform }];
const index = { schemaVersion: 2, mediaType: INDEX, manifests };
const { mediaType: _image, ...bareImage } = image;
const { mediaType: _index, ...bareIndex } = index;
const [layer] = good.layers as [Part];
const text = JSON.stringify(image);
const behind = (more: string): string => `${text.slice(0, -1)},${more}}`;
const base64 = (content: string): string => Buffer.from(content).toString('base64');
const shown = JSON.stringify(manifests);

const AMBIGUOUS: Readonly<Record<string, object | string | Uint8Array>> = {
  'an image that lists others': { ...image, manifests },
  'an image that lists others, of no type': { ...bareImage, manifests },
  'an index that has layers': { ...index, ...good },
  'an index that has a configuration alone': { ...index, config: good.config },
  'an image whose list is null': { ...image, manifests: null },
  'an image whose list is empty': { ...image, manifests: [] },
  'an image that calls itself an index': { ...image, mediaType: INDEX },
  'an index that calls itself an image': { ...index, mediaType: IMAGE },
  'an index that calls itself an image of Docker': { ...index, mediaType: `${DOCKER}v2+json` },
  'an image of a type that nobody knows': { ...image, mediaType: 'application/x' },
  'an image whose type is no text': { ...image, mediaType: null },
  'schema 1 and 2': { ...image, fsLayers: [{ blobSum: layer.digest }], history: [] },
  'schema 1': { ...bareImage, schemaVersion: 1 },
  'no schema': { config: good.config, layers: good.layers },
  'a schema in quotes': { ...image, schemaVersion: '2' },
  'no configuration': { schemaVersion: 2, mediaType: IMAGE, layers: good.layers },
  'no layers': { schemaVersion: 2, mediaType: IMAGE, config: good.config },
  'an index of nothing': { ...index, manifests: [] },
  'blobs, as artifacts had them': { ...image, blobs: bad.layers },
  'an artifact that is an image': { ...image, artifactType: 'application/x' },
  'a configuration that is a manifest': { ...image, config: other },
  'a layer that is a manifest': { ...image, layers: [other] },
  'a layer with another in it': {
    ...image,
    layers: [{ ...layer, data: base64('layer of arm64') }],
  },
  'an entry with another in it': { ...index, manifests: [{ ...own, data: base64('{}') }] },
  'a list twice': behind(`"layers":${JSON.stringify(bad.layers)}`),
  'a list twice, once escaped': behind(`"\\u006cayers":${JSON.stringify(bad.layers)}`),
  'a list in capital letters': behind(`"Layers":${JSON.stringify(bad.layers)}`),
  'a list of others in capital letters': behind(`"Manifests":${shown}`),
  'a list by a letter that Go folds': behind(`"manifest\u017f":${shown}`),
  'a configuration in capital letters': behind(`"CONFIG":${JSON.stringify(bad.config)}`),
  'a digest twice': text.replace('"digest":', `"digest":"${bad.config.digest}","digest":`),
  'a platform in capital letters': {
    ...index,
    manifests: [{ ...own, platform: { ...platform, Architecture: 'arm64' } }],
  },
  'an entry that is called an index': { ...index, manifests: [{ ...own, mediaType: INDEX }] },
  'an entry that is called another image': {
    ...index,
    manifests: [{ ...own, mediaType: `${DOCKER}v2+json` }],
  },
  'an entry that is no manifest': {
    ...index,
    manifests: [...manifests, put('application/xml', '<a/>')],
  },
  'an entry of another type that is one': {
    ...index,
    manifests: [{ ...own, mediaType: 'application/x' }],
  },
  'bytes that are no letters': Buffer.from(behind('"annotations":{"a":"\u00e9"}'), 'latin1'),
  'a mark before it': `\ufeff${text}`,
  'two values': `${text}{}`,
  'a list of images': `[${text}]`,
};

const CLEAR: Readonly<Record<string, object | string>> = {
  'an image': image,
  'an image of no type': bareImage,
  'an index': index,
  'an index of no type': bareIndex,
  'an image of Docker': {
    ...image,
    mediaType: `${DOCKER}v2+json`,
    config: { ...good.config, mediaType: 'application/vnd.docker.container.image.v1+json' },
  },
  'a list of Docker': { ...index, mediaType: `${DOCKER}list.v2+json` },
  'an image without layers': { ...image, layers: [] },
  'an image with a layer in it': {
    ...image,
    layers: [{ ...layer, data: base64('layer of amd64') }],
  },
  'annotations in any letters': { ...image, annotations: { Layers: '"layers":', MediaType: 'x' } },
  'an artifact': {
    ...image,
    artifactType: 'application/x',
    config: { ...put(`${OCI.slice(0, -6)}empty.v1+json`, '{}') },
  },
  'an index of an index': { ...index, manifests: [put(INDEX, JSON.stringify(index))] },
  'two for one platform, of which the first counts': {
    ...index,
    manifests: [...manifests, { ...own, platform }],
  },
  'an index of what is about another image': {
    ...index,
    subject: own,
    artifactType: 'application/x',
  },
};

interface Place {
  /** Where the manifest is, for ctga and skopeo. */
  readonly at: (digest: string, type: string) => string;
}

async function placesFor(t: TestContext): Promise<Readonly<Record<string, Place>>> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-ambiguous-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  let served = { digest: '', type: '' };
  // It says of the manifest that is asked for by a tag whatever type it is told to.
  const server = createServer((request, response) => {
    const [, name = ''] = /^\/v2\/app\/(?:manifests|blobs)\/(.+)$/.exec(request.url ?? '') ?? [];
    const digest = name.startsWith('sha256:') ? name : served.digest;
    const found = blobs.get(digest);
    if (request.url === '/v2/') return response.end();
    if (found === undefined) return response.writeHead(404).end();
    const type = digest === served.digest ? served.type : found.type;
    const { content } = found;
    response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(content) });
    return response.end(request.method === 'HEAD' ? undefined : content);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => (server.closeAllConnections(), server.close()));
  const { port } = server.address() as AddressInfo;

  const layoutOf = (digest: string, mediaType: string): string => {
    const of = join(
      directory,
      createHash('sha256')
        .update(digest + mediaType)
        .digest('hex'),
    );
    mkdirSync(join(of, 'blobs/sha256'), { recursive: true });
    for (const [each, { content }] of blobs)
      writeFileSync(join(of, 'blobs/sha256', each.slice(7)), content);
    const size = Buffer.byteLength(blobs.get(digest)?.content ?? '');
    const top = { schemaVersion: 2, manifests: [{ mediaType, digest, size }] };
    writeFileSync(join(of, 'index.json'), JSON.stringify(top));
    writeFileSync(join(of, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    return of;
  };
  return {
    registry: {
      at: (digest, type) => {
        served = { digest, type };
        return `docker://127.0.0.1:${port}/app:v1`;
      },
    },
    layout: { at: (digest, type) => `oci:${layoutOf(digest, type)}` },
    archive: {
      at: (digest, type) => {
        const of = layoutOf(digest, type);
        execFileSync('tar', ['-cf', `${of}.tar`, '-C', of, 'oci-layout', 'index.json', 'blobs']);
        return `oci-archive:${of}.tar`;
      },
    },
  };
}

const bytesOf = (value: object | string | Uint8Array): string | Uint8Array =>
  typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value);

/** The type that a manifest has for who believes it. */
const typeOf = (value: object | string | Uint8Array): string => {
  const { mediaType } = value as { mediaType?: unknown };
  return typeof mediaType === 'string' ? mediaType : 'manifests' in Object(value) ? INDEX : IMAGE;
};

/** Which of the two images skopeo copies. */
async function takenBySkopeo(place: string): Promise<'own' | 'other' | 'none'> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-taken-'));
  try {
    const words = [
      '--insecure-policy',
      '--override-os',
      'linux',
      '--override-arch',
      'amd64',
      'copy',
    ];
    // Not synchronously: the registry is in this process.
    const copied = spawn(
      'skopeo',
      [...words, '--src-tls-verify=false', place, `dir:${directory}`],
      { stdio: 'ignore' },
    );
    const [status] = (await once(copied, 'close')) as [number | null];
    if (status !== 0) return 'none';
    const has = ({ config, layers }: typeof good): boolean =>
      [config, ...layers].some(({ digest }) => existsSync(join(directory, digest.slice(7))));
    return has(bad) ? 'other' : has(good) ? 'own' : 'none';
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const hasSkopeo = isOnPath('skopeo');
const PLACES = ['layout', 'archive', ...(hasSkopeo ? ['registry'] : [])];

test('a manifest that can be read in two ways has no digest, wherever it is', async (t) => {
  const places = await placesFor(t);
  const taken = new Map<string, string[]>();
  for (const [what, value] of Object.entries(AMBIGUOUS)) {
    const inner = put(typeOf(value), bytesOf(value));
    // It is no better inside an index that is right.
    const outer = put(
      INDEX,
      JSON.stringify({ schemaVersion: 2, manifests: [{ ...inner, platform }] }),
    );
    for (const name of PLACES)
      for (const { digest, mediaType } of [inner, outer])
        await assert.rejects(
          digestOfImage(places[name]?.at(digest, mediaType) ?? ''),
          (error: Error & { code?: string }) =>
            error.code === 'image-changed' &&
            /in two ways|no manifest|schema 1/.test(error.message),
          `${what}, in a ${name}`,
        );
    if (!hasSkopeo) continue;
    // What it takes if it is told that it is an image, and that it is an index.
    const both: string[] = [];
    for (const type of [IMAGE, INDEX])
      both.push(await takenBySkopeo(places['registry']?.at(inner.digest, type) ?? ''));
    const key = both.join(', ');
    taken.set(key, [...(taken.get(key) ?? []), what]);
    blobs.delete(inner.digest);
    blobs.delete(outer.digest);
  }
  for (const [key, whats] of taken)
    t.diagnostic(`skopeo takes, told of an image and of an index: ${key}: ${whats.join('; ')}`);
  const apart = [...taken].filter(([key]) => key === 'own, other').flatMap(([, whats]) => whats);
  // Skopeo as it is today refuses what has the fields of both.
  if (hasSkopeo) assert(!apart.includes('an image that lists others'), 'skopeo refuses it');
});

test('a manifest that is only unusual has the digest of its bytes, and skopeo takes it', async (t) => {
  const places = await placesFor(t);
  for (const [what, value] of Object.entries(CLEAR)) {
    const { digest, mediaType } = put(typeOf(value), bytesOf(value));
    for (const name of PLACES) {
      const place = places[name]?.at(digest, mediaType) ?? '';
      assert.equal(await digestOfImage(place), digest, `${what}, in a ${name}`);
    }
    if (!hasSkopeo || what === 'an artifact') continue;
    const place = places['registry']?.at(digest, mediaType) ?? '';
    t.diagnostic(`${what}: skopeo takes ${await takenBySkopeo(place)}`);
  }
});

test('what is said of a manifest elsewhere has to be what it is', async (t) => {
  const places = await placesFor(t);
  const [asImage, asIndex] = [put(IMAGE, text), put(INDEX, JSON.stringify(index))];
  for (const name of ['layout', 'archive']) {
    for (const [{ digest }, type] of [
      [asImage, INDEX],
      [asImage, `${DOCKER}v2+json`],
      [asImage, 'application/x'],
      [asIndex, IMAGE],
    ] as const)
      await assert.rejects(
        digestOfImage(places[name]?.at(digest, type) ?? ''),
        /in two ways/,
        `${type} in a ${name}`,
      );
    assert.equal(await digestOfImage(places[name]?.at(asImage.digest, '') ?? ''), asImage.digest);
  }
});

test('a blob that is first a layer and then a manifest is read as a manifest', async (t) => {
  const places = await placesFor(t);
  const inner = put(IMAGE, JSON.stringify({ ...image, manifests }));
  const asLayer = { ...inner, mediaType: `${OCI}layer.v1.tar` };
  const first = put(IMAGE, JSON.stringify({ ...image, layers: [asLayer] }));
  const outer = put(INDEX, JSON.stringify({ ...index, manifests: [first, inner] }));
  for (const name of PLACES)
    await assert.rejects(
      digestOfImage(places[name]?.at(outer.digest, INDEX) ?? ''),
      /in two ways: an index has no 'config'/,
    );
});

test('an index.json that is an image as well names none', async (t) => {
  const places = await placesFor(t);
  const directory = (places['layout']?.at(own.digest, IMAGE) ?? '').slice(4);
  const top = { schemaVersion: 2, manifests: [own] };
  const says = (value: object): Promise<string> => {
    writeFileSync(join(directory, 'index.json'), JSON.stringify(value));
    return digestOfImage(`oci:${directory}`);
  };
  assert.equal(await says(top), own.digest);
  for (const more of [
    bad,
    { layers: [] },
    { schemaVersion: 1 },
    { fsLayers: [] },
    { manifests: [{ ...own, data: base64('{}') }] },
  ])
    await assert.rejects(says({ ...top, ...more }), /two ways|cannot read/, JSON.stringify(more));
});

test(
  'in a registry, what an index lists is there and is what it says',
  { skip: !hasSkopeo },
  async (t) => {
    const places = await placesFor(t);
    const { digest } = put(INDEX, JSON.stringify(index));
    const place = (): string => places['registry']?.at(digest, INDEX) ?? '';
    const before = blobs.get(other.digest) as { type: string; content: string };
    t.after(() => blobs.set(other.digest, before));
    blobs.delete(other.digest);
    await assert.rejects(digestOfImage(place()), /cannot fetch the manifest/);
    blobs.set(other.digest, { ...before, content: `${before.content} ` });
    await assert.rejects(digestOfImage(place()), /is not that|does not match|cannot fetch/);
    blobs.set(other.digest, before);
    assert.equal(await digestOfImage(place()), digest);
    assert.equal(await digestOfImage(place().replace(':v1', `@${digest}`)), digest);
  },
);

test('a manifest.json from which docker load would take another image names none', async (t) => {
  const places = await placesFor(t);
  const directory = (places['layout']?.at(own.digest, IMAGE) ?? '').slice(4);
  const path = join(directory, 'manifest.json');
  const at = ({ digest }: Part): string => `blobs/${digest.replace(':', '/')}`;
  const entry = ({ config, layers }: typeof good) => ({
    Config: at(config),
    RepoTags: ['app:v1'],
    Layers: layers.map(at),
  });
  const says = (value: object | string): Promise<string> => {
    writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
    const archive = join(directory, 'saved.tar');
    const all = ['oci-layout', 'index.json', 'manifest.json', 'blobs'];
    execFileSync('tar', ['-cf', archive, '-C', directory, ...all]);
    return digestOfImage(`oci-archive:${archive}`);
  };
  // As docker save writes it.
  assert.equal(await says([entry(good)]), own.digest);
  const mine = JSON.stringify(entry(good)).slice(0, -1);
  for (const value of [
    [entry(bad)],
    [entry(good), entry(bad)],
    [{ ...entry(good), Layers: entry(bad).Layers }],
    [{ ...entry(good), Config: 'config.json' }],
    [{ ...entry(good), Config: `./${entry(good).Config}` }],
    `[${mine},"Config":"${entry(bad).Config}"}]`,
    `[${mine},"config":"${entry(bad).Config}"}]`,
    entry(bad),
    'no JSON',
  ])
    await assert.rejects(says(value), /another image|in two ways/, JSON.stringify(value));
  rmSync(path);
  writeFileSync(join(directory, 'repositories'), '{}');
  await assert.rejects(digestOfImage(`oci:${directory}`), /docker load reads its file/);
});
