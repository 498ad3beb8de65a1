import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  ArgumentError,
  createEngine,
  DtypeError,
  EngineError,
  full,
  matmul,
  matmulSync,
  ShapeError,
  tensor,
  zeros,
} from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { MAXIMUM_KC } from '../../src/plan/blocking.ts';
import type { MatmulSpec } from '../../src/plan/matmul.ts';
import { planMatmul } from '../../src/plan/matmul.ts';
import { matmulReference } from '../reference/matmul.ts';
import { elementCount, refTensor } from '../reference/tensor.ts';
import { expectWithinBound } from '../support/expect.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';
import { randomFloat32, randomFloat64 } from '../support/random.ts';
import { MICROKERNELS } from '../support/microkernels.ts';

type Dtype = 'float32' | 'float64';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

let seed = 1;
function random(shape: readonly number[], dtype: Dtype = 'float32'): Tensor {
  const values = (dtype === 'float64' ? randomFloat64 : randomFloat32)(elementCount(shape), seed++);
  return own(tensor(values, shape, { engine }));
}

function referenceOf(t: Tensor): ReturnType<typeof refTensor> {
  return refTensor(t.shape, t.toTypedArray());
}

function expectProduct(got: Tensor, a: Tensor, b: Tensor): void {
  expectWithinBound(got, matmulReference(referenceOf(a), referenceOf(b)));
}

/** The numbers that the plan chose for contiguous operands. */
function planOf(
  m: number,
  n: number,
  k: number,
  dtype: Dtype,
): Record<'mr' | 'kc' | 'itemRows' | 'itemColumns', number> {
  const spec: MatmulSpec = {
    dtype,
    kernelSet: engine.kernelSet,
    mr: null,
    batch: [],
    m,
    n,
    k,
    a: { row: k, column: 1 },
    b: { row: n, column: 1 },
    c: { row: n, column: 1 },
  };
  return planMatmul(spec).stages[0].fields as ReturnType<typeof planOf>;
}

describe.each(['float32', 'float64'] as const)('%s', (dtype) => {
  const nr = dtype === 'float64' ? 4 : 8;

  test.each(MICROKERNELS)('sizes around the tile, micro-kernel %s', async (microkernel) => {
    const forced = await createEngine({ microkernel });
    try {
      const mr = Number.parseInt(microkernel, 10);
      for (const m of [1, mr - 1, mr, mr + 1, 2 * mr + 3]) {
        for (const n of [1, nr - 1, nr, nr + 1, 2 * nr + 3]) {
          const make = dtype === 'float64' ? randomFloat64 : randomFloat32;
          const a = tensor(make(m * 3, m), [m, 3], { engine: forced });
          const b = tensor(make(3 * n, n + 100), [3, n], { engine: forced });
          expectProduct(matmulSync(a, b), a, b);
        }
      }
    } finally {
      forced.dispose();
    }
  });

  test.each([MAXIMUM_KC - 1, MAXIMUM_KC, MAXIMUM_KC + 1, 2 * MAXIMUM_KC + 3])('depth %i', (k) => {
    const [a, b] = [random([7, k], dtype), random([k, 11], dtype)];
    expectProduct(own(matmulSync(a, b)), a, b);
  });

  test('one more row and column than an item', () => {
    const whole = planOf(10_000, 10_000, 2, dtype);
    const [m, n] = [whole.itemRows + 1, whole.itemColumns + 1];
    const cut = planOf(m, n, 2, dtype);
    expect([Math.ceil(m / cut.itemRows), Math.ceil(n / cut.itemColumns)]).toEqual([2, 2]);
    const [a, b] = [random([m, 2], dtype), random([2, n], dtype)];
    expectProduct(own(matmulSync(a, b)), a, b);
  });

  test('an item is narrow when K is deep, and workspace stays bounded', () => {
    const deep = planOf(1000, 1000, 100_000, dtype);
    expect(deep.itemColumns).toBeLessThan(planOf(1000, 1000, 2, dtype).itemColumns);
    engine.resetPeak();
    own(matmulSync(own(zeros([300, 600], { engine, dtype })), own(zeros([600, 700], { engine, dtype }))));
    expect(engine.memory.bytesWorkspace).toBeLessThanOrEqual(4 * 2 ** 20);
  });
});

describe('operands with any strides', () => {
  test('transposed, narrowed and permuted', () => {
    const a = random([9, 13]);
    const b = random([13, 10]);
    const aTurned = own(own(own(a.transpose(0, 1)).contiguous()).transpose(0, 1));
    const bTurned = own(own(own(b.transpose(0, 1)).contiguous()).transpose(0, 1));
    for (const [x, y] of [
      [aTurned, b],
      [a, bTurned],
      [aTurned, bTurned],
    ]) {
      expect([x.isContiguous, y.isContiguous]).toContain(false);
      expectProduct(own(matmulSync(x, y)), a, b);
    }
    const wide = random([3, 20, 7]);
    const inner = own(own(wide.narrow(1, 4, 6)).permute(0, 2, 1)); // (3, 7, 6)
    const right = own(random([3, 8, 12]).narrow(1, 1, 6)); // (3, 6, 12)
    expectProduct(own(matmulSync(inner, right)), inner, right);
  });

  test.each([
    ['a batch over one matrix', [4, 5, 6], [6, 7]],
    ['a batch of axes over one matrix', [2, 3, 5, 6], [6, 9]],
    ['a permuted batch', [3, 5, 6], [3, 6, 9]],
    ['one matrix over a batch', [5, 6], [2, 3, 6, 9]],
    ['both ways', [2, 1, 3, 5, 6], [4, 1, 6, 9]],
    ['batches of vectors', [4, 3, 6], [6]],
    ['a vector over a batch', [6], [4, 6, 9]],
  ])('%s', async (_, aShape, bShape) => {
    const [a, b] = [random(aShape), random(bShape)];
    expectProduct(own(await matmul(a, b)), a, b);
  });

  test('a batch whose matrices lie one in the other', () => {
    const a = own(random([5, 4, 6]).permute(1, 0, 2));
    const b = own(random([6, 7, 4]).permute(2, 0, 1));
    expectProduct(own(matmulSync(a, b)), a, b);
  });
});

