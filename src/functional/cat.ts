/** cat: tensors one behind another along an axis, and its gradients. */

import { elementBytes } from '../core/dtype.ts';
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { formatStrides, isChannelsLast } from '../core/memory_format.ts';
import type { Shape } from '../core/shape.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { checkInteger, checkOptions, wrongType } from '../core/validate.ts';
import type { Call } from '../engine/call.ts';
import { immediate, NO_WORKSPACE } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import { planCopy } from '../plan/copy.ts';
import { pointer, withPointers } from '../plan/stage.ts';
import { Tensor } from '../tensor/tensor.ts';
import { resultTensor, storagesOf } from './arguments.ts';
import type { TensorArgument } from './operands.ts';
import { openOperands } from './operands.ts';

export interface CatOptions {
  /** Where to write the result. Tensors that already are their part of it (views of `out`) are not copied. */
  out?: Tensor;
  engine?: Engine;
  signal?: AbortSignal;
}

export interface CatBackwardOptions {
  engine?: Engine;
  signal?: AbortSignal;
}

/**
 * Tensors one behind another, `torch.cat`.
 *
 * Nothing is copied of a tensor that is its part of `out` already: let the operations before write there,
 *
 *     const joined = empty([n, 96, h, w]);
 *     await convTranspose2d(x, weight, bias, { stride: 2, out: joined.narrow(1, 0, 64) });
 *
 * @param tensors one or more, of one dtype and of equal lengths but along `dim`; any strides
 * @param dim counted from the end if negative; default 0
 * @throws {ShapeError} for ranks or lengths that differ, and for a `dim` that there is not
 * @throws {TypeError | ArgumentError | DtypeError | EngineError | OutOfMemoryError}
 */
export async function cat(tensors: readonly TensorArgument[], dim?: number, options?: CatOptions): Promise<Tensor> {
  const call = beginCat(tensors, dim, options);
  return call.engine.submit(call, options?.signal);
}

/** As `cat`, on the calling thread. */
export function catSync(tensors: readonly TensorArgument[], dim?: number, options?: CatOptions): Tensor {
  const call = beginCat(tensors, dim, options);
  return call.engine.execute(call, options?.signal);
}

/**
 * Gradients of `cat`: the parts of gradOutput, as views that share its memory. Nothing is copied.
 *
 * @param gradOutput gradient of the result, of its shape
 * @param tensors as given to the forward call; only their shapes are looked at
 * @returns one view per tensor, of its shape; to be disposed like every tensor
 * @throws as `cat`
 */
export async function catBackward(
  gradOutput: TensorArgument,
  tensors: readonly TensorArgument[],
  dim?: number,
  options?: CatBackwardOptions,
): Promise<Tensor[]> {
  const call = beginBackward(gradOutput, tensors, dim, options);
  return call.engine.submit(call, options?.signal);
}

/** As `catBackward`, on the calling thread. */
export function catBackwardSync(
  gradOutput: TensorArgument,
  tensors: readonly TensorArgument[],
  dim?: number,
  options?: CatBackwardOptions,
): Tensor[] {
  const call = beginBackward(gradOutput, tensors, dim, options);
  return call.engine.execute(call, options?.signal);
}

