import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Conv1d, ConvTranspose1d, createEngine, Module, PReLU, ReLU, Sequential, tensor } from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { disposeOwned, own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.dispose());
afterEach(disposeOwned);

class Decoder extends Module {
  readonly up: ConvTranspose1d = new ConvTranspose1d(2, 2, 2, { engine });
  readonly scale: Tensor = tensor([1, 2], [2], { engine });
  readonly head: Sequential = new Sequential({ act: new PReLU(1, { engine }), conv: new Conv1d(2, 1, 1, { engine }) });
  readonly note: string = 'not a parameter';
}

test('fields are registered by name; own parameters come before those of children', () => {
  const decoder = own(new Decoder());
  const paths = ['scale', 'up.weight', 'up.bias', 'head.act.weight', 'head.conv.weight', 'head.conv.bias'];
  expect(decoder.namedParameters().map(([path]) => path)).toEqual(paths);
  expect(Object.keys(decoder.stateDict())).toEqual(paths);
  expect(decoder.stateDict()['up.weight']).toBe(decoder.up.weight);
  expect(decoder.parameters()).toHaveLength(6);
  decoder.eval();
  expect(decoder.head.get('conv')?.training).toBe(false);
  decoder.train();
  expect(decoder.head.get('conv')?.training).toBe(true);
});

test('a module used twice: one parameter in the list, both paths in the state', () => {
  const shared = new PReLU(1, { engine });
  const net = own(new Sequential(shared, new ReLU(), shared));
  expect(net.parameters()).toEqual([shared.weight]);
  expect(Object.keys(net.stateDict())).toEqual(['0.weight', '2.weight']);
});

test('PyTorch words: missing, unexpected, size mismatch, in this order', () => {
  const net = own(new Sequential(new PReLU(2, { engine }), new Conv1d(1, 1, 2, { engine })));
  const bad = {
    '0.weight': own(tensor([1], [1], { engine })),
    '1.weight': net.stateDict()['1.weight'],
    extra: net.stateDict()['0.weight'],
  };
  expect(() => net.loadStateDict(bad)).toThrow(
    'Error(s) in loading state_dict for Sequential:\n' +
      '\tMissing key(s) in state_dict: "1.bias". \n' +
      '\tUnexpected key(s) in state_dict: "extra". \n' +
      '\tsize mismatch for 0.weight: copying a param with shape torch.Size([1]) from checkpoint, the shape in current model is torch.Size([2]).',
  );
  expect(() => net.loadStateDict(bad, { strict: false })).toThrow(expect.objectContaining({ code: 'ERR_SHAPE' }));
  expect(() => net.loadStateDict({})).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
});

test('a failed load changes nothing', () => {
  const net = own(new Conv1d(1, 1, 1, { engine }));
  const before = net.weight.toTypedArray();
  const { version } = net.weight.storage;
  expect(() => net.loadStateDict({ weight: { data: [7], shape: [1, 1, 1] } })).toThrow(/Missing key/);
  expect(net.weight.toTypedArray()).toEqual(before);
  expect(net.weight.storage.version).toBe(version);
});

test('a prefix picks one module out of a larger checkpoint', () => {
  const net = own(new Conv1d(1, 1, 1, { engine }));
  const state = {
    'encoder.weight': { data: [9, 9], shape: [2] },
    'head.weight': { data: [3], shape: [1, 1, 1] },
    'head.bias': { data: Float32Array.of(4), dims: [1] },
  };
  expect(net.loadStateDict(state, { prefix: 'head.' })).toEqual({ missingKeys: [], unexpectedKeys: [] });
  expect([net.weight.item(), net.bias!.item()]).toEqual([3, 4]);
  const report = net.loadStateDict({ ...state, 'head.x': state['head.bias'] }, { prefix: 'head.', strict: false });
  expect(report.unexpectedKeys).toEqual(['head.x']);
});

test('values are converted to the dtype of the parameter, and the version rises', () => {
  const net = own(new Conv1d(1, 1, 1, { engine, bias: false }));
  const { version } = net.weight.storage;
  const weight = own(tensor(Float64Array.of(0.1), [1, 1, 1], { engine }));
  net.loadStateDict({ weight });
  expect(net.weight.item()).toBe(Math.fround(0.1));
  expect(net.weight.storage.version).toBeGreaterThan(version);
});

