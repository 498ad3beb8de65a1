/** Random convolutions of float16, in every memory layout: to the bit those of row-major float32, rounded. */

import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Engine, Tensor } from '../../src/index.ts';
import { roundToHalf } from '../../src/core/half.ts';
import type { RefTensor } from '../reference/tensor.ts';
import { elementCount, refTensor } from '../reference/tensor.ts';
import type { ConvProblem } from '../support/conv_problem.ts';
import { convProblems } from '../support/conv_problem.ts';
import { ENGINES, everyEngine } from '../support/engines.ts';
import { placed, targetOf } from '../support/layouts.ts';
import { releaseAll } from '../support/leaks.ts';
import { CONV, CONV_TRANSPOSE } from '../support/operations.ts';
import { disposeOwned, own } from '../support/owned.ts';
import { randomFloat32 } from '../support/random.ts';
import { chosenSeed } from '../support/seed.ts';

let engines: Engine[];
beforeAll(async () => {
  engines = await everyEngine();
});
afterEach(() => engines.forEach(releaseAll));
afterAll(() => engines.forEach((engine) => engine.dispose()));

const GRADIENTS = ['gradInput', 'gradWeight', 'gradBias'] as const;
const seed = chosenSeed();

test(`random configurations, seed ${seed}`, () => {
  const property = fc.property(convProblems(ENGINES.length), (problem) => {
    try {
      check(problem);
    } finally {
      disposeOwned();
    }
  });
  fc.assert(property, { seed, numRuns: 150 });
});

function check(problem: ConvProblem): void {
  const { axes, transposed, options, layouts, mask, accumulate } = problem;
  const engine = engines[problem.engine];
  const { forwardSync, backwardSync } = (transposed ? CONV_TRANSPOSE : CONV)[axes];
  let drawn = problem.seed;
  const random = (shape: readonly number[]): RefTensor => {
    return refTensor(shape, randomFloat32(elementCount(shape), drawn++).map(roundToHalf));
  };
  const wide = (values: RefTensor): Tensor => placed(values, 'plain', 'float32', engine);
  const [input, weight] = [random(problem.inputShape), random(problem.weightShape)];
  const bias = problem.bias ? random([problem.outChannels]) : null;
  const x = placed(input, layouts.input, 'float16', engine);
  const w = placed(weight, layouts.weight, 'float16', engine);
  const channelAxis = problem.batch === null ? 0 : 1;

  const functions = {
    ...(problem.relu ? { activation: 'relu' as const } : {}),
    ...(problem.inputRelu ? { inputActivation: 'silu' as const } : {}),
  };
  const expected = own(forwardSync(wide(input), wide(weight), bias && wide(bias), { ...options, ...functions }));
  const place = targetOf(expected.shape, problem.out, channelAxis, 'float16', engine, null);
  const out = place.out ? { out: place.out } : {};
  const b = bias && placed(bias, 'plain', 'float16', engine);
  const output = forwardSync(x, w, b, { ...options, ...functions, ...out });
  if (!place.out) own(output);
  expectRounded(output, expected);
  place.check();

  const gradOutput = random(expected.shape);
  const g = placed(gradOutput, layouts.gradOutput, 'float16', engine);
  const shapes = [problem.inputShape, problem.weightShape, [problem.outChannels]];
  const kinds = [problem.outGrad.input, problem.outGrad.weight, problem.outGrad.bias];
  const starts = shapes.map((shape, i) => (mask[i] && accumulate && kinds[i] !== 'new' ? random(shape) : null));
  const places = shapes.map((shape, i) =>
    mask[i] ? targetOf(shape, kinds[i], i === 0 ? channelAxis : 0, 'float16', engine, starts[i]) : null,
  );
  const [inputStart, weightStart, biasStart] = starts.map((start) => (start === null ? undefined : wide(start)));
  const wanted = backwardSync(wide(gradOutput), wide(input), wide(weight), {
    ...options,
    outputMask: mask,
    accumulate,
    outGradInput: inputStart,
    outGradWeight: weightStart,
    outGradBias: biasStart,
  });
  const [outGradInput, outGradWeight, outGradBias] = places.map((target) => target?.out);
  const got = backwardSync(g, x, w, {
    ...options,
    outputMask: mask,
    accumulate,
    outGradInput,
    outGradWeight,
    outGradBias,
  });
  GRADIENTS.forEach((name, i) => {
    const [gradient, float] = [got[name], wanted[name]];
    expect([gradient === null, float === null]).toEqual([!mask[i], !mask[i]]);
    if (gradient === null || float === null) return;
    if (starts[i] === null) own(float);
    if (!places[i]?.out) own(gradient);
    expectRounded(gradient, float);
    places[i]?.check();
  });
}

function expectRounded(got: Tensor, float: Tensor): void {
  expect([got.dtype, got.shape]).toEqual(['float16', float.shape]);
  expect(got.toTypedArray()).toEqual(own(float.to('float16')).toTypedArray());
}
