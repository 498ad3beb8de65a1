import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** Losses of discriminator and generator that torch 1.13 computes for the same seed and steps. */
const TORCH = [
  [1.416457176208496, 0.6896445155143738],
  [1.428157091140747, 0.6849623322486877],
  [1.4130573272705078, 0.6833966374397278],
];

test('GAN training steps print the losses of PyTorch and give their memory back', () => {
  const example = fileURLToPath(new URL('../../examples/gan-step/main.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [example, String(TORCH.length)], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);

  const lines = stdout.trimEnd().split('\n');
  expect(lines.pop()).toBe('memory is back');
  expect(lines).toHaveLength(TORCH.length);
  for (const [index, losses] of TORCH.entries()) {
    const [, ...printed] = /^step \d: discriminator ([\d.]+), generator ([\d.]+)$/.exec(lines[index]) ?? [];
    expect(printed).toHaveLength(2);
    for (const [which, loss] of losses.entries()) {
      expect(Math.abs(Number(printed[which]) - loss)).toBeLessThan(3e-6);
    }
  }
});
