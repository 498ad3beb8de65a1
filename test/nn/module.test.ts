/** The rules of the pending forward pass, on modules without convolutions. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  ConvTranspose2d,
  createEngine,
  initializers,
  Module,
  PReLU,
  ReLU,
  Sequential,
  Sigmoid,
  SiLU,
  tensor,
} from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { disposeOwned, own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.dispose());
afterEach(() => {
  disposeOwned();
  expectNothingLeft();
});

function expectNothingLeft(): void {
  expect(engine.memory.tensors).toBe(0);
  expect(engine.memory.bytesInUse).toBe(0);
}

const vector = (...values: number[]): Tensor => own(tensor(values, [values.length], { engine }));
const values = (t: Tensor): number[] => [...own(t).toTypedArray()];

test('backward before forward, and a second backward, have no forward', async () => {
  const m = own(new ReLU());
  const g = vector(1, 1);
  expect(() => m.backwardSync(g)).toThrow(expect.objectContaining({ code: 'ERR_NO_FORWARD' }));
  await expect(m.backward(g)).rejects.toMatchObject({ code: 'ERR_NO_FORWARD' });
  own(await m.forward(vector(-1, 1)));
  expect(values(await m.backward(g))).toEqual([0, 1]);
  await expect(m.backward(g)).rejects.toMatchObject({ code: 'ERR_NO_FORWARD' });
});

test('a new forward replaces the pending one and frees what it kept', () => {
  const m = own(new SiLU());
  const first = tensor([5, 5], [2], { engine });
  m.forwardSync(first).dispose();
  first.dispose();
  expect(engine.memory.tensors).toBe(1); // kept for backward
  own(m.forwardSync(vector(0, 0)));
  expect(engine.memory.tensors).toBe(2); // the second input and its output
  expect(values(m.backwardSync(vector(1, 2)))).toEqual([0.5, 1]);
});

test('evaluation keeps nothing; eval(), dispose() and backward free what training kept', () => {
  const m = own(new SiLU());
  const run = (): void => {
    const x = tensor([1, 2], [2], { engine });
    m.forwardSync(x).dispose();
    x.dispose();
  };
  run();
  expect(engine.memory.tensors).toBe(1);
  m.eval();
  expect(engine.memory.tensors).toBe(0);
  run();
  expect(engine.memory.tensors).toBe(0);
  m.train();
  run();
  expect(engine.memory.tensors).toBe(1);
  own(m.backwardSync(vector(1, 1)));
  expect(engine.memory.tensors).toBe(2); // both gradients: what was kept has gone
  run();
  m.dispose();
  disposeOwned();
  expect(engine.memory.tensors).toBe(0);
  m.dispose();
});

test('a failed or aborted backward keeps the forward', async () => {
  const m = own(new Sigmoid());
  own(await m.forward(vector(0, 0)));
  await expect(m.backward(vector(1, 2, 3))).rejects.toMatchObject({ code: 'ERR_SHAPE' });
  const signal = AbortSignal.abort(new Error('stop'));
  await expect(m.backward(vector(1, 2), { signal })).rejects.toThrow('stop');
  expect(values(await m.backward(vector(4, 8)))).toEqual([1, 2]);
});

test('a failed or aborted forward keeps the earlier one', async () => {
  const m = own(new Sigmoid());
  own(await m.forward(vector(0, 0)));
  await expect(m.forward(Promise.resolve() as never)).rejects.toThrow(/missing await/);
  await expect(m.forward(vector(1), { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
  expect(values(await m.backward(vector(4, 8)))).toEqual([1, 2]);
});

test('backward may be called before its forward has settled', async () => {
  const m = own(new Sigmoid());
  const forward = m.forward(vector(0, 0));
  const backward = m.backward(vector(4, 8));
  own(await forward);
  expect(values(await backward)).toEqual([1, 2]);
});

test('eval() between the call and its end drops what forward keeps', async () => {
  const m = own(new Sigmoid());
  const forward = m.forward(vector(0));
  m.eval();
  own(await forward);
  await expect(m.backward(vector(1))).rejects.toMatchObject({ code: 'ERR_NO_FORWARD' });
});

describe('what backward needs must not change', () => {
  test('input of SiLU', () => {
    const m = own(new SiLU());
    const x = vector(1, 2);
    own(m.forwardSync(x));
    x.copyFrom([3, 4]);
    expect(() => m.backwardSync(vector(1, 1))).toThrow(expect.objectContaining({ code: 'ERR_MODIFIED' }));
  });

  test('output of Sigmoid, but not its input', () => {
    const m = own(new Sigmoid());
    const x = vector(0, 0);
    const y = own(m.forwardSync(x));
    x.copyFrom([3, 4]);
    expect(values(m.backwardSync(vector(4, 4)))).toEqual([1, 1]);
    own(m.forwardSync(vector(1, 1)));
    y.copyFrom([0, 0]); // of the first pass: over
    own(m.backwardSync(vector(1, 1)));
    const z = own(m.forwardSync(x));
    z.copyFrom([0, 0]);
    expect(() => m.backwardSync(vector(1, 1))).toThrow(expect.objectContaining({ code: 'ERR_MODIFIED' }));
  });

  test('weight of PReLU', () => {
    const m = own(new PReLU(1, { engine }));
    own(m.forwardSync(vector(-1)));
    m.weight.copyFrom([2]);
    expect(() => m.backwardSync(vector(1))).toThrow(expect.objectContaining({ code: 'ERR_MODIFIED' }));
  });
});

test('disposing input and output does not disturb backward', () => {
  const m = own(new SiLU());
  const x = tensor([0, 0], [2], { engine });
  m.forwardSync(x).dispose();
  x.dispose();
  expect(values(m.backwardSync(vector(2, 4)))).toEqual([1, 2]);
});

test('gradInput false and gradParameters false', async () => {
  const m = own(new PReLU(1, { engine }));
  own(await m.forward(vector(-3, 1)));
  expect(await m.backward(vector(2, 2), { gradInput: false })).toBeNull();
  expect(m.weight.grad?.toTypedArray()[0]).toBe(-6);
  own(await m.forward(vector(-3, 1)));
  expect(values(await m.backward(vector(2, 2), { gradParameters: false }))).toEqual([0.5, 2]);
  expect(m.weight.grad?.toTypedArray()[0]).toBe(-6);
  m.zeroGrad();
  expect(m.weight.grad?.toTypedArray()[0]).toBe(0);
});

test('vjp: several passes of one module live at once, beside the pending one', async () => {
  const m = own(new PReLU(1, { engine }));
  own(m.forwardSync(vector(-1)));
  const a = own(await m.vjp(vector(-2)));
  const b = own(m.vjpSync(vector(-5)));
  own(a.output);
  own(b.output);
  expect(a.output.toTypedArray()[0]).toBe(-0.5);
  expect(values(await b.backward(vector(1)))).toEqual([0.25]);
  expect(values(a.backwardSync(vector(10)))).toEqual([2.5]);
  expect(m.weight.grad?.toTypedArray()[0]).toBe(-25);
  expect(values(m.backwardSync(vector(100)))).toEqual([25]);
  expect(m.weight.grad?.toTypedArray()[0]).toBe(-125);
  await expect(a.backward(vector(1))).rejects.toMatchObject({ code: 'ERR_NO_FORWARD' });
  const c = m.vjpSync(vector(1));
  own(c.output);
  c.dispose();
  c.dispose();
  expect(() => c.backwardSync(vector(1))).toThrow(expect.objectContaining({ code: 'ERR_NO_FORWARD' }));
});

test('out: the result is out itself, strided ones too; overlap is refused', async () => {
  const m = own(new ReLU());
  const x = own(tensor([-1, 2, 3, -4], [2, 2], { engine }));
  const target = own(tensor([9, 9, 9, 9, 9, 9], [2, 3], { engine }));
  const slice = own(target.narrow(1, 1, 2));
  expect(await m.forward(x, { out: slice })).toBe(slice);
  expect([...target.toTypedArray()]).toEqual([9, 0, 2, 9, 3, 0]);
  expect(() => m.forwardSync(x, { out: x })).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
  const wrong = own(tensor([1], [1], { engine }));
  expect(() => m.forwardSync(x, { out: wrong })).toThrow(expect.objectContaining({ code: 'ERR_SHAPE' }));
});

test('arguments', async () => {
  const m = own(new ReLU());
  const x = vector(1);
  await expect(m.forward(x, { outputSize: [1] })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  await expect(m.backward(x, { grad_input: false } as never)).rejects.toThrow(/did you mean gradInput/);
  expect(() => m.train('yes' as never)).toThrow(TypeError);
  m.dispose();
  await expect(m.forward(x)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  expect(() => m.loadStateDict({})).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
});

const silu = (x: number): number => x / (1 + Math.exp(-x));

/** Twice its input, written as a user would. */
class Doubled extends Module {
  readonly slope: PReLU = new PReLU(1, { engine, init: 2 });

