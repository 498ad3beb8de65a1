import { beforeAll, describe, expect, test } from 'vitest';
import {
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  createEngine,
  DtypeError,
  init,
  manualSeed,
  rand,
  Sequential,
  ShapeError,
  tensor,
  upscaleImageSync,
  UpconvError,
} from '../../../src/index.ts';
import type { Engine, Module } from '../../../src/index.ts';
import type { ConvTransposeAttributes, LoadConvTransposesOptions } from '../../../src/onnx.ts';
import { convTransposeSync, loadConvTransposes } from '../../../src/onnx.ts';
import { held } from '../../support/operations.ts';
import { encodeGraph, encodeModel, encodeNode, encodeTensor, externalTensor, rawTensor } from './encode_model.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await init();
});

const EIGHT = Float32Array.of(1, -2, 3, -4, 0.5, 6, -7, 8);
const W = rawTensor('w', [2, 1, 2, 2], EIGHT);

function load(model: Uint8Array<ArrayBuffer>, options?: LoadConvTransposesOptions) {
  const modules = loadConvTransposes(model, options);
  for (const module of Object.values(modules)) held(module as Module);
  return modules;
}

/** The module of a model with one node. */
function loadOne(
  attributes: ConvTransposeAttributes,
  weight = W,
  inputs = ['x', 'w'],
  initializers: Uint8Array[] = [],
) {
  const node = encodeNode({ name: 'up', inputs, attributes: attributes as never });
  return load(encodeModel([node], [weight, ...initializers]))['up'];
}

describe('geometry of modules', () => {
  test.each<[ConvTransposeAttributes, string]>([
    [{}, 'ConvTranspose2d(2, 1, kernel_size=(2, 2), stride=(1, 1), bias=False)'],
    [
      { strides: [2, 2], pads: [0, 1, 1, 1] },
      'ConvTranspose2d(2, 1, kernel_size=(2, 2), stride=(2, 2), padding=((0, 1), (1, 1)), bias=False)',
    ],
    [
      { strides: [3, 2], auto_pad: 'SAME_UPPER', group: 2 },
      'ConvTranspose2d(2, 2, kernel_size=(2, 2), stride=(3, 2), output_padding=(1, 0), groups=2, bias=False)',
    ],
    [
      { dilations: [2, 1], auto_pad: 'SAME_LOWER' },
      'ConvTranspose2d(2, 1, kernel_size=(2, 2), stride=(1, 1), padding=((1, 1), (1, 0)), dilation=(2, 1), bias=False)',
    ],
    [
      { auto_pad: 'VALID', output_padding: [1, 0], strides: [2, 2] },
      'ConvTranspose2d(2, 1, kernel_size=(2, 2), stride=(2, 2), output_padding=(1, 0), bias=False)',
    ],
    [
      { output_shape: [5, 6], strides: [2, 2] },
      'ConvTranspose2d(2, 1, kernel_size=(2, 2), stride=(2, 2), bias=False, output_shape=(5, 6))',
    ],
  ])('%j', (attributes, text) => {
    const module = loadOne(attributes);
    expect(module).toBeInstanceOf(ConvTranspose2d);
    expect(String(module)).toBe(text);
  });

  test.each<ConvTransposeAttributes>([
    { strides: [2, 2], pads: [0, 1, 1, 1] },
    { strides: [3, 2], auto_pad: 'SAME_UPPER' },
    { strides: [2, 3], auto_pad: 'SAME_LOWER', dilations: [2, 3] },
    { output_shape: [6, 9], strides: [2, 2] },
    { output_shape: [7, 3], strides: [2, 2], auto_pad: 'SAME_UPPER' },
  ])('forward and backward are those of the operator: %j', async (attributes) => {
    const module = loadOne(attributes);
    const x = held(rand([1, 2, 3, 4]));
    const weight = { shape: [2, 1, 2, 2], data: EIGHT };
    const expected = held(convTransposeSync(attributes, [x, weight]));
    const output = held(await module.forward(x));
    expect([output.shape, output.toTypedArray()]).toEqual([expected.shape, expected.toTypedArray()]);
    const gradInput = held(await module.backward(held(rand(output.shape))));
    expect(gradInput.shape).toEqual(x.shape);
    expect(module.weight.grad!.shape).toEqual(weight.shape);
    module.eval();
    await module.prepare(x.shape);
    module.freeze();
    const other = held(rand([2, 2, 5, 5]));
    for (const input of [x, other]) {
      const got = held(await module.forward(input)).toTypedArray();
      const wanted = held(convTransposeSync(attributes, [input, weight])).toTypedArray();
      got.forEach((value, i) => expect(value).toBeCloseTo(wanted[i], 5));
    }
  });

  test('with output_shape there is no outputSize, and no picture in bands', async () => {
    const module = loadOne({ output_shape: [4, 4] }, rawTensor('w', [1, 1, 2, 2], EIGHT.slice(0, 4)));
    const x = held(rand([1, 1, 3, 3]));
    await expect(module.forward(x, { outputSize: [4, 4] })).rejects.toThrow(/options expected/);
    module.eval();
    const picture = { data: new Uint8ClampedArray(9), width: 3, height: 3 };
    expect(() => upscaleImageSync(module, picture)).toThrow(/module expected/);
    expect(() => upscaleImageSync(new Sequential(module), picture)).toThrow(/module expected/);
  });

  test('1-D and 3-D, with bias', () => {
    const node = encodeNode({ name: 'up', inputs: ['x', 'w', 'b'] });
    const modules = [
      [2, 1, 4],
      [2, 1, 1, 2, 2],
    ].map((shape) => {
      const bias = rawTensor('b', [1], Float32Array.of(9));
      return load(encodeModel([node], [rawTensor('w', shape, EIGHT), bias]))['up'];
    });
    expect(modules[0]).toBeInstanceOf(ConvTranspose1d);
    expect(modules[1]).toBeInstanceOf(ConvTranspose3d);
    for (const { weight, bias } of modules) {
      expect([weight.toTypedArray(), bias!.toTypedArray()]).toEqual([EIGHT, Float32Array.of(9)]);
    }
  });
});

