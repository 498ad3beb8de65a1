import { strToU8, zipSync } from 'fflate';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createEngine, DtypeError, ShapeError, tensor, UpconvError } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { readNpy, readNpz, writeNpy, writeNpz } from '../../src/npy.ts';
import { disposeOwned, own } from '../support/owned.ts';
import { expectArrayOrError } from './damaged.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ threads: 1 });
});
afterAll(() => engine.dispose());
afterEach(disposeOwned);

/** Bytes of characters below 256. */
const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const textOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');

/** A .npy file as NumPy lays it out, header padded so that the data starts at a multiple of `alignment`. */
function npyBytes(header: string, data: ArrayBufferView, alignment = 64, version = 1): Uint8Array<ArrayBuffer> {
  const prefix = version === 1 ? 10 : 12;
  const start = Math.ceil((prefix + header.length + 1) / alignment) * alignment;
  const bytes = new Uint8Array(start + data.byteLength).fill(' '.charCodeAt(0), 0, start);
  bytes.set(latin1(`\u0093NUMPY${String.fromCharCode(version, 0)}`));
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, start - prefix, true);
  else view.setUint32(8, start - prefix, true);
  bytes.set(latin1(header), prefix);
  bytes[start - 1] = '\n'.charCodeAt(0);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  return bytes;
}

const describeArray = (descr: string, shape: string, isFortran = false): string =>
  `{'descr': '${descr}', 'fortran_order': ${isFortran ? 'True' : 'False'}, 'shape': ${shape}, }`;

const SIX = Float32Array.of(1, 2, 3, 4, 5, 6);

describe('reading', () => {
  test.each([
    [64, 1],
    [16, 1],
    [64, 2],
    [64, 3],
  ])('data aligned to %i bytes, format version %i', (alignment, version) => {
    const bytes = npyBytes(describeArray('<f4', '(2, 3)'), SIX, alignment, version);
    expect(readNpy(bytes)).toEqual({ shape: [2, 3], type: 'float32', data: SIX });
    expect(readNpy(bytes.buffer)).toEqual(readNpy(bytes));
  });

  test('bytes that lie anywhere in a buffer', () => {
    const bytes = npyBytes(describeArray('<f8', '(1,)'), Float64Array.of(0.1));
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(readNpy(shifted.subarray(3)).data).toEqual(Float64Array.of(0.1));
  });

  test.each([
    ['<f8', Float64Array.of(0.1, -2e300), 'float64', [0.1, -2e300]],
    ['<f2', Uint16Array.of(0x3c00, 0xfc00), 'float16', [0x3c00, 0xfc00]],
    ['<i4', Int32Array.of(-7, 2 ** 31 - 1), 'int32', [-7, 2 ** 31 - 1]],
    ['<u2', Uint16Array.of(7, 65535), 'uint16', [7, 65535]],
    ['|i1', Int8Array.of(-128, 127), 'int8', [-128, 127]],
    ['<i8', BigInt64Array.of(-(2n ** 53n) + 1n, 9n), 'float64', [-(2 ** 53) + 1, 9]],
    ['|b1', Uint8Array.of(0, 1), 'bool', [0, 1]],
  ])('%s', (descr, data, type, expected) => {
    const array = readNpy(npyBytes(describeArray(descr, '(2,)'), data));
    expect([array.type, [...array.data]]).toEqual([type, expected]);
  });

  test('fortran_order is turned into row-major', () => {
    expect(readNpy(npyBytes(describeArray('<f4', '(2, 3)', true), SIX))).toEqual({
      shape: [2, 3],
      type: 'float32',
      data: Float32Array.of(1, 3, 5, 2, 4, 6),
    });
  });

  test('fortran_order with three axes', () => {
    const values = new Float32Array(24);
    for (let i = 0; i < 2; i++) {
      for (let j = 0; j < 3; j++) for (let k = 0; k < 4; k++) values[i + 2 * (j + 3 * k)] = 100 * i + 10 * j + k;
    }
    const { data } = readNpy(npyBytes(describeArray('<f4', '(2, 3, 4)', true), values));
    expect(data).toHaveLength(24);
    expect([data[0], data[1], data[4], data[12], data[23]]).toEqual([0, 1, 10, 100, 123]);
  });

  test('no axes and no elements', () => {
    expect(readNpy(npyBytes(describeArray('<f4', '()'), Float32Array.of(7)))).toMatchObject({ shape: [] });
    const empty = readNpy(npyBytes(describeArray('<f4', '(0, 3)', true), new Float32Array(0)));
    expect([empty.shape, empty.data.length]).toEqual([[0, 3], 0]);
  });
});

