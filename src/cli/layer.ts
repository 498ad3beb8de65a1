/** What `upconv run` applies. */

import { dirname, resolve, sep } from 'node:path';
import { convTranspose1d, convTranspose2d, convTranspose3d, tensor, type Engine, type Tensor } from '../index.ts';
import { loadConvTransposes } from '../onnx.ts';
import { readArray, type FloatArray } from './arrays.ts';
import { CliError } from './errors.ts';
import { readInput, readRange } from './files.ts';

export interface Layer {
  /** Where it comes from, for messages. */
  readonly files: readonly string[];
  readonly apply: (engine: Engine, input: Tensor) => Promise<Tensor>;
}

/** Options of the command line, as it names them. */
export interface ArrayOptions {
  readonly weight?: string;
  readonly bias?: string;
  readonly stride?: number[];
  readonly padding?: number[];
  readonly outputPadding?: number[];
  readonly outputSize?: number[];
  readonly dilation?: number[];
  readonly groups?: number;
}

/** By rank of the weight. */
const OPERATIONS = { 3: convTranspose1d, 4: convTranspose2d, 5: convTranspose3d } as const;

/**
 * A layer of arrays and options.
 * @param node refused: it names a part of a model
 */
export async function layerOfArrays(
  { weight, bias, ...geometry }: ArrayOptions,
  node: string | undefined,
): Promise<Layer> {
  if (node !== undefined) throw new CliError(`--node ${node}: expected --onnx FILE, too`);
  if (weight === undefined) throw new CliError('--weight: expected an array, or --onnx FILE in its place');
  const files = [weight, ...(bias === undefined ? [] : [bias])];
  const arrays: FloatArray[] = [];
  for (const file of files) arrays.push(await readArray(file));
  const rank = arrays[0].shape.length;
  if (rank !== 3 && rank !== 4 && rank !== 5) {
    throw new CliError(`${weight}: weight expected 3, 4 or 5 axes (Cin, Cout/groups, *kernel), got ${rank}`);
  }
  const apply = async (engine: Engine, source: Tensor): Promise<Tensor> => {
    const [w, b = null] = arrays.map(({ data, shape, type }) => tensor(data, shape, { engine, dtype: type }));
    return OPERATIONS[rank](source, w, b, definedOnly(geometry));
  };
  return { files, apply };
}

/**
 * A node of an ONNX model.
 * @param node its name; may be left out when there is only one
 * @param replaced refused: the node has its own
 */
export function layerOfModel(file: string, node: string | undefined, replaced: ArrayOptions): Layer {
  const [given] = Object.keys(definedOnly(replaced));
  if (given !== undefined) {
    const option = given.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new CliError(`--${option}: expected without --onnx, whose node has its own`);
  }
  const model = readInput(file);
  const apply = async (engine: Engine, source: Tensor): Promise<Tensor> => {
    const nodes = node === undefined ? undefined : [node];
    const modules = loadConvTransposes(model, { engine, nodes, externalData: besideModel(file) });
    const names = Object.keys(modules);
    if (names.length !== 1) {
      const found = names.length === 0 ? 'none' : names.join(', ');
      throw new CliError(`${file}: expected --node NAME, one of its ConvTranspose nodes: ${found}`);
    }
    return modules[names[0]].eval().forward(source);
  };
  return { files: [file], apply };
}

/** Weights that a model keeps in files beside it; none elsewhere, whatever the model says. */
function besideModel(model: string): (location: string, offset: number, length: number) => Uint8Array {
  const folder = resolve(dirname(model));
  return (location, offset, length) => {
    const file = resolve(folder, location);
    if (!file.startsWith(folder + sep)) throw new CliError(`${model}: its weights are outside its folder: ${location}`);
    return readRange(file, offset, length);
  };
}

/** An option that was not given keeps the library's default, which an explicit undefined might not. */
function definedOnly<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
