/** What people type first, and the words that put them right. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ArgumentError,
  conv2d,
  Conv2d,
  convTranspose2d,
  convTranspose2dBackward,
  convTranspose2dSync,
  ConvTranspose2d,
  createEngine,
  fold,
  full,
  matmul,
  mseLoss,
  packWeight,
  ShapeError,
  tensor,
} from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';

let engine: Engine;
let x: Tensor;
let w: Tensor;
beforeAll(async () => {
  engine = await createEngine();
  x = full([1, 6, 4, 4], 1, { engine });
  w = full([6, 3, 2, 2], 1, { engine });
});
afterAll(() => engine.dispose());

const wrong = (value: unknown): never => value as never;

describe.each([
  ['convTranspose2d', convTranspose2d],
  ['conv2d', conv2d],
])('%s', (name, operation) => {
  test('options in the place of the bias', async () => {
    const call = operation(x, w, wrong({ stride: 2 }));
    await expect(call).rejects.toThrow(TypeError);
    await expect(operation(x, w, wrong({ stride: 2 }))).rejects.toThrow(`${name}: bias expected a Tensor or null`);
    await expect(operation(x, w, wrong({ stride: 2 }))).rejects.toThrow('pass null');
    await expect(operation(x, w, wrong({}))).rejects.toThrow('pass null');
  });

  test('a Promise in the place of a tensor', async () => {
    const promised = Promise.resolve(x);
    await expect(operation(wrong(promised), w)).rejects.toThrow(
      `${name}: input expected a Tensor, got a Promise (missing await)`,
    );
    await expect(operation(x, wrong(promised))).rejects.toThrow(
      'weight expected a Tensor, got a Promise (missing await)',
    );
    await expect(operation(x, w, wrong(promised))).rejects.toThrow(
      'bias expected a Tensor, got a Promise (missing await)',
    );
    await expect(operation(wrong(promised), w)).rejects.toThrow(TypeError);
  });

  test.each([null, undefined, 'x', 3, {}, [1, 2], new Float32Array(4), () => x])('%s is no tensor', async (value) => {
    await expect(operation(wrong(value), w)).rejects.toThrow(`${name}: input expected a Tensor, got`);
    await expect(operation(wrong(value), w)).rejects.toThrow(TypeError);
  });
});

test('a Promise elsewhere', async () => {
  const promised = wrong(Promise.resolve(x));
  const m = new ConvTranspose2d(6, 3, 2, { engine });
  await expect(m.forward(promised)).rejects.toThrow(/ConvTranspose2d.forward: input .* \(missing await\)/);
  (await m.forward(x)).dispose();
  await expect(m.backward(promised)).rejects.toThrow(/gradOutput .* \(missing await\)/);
  await expect(convTranspose2dBackward(x, promised, w)).rejects.toThrow(/input .* \(missing await\)/);
  await expect(convTranspose2d(x, w, null, { out: promised })).rejects.toThrow(/out .* \(missing await\)/);
  await expect(matmul(x, promised)).rejects.toThrow(/b expected .* \(missing await\)/);
  await expect(mseLoss(x, promised)).rejects.toThrow(/target .* \(missing await\)/);
  await expect(fold(promised, 4, 2)).rejects.toThrow(/columns .* \(missing await\)/);
  expect(() => packWeight(promised)).toThrow(/weight .* \(missing await\)/);
  expect(() => tensor(promised)).toThrow(/missing await/);
  expect(() => new Conv2d(6, 3, 2, { engine: wrong(createEngine()) })).toThrow(TypeError);
  m.dispose();
});

test("PyTorch's names of options", async () => {
  for (const [theirs, ours] of [
    ['output_padding', 'outputPadding'],
    ['output_size', 'outputSize'],
  ]) {
    const call = (): Promise<Tensor> => convTranspose2d(x, w, null, wrong({ [theirs]: 1 }));
    await expect(call()).rejects.toThrow(ArgumentError);
    await expect(call()).rejects.toThrow(`(did you mean ${ours}?), got '${theirs}'`);
  }
  expect(() => new ConvTranspose2d(6, 3, 2, wrong({ output_padding: 1, engine }))).toThrow(
    'did you mean outputPadding',
  );
  expect(() => new ConvTranspose2d(6, 3, 2, wrong({ padding_mode: 'zeros', engine }))).toThrow(
    'did you mean paddingMode',
  );
  await expect(convTranspose2d(x, w, null, wrong({ strides: 2 }))).rejects.toThrow(/one of stride, padding/);
});

test('a weight in the layout of a convolution', async () => {
  const turned = full([3, 6, 2, 2], 1, { engine });
  const call = (): Promise<Tensor> => convTranspose2d(x, turned);
  await expect(call()).rejects.toThrow(ShapeError);
  await expect(call()).rejects.toThrow('(Cin, Cout/groups, kH, kW) with Cin = 6, got [3, 6, 2, 2]');
  await expect(conv2d(x, w)).rejects.toThrow('(Cout, Cin/groups, …) with Cin = 6');
});

test('messages name operation, argument, expected and got', () => {
  expect(() => convTranspose2dSync(x, w, null, { stride: 2, outputPadding: 2 })).toThrow(
    'convTranspose2d: outputPadding expected less than max(stride, dilation) = 2, got 2 (axis 0)',
  );
});
