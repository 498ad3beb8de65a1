/** add and mul: arithmetic that broadcasts, and its gradients. */

import { computeDtype } from '../core/dtype.ts';
import { ShapeError } from '../core/errors.ts';
import { keptStrides } from '../core/memory_format.ts';
import type { Shape } from '../core/shape.ts';
import { broadcastShapes, formatShape, sameShape } from '../core/shape.ts';
import { checkFinite, checkOptions } from '../core/validate.ts';
import type { Call, Step } from '../engine/call.ts';
import { NO_WORKSPACE } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import type { CombineSpec } from '../plan/combine.ts';
import { constant, planCombine } from '../plan/combine.ts';
import { pointer } from '../plan/stage.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { resultTensor, storagesOf } from './arguments.ts';
import type { Target } from './gradients_call.ts';
import { callForGradients, checkMask, gradientOptions } from './gradients_call.ts';
import { KernelOperands } from './kernel_operands.ts';
import type { TensorArgument } from './operands.ts';
import { openOperands } from './operands.ts';

export interface MulOptions {
  /** Where to write the result: any strides, no overlap with an operand. */
  out?: Tensor;
  engine?: Engine;
  signal?: AbortSignal;
}

export interface AddOptions extends MulOptions {
  /** Factor of `b`; default 1. */
  alpha?: number;
}

export interface MulBackwardOptions {
  /** Which of gradA and gradB to compute; default both. */
  outputMask?: readonly [boolean, boolean];
  outGradA?: Tensor;
  outGradB?: Tensor;
  /** Adds to the gradients given. */
  accumulate?: boolean;
  engine?: Engine;
  signal?: AbortSignal;
}

export interface AddBackwardOptions extends MulBackwardOptions {
  /** That of the forward call. */
  alpha?: number;
}

/** Null where the mask leaves one out. */
export interface ArithmeticGradients {
  gradA: Tensor | null;
  gradB: Tensor | null;
}

const FORWARD = ['engine', 'signal', 'out'];
const BACKWARD = gradientOptions('gradA', 'gradB');

/**
 * a + alpha · b, `torch.add`; the shapes broadcast against each other.
 * @param b a tensor of the dtype of `a`, or a number
 * @returns a tensor of the broadcast shape
 * @throws {ShapeError} for shapes that do not broadcast
 * @throws {ArgumentError | DtypeError | EngineError | OutOfMemoryError | TypeError}
 *
 * @example
 * ```js
 * import { add, init, tensor } from 'upconv';
 *
 * await init();
 * const sum = await add(tensor([[1, 2], [3, 4]]), tensor([10, 20]), { alpha: 0.5 });
 * console.log(sum.toArray()); // [ [ 6, 12 ], [ 8, 14 ] ]
 * ```
 */
export async function add(a: TensorArgument, b: TensorArgument | number, options?: AddOptions): Promise<Tensor> {
  const call = begin('add', a, b, options);
  return call.engine.submit(call, options?.signal);
}

/** As `add`, on the calling thread. */
export function addSync(a: TensorArgument, b: TensorArgument | number, options?: AddOptions): Tensor {
  const call = begin('add', a, b, options);
  return call.engine.execute(call, options?.signal);
}

/** a · b, `torch.mul`; see `add`. */
export async function mul(a: TensorArgument, b: TensorArgument | number, options?: MulOptions): Promise<Tensor> {
  const call = begin('mul', a, b, options);
  return call.engine.submit(call, options?.signal);
}

/** As `mul`, on the calling thread. */
export function mulSync(a: TensorArgument, b: TensorArgument | number, options?: MulOptions): Tensor {
  const call = begin('mul', a, b, options);
  return call.engine.execute(call, options?.signal);
}

/**
 * Gradients of `add`: gradOutput and alpha · gradOutput, each summed over the axes that its operand was broadcast along.
 *
 * @param gradOutput gradient of the result, of its shape
 * @param options `alpha` as given to the forward call
 * @returns gradA and gradB, of the shapes of `a` and `b`; null where the mask leaves one out or `b` is a number
 * @throws as `add`
 */
export async function addBackward(
  gradOutput: TensorArgument,
  a: TensorArgument,
  b: TensorArgument | number,
  options?: AddBackwardOptions,
): Promise<ArithmeticGradients> {
  const call = beginBackward('add', gradOutput, a, b, options);
  return call.engine.submit(call, options?.signal);
}

/** As `addBackward`, on the calling thread. */
export function addBackwardSync(
  gradOutput: TensorArgument,
  a: TensorArgument,
  b: TensorArgument | number,
  options?: AddBackwardOptions,
): ArithmeticGradients {
  const call = beginBackward('add', gradOutput, a, b, options);
  return call.engine.execute(call, options?.signal);
}

/** Gradients of `mul`: gradOutput · b and gradOutput · a; see `addBackward`. */
export async function mulBackward(
  gradOutput: TensorArgument,
  a: TensorArgument,
  b: TensorArgument | number,
  options?: MulBackwardOptions,
): Promise<ArithmeticGradients> {
  const call = beginBackward('mul', gradOutput, a, b, options);
  return call.engine.submit(call, options?.signal);
}

/** As `mulBackward`, on the calling thread. */
export function mulBackwardSync(
  gradOutput: TensorArgument,
  a: TensorArgument,
  b: TensorArgument | number,
  options?: MulBackwardOptions,
): ArithmeticGradients {
  const call = beginBackward('mul', gradOutput, a, b, options);
  return call.engine.execute(call, options?.signal);
}

type Kind = 'add' | 'mul';

