// SPDX-License-Identifier: Apache-2.0
/**
 * The writer as the package sets it up, with its own account and directory: what the observer's
 * account, taken over, can do to evidence. Runs in a mount namespace that has accounts and a
 * /var/lib of its own. Needs root.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { treeHeadToJson } from '../../src/statements/json.ts';
import { logListOf, SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const PLACE = '/var/lib/ctga-evidence';
/** Each is a command of the shell that must fail; $file is a file of evidence. */
const ATTACKS: Readonly<Record<string, string>> = {
  'deleting it': 'rm -f $file',
  'writing over it': 'echo > $file',
  'adding to it': 'echo >> $file',
  'cutting it': 'truncate -s 10 $file',
  'renaming it': 'mv $file $file.old',
  'putting another in its place': 'mv $mine $file',
  'a link in its place': 'ln -sf $mine $file',
  'opening it to be written': 'chmod 666 $file',
  'owning it': 'chown $(id -u) $file',
  'a file beside it': 'cp $mine $place/fork-x.json',
  'writing the chain': 'echo >> $place/chain.txt',
  'deleting the chain': 'rm -f $place/chain.txt',
  'another chain': 'cp --remove-destination $mine $place/chain.txt',
  "deleting the writer's socket": 'rm -f $place/socket',
  'a socket in its place': 'ln -sf $mine $place/socket',
  'spending its reserve': 'rm -f $place/reserve/0',
  'renaming the directory': 'mv $place $place.old',
  'a directory in its place': 'mv $mine.d $place || rmdir $place',
  'mounting over it': 'mount -t tmpfs none $place',
  'signalling the writer': 'kill -0 $writer',
  'tracing the writer': 'head -c 1 /proc/$writer/mem || cat /proc/$writer/environ',
};

/** Writes names and values, each ended by a NUL, to the file `results`. */
function script(): string {
  const node = `${process.execPath} --import tsx ${resolve(import.meta.dirname, '../../src/cli/main.ts')}`;
  const ctga = (account: string, args: string): string =>
    `setpriv --reuid=${account} --regid=ctga --init-groups ${node} ${args}`;
  return `
set -eu
mount --make-rprivate /
mkdir -p $dir/etc
cp /etc/passwd /etc/group $dir/etc
echo 'ctga:x:61000:' >> $dir/etc/group
echo 'ctga-store:x:61001:ctga-observer,ctga-challenger' >> $dir/etc/group
echo 'ctga-observer:x:61002:61000::/:/bin/sh' >> $dir/etc/passwd
echo 'ctga-challenger:x:61003:61000::/:/bin/sh' >> $dir/etc/passwd
echo 'ctga-evidence:x:61004:61000::/:/bin/sh' >> $dir/etc/passwd
echo 'ctga-web:x:61005:61000::/:/bin/sh' >> $dir/etc/passwd
mount --bind $dir/etc/passwd /etc/passwd
mount --bind $dir/etc/group /etc/group
mount -t tmpfs -o mode=755 none /var/lib
mkdir -p /var/lib/ctga/evidence ${PLACE}
chown root:ctga-store /var/lib/ctga /var/lib/ctga/evidence
chmod 2770 /var/lib/ctga /var/lib/ctga/evidence
chown ctga-evidence:ctga-store ${PLACE}
chmod 2755 ${PLACE}
out() { printf '%s\\0' "$1" "$2" >> $dir/results; }

${node} evidence keep --state-dir /var/lib/ctga > $dir/writer.log 2>&1 &
writer=$!
for _ in $(seq 300); do [ -S ${PLACE}/socket ] && break; sleep 0.1; done
status=0
${ctga('ctga-observer', 'heads import $dir/heads.json --log-list $dir/list --state-dir /var/lib/ctga')} > $dir/import 2>&1 || status=$?
out kept "$status $(cat $dir/import)"
file=$(echo ${PLACE}/fork-*.json)
out modes "$(stat -c '%U %a' $file ${PLACE} ${PLACE}/chain.txt ${PLACE}/socket | tr '\\n' ' ')"
sums() { (cd ${PLACE} && sha256sum *.json chain.txt); }
out before "$(sums)"
place=${PLACE} mine=/var/lib/ctga/mine
export file place mine writer
for attack in $dir/attacks/*; do
  status=0
  setpriv --reuid=ctga-observer --regid=ctga --init-groups --no-new-privs sh -c '
    echo mine > $mine; mkdir -p $mine.d
    . $0' $attack > $dir/attack.log 2>&1 || status=$?
  out "attack $(basename "$attack")" "$status"
done
out after "$(sums)"
status=0
${ctga('ctga-observer', 'evidence list --state-dir /var/lib/ctga')} > $dir/list.out 2>&1 || status=$?
out list "$status $(cat $dir/list.out)"
# Anybody may check it.
status=0
setpriv --reuid=nobody --regid=nogroup --clear-groups cat $file ${PLACE}/chain.txt > /dev/null || status=$?
out public "$status"
# A reader of the store cannot reach the socket: it has nothing to hand over.
status=0
setpriv --reuid=ctga-web --regid=ctga --init-groups python3 -c "
import socket; socket.socket(socket.AF_UNIX).connect('${PLACE}/socket')" 2>/dev/null || status=$?
out reader "$status"
# While the writer is away, nothing is lost: it is told, and another try keeps it.
kill -9 $writer; wait $writer 2>/dev/null || true
status=0
${ctga('ctga-observer', 'heads import $dir/more.json --log-list $dir/list --state-dir /var/lib/ctga')} > $dir/import 2>&1 || status=$?
out away "$status $(cat $dir/import)"
# Evidence of before there was a writer lies in the store's directory.
cp $file /var/lib/ctga/evidence/
${node} evidence keep --state-dir /var/lib/ctga > $dir/writer.log 2>&1 &
writer=$!
for _ in $(seq 300); do grep -q Keeping $dir/writer.log && break; sleep 0.1; done
status=0
${ctga('ctga-observer', 'heads import $dir/more.json --log-list $dir/list --state-dir /var/lib/ctga')} > $dir/import 2>&1 || status=$?
out back "$status $(cat $dir/import)"
# Whoever is the writer, or root, can do it; it shows.
rm -f $file
status=0
${ctga('ctga-observer', 'evidence list --state-dir /var/lib/ctga')} > $dir/list.out 2>&1 || status=$?
out tampered "$status $(cat $dir/list.out)"
kill $writer; wait $writer || true
`;
}

