/** Operations on float16 tensors: computed in float32, the result rounded to float16. */

import { DtypeError } from '../core/errors.ts';
import type { Call, Step } from '../engine/call.ts';
import { NO_WORKSPACE } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import { engineOrDefault } from '../engine/default_engine.ts';
import { planCopy } from '../plan/copy.ts';
import { planConvertHalf } from '../plan/half.ts';
import { Tensor } from '../tensor/tensor.ts';
import { fromTensorLike, isFloat16Like, isTensorLike } from '../tensor/tensor_like.ts';
import { allocateResult, checkAnyTensor, resultTensor, storagesOf } from './arguments.ts';
import { denseOperands } from './dense.ts';

/** A result, or several by name; null where one is not computed. */
export type HalfResult = Tensor | object;

/** True when one of the operands is float16: then all of them have to be, and `beginInFloat32` makes the call. */
export function hasHalf(...operands: unknown[]): boolean {
  return operands.some((operand) => (operand instanceof Tensor ? operand.dtype === 'float16' : isFloat16Like(operand)));
}

/** Where the results go: option names of given ones, by the name of the result; '' where there is only one. */
export const OUT: Readonly<Record<string, string>> = { '': 'out' };
export const OUT_GRADIENTS: Readonly<Record<string, string>> = {
  gradInput: 'outGradInput',
  gradWeight: 'outGradWeight',
  gradBias: 'outGradBias',
};

interface CommonOptions {
  readonly engine?: Engine;
  readonly accumulate?: boolean;
}

/** What a call needs beside the inner one. */
class Conversions {
  readonly operation: string;
  readonly before: Step[] = [];
  readonly after: Step[] = [];
  readonly #releases: (() => void)[] = [];

  constructor(operation: string) {
    this.operation = operation;
  }

  /** Disposes `tensor` at the end. */
  hold(tensor: Tensor): Tensor {
    this.onRelease(() => tensor.dispose());
    return tensor;
  }

  onRelease(free: () => void): void {
    this.#releases.push(free);
  }

  release(): void {
    for (const free of this.#releases.splice(0).toReversed()) free();
  }

  /** A float32 tensor that steps before the call fill. */
  widen(half: Tensor): Tensor {
    const dense = denseOperands(this.operation, { half });
    this.onRelease(dense.release);
    const float = this.hold(allocateResult(this.operation, half.engine, 'float32', half.shape));
    this.before.push(...dense.steps, conversion('float32', half.size, { ...dense.pointers, float: float.ptr }));
    return float;
  }

  /** From a float32 tensor, row-major, to a float16 one of any strides, by steps after the call. */
  narrow(float: Tensor, half: Tensor): void {
    const { engine, shape, size } = half;
    const dense = half.isContiguous ? half : this.hold(allocateResult(this.operation, engine, 'float16', shape));
    this.after.push(conversion('float16', size, { float: float.ptr, half: dense.ptr }));
    if (dense === half || size === 0) return;
    this.after.push({
      stages: [planCopy('float16', shape, dense.strides, half.strides)],
      workspaceBytes: NO_WORKSPACE,
      pointers: { source: dense.ptr, target: half.ptr },
    });
  }
}

/**
 * A call on float16 tensors. Conversions are steps of the call, so that it reads what calls before it write.
 *
 * @param operands the required ones by argument name
 * @param begin makes the call for float32 operands. Its `finish` must give the result tensors before the call has run
 * @throws {DtypeError} when an operand is not float16; what `begin` throws
 */
export function beginInFloat32<Name extends string, Options extends CommonOptions, T extends HalfResult>(
  operation: string,
  operands: Readonly<Record<Name, unknown>>,
  bias: unknown,
  options: Options,
  outs: Readonly<Record<string, string>>,
  begin: (tensors: Readonly<Record<Name, Tensor>>, bias: Tensor | null, options: Options) => Call<T>,
): Call<T> {
  const conversions = new Conversions(operation);
  const given = { ...options } as Readonly<Record<string, unknown>>;
  const inner = { ...given };
  const owned: Tensor[] = [];
  const written: Tensor[] = [];
  let abandonInner = (): void => undefined;
  const abandon = (): void => owned.forEach((tensor) => tensor.dispose());
  try {
    const named: [string, unknown][] = Object.entries(operands);
    if (bias !== null && bias !== undefined) named.push(['bias', bias]);
    const halves = openHalves(conversions, named, options.engine);
    const widened = Object.fromEntries(named.map(([name], index) => [name, conversions.widen(halves[index])]));
    for (const name of Object.values(outs)) {
      delete inner[name];
      if (given[name] === undefined || options.accumulate !== true) continue;
      // what is added to has to be there in float32 too
      inner[name] = conversions.widen(checkHalf(operation, name, checkAnyTensor(operation, name, given[name])));
    }
    const call = begin(widened as Record<Name, Tensor>, widened['bias'] ?? null, inner as unknown as Options);
    conversions.onRelease(() => call.release());
    abandonInner = () => call.abandon();
    const computed = call.finish();
    const narrowed = (name: string, float: Tensor | null): Tensor | null => {
      if (float === null) return null;
      const argument = outs[name];
      if (inner[argument] === undefined) conversions.hold(float);
      const { engine } = call;
      const others = [...halves, ...written];
      const result = resultTensor(operation, argument, given[argument], engine, 'float16', float.shape, others);
      if (result.owned) owned.push(result.tensor);
      written.push(result.tensor);
      conversions.narrow(float, result.tensor);
      return result.tensor;
    };
    const result: unknown =
      computed instanceof Tensor
        ? narrowed('', computed)
        : Object.fromEntries(
            Object.entries(computed as Readonly<Record<string, Tensor | null>>).map(([name, float]) => [
              name,
              narrowed(name, float),
            ]),
          );
    return {
      engine: call.engine,
      operation,
      reads: storagesOf(halves),
      writes: storagesOf(written),
      steps: [...conversions.before, ...call.steps, ...conversions.after],
      finish: () => result as T,
      abandon,
      release: () => conversions.release(),
    };
  } catch (error) {
    abandon();
    abandonInner();
    conversions.release();
    throw error;
  }
}

function openHalves(
  conversions: Conversions,
  named: readonly (readonly [string, unknown])[],
  asked: Engine | undefined,
): Tensor[] {
  const { operation } = conversions;
  const first = named.map(([, operand]) => operand).find((operand) => operand instanceof Tensor);
  const engine = asked ?? first?.engine ?? engineOrDefault(operation, undefined);
  return named.map(([name, operand]) => {
    if (operand instanceof Tensor || !isTensorLike(operand)) {
      return checkHalf(operation, name, checkAnyTensor(operation, name, operand));
    }
    return checkHalf(operation, name, conversions.hold(fromTensorLike(operation, name, operand, engine)));
  });
}

function checkHalf(operation: string, argument: string, tensor: Tensor): Tensor {
  if (tensor.dtype !== 'float16') throw new DtypeError(operation, argument, 'float16', tensor.dtype);
  return tensor;
}

function conversion(to: 'float32' | 'float16', length: number, pointers: Readonly<Record<string, number>>): Step {
  return { stages: [planConvertHalf(to, length)], workspaceBytes: NO_WORKSPACE, pointers };
}
