import {
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  createEngine,
  tensor,
  UpconvError,
  type Tensor,
} from '../../index.ts';
import { CliError, isAllocationFailure } from '../errors.ts';
import { checkOutput, writeOutput } from '../files.ts';
import { encodeArray, fileOf, readArray } from '../arrays.ts';

export interface RunOptions {
  readonly input: string;
  readonly weight: string;
  readonly bias?: string;
  readonly output: string;
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
 * One transposed convolution from arrays in files to one in a file; the rank of the weight chooses 1-D, 2-D or 3-D.
 * Throws `CliError` naming the files for anything the user can correct.
 */
export async function run(options: RunOptions): Promise<void> {
  const { input, weight, bias, output, ...geometry } = options;
  const outputFile = fileOf(output);
  const files = [input, weight, ...(bias === undefined ? [] : [bias])];
  const arrays = [];
  for (const file of files) arrays.push(await readArray(file));
  checkOutput(outputFile, files.map(fileOf));
  const rank = arrays[1].shape.length;
  if (rank !== 3 && rank !== 4 && rank !== 5) {
    throw new CliError(`${weight}: weight expected 3, 4 or 5 axes (Cin, Cout/groups, *kernel), got ${rank}`);
  }
  const engine = await createEngine();
  try {
    const tensors = arrays.map(({ data, shape, type }) => tensor(data, shape, { engine, dtype: type }));
    const started = performance.now();
    const result: Tensor = await OPERATIONS[rank](tensors[0], tensors[1], tensors[2] ?? null, definedOnly(geometry));
    const milliseconds = performance.now() - started;
    writeOutput(outputFile, encodeArray(output, result));
    process.stdout.write(`${output}: ${result.dtype} (${result.shape.join(', ')}), ${milliseconds.toFixed(2)} ms\n`);
  } catch (error) {
    if (error instanceof UpconvError) throw new CliError(`${files.join(', ')}: ${error.message}`, { cause: error });
    if (isAllocationFailure(error)) throw new CliError(`${files.join(', ')}: out of memory`, { cause: error });
    throw error;
  } finally {
    engine.dispose();
  }
}

/** An option that was not given keeps the library's default, which an explicit undefined might not. */
function definedOnly<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
