/** What the contract promises of every function: its twin, tensors of all kinds as operands, `out`, errors, aborts. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import * as upconv from '../../src/index.ts';
import type { Engine, Tensor, TensorLike } from '../../src/index.ts';
import type { FunctionCase, Operand, Returned } from '../support/function_cases.ts';
import { contentOf, FUNCTION_CASES, functions } from '../support/function_cases.ts';
import { codeOf } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';
import { randomFloat32 } from '../support/random.ts';

type Dtype = 'float32' | 'float64' | 'float16';

let engine: Engine;
let other: Engine;
beforeAll(async () => {
  [engine, other] = [await upconv.createEngine(), await upconv.createEngine()];
});
afterEach(() => [engine, other].forEach(releaseAll));
afterAll(() => [engine, other].forEach((each) => each.dispose()));

const make = (shape: readonly number[], dtype: Dtype = 'float32', seed = 1, where = engine): Tensor =>
  own(upconv.tensor(randomFloat32(shape.reduce((x, y) => x * y, 1), seed), shape, { dtype, engine: where })); // prettier-ignore
const operandsOf = ({ operands }: FunctionCase, dtype?: Dtype): Tensor[] =>
  Object.values(operands).map((shape, index) => make(shape, dtype, index + 1));
const likeOf = (t: Tensor): TensorLike => ({ data: t.toTypedArray(), shape: t.shape, type: t.dtype });

/** The first result of each kind that a call writes, by option name. */
function outsOf({ outs }: FunctionCase, returned: Returned): [string, Tensor][] {
  return Object.entries(outs).map(([name, option]) => {
    return [option, name === '' ? (returned as Tensor) : ((returned as Record<string, unknown>)[name] as Tensor)];
  });
}

/** The codes, or names, of what the Promise call rejects with and the Sync call throws. */
async function errorsOf(c: FunctionCase, operands: unknown[], options: object = {}): Promise<unknown[]> {
  const describe_ = (error: unknown): unknown => (error as { code?: string }).code ?? (error as Error).name;
  let promise: Promise<unknown>;
  try {
    promise = c.call(operands as Operand[], options);
  } catch {
    return ['the Promise call threw'];
  }
  const rejected = await promise.then((value) => contentOf(value as Returned), describe_);
  try {
    return [rejected, contentOf(c.callSync(operands as Operand[], options))];
  } catch (error) {
    return [rejected, describe_(error)];
  }
}

