import { inflateSync } from 'node:zlib';
import { PNG } from 'pngjs';
import { allocateSamples, maxSample, type Picture } from './picture.ts';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const GREY_BIT_FREE_TYPES = new Set<number>([0, 4]);
const PALETTE = 3;
/** Samples of a pixel, as stored, by colour type. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** PNG colour type by number of channels. */
const COLOUR_TYPES = { 1: 0, 2: 4, 3: 2, 4: 6 } as const;

export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((value, i) => bytes[i] === value);
}

/** Width and height from the header chunk, without decoding; undefined when the file ends before it. */
export function pngSize(bytes: Uint8Array): { width: number; height: number } | undefined {
  if (bytes.length < 24) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { width: view.getUint32(16), height: view.getUint32(20) };
}

/**
 * Decodes any PNG. Palettes become RGB, transparency chunks an alpha channel, 1, 2 and 4 bits become 8.
 * Throws (with the decoder's words) on damaged data.
 */
export function decodePng(bytes: Uint8Array): Picture {
  checkRows(bytes);
  const png = PNG.sync.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), { skipRescale: true });
  const { width, height } = png;
  const {
    depth: storedBits,
    colorType,
    alpha,
  } = png as unknown as { depth: number; colorType: number; alpha: boolean };
  const rgba = png.data as unknown as Uint8Array | Uint16Array;
  const depth = storedBits === 16 ? 16 : 8;
  const isGrey = GREY_BIT_FREE_TYPES.has(colorType);
  const channels = ((isGrey ? 1 : 3) + (alpha ? 1 : 0)) as Picture['channels'];
  // The decoder hands out raw levels of 1, 2 and 4 bit grey; palette colours are 8 bit already.
  const gain = colorType === PALETTE || storedBits >= 8 ? 1 : maxSample(8) / (2 ** storedBits - 1);
  const data = allocateSamples(width * height * channels, depth);
  for (let pixel = 0, to = 0; pixel < width * height; pixel++) {
    for (let c = 0; c < (isGrey ? 1 : 3); c++) data[to++] = rgba[4 * pixel + c] * gain;
    if (alpha) data[to++] = rgba[4 * pixel + 3] * gain;
  }
  return { width, height, channels, depth, data };
}

/**
 * Inflates the rows, to see that they can be, and are all there: the decoder notices neither, and gives what its memory
 * held before.
 */
function checkRows(bytes: Uint8Array): void {
  const { width, height } = pngSize(bytes) ?? { width: 0, height: 0 };
  const [bits, colourType, , , interlaced] = bytes.subarray(24);
  // 4 samples of 16 bits, and a byte in front of each row of each of 7 passes
  const maxOutputLength = Math.max(1, 8 * width * height + 7 * (height + 1));
  const rows = [...chunksOf(bytes)].filter(({ type }) => type === 'IDAT').map(({ content }) => content);
  const { length } = inflateSync(Buffer.concat(rows), { maxOutputLength });
  const rowBytes = 1 + Math.ceil((width * bits * (SAMPLES[colourType] ?? 0)) / 8);
  if (!interlaced && length < height * rowBytes) throw new Error('rows are missing');
}

/** The chunks up to the first that is cut. */
function* chunksOf(bytes: Uint8Array): Generator<{ type: string; content: Uint8Array }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = SIGNATURE.length; at + 12 <= bytes.length;) {
    const begin = at + 8;
    const end = begin + view.getUint32(at);
    if (end + 4 > bytes.length) return;
    yield { type: String.fromCharCode(...bytes.subarray(at + 4, begin)), content: bytes.subarray(begin, end) };
    at = end + 4; // behind the checksum
  }
}

/** Encodes with the channels and depth the picture has, adaptive filters. */
export function encodePng(picture: Picture): Uint8Array {
  const { width, height, channels, depth, data } = picture;
  const colorType = COLOUR_TYPES[channels];
  const png = { width, height, data: Buffer.from(data.buffer, data.byteOffset, data.byteLength) } as unknown as PNG;
  return PNG.sync.write(png, {
    colorType,
    inputColorType: colorType,
    inputHasAlpha: channels % 2 === 0,
    bitDepth: depth,
    deflateStrategy: 0,
    deflateLevel: 6,
  });
}
