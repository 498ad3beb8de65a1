import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createEngine, ConvTranspose2d, DtypeError, ShapeError, tensor, UpconvError } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { openSafetensors, readSafetensors, writeSafetensors } from '../../src/safetensors.ts';
import { disposeOwned, own } from '../support/owned.ts';
import { expectArrayOrError } from './damaged.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterAll(() => engine.dispose());
afterEach(disposeOwned);

/** A file with this header, whatever it says, and `dataBytes` bytes 0, 1, 2, … behind it. */
function fileOf(header: object | string | Uint8Array, dataBytes = 0, length?: bigint): Uint8Array<ArrayBuffer> {
  const text = typeof header === 'string' ? header : JSON.stringify(header);
  const json = header instanceof Uint8Array ? header : new TextEncoder().encode(text);
  const file = new Uint8Array(8 + json.length + dataBytes).map((_, at) => at - 8 - json.length);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

const entry = (dtype: string, shape: number[], begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

const bytesOf = (data: ArrayBufferView): number[] => [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];

/** A file of one tensor with these elements. */
function fileWith(dtype: string, data: ArrayBufferView, shape: number[]): Uint8Array<ArrayBuffer> {
  const file = fileOf({ x: entry(dtype, shape, 0, data.byteLength) }, data.byteLength);
  file.set(bytesOf(data), file.length - data.byteLength);
  return file;
}

const ELEMENTS: [string, ArrayBufferView, string, number[]][] = [
  ['F64', Float64Array.of(0.1, -2e300), 'float64', [0.1, -2e300]],
  ['F32', Float32Array.of(0.5, -Infinity), 'float32', [0.5, -Infinity]],
  ['F16', Uint16Array.of(0x3c00, 0xfc00), 'float16', [0x3c00, 0xfc00]],
  ['BF16', Uint16Array.of(0x3f80, 0xc0a0), 'float32', [1, -5]],
  ['I64', BigInt64Array.of(-5n, 2n ** 53n - 1n), 'float64', [-5, 2 ** 53 - 1]],
  ['U64', BigUint64Array.of(0n, 7n), 'float64', [0, 7]],
  ['I32', Int32Array.of(-1, 2), 'int32', [-1, 2]],
  ['U32', Uint32Array.of(2 ** 32 - 1, 2), 'uint32', [2 ** 32 - 1, 2]],
  ['I16', Int16Array.of(-1, 2), 'int16', [-1, 2]],
  ['U16', Uint16Array.of(65535, 2), 'uint16', [65535, 2]],
  ['I8', Int8Array.of(-1, 2), 'int8', [-1, 2]],
  ['U8', Uint8Array.of(255, 2), 'uint8', [255, 2]],
  ['BOOL', Uint8Array.of(1, 0), 'bool', [1, 0]],
];

describe('reading', () => {
  test.each(ELEMENTS)('%s', async (dtype, data, type, expected) => {
    const file = fileWith(dtype, data, [2]);
    const { x } = readSafetensors(file);
    expect([x.type, x.shape, [...x.data]]).toEqual([type, [2], expected]);
    const opened = await openSafetensors(file);
    expect(await opened.read('x')).toEqual(x);
    const second = await opened.slice('x', [[1, 2]]);
    expect([second.type, second.shape, [...second.data]]).toEqual([type, [1], [expected[1]]]);
  });

  test('elements at an address that is none for them, in front of which the file begins anywhere', () => {
    const file = fileWith('F64', Float64Array.of(0.1, 7), [2]);
    for (let shift = 0; shift < 8; shift++) {
      const moved = new Uint8Array(file.length + 8);
      moved.set(file, shift);
      expect(readSafetensors(moved.subarray(shift, shift + file.length))['x'].data).toEqual(Float64Array.of(0.1, 7));
    }
  });

  test('aligned elements are not copied, others are read when they are looked at', () => {
    const file = writeSafetensors({ a: { shape: [2], data: Float32Array.of(1, 2) } });
    const state = readSafetensors(file);
    const { a } = state;
    expect(a.data.buffer).toBe(file.buffer);
    expect(state['a']).toBe(a);
    const mixed = readSafetensors(fileOf({ small: entry('F8_E4M3', [3], 0, 3), x: entry('U8', [1], 3, 4) }, 4));
    expect(Object.keys(mixed)).toEqual(['small', 'x']);
    expect(mixed['x'].data).toEqual(Uint8Array.of(3));
    expect(() => mixed['small']).toThrow(DtypeError);
  });

  test('no tensors, no axes, no elements', () => {
    expect(readSafetensors(fileOf({}))).toEqual({});
    expect(readSafetensors(fileOf('{}    '))).toEqual({});
    expect(readSafetensors(fileWith('F32', Float32Array.of(3), []))['x']).toMatchObject({ shape: [] });
    const empty = fileOf({ a: entry('F32', [0, 5], 0, 0), b: entry('U8', [2], 0, 2), c: entry('F32', [0], 2, 2) }, 2);
    expect(Object.values(readSafetensors(empty)).map(({ data }) => data.length)).toEqual([0, 2, 0]);
  });

  test('names that are anything', () => {
    const names = ['__proto__', 'constructor', '1', '', 'ключ "x"', '\u0000'];
    const state = Object.fromEntries(names.map((name, at) => [name, { shape: [], data: [at] }]));
    const read = readSafetensors(writeSafetensors(state));
    expect(Object.keys(read).toSorted()).toEqual(names.toSorted());
    names.forEach((name, at) => expect([...read[name].data]).toEqual([at]));
  });

  test('metadata, entries, parts of a checkpoint', async () => {
    const state = { 'up.w': { shape: [2], data: [1, 2] }, 'down.w': { shape: [1], data: [3] } };
    const file = writeSafetensors(state, { metadata: { format: 'pt' } });
    for (const source of [file, file.buffer, new Blob([file])]) {
      const opened = await openSafetensors(source);
      expect(opened.metadata).toEqual({ format: 'pt' });
      expect(opened.entries.get('up.w')).toMatchObject({ dtype: 'F32', shape: [2] });
      expect(await opened.stateDict('up.')).toEqual({
        'up.w': { shape: [2], type: 'float32', data: Float32Array.of(1, 2) },
      });
      expect(Object.keys(await opened.stateDict())).toEqual(['down.w', 'up.w']);
    }
  });
});

describe('slices', () => {
  const data = Float32Array.from({ length: 24 }, (_, at) => at);
  const file = writeSafetensors({ before: { shape: [1], data: [9] }, x: { shape: [2, 3, 4], data } });

  test('are those of the whole', async () => {
    const opened = await openSafetensors(file);
    for (const ranges of [
      [],
      [[0, 1]],
      [[1, 2], null, [1, 3]],
      [null, [2, 3]],
      [
        [0, 2],
        [0, 3],
        [3, 4],
      ],
    ] as const) {
      const { shape, data: got } = await opened.slice('x', ranges);
      const [[a, b], [c, d], [e, f]] = [2, 3, 4].map((length, axis) => ranges[axis] ?? [0, length]);
      const expected = [...data].filter((_, at) => {
        const [i, j, k] = [Math.floor(at / 12), Math.floor(at / 4) % 3, at % 4];
        return i >= a && i < b && j >= c && j < d && k >= e && k < f;
      });
      expect([shape, [...got]]).toEqual([[b - a, d - c, f - e], expected]);
    }
    expect(await opened.slice('x', [[1, 1]])).toEqual({ shape: [0, 3, 4], type: 'float32', data: new Float32Array(0) });
  });

  test('read no more than their span of bytes', async () => {
    const asked: number[] = [];
    const read = (begin: number, end: number): Uint8Array => {
      asked.push(end - begin);
      return file.subarray(begin, end);
    };
    const opened = await openSafetensors({ size: file.length, read });
    expect(asked).toEqual([8, new DataView(file.buffer).getUint32(0, true)]);
    asked.length = 0;
    await opened.slice('x', [
      [1, 2],
      [0, 1],
      [1, 3],
    ]);
    await opened.slice('x', [[1, 2]]);
    await opened.slice('x', [[0, 0]]);
    expect(asked).toEqual([8, 48]);
  });

  test('of ranges that the tensor has not', async () => {
    const opened = await openSafetensors(file);
    for (const ranges of [[[0, 3]], [[-1, 1]], [[2, 1]], [[0, 0.5]], [[0]], [null, null, null, null], [3]]) {
      await expect(opened.slice('x', ranges as never)).rejects.toThrow(/^slice: ranges expected/);
    }
    await expect(opened.slice('x', '0:1' as never)).rejects.toThrow(TypeError);
    await expect(opened.slice('y', [])).rejects.toThrow("slice: name expected that of a tensor in the file, got 'y'");
    await expect(opened.read('toString')).rejects.toThrow(UpconvError);
    await expect(opened.stateDict(1 as never)).rejects.toThrow(TypeError);
  });
});

describe('malformed files', () => {
  const good = { a: entry('F32', [2], 0, 8), b: entry('U8', [3], 8, 11) };
  const tooLarge = entry('F32', [2 ** 20, 2 ** 20, 2 ** 20], 0, 4);

  test.each<[string, Uint8Array<ArrayBuffer>, RegExp]>([
    ['no bytes', new Uint8Array(0), /bytes expected at least 8, got 0/],
    ['7 bytes', new Uint8Array(7), /bytes expected at least 8, got 7/],
    ['a header of no bytes', new Uint8Array(8), /header expected a JSON object/],
    ['a header of 2^64 - 1 bytes', fileOf({}, 0, 2n ** 64n - 1n), /header expected at most 100000000 bytes, got 18446/],
    ['a header over the limit', fileOf({}, 0, 100_000_001n), /header expected at most 100000000 bytes/],
    ['a header longer than the file', fileOf({}, 0, 3n), /header expected 3 bytes, got a file with 2 bytes behind/],
    ['not UTF-8', fileOf(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x30, 0x7d)), /header expected UTF-8/],
    ['a byte order mark', fileOf('\ufeff{}'), /header expected a JSON object/],
    ['a space in front', fileOf(' {}'), /does not begin with \{/],
    ['not JSON', fileOf('{"a": }'), /header expected a JSON object/],
    ['an array', fileOf('[]'), /header expected a JSON object/],
    ['a name twice', fileOf('{"a":{},"b":{},"a":{}}'), /header expected every key once, got 'a' twice/],
    ['a name twice, once escaped', fileOf(String.raw`{"a":{},"a":{}}`), /'a' twice/],
    ['a field twice', fileOf('{"a":{"dtype":"F32","dtype":"U8"}}'), /'dtype' twice/],
    ['an entry that is a number', fileOf({ a: 3 }), /'a' expected \{ dtype, shape, data_offsets \}, got 3/],
    ['an entry without fields', fileOf({ a: {} }), /'a'\.dtype expected one of .*, got undefined/],
    ['an unknown dtype', fileOf({ a: entry('F33', [1], 0, 4) }, 4), /'a'\.dtype expected one of .*, got 'F33'/],
    ['a dtype of Object', fileOf({ a: entry('constructor', [1], 0, 4) }, 4), /'a'\.dtype expected/],
    ['no shape', fileOf({ a: { dtype: 'F32', data_offsets: [0, 4] } }, 4), /'a'\.shape expected sizes of axes/],
    ['a negative size', fileOf({ a: entry('F32', [-1, -1], 0, 4) }, 4), /'a'\.shape expected sizes/],
    ['half an element', fileOf({ a: entry('F32', [0.5], 0, 2) }, 2), /'a'\.shape expected sizes/],
    ['a shape whose product overflows', fileOf({ a: tooLarge }, 4), /'a'\.shape expected fewer elements/],
    ['… and is 0 in the end', fileOf({ a: { ...tooLarge, shape: [...tooLarge.shape, 0] } }, 4), /fewer elements/],
    ['three offsets', fileOf({ a: { ...entry('U8', [1], 0, 1), data_offsets: [0, 1, 1] } }, 1), /\[begin, end\]/],
    ['offsets backwards', fileOf({ a: entry('U8', [1], 1, 0) }, 1), /'a'\.data_offsets expected \[begin, end\]/],
    ['a negative offset', fileOf({ a: entry('U8', [1], -1, 0) }, 1), /'a'\.data_offsets expected/],
    ['offsets beyond 2^53', fileOf('{"a":{"dtype":"U8","shape":[1],"data_offsets":[1e300,1e300]}}'), /data_offsets/],
    [
      'a shape of fewer bytes',
      fileOf({ a: entry('F32', [2], 0, 12) }, 12),
      /'a' expected 8 bytes for F32 \[2\], got 12/,
    ],
    ['half a byte', fileOf({ a: entry('F4', [3], 0, 2) }, 2), /'a' expected 1.5 bytes for F4 \[3\], got 2/],
    [
      'an overlap',
      fileOf({ ...good, c: entry('U8', [2], 10, 12) }, 12),
      /'c'\.data_offsets expected a begin of 11.*10 \(an o/,
    ],
    ['the same bytes twice', fileOf({ ...good, c: entry('U8', [3], 8, 11) }, 11), /an overlap/],
    ['a gap', fileOf({ ...good, c: entry('U8', [1], 12, 13) }, 13), /'c'\.data_offsets expected .* 12 \(a gap\)/],
    ['a gap in front', fileOf({ a: entry('U8', [1], 1, 2) }, 2), /\(a gap\)/],
    ['cut data', fileOf(good, 10), /data expected 11 bytes behind the header, got 10 \(the file is cut\)/],
    ['bytes behind', fileOf(good, 12), /got 12 \(bytes that no tensor has\)/],
    ['metadata of numbers', fileOf({ __metadata__: { a: 3 } }), /__metadata__ expected an object of strings/],
    ['metadata that is null', fileOf({ __metadata__: null }), /__metadata__ expected an object of strings/],
  ])('%s', async (_what, file, message) => {
    expect(() => readSafetensors(file)).toThrow(UpconvError);
    expect(() => readSafetensors(file)).toThrow(message);
    await expect(openSafetensors(file)).rejects.toThrow(message);
  });

  test('typed errors', () => {
    expect(() => readSafetensors(fileOf({ a: entry('F33', [1], 0, 4) }, 4))).toThrow(DtypeError);
    expect(() => readSafetensors(fileOf({ a: tooLarge }, 4))).toThrow(ShapeError);
    expect(() => readSafetensors(fileOf(good, 10))).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
    const large = fileWith('I64', BigInt64Array.of(2n ** 53n), [1]);
    expect(() => readSafetensors(large)['x']).toThrow(DtypeError);
  });

  test('any byte changed, any cut: an error, or tensors that lie in the file', () => {
    const file = writeSafetensors({ a: { shape: [2], data: [1, 2] }, b: { shape: [1, 3], data: [3, 4, 5] } });
    for (let at = 0; at < file.length; at++) {
      expect(() => readSafetensors(file.slice(0, at))).toThrow(UpconvError);
      for (const change of [1, 2, 0x10, 0xff]) {
        const bytes = file.slice();
        bytes[at] ^= change;
        for (const name of ['a', 'b']) expectArrayOrError(() => readSafetensors(bytes)[name]);
      }
    }
  });

  test('a source that gives something else', async () => {
    const file = writeSafetensors({ a: { shape: [2], data: [1, 2] } });
    const short = { size: file.length, read: (begin: number, end: number) => file.subarray(begin, end - 1) };
    await expect(openSafetensors(short)).rejects.toThrow('openSafetensors: source expected 8 bytes from 0, got 7');
    await expect(openSafetensors({ size: 100, read: () => 'text' } as never)).rejects.toThrow(TypeError);
    await expect(openSafetensors({ size: -1, read: () => file })).rejects.toThrow(TypeError);
    await expect(openSafetensors('model.safetensors' as never)).rejects.toThrow(TypeError);
    expect(() => readSafetensors(null as never)).toThrow(TypeError);
  });
});

describe('writing', () => {
  test('every dtype comes back, and strided views as they look', () => {
    for (const dtype of ['float32', 'float64', 'float16'] as const) {
      const whole = own(tensor([1, 2, 3, 4, 5, 6.5], [2, 3], { engine, dtype }));
      const turned = own(whole.transpose(0, 1));
      const read = readSafetensors(writeSafetensors({ whole, turned }));
      expect(read['whole']).toEqual({ shape: [2, 3], type: dtype, data: whole.toTypedArray() });
      expect(read['turned']).toEqual({ shape: [3, 2], type: dtype, data: turned.toTypedArray() });
    }
  });

  test('dtype: numbers are rounded once, to the nearest', () => {
    // halfway between two bfloat16, just above, halfway to the other side, beyond the largest, and float32's own ties
    const numbers = [1 + 2 ** -8, 1 + 2 ** -8 + 2 ** -40, 1 + 3 * 2 ** -8, 3.4e38, -(1 + 2 ** -8 + 2 ** -40), NaN, -0];
    const rounded = [1, 1 + 2 ** -7, 1 + 2 ** -6, Infinity, -(1 + 2 ** -7), NaN, -0];
    const x = { shape: [7], data: Float64Array.from(numbers) };
    const read = (dtype: 'F64' | 'F32' | 'F16' | 'BF16') => readSafetensors(writeSafetensors({ x }, { dtype }))['x'];
    expect(read('BF16')).toEqual({ shape: [7], type: 'float32', data: Float32Array.from(rounded) });
    expect(read('F32').data).toEqual(Float32Array.from(numbers));
    expect(read('F64').data).toEqual(x.data);
    expect(read('F16').data[0]).toBe(0x3c04);
    const state = { x, y: x };
    const mixed = writeSafetensors(state, { dtype: { x: 'BF16' } });
    expect([readSafetensors(mixed)['x'].type, readSafetensors(mixed)['y'].type]).toEqual(['float32', 'float64']);
  });

  test('the bytes that the reference implementation writes: wide elements first, a header of a multiple of 8', () => {
    const file = writeSafetensors({
      b: { shape: [1], data: Uint16Array.of(0x3c00), type: 'float16' },
      c: { shape: [1], data: Float64Array.of(1) },
      a: { shape: [2], data: Float32Array.of(1, 2) },
    });
    const length = new DataView(file.buffer).getUint32(0, true);
    expect(length % 8).toBe(0);
    expect(new TextDecoder().decode(file.subarray(8, 8 + length)).trimEnd()).toBe(
      '{"c":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]},"b":{"dtype":"F16","shape":[1],"data_offsets":[16,18]}}',
    );
  });

  test('a module goes there and back', () => {
    const [from, to] = [0, 1].map(() => own(new ConvTranspose2d(2, 3, 2, { engine })));
    to.loadStateDict(readSafetensors(writeSafetensors(from.stateDict())));
    expect(to.weight.toTypedArray()).toEqual(from.weight.toTypedArray());
    expect(to.bias!.toTypedArray()).toEqual(from.bias!.toTypedArray());
    const prefixed = Object.fromEntries(Object.entries(from.stateDict()).map(([key, value]) => [`up.${key}`, value]));
    const file = readSafetensors(writeSafetensors(prefixed, { dtype: 'BF16' }));
    expect(to.loadStateDict(file, { prefix: 'up.' })).toEqual({ missingKeys: [], unexpectedKeys: [] });
  });

  test('what cannot be written', () => {
    const a = { shape: [1], data: [1] };
    expect(() => writeSafetensors({ __metadata__: a })).toThrow(/names other than __metadata__/);
    expect(() => writeSafetensors({ '\ud800': a })).toThrow(/well-formed names/);
    expect(() => writeSafetensors({ a: 3 as never })).toThrow(TypeError);
    expect(() => writeSafetensors({ a: { shape: [2], data: [1] } })).toThrow(ShapeError);
    expect(() => writeSafetensors(new Map([['a', a]]) as never)).toThrow(/got a Map/);
    expect(() => writeSafetensors({ a }, { metadata: { a: 3 as never } })).toThrow(/metadata\.a expected a string/);
    expect(() => writeSafetensors({ a }, { metadata: ['a'] as never })).toThrow(TypeError);
    expect(() => writeSafetensors({ a }, { dtype: 'I8' as never })).toThrow(/dtype expected 'F64' \| 'F32'/);
    expect(() => writeSafetensors({ a }, { dtype: { b: 'F32' } })).toThrow(/dtype expected names of tensors, got 'b'/);
    expect(() => writeSafetensors({ a }, { format: 'pt' } as never)).toThrow(/options expected/);
    const gone = tensor([1], [1], { engine });
    gone.dispose();
    expect(() => writeSafetensors({ gone })).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  });
});
