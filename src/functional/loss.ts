/** Losses: the value and its gradient in one pass. */

import { computeDtype } from '../core/dtype.ts';
import { checkChoice, checkOptions } from '../core/validate.ts';
import type { Call } from '../engine/call.ts';
import { NO_WORKSPACE } from '../engine/call.ts';
import type { LossKind } from '../plan/elementwise.ts';
import { pieces, planLoss } from '../plan/elementwise.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { allocateResult } from './arguments.ts';
import { KernelOperands } from './kernel_operands.ts';
import type { TensorArgument } from './operands.ts';
import { openOperands } from './operands.ts';
import { checkTensorLike } from './tensor_arguments.ts';

export interface LossOptions {
  /** 'mean' (default) or 'sum' of the elements' losses. */
  reduction?: 'mean' | 'sum';
  signal?: AbortSignal;
}

export interface Loss {
  readonly value: number;
  /** Derivative of the value by the prediction: what `backward` takes. */
  readonly gradOutput: Tensor;
  /** Frees `gradOutput`. */
  dispose(): void;
}

const FLOAT64_BYTES = 8;

/**
 * Mean or sum of (pred − target)².
 * @throws {ShapeError} when the shapes differ.
 * @throws {DtypeError} when the dtypes differ.
 *
 * @example
 * ```js
 * import { init, mseLoss, tensor } from 'upconv';
 *
 * await init();
 * const { value, gradOutput } = await mseLoss(tensor([1, 3]), tensor([0, 1]));
 * console.log(value, gradOutput.toArray()); // 2.5 [ 1, 2 ]
 * ```
 */
export async function mseLoss(pred: TensorArgument, target: TensorArgument, options: LossOptions = {}): Promise<Loss> {
  return submit(beginLoss('mseLoss', 'mse', pred, target, options), options);
}

/** As `mseLoss`, at once. */
export function mseLossSync(pred: TensorArgument, target: TensorArgument, options: LossOptions = {}): Loss {
  return execute(beginLoss('mseLossSync', 'mse', pred, target, options), options);
}

/** Mean or sum of |pred − target|; the derivative where they are equal is 0. Throws as `mseLoss`. */
export async function l1Loss(pred: TensorArgument, target: TensorArgument, options: LossOptions = {}): Promise<Loss> {
  return submit(beginLoss('l1Loss', 'l1', pred, target, options), options);
}

/** As `l1Loss`, at once. */
export function l1LossSync(pred: TensorArgument, target: TensorArgument, options: LossOptions = {}): Loss {
  return execute(beginLoss('l1LossSync', 'l1', pred, target, options), options);
}

/**
 * Binary cross entropy of sigmoid(pred) against target, without the overflow of computing them apart:
 * max(x, 0) − x · t + log(1 + e^(−|x|)). Throws as `mseLoss`.
 */
export async function bceWithLogitsLoss(
  pred: TensorArgument,
  target: TensorArgument,
  options: LossOptions = {},
): Promise<Loss> {
  return submit(beginLoss('bceWithLogitsLoss', 'bceWithLogits', pred, target, options), options);
}

/** As `bceWithLogitsLoss`, at once. */
export function bceWithLogitsLossSync(pred: TensorArgument, target: TensorArgument, options: LossOptions = {}): Loss {
  return execute(beginLoss('bceWithLogitsLossSync', 'bceWithLogits', pred, target, options), options);
}

function submit(call: Call<Loss>, { signal }: LossOptions): Promise<Loss> {
  return call.engine.submit(call, signal);
}

function execute(call: Call<Loss>, { signal }: LossOptions): Loss {
  return call.engine.execute(call, signal);
}

function beginLoss(
  operation: string,
  kind: LossKind,
  predArgument: TensorArgument,
  targetArgument: TensorArgument,
  options: LossOptions,
): Call<Loss> {
  checkOptions(operation, options, ['reduction', 'signal']);
  const reduction = checkChoice(operation, 'reduction', options.reduction ?? 'mean', ['mean', 'sum']);
  const operands = openOperands(operation, { pred: predArgument, target: targetArgument }, null, undefined);
  const temporaries = [operands.release];
  const release = (): void => temporaries.forEach((free) => free());
  let gradOutput: Tensor | null = null;
  try {
    const { pred, target } = operands.tensors;
    checkTensorLike(operation, 'target', target, pred);
    const { engine, size, dtype, shape } = pred;
    const divisor = reduction === 'mean' ? size : 1;
    const scale = (kind === 'mse' ? 2 : 1) / Math.max(divisor, 1);
    const key = `loss ${kind} ${computeDtype(dtype)} ${size} ${scale}`;
    const plan = engine.plan(key, () => ({ stages: [planLoss(kind, computeDtype(dtype), size, scale)] }));
    gradOutput = allocateResult(operation, engine, dtype, shape);
    const grad = gradOutput;
    const partials = engine.allocateStorage(operation, pieces(size) * FLOAT64_BYTES);
    temporaries.push(() => partials.release());
    const seen = new KernelOperands();
    seen.read('prediction', pred, 'row-major');
    seen.read('target', target, 'row-major');
    seen.write('grad', grad, 'row-major');
    seen.raw('partials', partials.ptr);
    return {
      engine,
      operation,
      reads: [pred.storage, target.storage],
      steps: [seen.step(engine, key, plan.stages, NO_WORKSPACE)],
      writes: [grad.storage],
      finish: () => {
        let sum = 0;
        for (const partial of new Float64Array(engine.buffer, partials.ptr, pieces(size))) sum += partial;
        return { value: sum / divisor, gradOutput: grad, dispose: () => grad.dispose() };
      },
      abandon: () => grad.dispose(),
      release,
    };
  } catch (error) {
    release();
    gradOutput?.dispose();
    throw error;
  }
}