describe('weights', () => {
  const shape = [2, 1, 2, 2];
  const halves = Uint16Array.of(0x3c00, 0xc000, 0x4200, 0xc400, 0x3800, 0x4600, 0xc700, 0x4800);
  const doubles = Float64Array.from(EIGHT, (value) => value + 2 ** -40);
  const brain = Uint16Array.from(new Uint32Array(EIGHT.slice().buffer), (bits) => bits >>> 16);

  test.each<[string, Uint8Array<ArrayBuffer>, string, ArrayLike<number>]>([
    ['raw_data, float', W, 'float32', EIGHT],
    ['raw_data, double', rawTensor('w', shape, doubles, 'float64'), 'float64', doubles],
    ['raw_data, float16', rawTensor('w', shape, halves, 'float16'), 'float16', halves],
    ['raw_data, bfloat16', rawTensor('w', shape, brain, 'bfloat16'), 'float32', EIGHT],
    ['float_data', encodeTensor('w', shape, 'float32', (pbf) => pbf.writePackedFloat(4, [...EIGHT])), 'float32', EIGHT],
    [
      'float_data one by one',
      encodeTensor('w', shape, 'float32', (pbf) => EIGHT.forEach((value) => pbf.writeFloatField(4, value))),
      'float32',
      EIGHT,
    ],
    [
      'double_data',
      encodeTensor('w', shape, 'float64', (pbf) => pbf.writePackedDouble(10, [...doubles])),
      'float64',
      doubles,
    ],
    [
      'int32_data, float16',
      encodeTensor('w', shape, 'float16', (pbf) => pbf.writePackedVarint(5, [...halves])),
      'float16',
      halves,
    ],
    [
      'int32_data one by one, bfloat16',
      encodeTensor('w', shape, 'bfloat16', (pbf) => brain.forEach((value) => pbf.writeVarintField(5, value))),
      'float32',
      EIGHT,
    ],
  ])('%s', (_what, weight, dtype, expected) => {
    const module = loadOne({}, weight);
    expect(module.weight.dtype).toBe(dtype);
    expect(module.weight.toTypedArray()).toEqual(expected);
  });

  test('of Constant nodes, through Identity, and of the graph around', () => {
    const constant = encodeNode({ type: 'Constant', inputs: [], outputs: ['c'], attributes: { value: { tensor: W } } });
    const identity = encodeNode({ type: 'Identity', inputs: ['c'], outputs: ['w'] });
    const inner = encodeGraph([encodeNode({ name: 'inner', inputs: ['x', 'c'] })]);
    const loop = encodeNode({ type: 'Loop', inputs: [], outputs: ['z'], attributes: { body: { graph: inner } } });
    const modules = load(encodeModel([constant, identity, encodeNode({ name: 'outer' }), loop]));
    expect(Object.keys(modules)).toEqual(['outer', 'inner']);
    for (const { weight } of Object.values(modules)) expect(weight.toTypedArray()).toEqual(EIGHT);
  });

  test('in another file', () => {
    const weight = externalTensor('w', shape, { location: 'w.bin', offset: '4', length: '32' });
    const model = encodeModel([encodeNode({ name: 'up' })], [weight]);
    const file = new Uint8Array(36);
    file.set(new Uint8Array(EIGHT.buffer), 4);
    const asked: unknown[] = [];
    const externalData = (location: string, offset: number, length: number): Uint8Array => {
      asked.push([location, offset, length]);
      return file.subarray(offset, offset + length);
    };
    expect(load(model, { externalData })['up'].weight.toTypedArray()).toEqual(EIGHT);
    expect(asked).toEqual([['w.bin', 4, 32]]);
    expect(() => load(model)).toThrow(/externalData expected a function that reads 'w\.bin', got undefined/);
    expect(() => load(model, { externalData: () => new Uint8Array(3) })).toThrow(
      /32 bytes for F32 \[2, 1, 2, 2\], got 3/,
    );
    expect(() => load(model, { externalData: () => 'w' as never })).toThrow(TypeError);
  });

  test('go to the engine that is asked for, and leave the default generator alone', async () => {
    const other = await createEngine({ threads: 1 });
    manualSeed(3);
    const expected = held(rand([1])).item();
    manualSeed(3);
    const module = load(encodeModel([encodeNode({ name: 'up' })], [W]), { engine: other })['up'];
    expect(module.weight.engine).toBe(other);
    expect(held(rand([1])).item()).toBe(expected);
    module.dispose();
    expect(other.memory.tensors).toBe(0);
    other.dispose();
  });
});

