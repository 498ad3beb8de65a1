import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** Losses that torch 1.13 computes for the same seed and steps. */
const TORCH = [0.9273031949996948, 0.7401474118232727, 0.7006015777587891, 0.653214156627655, 0.6184974908828735];

test('a 3-D U-Net decoder block trains with the losses of PyTorch', () => {
  const example = fileURLToPath(new URL('../../examples/unet3d-decoder/main.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [example, String(TORCH.length)], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);

  const lines = stdout.trimEnd().split('\n');
  expect(lines.pop()).toMatch(/^\d+\.\d % of the voxels are right$/);
  const losses = lines.map((line) => Number(/^step \d: ([\d.]+)$/.exec(line)?.[1]));
  expect(losses).toHaveLength(TORCH.length);
  // Adam divides by roots of small gradients, so differences of a rounding grow from step to step
  losses.forEach((loss, step) => expect(Math.abs(loss - TORCH[step])).toBeLessThan(1e-6 * 4 ** (step + 1)));
});
