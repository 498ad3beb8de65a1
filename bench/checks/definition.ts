/**
 * Single elements of a result, computed by the definition in double precision: enough to see that what is
 * timed is the right thing. The tests of the package check all elements.
 */

import type { LayerData } from '../../src/cli/benchmark/layer_calls.ts';
import type { Layer } from '../layers.ts';
import { sizeOf } from '../layers.ts';

/** Checked elements of a result, from the first to the last. */
const ELEMENTS = 16;

/** Factors of one product. */
type Term = readonly [number, number];

/** Error of one element, as a multiple of the bound below. */
function errorOf(value: number, terms: Iterable<Term>): number {
  let sum = 0;
  let sumOfMagnitudes = 0;
  let products = 0;
  for (const [a, b] of terms) {
    sum += a * b;
    sumOfMagnitudes += Math.abs(a * b);
    products++;
  }
  if (products === 0) return value === 0 ? 0 : Infinity;
  return Math.abs(value - sum) / (4 * Math.sqrt(products) * 2 ** -24 * sumOfMagnitudes);
}

/**
 * Largest error among some elements, as a multiple of the bound 4·√K·2⁻²⁴·Σ|products| of a sum of K products.
 * NaN when a result is not a number.
 */
export function errorAgainstDefinition(result: ResultName, numbers: ArrayLike<number>, data: LayerData): number {
  const [name, problem] = data.layer.kind === 'conv' ? [ADJOINT[result], adjointOf(data)] : [result, data];
  let largest = 0;
  for (let i = 0; i < ELEMENTS; i++) {
    const index = Math.round((i / (ELEMENTS - 1)) * (numbers.length - 1));
    largest = Math.max(largest, errorOf(numbers[index], TERMS[name](index, problem)));
  }
  return largest;
}

const TERMS = { output: outputTerms, gradInput: gradInputTerms, gradWeight: gradWeightTerms } as const;
type ResultName = keyof typeof TERMS;

/** What a result of a convolution is in the transposed convolution that it is the adjoint of. */
const ADJOINT = { output: 'gradInput', gradInput: 'output', gradWeight: 'gradWeight' } as const;

/** The transposed convolution whose gradient by its input is this convolution. */
function adjointOf({ layer, shapes, input, weight, gradOutput }: LayerData): LayerData {
  const { kind: _, ...rest } = layer;
  const [, cin, ...spatial] = shapes.output;
  return {
    layer: { ...rest, cin, cout: layer.cin, input: spatial },
    shapes: { input: shapes.output, weight: shapes.weight, output: shapes.input },
    input: gradOutput,
    weight,
    gradOutput: input,
  };
}

/** Which (input position, tap) meet at one output position. */
function* outputTerms(index: number, { input, weight, shapes, layer }: LayerData): Generator<Term> {
  const [n, co, ...at] = unravel(index, shapes.output);
  const { cin, cout, groups, kernel } = layer;
  const group = Math.floor(co / (cout / groups));
  const taps = sizeOf(kernel);
  for (let tap = 0; tap < taps; tap++) {
    const from = inputPosition(at, unravel(tap, kernel), layer);
    if (from === null) continue;
    for (let c = 0; c < cin / groups; c++) {
      const ci = group * (cin / groups) + c;
      const x = input[(n * cin + ci) * sizeOf(layer.input) + ravel(from, layer.input)];
      yield [x, weight[(ci * (cout / groups) + (co % (cout / groups))) * taps + tap]];
    }
  }
}

function* gradInputTerms(index: number, { gradOutput, weight, shapes, layer }: LayerData): Generator<Term> {
  const [n, ci, ...at] = unravel(index, shapes.input);
  const { cin, cout, groups, kernel } = layer;
  const [, , ...outputSpatial] = shapes.output;
  const group = Math.floor(ci / (cin / groups));
  const taps = sizeOf(kernel);
  for (let tap = 0; tap < taps; tap++) {
    const to = outputPosition(at, unravel(tap, kernel), layer);
    if (!isInside(to, outputSpatial)) continue;
    for (let c = 0; c < cout / groups; c++) {
      const co = group * (cout / groups) + c;
      const g = gradOutput[(n * cout + co) * sizeOf(outputSpatial) + ravel(to, outputSpatial)];
      yield [g, weight[(ci * (cout / groups) + c) * taps + tap]];
    }
  }
}

function* gradWeightTerms(index: number, { input, gradOutput, shapes, layer }: LayerData): Generator<Term> {
  const [ci, c, ...tap] = unravel(index, shapes.weight);
  const { batch, cin, cout, groups } = layer;
  const [, , ...outputSpatial] = shapes.output;
  const co = Math.floor(ci / (cin / groups)) * (cout / groups) + c;
  const pixels = sizeOf(layer.input);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const to = outputPosition(unravel(pixel, layer.input), tap, layer);
    if (!isInside(to, outputSpatial)) continue;
    for (let n = 0; n < batch; n++) {
      const g = gradOutput[(n * cout + co) * sizeOf(outputSpatial) + ravel(to, outputSpatial)];
      yield [g, input[(n * cin + ci) * pixels + pixel]];
    }
  }
}

function outputPosition(input: readonly number[], tap: readonly number[], layer: Layer): number[] {
  const { stride, padding, dilation } = layer;
  return input.map((i, axis) => i * stride[axis] - padding[axis] + tap[axis] * dilation[axis]);
}

/** Null where no input position meets this output position through this tap. */
function inputPosition(output: readonly number[], tap: readonly number[], layer: Layer): number[] | null {
  const { stride, padding, dilation } = layer;
  const position = output.map((o, axis) => (o + padding[axis] - tap[axis] * dilation[axis]) / stride[axis]);
  return position.every(Number.isInteger) && isInside(position, layer.input) ? position : null;
}

function isInside(position: readonly number[], spatial: readonly number[]): boolean {
  return position.every((p, axis) => p >= 0 && p < spatial[axis]);
}

function ravel(position: readonly number[], shape: readonly number[]): number {
  return position.reduce((index, p, axis) => index * shape[axis] + p, 0);
}

function unravel(index: number, shape: readonly number[]): number[] {
  const position: number[] = [];
  for (const length of shape.toReversed()) {
    position.unshift(index % length);
    index = Math.floor(index / length);
  }
  return position;
}
