/** Several named arrays in one file, as NumPy's `savez` saves them: a zip archive of .npy files. */

import type { UnzipFileInfo, Zippable } from 'fflate';
import { unzipSync, zipSync } from 'fflate';
import { ArgumentError } from '../core/errors.ts';
import { checkBoolean, checkOptions, describe } from '../core/validate.ts';
import { checkState } from '../nn/state_dict.ts';
import type { TensorSource } from '../nn/tensor_source.ts';
import type { FileTensor } from './file_tensor.ts';
import { checkBytes } from './file_tensor.ts';
import { encodeNpy, parseNpy } from './npy.ts';

const EXTENSION = '.npy';
/** Of all members, as NumPy sets it: equal arrays make equal files. In local time, as zip archives have it. */
const MODIFIED = new Date(1980, 0, 1);
/** Bytes that one of a deflated stream stands for at most: 258, in two bits. */
const LARGEST_RATIO = 1032;

export interface WriteNpzOptions {
  /** Deflate the arrays, as `savez_compressed` does; default false. */
  compress?: boolean;
}

/**
 * Reads all arrays of a .npz file, compressed or not, by name.
 * @throws {ArgumentError} for bytes that are no such file
 * @throws as `readNpy`, naming the array
 *
 * @example
 * ```js
 * import { readNpz, writeNpz } from 'upconv/npy';
 *
 * const file = writeNpz({ weight: { data: Float32Array.of(1, 2), shape: [2] } }, { compress: true });
 * console.log(readNpz(file).weight.data.join(' ')); // 1 2
 * ```
 */
export function readNpz(bytes: Uint8Array | ArrayBuffer): Record<string, FileTensor> {
  const archive = checkBytes('readNpz', bytes);
  const names = new Set<string>();
  let left = archive.length;
  const filter = ({ name, size, originalSize }: UnzipFileInfo): boolean => {
    if (names.has(name)) throw new Error(`${describe(name)} is there twice`);
    names.add(name);
    // memory is taken for what the archive claims
    left -= size;
    if (left < 0) throw new Error(`${describe(name)} overlaps others`);
    if (originalSize > size * LARGEST_RATIO) throw new Error(`${size} bytes of ${describe(name)} claim to be ${originalSize}`); // prettier-ignore
    return true;
  };
  let files: Record<string, Uint8Array<ArrayBuffer>>;
  try {
    files = unzipSync(archive, { filter });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ArgumentError('readNpz', 'bytes', 'a .npz file', `something else (${reason})`);
  }
  const arrays = Object.entries(files).map(([file, content]): [string, FileTensor] => {
    const name = file.endsWith(EXTENSION) ? file.slice(0, -EXTENSION.length) : file;
    return [name, parseNpy(`readNpz(${describe(name)})`, content)];
  });
  return Object.fromEntries(arrays);
}

/**
 * Tensors as a .npz file, which `numpy.load` reads; a state dict, for instance.
 * @throws {TypeError} for what is no object of tensors
 */
export function writeNpz(
  tensors: Readonly<Record<string, TensorSource>>,
  options: WriteNpzOptions = {},
): Uint8Array<ArrayBuffer> {
  checkOptions('writeNpz', options, ['compress']);
  const level = checkBoolean('writeNpz', 'compress', options.compress ?? false) ? 6 : 0;
  checkState('writeNpz', 'tensors', tensors);
  const files: Zippable = {};
  for (const [name, value] of Object.entries(tensors)) {
    files[name + EXTENSION] = [encodeNpy('writeNpz', name, value), { level, mtime: MODIFIED }];
  }
  return zipSync(files);
}
