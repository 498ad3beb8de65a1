/**
 * `npm run test:faults -- [--record] [option of Vitest …]`: memory refused, calls aborted, engines ended, workers that
 * die, blocks where mistakes show. With `--record` the long tests, too, and the report of trust is made of the run.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProjects } from '../../scripts/run_project.ts';
import { writeRecord } from '../trust/record.ts';

const TESTS = ['test/engine', 'test/threading', 'test/functional/huge_sizes.test.ts'];

const given = process.argv.slice(2);
const record = given.includes('--record');
const others = given.filter((argument) => argument !== '--record');
const folder = mkdtempSync(join(tmpdir(), 'upconv-faults-'));
const [counts, report] = [join(folder, 'counts'), join(folder, 'report.json')];
process.env.UPCONV_FAULT_COUNTS = counts;
const began = performance.now();
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const passed = await runProjects(['node', 'process', ...(record ? ['long'] : [])], [...TESTS, ...reporters, ...others]);
if (passed) {
  const sums = new Map<string, number>();
  for (const line of readFileSync(counts, 'utf8').trim().split('\n')) {
    const { what, times } = JSON.parse(line) as { what: string; times: number };
    sums.set(what, (sums.get(what) ?? 0) + times);
  }
  for (const [what, times] of sums) console.log(`${times} ${what}`);
  const { numPassedTests: tests } = JSON.parse(readFileSync(report, 'utf8')) as { numPassedTests: number };
  const seconds = Math.round((performance.now() - began) / 1000);
  if (record)
    writeRecord('faults', 'npm run test:faults -- --record', { tests, seconds, counts: Object.fromEntries(sums) });
}
rmSync(folder, { recursive: true });
process.exitCode = passed ? 0 : 1;