describe('refusing', () => {
  const good = npyBytes(describeArray('<f4', '(2, 3)'), SIX);

  test.each<[string, Uint8Array<ArrayBuffer>, RegExp]>([
    ['empty', new Uint8Array(0), /bytes expected a \.npy file/],
    ['text', new Uint8Array(latin1('hello, this is text')), /bytes expected a \.npy file/],
    ['cut in the header', good.slice(0, 40), /bytes expected a \.npy file/],
    ['cut in the data', good.slice(0, -4), /6 elements for shape \[2, 3\], got 5/],
    ['cut in an element', good.slice(0, -1), /bytes expected a \.npy file/],
    ['too much data', npyBytes(describeArray('<f4', '(2, 2)'), SIX), /4 elements for shape \[2, 2\], got 6/],
    ['complex numbers', npyBytes(describeArray('<c8', '(3,)'), SIX), /dtype expected .*, got c8/],
    ['big endian', npyBytes(describeArray('>f4', '(2, 3)'), SIX), />f4/],
    ['strings', npyBytes(describeArray('<U2', '(3,)'), SIX), /readNpy: .* expected/],
    ['objects', npyBytes(describeArray('|O', '(3,)'), SIX), /bytes expected a \.npy file/],
    ['a bad shape', npyBytes(describeArray('<f4', '(2, x)'), SIX), /shape expected sizes of axes/],
    ['a negative shape', npyBytes(describeArray('<f4', '(-2, -3)'), SIX), /shape expected sizes of axes/],
    ['integers no number holds', npyBytes(describeArray('<i8', '(1,)'), BigInt64Array.of(2n ** 60n)), /got 11529215/],
  ])('%s', (_what, bytes, message) => {
    expect(() => readNpy(bytes)).toThrow(UpconvError);
    expect(() => readNpy(bytes)).toThrow(message);
  });

  test('typed errors', () => {
    expect(() => readNpy(npyBytes(describeArray('<c8', '(3,)'), SIX))).toThrow(DtypeError);
    expect(() => readNpy(good.slice(0, -4))).toThrow(ShapeError);
    expect(() => readNpy('x.npy' as never)).toThrow(
      new TypeError("readNpy: bytes expected a Uint8Array or an ArrayBuffer, got 'x.npy'"),
    );
    expect(() => writeNpy([1, 2] as never)).toThrow(TypeError);
  });

  test('any cut, and any byte of the header changed: an error or an array, nothing else', () => {
    for (let length = 0; length < good.length; length++) {
      expect(() => readNpy(good.slice(0, length))).toThrow(UpconvError);
    }
    for (let at = 0; at < good.length - 24; at++) {
      for (const change of [1, 0x20, 0x80, 0xff]) {
        const bytes = good.slice();
        bytes[at] ^= change;
        expectArrayOrError(() => readNpy(bytes));
      }
    }
  });
});

