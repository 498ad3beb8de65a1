/**
 * `npm run fuzz -- --minutes N [--seed S] [--record] [target…]`: random calls and damaged files, for N minutes in all.
 * With `--record` this run, as far as it found nothing, is added to the report of trust.
 */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runProjects } from '../../scripts/run_project.ts';
import type { FuzzFigures } from '../trust/figures.ts';
import { hasRecord, readRecord, writeRecord } from '../trust/record.ts';

const TARGETS = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.fuzz.ts'))
  .map((file) => file.slice(0, -'.fuzz.ts'.length));

const { values, positionals } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    record: { type: 'boolean' },
  },
  allowPositionals: true,
});
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const targets = positionals.length > 0 ? positionals : TARGETS;
const unknown = targets.filter((target) => !TARGETS.includes(target));
if (!(minutes > 0) || !Number.isInteger(seed) || unknown.length > 0) {
  console.error(`fuzz: --minutes is a positive number, --seed an integer, a target one of ${TARGETS.join(', ')}`);
  process.exit(2);
}

console.log(`fuzz: ${targets.join(', ')}; ${minutes} minutes, --seed ${seed}`);
const folder = mkdtempSync(join(tmpdir(), 'upconv-fuzz-'));
const output = join(folder, 'counts');
process.env.UPCONV_FUZZ_SECONDS = String((minutes * 60) / targets.length);
process.env.UPCONV_FUZZ_SEED = String(seed);
process.env.UPCONV_FUZZ_OUTPUT = output;
const files = targets.map((target) => `test/fuzz/${target}.fuzz.ts`);
// one after the other: the time is that of the command
const passed = await runProjects(['fuzz'], [...files, '--no-file-parallelism', '--disable-console-intercept']);
const lines = existsSync(output) ? readFileSync(output, 'utf8').trim().split('\n') : [];
const runs = lines.map((line) => JSON.parse(line) as FuzzFigures);
console.log(`fuzz: ${runs.reduce((sum, { cases }) => sum + cases, 0)} cases without a finding`);
if (values.record)
  writeRecord('fuzz', 'npm run fuzz', [...(hasRecord('fuzz') ? readRecord('fuzz').figures : []), ...runs]);
rmSync(folder, { recursive: true });
process.exitCode = passed ? 0 : 1;