function beginCat(argument: unknown, dim: unknown = 0, options: CatOptions = {}): Call<Tensor> {
  checkOptions('cat', options, ['engine', 'signal', 'out']);
  const operands = openOperands('cat', named('cat', argument), null, options.engine);
  try {
    const { engine, dtype } = operands;
    const parts = Object.values<Tensor>(operands.tensors);
    const joined = joinedShape('cat', parts, dim);
    const { axis, shape, starts } = joined;
    const { out } = options;
    const copied = parts.flatMap((part, index) =>
      part.size === 0 || (out instanceof Tensor && isPart(part, out, axis, starts[index])) ? [] : [{ part, index }],
    );
    const sources = copied.map(({ part }) => part);
    const allLast = parts.every((part) => isChannelsLast(part.shape, part.strides));
    const strides = allLast ? formatStrides('channelsLast', shape, channelAxisOf(parts[0])) : undefined;
    const { tensor: output, owned } = resultTensor('cat', 'out', out, engine, dtype, shape, sources, strides);
    const pointers: Record<string, number> = {};
    const stages = copied.flatMap(({ part, index }) => {
      const places = { source: `part${index}`, target: `place${index}` };
      pointers[places.source] = part.ptr;
      pointers[places.target] = placeOf(output, axis, starts[index]);
      const copy = planCopy(dtype, part.shape, part.strides, output.strides);
      return withPointers([copy], ({ at }) => pointer(places[at as keyof typeof places]));
    });
    return {
      engine,
      operation: 'cat',
      reads: storagesOf(sources),
      writes: [output.storage],
      steps: [{ stages, workspaceBytes: NO_WORKSPACE, pointers }],
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
  gradOutputArgument: unknown,
  argument: unknown,
  dim: unknown = 0,
  options: CatBackwardOptions = {},
): Call<Tensor[]> {
  const operation = 'catBackward';
  checkOptions(operation, options, ['engine', 'signal']);
  const values = { gradOutput: gradOutputArgument, ...named(operation, argument) };
  const operands = openOperands<string>(operation, values, null, options.engine);
  try {
    const [gradOutput, ...parts] = Object.values<Tensor>(operands.tensors);
    const { axis, shape, starts } = joinedShape(operation, parts, dim);
    if (!sameShape(gradOutput.shape, shape)) {
      throw new ShapeError(operation, 'gradOutput', formatShape(shape), formatShape(gradOutput.shape));
    }
    // made before the call is queued: gradOutput may be disposed until then
    const views = parts.map((part, index) => gradOutput.narrow(axis, starts[index], part.shape[axis]));
    return {
      ...immediate(operation, operands.engine, () => views),
      reads: [gradOutput.storage],
      abandon: () => views.forEach((view) => view.dispose()),
      release: operands.release,
    };
  } catch (error) {
    operands.release();
    throw error;
  }
}

/** The tensors by the names that messages have for them. */
function named(operation: string, tensors: unknown): Record<string, unknown> {
  if (!Array.isArray(tensors)) throw wrongType(operation, 'tensors', 'an array of Tensors', tensors);
  if (tensors.length === 0) throw new ArgumentError(operation, 'tensors', 'at least one Tensor', 'none');
  return Object.fromEntries(tensors.map((each: unknown, index) => [`tensors[${index}]`, each]));
}

/** The shape of the whole, and where each part begins along the axis. */
function joinedShape(
  operation: string,
  parts: readonly Tensor[],
  dim: unknown,
): { axis: number; shape: Shape; starts: number[] } {
  const [{ shape: first }] = parts;
  const rank = first.length;
  if (rank === 0) throw new ShapeError(operation, 'tensors[0]', 'at least one axis', formatShape(first));
  if (checkInteger(operation, 'dim', dim, -rank) >= rank) {
    throw new ArgumentError(operation, 'dim', `an axis of tensors with ${rank} axes`, String(dim));
  }
  const axis = (dim as number) < 0 ? (dim as number) + rank : (dim as number);
  const starts: number[] = [];
  let length = 0;
  parts.forEach(({ shape }, index) => {
    const fits = shape.length === rank && shape.every((own, at) => at === axis || own === first[at]);
    if (!fits) {
      const expected = `${formatShape(first)} but along axis ${axis}`;
      throw new ShapeError(operation, `tensors[${index}]`, expected, formatShape(shape));
    }
    starts.push(length);
    length += shape[axis];
  });
  return { axis, shape: first.with(axis, length), starts };
}

/** The axis that is dense. */
function channelAxisOf({ strides }: Tensor): number {
  return strides.indexOf(1);
}

/** Address of the part of `whole` that begins at `start`. */
function placeOf(whole: Tensor, axis: number, start: number): number {
  return whole.ptr + start * whole.strides[axis] * elementBytes(whole.dtype);
}

/** Whether `part` is the very memory of `whole` from `start` on. */
function isPart(part: Tensor, whole: Tensor, axis: number, start: number): boolean {
  return (
    part.storage === whole.storage &&
    part.dtype === whole.dtype &&
    part.ptr === placeOf(whole, axis, start) &&
    part.shape.every((length, at) => length === 1 || part.strides[at] === whole.strides[at])
  );
}
