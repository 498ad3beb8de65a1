import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { full, init, tensor, type Engine } from '../../src/index.ts';
import { releaseAll } from '../support/leaks.ts';
import { CONV, CONV_TRANSPOSE } from '../support/operations.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await init();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

test.each([
  ['convTranspose', CONV_TRANSPOSE],
  ['conv', CONV],
])('%s: a bias and its gradient may be columns of a matrix', (_, { 1: { forwardSync, backwardSync } }) => {
  const input = own(full([1, 1, 1], 1));
  const weight = own(full(forwardSync === CONV[1].forwardSync ? [3, 1, 1] : [1, 3, 1], 1));
  const matrix = own(tensor([10, 11, 20, 21, 30, 31], [3, 2]));
  const column = (index: number) => own(own(matrix.narrow(1, index, 1)).reshape(3));
  const bias = own(own(matrix.narrow(1, 1, 1)).squeeze(1));
  expect(bias.strides).toEqual([2]);
  expect(own(forwardSync(input, weight, bias)).toArray()).toEqual([[[12], [22], [32]]]);

  const gradOutput = own(tensor([1, 2, 3], [1, 3, 1]));
  const mask = { outputMask: [false, false, true], accumulate: true } as const;
  backwardSync(gradOutput, input, weight, { ...mask, outGradBias: bias });
  expect(column(0).toArray()).toEqual([10, 20, 30]);
  expect(column(1).toArray()).toEqual([12, 23, 34]);
});
