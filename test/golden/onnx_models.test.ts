import { beforeAll, expect, test } from 'vitest';
import { init, ReLU, Sequential, tensor } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { loadConvTransposes } from '../../src/onnx.ts';
import fixture from '../fixtures/onnx_models.json' with { type: 'json' };
import { expectWithin } from '../support/expect.ts';
import type { FixtureTensor } from '../support/fixtures.ts';
import { decodeBase64, openFixture } from '../support/fixtures.ts';
import { held } from '../support/operations.ts';

interface ModelCase {
  name: string;
  dtype: 'float32' | 'float64';
  /** A .onnx file in base64, as torch.onnx exports it. */
  model: string;
  input: FixtureTensor;
  output: FixtureTensor;
}

const golden = openFixture(fixture);
let engine: Engine;
beforeAll(async () => {
  engine = await init();
});

test.each(golden.cases<ModelCase>('models'))('a model of PyTorch gives its output: $name', async (c) => {
  const modules = Object.values(loadConvTransposes(decodeBase64(c.model)));
  const between = modules.flatMap((module, index) => (index === 0 ? [module] : [new ReLU(), module]));
  const network = held(new Sequential(...between)).eval();
  const output = held(await network.forward(held(tensor(c.input.data, c.input.shape, { dtype: c.dtype }))));
  expectWithin(output, c.output, () => (c.dtype === 'float64' ? 1e-12 : 1e-5));
});

test('every group is read and every tensor released', () => {
  expect(golden.unread()).toEqual([]);
  expect(engine.memory.tensors).toBe(0);
});
