import { beforeAll, describe, expect, test } from 'vitest';
import { Adam, SGD, init, tensor } from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import fixture from '../fixtures/optimizers.json' with { type: 'json' };
import { refTensor } from '../reference/tensor.ts';
import { expectWithin } from '../support/expect.ts';
import type { FixtureTensor } from '../support/fixtures.ts';
import { openFixture } from '../support/fixtures.ts';
import { held, upload } from '../support/operations.ts';

interface OptimizerCase {
  name: string;
  optimizer: 'SGD' | 'Adam';
  options: { lr: number; momentum?: number; weightDecay?: number; betas?: [number, number]; eps?: number };
  start: FixtureTensor[];
  /** (steps, ...shape) per parameter. */
  gradients: FixtureTensor[];
  after: FixtureTensor[];
}

const golden = openFixture(fixture);
const OPTIMIZERS = { SGD, Adam };
let engine: Engine;
beforeAll(async () => {
  engine = await init();
});

describe.each(['SGD', 'Adam'])('%s follows PyTorch for 20 steps', (group) => {
  test.each(golden.cases<OptimizerCase>(group))('$name', async (c) => {
    await expectTrajectory(c, (optimizer) => optimizer.step());
  });

  test.each(golden.cases<OptimizerCase>(group))('Sync: $name', async (c) => {
    await expectTrajectory(c, (optimizer) => optimizer.stepSync());
  });
});

/*
 * A step rounds the parameter once and the update a few times, relative to the sizes of both; momentum and the moments of
 * Adam remember earlier roundings. So the error after t steps is at most some roundings per step of the largest
 * parameter and update seen so far; 8 each leaves PyTorch's own freedom of evaluation order.
 */
async function expectTrajectory(c: OptimizerCase, step: (optimizer: SGD | Adam) => unknown): Promise<void> {
  const parameters = c.start.map(upload);
  const optimizer = held(new OPTIMIZERS[c.optimizer](parameters, c.options));
  const rounding = c.start[0].dtype === 'float64' ? 2 ** -53 : 2 ** -24;
  const steps = c.after[0].shape[0];
  for (let t = 0; t < steps; t++) {
    parameters.forEach((parameter, p) => setGradient(parameter, rowOf(c.gradients[p], t)));
    await step(optimizer);
    parameters.forEach((parameter, p) => {
      const expected = rowOf(c.after[p], t);
      expectWithin(parameter, refTensor(c.start[p].shape, expected), (index) => {
        const path = Array.from({ length: t + 1 }, (_, s) => rowOf(c.after[p], s)[index]);
        const from = [c.start[p].data[index], ...path];
        const largest = Math.max(...from.map(Math.abs));
        const update = Math.max(...path.map((value, s) => Math.abs(value - from[s])));
        return 8 * (t + 1) * rounding * (largest + update);
      });
    });
  }
}

/** Gradient tensors are the parameter's own from here on; the optimiser only reads them. */
function setGradient(parameter: Tensor, values: ArrayLike<number>): void {
  if (parameter.grad) parameter.grad.copyFrom(values);
  else parameter.grad = held(tensor(values, parameter.shape, { dtype: parameter.dtype }));
}

function rowOf(stacked: FixtureTensor, row: number): Float64Array {
  const length = stacked.data.length / stacked.shape[0];
  return stacked.data.subarray(row * length, (row + 1) * length);
}

test('every group is read and every tensor released', () => {
  expect(golden.unread()).toEqual([]);
  expect(engine.memory.tensors).toBe(0);
});
