import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('the autoencoder learns, without a copy', () => {
  const example = fileURLToPath(new URL('../../examples/tfjs-autoencoder/main.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [example, '21'], { encoding: 'utf8' });
  expect(stderr).toMatch(/^[\d.]+ ms a step$/m);
  expect(status).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.pop()).toBe(`${21 * 11} kernel calls, memory: tfjs, copied: 0 bytes`);
  const losses = lines.map((line) => Number(/^step \d+: loss ([\d.]+)$/.exec(line)?.[1]));
  expect(losses).toHaveLength(3);
  expect(losses[2]).toBeLessThan(losses[0] / 5);
});
