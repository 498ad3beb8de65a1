import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as upconv from '../../../src/index.ts';
import type { Layer } from '../../../src/cli/benchmark/layer.ts';
import { flopsOf, shapesOf } from '../../../src/cli/benchmark/layer.ts';
import { LayerCalls, randomData } from '../../../src/cli/benchmark/layer_calls.ts';

const common = { model: '', source: '', batch: 2, cin: 4, cout: 6, groups: 2 };
const transposed: Layer = {
  ...common,
  name: 'transposed',
  dims: 2,
  input: [5, 6],
  kernel: [3, 4],
  stride: [2, 3],
  padding: [1, 0],
  outputPadding: [1, 2],
  dilation: [1, 2],
};
const conv: Layer = {
  ...common,
  name: 'conv',
  kind: 'conv',
  dims: 1,
  input: [20],
  kernel: [3],
  stride: [2],
  padding: [2],
  outputPadding: [0],
  dilation: [3],
};

test('operations of the definition', () => {
  expect(flopsOf(transposed)).toBe(2 * 2 * 30 * 4 * 3 * 12);
  expect(flopsOf(conv)).toBe(2 * 2 * 9 * 6 * 2 * 3);
});

describe.each([transposed, conv])('$name', (layer) => {
  const shapes = shapesOf(layer);
  let engine: upconv.Engine;
  let calls: LayerCalls;
  beforeAll(async () => {
    engine = await upconv.createEngine({ threads: 1 });
    calls = new LayerCalls(upconv, engine, randomData(layer));
  });
  afterAll(() => engine.dispose());

  test('shapes are those of the package', () => {
    expect(calls.forward().shape).toEqual(shapes.output);
    expect(calls.gradInput().shape).toEqual(shapes.input);
    expect(calls.gradWeight().shape).toEqual(shapes.weight);
  });

  test('end to end has the numbers of the resident call', () => {
    expect(calls.forwardEndToEnd()).toEqual(calls.forward().toTypedArray());
  });

  test('calls leave nothing behind', () => {
    const before = engine.memory.tensors;
    calls.forwardBackward();
    calls.forwardEndToEnd();
    expect(engine.memory.tensors).toBe(before);
    calls.dispose();
    expect(engine.memory.tensors).toBe(before - 3);
  });
});

test('numbers are the same in every run, and lie in [-1, 1]', () => {
  const [first, second] = [randomData(transposed), randomData(transposed)];
  expect(first).toEqual(second);
  expect(new Set([first.input[0], first.weight[0], first.gradOutput[0]]).size).toBe(3);
  expect(first.gradOutput.every((value) => value >= -1 && value <= 1)).toBe(true);
});
