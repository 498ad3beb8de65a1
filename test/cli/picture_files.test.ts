import jpeg from 'jpeg-js';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeJpeg, exifOrientation } from '../../src/cli/image/jpeg.ts';
import { orient, type Orientation } from '../../src/cli/image/orientation.ts';
import { describePicture, type Picture } from '../../src/cli/image/picture.ts';
import { decodePng, encodePng } from '../../src/cli/image/png.ts';
import { readPicture } from '../../src/cli/image/read_picture.ts';
import { temporaryFolder } from './support/cli.ts';
import { pngBytes } from './support/png_bytes.ts';

const CHANNELS = [1, 2, 3, 4] as const;

describe.each(CHANNELS)('PNG with %i channels', (channels) => {
  test.each([8, 16] as const)('%i bit survives writing and reading', (depth) => {
    const size = 13 * 7 * channels;
    const max = depth === 8 ? 255 : 65535;
    const samples = Array.from({ length: size }, (_, i) => (i * 7919) % (max + 1));
    const data = depth === 8 ? Uint8Array.from(samples) : Uint16Array.from(samples);
    const picture: Picture = { width: 13, height: 7, channels, depth, data };
    expect(decodePng(encodePng(picture))).toEqual(picture);
  });
});

function chequered(x: number, y: number): number {
  return (x + y) % 2;
}

function ramp(x: number, y: number, channel: number): number {
  return 9000 * channel + 257 * y + x;
}

describe.each([false, true])('PNG forms the encoder does not write, interlaced: %s', (interlaced) => {
  test.each([1, 2, 4] as const)('%i bit grey is spread over 0 to 255', (bits) => {
    const top = 2 ** bits - 1;
    const sample = (x: number, y: number): number => (x + 3 * y) % (top + 1);
    const picture = decodePng(pngBytes({ width: 11, height: 9, bits, colourType: 0, interlaced, sample }));
    expect(describePicture(picture)).toBe('11 x 9, grey, 8 bit');
    for (const [i, value] of picture.data.entries()) {
      expect(value).toBe((sample(i % 11, Math.floor(i / 11)) * 255) / top);
    }
  });

  test.each([1, 2, 4, 8] as const)('a palette of %i bit becomes RGB', (bits) => {
    const palette = [10, 20, 30, 200, 100, 0];
    const chunks = [['PLTE', palette]] as const;
    const picture = decodePng(
      pngBytes({ width: 5, height: 6, bits, colourType: 3, interlaced, chunks, sample: chequered }),
    );
    expect(describePicture(picture)).toBe('5 x 6, RGB, 8 bit');
    expect([...picture.data.subarray(0, 6)]).toEqual(palette);
    expect([...picture.data.subarray(15, 21)]).toEqual([200, 100, 0, 10, 20, 30]);
  });

  test('16 bit RGB keeps its values', () => {
    const picture = decodePng(pngBytes({ width: 9, height: 10, bits: 16, colourType: 2, interlaced, sample: ramp }));
    expect(picture.depth).toBe(16);
    expect([...picture.data.subarray(3 * 9 + 3, 3 * 9 + 6)]).toEqual([258, 9258, 18258]);
  });
});

test('transparency of a palette becomes an alpha channel', () => {
  const chunks = [
    ['PLTE', [1, 2, 3, 4, 5, 6]],
    ['tRNS', [128]],
  ] as const;
  const picture = decodePng(pngBytes({ width: 2, height: 1, bits: 8, colourType: 3, chunks, sample: (x) => x }));
  expect(picture.channels).toBe(4);
  expect([...picture.data]).toEqual([1, 2, 3, 128, 4, 5, 6, 255]);
});

test('a transparent grey level becomes an alpha channel', () => {
  const chunks = [['tRNS', [0, 7]]] as const;
  const picture = decodePng(pngBytes({ width: 2, height: 1, bits: 8, colourType: 0, chunks, sample: (x) => 7 + x }));
  expect(picture.channels).toBe(2);
  expect([picture.data[1], picture.data[2], picture.data[3]]).toEqual([0, 8, 255]);
});

