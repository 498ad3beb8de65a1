import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import type { Report } from '../../bench/results.ts';
import { manyTimes } from '../support/many_times.ts';

const folder = mkdtempSync(join(tmpdir(), 'upconv-bench-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const script = fileURLToPath(new URL('../../bench/run.ts', import.meta.url));
function run(...args: string[]) {
  return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
}

test('a run without other libraries needs none of them', () => {
  const json = join(folder, 'report.json');
  const layers = 'mediapipe-selfie,fsrcnn-map';
  const { status, stdout, stderr } = run('--peers', 'none', '--layers', layers, '--budget', '0.2', '--json', json);
  expect([status, stderr]).toEqual([0, expect.stringContaining('mediapipe-selfie')]);
  const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
  expect([report.layers, report.convolutions].map((results) => results.map(({ name }) => name))).toEqual([
    ['mediapipe-selfie'],
    ['fsrcnn-map'],
  ]);
  expect(Object.keys(report.layers[0].upconv)).toEqual([
    'endToEnd',
    'resident',
    'gradInput',
    'gradWeight',
    'forwardBackward',
  ]);
  expect(report.layers[0].channelsLast?.medianMs).toBeGreaterThan(0);
  expect(report.convolutions[0]).not.toHaveProperty('channelsLast');
  expect(report.layers[0].errorInBounds).toBeLessThanOrEqual(1);
  expect(report.layers[0].columnBytes).toBe(4 * 4 * 128 * 128);
  expect(report.peak.median).toBeGreaterThan(1);
  expect(stdout).toContain('## Transposed convolution, backward');
});

test('every path of a layer', () => {
  const { status, stdout } = run('--algorithms', '--layers', 'mediapipe-selfie', '--budget', '0.2');
  expect(stdout).toMatch(/\| GFLOP\/s +\| +auto \| +direct \| .*planes/);
  expect(status).toBeLessThanOrEqual(1);
});

const runAgain = manyTimes(script);
test.each([
  [['--layers', 'nothing'], /^no layer is called nothing…\n\nnpm run bench/],
  [['--algorithm', 'magic', '--layers', 'sam'], /^--algorithm: no layer accepts magic/],
  [['--compare', 'no-such-commit'], /^--compare: no-such-commit is no commit/],
  [['--budget', '-1'], /--budget/],
])('%j: exit code 2', async (args, message) => {
  const { code, stdout, stderr } = await runAgain(...args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr.replace(/^warning: .*\n/, '')).toMatch(message);
});

test('a mistake is the exit code of the process', () => {
  expect(run('--budget', '0')).toMatchObject({ status: 2, stdout: '' });
});
