/** Calls that compute gradients: which are wanted, where they go, whether they add to what is there. */

import type { Dtype } from '../core/dtype.ts';
import { ArgumentError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { checkBoolean, describe } from '../core/validate.ts';
import type { Call, Step } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import type { Storage } from '../engine/storage.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { resultTensor } from './arguments.ts';

/** A gradient to compute: its tensor, and whether to add to what is there. */
export interface Target {
  readonly tensor: Tensor;
  readonly accumulate: boolean;
}

/** A gradient that a call may compute; the option of its tensor is `out` and the name, as in outGradInput. */
export interface Gradient<Name extends string> {
  readonly name: Name;
  readonly dtype: Dtype;
  readonly shape: Shape;
  /** Of a new tensor; default: row-major. */
  readonly strides?: readonly number[];
}

/** What a call reads. */
export interface GradientOperands {
  readonly engine: Engine;
  /** No gradient may overlap these. */
  readonly inputs: readonly Tensor[];
  readonly storages: readonly Storage[];
  readonly release: () => void;
}

const outOf = (name: string): string => `out${name[0].toUpperCase()}${name.slice(1)}`;

/** Names of the options of a call for gradients. */
export function gradientOptions(...names: readonly string[]): string[] {
  return ['engine', 'signal', 'outputMask', 'accumulate', ...names.map(outOf)];
}

/**
 * Builds a call for gradients.
 *
 * @param mask which are wanted, checked
 * @param options `accumulate`, and the tensors for gradients
 * @param steps makes the steps for the wanted ones, in the order of `gradients`
 * @throws {ArgumentError} for a given tensor that the mask leaves out, or overlaps
 * @throws {ShapeError | DtypeError | EngineError} for one that does not fit
 */
export function callForGradients<Name extends string>(
  operation: string,
  { engine, inputs, storages, release }: GradientOperands,
  gradients: readonly Gradient<Name>[],
  mask: readonly boolean[],
  options: { readonly accumulate?: boolean },
  steps: (targets: readonly (Target | null)[]) => Step[],
): Call<Record<Name, Tensor | null>> {
  const { accumulate: adds = false } = options;
  const accumulate = checkBoolean(operation, 'accumulate', adds);
  const owned: Tensor[] = [];
  const targets: (Target | null)[] = [];
  const abandon = (): void => owned.forEach((tensor) => tensor.dispose());
  try {
    gradients.forEach(({ name, dtype, shape, strides }, index) => {
      const option = outOf(name);
      const out = (options as Readonly<Record<string, unknown>>)[option];
      if (!mask[index]) {
        if (out !== undefined)
          throw new ArgumentError(operation, option, 'no tensor where outputMask is false', 'a tensor');
        targets.push(null);
        return;
      }
      const others = [...inputs, ...targets.map((target) => target?.tensor ?? null)];
      const result = resultTensor(
        operation,
        out === undefined ? name : option,
        out,
        engine,
        dtype,
        shape,
        others,
        strides,
      );
      if (result.owned) owned.push(result.tensor);
      targets.push({ tensor: result.tensor, accumulate: accumulate && !result.owned });
    });
    return {
      engine,
      operation,
      reads: storages,
      steps: steps(targets),
      writes: targets.flatMap((target) => (target === null ? [] : [target.tensor.storage])),
      finish: () => {
        const entries = gradients.map(({ name }, index) => [name, targets[index]?.tensor ?? null]);
        return Object.fromEntries(entries) as Record<Name, Tensor | null>;
      },
      abandon,
      release,
    };
  } catch (error) {
    abandon();
    throw error;
  }
}

/** @throws {ArgumentError} for a mask that has not one boolean per gradient */
export function checkMask(operation: string, mask: unknown, count: number): readonly boolean[] {
  if (!Array.isArray(mask) || mask.length !== count) {
    const word = ['', 'one boolean', 'two booleans', 'three booleans'][count];
    throw new ArgumentError(operation, 'outputMask', word, describe(mask));
  }
  return Array.from(mask, (wanted: unknown) => checkBoolean(operation, 'outputMask', wanted));
}