describe('nodes', () => {
  test('by name, or the name of their first output; others are no ConvTranspose', () => {
    const nodes = [
      encodeNode({ name: 'a', outputs: ['1'] }),
      encodeNode({ name: '', outputs: ['2'] }),
      encodeNode({ name: 'a', outputs: ['3'] }),
      encodeNode({ type: 'Conv', name: 'conv' }),
      encodeNode({ name: 'foreign', domain: 'com.example' }),
      encodeNode({ name: 'standard', domain: 'ai.onnx' }),
    ];
    const model = encodeModel(nodes, [W]);
    expect(Object.keys(load(model)).toSorted()).toEqual(['2', '3', 'a', 'standard']);
    expect(Object.keys(load(model, { nodes: ['a', '3'] })).toSorted()).toEqual(['3', 'a']);
    expect(load(model, { nodes: [] })).toEqual({});
    const before = engine.memory.tensors;
    load(model, { nodes: ['a', 'a'] });
    expect(engine.memory.tensors).toBe(before + 1);
    expect(() => load(model, { nodes: ['b'] })).toThrow(
      /nodes expected names among 'a', '2', '3', 'standard', got 'b'/,
    );
    expect(() => load(encodeModel([]), { nodes: ['b'] })).toThrow(/of which the model has none, got 'b'/);
    expect(load(encodeModel([]))).toEqual({});
    expect(() => load(model, { nodes: 'a' as never })).toThrow(TypeError);
  });

  test('with a weight that is no constant: an error, unless others are asked for', () => {
    const nodes = [encodeNode({ name: 'good' }), encodeNode({ name: 'dynamic', inputs: ['x', 'computed'] })];
    const model = encodeModel(nodes, [W]);
    expect(() => load(model)).toThrow(
      "loadConvTransposes('dynamic'): W expected an initializer or a constant, got 'computed'",
    );
    expect(engine.memory.tensors).toBe(0);
    expect(Object.keys(load(model, { nodes: ['good'] }))).toEqual(['good']);
  });

  test('attributes without a type, as old exporters write them', () => {
    const attributes = { strides: [2, 2], group: 2, auto_pad: 'SAME_LOWER' };
    const [typed, untyped] = [true, false].map((isTyped) => {
      return String(load(encodeModel([encodeNode({ name: 'up', attributes }, isTyped)], [W]))['up']);
    });
    expect(untyped).toBe(typed);
  });

  test.each<[string, Parameters<typeof encodeNode>[0], Uint8Array<ArrayBuffer>[], RegExp]>([
    ['an unknown attribute', { attributes: { axes: [1] } }, [W], /options expected one of auto_pad/],
    ['an attribute of a wrong type', { attributes: { strides: 'two' } }, [W], /strides expected/],
    [
      'a graph as attribute',
      { attributes: { strides: { tensor: W } } },
      [W],
      /strides expected an attribute of type 7, got one of type 4/,
    ],
    ['integers', {}, [rawTensor('w', [1, 1, 1], BigInt64Array.of(1n), 'int64')], /W expected floats, got data type 7/],
    ['too few bytes', {}, [rawTensor('w', [2, 1, 3, 2], EIGHT)], /W expected 48 bytes for F32 \[2, 1, 3, 2\], got 32/],
    ['a negative size', {}, [rawTensor('w', [-2, -1, 2, 2], EIGHT)], /W expected sizes of axes, got \[-2, -1, 2, 2\]/],
    ['a huge size', {}, [rawTensor('w', [2 ** 40, 2 ** 40, 1], EIGHT)], /W expected sizes of axes/],
    ['two axes', {}, [rawTensor('w', [4, 2], EIGHT)], /W expected 3 to 5 axes, none empty, got \[4, 2\]/],
    ['an empty axis', {}, [rawTensor('w', [0, 1, 2], new Float32Array(0))], /none empty, got \[0, 1, 2\]/],
    [
      'a bias of a wrong length',
      { inputs: ['x', 'w', 'b'] },
      [W, rawTensor('b', [2], EIGHT.slice(0, 2))],
      /B expected \[1\], got \[2\]/,
    ],
    [
      'a bias that is no constant',
      { inputs: ['x', 'w', 'b'] },
      [W],
      /B expected an initializer or a constant, got 'b'/,
    ],
    ['no weight', { inputs: ['x'] }, [W], /W expected an initializer or a constant, got ''/],
  ])('%s', (_what, spec, initializers, message) => {
    const model = encodeModel([encodeNode({ name: 'up', ...spec })], initializers);
    expect(() => load(model)).toThrow(UpconvError);
    expect(() => load(model)).toThrow(message);
    expect(() => load(model)).toThrow("loadConvTransposes('up')");
  });

  test('typed errors', () => {
    const model = (weight: Uint8Array<ArrayBuffer>) => encodeModel([encodeNode({ name: 'up' })], [weight]);
    expect(() => load(model(rawTensor('w', [1, 1, 1], BigInt64Array.of(1n), 'int64')))).toThrow(DtypeError);
    expect(() => load(model(rawTensor('w', [2, 1, 3, 2], EIGHT)))).toThrow(ShapeError);
    expect(() => load('model.onnx' as never)).toThrow(TypeError);
    expect(() => load(model(W), { node: 'up' } as never)).toThrow(/options expected/);
  });
});

