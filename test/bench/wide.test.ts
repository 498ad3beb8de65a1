/** `npm run bench:wide`: its report, and the errors in it. */

import { expect, test } from 'vitest';
import { forwardErrors } from '../../bench/wide/accuracy.ts';
import { wideReport } from '../../bench/wide/report.ts';
import { loadLayers } from '../../bench/layers.ts';
import { randomData } from '../../src/cli/benchmark/layer_calls.ts';
import * as upconv from '../../src/index.ts';

const layers = loadLayers();
const layerOf = (name: string) => layers.find((layer) => layer.name === name)!;

test('quotients are geometric means over the layers that count, and what is missing is said so', () => {
  const errors = { direct: { largest: 3.14, mean: 0.5 } };
  const report = wideReport(
    [
      { layer: layerOf('pix2pix-up2'), errors, speeds: { 'direct 128': 50, 'direct 256': 100, PyTorch: 80 } },
      { layer: layerOf('pix2pix-out'), errors, speeds: { 'direct 128': 40, 'direct 256': 20 } },
    ],
    {
      machine: { cpu: 'a CPU', cores: 2, memoryGib: 8, system: 'Linux' },
      date: '2026-01-01',
      commit: 'commit 1',
      load: 0.1,
      info: {
        variant: 'relaxed',
        threads: 1,
        microkernel: '6x8',
        wide: false,
        wideReason: 'an old V8',
        numerics: 'fast',
        relaxed: true,
      },
    },
  );
  expect(report).toContain('Wide: no, an old V8.');
  expect(report).toMatch(/direct: 256 bits ÷ 128, layers of 200 MFLOP or more +\| +≥ 1.6 \| +1.00 \| +0.50 \| +2 \|/);
  expect(report).toMatch(/\| pix2pix-up2 \| +2147 \| +50 \| +– \| +– \| +100 \| +– \| +– \| +– \| +80 \|/);
  expect(report).toMatch(/\| pix2pix-out \| +3.1 \| +0.50 \| +– \| +– \|/);
});

test('errors are those of float32, direct and with transforms', async () => {
  const engine = await upconv.createEngine({ threads: 1 });
  const layer = { ...layerOf('pix2pix-up2'), cin: 16, cout: 8, input: [9, 11] };
  const data = randomData(layer);
  for (const algorithm of ['direct', 'winograd']) {
    const { largest, mean } = forwardErrors(upconv, engine, data, algorithm);
    expect(largest).toBeGreaterThan(0.3);
    expect(largest).toBeLessThan(30);
    expect(mean).toBeLessThan(largest / 2);
  }
  expect(engine.memory.tensors).toBe(0);
  engine.dispose();
});
