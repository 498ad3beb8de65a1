/** A weight packed for a shape serves inputs of that shape however they lie and whatever else the call does. */

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { convTranspose2dSync, createEngine, empty, packWeight } from '../../src/index.ts';
import type { ConvTransposeOptions, Engine, Tensor } from '../../src/index.ts';
import { expectClose } from '../support/expect.ts';
import { random } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { CONV, CONV_TRANSPOSE } from '../support/operations.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

test.each<[string, number[], ConvTransposeOptions, number[]]>([
  ['few rows of C, read in place', [64, 1, 2, 2], { stride: 2 }, [1, 64, 96, 96]],
  ['transforms', [32, 32, 4, 4], { stride: 2, padding: 1 }, [1, 32, 32, 32]],
  ['planes', [64, 64, 2, 2], { stride: 2 }, [1, 64, 24, 24]],
])('%s: the same bits for inputs that lie otherwise', (_, shape, geometry, inputShape) => {
  const weight = own(random(engine, shape, 2));
  const packed = own(packWeight(weight, { ...geometry, inputShape }));
  const plain = own(random(engine, inputShape, 1));
  const expected = own(convTranspose2dSync(plain, packed, null, geometry)).toTypedArray();
  const last = own(plain.contiguous({ memoryFormat: 'channelsLast' }));
  const wide = own(empty([1, inputShape[1], 100, 100], { engine }));
  const view = own(own(wide.narrow(2, 2, inputShape[2])).narrow(3, 1, inputShape[3]));
  view.copyFrom(plain.toTypedArray());
  for (const input of [last, view]) {
    const got = own(convTranspose2dSync(input, packed, null, geometry)).toTypedArray();
    expect(got.every((value, index) => Object.is(value, expected[index]))).toBe(true);
  }
});

/** Of which some path is open to some calls only: a batch that is a matrix product, inputs that are read in place. */
const CHOOSY: [name: string, weight: number[], stride: number, inputShape: number[]][] = [
  ['inputs of one position', [100, 64, 4, 4], 1, [64, 100, 1, 1]],
  ['inputs of one position, 1-D', [48, 16, 3], 1, [2, 48, 1]],
  ['kernel = stride, 1-D', [8, 3, 2], 2, [16, 8, 16]],
  ['kernel < stride, 2-D', [16, 3, 2, 2], 3, [16, 16, 16, 16]],
  ['kernel < stride, 3-D', [48, 16, 1, 1, 1], 3, [4, 48, 4, 16, 1]],
  ['transforms', [32, 32, 4, 4], 2, [1, 32, 32, 32]],
  ['stride 1', [16, 8, 3, 3], 1, [2, 16, 12, 12]],
  ['depthwise', [12, 1, 4, 4], 2, [2, 12, 10, 10]],
];

const FORMATS = ['contiguous', 'channelsLast'] as const;

test.each(CHOOSY)('%s: biases, activations and memory formats', (name, shape, stride, inputShape) => {
  const { forwardSync } = CONV_TRANSPOSE[(shape.length - 2) as 1 | 2 | 3];
  const groups = name === 'depthwise' ? shape[0] : 1;
  const weight = own(random(engine, shape, 2));
  const packed = own(packWeight(weight, { stride, groups, inputShape }));
  const plain = own(random(engine, inputShape, 1));
  const biases = [null, own(random(engine, [shape[1] * groups], 3))];
  for (const format of FORMATS) {
    const input = own(plain.contiguous({ memoryFormat: format }));
    for (const bias of biases) {
      for (const memoryFormat of FORMATS) {
        for (const activations of [{}, { activation: 'relu' }, { inputActivation: 'relu' }] as const) {
          const options = { stride, groups, memoryFormat, ...activations };
          const [got, expected] = [packed, weight].map((each) => own(forwardSync(input, each, bias, options)));
          expectClose(got, expected);
        }
      }
    }
  }
});

test.each(CHOOSY)('%s: gradients of inputs, of both operations', (name, shape, stride, inputShape) => {
  const rank = (shape.length - 2) as 1 | 2 | 3;
  const groups = name === 'depthwise' ? shape[0] : 1;
  const weight = own(random(engine, shape, 2));
  const small = own(random(engine, inputShape, 1));
  const large = own(CONV_TRANSPOSE[rank].forwardSync(small, weight, null, { stride, groups }));
  const ways: ['conv' | 'convTranspose', Tensor, Tensor, typeof CONV | typeof CONV_TRANSPOSE][] = [
    ['convTranspose', small, large, CONV_TRANSPOSE],
    ['conv', large, small, CONV],
  ];
  for (const [operation, input, gradOutput, { [rank]: each }] of ways) {
    const asked = { operation, direction: 'gradInput', stride, groups, inputShape: input.shape } as const;
    const packed = own(packWeight(weight, asked));
    for (const format of FORMATS) {
      for (const memoryFormat of FORMATS) {
        const options = { stride, groups, memoryFormat, outputMask: [true, false, false] } as const;
        const grad = own(gradOutput.contiguous({ memoryFormat: format }));
        const [got, expected] = [packed, weight].map((w) => own(each.backwardSync(grad, input, w, options).gradInput));
        expectClose(got, expected);
      }
    }
  }
});
