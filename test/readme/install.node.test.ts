/** What README says of an installation: its examples in each kind of module, with types, and with the built package. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const example = (name: string): string =>
  new RegExp(`<!-- example: ${name} -->\n\`\`\`js\n([^]*?)\`\`\``).exec(readme)?.[1] ?? '';

// `upconv` is this package by its own `exports`, as everywhere in this repository
mkdirSync(join(root, 'build'), { recursive: true });
const scratch = mkdtempSync(join(root, 'build/install-'));
afterAll(() => rmSync(scratch, { recursive: true }));

function run(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: scratch, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

function save(file: string, code: string): string {
  writeFileSync(join(scratch, file), code);
  return file;
}

test('the example is an .mjs file', () => {
  const { status, output } = run(save('example.mjs', example('readme')));
  expect([status, output]).toEqual([0, '[ 1, 32, 64, 64 ]\n[ 1, 64, 32, 32 ] [ 64, 32, 4, 4 ] [ 32 ]\n']);
});

test('CommonJS requires the package', () => {
  const code = example('commonjs');
  const [, printed] = /; \/\/ (.*)\n$/.exec(code) as RegExpExecArray;
  expect(run(save('example.cjs', code))).toEqual({ status: 0, output: `${printed}\n` });
});

/** Messages of the compiler, with nothing left out: the declarations of the package are checked, too. */
function checkTypes(file: string, ...options: readonly string[]): { status: number | null; output: string } {
  const tsc = fileURLToPath(new URL('bin/tsc', import.meta.resolve('typescript/package.json')));
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--skipLibCheck', 'false'];
  const target = ['--target', 'es2022', '--lib', 'es2022,dom', '--types', '', '--noEmit', '--ignoreConfig'];
  return run(tsc, ...strict, ...target, ...options, file);
}

test.each([[['--module', 'nodenext']], [['--module', 'esnext', '--moduleResolution', 'bundler']]])(
  'strict TypeScript takes the example: %s',
  (options) => {
    const file = save('typed.mts', example('readme'));
    expect(checkTypes(file, ...options)).toEqual({ status: 0, output: '' });
  },
);

test('strict TypeScript takes that of CommonJS', () => {
  const code = example('commonjs').replace(/const (.*) = require\((.*)\)/, 'import $1 from $2');
  expect(code).toContain('import {');
  expect(checkTypes(save('typed.cts', code), '--module', 'nodenext')).toEqual({ status: 0, output: '' });
});

test('strict TypeScript refuses what the example does not do', () => {
  const file = save('wrong.mts', example('readme').replace('{ stride: 2, padding: 1 }', "{ stride: '2' }"));
  const { status, output } = checkTypes(file, '--module', 'nodenext');
  expect([status, output]).toEqual([1, expect.stringContaining("Type 'string' is not assignable")]);
});
