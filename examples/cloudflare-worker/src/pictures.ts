/** PNG in and out. */

import { convertIndexedToRgb, decode, encode } from 'fast-png';
import type { DecodedPng } from 'fast-png';
import { MARGIN } from './geometry.ts';
import type { Scale } from './geometry.ts';
import { Refusal } from './refusal.ts';

/** 8-bit samples, interleaved: grey, RGB or RGBA. */
export interface Picture {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/** Bytes of a file. */
export const MAXIMUM_BYTES = 8 * 2 ** 20;

/** Of a result, so that all that is made of a picture stays below the 128 MiB of a Worker: README, "Limits". */
export const MAXIMUM_PIXELS = 1536 * 1536;

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
/** Signature, length and name of the first chunk, width, height. */
const HEAD_BYTES = 24;

/**
 * Decodes a file, after its size was found to be one that can be upscaled.
 * @throws {Refusal} 415 for what is no PNG, 400 for a broken one, 413 for one too large
 */
export function readPicture(file: Uint8Array, scale: Scale): Picture {
  if (file.length < HEAD_BYTES || SIGNATURE.some((byte, i) => file[i] !== byte)) throw new Refusal(415, 'not a PNG');
  const head = new DataView(file.buffer, file.byteOffset, HEAD_BYTES);
  const [width, height] = [head.getUint32(16), head.getUint32(20)];
  const pixels = width * height * scale ** 2;
  if (pixels > MAXIMUM_PIXELS) {
    throw new Refusal(
      413,
      `${width} x ${height} by ${scale}: the result has ${pixels} pixels, at most ${MAXIMUM_PIXELS}`,
    );
  }
  let png: DecodedPng;
  try {
    png = decode(file, { checkCrc: true });
  } catch (error) {
    throw new Refusal(400, `a broken PNG: ${(error as Error).message}`);
  }
  return { width, height, data: samplesOf(png) };
}

function samplesOf(png: DecodedPng): Uint8Array {
  if (png.palette !== undefined) return Uint8Array.from(convertIndexedToRgb(png));
  if (png.depth < 8) throw new Refusal(415, `${png.depth} bits per sample: at least 8`);
  const bytes = png.depth === 16 ? Uint8Array.from(png.data, (sample) => sample >>> 8) : Uint8Array.from(png.data);
  return png.channels === 2 ? withColours(bytes) : bytes;
}

/** Grey and alpha as RGBA. */
function withColours(greyAlpha: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: 2 * greyAlpha.length }, (_, i) => greyAlpha[2 * (i >> 2) + ((i & 3) === 3 ? 1 : 0)]);
}

/** A picture with its edges repeated MARGIN times on each side. */
export function withMargin({ data, width, height }: Picture): Picture {
  const samples = data.length / (width * height);
  const [wide, high] = [width + 2 * MARGIN, height + 2 * MARGIN];
  const padded = new Uint8Array(wide * high * samples);
  for (let row = 0; row < high; row++) {
    const source = clamp(row - MARGIN, height) * width;
    for (let column = 0; column < wide; column++) {
      const from = (source + clamp(column - MARGIN, width)) * samples;
      const to = (row * wide + column) * samples;
      for (let sample = 0; sample < samples; sample++) padded[to + sample] = data[from + sample];
    }
  }
  return { data: padded, width: wide, height: high };
}

function clamp(position: number, length: number): number {
  return Math.min(Math.max(position, 0), length - 1);
}

/** @param rgba overwritten when it is opaque, to be written as RGB */
export function writePicture(rgba: Uint8ClampedArray<ArrayBuffer>, width: number, height: number): Uint8Array {
  const opaque = isOpaque(rgba);
  const channels = opaque ? 3 : 4;
  if (opaque) {
    for (let from = 4, to = 3; from < rgba.length; from += 4, to += 3) rgba.copyWithin(to, from, from + 3);
  }
  const data = new Uint8Array(rgba.buffer, 0, channels * width * height);
  return encode({ width, height, channels, depth: 8, data });
}

function isOpaque(rgba: Uint8ClampedArray): boolean {
  for (let i = 3; i < rgba.length; i += 4) if (rgba[i] !== 255) return false;
  return true;
}
