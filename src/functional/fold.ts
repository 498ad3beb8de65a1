/** fold and unfold: `torch.nn.functional.fold` (col2im) and `unfold` (im2col). */

import { ShapeError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { elementCount, formatShape } from '../core/shape.ts';
import type { PerAxis } from '../core/validate.ts';
import { checkOptions, checkPerAxis } from '../core/validate.ts';
import type { Call } from '../engine/call.ts';
import { NO_WORKSPACE } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import type { FoldSpec } from '../plan/fold.ts';
import { planFold, planUnfold } from '../plan/fold.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { resultTensor } from './arguments.ts';
import type { KernelOperand } from './kernel_operands.ts';
import { KernelOperands } from './kernel_operands.ts';
import type { TensorArgument } from './operands.ts';
import { openOperands } from './operands.ts';

export interface FoldOptions {
  stride?: PerAxis;
  padding?: PerAxis;
  dilation?: PerAxis;
  engine?: Engine;
  signal?: AbortSignal;
  /** Where to write the result. */
  out?: Tensor;
}

const OPTIONS = ['stride', 'padding', 'dilation', 'engine', 'signal', 'out'];

type Pair = readonly [number, number];

interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Pair;
  readonly dilation: Pair;
}

function checkPair(operation: string, argument: string, value: unknown, minimum: number): Pair {
  const [h, w] = checkPerAxis(operation, argument, value, 2, minimum);
  return [h, w];
}

function checkWindow(operation: string, kernelSize: unknown, options: FoldOptions): Window {
  checkOptions(operation, options, OPTIONS);
  const { stride = 1, padding = 0, dilation = 1 } = options;
  return {
    kernel: checkPair(operation, 'kernelSize', kernelSize, 1),
    stride: checkPair(operation, 'stride', stride, 1),
    padding: checkPair(operation, 'padding', padding, 0),
    dilation: checkPair(operation, 'dilation', dilation, 1),
  };
}

/**
 * Positions of the kernel on an image.
 * @throws {ShapeError} naming `argument` when an axis of the padded image is smaller than the kernel.
 */
function positionsOn(operation: string, argument: string, image: Pair, window: Window): Pair {
  const count = (axis: 0 | 1): number => {
    const span = image[axis] + 2 * window.padding[axis] - window.dilation[axis] * (window.kernel[axis] - 1) - 1;
    if (span < 0) {
      throw new ShapeError(
        operation,
        argument,
        `a size that the kernel fits (padding included) on axis ${axis}`,
        formatShape(image),
      );
    }
    return Math.floor(span / window.stride[axis]) + 1;
  };
  return [count(0), count(1)];
}

/** Shapes of the two sides, and whether they have a batch axis. */
interface Sides {
  readonly batched: boolean;
  readonly batch: number;
  readonly channels: number;
  readonly image: Pair;
  readonly positions: Pair;
}

/** @throws {ShapeError} for a rank or an empty axis. */
function checkRank(operation: string, argument: string, shape: Shape, unbatched: number): boolean {
  const batched = shape.length === unbatched + 1;
  if ((!batched && shape.length !== unbatched) || shape.slice(batched ? 1 : 0).includes(0)) {
    throw new ShapeError(
      operation,
      argument,
      `${unbatched} axes (unbatched) or ${unbatched + 1} (batched), none empty but the batch`,
      formatShape(shape),
    );
  }
  return batched;
}

function foldSides(operation: string, columns: Shape, image: Pair, window: Window): Sides {
  const batched = checkRank(operation, 'columns', columns, 2);
  const [rows, count] = columns.slice(-2);
  const taps = elementCount(window.kernel);
  if (rows % taps !== 0) {
    throw new ShapeError(
      operation,
      'columns',
      `(N, C · ${taps}, positions) with ${taps} = kernel elements`,
      formatShape(columns),
    );
  }
  const positions = positionsOn(operation, 'outputSize', image, window);
  if (count !== elementCount(positions)) {
    throw new ShapeError(
      operation,
      'columns',
      `${positions[0]} · ${positions[1]} = ${elementCount(positions)} positions on outputSize ${formatShape(image)}`,
      formatShape(columns),
    );
  }
  return { batched, batch: batched ? columns[0] : 1, channels: rows / taps, image, positions };
}

function unfoldSides(operation: string, input: Shape, window: Window): Sides {
  const batched = checkRank(operation, 'input', input, 3);
  const [channels, height, width] = input.slice(-3);
  const image: Pair = [height, width];
  const positions = positionsOn(operation, 'input', image, window);
  return { batched, batch: batched ? input[0] : 1, channels, image, positions };
}

function foldSpec(sides: Sides, window: Window, image: KernelOperand, columns: KernelOperand): FoldSpec {
  const [channel, height, width] = image.strides.slice(-3);
  const [row, position] = columns.strides.slice(-2);
  return {
    ...window,
    dtype: image.dtype,
    batch: sides.batch,
    channels: sides.channels,
    image: sides.image,
    positions: sides.positions,
    imageStrides: { batch: sides.batched ? image.strides[0] : 0, channel, spatial: [height, width] },
    columnsStrides: { batch: sides.batched ? columns.strides[0] : 0, row, position },
  };
}

