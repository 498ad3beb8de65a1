/** `npm run fuzz -- --minutes N [--seed S] [target…]`: random calls and damaged files, for N minutes in all. */

import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runProjects } from '../../scripts/run_project.ts';

const TARGETS = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.fuzz.ts'))
  .map((file) => file.slice(0, -'.fuzz.ts'.length));

const { values, positionals } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } },
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
process.env.UPCONV_FUZZ_SECONDS = String((minutes * 60) / targets.length);
process.env.UPCONV_FUZZ_SEED = String(seed);
const files = targets.map((target) => `test/fuzz/${target}.fuzz.ts`);
// one after the other: the time is that of the command
process.exitCode = runProjects(['fuzz'], [...files, '--no-file-parallelism', '--disable-console-intercept']) ? 0 : 1;
