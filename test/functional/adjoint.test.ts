/** Random convolutions against the definition, and the adjoint identity on layers that the definition is too slow for. */

import * as fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { tensor } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { elementCount, refTensor } from '../reference/tensor.ts';
import { checkConv, dot } from '../support/conv_check.ts';
import { convProblems } from '../support/conv_problem.ts';
import { ENGINES, everyEngine } from '../support/engines.ts';
import { releaseAll } from '../support/leaks.ts';
import { CONV, CONV_TRANSPOSE } from '../support/operations.ts';
import { disposeOwned, own } from '../support/owned.ts';
import { randomFloat32, randomFloat64 } from '../support/random.ts';
import { chosenSeed } from '../support/seed.ts';

let engines: Engine[];
beforeAll(async () => {
  engines = await everyEngine();
});
afterEach(() => engines.forEach(releaseAll));
afterAll(() => engines.forEach((engine) => engine.dispose()));

const seed = chosenSeed();

test(`random configurations as the definition, seed ${seed}`, () => {
  const property = fc.property(convProblems(ENGINES.length), (problem) => {
    try {
      checkConv(problem, engines);
    } finally {
      disposeOwned();
    }
  });
  fc.assert(property, { seed, numRuns: 250 });
});

interface Layer {
  readonly name: string;
  readonly axes: 1 | 2 | 3;
  readonly input: number[];
  readonly weight: number[];
  readonly options: { stride?: number; padding?: number; dilation?: number; groups?: number; outputPadding?: number };
}

/** Shapes of real networks, smaller in their spatial axes. */
const LAYERS: Layer[] = [
  {
    name: 'decoder k4s2p1',
    axes: 2,
    input: [2, 64, 16, 16],
    weight: [64, 32, 4, 4],
    options: { stride: 2, padding: 1 },
  },
  { name: 'U-Net k2s2', axes: 2, input: [1, 96, 24, 24], weight: [96, 48, 2, 2], options: { stride: 2 } },
  {
    name: 'k3s2p1op1',
    axes: 2,
    input: [1, 32, 31, 29],
    weight: [32, 24, 3, 3],
    options: { stride: 2, padding: 1, outputPadding: 1 },
  },
  { name: 'FCN k16s8', axes: 2, input: [1, 21, 11, 13], weight: [21, 21, 16, 16], options: { stride: 8, padding: 4 } },
  { name: 'GAN 1 x 1', axes: 2, input: [8, 100, 1, 1], weight: [100, 64, 4, 4], options: {} },
  {
    name: 'dilated groups',
    axes: 2,
    input: [2, 48, 17, 9],
    weight: [48, 5, 3, 3],
    options: { groups: 4, dilation: 3, padding: 2 },
  },
  {
    name: 'depthwise',
    axes: 2,
    input: [2, 40, 33, 21],
    weight: [40, 1, 4, 4],
    options: { stride: 2, padding: 1, groups: 40 },
  },
  { name: 'vocoder', axes: 1, input: [1, 64, 500], weight: [64, 32, 16], options: { stride: 8, padding: 4 } },
  { name: 'volume', axes: 3, input: [1, 24, 9, 8, 10], weight: [24, 16, 2, 2, 2], options: { stride: 2 } },
];

describe.each(['float32', 'float64'] as const)('<op(x), g> = <x, gradInput> = <w, gradWeight> in %s', (dtype) => {
  test.each(LAYERS)('$name', ({ axes, input, weight, options }) => {
    const make = dtype === 'float64' ? randomFloat64 : randomFloat32;
    const engine = engines[0];
    const random = (shape: readonly number[], s: number) => refTensor(shape, make(elementCount(shape), s));
    const upload = ({ shape, data }: ReturnType<typeof refTensor>) => own(tensor(data, shape, { dtype, engine }));
    const x = random(input, 1);
    const w = random(weight, 2);

    const transposed = CONV_TRANSPOSE[axes];
    const y = own(transposed.forwardSync(upload(x), upload(w), null, options));
    const g = random(y.shape, 3);
    const gradients = transposed.backwardSync(upload(g), upload(x), upload(w), options);
    // all products' absolute values, by the operation itself
    const absolute = (t: ReturnType<typeof refTensor>) => ({ ...t, data: t.data.map(Math.abs) });
    const magnitude = own(transposed.forwardSync(upload(absolute(x)), upload(absolute(w)), null, options));
    const scale = dot(magnitude, absolute(g));
    const terms = elementCount(input) / input[1] + elementCount(weight); // more than any sum here has
    const limit = (dtype === 'float64' ? 1e-12 : 4 * Math.sqrt(terms) * 2 ** -24) * scale;
    const forward = dot(y, g);
    expect(Math.abs(dot(own(gradients.gradInput), x) - forward)).toBeLessThanOrEqual(limit);
    expect(Math.abs(dot(own(gradients.gradWeight), w) - forward)).toBeLessThanOrEqual(limit);
    own(gradients.gradBias);

    // the convolution with the same weight reads g: it is the adjoint
    const { outputPadding: _, ...convOptions } = options;
    const back = own(CONV[axes].forwardSync(upload(g), upload(w), null, convOptions));
    expect(back.shape).toEqual(input);
    expect(Math.abs(dot(back, x) - forward)).toBeLessThanOrEqual(limit);
    const convGradients = CONV[axes].backwardSync(upload(x), upload(g), upload(w), convOptions);
    expect(Math.abs(dot(own(convGradients.gradInput), g) - forward)).toBeLessThanOrEqual(limit);
    expect(Math.abs(dot(own(convGradients.gradWeight), w) - forward)).toBeLessThanOrEqual(limit);
    own(convGradients.gradBias);
  });
});
