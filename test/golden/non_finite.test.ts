import { beforeAll, expect, test } from 'vitest';
import { init } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import fixture from '../fixtures/non_finite.json' with { type: 'json' };
import type { ConvCase } from '../support/cases.ts';
import { expectIdentical } from '../support/expect.ts';
import type { FixtureTensor } from '../support/fixtures.ts';
import { openFixture } from '../support/fixtures.ts';
import { CONV, CONV_TRANSPOSE, held, heldGradients, upload } from '../support/operations.ts';

type Inputs = 'input' | 'weight' | 'bias' | 'gradOutput';
type Results = Record<'output' | 'gradInput' | 'gradWeight' | 'gradBias', FixtureTensor>;

interface NonFiniteCase extends Omit<ConvCase, 'bias' | keyof Results> {
  operation: 'convTranspose' | 'conv';
  bias: FixtureTensor;
  /** Results without any poke. */
  unchanged: Results;
  /** One element replaced, and those results that this changes. */
  pokes: [target: Inputs, index: number, value: keyof typeof VALUES, changed: Partial<Results>][];
}

const VALUES = { inf: Infinity, '-inf': -Infinity, nan: NaN };
const OPERATIONS = { convTranspose: CONV_TRANSPOSE, conv: CONV };

const golden = openFixture(fixture);
let engine: Engine;
beforeAll(async () => {
  engine = await init();
});

// All finite inputs are small integers, so every finite sum is exact and results are compared to the bit.
test.each(golden.cases<NonFiniteCase>('nonFinite'))('infinities and NaN spread as in PyTorch: $name', async (c) => {
  const operation = OPERATIONS[c.operation][c.dims];
  const tensors = {
    input: upload(c.input),
    weight: upload(c.weight),
    bias: upload(c.bias),
    gradOutput: upload(c.gradOutput),
  };
  const failures: string[] = [];
  for (const [target, index, value, changed] of c.pokes) {
    const values = Float32Array.from(c[target].data);
    values[index] = VALUES[value];
    tensors[target].copyFrom(values);
    const output = await operation.forward(tensors.input, tensors.weight, tensors.bias, c.options);
    const gradients = await operation.backward(tensors.gradOutput, tensors.input, tensors.weight, c.options);
    for (const [name, got] of Object.entries({ output, ...gradients })) {
      const expected = changed[name as keyof Results] ?? c.unchanged[name as keyof Results];
      try {
        expectIdentical(got, expected, `${target}[${index}] = ${value}: ${name}`);
      } catch (error) {
        failures.push((error as Error).message);
      }
      got.dispose();
    }
    tensors[target].copyFrom(c[target].values);
  }
  expect(failures.slice(0, 4)).toEqual([]);
});

test.each(golden.cases<ConvCase & Pick<NonFiniteCase, 'operation'>>('signedZero'))(
  'signs of zero are those of PyTorch: $name',
  async (c) => {
    const operation = OPERATIONS[c.operation][c.dims];
    const [input, weight] = [upload(c.input), upload(c.weight)];
    const output = held(await operation.forward(input, weight, c.bias && upload(c.bias), c.options));
    expectIdentical(output, c.output, 'output');
    const gradients = heldGradients(await operation.backward(upload(c.gradOutput), input, weight, c.options));
    expectIdentical(gradients.gradInput, c.gradInput, 'gradInput');
    expectIdentical(gradients.gradWeight, c.gradWeight, 'gradWeight');
  },
);

test('every group is read and every tensor released', () => {
  expect(golden.unread()).toEqual([]);
  expect(engine.memory.tensors).toBe(0);
});
