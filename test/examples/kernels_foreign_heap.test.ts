import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { convTransposeReference } from '../reference/conv_transpose.ts';
import { refTensor } from '../reference/tensor.ts';
import { gathered, stridesInOrder } from '../support/bound_plan.ts';

test('a foreign framework calls upconv/kernels on its own heap', () => {
  const example = fileURLToPath(new URL('../../examples/kernels-foreign-heap/main.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [example], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);

  const inputShape = [1, 16, 8, 8];
  const channelsLast = Float32Array.from({ length: 1024 }, (_, index) => Math.sin(index));
  const input = gathered(channelsLast, inputShape, stridesInOrder(inputShape, [0, 2, 3, 1]));
  const weight = Float32Array.from({ length: 16 * 8 * 16 }, (_, index) => Math.cos(index) / 16);
  const bias = refTensor([8], new Float32Array(8).fill(0.1));
  const output = convTransposeReference(refTensor(inputShape, input), refTensor([16, 8, 4, 4], weight), bias, {
    stride: 2,
    padding: 1,
  });
  const mean = output.data.reduce((sum, value) => sum + Math.max(0, value), 0) / output.data.length;
  expect(stdout.split('\n')).toEqual([
    `output (1, 16, 16, 8): mean ${mean.toFixed(4)}`,
    `gradBias: ${Array.from({ length: 8 }, () => 256).join(' ')}`,
    '',
  ]);
});
