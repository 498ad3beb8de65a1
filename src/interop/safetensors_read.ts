/** Reading safetensors files: whole ones in memory, and parts of large ones from wherever they are. */

import { ArgumentError } from '../core/errors.ts';
import { contiguousStrides, elementCount, formatShape } from '../core/shape.ts';
import { gather } from '../core/strided.ts';
import { describe, wrongType } from '../core/validate.ts';
import type { FileTensor } from './file_tensor.ts';
import { checkBytes } from './file_tensor.ts';
import type { ByteSource } from './byte_source.ts';
import { openBytes, readExactly } from './byte_source.ts';
import { checkReadable, decodeElements } from './safetensors_elements.ts';
import type { SafetensorsEntry, SafetensorsHeader } from './safetensors_header.ts';
import { headerLength, LENGTH_BYTES, parseHeader } from './safetensors_header.ts';

/** Begin and end of a part of an axis; null for all of it. */
export type SliceRange = readonly [begin: number, end: number] | null;

/**
 * All tensors of a file in memory, by name: what `loadStateDict` takes. Elements are decoded when a tensor is first
 * looked at, and may share the memory of `bytes`: BF16 as float32, 64-bit integers as float64, others as they are.
 *
 * @throws {ArgumentError | DtypeError | ShapeError} for a file that is malformed, before any element is read
 * @throws {TypeError} for what is no bytes
 *
 * @example
 * ```js
 * import { ConvTranspose2d, init } from 'upconv';
 * import { readSafetensors, writeSafetensors } from 'upconv/safetensors';
 *
 * await init();
 * const [saved, loaded] = [new ConvTranspose2d(4, 2, 3), new ConvTranspose2d(4, 2, 3)];
 * const file = writeSafetensors(saved.stateDict());
 * console.log(String(loaded.loadStateDict(readSafetensors(file)))); // <All keys matched successfully>
 * ```
 */
export function readSafetensors(bytes: Uint8Array | ArrayBuffer): Record<string, FileTensor> {
  const operation = 'readSafetensors';
  const file = checkBytes(operation, bytes);
  const length = headerLength(operation, file.subarray(0, LENGTH_BYTES), file.length);
  const { entries } = parseHeader(operation, file.subarray(LENGTH_BYTES, LENGTH_BYTES + length), file.length);
  const tensors: Record<string, FileTensor> = {};
  for (const [name, entry] of entries) {
    const get = (): FileTensor => {
      const value = decode(operation, name, entry, file.subarray(entry.begin, entry.end));
      Object.defineProperty(tensors, name, { value, enumerable: true });
      return value;
    };
    Object.defineProperty(tensors, name, { get, enumerable: true, configurable: true });
  }
  return tensors;
}

/**
 * Opens a file without reading more of it than its header.
 * @param source bytes, a Blob or File, or anything that reads ranges of bytes: a file handle, HTTP requests
 * @throws as `readSafetensors`, and what `source` throws
 *
 * @example
 * ```js
 * import { openSafetensors, writeSafetensors } from 'upconv/safetensors';
 *
 * const bytes = writeSafetensors({ table: { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [3, 2] } });
 * const file = await openSafetensors(new Blob([bytes])); // a File of a page, for instance
 * const { shape, data } = await file.slice('table', [[1, 3], null]); // reads these rows alone
 * console.log(shape, data.join(' ')); // [ 2, 2 ] 3 4 5 6
 * ```
 */
export async function openSafetensors(source: Uint8Array | ArrayBuffer | Blob | ByteSource): Promise<SafetensorsFile> {
  const operation = 'openSafetensors';
  const bytes = openBytes(operation, source);
  const first = await readExactly(operation, bytes, 0, Math.min(LENGTH_BYTES, bytes.size));
  const length = headerLength(operation, first, bytes.size);
  const header = await readExactly(operation, bytes, LENGTH_BYTES, LENGTH_BYTES + length);
  return new SafetensorsFile(bytes, parseHeader(operation, header, bytes.size));
}

