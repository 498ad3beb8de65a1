import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeNpy, parseNpy, readNpy, writeNpy } from '../../src/cli/npy.ts';
import { temporaryFolder } from './support/cli.ts';

const folder = temporaryFolder();

/** A .npy file as NumPy lays it out, header padded so that the data starts at a multiple of `alignment`. */
function npyBytes(header: string, data: ArrayBufferView, alignment = 64, version = 1): Uint8Array<ArrayBuffer> {
  const prefix = version === 1 ? 10 : 12;
  const length = Math.ceil((prefix + header.length + 1) / alignment) * alignment - prefix;
  const bytes = Buffer.alloc(prefix + length, ' ');
  bytes.write('\u0093NUMPY', 0, 'latin1');
  bytes.set([version, 0], 6);
  if (version === 1) bytes.writeUInt16LE(length, 8);
  else bytes.writeUInt32LE(length, 8);
  bytes.write(header, prefix, 'latin1');
  bytes.write('\n', prefix + length - 1);
  return new Uint8Array(Buffer.concat([bytes, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]));
}

const describeArray = (descr: string, shape: string, isFortran = false): string =>
  `{'descr': '${descr}', 'fortran_order': ${isFortran ? 'True' : 'False'}, 'shape': ${shape}, }`;

const SIX = Float32Array.of(1, 2, 3, 4, 5, 6);

describe('reading', () => {
  test.each([
    [64, 1],
    [16, 1],
    [64, 2],
  ])('data aligned to %i bytes, format version %i', async (alignment, version) => {
    const { shape, data } = await parseNpy(npyBytes(describeArray('<f4', '(2, 3)'), SIX, alignment, version), 'x.npy');
    expect([shape, [...data]]).toEqual([
      [2, 3],
      [1, 2, 3, 4, 5, 6],
    ]);
    expect(data).toBeInstanceOf(Float32Array);
  });

  test('float64', async () => {
    const bytes = npyBytes(describeArray('<f8', '(2,)'), Float64Array.of(0.1, -2e300));
    expect((await parseNpy(bytes, 'x.npy')).data).toEqual(Float64Array.of(0.1, -2e300));
  });

  test('fortran_order is turned into row-major', async () => {
    const { shape, data } = await parseNpy(npyBytes(describeArray('<f4', '(2, 3)', true), SIX), 'x.npy');
    expect([shape, [...data]]).toEqual([
      [2, 3],
      [1, 3, 5, 2, 4, 6],
    ]);
  });

  test('fortran_order with three axes', async () => {
    const shape = [2, 3, 4];
    const values = new Float32Array(24);
    for (let i = 0; i < 2; i++) {
      for (let j = 0; j < 3; j++) for (let k = 0; k < 4; k++) values[i + 2 * (j + 3 * k)] = 100 * i + 10 * j + k;
    }
    const { data } = await parseNpy(npyBytes(describeArray('<f4', '(2, 3, 4)', true), values), 'x.npy');
    const expected = shape.reduce((count, length) => count * length, 1);
    expect(data).toHaveLength(expected);
    expect([data[0], data[1], data[4], data[12], data[23]]).toEqual([0, 1, 10, 100, 123]);
  });

  test('no axes and no elements', async () => {
    expect((await parseNpy(npyBytes(describeArray('<f4', '()'), Float32Array.of(7)), 'x.npy')).shape).toEqual([]);
    const empty = await parseNpy(npyBytes(describeArray('<f4', '(0, 3)', true), new Float32Array(0)), 'x.npy');
    expect([empty.shape, empty.data.length]).toEqual([[0, 3], 0]);
  });
});

describe('refusing, with the file named', () => {
  test.each<[string, Uint8Array<ArrayBuffer>, RegExp]>([
    ['empty', new Uint8Array(0), /not a readable .npy/],
    ['text', Uint8Array.from(Buffer.from('hello, this is text')), /not a readable .npy/],
    ['cut in the header', npyBytes(describeArray('<f4', '(2, 3)'), SIX).slice(0, 40), /not a readable .npy/],
    ['cut in the data', npyBytes(describeArray('<f4', '(2, 3)'), SIX).slice(0, -4), /expected 6 values, got 5/],
    ['cut in an element', npyBytes(describeArray('<f4', '(2, 3)'), SIX).slice(0, -1), /not a readable .npy/],
    ['too much data', npyBytes(describeArray('<f4', '(2, 2)'), SIX), /expected 4 values, got 6/],
    ['integers', npyBytes(describeArray('<i4', '(6,)'), SIX), /expected float32 or float64, got i4/],
    ['float16', npyBytes(describeArray('<f2', '(12,)'), SIX), /expected float32 or float64, got f2/],
    ['big endian', npyBytes(describeArray('>f4', '(2, 3)'), SIX), />f4/],
    ['strings', npyBytes(describeArray('<U2', '(3,)'), SIX), /not a readable .npy/],
    ['objects', npyBytes(describeArray('|O', '(3,)'), SIX), /not a readable .npy/],
    ['a bad shape', npyBytes(describeArray('<f4', '(2, x)'), SIX), /not a readable .npy/],
  ])('%s', async (_what, bytes, message) => {
    await expect(parseNpy(bytes, 'bad.npy')).rejects.toThrow(message);
    await expect(parseNpy(bytes, 'bad.npy')).rejects.toThrow('bad.npy');
  });

  test('safetensors', async () => {
    await expect(readNpy('model.safetensors#up.weight')).rejects.toThrow(
      /model.safetensors#up.weight: .*not supported/,
    );
  });

  test('a missing file', async () => {
    await expect(readNpy(join(folder, 'missing.npy'))).rejects.toThrow(/missing.npy: no such file/);
  });
});

describe('writing', () => {
  test.each([[[]], [[6]], [[2, 3]], [[1, 2, 3, 1]]])('shape %j comes back', async (shape) => {
    const data = shape.length === 0 ? Float32Array.of(3) : SIX;
    const file = join(folder, 'y.npy');
    writeNpy(file, { shape, data });
    expect(await readNpy(file)).toEqual({ shape, data });
  });

  test('float64 comes back, and an existing file is replaced', async () => {
    const file = join(folder, 'z.npy');
    writeFileSync(file, 'old');
    writeNpy(file, { shape: [2], data: Float64Array.of(1 / 3, Number.NaN) });
    expect(await readNpy(file)).toEqual({ shape: [2], data: Float64Array.of(1 / 3, Number.NaN) });
  });

  test('the header is one NumPy can read', () => {
    writeNpy(join(folder, 'h.npy'), { shape: [6], data: SIX });
    const bytes = readFileSync(join(folder, 'h.npy'));
    const headerLength = bytes.readUInt16LE(8);
    expect(bytes.subarray(0, 8).toString('latin1')).toBe('\u0093NUMPY\u0001\u0000');
    expect(bytes.subarray(10, 10 + headerLength).toString('latin1')).toMatch(
      /^\{'descr': ?'<f4', ?'fortran_order': ?False, ?'shape': ?\(6,\)\} *\n$/,
    );
    expect((10 + headerLength) % 8).toBe(0);
    expect(encodeNpy({ shape: [6], data: SIX }).byteLength).toBe(10 + headerLength + 24);
  });
});
