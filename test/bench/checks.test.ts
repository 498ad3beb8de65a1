import { describe, expect, test } from 'vitest';
import {
  disagreement,
  largestDifference,
  productsPerElement,
  relativeDifference,
  toleranceFor,
} from '../../bench/checks/agreement.ts';
import { errorAgainstDefinition } from '../../bench/checks/definition.ts';
import type { Layer } from '../../bench/layers.ts';
import { LayerCalls, randomData } from '../../src/cli/benchmark/layer_calls.ts';
import * as upconv from '../../src/index.ts';

const transposed: Layer = {
  name: 'transposed',
  model: '',
  source: '',
  dims: 2,
  batch: 2,
  cin: 4,
  cout: 6,
  groups: 2,
  input: [5, 6],
  kernel: [3, 4],
  stride: [2, 3],
  padding: [1, 0],
  outputPadding: [1, 2],
  dilation: [1, 2],
};
const conv: Layer = { ...transposed, name: 'conv', kind: 'conv', input: [9, 20], outputPadding: [0, 0] };
const engine = upconv.createEngineSync({ wasm: await loadWasm(), threads: 1 });

async function loadWasm(): Promise<WebAssembly.Module> {
  const { loadVariant } = await import('../../src/wasm/load_variant.ts');
  return loadVariant('auto');
}

/** Numbers of every result of a layer. */
function compute(layer: Layer) {
  const data = randomData(layer);
  const calls = new LayerCalls(upconv, engine, data);
  const results = {
    output: calls.forwardEndToEnd(),
    gradInput: calls.gradInput().toTypedArray() as Float32Array,
    gradWeight: calls.gradWeight().toTypedArray() as Float32Array,
  };
  return { data, results };
}

describe.each([transposed, conv])('definition: $name', (layer) => {
  const { data, results } = compute(layer);

  test.each(['output', 'gradInput', 'gradWeight'] as const)('%s', (name) => {
    expect(errorAgainstDefinition(name, results[name], data)).toBeLessThanOrEqual(1);
    const wrong = Float32Array.from(results[name]);
    wrong[wrong.length - 1] += 1e-3;
    expect(errorAgainstDefinition(name, wrong, data)).toBeGreaterThan(1);
    wrong[0] = NaN;
    expect(errorAgainstDefinition(name, wrong, data)).toBeNaN();
  });
});

describe('agreement', () => {
  test('products that one element adds up', () => {
    expect(productsPerElement(transposed)).toEqual({ output: 2 * 2 * 2, gradInput: 3 * 12, gradWeight: 2 * 30 });
    expect(productsPerElement({ ...transposed, stride: [2, 2] }).output).toBe(2 * 2 * 4);
    expect(productsPerElement(conv)).toEqual({ output: 2 * 12, gradInput: 3 * 2 * 2, gradWeight: 2 * 5 * 5 });
  });

  test('a rounding agrees, a missing product does not', () => {
    const { results } = compute(transposed);
    expect(disagreement(transposed, results, results)).toBe(0);
    const rounded = { output: results.output.map((value) => value * (1 + 2 ** -23)) };
    expect(disagreement(transposed, rounded, results)).toBeLessThan(1);
    const missing = { gradWeight: results.gradWeight.with(3, results.gradWeight[3] + 1e-2) };
    expect(disagreement(transposed, missing, results)).toBeGreaterThan(1);
  });

  test('the tolerance grows with the number of products', () => {
    expect(toleranceFor(200)).toBe(2 * toleranceFor(100));
  });

  test('NaN, another length and a result that we have not are no agreement', () => {
    const { results } = compute(transposed);
    const none = { output: results.output.with(0, NaN) };
    expect(disagreement(transposed, none, results)).toBeNaN();
    expect(disagreement(transposed, { output: results.output.slice(1) }, results)).toBeNaN();
    expect(disagreement(transposed, results, { output: results.output })).toBeNaN();
    expect(largestDifference([1, 2], [1, 4])).toBe(2);
  });

  test('relative difference of norms', () => {
    expect(relativeDifference([3, 4], [3, 4])).toBe(0);
    expect(relativeDifference([3, 4.5], [3, 4])).toBeCloseTo(0.1);
    expect(relativeDifference([3], [3, 4])).toBeNaN();
  });
});
