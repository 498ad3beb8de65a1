/** One problem by every path that multiplies, for engines with and without vectors of 256 bits. */

import { expect } from 'vitest';
import type { Engine } from '../../src/index.ts';
import { convTranspose2dBackwardSync, convTranspose2dSync, tensor } from '../../src/index.ts';
import { convTransposeBackwardReference, convTransposeReference } from '../reference/conv_transpose.ts';
import { expectOf } from './expect.ts';
import { randomFloat32 } from './random.ts';

const OPTIONS = { stride: 2, padding: 1 } as const;
const ALGORITHMS = ['planes', 'implicit', 'winograd'] as const;
const SHAPES = { input: [2, 40, 17, 21], weight: [40, 21, 4, 4], output: [2, 21, 34, 42] };

function operandOf(name: keyof typeof SHAPES): { shape: number[]; data: Float64Array } {
  const shape = SHAPES[name];
  const count = shape.reduce((product, length) => product * length, 1);
  return { shape, data: Float64Array.from(randomFloat32(count, name.length)) };
}

/** Output, gradInput and gradWeight by every path. */
export function resultsOf(engine: Engine): Float32Array[] {
  const [x, w, gradOutput] = (['input', 'weight', 'output'] as const).map((name) => {
    const { data, shape } = operandOf(name);
    return tensor(Float32Array.from(data), shape, { engine });
  });
  return ALGORITHMS.flatMap((algorithm) => {
    const options = { ...OPTIONS, algorithm };
    const output = convTranspose2dSync(x, w, null, options);
    const { gradInput, gradWeight } = convTranspose2dBackwardSync(gradOutput, x, w, options);
    return [output, gradInput, gradWeight].map((result) => result.toTypedArray() as Float32Array);
  });
}

export function expectRight(results: readonly Float32Array[]): void {
  const [x, w, gradOutput] = [operandOf('input'), operandOf('weight'), operandOf('output')];
  const output = convTransposeReference(x, w, null, OPTIONS);
  const { gradInput, gradWeight } = convTransposeBackwardReference(gradOutput, x, w, OPTIONS);
  const expected = [output, gradInput, gradWeight];
  results.forEach((values, i) => {
    const check = expectOf(ALGORITHMS[Math.floor(i / expected.length)]);
    const reference = expected[i % expected.length];
    check({ shape: reference.shape, values }, reference);
  });
}

export function expectSame(results: readonly Float32Array[], others: readonly Float32Array[]): void {
  expect(results.map((values, i) => values.every((value, at) => Object.is(value, others[i][at])))).toEqual(
    others.map(() => true),
  );
}