/** A file whose tensors are read one by one, in whole or in part. */
export class SafetensorsFile {
  /** What the file says of itself. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Dtype, shape and place of every tensor, in the order of the header. */
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly #source: ByteSource;

  /** Use `openSafetensors`. */
  constructor(source: ByteSource, { entries, metadata }: SafetensorsHeader) {
    this.#source = source;
    this.entries = entries;
    this.metadata = metadata;
  }

  /**
   * One tensor.
   * @throws {ArgumentError} for a name that the file has not
   * @throws {DtypeError} for elements of less than 8 bits, floats of 8 bits and complex numbers
   */
  async read(name: string): Promise<FileTensor> {
    const entry = this.#find('read', name);
    return decode('read', name, entry, await readExactly('read', this.#source, entry.begin, entry.end));
  }

  /**
   * A part of a tensor. Read are the bytes from its first to its last element, so ranges of the first axis cost least.
   * @param ranges of the leading axes
   * @throws as `read`; {ArgumentError} for ranges that the tensor has not
   */
  async slice(name: string, ranges: readonly SliceRange[]): Promise<FileTensor> {
    const entry = this.#find('slice', name);
    const { shape, dtype, begin, end } = entry;
    const taken = checkRanges('slice', shape, ranges);
    const part = taken.map(([from, to]) => to - from);
    const strides = contiguousStrides(shape);
    const count = elementCount(part);
    if (count === 0) return decode('slice', name, { ...entry, shape: part }, new Uint8Array(0));
    const first = taken.reduce((sum, [from], axis) => sum + from * strides[axis], 0);
    const last = taken.reduce((sum, [, to], axis) => sum + (to - 1) * strides[axis], 0);
    const bytesEach = (end - begin) / elementCount(shape);
    const [from, to] = [begin + first * bytesEach, begin + (last + 1) * bytesEach];
    const { type, data } = decodeElements('slice', name, dtype, await readExactly('slice', this.#source, from, to));
    return { shape: part, type, data: gather(data, part, strides, 0, data.slice(0, count)) };
  }

  /**
   * Tensors by name, for `loadStateDict`.
   * @param prefix only names that begin with this
   */
  async stateDict(prefix: string = ''): Promise<Record<string, FileTensor>> {
    if (typeof prefix !== 'string') throw wrongType('stateDict', 'prefix', 'a string', prefix);
    const names = [...this.entries.keys()].filter((name) => name.startsWith(prefix));
    const state: [string, FileTensor][] = [];
    for (const name of names) state.push([name, await this.read(name)]);
    return Object.fromEntries(state);
  }

  #find(operation: string, name: string): SafetensorsEntry {
    const entry = this.entries.get(name);
    if (entry === undefined) throw new ArgumentError(operation, 'name', 'that of a tensor in the file', describe(name));
    checkReadable(operation, name, entry.dtype); // before its bytes are read
    return entry;
  }
}

function decode(
  operation: string,
  name: string,
  { dtype, shape }: SafetensorsEntry,
  bytes: Uint8Array<ArrayBuffer>,
): FileTensor {
  return { shape, ...decodeElements(operation, name, dtype, bytes) };
}

/** Begin and end of every axis. */
function checkRanges(
  operation: string,
  shape: readonly number[],
  ranges: readonly SliceRange[],
): (readonly [number, number])[] {
  if (!Array.isArray(ranges)) throw wrongType(operation, 'ranges', 'an array of [begin, end]', ranges);
  if (ranges.length > shape.length) {
    throw new ArgumentError(operation, 'ranges', `at most ${shape.length} for ${formatShape(shape)}`, describe(ranges));
  }
  return shape.map((length, axis) => {
    const range: unknown = ranges[axis] ?? [0, length];
    const [begin, end] = Array.isArray(range) && range.length === 2 ? (range as [number, number]) : [NaN, NaN];
    if (Number.isInteger(begin) && Number.isInteger(end) && begin >= 0 && begin <= end && end <= length) {
      return [begin, end];
    }
    throw new ArgumentError(operation, 'ranges', `[begin, end] within [0, ${length}] of axis ${axis}`, describe(range));
  });
}