/** A checked call, ready to run; `outputSize` is that of fold. */
function begin(
  operation: 'fold' | 'unfold',
  argument: TensorArgument,
  outputSize: PerAxis | null,
  kernelSize: PerAxis,
  options: FoldOptions = {},
): Call<Tensor> {
  const window = checkWindow(operation, kernelSize, options);
  const size = operation === 'fold' ? checkPair(operation, 'outputSize', outputSize, 1) : null;
  const name = operation === 'fold' ? 'columns' : 'input';
  const operands = openOperands(operation, { [name]: argument }, null, options.engine);
  try {
    const { engine, dtype } = operands;
    const source = operands.tensors[name];
    const sides =
      size === null ? unfoldSides(operation, source.shape, window) : foldSides(operation, source.shape, size, window);
    const shape =
      size === null
        ? [sides.channels * elementCount(window.kernel), elementCount(sides.positions)]
        : [sides.channels, ...size];
    const outputShape = sides.batched ? [sides.batch, ...shape] : shape;
    const { tensor: output, owned } = resultTensor(operation, 'out', options.out, engine, dtype, outputShape, [source]);
    const seen = new KernelOperands();
    const spec =
      size === null
        ? foldSpec(sides, window, seen.read('image', source), seen.write('columns', output))
        : foldSpec(sides, window, seen.write('image', output), seen.read('columns', source));
    const key = `${operation} ${JSON.stringify(spec)}`;
    const plan = engine.plan(key, () => ({ stages: [size === null ? planUnfold(spec) : planFold(spec)] }));
    return {
      engine,
      operation,
      reads: [source.storage],
      steps: [seen.step(engine, key, plan.stages, NO_WORKSPACE)],
      writes: [output.storage],
      finish: () => output,
      abandon: () => {
        if (owned) output.dispose();
      },
      release: operands.release,
    };
  } catch (error) {
    operands.release();
    throw error;
  }
}

/**
 * Adds patches back to where they were cut from, `torch.nn.functional.fold` (col2im): the adjoint of `unfold`.
 *
 * @param columns (N, C · kH · kW, positions) or (C · kH · kW, positions), any strides
 * @param outputSize height and width of the image
 * @param kernelSize kH, kW
 * @param options stride, padding and dilation of the kernel positions; `out`: any strides
 * @returns (N, C, H, W) or (C, H, W)
 * @throws {ShapeError} ranks, an empty axis, rows or positions that do not fit
 * @throws {ArgumentError} option values, unknown options
 * @throws {DtypeError | EngineError | OutOfMemoryError | TypeError}
 *
 * @example
 * ```js
 * import { fold, full, init } from 'upconv';
 *
 * await init();
 * const columns = full([4, 9], 1); // (C · kH · kW, positions) with one channel and 3 × 3 positions of 2 × 2
 * const image = await fold(columns, [4, 4], 2);
 * console.log(image.toArray()[0][1]); // [ 2, 4, 4, 2 ]
 * ```
 */
export async function fold(
  columns: TensorArgument,
  outputSize: PerAxis,
  kernelSize: PerAxis,
  options?: FoldOptions,
): Promise<Tensor> {
  const call = begin('fold', columns, outputSize, kernelSize, options);
  return call.engine.submit(call, options?.signal);
}

/** As `fold`, on the calling thread. */
export function foldSync(
  columns: TensorArgument,
  outputSize: PerAxis,
  kernelSize: PerAxis,
  options?: FoldOptions,
): Tensor {
  const call = begin('fold', columns, outputSize, kernelSize, options);
  return call.engine.execute(call, options?.signal);
}

/**
 * Cuts an image into the patches that a convolution sees, `torch.nn.functional.unfold` (im2col); outside is 0.
 *
 * @param input (N, C, H, W) or (C, H, W), any strides
 * @param kernelSize kH, kW
 * @param options stride, padding and dilation of the kernel positions; `out`: any strides
 * @returns (N, C · kH · kW, positions) or (C · kH · kW, positions)
 * @throws {ShapeError} ranks, an empty axis, a kernel larger than the padded image
 * @throws {ArgumentError} option values, unknown options
 * @throws {DtypeError | EngineError | OutOfMemoryError | TypeError}
 *
 * @example
 * ```js
 * import { init, tensor, unfold } from 'upconv';
 *
 * await init();
 * const image = tensor([[[1, 2, 3], [4, 5, 6]]]); // (C, H, W)
 * console.log((await unfold(image, 2)).toArray()); // [ [ 1, 2 ], [ 2, 3 ], [ 4, 5 ], [ 5, 6 ] ]
 * ```
 */
export async function unfold(input: TensorArgument, kernelSize: PerAxis, options?: FoldOptions): Promise<Tensor> {
  const call = begin('unfold', input, null, kernelSize, options);
  return call.engine.submit(call, options?.signal);
}

/** As `unfold`, on the calling thread. */
export function unfoldSync(input: TensorArgument, kernelSize: PerAxis, options?: FoldOptions): Tensor {
  const call = begin('unfold', input, null, kernelSize, options);
  return call.engine.execute(call, options?.signal);
}
