/**
 * Plants the bugs of mutants.ts, one at a time, in a copy of the sources, and runs the tests of convolutions there.
 *
 *   npm run mutants [part of a file's name …]
 *
 * Fails when a mutant survives, or when its place is no longer in the sources.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutants.ts';
import { MUTANTS } from './mutants.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const copy = `${root}build/mutants/`;
/** The variants that most engines of the tests have. */
const BUILD = '--wasm-only=relaxed-threads,relaxed';
/** The quickest to find something first: `--bail` ends a run. */
const TESTS = [
  'test/golden/conv.test.ts',
  'test/golden/conv_transpose.test.ts',
  'test/functional/{adjoint,borders,forward_paths,fold,packed_weight,channels_last,non_finite}.test.ts',
  'test/kernels/{foreign_memory,geometry}.test.ts',
  'test/engine/guards.test.ts',
];

function makeCopy(): void {
  rmSync(copy, { recursive: true, force: true });
  const files = execFileSync('git', ['ls-files', '-z', 'src', 'assembly', 'test', 'scripts', '*.json', '*.ts'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of files.split('\0').filter((name) => name !== '')) {
    mkdirSync(dirname(copy + file), { recursive: true });
    cpSync(root + file, copy + file);
  }
  symlinkSync(`${root}node_modules`, `${copy}node_modules`);
  restoreModules();
}

/** What is built from assembly/. */
function restoreModules(): void {
  for (const built of ['src/wasm/inlined', 'src/threading/inlined'])
    cpSync(root + built, copy + built, { recursive: true });
}

function node(...args: string[]): boolean {
  return spawnSync(process.execPath, args, { cwd: copy, stdio: 'ignore', timeout: 600_000 }).status === 0;
}

function testsPass(): boolean {
  const files = execFileSync('git', ['ls-files', ...TESTS.flatMap(expand)], { cwd: root, encoding: 'utf8' });
  const options = ['--project', 'node', '--bail', '1'];
  return node('node_modules/vitest/vitest.mjs', 'run', ...options, ...files.trim().split('\n'));
}

function isKilled({ file }: Mutant): boolean {
  const isKernel = file.startsWith('assembly/');
  if (isKernel && !node('scripts/build.ts', BUILD)) throw new Error(`${file}: the mutant does not compile`);
  const killed = !testsPass();
  if (isKernel) restoreModules();
  return killed;
}

/** `a{b,c}d` as `abd` and `acd`. */
function expand(pattern: string): string[] {
  const [, before, choices, after] = /^(.*)\{(.*)\}(.*)$/.exec(pattern) ?? [];
  return choices === undefined ? [pattern] : choices.split(',').map((choice) => before + choice + after);
}

const wanted = process.argv.slice(2);
const chosen = MUTANTS.filter(({ file }) => wanted.length === 0 || wanted.some((part) => file.includes(part)));
makeCopy();
if (!testsPass()) throw new Error('the tests fail in the copy without a mutant');
let survivors = 0;
for (const mutant of chosen) {
  const { file, bug, from, to } = mutant;
  const source = readFileSync(root + file, 'utf8');
  if (source.split(from).length !== 2) throw new Error(`${file}: '${from}' is not there once`);
  const began = performance.now();
  writeFileSync(
    copy + file,
    source.replace(from, () => to),
  );
  const killed = isKilled(mutant);
  writeFileSync(copy + file, source);
  if (!killed) survivors++;
  console.log(
    `${killed ? 'killed  ' : 'SURVIVED'} ${Math.round((performance.now() - began) / 1000)} s  ${file}: ${bug}`,
  );
}
console.log(`${chosen.length - survivors} of ${chosen.length} mutants killed`);
rmSync(copy, { recursive: true, force: true });
process.exitCode = survivors === 0 ? 0 : 1;
