/** `npm run bench:browsers`: its report. */

import { expect, test } from 'vitest';
import { browsersMarkdown, lossesOf } from '../../bench/browsers/report.ts';

const layer = (name: string, upconv: number, onnxruntime: number) => ({ name, model: 'one', upconv, onnxruntime });
const RUN = {
  versions: 'upconv, onnxruntime-web 1',
  variant: 'relaxed',
  microkernel: '6x8',
  tiles: { '6x8': 40, '5x8': 36, '4x8': 32 },
  layers: [layer('a', 40, 10), layer('b', 9, 9)],
};
const REPORT = {
  date: '2026-01-01',
  commit: 'commit 1',
  machine: { cpu: 'a CPU', cores: 2, memoryGib: 8, system: 'Linux' },
  loadAverageAtStart: 0.1,
  runs: [
    { browser: 'Browser 1', ...RUN },
    { browser: 'Browser 2', ...RUN, variant: 'simd', microkernel: '5x8', tiles: { '6x8': 8, '5x8': 9, '4x8': 16 } },
  ],
};

test('a slower layer is a loss, and so is a tile that spills where it is chosen', () => {
  expect(lossesOf(REPORT)).toEqual([{ browser: 'Browser 2', what: 'tile 5x8: 56 % of the fastest tile' }]);
  const slower = { browser: 'Browser 3', ...RUN, layers: [layer('a', 40, 10), layer('b', 9, 12)] };
  expect(lossesOf({ runs: [slower] })).toEqual([{ browser: 'Browser 3', what: 'b: 0.75 ×' }]);
});

test('losses come first, then a row per browser and one per layer', () => {
  const report = browsersMarkdown(REPORT);
  expect(report.indexOf('- Browser 2: tile 5x8')).toBeLessThan(report.indexOf('## Browsers'));
  expect(report).toMatch(/\| Browser 1 +\| +relaxed \| +40.0 \(chosen\) \| +36.0 \| +32.0 \| +2.00 \| +1.00 \|/);
  expect(report).toMatch(/\| b +\| +9.0 \| +9.0 \| +1.00 \| +9.0 \| +9.0 \| +1.00 \|/);
  expect(browsersMarkdown({ ...REPORT, runs: [REPORT.runs[0]] })).toContain('None: no layer is slower');
});
