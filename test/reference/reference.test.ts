import { expect, test } from 'vitest';
import convFixture from '../fixtures/conv.json' with { type: 'json' };
import convTransposeFixture from '../fixtures/conv_transpose.json' with { type: 'json' };
import foldMatmulFixture from '../fixtures/fold_matmul.json' with { type: 'json' };
import type { ConvCase, FoldCase, MatmulCase } from '../support/cases.ts';
import { expectWithin } from '../support/expect.ts';
import type { FixtureTensor } from '../support/fixtures.ts';
import { openFixture } from '../support/fixtures.ts';
import { convBackwardReference, convReference } from './conv.ts';
import { convTransposeBackwardReference, convTransposeReference } from './conv_transpose.ts';
import { foldReference, unfoldReference } from './fold.ts';
import { matmulReference } from './matmul.ts';
import type { RefConvOptions } from './options.ts';
import type { Sums } from './tensor.ts';
import { elementCount, refTensor } from './tensor.ts';

// The reference is what everything fast is compared with, so it must itself agree with PyTorch in float64.
const convTranspose = openFixture(convTransposeFixture);
const conv = openFixture(convFixture);
const foldMatmul = openFixture(foldMatmulFixture);

test.each([
  ...convTranspose.cases<ConvCase>('convTranspose'),
  ...convTranspose.cases<ConvCase>('convTransposeFloat64'),
])('convTranspose: $name', (c) => {
  expectAgreement(convTransposeReference(c.input, c.weight, c.bias, c.options), c.output);
  expectGradients(c, convTransposeBackwardReference(c.gradOutput, c.input, c.weight, c.options));
});

test.each([...conv.cases<ConvCase<RefConvOptions>>('conv'), ...conv.cases<ConvCase<RefConvOptions>>('convFloat64')])(
  'conv: $name',
  (c) => {
    expectAgreement(convReference(c.input, c.weight, c.bias, c.options), c.output);
    expectGradients(c, convBackwardReference(c.gradOutput, c.input, c.weight, c.options));
  },
);

test.each(foldMatmul.cases<FoldCase>('fold'))('fold: $name', (c) => {
  expectAgreement(foldReference(c.input, c.outputSize!, c.kernelSize, c.options), c.output);
});

test.each(foldMatmul.cases<FoldCase>('unfold'))('unfold: $name', (c) => {
  expectAgreement(unfoldReference(c.input, c.kernelSize, c.options), c.output);
});

test.each(foldMatmul.cases<MatmulCase>('matmul'))('matmul: $name', (c) => {
  expectAgreement(matmulReference(c.a, c.b), c.output);
});

test('a crop is a window into the full output', () => {
  const input = refTensor([1, 1, 3], [1, 2, 3]);
  const weight = refTensor([1, 1, 4], [1, 10, 100, 1000]);
  const full = [1, 10, 102, 1020, 203, 2030, 300, 3000];
  expect([...convTransposeReference(input, weight, null, { stride: 2 }).data]).toEqual(full);
  const crop = { begin: [3], outputSpatial: [4] };
  expect([...convTransposeReference(input, weight, null, { stride: 2, crop }).data]).toEqual(full.slice(3, 7));
  const uneven = convTransposeReference(input, weight, null, { stride: 2, padding: [[1, 3]] });
  expect([...uneven.data]).toEqual(full.slice(1, 5));
});

test('sums count their products and add up their sizes', () => {
  const input = refTensor([1, 1, 2], [1, -2]);
  const weight = refTensor([1, 1, 2], [3, 4]);
  const sums = convTransposeReference(input, weight, refTensor([1], [-5]), { stride: 1 });
  expect([...sums.data]).toEqual([-2, -7, -13]);
  expect([...sums.terms]).toEqual([2, 3, 2]);
  expect([...sums.magnitude]).toEqual([8, 15, 13]);
  expect(elementCount([])).toBe(1);
});

function expectGradients(
  c: Pick<ConvCase, 'gradInput' | 'gradWeight' | 'gradBias'>,
  gradients: { gradInput: Sums; gradWeight: Sums; gradBias: Sums },
): void {
  expectAgreement(gradients.gradInput, c.gradInput);
  expectAgreement(gradients.gradWeight, c.gradWeight);
  if (c.gradBias) expectAgreement(gradients.gradBias, c.gradBias);
}

/** Two float64 sums of the same products in another order. */
function expectAgreement(sums: Sums, torch: FixtureTensor): void {
  const result = { shape: sums.shape, values: sums.data };
  expectWithin(result, torch, (index) => 1e-14 * Math.sqrt(sums.terms[index]) * sums.magnitude[index]);
}
