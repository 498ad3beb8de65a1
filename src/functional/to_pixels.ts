/** Pictures out: planar tensors to RGBA, as a canvas takes it. */

import { computeDtype } from '../core/dtype.ts';
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import { checkOptions, wrongType } from '../core/validate.ts';
import type { Call } from '../engine/call.ts';
import { NO_WORKSPACE } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import { planPlanesToPixels } from '../plan/pixels.ts';
import { Tensor } from '../tensor/tensor.ts';
import { isTensorLike } from '../tensor/tensor_like.ts';
import { checkTensor, commonEngine, storagesOf } from './arguments.ts';
import { KernelOperands } from './kernel_operands.ts';
import type { TensorArgument } from './operands.ts';
import { openTensor } from './tensor_arguments.ts';

/** RGBA as `new ImageData(data, width, height)` takes it. */
export interface Pixels {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

export interface ToPixelsOptions {
  /**
   * Alpha of all pixels, 0 … 1; a tensor (H, W) of such values, axes of length 1 in front allowed; or one sample of
   * 0 … 255 per pixel. Default: the fourth channel of the tensor, else 1.
   */
  alpha?: number | TensorArgument | Uint8Array | Uint8ClampedArray;
}

/**
 * The picture in a tensor: round(255 · value), clamped to 0 … 255, halves to even, NaN to 0.
 *
 * @param t (C, H, W) or (1, C, H, W), any strides and dtype; C = 1 (grey), 3 (RGB) or 4 (RGBA)
 * @throws {ShapeError} for another shape, or an alpha that does not fit.
 */
export function toPixels(t: TensorArgument, options: ToPixelsOptions = {}): Pixels {
  const operation = 'toPixels';
  checkOptions(operation, options, ['alpha']);
  const call = beginToPixels(operation, t, options.alpha);
  return call.engine.execute(call);
}

/** RGBA of a tensor; see `toPixels`. */
export function beginToPixels(operation: string, t: unknown, alpha: ToPixelsOptions['alpha']): Call<Pixels> {
  const temporaries: (() => void)[] = [];
  const release = (): void => {
    for (const free of temporaries.splice(0)) free();
  };
  try {
    const open = (name: string, value: unknown, at: Engine | undefined): Tensor => {
      const opened = openTensor(operation, name, value, at);
      temporaries.push(() => opened.release());
      return checkTensor(operation, name, opened.tensor);
    };
    const given = open('t', t, undefined);
    const { engine, shape } = given;
    const [channels, height, width] = shape.slice(-3);
    const batched = shape.length === 4 && shape[0] === 1;
    if (!(shape.length === 3 || batched) || ![1, 3, 4].includes(channels)) {
      throw new ShapeError(operation, 't', '(C, H, W) or (1, C, H, W) with C = 1, 3 or 4', formatShape(shape));
    }
    const length = width * height;
    const samples = isSamples(alpha) ? alpha : null;
    if (samples !== null && samples.length !== length) {
      throw new ShapeError(
        operation,
        'alpha',
        `${length} samples for ${width} x ${height} pixels`,
        `${samples.length}`,
      );
    }
    const constant = typeof alpha === 'number' ? checkAlpha(operation, alpha) : 1;
    let plane: Tensor | null = null;
    if (alpha instanceof Tensor || (samples === null && isTensorLike(alpha))) {
      plane = checkAlphaPlane(operation, open('alpha', alpha, engine), given, [height, width]);
    } else if (!(alpha === undefined || typeof alpha === 'number' || samples !== null)) {
      throw wrongType(operation, 'alpha', 'a number, a Tensor, a Uint8Array or Uint8ClampedArray', alpha);
    }
    const dtype = computeDtype(given.dtype);
    const operands = new KernelOperands();
    operands.read('planes', given, 'row-major');
    if (plane !== null) {
      const converted = computeDtype(plane.dtype) === dtype ? null : plane.to(dtype);
      if (converted !== null) temporaries.push(() => converted.dispose());
      operands.read('alpha', converted ?? plane, 'row-major');
    }
    const result = engine.allocateStorage(operation, 4 * length);
    operands.raw('pixels', result.ptr);
    const alphaFrom = alpha === undefined && channels === 4 ? 'planes' : 'alpha';
    const stage = planPlanesToPixels(dtype, length, Math.min(channels, 3), constant, alphaFrom);
    return {
      engine,
      operation,
      steps: [operands.step(engine, null, [stage], NO_WORKSPACE)],
      reads: storagesOf([given, plane]),
      writes: [result],
      finish: () => {
        const data = new Uint8ClampedArray(4 * length);
        data.set(new Uint8Array(engine.buffer, result.ptr, 4 * length));
        engine.countCopiedOut(4 * length);
        result.release();
        if (samples !== null) for (let i = 0; i < length; i++) data[4 * i + 3] = samples[i];
        return { data, width, height };
      },
      abandon: () => result.release(),
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

function isSamples(alpha: unknown): alpha is Uint8Array | Uint8ClampedArray {
  return alpha instanceof Uint8Array || alpha instanceof Uint8ClampedArray;
}

function checkAlpha(operation: string, alpha: number): number {
  if (!(alpha >= 0 && alpha <= 1)) throw new ArgumentError(operation, 'alpha', 'a number from 0 to 1', String(alpha));
  return alpha;
}

function checkAlphaPlane(operation: string, alpha: Tensor, source: Tensor, plane: readonly number[]): Tensor {
  commonEngine(operation, source, { alpha });
  const { shape } = alpha;
  const fits = shape.length >= 2 && shape.slice(-2).every((length, axis) => length === plane[axis]);
  if (!fits || shape.slice(0, -2).some((length) => length !== 1)) {
    throw new ShapeError(operation, 'alpha', formatShape(plane), formatShape(shape));
  }
  return alpha;
}
