import { createEngine, tensor, UpconvError } from '../../index.ts';
import { encodeArray, fileOf, outputFileOf, readArray } from '../arrays.ts';
import { CliError, isAllocationFailure } from '../errors.ts';
import { checkOutput, writeOutput } from '../files.ts';
import { layerOfArrays, layerOfModel, type ArrayOptions } from '../layer.ts';

export interface RunOptions extends ArrayOptions {
  readonly input: string;
  readonly output: string;
  /** A model, in the place of arrays and geometry. */
  readonly onnx?: string;
  /** Of its ConvTranspose nodes; default: the only one. */
  readonly node?: string;
}

/**
 * One transposed convolution from arrays in files, or from a node of an ONNX model, to an array in a file; the rank of the
 * weight chooses 1-D, 2-D or 3-D.
 * Throws `CliError` naming the files for anything the user can correct.
 */
export async function run(options: RunOptions): Promise<void> {
  const { input, output, onnx, node, ...arrays } = options;
  const outputFile = outputFileOf(output);
  const array = await readArray(input);
  const layer = onnx === undefined ? await layerOfArrays(arrays, node) : layerOfModel(onnx, node, arrays);
  const files = [input, ...layer.files];
  checkOutput(outputFile, files.map(fileOf));
  const engine = await createEngine();
  try {
    const source = tensor(array.data, array.shape, { engine, dtype: array.type });
    const started = performance.now();
    const result = await layer.apply(engine, source);
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
