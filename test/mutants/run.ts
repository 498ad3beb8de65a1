/**
 * Plants the bugs of mutants.ts, one at a time, in a copy of the sources, and runs the tests there that have to find it.
 *
 *   npm run mutants -- [--record] [part of a file's name …]
 *
 * Says which test found it, and whether by an assertion, an error or a time limit. Fails when a mutant survives, or when
 * its place is no longer in the sources. With `--record` the report of trust is made of the last run of each.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Kill, MutantFigures } from '../trust/figures.ts';
import { hasRecord, readRecord, writeRecord } from '../trust/record.ts';
import type { Mutant } from './mutant.ts';
import { MUTANTS } from './mutants.ts';
import { killOf } from './verdict.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const copy = `${root}build/mutants/`;
const report = `${copy}report.json`;
/** The variants that most engines of the tests have. */
const BUILD = ['--wasm-only=relaxed-threads,relaxed', '--one-pass'];
/** Tests with a bug may take so many times as long as without, and so long in any case: more is an endless loop. */
const PATIENCE = 10;
const LEAST_PATIENCE_MS = 180_000;
/** Random configurations are the same in every run. */
process.env.UPCONV_TEST_SEED ??= '1155725387';

function makeCopy(): void {
  rmSync(copy, { recursive: true, force: true });
  const files = execFileSync('git', ['ls-files', '-z', 'src', 'assembly', 'test', 'scripts', '*.json', '*.ts'], { cwd: root, encoding: 'utf8' }); // prettier-ignore
  for (const file of files.split('\0').filter((name) => name !== '')) {
    mkdirSync(dirname(copy + file), { recursive: true });
    cpSync(root + file, copy + file);
  }
  // the workers' file among what is built is the same with every bug
  for (const folder of ['node_modules', 'dist']) symlinkSync(root + folder, copy + folder);
  const config = readFileSync(`${copy}asconfig.json`, 'utf8');
  writeFileSync(
    `${copy}asconfig.json`,
    config.replace('"converge": true', '"converge": false').replace('"optimizeLevel": 3', '"optimizeLevel": 1'),
  ); // quicker
  restoreModules();
}

/** What is built from assembly/. */
function restoreModules(): void {
  for (const built of ['src/wasm/inlined', 'src/threading/inlined'])
    cpSync(root + built, copy + built, { recursive: true });
}

/** Whether it went well; null when it was ended. */
function node(timeout: number, ...args: string[]): boolean | null {
  const options = { cwd: copy, stdio: 'ignore', timeout, killSignal: 'SIGKILL' } as const;
  const { status, error } = spawnSync(process.execPath, args, options);
  return error === undefined ? status === 0 : null;
}

/** Null when all pass. */
function runTests(tests: readonly string[], timeout: number): Kill | null {
  rmSync(report, { force: true });
  const options = [
    '--project',
    'node',
    '--project',
    'modules',
    '--bail',
    '1',
    '--reporter',
    'json',
    '--outputFile',
    report,
  ];
  const passed = node(timeout, 'node_modules/vitest/vitest.mjs', 'run', ...options, ...tests);
  if (passed === null) return { test: null, how: 'time limit' };
  return passed ? null : killOf(report, copy);
}

/** Milliseconds that tests may take with a bug, by their names. */
const patience = new Map<string, number>();
function patienceFor(tests: readonly string[]): number {
  const key = tests.join(' ');
  const known = patience.get(key);
  if (known !== undefined) return known;
  const began = performance.now();
  checkWithoutMutant(tests);
  const measured = Math.ceil(Math.max(LEAST_PATIENCE_MS, PATIENCE * (performance.now() - began)));
  patience.set(key, measured);
  return measured;
}

function checkWithoutMutant(tests: readonly string[]): void {
  const failure = runTests(tests, 1_200_000);
  if (failure !== null) throw new Error(`${failure.test ?? tests.join()} fails without a mutant: ${failure.how}`);
}

function tryMutant({ file, bug, from, to, tests }: Mutant): MutantFigures {
  const limit = patienceFor(tests);
  const source = readFileSync(root + file, 'utf8');
  if (source.split(from).length !== 2) throw new Error(`${file}: '${from}' is not there once`);
  const began = performance.now();
  const mutated = source.replace(from, () => to);
  writeFileSync(copy + file, mutated);
  const isKernel = file.startsWith('assembly/');
  if (isKernel && !node(600_000, 'scripts/build.ts', ...BUILD)) throw new Error(`${file}: '${to}' does not compile`);
  const kill = runTests(tests, limit);
  writeFileSync(copy + file, source);
  if (isKernel) restoreModules();
  return { file, bug, seconds: Math.round((performance.now() - began) / 1000), kill };
}

/** With what is recorded of those that were not tried, in the order of the list. */
function merged(tried: readonly MutantFigures[]): MutantFigures[] {
  const known = [...(hasRecord('mutants') ? readRecord('mutants').figures : []), ...tried];
  return MUTANTS.flatMap(({ file, bug }) => known.findLast((each) => each.file === file && each.bug === bug) ?? []);
}

const { values, positionals } = parseArgs({ options: { record: { type: 'boolean' } }, allowPositionals: true });
const chosen = MUTANTS.filter(
  ({ file }) => positionals.length === 0 || positionals.some((part) => file.includes(part)),
);
makeCopy();
const tried: MutantFigures[] = [];
for (const mutant of chosen) {
  const outcome = tryMutant(mutant);
  const { seconds, kill, file, bug } = outcome;
  const how = kill === null ? 'SURVIVED' : `killed by ${kill.how} in ${kill.test ?? 'no test that ended'}`;
  console.log(`${seconds} s  ${file}: ${bug}: ${how}`);
  tried.push(outcome);
  if (values.record) writeRecord('mutants', 'npm run mutants', merged([outcome]));
}
// what failed because of mutants failed because of nothing else
if (values.record) for (const tests of patience.keys()) checkWithoutMutant(tests.split(' '));
const killed = tried.filter(({ kill }) => kill !== null).length;
console.log(`${killed} of ${tried.length} mutants killed`);
rmSync(copy, { recursive: true, force: true });
process.exitCode = killed === tried.length ? 0 : 1;
