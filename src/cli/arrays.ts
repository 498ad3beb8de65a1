/** Arrays named on the command line: `x.npy`, `weights.safetensors#up.weight`, `arrays.npz#w`. */

import { UpconvError, type Tensor } from '../index.ts';
import { readNpy, readNpz, writeNpy, writeNpz, type FileTensor } from '../npy.ts';
import { openSafetensors, writeSafetensors } from '../safetensors.ts';
import { CliError } from './errors.ts';
import { readInput, openRanges } from './files.ts';

type Format = 'npy' | 'npz' | 'safetensors';

interface Reference {
  readonly file: string;
  readonly format: Format;
  /** Of the array in a file that holds several. */
  readonly name: string;
}

/** @throws {CliError} for a file of several arrays without the name of one. */
function parseReference(text: string): Reference {
  const [, file = text, format = 'npy', name] = /^(.*\.(npz|safetensors))(?:#(.*))?$/s.exec(text) ?? [];
  if (format !== 'npy' && !name) throw new CliError(`${text}: expected ${file}#NAME, one of its arrays`);
  return { file, format: format as Format, name: name ?? '' };
}

/**
 * The file that an array is written to.
 * @throws {CliError} where its name does not say in which format.
 */
export function outputFileOf(text: string): string {
  const { file, format } = parseReference(text);
  if (!file.endsWith(`.${format}`)) throw new CliError(`${text}: expected a file .npy, .npz#NAME or .safetensors#NAME`);
  return file;
}

/** An array that a tensor can hold as it is. */
export type FloatArray = FileTensor & { readonly type: 'float16' | 'float32' | 'float64' };

/** The file that `text` names an array of. */
export function fileOf(text: string): string {
  return parseReference(text).file;
}

/** @throws {CliError} naming `text`: no such file or array, malformed, not floats. */
export async function readArray(text: string): Promise<FloatArray> {
  let array: FileTensor;
  try {
    array = await load(parseReference(text));
  } catch (error) {
    if (error instanceof UpconvError) throw new CliError(`${text}: ${error.message}`, { cause: error });
    throw error;
  }
  const { type } = array;
  if (type === 'float16' || type === 'float32' || type === 'float64') return { ...array, type };
  throw new CliError(`${text}: dtype expected float16, float32 or float64, got ${type}`);
}

/** `tensor` as a file that holds nothing else. */
export function encodeArray(text: string, tensor: Tensor): Uint8Array {
  const { format, name } = parseReference(text);
  switch (format) {
    case 'npy':
      return writeNpy(tensor);
    case 'npz':
      return writeNpz({ [name]: tensor });
    case 'safetensors':
      return writeSafetensors({ [name]: tensor });
  }
}

async function load({ file, format, name }: Reference): Promise<FileTensor> {
  switch (format) {
    case 'npy':
      return readNpy(readInput(file));
    case 'npz':
      return pick(file, readNpz(readInput(file)), name);
    case 'safetensors':
      return (await openSafetensors(openRanges(file))).read(name);
  }
}

function pick(file: string, arrays: Readonly<Record<string, FileTensor>>, name: string): FileTensor {
  if (Object.hasOwn(arrays, name)) return arrays[name];
  throw new CliError(`${file}#${name}: no array of this name, but ${Object.keys(arrays).join(', ')}`);
}
