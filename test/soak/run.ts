/**
 * `npm run soak -- --minutes N`: mixed work on two threads for N minutes. Fails when a result changes, a tensor is left, the
 * wasm memory or the process grows after the first quarter, or a round costs more CPU time than it did then. With
 * `--record` the report of trust is made of this run.
 */

import { parseArgs } from 'node:util';
import { Peak } from '../../src/cli/benchmark/peak.ts';
import { createEngine } from '../../src/index.ts';
import type { SoakFigures } from '../trust/figures.ts';
import { writeRecord } from '../trust/record.ts';
import { round } from './work.ts';

/** Growth of the process that is chance, and of the cost of a round. */
const MOST_GROWTH = 1.2;

interface Sample {
  readonly cpuSeconds: number;
  /** Of the CPU time of one sample of multiply-adds, made right behind it: the machine is not always as fast. */
  readonly cost: number;
  readonly processBytes: number;
  readonly reservedBytes: number;
}

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, record: { type: 'boolean' } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  console.error('soak: --minutes is a positive number');
  process.exit(2);
}

const yardstick = await Peak.create('simd');
const engine = await createEngine({ threads: 2, numerics: 'portable', yieldEveryMs: 1 });
const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const expected = await round(engine, 0);
const { tensors, bytesInUse } = engine.memory;
const samples: Sample[] = [];
const problems = new Set<string>();
for (const end = Date.now() + minutes * 60_000; Date.now() < end;) {
  const began = cpuSeconds();
  if ((await round(engine, samples.length)) !== expected) problems.add(`round ${samples.length}: other results`);
  const ended = cpuSeconds();
  yardstick.time();
  const yard = cpuSeconds() - ended;
  const now = engine.memory;
  if (now.tensors !== tensors || now.bytesInUse !== bytesInUse)
    problems.add(`round ${samples.length}: tensors are left`);
  samples.push({
    cpuSeconds: ended - began,
    cost: (ended - began) / yard,
    processBytes: process.memoryUsage().rss,
    reservedBytes: now.bytesReserved,
  });
}

const { threads, threadsReason } = engine.info;
if (threads !== 2) problems.add(`threads: ${threads}, ${threadsReason}`);
if (engine.memory.tensorsCollected > 0) problems.add(`${engine.memory.tensorsCollected} tensors were collected`);
engine.dispose();

const quarter = Math.max(1, Math.floor(samples.length / 4));
const medians = {} as Record<keyof Sample, readonly [number, number]>;
for (const name of ['cpuSeconds', 'cost', 'processBytes', 'reservedBytes'] as const) {
  const median = (part: readonly Sample[]): number => part.map((sample) => sample[name]).toSorted((a, b) => a - b)[Math.floor(part.length / 2)]; // prettier-ignore
  // the first quarter warms up
  const [first, last] = [median(samples.slice(quarter, 2 * quarter)), median(samples.slice(-quarter))];
  medians[name] = [first, last];
  console.log(`${name}: ${first.toPrecision(4)} in the second quarter, ${last.toPrecision(4)} in the last`);
  if (name === 'cpuSeconds') continue; // the cost is judged
  if (last > first * (name === 'reservedBytes' ? 1 : MOST_GROWTH)) problems.add(`${name} grew`);
}
console.log(`${samples.length} rounds in ${minutes} minutes, ${threads} threads`);
const figures: SoakFigures = { minutes, rounds: samples.length, threads, medians, problems: [...problems] };
if (values.record) writeRecord('soak', `npm run soak -- --minutes ${minutes}`, figures);
for (const problem of problems) console.error(`soak: ${problem}`);
process.exitCode = problems.size === 0 ? 0 : 1;
