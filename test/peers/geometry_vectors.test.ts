import { beforeAll, describe, expect, test } from 'vitest';
import type { Activation, ConvSpec } from '../../src/kernels.ts';
import { loadVariant, planConvTranspose, planConvTransposeBackward } from '../../src/kernels.ts';
import { refTensor } from '../reference/tensor.ts';
import { gathered, runPlan, scattered, stridesInOrder } from '../support/bound_plan.ts';
import { expectWithin } from '../support/expect.ts';
import type { GeometryCase } from './load_geometry.ts';
import { loadGeometryVectors, peerGradients, ROW_MAJOR } from './load_geometry.ts';
import type { PeerTensor } from './load.ts';
import { limitOf } from './load.ts';

// Cases of the peers that PyTorch's arguments cannot say: uneven crops, other layouts, activations.
const vectors = await loadGeometryVectors();

test('the geometry vectors of the peers are there', (context) => {
  if (!vectors) context.skip('UPCONV_PEER_VECTORS is not set');
  expect(vectors?.length).toBeGreaterThan(40);
  expect(vectors?.some(({ activation }) => activation === 'relu6')).toBe(true);
  expect(vectors?.some(({ layout }) => layout.sides !== ROW_MAJOR.sides)).toBe(true);
});

describe.runIf(vectors)('geometry of the peers', () => {
  let module: WebAssembly.Module;
  beforeAll(async () => {
    module = await loadVariant('auto');
  });

  test.each(vectors ?? [])('$name', (c) => {
    const spec = specOf(c);
    const inputs = {
      input: Float32Array.from(c.input.data),
      weight: Float32Array.from(c.weight.data),
      ...(c.bias ? { bias: Float32Array.from(c.bias) } : {}),
    };
    const activation: Activation = c.activation === 'relu6' ? { clamp: [0, 6] } : (c.activation ?? 'none');
    const plan = planConvTranspose({ ...spec, bias: c.bias !== null, activation });
    const { output } = runPlan(module, plan, inputs);
    const expected = refTensor(c.expected.shape, c.expected.data);
    expectWithin({ shape: c.expected.shape, values: output }, expected, limitOf(c.tolerance));
  });

  const withGradients = (vectors ?? []).flatMap((c) => peerGradients(c).map((set) => ({ name: c.name, c, set })));
  test.each(withGradients)('gradients ($set.origin): $name', ({ set, c }) => {
    const spec = specOf(c);
    const place = (peer: PeerTensor, strides: readonly number[]) =>
      scattered('float32', Float32Array.from(peer.data), peer.shape, strides);
    const inputs = {
      gradOutput: place(set.gradOutput, spec.outputStrides),
      input: Float32Array.from(c.input.data),
      weight: Float32Array.from(c.weight.data),
    };
    const results = runPlan(module, planConvTransposeBackward(spec), inputs);
    const check = (name: 'gradInput' | 'gradWeight', strides: readonly number[]): void => {
      const { shape, data } = set[name];
      const values = gathered(results[name], shape, strides);
      expectWithin({ shape, values }, refTensor(shape, data), limitOf(set.tolerance[name]));
    };
    check('gradInput', spec.inputStrides);
    check('gradWeight', spec.weightStrides);
    if (set.gradBias && set.tolerance.gradBias) {
      const { shape, data } = set.gradBias;
      expectWithin({ shape, values: results.gradBias }, refTensor(shape, data), limitOf(set.tolerance.gradBias));
    }
  });
});

type StridedSpec = ConvSpec & Required<Pick<ConvSpec, 'inputStrides' | 'weightStrides' | 'outputStrides'>>;

/** Axes in PyTorch's order, strides as the case lays its numbers out. */
function specOf(c: GeometryCase): StridedSpec {
  const shapeOf = (shape: readonly number[], order: readonly number[]): number[] => {
    const inOrder = shape.map(() => 0);
    order.forEach((axis, position) => {
      inOrder[axis] = shape[position];
    });
    return inOrder;
  };
  const input = shapeOf(c.input.shape, c.layout.sides);
  const weight = shapeOf(c.weight.shape, c.layout.weight);
  const output = shapeOf(c.expected.shape, c.layout.sides);
  return {
    dtype: 'float32',
    batch: input[0],
    inChannels: input[1],
    outChannels: output[1],
    groups: c.groups,
    inputSpatial: input.slice(2),
    kernel: weight.slice(2),
    stride: c.stride,
    dilation: c.dilation,
    cropBegin: c.begin,
    outputSpatial: c.outputSpatial,
    kernelSet: 'relaxed',
    inputStrides: stridesInOrder(input, c.layout.sides),
    weightStrides: stridesInOrder(weight, c.layout.weight),
    outputStrides: stridesInOrder(output, c.layout.sides),
  };
}