describe('values', () => {
  const make = (dtype: 'float32' | 'float64' = 'float32'): Conv1d =>
    own(new Conv1d(2, 1, 2, { engine, bias: false, dtype }));
  const shape = [1, 2, 2];
  const read = (net: Conv1d): number[] => [...net.weight.toTypedArray()];

  test('of an ndarray with strides and offset', () => {
    const net = make();
    net.loadStateDict({ weight: { data: [9, 1, 2, 3, 4], shape, stride: [4, 1, 2], offset: 1 } });
    expect(read(net)).toEqual([1, 3, 2, 4]);
  });

  test('of float16, as bit patterns', () => {
    const net = make('float64');
    net.loadStateDict({
      weight: { data: Uint16Array.of(0x3c00, 0x4000, 0xc000, 0x3800), dims: shape, type: 'float16' },
    });
    expect(read(net)).toEqual([1, 2, -2, 0.5]);
    const half = own(tensor([0.25, 3, 4, 5], shape, { engine, dtype: 'float16' }));
    net.loadStateDict({ weight: half });
    expect(read(net)).toEqual([0.25, 3, 4, 5]);
  });

  test('of numbers, with all bits that the parameter holds', () => {
    const net = make('float64');
    net.loadStateDict({ weight: { data: [0.1, 1 / 3, 1e-300, 2 ** 53 - 1], shape } });
    expect(read(net)).toEqual([0.1, 1 / 3, 1e-300, 2 ** 53 - 1]);
  });

  test('of another engine', async () => {
    const other = await createEngine();
    for (const dtype of ['float32', 'float64', 'float16'] as const) {
      const net = make();
      net.loadStateDict({ weight: own(tensor([1, 2, 3, 4.5], shape, { engine: other, dtype })) });
      expect(read(net)).toEqual([1, 2, 3, 4.5]);
    }
    disposeOwned();
    expect(other.memory.tensors).toBe(0);
    other.dispose();
  });

  test('that are no tensor or numbers change nothing, wherever they stand', () => {
    const net = own(new Sequential(make(), make()));
    const before = net.parameters().map((p) => p.toTypedArray());
    const versions = net.parameters().map((p) => p.storage.version);
    const gone = tensor([1, 2, 3, 4], shape, { engine });
    gone.dispose();
    const good = { data: [1, 2, 3, 4], shape };
    for (const bad of [
      gone,
      Promise.resolve(good),
      { ...good, data: () => [1] },
      { ...good, data: ['1', '2', '3', '4'] },
      { ...good, data: BigInt64Array.of(1n, 2n, 3n, 4n) },
      { ...good, strides: [4, 2, 2] },
      undefined,
    ]) {
      expect(() => net.loadStateDict({ '0.weight': good, '1.weight': bad as never })).toThrow(/1\.weight/);
    }
    expect(net.parameters().map((p) => p.toTypedArray())).toEqual(before);
    expect(net.parameters().map((p) => p.storage.version)).toEqual(versions);
  });
});

test('not strict with a prefix: the report has whole paths', () => {
  const net = own(new Conv1d(1, 1, 1, { engine }));
  const state = {
    'module.weight': { data: [3], shape: [1, 1, 1] },
    'module.x': { data: [1], shape: [1] },
    bias: net.bias!,
  };
  const report = net.loadStateDict(state, { prefix: 'module.', strict: false });
  expect(report).toEqual({ missingKeys: ['module.bias'], unexpectedKeys: ['module.x'] });
  expect(net.weight.item()).toBe(3);
  expect(() => net.loadStateDict(state, { prefix: 'module.' })).toThrow(
    '\tMissing key(s) in state_dict: "module.bias". \n\tUnexpected key(s) in state_dict: "module.x". ',
  );
});

test('arguments', () => {
  const net = own(new Conv1d(1, 1, 1, { engine, bias: false }));
  expect(() => net.loadStateDict(null as never)).toThrow(TypeError);
  expect(() => net.loadStateDict({ weight: 3 as never })).toThrow(TypeError);
  expect(() => net.loadStateDict({ weight: { data: [1, 2], shape: [1, 1, 1] } })).toThrow(
    expect.objectContaining({ code: 'ERR_SHAPE' }),
  );
  expect(() => net.loadStateDict(new Map([['weight', net.weight]]) as never)).toThrow(/got a Map/);
  expect(() => net.loadStateDict(Promise.resolve({}) as never)).toThrow(/missing await/);
  expect(() => net.loadStateDict(net.weight as never)).toThrow(TypeError);
  expect(() => net.loadStateDict(net.stateDict(), { prefix: 3 as never })).toThrow(TypeError);
  expect(() => net.loadStateDict(net.stateDict(), { strict: 1 as never })).toThrow(TypeError);
  expect(() => net.loadStateDict(net.stateDict(), { Strict: true } as never)).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT' }),
  );
});
