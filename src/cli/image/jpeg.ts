import jpeg from 'jpeg-js';
import { orient, type Orientation } from './orientation.ts';
import type { Picture } from './picture.ts';

/** Every block of 64 coefficients is an object of its own on the JavaScript heap, which a larger picture would exhaust. */
const LIMITS = { maxResolutionInMP: 100, maxMemoryUsageInMB: 1024 };
const START_OF_SCAN = 0xda;
const ORIENTATION_TAG = 0x0112;

export function isJpeg(bytes: Uint8Array): boolean {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/**
 * Decodes a baseline or progressive JPEG to grey or RGB (CMYK is converted), upright as its EXIF orientation says:
 * the PNG written later has no such tag. Throws (with the decoder's words) on damaged data.
 */
export function decodeJpeg(bytes: Uint8Array<ArrayBuffer>): Picture {
  const decoded = jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false, ...LIMITS });
  const { width, height, data } = decoded;
  if (width === 0 || height === 0) throw new Error('no pixels');
  const isGrey = componentCount(bytes) === 1;
  const samples = new Uint8Array(isGrey ? data.filter((_, i) => i % 3 === 0) : data);
  const picture: Picture = { width, height, channels: isGrey ? 1 : 3, depth: 8, data: samples };
  return orient(
    picture,
    exifOrientation('exifBuffer' in decoded ? (decoded.exifBuffer as Uint8Array | undefined) : undefined),
  );
}

/** Components of the frame header (1 grey, 3 colour, 4 CMYK); the decoder always expands to RGB and does not tell. */
function componentCount(bytes: Uint8Array): number {
  let at = 2;
  while (at + 9 < bytes.length) {
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff || marker === START_OF_SCAN) break;
    if (marker >= 0xc0 && marker <= 0xc2) return bytes[at + 9];
    // 0xFF before a marker is padding of one byte; a segment says its own length.
    at += marker === 0xff ? 1 : 2 + bytes[at + 2] * 256 + bytes[at + 3];
  }
  return 3;
}

/** Tag 0x0112 of the first image directory of an EXIF block (one zero byte, then a TIFF header); 1 when absent. */
export function exifOrientation(exif: Uint8Array | undefined): Orientation {
  const TIFF = 1;
  if (!exif || exif.length < TIFF + 14) return 1;
  const view = new DataView(exif.buffer, exif.byteOffset + TIFF, exif.byteLength - TIFF);
  const isLittle = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, isLittle);
  if (directory + 2 > view.byteLength) return 1;
  const entries = view.getUint16(directory, isLittle);
  for (let entry = 0; entry < entries; entry++) {
    const at = directory + 2 + 12 * entry;
    if (at + 12 > view.byteLength) return 1;
    if (view.getUint16(at, isLittle) !== ORIENTATION_TAG) continue;
    const value = view.getUint16(at + 8, isLittle);
    return value >= 1 && value <= 8 ? (value as Orientation) : 1;
  }
  return 1;
}
