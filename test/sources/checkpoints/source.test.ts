// SPDX-License-Identifier: Apache-2.0
/** Checkpoints over DNS: from a signed note to TXT records and back, and what becomes of them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeResponse } from '../../../src/dns/encode.ts';
import { encodeName } from '../../../src/dns/name.ts';
import { Observer } from '../../../src/observer/observer.ts';
import { sourcesOf } from '../../../src/sources/registry.ts';
import { CheckpointsOverDns } from '../../../src/sources/checkpoints/source.ts';
import {
  checkpointRdata,
  encodeNote,
  encodeWithOthers,
  noteOfRdata,
} from '../../../src/sources/checkpoints/text.ts';
import { verifyClaim } from '../../../src/statements/claim.ts';
import { formatTreeHeadText } from '../../../src/statements/text.ts';
import { memoryStore } from '../../../src/store/state.ts';
import { CheckpointLog } from '../../support/checkpoint-log.ts';
import { dnsAnswer, frameV4 } from '../../support/packets.ts';
import { SigningLog, treeOf } from '../../support/signing-log.ts';

const ZONE = 'beta.example';
const NAME = `checkpoint.${ZONE}`;
const log = new CheckpointLog();
const [one, other] = [treeOf(9, 'a'), treeOf(9, 'b')];
const note = log.checkpoint(9, one.root());

/** A DNS answer to the name with these RDATAs of TXT records. */
function answer(rdatas: readonly Uint8Array[], name = NAME): Buffer {
  const wire = Buffer.concat([encodeName(name), Uint8Array.of(0, 16, 0, 1)]);
  return encodeResponse({
    id: 7,
    opcode: 0,
    authoritative: true,
    truncated: false,
    recursionDesired: false,
    rcode: 0,
    question: { name: encodeName(name), type: 16, class: 1, wire },
    answers: rdatas.map((rdata) => ({ labelsAbove: 0, type: 16, ttl: 300, rdata })),
    authorities: [],
    edns: undefined,
  });
}

describe('a note as character-strings', () => {
  test('has one for each line, and an empty one in front of the signatures', () => {
    const [origin = '', size = '', root = '', blank, line = ''] = note.split('\n');
    assert.equal(blank, '');
    const strings = [origin, size, root, '', line].map((text) => {
      const bytes = Buffer.from(text);
      return Buffer.concat([Uint8Array.of(bytes.length), bytes]);
    });
    assert.deepEqual(encodeNote(note), Buffer.concat(strings));
  });

  test('is the same again, however long its lines are', () => {
    for (const length of [1, 2, 254, 255, 256, 509, 510, 511, 3300]) {
      const text = `${'o'.repeat(length)}\n9\n\n${'s'.repeat(length)}\n`;
      assert.equal(noteOfRdata(encodeNote(text)).toString(), text, `lines of ${length} bytes`);
    }
  });

  test('is read up to a string that ends behind the record', () => {
    const rdata = encodeNote(note);
    for (let length = 0; length <= rdata.length; length++)
      assert(note.startsWith(noteOfRdata(rdata.subarray(0, length)).toString()));
  });

  test('has as many other signatures as fit, and the log’s own in any case', () => {
    const lines = ['a', 'b'.repeat(300), 'c'].map((name) => `— ${name} AAAA\n`);
    const whole = encodeNote(note + lines.join(''));
    assert.deepEqual(encodeWithOthers(note, lines, whole.length), whole);
    // One that does not fit keeps no later one out.
    const without = encodeNote(note + [lines[0], lines[2]].join(''));
    assert.deepEqual(encodeWithOthers(note, lines, without.length), without);
    assert.deepEqual(encodeWithOthers(note, lines, 0), encodeNote(note));
  });

  test('of ML-DSA-44 is whole, though no answer over UDP has room for it', () => {
    const large = new CheckpointLog({ algorithm: 'ml-dsa-44' });
    const rdata = checkpointRdata(large.verified(9, one.root()), large.key, 1100);
    assert(rdata.length > 3000);
    const claim = { log: large.asLog(), bytes: noteOfRdata(rdata), form: 'checkpoint' } as const;
    assert.equal(verifyClaim(claim).kind, 'verified');
  });
});

