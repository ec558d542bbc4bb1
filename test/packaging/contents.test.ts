// SPDX-License-Identifier: Apache-2.0
/** What goes into the package: modules with their licenses, and a Node that starts. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { debianCopyright } from '../../packaging/copyright.ts';
import { copyrightHolders, licenseText, runtimeModules } from '../../packaging/modules.ts';
import { assertStarts } from '../../packaging/start.ts';
import { paragraphs } from './debian-copyright.ts';

const ROOT = resolve(import.meta.dirname, '../..');

describe('the package', () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'ctga-contents-'));
  });
  after(() => rmSync(directory, { recursive: true }));
  function put(path: string, text: string): string {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  describe('says under which license each module is', () => {
    const modules = runtimeModules(ROOT);
    const node = 'Node.js is licensed for use as follows:\n\n  Copyright\n.dot';
    const all = paragraphs(debianCopyright(modules, ROOT, node));

    for (const module of modules)
      test(module.name, () => {
        const files = `usr/lib/ctga/${module.directory.slice(ROOT.length + 1)}/*`;
        const found = all.find((each) => each.Files === files);
        assert(found !== undefined);
        assert.match(found.Copyright ?? '', /\w/);
        const text = licenseText(module);
        // What every Debian has is named; the rest is repeated.
        const common = /in \/usr\/share\/common-licenses\/Apache-2.0/.test(found.License ?? '');
        assert.equal(common, module.license === 'Apache-2.0');
        if (!common)
          for (const line of text.split('\n'))
            assert(found.License?.includes(line.trimEnd()), line);
      });

    test('and what is compiled in, and Node, whose own text is whole', () => {
      const licenseOf = (files: string): string =>
        all.find((each) => each.Files === files)?.License ?? '';
      assert.match(licenseOf('usr/lib/ctga/build/xdp/*'), /^GPL-2\n/);
      assert.match(licenseOf('usr/lib/ctga/build/native/Release/ctga.node'), /Node\.js API/i);
      assert.match(
        licenseOf('usr/lib/ctga/node_modules/raw-socket/build/Release/raw.node'),
        /NAN contributors[^]*NoSpaceships|NoSpaceships[^]*NAN contributors/,
      );
      assert.equal(licenseOf('usr/lib/ctga/node'), `Node.js\n${node}`);
      assert.doesNotMatch(debianCopyright(modules, ROOT, undefined), /usr\/lib\/ctga\/node$/m);
    });
  });

  test('takes no module that has no text of its license', () => {
    put('bare/README.md', '# bare\n\n# License\n\nMIT\n');
    assert.throws(
      () => licenseText({ name: 'bare', directory: join(directory, 'bare') }),
      /bare has no text of its license/,
    );
  });

  test('finds the text in a README, and who holds the copyright', () => {
    const chapter =
      'Copyright (c) 2018 A\n\nCopyright (C) 2013 B <b@b>\n\nPermission is hereby granted.';
    put('raw/README.md', `# raw\n\nMIT\n\n# License\n\n${chapter}\n`);
    put('files/LICENSE-MIT', 'one');
    put('files/NOTICE', 'two');
    const raw = licenseText({ name: 'raw', directory: join(directory, 'raw') });
    assert.equal(raw, chapter);
    assert.deepEqual(copyrightHolders(raw, 'C', 'raw'), ['2018 A', '2013 B <b@b>']);
    assert.deepEqual(copyrightHolders('Copyright [yyyy] [name of copyright owner]', 'C', 'x'), [
      'C',
    ]);
    assert.equal(licenseText({ name: 'files', directory: join(directory, 'files') }), 'one\n\ntwo');
  });

  describe('is not made', () => {
    /** A package's directory in which all that is compiled seems to be. */
    function lib(): string {
      put('lib/build/js/cli/main.cjs', 'console.log("0.0.0")');
      put('lib/node_modules/raw-socket/index.js', '');
      put(
        'lib/node_modules/better-sqlite3/index.js',
        'module.exports = class { prepare() { return { get() {} }; } };',
      );
      execFileSync('cp', [
        join(ROOT, 'build/native/Release/ctga.node'),
        join(dirname(put('lib/build/native/Release/x', '')), 'ctga.node'),
      ]);
      return join(directory, 'lib');
    }

    test('with a stub before a library that is elsewhere, as Debian builds Node', () => {
      // A program of a few kB that needs libnode.so.115, which only its own machine has.
      const library = put('stub/libnode.c', 'int node_main(void) { return 0; }\n');
      const main = put(
        'stub/main.c',
        'int node_main(void); int main(void) { return node_main(); }\n',
      );
      const [so, stub] = [join(directory, 'stub/libnode.so.115'), join(directory, 'stub/node')];
      execFileSync('g++', ['-xc', library, '-shared', '-Wl,-soname,libnode.so.115', '-o', so]);
      execFileSync('gcc', ['-xc', main, '-xnone', so, '-o', stub]);
      rmSync(so);
      assert.throws(() => assertStarts([stub], lib()), /would not start: .*libnode\.so\.115/);
    });

    test('with a Node for which a module was not compiled', () => {
      const path = lib();
      put('lib/node_modules/better-sqlite3/index.js', 'throw new Error("NODE_MODULE_VERSION");');
      assert.throws(() => assertStarts([process.execPath], path), /NODE_MODULE_VERSION/);
    });

    test('with nothing there at all', () => {
      assert.throws(() => assertStarts([join(directory, 'none')], lib()), /ENOENT/);
    });

    test('but is made with one that starts', () => {
      assertStarts([process.execPath], lib());
    });
  });

  test('is compiled against headers that end no process when an object is collected', () => {
    const line = { hook: '    AddCleanupHook();', unhook: '    RemoveCleanupHook();' };
    const faulty = `class ObjectWrap {\n  ObjectWrap() {\n    refs_ = 0;\n${line.hook}\n  }\n  ~ObjectWrap() {\n${line.unhook}\n  }\n  void RemoveCleanupHook() {\n  }\n};\n`;
    const wrap = 'include/node/node_object_wrap.h';
    put(`faulty/${wrap}`, faulty);
    put('faulty/include/node/node.h', 'node');
    put(`whole/${wrap}`, faulty.replace(`${line.hook}\n`, '').replace(`${line.unhook}\n`, ''));
    const headers = (prefix: string): string =>
      execFileSync(
        'sh',
        [join(ROOT, 'bin/node-headers'), join(directory, prefix), join(directory, 'to')],
        { encoding: 'utf8' },
      ).trim();
    assert.equal(headers('whole'), join(directory, 'whole'));
    assert(!existsSync(join(directory, 'to')));
    assert.equal(headers('faulty'), join(directory, 'to'));
    assert.equal(
      readFileSync(join(directory, 'to', wrap), 'utf8'),
      readFileSync(join(directory, 'whole', wrap), 'utf8'),
    );
    assert.deepEqual(readdirSync(join(directory, 'to/include/node')), [
      'node.h',
      'node_object_wrap.h',
    ]);
  });
});