  override async forward(input: Tensor): Promise<Tensor> {
    return this.slope.forward(input);
  }

  override async backward(gradOutput: Tensor): Promise<Tensor> {
    return this.slope.backward(gradOutput);
  }
}

test('a module of your own takes its place in a Sequential', async () => {
  const net = own(new Sequential({ first: new SiLU(), own: new Doubled(), last: new ReLU() }));
  expect(net.namedParameters().map(([path]) => path)).toEqual(['own.slope.weight']);
  expect(net.toString()).toBe(
    'Sequential(\n  (first): SiLU()\n  (own): Doubled(\n    (slope): PReLU(num_parameters=1)\n  )\n  (last): ReLU()\n)',
  );
  const y = own(await net.forward(vector(-1, 1)));
  expect(y.toTypedArray()[0]).toBe(0);
  expect(y.toTypedArray()[1]).toBeCloseTo(silu(1), 6);
  const g = own(await net.backward(vector(1, 1)));
  expect(g.toTypedArray()[0]).toBe(0);
  expect(g.toTypedArray()[1]).toBeCloseTo(0.9276705, 6);
  expect(() => net.forwardSync(vector(1))).toThrow(/forwardSync is not defined/);
});

test('a convolution with a forward of your own keeps it in a Sequential', async () => {
  class Negative extends ConvTranspose2d {
    override async forward(input: Tensor): Promise<Tensor> {
      const output = await super.forward(input);
      output.copyFrom(output.toTypedArray().map((x) => -x));
      return output;
    }
  }
  const [plain, negative] = [ConvTranspose2d, Negative].map((Type) => {
    const m = new Type(1, 1, 2, { bias: false, engine });
    initializers.constant_(m.weight, 1);
    return own(new Sequential(m));
  });
  const x = own(vector(1, 2, 3, 4).reshape(1, 1, 2, 2));
  const y = own(await plain.forward(x));
  expect(values(await negative.forward(x))).toEqual([...y.toTypedArray()].map((element) => -element));
  own(await negative.backward(y));
  expect(negative.parameters()[0].grad?.shape).toEqual([1, 1, 2, 2]);
});

test('a module without forward says so', async () => {
  class Empty extends Module {}
  const m = own(new Empty());
  await expect(m.forward(vector(1))).rejects.toThrow('Empty: forward is not defined');
  expect(m.toString()).toBe('Empty()');
});
