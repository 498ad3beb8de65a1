/**
 * The header of a safetensors file, checked: what every tensor is and where its bytes are.
 *
 *   8 bytes   length n of the header, little-endian
 *   n bytes   JSON: { name: { dtype, shape, data_offsets: [begin, end] }, __metadata__?: { key: text } }
 *   the rest  the elements, row-major, little-endian; offsets count from here
 */

import { ArgumentError, DtypeError, ShapeError } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import { describe } from '../core/validate.ts';
import { findDuplicateKey } from './json_keys.ts';

/** Bytes in front of the header, which hold its length. */
export const LENGTH_BYTES = 8;
/** The limit of the reference implementation. */
export const MAXIMUM_HEADER_BYTES = 100_000_000;
export const METADATA = '__metadata__';

/** Bits of an element, of all dtypes that the format knows. */
const DTYPE_BITS: Readonly<Record<string, number>> = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E5M2FNUZ: 8,
  F8_E4M3FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
};

/** One tensor of a file. */
export interface SafetensorsEntry {
  /** As the format names it: 'F32', 'BF16', … */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Where its bytes begin and end, from the start of the file. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Length of the header.
 * @param bytes the first 8 of the file, or fewer when it has no more
 * @param fileBytes size of the file
 * @throws {ArgumentError} when the file cannot hold such a header
 */
export function headerLength(operation: string, bytes: Uint8Array, fileBytes: number): number {
  if (bytes.length < LENGTH_BYTES) {
    throw new ArgumentError(operation, 'bytes', `at least ${LENGTH_BYTES}`, String(bytes.length));
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(MAXIMUM_HEADER_BYTES)) {
    throw new ArgumentError(operation, 'header', `at most ${MAXIMUM_HEADER_BYTES} bytes`, `${length}`);
  }
  const room = fileBytes - LENGTH_BYTES;
  if (length > room) {
    throw new ArgumentError(operation, 'header', `${length} bytes`, `a file with ${room} bytes behind its length`);
  }
  return Number(length);
}

/**
 * @param bytes of the header alone
 * @param fileBytes size of the file
 * @throws {ArgumentError} for a header that is not UTF-8, JSON and of this form, or bytes that no tensor or several have
 * @throws {DtypeError} for a dtype that the format does not know
 * @throws {ShapeError} for a shape that is none, is too large, or does not fit its bytes
 */
export function parseHeader(operation: string, bytes: Uint8Array, fileBytes: number): SafetensorsHeader {
  const fields = parseObject(operation, bytes);
  const start = LENGTH_BYTES + bytes.length;
  const { [METADATA]: metadata, ...tensors } = fields;
  const entries = new Map<string, SafetensorsEntry>();
  for (const [name, value] of Object.entries(tensors)) entries.set(name, checkEntry(operation, name, value, start));
  checkCoverage(operation, entries, start, fileBytes);
  return { entries, metadata: checkMetadata(operation, metadata) };
}

/** A JSON object without keys that are there twice. */
function parseObject(operation: string, bytes: Uint8Array): Record<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.slice()); // shared memory is refused
  } catch {
    throw new ArgumentError(operation, 'header', 'UTF-8', 'other bytes');
  }
  let parsed: unknown;
  try {
    if (!text.startsWith('{')) throw new SyntaxError('it does not begin with {');
    parsed = JSON.parse(text);
  } catch (error) {
    throw new ArgumentError(operation, 'header', 'a JSON object', `something else (${(error as Error).message})`);
  }
  const duplicate = findDuplicateKey(text);
  if (duplicate !== null)
    throw new ArgumentError(operation, 'header', 'every key once', `${describe(duplicate)} twice`);
  return parsed as Record<string, unknown>;
}

function checkMetadata(operation: string, metadata: unknown = {}): Record<string, string> {
  if (!isObject(metadata) || Object.values(metadata).some((value) => typeof value !== 'string')) {
    throw new ArgumentError(operation, METADATA, 'an object of strings', 'something else');
  }
  return metadata as Record<string, string>;
}

function checkEntry(operation: string, name: string, value: unknown, start: number): SafetensorsEntry {
  const what = describe(name);
  if (!isObject(value)) throw new ArgumentError(operation, what, '{ dtype, shape, data_offsets }', describe(value));
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(DTYPE_BITS, dtype)) {
    throw new DtypeError(operation, `${what}.dtype`, `one of ${Object.keys(DTYPE_BITS).join(', ')}`, describe(dtype));
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    throw new ShapeError(operation, `${what}.shape`, 'sizes of axes', describe(shape));
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize) || offsets[0] > offsets[1]) {
    throw new ArgumentError(operation, `${what}.data_offsets`, '[begin, end]', describe(offsets));
  }
  // in this order a product that is too large is found even when a later axis is empty
  const count = shape.reduce((product, length) => (isSize(product * length) ? product * length : NaN), 1);
  const bits = count * DTYPE_BITS[dtype];
  if (!isSize(bits)) throw new ShapeError(operation, `${what}.shape`, 'fewer elements', formatShape(shape));
  const [begin, end] = offsets as [number, number];
  if (bits !== (end - begin) * 8) {
    throw new ShapeError(operation, what, `${bits / 8} bytes for ${dtype} ${formatShape(shape)}`, String(end - begin));
  }
  return { dtype, shape, begin: start + begin, end: start + end };
}

/** Each byte behind the header belongs to one tensor. */
function checkCoverage(
  operation: string,
  entries: ReadonlyMap<string, SafetensorsEntry>,
  start: number,
  fileBytes: number,
): void {
  const inOrder = [...entries].toSorted(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let position = start;
  for (const [name, { begin, end }] of inOrder) {
    if (begin !== position) {
      const expected = `a begin of ${position - start}, where the tensor before ends`;
      const problem = begin < position ? 'an overlap' : 'a gap';
      throw new ArgumentError(operation, `${describe(name)}.data_offsets`, expected, `${begin - start} (${problem})`);
    }
    position = end;
  }
  if (position !== fileBytes) {
    const problem = position > fileBytes ? 'the file is cut' : 'bytes that no tensor has';
    const expected = `${position - start} bytes behind the header`;
    throw new ArgumentError(operation, 'data', expected, `${fileBytes - start} (${problem})`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
}
