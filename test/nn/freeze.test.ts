/** prepare and freeze: weights packed for good. */

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  ArgumentError,
  Conv2d,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  createEngine,
  LeakyReLU,
  Module,
  OutOfMemoryError,
  PReLU,
  Sequential,
  tensor,
  zeros,
} from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { Allocator } from '../../src/memory/allocator.ts';
import { codeOf, random, slicingEngine, SLOW, turns } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterEach(() => {
  vi.restoreAllMocks();
  releaseAll(engine);
  expect(engine.memory.bytesPacked).toBe(0);
});
afterAll(() => engine.dispose());

const SHAPES = [
  [1, 16, 6, 6],
  [3, 16, 1, 9],
  [40, 16, 1, 1],
  [1, 16, 5, 5],
];

function network(): Sequential {
  return new Sequential(
    new ConvTranspose2d(16, 8, 4, { stride: 2, padding: 1, engine, activation: 'relu' }),
    new PReLU(8, { engine }),
    new ConvTranspose2d(8, 8, 3, { groups: 8, padding: 1, engine }),
    new LeakyReLU(),
    new Conv2d(8, 3, 3, { padding: 'same', engine, inputActivation: 'silu', bias: false }),
  );
}

describe('prepare', () => {
  test('makes the first call as cheap in memory as the second', async () => {
    const m = own(network()).eval();
    const x = own(random(engine, SHAPES[0]));
    await m.prepare(SHAPES[0]);
    const { bytesPacked } = engine.memory;
    expect(bytesPacked).toBeGreaterThan(0);
    const allocate = vi.spyOn(Allocator.prototype, 'allocate');
    const out = own(await m.forward(x));
    expect(allocate).toHaveBeenCalledTimes(4 + 1); // what lies between the modules, and the output
    await m.forward(x, { out });
    expect(allocate).toHaveBeenCalledTimes(4 + 1 + 4);
    expect(engine.memory.bytesPacked).toBe(bytesPacked);
  });

  test('leaves a pending forward and everything else alone', async () => {
    const m = own(network());
    const x = own(random(engine, SHAPES[0]));
    const y = own(m.forwardSync(x));
    const expected = own(m.backwardSync(y)).toTypedArray();
    m.zeroGrad();
    own(m.forwardSync(x));
    const { tensors, bytesInUse } = engine.memory;
    await m.prepare(SHAPES[1]);
    expect(engine.memory).toMatchObject({ tensors, bytesInUse });
    expect(m.training).toBe(true);
    expect(own(m.backwardSync(y)).toTypedArray()).toEqual(expected);
  });

  test('a shape that does not fit is the error of forward', async () => {
    const m = own(network());
    await expect(m.prepare([1, 15, 4, 4])).rejects.toMatchObject({ code: 'ERR_SHAPE' });
    await expect(m.prepare([1, 16, 4, 0])).rejects.toMatchObject({ code: 'ERR_SHAPE' });
    await expect(m.prepare(4 as never)).rejects.toThrow(TypeError);
    expect(engine.memory.tensors).toBe(m.parameters().length);
  });
});

