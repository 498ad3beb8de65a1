import { afterEach, beforeAll, expect, test } from 'vitest';
import { Conv1d, ConvTranspose1d, createEngine, Module, PReLU, ReLU, Sequential, tensor } from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { disposeOwned, own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
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

test('arguments', () => {
  const net = own(new Conv1d(1, 1, 1, { engine, bias: false }));
  expect(() => net.loadStateDict(null as never)).toThrow(TypeError);
  expect(() => net.loadStateDict({ weight: 3 as never })).toThrow(TypeError);
  expect(() => net.loadStateDict({ weight: { data: [1, 2], shape: [1, 1, 1] } })).toThrow(TypeError);
  expect(() => net.loadStateDict(net.stateDict(), { strict: 1 as never })).toThrow(TypeError);
  expect(() => net.loadStateDict(net.stateDict(), { Strict: true } as never)).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT' }),
  );
});