describe.each(FUNCTION_CASES)('$name', (c) => {
  const names = Object.keys(c.operands);
  const takesEngine = Object.keys(c.outs).length > 0; // losses do not
  const both = (code: string): unknown[] => [code, code];
  const replaced = (operands: readonly unknown[], index: number, value: unknown): unknown[] =>
    operands.map((operand, position) => (position === index ? value : operand));

  test.each<Dtype>(['float32', 'float64', 'float16'])(
    '%s: Sync and Promise give the same bits, inputs stay',
    async (dtype) => {
      const operands = operandsOf(c, dtype);
      const before = operands.map((t) => t.toTypedArray());
      const sync = contentOf(c.callSync(operands, {}));
      expect(contentOf(await c.call(operands, {}))).toEqual(sync);
      expect(operands.map((t) => t.toTypedArray())).toEqual(before);
      // TensorLikes of that dtype: each alone, and all together where an option says on which engine
      const mixed = operands.map((t, index) => [replaced(operands, index, likeOf(t)), {}] as const);
      if (takesEngine) mixed.push([operands.map(likeOf), { engine }]);
      for (const [given, options] of operands.length === 1 ? mixed.slice(1) : mixed) {
        expect(contentOf(c.callSync(given as Operand[], options))).toEqual(sync);
        expect(contentOf(await c.call(given as Operand[], options))).toEqual(sync);
      }
    },
  );

  test('operands that are no tensors', async () => {
    const operands = operandsOf(c);
    const values: unknown[] = ['x', {}, Promise.resolve(operands[0]), [[1]], new Float32Array(3), () => operands[0]];
    for (const [index, name] of names.entries()) {
      const absent = c.optional.includes(name) ? [] : [null, undefined];
      const numbers = c.numbers.includes(name) ? [] : [7];
      for (const value of [...values, ...absent, ...numbers]) {
        expect([name, value, await errorsOf(c, replaced(operands, index, value))]).toEqual([
          name,
          value,
          both('TypeError'),
        ]);
      }
      const tfjs = { shape: c.operands[name], dtype: 'float32', data: () => Promise.resolve() };
      await expect(c.call(replaced(operands, index, tfjs) as Operand[], {})).rejects.toThrow('upconv/tfjs');
      expect(await errorsOf(c, replaced(operands, index, { data: [1n], shape: [1] }))).toEqual(both('TypeError'));
    }
  });

  test('operands of another dtype or engine, or disposed', async () => {
    const operands = operandsOf(c);
    for (const [index, name] of names.entries()) {
      const shape = c.operands[name];
      const gone = make(shape);
      gone.dispose();
      const wrong: [string, unknown, object][] = [['ERR_DISPOSED', gone, {}]];
      if (takesEngine) wrong.push(['ERR_ENGINE_MISMATCH', operands[index], { engine: other }]);
      if (names.length > 1) {
        wrong.push(
          ['ERR_DTYPE', make(shape, 'float64'), {}],
          ['ERR_DTYPE', make(shape, 'float16'), {}],
          ['ERR_ENGINE_MISMATCH', make(shape, 'float32', 1, other), {}],
        );
      }
      for (const [code, value, options] of wrong) {
        expect([name, await errorsOf(c, replaced(operands, index, value), options)]).toEqual([name, both(code)]);
      }
    }
  });

  test('out: filled and returned itself; overlaps and what does not fit are refused', async () => {
    const operands = operandsOf(c);
    const returned = c.callSync(operands, {});
    contentOf(returned);
    for (const [option, result] of outsOf(c, returned)) {
      const values = result.toTypedArray();
      for (const call of [c.call, c.callSync]) {
        const out = own(upconv.full(result.shape, Number.NaN, { engine }));
        const again = await call(operands, { [option]: out });
        contentOf(again);
        expect(outsOf(c, again).find(([name]) => name === option)![1]).toBe(out);
        expect(out.toTypedArray()).toEqual(values);
      }
      const gone = make(result.shape);
      gone.dispose();
      for (const [code, out] of [
        ['ERR_SHAPE', make([...result.shape, 1])],
        ['ERR_DTYPE', make(result.shape, 'float64')],
        ['ERR_DTYPE', make(result.shape, 'float16')],
        ['ERR_ENGINE_MISMATCH', make(result.shape, 'float32', 1, other)],
        ['ERR_DISPOSED', gone],
        ['TypeError', { data: values, shape: result.shape }],
        ['TypeError', null],
        ['TypeError', 'out'],
      ] as const) {
        expect([option, code, await errorsOf(c, operands, { [option]: out })]).toEqual([option, code, both(code)]);
      }
      // a view whose last element is the first one of an operand
      for (const index of names.keys()) {
        const length = operands[index].size + result.size - 1;
        const whole = make([length]);
        const operand = own(own(whole.narrow(0, result.size - 1, operands[index].size)).reshape(operands[index].shape));
        const out = own(own(whole.narrow(0, 0, result.size)).reshape(result.shape));
        const clashing = replaced(operands, index, operand);
        expect(await errorsOf(c, clashing, { [option]: out })).toEqual(both('ERR_ARGUMENT'));
      }
    }
  });

  test('signal', async () => {
    const operands = operandsOf(c);
    const reason = { code: 'MINE' };
    expect(await errorsOf(c, operands, { signal: AbortSignal.abort(reason) })).toEqual(both('MINE'));
    expect(await errorsOf(c, operands, { signal: 'stop' })).toEqual(both('TypeError'));
    expect(codeOf(() => contentOf(c.callSync(operands, { signal: new AbortController().signal })))).toBeUndefined();
  });
});

test('every function is in the table', () => {
  const twins = Object.keys(functions).filter((name) => `${name}Sync` in functions);
  const elsewhere = ['createEngine', 'upscaleImage'];
  expect(twins.filter((name) => !FUNCTION_CASES.some((c) => c.name === name)).toSorted()).toEqual(elsewhere);
});