/** Names of the options of one of the two, and the factor of `b`. */
function checkAlpha(kind: Kind, operation: string, options: AddOptions | AddBackwardOptions, known: string[]): number {
  checkOptions(operation, options, kind === 'add' ? [...known, 'alpha'] : known);
  return checkFinite(operation, 'alpha', options.alpha ?? 1);
}

function begin(kind: Kind, aArgument: unknown, bArgument: unknown, options: AddOptions = {}): Call<Tensor> {
  const alpha = checkAlpha(kind, kind, options, FORWARD);
  const number = typeof bArgument === 'number' ? bArgument : null;
  const values = { a: aArgument, ...(number === null && { b: bArgument }) };
  const operands = openOperands<string>(kind, values, null, options.engine);
  try {
    const { engine, dtype, tensors } = operands;
    const inputs = Object.values(tensors);
    const shape = inputs.map((tensor) => tensor.shape).reduce((a, b) => broadcastShapes(kind, 'b', a, b));
    const strides = keptStrides(shape, inputs);
    const { tensor: output, owned } = resultTensor(kind, 'out', options.out, engine, dtype, shape, inputs, strides);
    const factors = kind === 'add' ? { beta: alpha * (number ?? 1) } : { alpha: number ?? 1 };
    const step = combineStep(engine, shape, { output: { tensor: output, accumulate: false } }, tensors, kind, factors);
    return {
      engine,
      operation: kind,
      reads: storagesOf(inputs),
      writes: [output.storage],
      steps: [step],
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

function beginBackward(
  kind: Kind,
  gradOutputArgument: unknown,
  aArgument: unknown,
  bArgument: unknown,
  options: AddBackwardOptions = {},
): Call<ArithmeticGradients> {
  const operation = `${kind}Backward`;
  const alpha = checkAlpha(kind, operation, options, BACKWARD);
  const { outputMask = [true, true] } = options;
  const number = typeof bArgument === 'number' ? bArgument : null;
  const mask = checkMask(operation, outputMask, 2).map((asked, index) => asked && (index === 0 || number === null));
  const values = { gradOutput: gradOutputArgument, a: aArgument, ...(number === null && { b: bArgument }) };
  const operands = openOperands<string>(operation, values, null, options.engine);
  try {
    const { engine, dtype } = operands;
    const { gradOutput, a, b = a } = operands.tensors;
    const shape = broadcastShapes(operation, 'b', a.shape, b.shape);
    if (!sameShape(gradOutput.shape, shape)) {
      throw new ShapeError(operation, 'gradOutput', formatShape(shape), formatShape(gradOutput.shape));
    }
    const inputs = Object.values(operands.tensors);
    const gradients = [
      { name: 'gradA', dtype, shape: a.shape, strides: keptStrides(a.shape, [a]) },
      { name: 'gradB', dtype, shape: b.shape, strides: keptStrides(b.shape, [b]) },
    ] as const;
    const results = { engine, inputs, storages: storagesOf(inputs), release: operands.release };
    return callForGradients(operation, results, gradients, mask, options, (targets) =>
      targets.flatMap((target, index) => {
        if (target === null) return [];
        if (kind === 'mul' && number === null) {
          const read = { gradOutput, other: index === 0 ? b : a };
          return [combineStep(engine, shape, { gradient: target }, read, kind, {})];
        }
        const factor = kind === 'mul' ? number! : index === 0 ? 1 : alpha;
        return [combineStep(engine, shape, { gradient: target }, { gradOutput }, 'mul', { alpha: factor })];
      }),
    );
  } catch (error) {
    operands.release();
    throw error;
  }
}

/** Of a formula: alpha · a + beta · b, or alpha · a · b. Where there is only `a`, `b` is 1. */
interface Factors {
  readonly alpha?: number;
  readonly beta?: number;
}

/** One or two operands, broadcast to `shape`, into the target, summed over the axes that it has not. */
function combineStep(
  engine: Engine,
  shape: Shape,
  target: Readonly<Record<string, Target>>,
  read: Readonly<Record<string, Tensor>>,
  kind: Kind,
  factors: Factors,
): Step {
  const seen = new KernelOperands();
  const [[name, { tensor, accumulate }]] = Object.entries(target);
  const written = accumulate ? seen.update(name, tensor) : seen.write(name, tensor);
  const dtype = computeDtype(tensor.dtype);
  const operands = Object.entries(read).map(([each, operand]) => ({
    at: pointer(each),
    strides: broadcastStrides(seen.read(each, operand), shape.length),
  }));
  const spec: CombineSpec = {
    formula: kind === 'add' ? 'linear' : 'product',
    dtype,
    shape,
    target: { at: pointer(name), strides: broadcastStrides(written, shape.length) },
    operands: operands.length === 1 ? [...operands, constant(dtype, 1, shape.length)] : operands,
    ...factors,
    accumulate,
  };
  // JSON has no infinities, and one zero
  const bits = new BigInt64Array(Float64Array.of(factors.alpha ?? 1, factors.beta ?? 1).buffer);
  const key = `combine ${JSON.stringify(spec)} ${bits.join()}`;
  const { stages } = engine.plan(key, () => ({ stages: planCombine(spec) }));
  return seen.step(engine, key, stages, NO_WORKSPACE);
}

/** Element strides along the axes of a shape that a tensor is broadcast to: 0 where all share its elements. */
function broadcastStrides({ shape, strides }: { shape: Shape; strides: readonly number[] }, axes: number): number[] {
  return Array.from({ length: axes }, (_, axis) => {
    const own = axis - axes + shape.length;
    return own < 0 || shape[own] === 1 ? 0 : strides[own];
  });
}
