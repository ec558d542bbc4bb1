// SPDX-License-Identifier: Apache-2.0
/** Resolvers' streams as a data plane: sockets, counts, repeats, and the reader beside it. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { CapturePlane } from '../../src/dataplane/capture.ts';
import { dnstapKind, DnstapPlane } from '../../src/dataplane/dnstap.ts';
import { parseDnstapPlace } from '../../src/dataplane/dnstap/place.ts';
import type { PlaneOptions } from '../../src/dataplane/kind.ts';
import type { SupervisionEvent } from '../../src/dataplane/sight.ts';
import type { CopiedPacket } from '../../src/dataplane/types.ts';
import {
  CONTENT,
  control,
  dataFrame,
  dnstapFile,
  dnstapFrame,
  START,
  STOP,
} from '../support/dnstap.ts';
import { answersElsewhere } from '../support/corpus.ts';
import { eventually } from '../support/eventually.ts';
import { dnsAnswer, encodeName } from '../support/packets.ts';
import { answersTo } from '../support/xdp.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-dnstap-'));
after(() => rmSync(directory, { recursive: true }));
let sockets = 0;

const NAME = 'sth.log.example';
const wanted = (text: string): Uint8Array => dnsAnswer({ name: NAME, strings: [text] });
const other = dnsAnswer({ name: 'www.example' });
const unknown = dnsAnswer({ name: 'sth.other.example' });

interface Watched {
  readonly plane: DnstapPlane;
  readonly path: string;
  readonly packets: (Pick<CopiedPacket, 'isMessage' | 'answer'> & { readonly bytes: Buffer })[];
}

async function watched(options: PlaneOptions = {}): Promise<Watched> {
  const path = join(directory, `${sockets++}.sock`);
  const plane = await DnstapPlane.listen(`dnstap:${path}`, { path }, options);
  after(() => plane.close());
  plane.setMatchRules(answersTo([encodeName(NAME)]));
  const packets: Watched['packets'] = [];
  plane.start(
    ({ frame, isMessage, answer }) =>
      packets.push({ bytes: Buffer.from(frame), ...(isMessage && { isMessage }), answer }),
    () => undefined,
  );
  return { plane, path, packets };
}

async function client(path: string): Promise<Socket> {
  const socket = connect(path);
  await once(socket, 'connect');
  return socket;
}

async function send(path: string, frames: readonly Uint8Array[]): Promise<void> {
  const socket = await client(path);
  socket.end(dnstapFile(frames));
  await once(socket.resume(), 'close');
}

function counts({ plane }: Watched): Record<string, number> {
  return Object.fromEntries(
    Object.entries(plane.counters()).flatMap(([name, count]: [string, bigint]) =>
      count === 0n ? [] : [[name, Number(count)]],
    ),
  );
}

test('every frame is counted once, and answers to the names are handed over as they are', async () => {
  const tapped = await watched();
  await send(tapped.path, [
    dnstapFrame(other),
    dnstapFrame(unknown),
    dnstapFrame(wanted('one')),
    Buffer.from('no protobuf at all'),
    dnstapFrame(wanted('one'), { type: 5 }), // a query
    dnstapFrame(wanted('one').subarray(0, 20)),
    dnstapFrame(wanted('two')),
  ]);
  await tapped.plane.stop();
  assert.deepEqual(counts(tapped), {
    packets: 7,
    malformed: 2,
    notTreeHead: 2,
    unknownName: 1,
    answers: 2,
    answersCopied: 2,
  });
  assert.deepEqual(
    tapped.packets.map(({ bytes }) => bytes),
    [wanted('one'), wanted('two')].map((bytes) => Buffer.from(bytes)),
  );
  assert(tapped.packets.every(({ isMessage }) => isMessage === true));
});

test('repeats are counted under the entry of their answer, whatever else differs', async () => {
  const tapped = await watched();
  const texts = ['a', 'a', 'b', 'a'].map((text, id) =>
    dnstapFrame(dnsAnswer({ name: NAME.toUpperCase(), strings: [text], id })),
  );
  await send(tapped.path, texts);
  await eventually(
    () => Number(tapped.plane.counters().answers) === 4,
    () => 'four answers',
  );
  assert.deepEqual(counts(tapped), { packets: 4, answers: 4, answersCopied: 2, answersSeen: 2 });
  await eventually(
    () => tapped.packets.length === 2,
    () => 'two copies',
  );
  const [a] = tapped.packets;
  assert.deepEqual(tapped.plane.seen(), [{ entry: a?.answer?.entry, repeats: 2 }]);
  // Where the plane says, the observer finds name and text.
  const { nameOffset = 0, nameLength = 0, rdataOffset = 0, rdataLength = 0 } = a?.answer ?? {};
  const part = (at: number, length: number): string =>
    a?.bytes.toString('latin1', at, at + length) ?? '';
  assert.equal(
    part(nameOffset, nameLength),
    Buffer.from(encodeName(NAME.toUpperCase())).toString('latin1'),
  );
  assert.equal(part(rdataOffset, rdataLength), '\x01a');
  tapped.plane.redrawKeys();
  await send(tapped.path, texts.slice(0, 1));
  await eventually(
    () => tapped.packets.length === 3,
    () => 'a third copy',
  );
  assert.deepEqual(tapped.packets[2]?.answer?.ended, { entry: a?.answer?.entry, repeats: 2 });
});

test('an answer whose question is compressed is handed over each time, and is no known text', async () => {
  const tapped = await watched();
  const answers = [...answersElsewhere(NAME), ...answersElsewhere(NAME)];
  await send(
    tapped.path,
    answers.map((message) => dnstapFrame(message)),
  );
  await tapped.plane.stop();
  assert.deepEqual(counts(tapped), { packets: 6, answers: 6, answersCopied: 6 });
  assert.deepEqual(
    tapped.packets,
    answers.map((bytes) => ({ bytes: Buffer.from(bytes), isMessage: true, answer: undefined })),
  );
});

test('nothing is counted as seen with --seen 0, and one of n copied with --every-nth n', async () => {
  const all = await watched({ seenMilliseconds: 0 });
  await send(
    all.path,
    [1, 2, 3].map(() => dnstapFrame(wanted('a'))),
  );
  await all.plane.stop();
  assert.deepEqual(counts(all), { packets: 3, answers: 3, answersCopied: 3 });
  const some = await watched({ everyNth: 3 });
  await send(
    some.path,
    [1, 2, 3, 4].map((i) => dnstapFrame(wanted(`text ${i}`))),
  );
  await some.plane.stop();
  assert.deepEqual(counts(some), {
    packets: 4,
    answers: 4,
    answersCopied: 2,
    answersSampledOut: 2,
  });
});

describe('the handshake of Frame Streams', () => {
  test('a writer that is ready is accepted, and told when all was taken', async () => {
    const { plane, path, packets } = await watched();
    const socket = await client(path);
    socket.write(control(4, 'protobuf:other', CONTENT));
    const [accept] = (await once(socket, 'data')) as [Buffer];
    assert.deepEqual(accept, control(1, CONTENT));
    socket.write(Buffer.concat([START, dataFrame(dnstapFrame(wanted('x'))), STOP]));
    const [finish] = (await once(socket, 'data')) as [Buffer];
    assert.deepEqual(finish, control(5));
    await once(socket, 'end');
    await eventually(
      () => packets.length === 1,
      () => 'the frame',
    );
    assert.deepEqual(plane.otherCounts(), {});
  });

  const refused: readonly (readonly [string, Buffer, string])[] = [
    ['another content', control(4, 'protobuf:other'), 'dnstap: stream refused'],
    ['another content without handshake', control(2, 'protobuf:other'), 'dnstap: stream refused'],
    ['a second beginning', Buffer.concat([START, START]), 'dnstap: stream refused'],
    ['an end before the beginning', STOP, 'dnstap: stream refused'],
    ['frames before the beginning', dataFrame(dnstapFrame(wanted('x'))), 'dnstap: stream damaged'],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'dnstap: stream damaged'],
    ['an endless control frame', Buffer.from('00000000ffffffff', 'hex'), 'dnstap: stream damaged'],
  ];
  for (const [name, bytes, reason] of refused)
    test(`${name}: closed and counted, and others go on`, async () => {
      const tapped = await watched();
      const good = await client(tapped.path);
      good.write(START);
      const socket = await client(tapped.path);
      socket.on('error', () => undefined);
      socket.write(bytes);
      // HTTP's first bytes are a length that no frame has: it is passed over until the end.
      if (name === 'HTTP') socket.end();
      await once(socket.resume(), 'close');
      if (name !== 'HTTP') assert.deepEqual(tapped.plane.otherCounts(), { [reason]: 1 });
      good.end(Buffer.concat([dataFrame(dnstapFrame(wanted('x'))), STOP]));
      await eventually(
        () => tapped.packets.length === 1,
        () => 'the good frame',
      );
    });

  test('more than 64 streams: the next is closed, and counted', async () => {
    const { plane, path } = await watched();
    const open = await Promise.all(Array.from({ length: 64 }, () => client(path)));
    const one = await client(path);
    await once(one.resume(), 'close');
    assert.deepEqual(plane.otherCounts(), { 'dnstap: stream refused': 1 });
    for (const socket of open) socket.destroy();
  });
});

test('what follows a stream that was cut in the middle of a frame is read anew', async () => {
  const tapped = await watched();
  const socket = await client(tapped.path);
  const frame = dataFrame(dnstapFrame(wanted('cut')));
  socket.write(Buffer.concat([START, frame.subarray(0, 30)]), () => socket.destroy());
  await once(socket, 'close');
  await send(tapped.path, [dnstapFrame(wanted('whole'))]);
  await tapped.plane.stop();
  assert.deepEqual(counts(tapped), { packets: 1, answers: 1, answersCopied: 1 });
});

test('an observer that is held up holds no resolver up: what has no room is dropped and counted', async () => {
  const tapped = await watched({ seenMilliseconds: 0 });
  tapped.plane.setMatchRules(answersTo([encodeName(NAME), encodeName('sth.other.example')]));
  // Another log's head comes in the middle of a flood for one name.
  const flood = Array.from({ length: 20_000 }, (_, i) => dnstapFrame(wanted(`text ${i}`)));
  flood.splice(10_000, 0, dnstapFrame(unknown));
  const file = join(directory, 'flood.fstrm');
  writeFileSync(file, dnstapFile(flood));
  const written = join(directory, 'flood.written');
  const script = `require('net').connect(process.argv[1]).end(require('fs').readFileSync(process.argv[2]))
    .on('finish', () => require('fs').writeFileSync(process.argv[3], ''));`;
  const writer = spawn(process.execPath, ['-e', script, tapped.path, file, written]);
  // This thread, which is the observer's, reads nothing until the writer has written all.
  const tick = new Int32Array(new SharedArrayBuffer(4));
  const deadline = Date.now() + 60_000;
  while (!existsSync(written) && Date.now() < deadline) Atomics.wait(tick, 0, 0, 20);
  assert(existsSync(written), 'the writer was held up');
  await once(writer, 'exit');
  await eventually(
    () => Number(tapped.plane.counters().packets) === 20_001,
    () => JSON.stringify(counts(tapped)),
  );
  await tapped.plane.stop();
  const { answersCopied, answersRingFull } = tapped.plane.counters();
  assert.equal(Number(answersCopied + answersRingFull), 20_001);
  assert(answersRingFull > 0n, 'something had to be dropped');
  assert.equal(tapped.packets.length, Number(answersCopied));
  assert(
    tapped.packets.some(({ bytes }) => bytes.equals(unknown)),
    'the other log is not pushed out',
  );
});

test('a thread that ends by itself is started again: counts stay exact, nothing is seen twice', async (t) => {
  const posted = t.mock.method(Worker.prototype, 'postMessage');
  const thread = (): Worker => posted.mock.calls.at(-1)?.this as Worker;
  const tapped = await watched();
  const said: SupervisionEvent[] = [];
  const supervision = tapped.plane.supervise((event) => said.push(event));
  for (const round of [1, 2, 3]) {
    const open = await client(tapped.path);
    const frames = [`of ${round}`, `of ${round}`, 'of all'].map((text) =>
      dnstapFrame(wanted(text)),
    );
    open.write(Buffer.concat([START, ...[...frames, dnstapFrame(other)].map(dataFrame)]));
    await eventually(
      () => Number(tapped.plane.counters().packets) === 4 * round,
      () => JSON.stringify(counts(tapped)),
    );
    if (round === 1) {
      // This thread is the observer's: what is on its way to it when the other ends comes too.
      const ended = thread();
      await Promise.all([ended.terminate(), once(open.resume(), 'close')]);
      await eventually(
        () => thread() !== ended,
        () => 'another thread',
      );
    } else open.destroy();
    await eventually(
      () => existsSync(tapped.path) && canConnect(tapped.path),
      () => 'a listener',
    );
  }
  await tapped.plane.stop();
  await supervision.stop();
  // The thread that follows knows not what the first had seen: it copies "of all" once more.
  assert.deepEqual(counts(tapped), {
    packets: 12,
    notTreeHead: 3,
    answers: 9,
    answersCopied: 5,
    answersSeen: 4,
  });
  const copies = tapped.packets.map(({ bytes }) => /of \w+/.exec(bytes.toString('latin1'))?.[0]);
  assert.deepEqual(copies, ['of 1', 'of all', 'of 2', 'of all', 'of 3']);
  // Copies and repeats of all entries, ended or not, are the answers: none twice, none missing.
  const entries = new Map(tapped.plane.seen().map(({ entry, repeats }) => [entry, repeats]));
  for (const { answer } of tapped.packets)
    if (answer?.ended !== undefined) entries.set(answer.ended.entry, answer.ended.repeats);
  assert.equal(new Set(tapped.packets.map(({ answer }) => answer?.entry)).size, 5);
  assert.equal(
    [...entries.values()].reduce((sum, repeats) => sum + repeats, 0),
    4,
  );
  const reasons = said.flatMap((event) => (event.event === 'still-blind' ? [event.message] : []));
  assert.deepEqual(reasons, ['the thread that reads it ended']);
});

test('what a thread that ended had not handed over is counted as dropped', async (t) => {
  const posted = t.mock.method(Worker.prototype, 'postMessage');
  const tapped = await watched({ seenMilliseconds: 0 });
  const thread = posted.mock.calls.at(-1)?.this as Worker;
  const frames = Array.from({ length: 20_000 }, (_, i) => dataFrame(dnstapFrame(wanted(`${i}`))));
  const socket = await client(tapped.path);
  socket.on('error', () => undefined);
  socket.write(Buffer.concat([START, ...frames]));
  await eventually(
    () => Number(tapped.plane.counters().packets) > 0,
    () => 'some frames',
  );
  await thread.terminate();
  await eventually(
    () => canConnect(tapped.path),
    () => 'another thread',
  );
  await tapped.plane.stop();
  const { packets, answers, answersCopied, answersRingFull } = tapped.plane.counters();
  assert.deepEqual([answers, answersCopied + answersRingFull], [packets, packets]);
  assert.equal(tapped.packets.length, Number(answersCopied));
});

test('where another process took its socket, a thread is started again until it can listen', async (t) => {
  const posted = t.mock.method(Worker.prototype, 'postMessage');
  const tapped = await watched();
  const said: SupervisionEvent[] = [];
  const supervision = tapped.plane.supervise((event) => said.push(event));
  const thread = posted.mock.calls.at(-1)?.this as Worker;
  thread.once('exit', () => thief.listen(tapped.path));
  const thief = createServer((socket) => socket.destroy());
  await thread.terminate();
  await eventually(
    () =>
      said.some((event) => event.event === 'still-blind' && /another process/.test(event.message)),
    () => JSON.stringify(said),
  );
  await once(thief.close(), 'close');
  await eventually(
    () => canConnect(tapped.path),
    () => 'a listener',
  );
  await send(tapped.path, [dnstapFrame(wanted('one'))]);
  await tapped.plane.stop();
  await supervision.stop();
  assert.deepEqual(counts(tapped), { packets: 1, answers: 1, answersCopied: 1 });
});

/** Whether somebody listens at `path`. */
function canConnect(path: string): Promise<boolean> {
  return client(path).then(
    (socket) => {
      socket.destroy();
      return true;
    },
    () => false,
  );
}

