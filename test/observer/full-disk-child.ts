// SPDX-License-Identifier: Apache-2.0
/**
 * Run by full-disk.root.test.ts on a small disk of its own: `full-disk-child.ts DIRECTORY WHAT`
 * sees five trees, fills the disk with bytes or inodes, sees another tree of each size, makes room
 * again, and prints what became of it all as JSON.
 */
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Observer, type ObserverEvent } from '../../src/observer/observer.ts';
import { CtOverDns } from '../../src/sources/ct-over-dns/source.ts';
import { formatTreeHeadText } from '../../src/statements/text.ts';
import { openDatabase } from '../../src/store/sqlite/open.ts';
import { stateAt } from '../../src/store/state.ts';
import { StoreInUse } from '../../src/upkeep/in-use.ts';
import { checkStore } from '../../src/upkeep/maintenance.ts';
import { eventually } from '../support/eventually.ts';
import { dnsAnswer, frameV4 } from '../support/packets.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const [, , directory = '', what] = process.argv;
const SIZES = [5, 6, 7, 8, 9];
const state = stateAt(join(directory, 'state'));
const log = new SigningLog();
const storeFile = new StoreInUse({ state, onSetAside: console.error });
const { store } = storeFile;
store.logs.put([log.asLog({})]);
const events: ObserverEvent[] = [];
const observer = new Observer({
  sources: [new CtOverDns(new Map([['alpha.example', log.asLog({})]]))],
  store,
  storeFile,
  evidenceDirectory: state.evidence,
  onEvent: (event) => events.push(event),
});

function see(branch: string): void {
  for (const size of SIZES) {
    const head = log.sign(size, treeOf(size, branch).root());
    const strings = [formatTreeHeadText(head)];
    const frame = frameV4(dnsAnswer({ name: 'sth.alpha.example', strings }));
    const seen = { frame, frameLength: frame.length, timestamp: 1, interfaceName: 'eth0' };
    observer.receive({ kind: 'unknown', ...seen });
    observer.endBatch(1);
  }
}

/** Returns the error by which the disk says that it is full. */
function fill(): unknown {
  const filler = join(directory, 'filler');
  mkdirSync(filler);
  let code: unknown;
  const until = (write: () => void): void => {
    try {
      for (;;) write();
    } catch (error) {
      ({ code } = error as NodeJS.ErrnoException);
    }
  };
  if (what === 'inodes') {
    let number = 0;
    until(() => writeFileSync(join(filler, String(number++)), ''));
  } else {
    // To the last byte.
    for (const bytes of [65536, 4096, 1])
      until(() => appendFileSync(join(filler, 'one'), Buffer.alloc(bytes)));
  }
  return code;
}

const forks = (): number => events.filter(({ event }) => event === 'fork-proven').length;
see('a');
// From now on its log is empty, so whatever is committed needs room.
const other = openDatabase(state.database);
other.pragma('wal_checkpoint(TRUNCATE)');
other.close();
const code = fill();
see('b');
const failed = events.some(({ event }) => event === 'store-failed');
const found = { code, failed, whileFull: forks() };
rmSync(join(directory, 'filler'), { recursive: true });
await eventually(() => {
  observer.endBatch(1);
  return store.evidence.all().length === SIZES.length;
}, 'the store to have all evidence');
const later = { forks: forks(), evidence: store.evidence.all().length, heads: store.heads.count() };
store.close();
console.log(JSON.stringify({ ...found, later, faults: checkStore(state).faults }));