describe('freeze', () => {
  test.each([[[]], [SHAPES], [SHAPES.slice(1, 3)]])(
    'forward goes on for every size, prepared: %j',
    async (prepared) => {
      const m = own(network()).eval();
      const inputs = SHAPES.map((shape, seed) => own(random(engine, shape, seed)));
      const expected = inputs.map((x) => own(m.forwardSync(x)).toTypedArray());
      for (const shape of prepared) await m.prepare(shape);
      expect(m.freeze()).toBe(m);
      for (const [index, x] of inputs.entries()) {
        const y = own(await m.forward(x)).toTypedArray();
        expect(y.length).toBe(expected[index].length);
        const worst = Math.max(...Array.from(y, (value, i) => Math.abs(value - expected[index][i])));
        expect(worst).toBeLessThan(1e-5);
        expect(own(m.forwardSync(x)).toTypedArray()).toEqual(y);
      }
    },
  );

  test.each<[string, () => Module, number[][]]>([
    [
      '1-D, groups',
      () => new ConvTranspose1d(4, 6, 3, { stride: 2, groups: 2, engine }),
      [
        [4, 9],
        [2, 4, 9],
        [0, 4, 9],
      ],
    ],
    [
      '2-D, groups',
      () => new ConvTranspose2d(4, 6, 3, { groups: 2, engine }),
      [
        [4, 5, 7],
        [4, 1, 1],
        [2, 4, 5, 7],
      ],
    ],
    [
      '3-D, groups',
      () => new ConvTranspose3d(4, 6, 2, { groups: 2, engine }),
      [
        [4, 2, 3, 4],
        [2, 4, 2, 3, 4],
      ],
    ],
    [
      'depthwise',
      () => new ConvTranspose2d(4, 8, 3, { groups: 4, engine }),
      [
        [4, 5, 5],
        [3, 4, 5, 5],
      ],
    ],
    [
      'convolution',
      () => new Conv2d(4, 6, 3, { groups: 2, padding: 'same', engine }),
      [
        [4, 5, 7],
        [2, 4, 5, 7],
      ],
    ],
  ])('prepared shapes keep their bits, unbatched ones too: %s', async (_, make, shapes) => {
    const m = own(make()).eval();
    const inputs = shapes.map((shape, seed) => own(random(engine, shape, seed)));
    const expected = inputs.map((x) => own(m.forwardSync(x)).toTypedArray());
    for (const shape of shapes) await m.prepare(shape);
    m.freeze();
    const { bytesPacked } = engine.memory;
    for (const [index, x] of inputs.entries()) {
      expect(own(await m.forward(x)).toTypedArray()).toEqual(expected[index]);
    }
    expect(engine.memory.bytesPacked).toBe(bytesPacked);
  });

  test('a prepared shape keeps its packed weight, and forward takes that one', async () => {
    const shape = [40, 16, 1, 1];
    const make = (): ConvTranspose2d => own(new ConvTranspose2d(16, 8, 4, { stride: 2, engine })).eval();
    const x = own(random(engine, shape));
    /** The plan of an exact shape has a workspace of its own. */
    const workspaceOf = (m: ConvTranspose2d): number => {
      engine.trim();
      engine.resetPeak();
      own(m.forwardSync(x));
      return engine.memory.bytesWorkspace;
    };
    const [raw, general, prepared] = [make(), make(), make()];
    await prepared.prepare(shape);
    const exact = workspaceOf(raw);
    engine.trim();
    const packedBy = (m: ConvTranspose2d): number => {
      const before = engine.memory.bytesPacked;
      m.freeze();
      return engine.memory.bytesPacked - before;
    };
    expect(packedBy(prepared)).toBeGreaterThan(packedBy(general));
    expect(workspaceOf(prepared)).toBe(exact);
    expect(workspaceOf(general)).not.toBe(exact);
  });

  test('a module in two parents, and a weight in two modules, are frozen once', () => {
    const shared = own(new ConvTranspose2d(2, 2, 2, { engine }));
    const tied = own(new ConvTranspose2d(2, 2, 2, { engine, bias: false }));
    tied.weight.dispose();
    Object.assign(tied, { weight: shared.weight });
    const first = own(new Sequential(shared, tied)).eval();
    const second = own(new Sequential(shared, shared)).eval();
    expect(first.parameters()).toEqual([shared.weight, shared.bias]);
    const x = own(random(engine, [1, 2, 8, 8]));
    const expected = [first, second].map((m) => own(m.forwardSync(x)).toTypedArray());
    first.freeze();
    expect(second.frozen).toBe(true);
    second.freeze();
    expect([first, second].map((m) => own(m.forwardSync(x)).toTypedArray())).toEqual(expected);
    expect(codeOf(() => second.train())).toBe('ERR_FROZEN');
  });

  test('while prepare is pending: it ends well, on the packed weights', async () => {
    const m = own(new ConvTranspose2d(16, 8, 4, { stride: 2, engine })).eval();
    const x = own(random(engine, SHAPES[0]));
    const expected = own(m.forwardSync(x)).toTypedArray();
    const pending = m.prepare(SHAPES[0]);
    m.freeze();
    await pending;
    const y = own(await m.forward(x)).toTypedArray();
    const worst = Math.max(...Array.from(y, (value, i) => Math.abs(value - expected[i])));
    expect(worst).toBeLessThan(1e-5);
    const disposed = new ConvTranspose2d(16, 8, 4, { stride: 2, engine }).eval();
    const prepared = disposed.prepare(SHAPES[0]);
    disposed.dispose();
    await prepared;
  });

  test('a prepared shape keeps its bits', async () => {
    const m = own(new ConvTranspose2d(16, 8, 4, { stride: 2, padding: 1, engine })).eval();
    const x = own(random(engine, [40, 16, 1, 1]));
    const expected = own(m.forwardSync(x)).toTypedArray();
    await m.prepare(x.shape);
    m.freeze();
    expect(own(m.forwardSync(x)).toTypedArray()).toEqual(expected);
  });

  test('memory shrinks, and nothing is packed any more', async () => {
    // of both kernel sets the path that serves every size: a shape with another one keeps two packed weights
    const m = own(new ConvTranspose2d(128, 64, 4, { stride: 4, engine })).eval();
    const x = own(random(engine, [1, 128, 16, 16]));
    const out = own(m.forwardSync(x));
    await m.prepare(x.shape);
    const total = () => engine.memory.bytesInUse + engine.memory.bytesPacked;
    const before = total();
    m.weight.grad = zeros(m.weight.shape, { engine });
    m.freeze();
    expect(before - total()).toBe(4 * 128 * 64 * 16);
    expect(engine.memory.tensors).toBe(3); // x, out and the bias
    m.forwardSync(x, { out });
    const allocate = vi.spyOn(Allocator.prototype, 'allocate');
    for (let i = 0; i < 3; i++) m.forwardSync(x, { out });
    expect(allocate).not.toHaveBeenCalled();
    engine.trim();
    m.forwardSync(x, { out });
    m.dispose();
    expect(engine.memory).toMatchObject({ tensors: 2, bytesPacked: 0 });
  });

  test('parameters, state and training are gone', async () => {
    const m = own(network()).eval();
    const text = m.toString();
    const layer = m.get(0) as ConvTranspose2d;
    const x = own(random(engine, SHAPES[0]));
    m.freeze();
    const uses: (() => unknown)[] = [
      () => m.parameters(),
      () => m.namedParameters(),
      () => m.stateDict(),
      () => m.loadStateDict({}),
      () => m.zeroGrad(),
      () => m.train(),
      () => m.vjpSync(x),
      () => layer.weight,
      () => layer.bias,
      () => layer.parameters(),
      () => layer.resetParameters(),
      () => layer.train(true),
      () => (m.get(1) as PReLU).weight,
      () => (m.get(4) as Conv2d).bias,
    ];
    expect(uses.filter((use) => codeOf(use) !== 'ERR_FROZEN').map(String)).toEqual([]);
    await expect(m.vjp(x)).rejects.toMatchObject({ code: 'ERR_FROZEN' });
    expect(codeOf(() => m.backwardSync(x))).toBe('ERR_NO_FORWARD');
    expect(m.toString()).toBe(text);
    expect(m.frozen).toBe(true);
    m.eval();
    m.freeze();
    await m.prepare(SHAPES[0]);
    expect(own(m.forwardSync({ data: x.toTypedArray(), shape: x.shape })).toTypedArray()).toEqual(
      own(m.forwardSync(x)).toTypedArray(),
    );
    m.dispose();
    m.dispose();
    expect(codeOf(() => m.forwardSync(x))).toBe('ERR_DISPOSED');
    expect(codeOf(() => m.freeze())).toBe('ERR_DISPOSED');
  });

  test('needs evaluation', () => {
    const m = own(network());
    expect(() => m.freeze()).toThrow(ArgumentError);
    m.eval();
    (m.get(0) as Module).train();
    expect(() => m.freeze()).toThrow(ArgumentError);
    expect(m.parameters().length).toBe(6);
  });

  test('without room everything stays as it was', async () => {
    const tight = await createEngine({ maximumBytes: 3 << 19 });
    const m = new Sequential(
      new ConvTranspose2d(64, 64, 4, { engine: tight }),
      new ConvTranspose2d(64, 64, 4, { engine: tight }),
      new ConvTranspose2d(64, 64, 4, { engine: tight }),
    ).eval();
    expect(() => m.freeze()).toThrow(OutOfMemoryError);
    expect(m.frozen).toBe(false);
    expect(tight.memory.bytesPacked).toBe(0);
    expect(m.parameters().length).toBe(6);
    tight.dispose();
  });

  test('a pending forward ends with the raw weight', async () => {
    const slicing = await slicingEngine();
    const m = new ConvTranspose2d(128, 64, 4, { ...SLOW.options, engine: slicing }).eval();
    const x = random(slicing, SLOW.input);
    const expected = m.forwardSync(x).toTypedArray();
    const pending = m.forward(x);
    await turns(3);
    m.freeze();
    expect((await pending).toTypedArray()).toEqual(expected);
    const after = m.forward(x);
    await turns(3);
    m.dispose();
    expect((await after).toTypedArray().length).toBe(expected.length);
    expect(slicing.memory.bytesPacked).toBe(0);
    slicing.dispose();
  });

  test('float64 and a module of your own around it', async () => {
    class Twice extends Module {
      readonly up = new ConvTranspose2d(2, 2, 2, { engine, dtype: 'float64' });
      override forwardSync(x: Parameters<Module['forwardSync']>[0]) {
        const first = this.up.forwardSync(x);
        const second = this.up.forwardSync(first);
        first.dispose();
        return second;
      }
      override async forward(x: Parameters<Module['forward']>[0]) {
        return this.forwardSync(x);
      }
    }
    const m = own(new Twice()).eval();
    const x = own(tensor(new Float64Array(8).fill(0.5), [1, 2, 2, 2], { engine }));
    const expected = own(m.forwardSync(x)).toTypedArray();
    await m.prepare(x.shape);
    m.freeze();
    expect(own(m.forwardSync(x)).toTypedArray()).toEqual(expected);
    expect(codeOf(() => m.stateDict())).toBe('ERR_FROZEN');
  });
});
