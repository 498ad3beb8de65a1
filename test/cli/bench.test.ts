import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MEASURES } from '../../src/cli/benchmark/layer_speed.ts';
import { loadSuite } from '../../src/cli/benchmark/suites.ts';
import { listing, manyClis, runCli, temporaryFolder } from './support/cli.ts';

const folder = temporaryFolder();
const run = manyClis(folder);
const layersFile = new URL('../../bench/layers.json', import.meta.url);

interface Figures {
  readonly suite: string;
  readonly threads: number;
  readonly peak: { readonly median: number; readonly least: number; readonly most: number };
  readonly geometricMeanGflops: Record<string, number>;
  readonly layers: readonly (Record<
    string,
    { medianMs: number; calls: number; gflops: number; shareOfPeak: number }
  > & {
    readonly name: unknown;
    readonly flops: unknown;
    readonly workspaceBytes: unknown;
  })[];
}

test('bench prints a table and writes the same figures as JSON', () => {
  const { code, stdout, stderr } = runCli(folder, 'bench', '--layers', 'dla-idaup,sam', '--json', 'figures.json');
  expect([code, stderr]).toEqual([0, '']);
  const report = JSON.parse(readFileSync(join(folder, 'figures.json'), 'utf8')) as Figures;
  expect(report).toMatchObject({ suite: 'quick', threads: 1 });
  expect(report.peak.least).toBeGreaterThan(0);
  expect(report.peak.most).toBeGreaterThanOrEqual(report.peak.median);
  expect(report.layers.map(({ name }) => name)).toEqual(['sam-dc2', 'dla-idaup-f4']);
  const [header, , ...rows] = stdout.split('\n').filter((line) => line.startsWith('|'));
  expect(header).toMatch(/layer +\| MFLOP \| forward .* gradInput .* gradWeight .* fwd\+bwd .* ws MiB/);
  for (const [index, layer] of report.layers.entries()) {
    const cells = rows[index].split('|').map((cell) => cell.trim());
    expect(cells[1]).toBe(layer.name);
    for (const [column, measure] of MEASURES.entries()) {
      const { medianMs, calls, gflops, shareOfPeak } = layer[measure];
      const products = measure === 'forwardBackward' ? 3 : 1;
      expect(gflops).toBeCloseTo((products * Number(layer.flops)) / medianMs / 1e6);
      expect(shareOfPeak).toBeCloseTo(gflops / report.peak.median);
      expect(calls).toBeGreaterThanOrEqual(3);
      expect(cells[3 + 2 * column]).toBe(gflops.toFixed(1));
      expect(cells[4 + 2 * column]).toBe(`${(100 * shareOfPeak).toFixed(0)} %`);
    }
    expect(layer.workspaceBytes).toBeGreaterThan(0);
  }
  expect(report.geometricMeanGflops['forward']).toBeCloseTo(
    Math.sqrt(report.layers[0]['forward'].gflops * report.layers[1]['forward'].gflops),
  );
});

describe('suites', () => {
  test('quick: some ten layers of all kinds; full: all', () => {
    const [quick, full] = (['quick', 'full'] as const).map((suite) => loadSuite(suite, layersFile));
    expect(quick.layers).toHaveLength(10);
    expect(new Set(quick.layers.map(({ dims }) => dims))).toEqual(new Set([1, 2, 3]));
    expect(quick.layers.some(({ groups, cin }) => groups === cin)).toBe(true);
    expect(full.layers).toHaveLength(54);
  });

  test('by beginnings of names', () => {
    expect(loadSuite('full', layersFile, ['dcgan-4', 'lama']).layers.map(({ name }) => name)).toEqual([
      'dcgan-4',
      'lama-up3',
    ]);
  });
});

test.each([
  [['--suite', 'all'], /--suite.*'all'.*quick, full/],
  [['--layers', 'sam,nothing'], /--layers: no layer of the quick suite is called 'nothing…'/],
  [['--json', 'none/x.json'], /none\/x\.json: .*no such/],
  [['--json', '.'], /\.: is a directory/],
  [['more'], /too many arguments for 'bench'/],
])('%j: one line, exit code 2, nothing written', async (args, message) => {
  const before = listing(folder);
  const { code, stdout, stderr } = await run('bench', ...args);
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^upconv: [^\n]+\n$/);
  expect([code, stdout]).toEqual([2, '']);
  expect(listing(folder)).toEqual(before);
});
