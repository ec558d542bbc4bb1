// SPDX-License-Identifier: Apache-2.0
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const BROWSER = [
  'addEventListener',
  'document',
  'DOMParser',
  'EventSource',
  'fetch',
  'getComputedStyle',
  'innerWidth',
  'matchMedia',
];

export default tseslint.config(
  { ignores: ['build/', 'node_modules/'] },
  js.configs.recommended,
  { files: ['*.js'], languageOptions: { globals: { URL: 'readonly' } } },
  {
    files: ['src/web/assets/*.js'],
    languageOptions: { globals: Object.fromEntries(BROWSER.map((name) => [name, 'readonly'])) },
  },
  {
    files: ['extension/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        ['atob', 'btoa', 'fetch', 'AbortController', 'HTMLButtonElement', 'URL']
          .concat(['clearTimeout', 'console', 'crypto', 'setTimeout'])
          .map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // node:test's test() and describe() return promises that the runner itself awaits.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', name: ['test', 'describe', 'it', 'suite'], package: 'node:test' },
          ],
        },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: false, allowNullish: false },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/no-confusing-void-expression': 'off',
    },
  },
  {
    // A command and a service know their run alone: what they read, write and listen to is there.
    files: ['src/cli/*.ts', 'src/services/*.ts'],
    ignores: ['src/cli/main.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        ...['argv', 'exit', 'exitCode', 'on', 'once', 'stderr', 'stdin', 'stdout'].map(
          (property) => ({
            object: 'process',
            property,
            message: 'See src/cli/run.ts and src/base/stop-signals.ts.',
          }),
        ),
      ],
    },
  },
  {
    // A path that somebody typed may lead to a pipe, a device or what has no end.
    files: ['src/cli/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          name: 'node:fs',
          importNames: ['readFileSync', 'readFile', 'openSync'],
          message: 'Read what was named with src/base/documents.ts or src/base/file-input.ts.',
        },
      ],
    },
  },
  {
    // A head that is recorded and held against nothing is a fork that nobody hears of.
    files: ['src/**/*.ts'],
    ignores: ['src/evidence/record.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "ImportDeclaration[source.value='zod'] > ImportSpecifier[imported.name='z']",
          message:
            "Write import * as z from 'zod', or its 300 kB of languages are compiled into ctga.",
        },
        ...['object.property.name', 'object.name'].map((owner) => ({
          selector: `MemberExpression[${owner}="heads"][property.name="record"]`,
          message: 'Record heads with recordHeads of src/evidence/record.ts, which judges them.',
        })),
      ],
    },
  },
  {
    // Nothing fails by chance: chance is decided beforehand.
    files: ['test/**/*.ts'],
    ignores: ['test/support/random.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { name: 'fast-check', message: 'Take fc from test/support/random.ts, which seeds it.' },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'See test/support/random.ts.' },
      ],
    },
  },
);