describe('the source', () => {
  const source = new CheckpointsOverDns(new Map([[ZONE, log.asLog()]]));

  test('looks for the names of its logs', () => {
    assert.deepEqual(source.matchRules, { udpSourcePorts: [53], dnsNames: [encodeName(NAME)] });
  });

  test('reads each TXT record, in any case of the name', () => {
    const notes = [note, log.checkpoint(9, other.root())];
    for (const name of [NAME, NAME.toUpperCase()]) {
      const read = source.read(answer([...notes, note].map(encodeNote), name));
      assert('length' in read);
      assert.deepEqual(
        read.map(({ bytes }) => Buffer.from(bytes).toString()),
        notes,
      );
      assert(read.every((claim) => verifyClaim(claim).kind === 'verified'));
    }
  });

  test('reads where a data plane has found it', () => {
    const rdata = encodeNote(note);
    const frame = Buffer.from(answer([rdata]));
    const [nameOffset, nameLength] = [12, encodeName(NAME).length];
    const rdataLength = rdata.length;
    const place = { nameOffset, nameLength, rdataOffset: frame.length - rdataLength, rdataLength };
    const read = source.readPlaced(frame, place);
    assert(read.kind === 'claim');
    assert.equal(verifyClaim(read).kind, 'verified');
  });

  test('leaves tree heads, other logs and other messages alone', () => {
    for (const [message, reason] of [
      [answer([encodeNote(note)], `sth.${ZONE}`), 'answer: not a tree head name'],
      [answer([encodeNote(note)], `checkpoints.${ZONE}`), 'answer: not a tree head name'],
      [answer([encodeNote(note)], 'checkpoint.gamma.example'), 'answer: unknown name'],
      [answer([]), 'answer: no text'],
      [Buffer.from('none'), 'answer: truncated'],
    ] as const) {
      const read = source.read(message);
      assert('reason' in read);
      assert.equal(read.reason, reason);
    }
  });
});

describe('an observer of CT logs and of others', () => {
  const ct = new SigningLog();
  const logs = [ct.asLog({ dns: 'alpha.example' }), log.asLog({ dns: ZONE })];

  function observe(messages: readonly Uint8Array[]): {
    readonly trees: number;
    readonly counts: Readonly<Record<string, number>>;
  } {
    const store = memoryStore();
    const observer = new Observer({
      sources: sourcesOf(logs, { zones: [] }),
      store,
      evidenceDirectory: '/nonexistent/evidence',
      onEvent: () => undefined,
    });
    for (const frame of messages.map((message) => frameV4(message)))
      observer.receive({
        kind: 'unknown',
        frame,
        frameLength: frame.length,
        timestamp: 1_800_000_000_000,
        interfaceName: 'eth0',
      });
    observer.endBatch(1_800_000_000_000);
    const trees = logs.reduce((sum, each) => sum + store.heads.trees(each.key.logId).length, 0);
    store.close();
    return { trees, counts: observer.counts() };
  }

  test('records both', () => {
    const head = formatTreeHeadText(ct.sign(9, one.root()));
    const { trees } = observe([
      dnsAnswer({ name: 'sth.alpha.example', strings: [head] }),
      answer([encodeNote(note)]),
    ]);
    assert.equal(trees, 2);
  });

  test('looks for the name that each log has, and for no other', () => {
    const names = sourcesOf(logs, { zones: [] }).flatMap(({ matchRules }) => matchRules.dnsNames);
    const own = [`checkpoint.${ZONE}`, 'sth.alpha.example'].map((name) =>
      Buffer.from(encodeName(name)).toString('hex'),
    );
    const found = names.map((name) => Buffer.from(name).toString('hex'));
    assert(own.every((name) => found.includes(name)));
    assert(!found.includes(Buffer.from(encodeName(`sth.${ZONE}`)).toString('hex')));
  });

  test('counts a message as the source counts it that it was for', () => {
    const { counts } = observe([answer([])]);
    assert.equal(counts['answer: no text'], 1);
  });

  test('refuses a zone whose name would be too long', () => {
    const long = Array.from({ length: 4 }, () => 'x'.repeat(60)).join('.');
    const dns = long;
    assert.equal(dns.length, 243);
    assert.throws(() => sourcesOf([log.asLog({ dns })], { zones: [] }), /too long/);
    sourcesOf([ct.asLog({ dns })], { zones: [] });
  });
});