describe('what is no model', () => {
  test.each([
    ['nothing', new Uint8Array(0)],
    ['text', new TextEncoder().encode('this is no model, but some text')],
    ['zeros', new Uint8Array(100)],
    ['a tensor', W],
    ['a field beyond the end', Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0x7f)],
    ['a group of protobuf 1', Uint8Array.of(0x0b, 0x0c)],
  ])('%s', (_what, bytes) => {
    expect(() => load(bytes)).toThrow(
      /^loadConvTransposes: model expected the bytes of an ONNX model, got something else/,
    );
  });

  test('any byte changed, any cut: an error, or modules', () => {
    const model = encodeModel(
      [
        encodeNode({
          name: 'up',
          inputs: ['x', 'w', 'b'],
          attributes: { strides: [2, 2], pads: [0, 1, 1, 0], group: 1 },
        }),
      ],
      [W, encodeTensor('b', [1], 'float32', (pbf) => pbf.writePackedFloat(4, [1]))],
    );
    const isOurs = (bytes: Uint8Array<ArrayBuffer>): boolean => {
      try {
        load(bytes);
        return true;
      } catch (error) {
        return error instanceof UpconvError;
      }
    };
    for (let at = 0; at < model.length; at++) {
      expect(isOurs(model.slice(0, at))).toBe(true);
      for (const change of [0x01, 0x08, 0x80, 0xff]) {
        const bytes = model.slice();
        bytes[at] ^= change;
        expect(isOurs(bytes)).toBe(true);
      }
    }
  });

  test('graphs inside graphs without end', () => {
    let graph = encodeGraph([encodeNode({ name: 'up' })], [W]);
    for (let depth = 0; depth < 300; depth++) {
      graph = encodeGraph([encodeNode({ type: 'If', attributes: { then_branch: { graph } } })]);
    }
    const model = encodeModel([encodeNode({ type: 'If', attributes: { then_branch: { graph } } })]);
    expect(Object.keys(load(model))).toEqual(['up']);
  });
});

test('every tensor is released', () => {
  const probe = tensor([1]);
  expect(engine.memory.tensors).toBe(1);
  probe.dispose();
});
