import { beforeAll, describe, expect, test } from 'vitest';
import { UpconvError, convTransposeAlgorithms, init, tensor } from '../../src/index.ts';
import type { Algorithm, Engine, Tensor } from '../../src/index.ts';
import { refTensor } from '../reference/tensor.ts';
import { expectWithin } from '../support/expect.ts';
import { CONV_TRANSPOSE, CONV_TRANSPOSE_MODULE, filled, held, heldGradients } from '../support/operations.ts';
import type { FunctionalErrorCase, ModuleErrorCase, NumericCase, PeerTensor, Tolerance } from './load.ts';
import { gradientSets, limitOf, loadPeerVectors, optionsOf, valuesOf } from './load.ts';

// The numbers that other projects hold their own transposed convolutions against.
const vectors = await loadPeerVectors();

test('the vectors of the peers are there', (context) => {
  if (!vectors) context.skip('UPCONV_PEER_VECTORS is not set');
  expect(vectors?.numeric.length).toBeGreaterThan(0);
  expect(vectors?.functionalErrors.length).toBeGreaterThan(0);
  expect(vectors?.moduleErrors.length).toBeGreaterThan(0);
});

describe.runIf(vectors)('peers', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await init();
  });

  test.each(vectors?.numeric ?? [])('$name', async (c) => {
    const operation = CONV_TRANSPOSE[c.dims];
    const [input, weight] = [uploadPeer(c, c.input), uploadPeer(c, c.weight)];
    const bias = c.bias && uploadPeer(c, c.bias);
    const options = optionsOf(c);
    expectClose(held(await operation.forward(input, weight, bias, options)), c.expected, c.tolerance);
    for (const algorithm of convTransposeAlgorithms(input.shape, weight.shape, options) as Algorithm[]) {
      expectClose(held(operation.forwardSync(input, weight, bias, { ...options, algorithm })), c.expected, c.tolerance);
    }
    for (const set of gradientSets(c)) {
      const gradOutput = uploadPeer(c, set.gradOutput);
      const gradients = heldGradients(await operation.backward(gradOutput, input, weight, options));
      expectClose(gradients.gradInput, set.gradInput, set.tolerance.gradInput);
      expectClose(gradients.gradWeight, set.gradWeight, set.tolerance.gradWeight);
      if (set.gradBias && set.tolerance.gradBias) {
        expectClose(gradients.gradBias, set.gradBias, set.tolerance.gradBias);
      }
    }
  });

  test.each(vectors?.numeric ?? [])('module, Sync: $name', (c) => {
    const module = moduleOf(c);
    module.weight.copyFrom(valuesOf(c, c.weight));
    if (c.bias) module.bias!.copyFrom(valuesOf(c, c.bias));
    const forwardOptions = c.outputSize ? { outputSize: c.outputSize } : {};
    for (const set of gradientSets(c)) {
      const output = held(module.forwardSync(uploadPeer(c, c.input), forwardOptions));
      expectClose(output, c.expected, c.tolerance);
      module.zeroGrad();
      const gradInput = held(module.backwardSync(uploadPeer(c, set.gradOutput)));
      expectClose(gradInput, set.gradInput, set.tolerance.gradInput);
      expectClose(module.weight.grad!, set.gradWeight, set.tolerance.gradWeight);
      if (c.bias && set.gradBias && set.tolerance.gradBias) {
        expectClose(module.bias!.grad!, set.gradBias, set.tolerance.gradBias);
      }
    }
  });

  test.each(vectors?.functionalErrors ?? [])('throws: $name', async (c) => {
    const operation = CONV_TRANSPOSE[c.dims];
    const [input, weight] = [filled(c.input.shape, c.input.fill), filled(c.weight.shape, c.weight.fill)];
    const bias = c.bias && filled(c.bias.shape, c.bias.fill);
    const options = errorOptions(c);
    await expect(operation.forward(input, weight, bias, options)).rejects.toThrow(UpconvError);
    expect(() => operation.forwardSync(input, weight, bias, options)).toThrow(UpconvError);
  });

  test.each(vectors?.moduleErrors ?? [])('throws at the latest in forward: $name', async (c) => {
    await expect(constructAndForward(c)).rejects.toThrow(UpconvError);
  });

  test('every tensor is released', () => {
    expect(engine.memory.tensors).toBe(0);
  });
});

const uploadPeer = (c: NumericCase, peer: PeerTensor): Tensor => held(tensor(valuesOf(c, peer), peer.shape));

function moduleOf(c: NumericCase) {
  const [inChannels, perGroup, ...kernelSize] = c.weight.shape;
  const { stride, padding, outputPadding, dilation, groups } = optionsOf(c);
  const options = {
    stride,
    padding,
    outputPadding,
    dilation,
    groups,
    bias: c.bias !== null,
    dtype: c.dtype ?? 'float32',
  };
  return held(new CONV_TRANSPOSE_MODULE[c.dims](inChannels, perGroup * groups, kernelSize, options as object));
}

function errorOptions(c: FunctionalErrorCase): object {
  const { stride, padding, outputPadding, dilation, groups } = c;
  return { stride, padding, outputPadding, dilation, groups };
}

async function constructAndForward(c: ModuleErrorCase): Promise<void> {
  const { inChannels, outChannels, kernelSize, ...options } = c.module;
  const module = new CONV_TRANSPOSE_MODULE[c.dims](inChannels, outChannels, kernelSize, options);
  try {
    if (!c.forward) return;
    const { input, outputSize } = c.forward;
    const output = await module.forward(filled(input.shape, input.fill), outputSize ? { outputSize } : {});
    output.dispose();
  } finally {
    module.dispose();
  }
}

function expectClose(result: Tensor, expected: PeerTensor, tolerance: Tolerance): void {
  expectWithin(result, refTensor(expected.shape, expected.data), limitOf(tolerance));
}
