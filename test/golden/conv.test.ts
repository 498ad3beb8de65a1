import { beforeAll, describe, expect, test } from 'vitest';
import { init } from '../../src/index.ts';
import type { Algorithm, Engine } from '../../src/index.ts';
import fixture from '../fixtures/conv.json' with { type: 'json' };
import { convBackwardReference, convReference } from '../reference/conv.ts';
import type { RefConvOptions } from '../reference/options.ts';
import { refTensor } from '../reference/tensor.ts';
import type { ConvCase } from '../support/cases.ts';
import { expectIdentical, expectOf, expectWithinBound } from '../support/expect.ts';
import { openFixture } from '../support/fixtures.ts';
import { CONV, held, heldGradients, upload } from '../support/operations.ts';
import { takesWinograd } from '../support/winograd.ts';

const golden = openFixture(fixture);
let engine: Engine;
beforeAll(async () => {
  engine = await init();
});

describe.each(['conv', 'convFloat64'])('%s as PyTorch', (group) => {
  test.each(golden.cases<ConvCase<RefConvOptions>>(group))('$name', async (c) => {
    const operation = CONV[c.dims];
    const [input, weight, gradOutput] = [upload(c.input), upload(c.weight), upload(c.gradOutput)];
    const bias = c.bias && upload(c.bias);
    const output = held(await operation.forward(input, weight, bias, c.options));
    expect(output.dtype).toBe(c.input.dtype);
    expectWithinBound(output, convReference(c.input, c.weight, c.bias, c.options), c.output);

    const gradients = heldGradients(await operation.backward(gradOutput, input, weight, c.options));
    const sums = convBackwardReference(c.gradOutput, c.input, c.weight, c.options);
    expectWithinBound(gradients.gradInput, sums.gradInput, c.gradInput);
    expectWithinBound(gradients.gradWeight, sums.gradWeight, c.gradWeight);
    expectWithinBound(gradients.gradBias, sums.gradBias, c.gradBias ?? sums.gradBias);

    const few = c.weight.shape[0] / (c.options.groups ?? 1) <= 4;
    const paths: Algorithm[] = ['planes', 'implicit', ...(few ? (['depthwise'] as const) : [])];
    if (takesWinograd(c.weight.shape.slice(2), c.options.stride, c.options.dilation)) paths.push('winograd');
    for (const algorithm of paths) {
      const check = expectOf(algorithm, c.input.dtype);
      const options = { ...c.options, algorithm };
      const forward = held(operation.forwardSync(input, weight, bias, options));
      check(forward, convReference(c.input, c.weight, c.bias, c.options), c.output);
      const results = heldGradients(operation.backwardSync(gradOutput, input, weight, options));
      check(results.gradInput, sums.gradInput, c.gradInput);
      check(results.gradWeight, sums.gradWeight, c.gradWeight);
    }

    const twin = held(operation.forwardSync(input, weight, bias, c.options));
    expectIdentical(twin, refTensor(output.shape, output.toTypedArray()), 'Sync');
    const twins = heldGradients(operation.backwardSync(gradOutput, input, weight, c.options));
    for (const name of ['gradInput', 'gradWeight', 'gradBias'] as const) {
      const { shape } = gradients[name];
      expectIdentical(twins[name], refTensor(shape, gradients[name].toTypedArray()), `Sync ${name}`);
    }
  });
});

test('every group is read and every tensor released', () => {
  expect(golden.unread()).toEqual([]);
  expect(engine.memory.tensors).toBe(0);
});