describe('out', () => {
  test('is overwritten without being read, whatever it holds', () => {
    const [a, b] = [random([7, 5]), random([5, 9])];
    const out = own(full([7, 9], Number.NaN, { engine }));
    expect(matmulSync(a, b, { out })).toBe(out);
    expectProduct(out, a, b);
  });

  test.each([
    ['rows of a larger matrix', [12, 9], (t: Tensor) => t.narrow(0, 2, 7)],
    ['columns of a larger matrix', [7, 15], (t: Tensor) => t.narrow(1, 3, 9)],
    ['a transposed matrix', [9, 7], (t: Tensor) => t.transpose(0, 1)],
    ['every other element', [7, 9, 2], (t: Tensor) => own(t.narrow(2, 1, 1)).squeeze(2)],
  ])('%s', (_, shape, view) => {
    const [a, b] = [random([7, 5]), random([5, 9])];
    const whole = own(full(shape, 7, { engine }));
    const out = own(view(whole));
    matmulSync(a, b, { out });
    expectProduct(out, a, b);
    const kept = whole.toTypedArray().filter((value) => value === 7).length;
    expect(kept).toBe(whole.size - out.size);
  });

  test('overlap with an operand and wrong shapes are refused', () => {
    const a = random([5, 5]);
    expect(() => matmulSync(a, a, { out: a })).toThrow(ArgumentError);
    expect(() => matmulSync(a, a, { out: own(zeros([5, 4], { engine })) })).toThrow(ShapeError);
    expect(() => matmulSync(a, a, { out: own(zeros([5, 5], { engine, dtype: 'float64' })) })).toThrow(DtypeError);
  });
});

describe('nothing that does not exist reaches an element', () => {
  test('an empty K gives zeros', () => {
    const out = own(full([5, 9], Number.NaN, { engine }));
    matmulSync(own(zeros([5, 0], { engine })), own(zeros([0, 9], { engine })), { out });
    expect([...out.toTypedArray()]).toEqual(Array.from({ length: 45 }, () => 0));
  });

  test.each([
    [
      [0, 4],
      [4, 3],
    ],
    [
      [3, 4],
      [4, 0],
    ],
    [
      [0, 3, 4],
      [4, 3],
    ],
  ])('an empty result of %j times %j', (aShape, bShape) => {
    expect(own(matmulSync(random(aShape), random(bShape))).size).toBe(0);
  });

  test('NaN and infinity stay in their row and column', () => {
    const a = random([7, 5]);
    const b = random([5, 9]);
    const row = own(a.narrow(0, 6, 1));
    row.copyFrom([1, Number.NaN, 1, 1, 1]);
    const column = own(b.narrow(1, 8, 1));
    column.copyFrom([1, 1, Infinity, 1, 1]);
    const got = own(matmulSync(a, b)).toTypedArray();
    got.forEach((value, index) => {
      const [m, n] = [Math.floor(index / 9), index % 9];
      expect(Number.isNaN(value), `row ${m}, column ${n}`).toBe(m === 6);
      expect(Number.isFinite(value), `row ${m}, column ${n}`).toBe(m !== 6 && n !== 8);
    });
  });
});

describe('errors', () => {
  test('shapes, dtypes, engines, options and types', async () => {
    const a = random([3, 4]);
    const b = random([4, 5]);
    expect(() => matmulSync(a, a)).toThrow(ShapeError);
    expect(() => matmulSync(a, a)).toThrow('matmul: b expected 4 rows, as a [3, 4] has columns, got [3, 4]');
    expect(() => matmulSync(own(tensor(1, [], { engine })), b)).toThrow(ShapeError);
    expect(() => matmulSync(a, own(tensor(1, [], { engine })))).toThrow(ShapeError);
    expect(() => matmulSync(random([2, 3, 4]), random([3, 4, 5]))).toThrow(ShapeError);
    expect(() => matmulSync(a, random([4, 5], 'float64'))).toThrow(DtypeError);
    expect(() => matmulSync(a, b, { alpha: 2 } as object)).toThrow(ArgumentError);
    expect(() => matmulSync(a, Promise.resolve(b) as unknown as Tensor)).toThrow(/missing await/);
    expect(() => matmulSync(a, 'b' as unknown as Tensor)).toThrow(TypeError);
    await expect(matmul(a, a)).rejects.toThrow(ShapeError);
    const other = await createEngine();
    expect(() => matmulSync(a, tensor([1, 2, 3, 4], [4, 1], { engine: other }))).toThrow(EngineError);
    expect(() => matmulSync(a, b, { engine: other })).toThrow(EngineError);
    other.dispose();
  });

  test('an aborted call rejects with the reason and leaves nothing', async () => {
    const reason = new Error('no longer wanted');
    const signal = AbortSignal.abort(reason);
    await expect(matmul(random([3, 4]), random([4, 5]), { signal })).rejects.toBe(reason);
  });

  test('plain objects are copied in and freed', () => {
    const got = own(
      matmulSync({ data: [1, 2, 3, 4], shape: [2, 2] }, { data: [1, 0, 0, 1], shape: [2, 2] }, { engine }),
    );
    expect(got.toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });
});