describe("the observer's account, taken over", () => {
  const results = new Map<string, string>();
  before(() => {
    const log = new SigningLog();
    const sth = (size: number, branch: string): unknown => ({
      log_id: Buffer.from(log.key.logId).toString('base64'),
      ...treeHeadToJson(log.sign(size, treeOf(size, branch).root())),
    });
    const put = (name: string, size: number): void =>
      writeFileSync(
        join(directory, name),
        JSON.stringify({ sths: [sth(size, 'a'), sth(size, 'b')] }),
      );
    put('heads.json', 9);
    put('more.json', 10);
    writeFileSync(join(directory, 'list'), logListOf({ alpha: log }));
    spawnSync('mkdir', [join(directory, 'attacks')]);
    for (const [name, attack] of Object.entries(ATTACKS))
      writeFileSync(join(directory, 'attacks', name.replaceAll(' ', '-')), attack);
    spawnSync('chmod', ['-R', 'a+rX', directory]);
    const { status, stderr, stdout } = spawnSync('unshare', ['--mount', 'sh', '-c', script()], {
      encoding: 'utf8',
      env: { ...process.env, dir: directory },
    });
    assert.equal(status, 0, stderr + stdout);
    const parts = spawnSync('cat', [join(directory, 'results')], { encoding: 'utf8' }).stdout.split(
      '\0',
    );
    for (let i = 0; i + 1 < parts.length; i += 2) results.set(parts[i] ?? '', parts[i + 1] ?? '');
  });
  const result = (name: string): string => results.get(name) ?? assert.fail(`no ${name}`);

  test('has evidence kept by the writer, for everybody to read', () => {
    assert.match(result('kept'), new RegExp(`^3 [^]*SPLIT VIEW PROVEN[^]*${PLACE}/fork-`));
    assert.equal(
      result('modes'),
      'ctga-evidence 444 ctga-evidence 2755 ctga-evidence 644 ctga-evidence 660 ',
    );
    assert.equal(result('public'), '0');
  });

  for (const name of Object.keys(ATTACKS))
    test(`is refused ${name}`, () => {
      assert.notEqual(result(`attack ${name.replaceAll(' ', '-')}`), '0');
    });

  test('has changed nothing', () => {
    assert.equal(result('after'), result('before'));
    assert.match(result('list'), /^0 /);
  });

  test('is alone with those who write the store in reaching the writer', () => {
    assert.notEqual(result('reader'), '0');
  });

  test('loses nothing while the writer is away, and hears of it', () => {
    assert.match(result('away'), /^1 [^]*proof of a split view[^]*still to be written/);
    assert.match(result('back'), new RegExp(`^3 [^]*${PLACE}/fork-`));
  });

  test('is told of what the writer or root took away', () => {
    assert.match(result('tampered'), /^1 [^]*is in the chain and is missing/);
  });
});

describe('a disk without', () => {
  for (const [what, size] of [
    ['bytes', 'size=4m'],
    ['inodes', 'nr_inodes=60'],
  ] as const)
    test(`${what} takes evidence and its chain in the room that the writer reserved`, () => {
      const place = mkdtempSync(join(directory, 'full-'));
      const shell = `mount -t tmpfs -o ${size} none "$1" && exec "$2" --import tsx "$3" "$1" ${what}`;
      const child = resolve(import.meta.dirname, 'writer-full-child.ts');
      const args = ['--mount', 'sh', '-c', shell, 'sh', place, process.execPath, child];
      const { status, stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      assert.deepEqual(JSON.parse(stdout), { refused: [], length: 5, faults: [] });
    });
});