describe('JPEG', () => {
  const width = 24;
  const height = 17;
  const rgba = Uint8Array.from({ length: width * height * 4 }, (_, i) => [200, 90, 40, 255][i % 4]);
  const bytes = new Uint8Array(jpeg.encode({ width, height, data: rgba }, 95).data);

  test('a colour picture becomes 8 bit RGB of nearly the same values', () => {
    const picture = decodeJpeg(bytes);
    expect(describePicture(picture)).toBe('24 x 17, RGB, 8 bit');
    for (const [i, value] of picture.data.entries()) expect(Math.abs(value - [200, 90, 40][i % 3])).toBeLessThan(4);
  });

  test('one component becomes grey', () => {
    const picture = decodeJpeg(GREY_JPEG);
    expect(describePicture(picture)).toBe('8 x 8, grey, 8 bit');
    expect(new Set(picture.data)).toEqual(new Set([128]));
  });

  test('the picture is turned as its EXIF orientation says', () => {
    // Motorola order, one directory entry: orientation (0x0112), short, 1 value, 6 = turn right.
    const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];
    const app1 = [0xff, 0xe1, 0, 8 + tiff.length, ...Buffer.from('Exif\0\0', 'latin1'), ...tiff];
    const picture = decodeJpeg(Uint8Array.from([...bytes.subarray(0, 2), ...app1, ...bytes.subarray(2)]));
    expect([picture.width, picture.height]).toEqual([height, width]);
  });

  test('an EXIF block without orientation, cut short or absent means upright', () => {
    expect(exifOrientation(undefined)).toBe(1);
    expect(exifOrientation(new Uint8Array(8))).toBe(1);
    expect(exifOrientation(Uint8Array.from([0, 0x49, 0x49, 42, 0, 8, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0]))).toBe(1);
    expect(exifOrientation(Uint8Array.from([0, 0x49, 0x49, 42, 0, 255, 255, 255, 0, 9, 0, 0, 0, 0, 0, 0]))).toBe(1);
  });
});

/** Rows of a 3 x 2 picture holding 1 2 3 / 4 5 6 after turning. */
const TURNED: readonly (readonly [Orientation, string])[] = [
  [1, '123/456'],
  [2, '321/654'],
  [3, '654/321'],
  [4, '456/123'],
  [5, '14/25/36'],
  [6, '41/52/63'],
  [7, '63/52/41'],
  [8, '36/25/14'],
];

test.each(TURNED)('orientation %i', (orientation, expected) => {
  const source: Picture = { width: 3, height: 2, channels: 1, depth: 8, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
  const { width, data } = orient(source, orientation);
  const rows = [...data].join('').match(new RegExp(`.{${width}}`, 'g'));
  expect(rows?.join('/')).toBe(expected);
});

describe('unreadable files are named', () => {
  const folder = temporaryFolder();
  const png = encodePng({
    width: 40,
    height: 40,
    channels: 3,
    depth: 8,
    data: new Uint8Array(4800).map((_, i) => i * i),
  });
  const damaged = png.slice();
  damaged[Math.floor(damaged.length / 2)] ^= 0xff;
  const huge = pngBytes({ width: 1, height: 1, bits: 8, colourType: 0, sample: () => 0 });
  huge.writeUInt32BE(100_000, 16);
  huge.writeUInt32BE(100_000, 20);
  const noise = Uint8Array.from({ length: 64 * 64 * 4 }, (_, i) => (i * i * 31) % 251);
  const photo = new Uint8Array(jpeg.encode({ width: 64, height: 64, data: noise }, 90).data);

  test.each<[string, Uint8Array, RegExp]>([
    ['empty.png', new Uint8Array(0), /not a PNG or JPEG/],
    ['text.png', Buffer.from('hello'), /not a PNG or JPEG/],
    ['signature.png', png.subarray(0, 8), /truncated, damaged or unsupported PNG/],
    ['header.png', png.subarray(0, 30), /truncated, damaged or unsupported PNG/],
    ['half.png', png.subarray(0, png.length / 2), /truncated, damaged or unsupported PNG/],
    ['end.png', png.subarray(0, png.length - 6), /truncated, damaged or unsupported PNG/],
    ['damaged.png', damaged, /truncated, damaged or unsupported PNG/],
    ['huge.png', huge, /too large/],
    ['start.jpg', photo.subarray(0, 4), /truncated, damaged or unsupported JPEG/],
    ['tables.jpg', photo.subarray(0, 200), /truncated, damaged or unsupported JPEG/],
    ['half.jpg', photo.subarray(0, photo.length / 2), /truncated, damaged or unsupported JPEG/],
    ['end.jpg', photo.subarray(0, photo.length - 2), /truncated, damaged or unsupported JPEG/],
  ])('%s', (name, bytes, message) => {
    const file = join(folder, name);
    writeFileSync(file, bytes);
    expect(() => readPicture(file)).toThrow(message);
    expect(() => readPicture(file)).toThrow(name);
  });
});

/** 8 x 8 pixels of one component, all coefficients zero: tables with one code each, then one block. */
const GREY_JPEG = Uint8Array.from(
  [
    [0xff, 0xd8],
    [0xff, 0xdb, 0, 67, 0, ...Array.from({ length: 64 }, () => 1)],
    [0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0],
    [0xff, 0xc4, 0, 20, 0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [0xff, 0xda, 0, 8, 1, 1, 0x00, 0, 63, 0],
    [0x3f, 0xff, 0xd9],
  ].flat(),
);
