import { beforeAll, expect, test } from 'vitest';
import { fold, foldSync, init, matmul, matmulSync, unfold, unfoldSync } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import fixture from '../fixtures/fold_matmul.json' with { type: 'json' };
import { foldReference } from '../reference/fold.ts';
import { matmulReference } from '../reference/matmul.ts';
import { refTensor } from '../reference/tensor.ts';
import type { FoldCase, MatmulCase } from '../support/cases.ts';
import { expectIdentical, expectWithinBound } from '../support/expect.ts';
import { openFixture } from '../support/fixtures.ts';
import { held, upload } from '../support/operations.ts';

const golden = openFixture(fixture);
let engine: Engine;
beforeAll(async () => {
  engine = await init();
});

test.each(golden.cases<FoldCase>('fold'))('fold as PyTorch: $name', async (c) => {
  const columns = upload(c.input);
  const output = held(await fold(columns, c.outputSize!, c.kernelSize, c.options));
  expectWithinBound(output, foldReference(c.input, c.outputSize!, c.kernelSize, c.options), c.output);
  const twin = held(foldSync(columns, c.outputSize!, c.kernelSize, c.options));
  expectIdentical(twin, refTensor(output.shape, output.toTypedArray()), 'Sync');
});

test.each(golden.cases<FoldCase>('unfold'))('unfold as PyTorch, to the bit: $name', async (c) => {
  const input = upload(c.input);
  expectIdentical(held(await unfold(input, c.kernelSize, c.options)), c.output);
  expectIdentical(held(unfoldSync(input, c.kernelSize, c.options)), c.output, 'Sync');
});

test.each(golden.cases<MatmulCase>('matmul'))('matmul as PyTorch: $name', async (c) => {
  const [a, b] = [upload(c.a), upload(c.b)];
  const output = held(await matmul(a, b));
  expectWithinBound(output, matmulReference(c.a, c.b), c.output);
  const twin = held(matmulSync(a, b));
  expectIdentical(twin, refTensor(output.shape, output.toTypedArray()), 'Sync');
});

test('every group is read and every tensor released', () => {
  expect(golden.unread()).toEqual([]);
  expect(engine.memory.tensors).toBe(0);
});
