import { dump, load } from 'npyjs';
import { CliError } from './errors.ts';
import { readInput, writeOutput } from './files.ts';

/** A dense row-major array. */
export interface NdArray {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
}

/**
 * Reads a float32 or float64 array from a .npy file; column-major (fortran_order) data is reordered.
 * Throws `CliError` naming the file: not .npy, another dtype, big endian, truncated.
 */
export async function readNpy(file: string): Promise<NdArray> {
  checkFormat(file);
  return parseNpy(readInput(file), file);
}

/** Throws `CliError` for the name of a file in a format that this version neither reads nor writes. */
export function checkFormat(file: string): void {
  if (/\.safetensors(#|$)/.test(file)) throw new CliError(`${file}: safetensors files are not supported yet, use .npy`);
}

/** As `readNpy`, from bytes; `file` is the name used in errors. */
export async function parseNpy(bytes: Uint8Array<ArrayBuffer>, file: string): Promise<NdArray> {
  let loaded: Awaited<ReturnType<typeof load>>;
  try {
    loaded = await load(bytes, { convertFloat16: false });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`${file}: not a readable .npy file: ${reason}`, { cause: error });
  }
  const { data, shape, dtype, fortranOrder } = loaded;
  if (dtype !== 'f4' && dtype !== 'f8') throw new CliError(`${file}: dtype expected float32 or float64, got ${dtype}`);
  if (!shape.every((length) => Number.isSafeInteger(length) && length >= 0)) {
    throw new CliError(`${file}: not a readable .npy file: shape (${shape.join(', ')})`);
  }
  const size = shape.reduce((product, length) => product * length, 1);
  const values = data as unknown as Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
  if (values.length !== size) {
    throw new CliError(`${file}: shape (${shape.join(', ')}) expected ${size} values, got ${values.length}`);
  }
  return { shape, data: fortranOrder ? rowMajor(values, shape) : values };
}

/** Writes `array` as row-major .npy, little endian. */
export function writeNpy(file: string, array: NdArray): void {
  writeOutput(file, new Uint8Array(encodeNpy(array)));
}

/** Bytes of `array` as a .npy file. */
export function encodeNpy(array: NdArray): ArrayBuffer {
  return dump(array.data, [...array.shape]);
}

function rowMajor<T extends Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>>(
  source: T,
  shape: readonly number[],
): T {
  const target = source.slice() as T;
  const strides: number[] = [];
  let stride = 1;
  for (const length of shape) {
    strides.push(stride);
    stride *= length;
  }
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < target.length; to++) {
    target[to] = source[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return target;
}
