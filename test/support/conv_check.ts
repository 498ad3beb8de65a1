/** One random convolution against the reference: forward, all gradients, and the adjoint identity between them. */

import { expect } from 'vitest';
import type { Engine, Tensor } from '../../src/index.ts';
import { convBackwardReference, convReference } from '../reference/conv.ts';
import { convTransposeBackwardReference, convTransposeReference } from '../reference/conv_transpose.ts';
import type { RefOptions } from '../reference/options.ts';
import { perAxis } from '../reference/options.ts';
import { addTerm, elementCount, refTensor } from '../reference/tensor.ts';
import type { RefTensor, Sums } from '../reference/tensor.ts';
import type { ConvProblem } from './conv_problem.ts';
import { expectOf } from './expect.ts';
import { placed, targetOf } from './layouts.ts';
import { CONV, CONV_TRANSPOSE } from './operations.ts';
import { own } from './owned.ts';
import { randomFloat32, randomFloat64 } from './random.ts';

const GRADIENTS = ['gradInput', 'gradWeight', 'gradBias'] as const;

/** Runs `problem` and compares everything; the caller disposes what is owned. */
export function checkConv(problem: ConvProblem, engines: readonly Engine[]): void {
  const { axes, transposed, options, algorithm, layouts, double } = problem;
  const engine = engines[problem.engine];
  const dtype = double ? 'float64' : 'float32';
  let seed = problem.seed;
  const random = (shape: readonly number[]): RefTensor =>
    refTensor(shape, (double ? randomFloat64 : randomFloat32)(elementCount(shape), seed++));
  const channelAxis = problem.batch === null ? 0 : 1;
  const operation = (transposed ? CONV_TRANSPOSE : CONV)[axes];
  const [forward, backward] = transposed
    ? [convTransposeReference, convTransposeBackwardReference]
    : [convReference, convBackwardReference];

  const input = random(problem.inputShape);
  const weight = random(problem.weightShape);
  const bias = problem.bias ? random([problem.outChannels]) : null;
  const x = placed(input, layouts.input, dtype, engine);
  const w = placed(weight, layouts.weight, dtype, engine);
  const b = bias && placed(bias, 'plain', dtype, engine);

  // forward
  const read = problem.inputRelu ? relu(input) : input;
  const sums = forward(read, weight, bias, options);
  const place = targetOf(sums.shape, problem.out, channelAxis, dtype, engine, null);
  const output = operation.forwardSync(x, w, b, {
    ...options,
    algorithm,
    ...(problem.relu ? { activation: 'relu' } : {}),
    ...(problem.inputRelu ? { inputActivation: 'relu' } : {}),
    ...(place.out ? { out: place.out } : {}),
  });
  if (!place.out) own(output);
  expect(output).toBe(place.out ?? output);
  const check = expectOf(algorithm, dtype);
  const tiles = (direction: boolean, operand: RefTensor): Sums | undefined =>
    algorithm === 'winograd' ? sumsOfTiles(direction, operand, weight, axes, options) : undefined;
  check(output, sums, problem.relu ? relu(sums) : sums, tiles(transposed, read));
  place.check();

  // backward
  const gradOutput = random(sums.shape);
  const g = placed(gradOutput, layouts.gradOutput, dtype, engine);
  const expected = backward(gradOutput, input, weight, options);
  const places = GRADIENTS.map((name, index) => {
    const kind = [problem.outGrad.input, problem.outGrad.weight, problem.outGrad.bias][index];
    const { shape } = expected[name];
    const start = problem.accumulate && kind !== 'new' ? random(shape) : null;
    if (start) start.data.forEach((value, element) => addTerm(expected[name], element, value));
    const along = name === 'gradInput' ? channelAxis : 0;
    // a bias gradient of one axis is a slice with neighbours all the same
    return problem.mask[index] ? targetOf(shape, kind, along, dtype, engine, start) : null;
  });
  const [outGradInput, outGradWeight, outGradBias] = places.map((target) => target?.out);
  const gradients = operation.backwardSync(g, x, w, {
    ...options,
    algorithm,
    outputMask: problem.mask,
    accumulate: problem.accumulate,
    outGradInput,
    outGradWeight,
    outGradBias,
  });
  GRADIENTS.forEach((name, index) => {
    if (gradients[name] && !places[index]?.out) own(gradients[name]);
  });
  GRADIENTS.forEach((name, index) => {
    const got = gradients[name];
    const target = places[index];
    if (target === null) {
      expect({ [name]: got }).toEqual({ [name]: null });
      return;
    }
    if (target.out) expect(got).toBe(target.out);
    const held = name === 'gradInput' ? tiles(!transposed, gradOutput) : undefined;
    check(got as Tensor, expected[name], expected[name], held);
    target.check();
  });

  // the identity holds where nothing but the linear map is between input and output
  const plain = bias === null && !problem.relu && !problem.inputRelu;
  if (!plain || (problem.accumulate && problem.outGrad.input !== 'new')) return;
  const scale = sums.magnitude.reduce((sum, magnitude, index) => sum + magnitude * Math.abs(gradOutput.data[index]), 0);
  const left = dot(output, gradOutput);
  if (gradients.gradInput) expectClose(left, dot(gradients.gradInput, input), scale, expected.gradInput, sums, double);
}

/** Sums of every position at which input and kernel overlap, those that are cropped or stepped over, too. */
export function sumsOfTiles(
  transposed: boolean,
  operand: RefTensor,
  weight: RefTensor,
  axes: number,
  { stride, dilation, groups }: RefOptions,
): Sums {
  if (transposed) return convTransposeReference(operand, weight, null, { stride, dilation, groups });
  const steps = perAxis(dilation, axes, 1);
  const padding = weight.shape.slice(-axes).map((length, axis) => steps[axis] * (length - 1));
  return convReference(operand, weight, null, { padding, dilation, groups });
}

/** Error of a dot product of two results, each within the bound of its sums. */
function expectClose(left: number, right: number, scale: number, a: Sums, b: Sums, double: boolean): void {
  const terms = [a, b].reduce((most, sums) => sums.terms.reduce((x, y) => Math.max(x, y), most), 1);
  const unit = double ? 1e-12 : 4 * Math.sqrt(terms) * 2 ** -24;
  expect(Math.abs(left - right)).toBeLessThanOrEqual(2 * unit * scale);
}

export function dot(t: Tensor, { data }: RefTensor): number {
  return Float64Array.from(t.toTypedArray()).reduce((sum, value, index) => sum + value * data[index], 0);
}

function relu<T extends RefTensor>(t: T): T {
  return { ...t, data: t.data.map((value) => Math.max(value, 0)) };
}
