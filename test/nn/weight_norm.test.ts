import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Conv1d, ConvTranspose1d, createEngine, Sequential, tensor } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { disposeOwned, own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterAll(() => engine.dispose());
afterEach(disposeOwned);

const make = (dtype: 'float32' | 'float16' = 'float32'): ConvTranspose1d =>
  own(new ConvTranspose1d(2, 1, 2, { engine, bias: false, dtype }));
/** Rows of norm 5 and 13. */
const v = { shape: [2, 1, 2], data: [3, 4, 5, 12] };
const g = { shape: [2, 1, 1], data: [10, 26] };
const read = (module: ConvTranspose1d): number[] => [...own(module.weight.to('float32')).toTypedArray()];

describe('weights in weight normalisation', () => {
  test.each([
    ['weight_norm', { weight_g: g, weight_v: v }],
    ['a parametrization', { 'parametrizations.weight.original0': g, 'parametrizations.weight.original1': v }],
  ])('of %s are loaded as their product', (_what, state) => {
    const module = make();
    expect(module.loadStateDict(state)).toEqual({ missingKeys: [], unexpectedKeys: [] });
    expect(read(module)).toEqual([6, 8, 10, 24]);
  });

  test('one norm of all, and a norm along another axis', () => {
    const module = make();
    module.loadStateDict({ weight_g: { shape: [], data: [Math.hypot(3, 4, 5, 12) * 2] }, weight_v: v });
    expect(read(module)).toEqual([6, 8, 10, 24]);
    const along = { shape: [1, 1, 2], data: [2 * Math.hypot(3, 5), 3 * Math.hypot(4, 12)] };
    module.loadStateDict({ weight_g: along, weight_v: v });
    expect(read(module)).toEqual([6, 12, 10, 36].map(Math.fround));
  });

  test('below a prefix and in a module of modules, beside plain weights, from tensors', () => {
    const net = own(new Sequential(new ConvTranspose1d(2, 1, 2, { engine }), new Conv1d(1, 1, 1, { engine })));
    const [magnitude, direction] = [g, v].map(({ data, shape }) =>
      own(tensor(data, shape, { engine, dtype: 'float16' })),
    );
    const one = { shape: [1], data: [1] };
    net.loadStateDict(
      {
        'net.0.weight_g': magnitude,
        'net.0.weight_v': direction,
        'net.0.bias': one,
        'net.1.weight': { shape: [1, 1, 1], data: [2] },
        'net.1.bias': one,
      },
      { prefix: 'net.' },
    );
    expect(net.parameters().flatMap((parameter) => parameter.toArray())).toEqual([[[6, 8]], [[10, 24]], 1, [[2]], 1]);
  });

  test('are rounded to float16 once', () => {
    const module = make('float16');
    module.loadStateDict({ weight_g: g, weight_v: v });
    expect(read(module)).toEqual([6, 8, 10, 24]);
  });

  test('for float16 are bit patterns in a Uint16Array, with a type or without', () => {
    const patterns = ({ data, shape }: typeof g) => {
      const half = own(tensor(data, shape, { engine, dtype: 'float16' }));
      return { shape, data: half.toTypedArray() as Uint16Array };
    };
    const module = make('float16');
    module.loadStateDict({ weight_g: patterns(g), weight_v: patterns(v) });
    expect(read(module)).toEqual([6, 8, 10, 24]);
    const typed = { weight_g: { ...patterns(g), type: 'float16' }, weight_v: { ...patterns(v), type: 'float16' } };
    const wide = make();
    wide.loadStateDict(typed);
    expect(read(wide)).toEqual([6, 8, 10, 24]);
  });

  test('a direction of zeros is NaN, as in PyTorch', () => {
    const module = make();
    module.loadStateDict({ weight_g: g, weight_v: { shape: [2, 1, 2], data: [0, 0, 5, 12] } });
    expect(read(module)).toEqual([NaN, NaN, 10, 24]);
  });
});

describe('what is not weight normalisation', () => {
  test('half of it is missing and unexpected', () => {
    const module = make();
    expect(module.loadStateDict({ weight_g: g }, { strict: false })).toEqual({
      missingKeys: ['weight'],
      unexpectedKeys: ['weight_g'],
    });
    expect(() => module.loadStateDict({ weight_v: v })).toThrow(
      '\tMissing key(s) in state_dict: "weight". \n\tUnexpected key(s) in state_dict: "weight_v". ',
    );
  });

  test('the weight itself goes first', () => {
    const module = make();
    const state = { weight: v, weight_g: g, weight_v: v };
    expect(module.loadStateDict(state, { strict: false }).unexpectedKeys).toEqual(['weight_g', 'weight_v']);
    expect(read(module)).toEqual(v.data);
  });

  test('shapes that do not fit are mismatches of their keys, and nothing changes', () => {
    const module = make();
    const before = read(module);
    const load = (): unknown =>
      module.loadStateDict({ weight_g: { shape: [2], data: [1, 2] }, weight_v: { shape: [1], data: [1] } });
    expect(load).toThrow(expect.objectContaining({ code: 'ERR_SHAPE' }));
    expect(load).toThrow(
      '\tsize mismatch for weight_g: copying a param with shape torch.Size([2]) from checkpoint, the shape in current model is torch.Size([2, 1, 1]).\n' +
        '\tsize mismatch for weight_v: copying a param with shape torch.Size([1]) from checkpoint, the shape in current model is torch.Size([2, 1, 2]).',
    );
    expect(read(module)).toEqual(before);
  });
});