describe('writing', () => {
  test.each([[[]], [[6]], [[2, 3]], [[1, 2, 3, 1]], [[0, 4]]])('shape %j comes back', (shape) => {
    const data = SIX.slice(
      0,
      shape.reduce((product: number, length) => product * length, 1),
    );
    expect(readNpy(writeNpy({ shape, data }))).toEqual({ shape, type: 'float32', data });
  });

  test('every dtype comes back, and strided views as they look', () => {
    for (const dtype of ['float32', 'float64', 'float16'] as const) {
      const whole = own(tensor(SIX, [2, 3], { engine, dtype }));
      const turned = own(whole.transpose(0, 1));
      expect(readNpy(writeNpy(turned))).toEqual({ shape: [3, 2], type: dtype, data: turned.toTypedArray() });
      expect(readNpy(writeNpy(whole)).data).toEqual(whole.toTypedArray());
    }
  });

  test('the header is one NumPy can read', () => {
    const bytes = writeNpy({ shape: [6], data: SIX });
    const headerLength = new DataView(bytes.buffer).getUint16(8, true);
    expect(textOf(bytes.subarray(0, 8))).toBe('\u0093NUMPY\u0001\u0000');
    expect(textOf(bytes.subarray(10, 10 + headerLength))).toMatch(
      /^\{'descr': ?'<f4', ?'fortran_order': ?False, ?'shape': ?\(6,\)\} *\n$/,
    );
    expect((10 + headerLength) % 8).toBe(0);
    expect(bytes).toHaveLength(10 + headerLength + 24);
  });
});

describe('npz', () => {
  const arrays = { 'up.weight': { shape: [2, 3], data: SIX }, bias: { shape: [2], data: Float64Array.of(1 / 3, NaN) } };
  const read = {
    'up.weight': { shape: [2, 3], type: 'float32', data: SIX },
    bias: { shape: [2], type: 'float64', data: Float64Array.of(1 / 3, NaN) },
  };

  test.each([false, true])('arrays come back by name, compress %s', (compress) => {
    const archive = writeNpz(arrays, { compress });
    expect(readNpz(archive)).toEqual(read);
    expect(writeNpz(arrays, { compress })).toEqual(archive); // no clock in it
    const zeros = { x: { shape: [1000], data: new Float32Array(1000) } };
    expect(writeNpz(zeros, { compress }).length < 1000).toBe(compress);
  });

  test('what is wrong is named', () => {
    const archive = writeNpz(arrays);
    expect(() => readNpz(archive.subarray(0, -9))).toThrow(/readNpz: bytes expected a \.npz file/);
    expect(() => readNpz(new Uint8Array(0))).toThrow(UpconvError);
    expect(() => readNpz(zipSync({ 'a.npy': strToU8('text') }))).toThrow(/readNpz\('a'\): bytes expected a \.npy file/);
    const twice = textOf(writeNpz({ aa: arrays.bias, ab: arrays.bias })).replaceAll('ab.npy', 'aa.npy');
    expect(() => readNpz(latin1(twice))).toThrow(/'aa\.npy' is there twice/);
    const claiming = writeNpz({ a: { shape: [1000], data: new Float32Array(1000) } }, { compress: true });
    const directory = new DataView(claiming.buffer, textOf(claiming).lastIndexOf('PK\x01\x02'));
    directory.setUint32(24, 2 ** 31, true); // the length of the array
    expect(() => readNpz(claiming)).toThrow(/bytes of 'a\.npy' claim to be 2147483648/);
    directory.setUint32(20, 2 ** 31, true); // that of its stream
    expect(() => readNpz(claiming)).toThrow(/'a\.npy' overlaps others/);
    expect(() => writeNpz(arrays, { level: 9 } as never)).toThrow(/options expected/);
    expect(() => writeNpz([] as never)).toThrow(TypeError);
  });

  test('any byte changed: an error or arrays, nothing else', () => {
    const archive = writeNpz({ a: { shape: [2], data: Float32Array.of(1, 2) } });
    for (let at = 0; at < archive.length; at++) {
      const bytes = archive.slice();
      bytes[at] ^= 0xff;
      expectArrayOrError(() => Object.values(readNpz(bytes))[0]);
      expect(() => readNpz(archive.slice(0, at))).toThrow(UpconvError);
    }
  });
});