describe('where it listens', () => {
  test('a socket that a killed process left is replaced; anybody may write to it', async () => {
    const path = join(directory, 'left.sock');
    const left = createServer().listen(path);
    await once(left, 'listening');
    // As after kill -9: the file stays, and nobody listens.
    const script = `const s=require('net').createServer().listen(${JSON.stringify(`${path}2`)},()=>process.kill(process.pid,'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    assert(existsSync(`${path}2`));
    const plane = await DnstapPlane.listen('dnstap:x', { path: `${path}2` }, {});
    assert.equal(statSync(`${path}2`).mode & 0o777, 0o666);
    plane.close();
    await assert.rejects(DnstapPlane.listen('dnstap:y', { path }, {}), { code: 'busy' });
    left.close();
  });

  test('a file that is there stays, and a directory that nobody may enter is said', async () => {
    const path = join(directory, 'file');
    writeFileSync(path, 'precious');
    await assert.rejects(DnstapPlane.listen('dnstap:x', { path }, {}), /no socket/);
    assert.equal(statSync(path).size, 8);
    await assert.rejects(
      DnstapPlane.listen('dnstap:x', { path: '/proc/nowhere/dnstap.sock' }, {}),
      /cannot listen at \/proc\/nowhere/,
    );
  });

  test('over TCP too', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as { port: number };
    free.close();
    await once(free, 'close');
    const place = parseDnstapPlace(`dnstap:tcp:127.0.0.1:${port}`);
    assert(place !== undefined);
    const plane = await DnstapPlane.listen('dnstap:tcp', place, {});
    plane.setMatchRules(answersTo([encodeName(NAME)]));
    let packets = 0;
    plane.start(
      () => (packets += 1),
      () => undefined,
    );
    const socket = connect(port, '127.0.0.1');
    socket.end(dnstapFile([dnstapFrame(wanted('tcp'))]));
    await eventually(
      () => packets === 1,
      () => 'the frame',
    );
    plane.close();
  });

  const names: readonly (readonly [string, string | undefined])[] = [
    ['dnstap:/run/ctga/dnstap.sock', undefined],
    ['dnstap:tcp:[::1]:6000', undefined],
    ['dnstap:', 'names no socket'],
    ['dnstap:relative.sock', 'names no socket'],
    [`dnstap:/${'x'.repeat(120)}`, 'at most 107 bytes'],
    ['dnstap:tcp:127.0.0.1', 'names no address'],
    ['dnstap:tcp:127.0.0.1:0', 'names no address'],
    ['dnstap:tcp:127.0.0.1:65536', 'names no address'],
    ['dnstap:tcp:resolver.example:6000', 'names no address'],
    ['dnstap:tcp:::1:6000', 'names no address'],
  ];
  for (const [name, why] of names)
    test(`${name.slice(0, 40)}: ${why ?? 'taken'}`, () => {
      if (why === undefined) assert(dnstapKind.parse(name) !== undefined);
      else assert.throws(() => dnstapKind.parse(name), new RegExp(why));
    });
  test('other names are of other kinds', () => assert.equal(dnstapKind.parse('eth0'), undefined));
});

describe('--tee', () => {
  /** A reader as fstrm_capture is, at `path`. */
  async function reader(path: string): Promise<{ bytes: () => Buffer; close: () => void }> {
    let bytes = Buffer.alloc(0);
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        bytes = Buffer.concat([bytes, chunk]);
        if (bytes.equals(control(4, CONTENT))) {
          bytes = Buffer.alloc(0);
          socket.write(control(1, CONTENT));
        }
        if (bytes.subarray(-STOP.length).equals(STOP)) socket.end(control(5));
      });
    }).listen(path);
    await once(server, 'listening');
    return { bytes: () => bytes, close: () => server.close() };
  }

  test('passes every frame on as it came, and ends the stream when it ends', async () => {
    const tee = join(directory, 'tee.sock');
    const { bytes, close } = await reader(tee);
    const { plane, path } = await watched({ tee });
    await eventually(
      () => bytes().equals(START),
      () => 'the reader is connected',
    );
    const frames = [dnstapFrame(other), Buffer.from('nonsense'), dnstapFrame(wanted('one'))];
    await send(path, frames);
    await plane.stop();
    await eventually(
      () => bytes().length >= dnstapFile(frames).length,
      () => 'all of it',
    );
    assert.deepEqual(bytes(), dnstapFile(frames));
    assert.deepEqual(plane.otherCounts(), {});
    close();
  });

  test('a reader that is not there, or reads nothing, costs what it misses and no more', async () => {
    const absent = await watched({ tee: join(directory, 'nobody.sock') });
    await send(absent.path, [dnstapFrame(wanted('one'))]);
    await eventually(
      () => absent.packets.length === 1,
      () => 'the frame',
    );
    assert.deepEqual(absent.plane.otherCounts(), { 'dnstap: frame not passed on': 1 });
    const tee = join(directory, 'slow.sock');
    const server = createServer((socket) => {
      socket.once('data', () => socket.pause().write(control(1, CONTENT)));
    }).listen(tee);
    await once(server, 'listening');
    const slow = await watched({ tee });
    const block = Buffer.concat(
      Array.from({ length: 1000 }, () => dataFrame(Buffer.alloc(4000, 1))),
    );
    const socket = await client(slow.path);
    socket.write(START);
    for (let i = 0; i < 6; i++) socket.write(block);
    await eventually(
      () => Number(slow.plane.counters().packets) === 6000,
      () => 'all was read',
    );
    const missed = slow.plane.otherCounts()['dnstap: frame not passed on'] ?? 0;
    assert(missed > 0 && missed <= 6000, String(missed));
    socket.destroy();
    server.close();
    slow.plane.close();
  });
});

test('a file of Frame Streams is a capture', async () => {
  const path = join(directory, 'some.fstrm');
  writeFileSync(
    path,
    dnstapFile([
      dnstapFrame(other),
      dnstapFrame(wanted('one'), { seconds: 1_600_000_000 }),
      dnstapFrame(wanted('one'), { type: 3 }),
      dnstapFrame(unknown),
      Buffer.from('nonsense'),
    ]),
  );
  const plane = new CapturePlane(path);
  plane.setMatchRules(answersTo([encodeName(NAME)]));
  const found: CopiedPacket[] = [];
  plane.start(
    (packet) => found.push({ ...packet, frame: Uint8Array.from(packet.frame) }),
    () => undefined,
  );
  await plane.finished;
  const [packet] = found;
  assert.equal(found.length, 1);
  assert.deepEqual(packet?.frame, Uint8Array.from(wanted('one')));
  assert.equal(packet.isMessage, true);
  assert.equal(packet.timestamp, 1_600_000_000_000);
  const { packets, notTreeHead, unknownName, malformed, answers } = plane.counters();
  assert.deepEqual(
    [packets, notTreeHead, unknownName, malformed, answers].map(Number),
    [5, 2, 1, 1, 1],
  );
  assert.deepEqual(plane.summary.notes, []);
});

describe('files that are cut or hold something else', () => {
  async function plane(content: Uint8Array): Promise<CapturePlane> {
    const path = join(directory, 'other.fstrm');
    writeFileSync(path, content);
    const capture = new CapturePlane(path);
    capture.setMatchRules(answersTo([encodeName(NAME)]));
    capture.start(
      () => undefined,
      () => undefined,
    );
    return Promise.resolve(capture);
  }
  const frame = dataFrame(dnstapFrame(wanted('one')));
  test('without an end: read, and said', async () => {
    const cut = await plane(Buffer.concat([START, frame]));
    await cut.finished;
    assert.match(cut.summary.notes.join(), /no end/);
    assert.equal(Number(cut.counters().answers), 1);
  });
  test('cut in a frame: what is before is read', async () => {
    const cut = await plane(Buffer.concat([START, frame, frame.subarray(0, 50)]));
    await assert.rejects(cut.finished, /damaged at packet 2/);
    assert.equal(Number(cut.counters().answers), 1);
  });
  test('another content', async () => {
    const cut = await plane(Buffer.concat([control(2, 'protobuf:other'), frame, STOP]));
    await assert.rejects(cut.finished, /its frames are protobuf:other/);
  });
});
