/** The tensors of one call: checked, of one engine and dtype; TensorLikes copied in. */

import type { Dtype } from '../core/dtype.ts';
import { computeDtype } from '../core/dtype.ts';
import { DtypeError, EngineError } from '../core/errors.ts';
import { describe } from '../core/validate.ts';
import type { Engine } from '../engine/engine.ts';
import { engineOrDefault } from '../engine/default_engine.ts';
import { Tensor } from '../tensor/tensor.ts';
import type { TensorLike } from '../tensor/tensor_like.ts';
import { checkTensorLike, copyTensorLike, isTensorLike } from '../tensor/tensor_like.ts';
import { checkTensor } from './arguments.ts';

/** What an operation takes where a tensor is meant. */
export type TensorArgument = Tensor | TensorLike;

export interface Operands<Name extends string> {
  readonly engine: Engine;
  readonly dtype: Dtype;
  readonly tensors: Readonly<Record<Name, Tensor>>;
  readonly bias: Tensor | null;
  /** Frees the copies that were made of TensorLikes. */
  readonly release: () => void;
}

/**
 * @param values the required tensors by argument name
 * @param bias a tensor, null or undefined
 * @param asked `options.engine`
 * @param mixed float16 and float32 may meet: intermediate results of modules are float32
 * @throws {TypeError} for what is no tensor, with a hint for first mistakes.
 * @throws {EngineError} ERR_DISPOSED, ERR_ENGINE_MISMATCH, ERR_NOT_INITIALIZED
 * @throws {DtypeError} when dtypes differ.
 */
export function openOperands<Name extends string>(
  operation: string,
  values: Readonly<Record<Name, unknown>>,
  bias: unknown,
  asked: Engine | undefined,
  mixed = false,
): Operands<Name> {
  const names = Object.keys(values) as Name[];
  const given: [string, unknown][] = names.map((name) => [name, values[name]]);
  if (bias !== null && bias !== undefined) given.push(['bias', checkBiasArgument(operation, bias)]);
  const checked = given.map(([name, value]) =>
    isTensorLike(value) && !(value instanceof Tensor)
      ? checkTensorLike(operation, name, value)
      : checkTensor(operation, name, value),
  );
  const engine = commonEngineOf(operation, given, asked);

  const temporaries: Tensor[] = [];
  const release = (): void => {
    for (const temporary of temporaries.splice(0)) temporary.dispose();
  };
  try {
    const tensors = checked.map((operand) => {
      if (operand instanceof Tensor) return operand;
      const copy = copyTensorLike(operand, engine);
      temporaries.push(copy);
      return copy;
    });
    const { dtype } = tensors[0];
    tensors.forEach((tensor, index) => {
      const same = mixed ? computeDtype(tensor.dtype) === computeDtype(dtype) : tensor.dtype === dtype;
      if (!same) throw new DtypeError(operation, given[index][0], dtype, tensor.dtype);
    });
    return {
      engine,
      dtype,
      tensors: Object.fromEntries(names.map((name, index) => [name, tensors[index]])) as Record<Name, Tensor>,
      bias: tensors.length > names.length ? tensors[names.length] : null,
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** An options object in the place of the bias is the most common first mistake. */
function checkBiasArgument(operation: string, bias: unknown): unknown {
  const plain = typeof bias === 'object' && bias !== null && Object.getPrototypeOf(bias) === Object.prototype;
  if (plain && !isTensorLike(bias)) {
    throw new TypeError(
      `${operation}: bias expected a Tensor or null, got ${describe(bias)} (options go behind it: pass null)`,
    );
  }
  return bias;
}

function commonEngineOf(
  operation: string,
  given: readonly (readonly [string, unknown])[],
  asked: Engine | undefined,
): Engine {
  if (asked !== undefined) engineOrDefault(operation, asked); // is one
  let engine = asked;
  for (const [name, value] of given) {
    if (!(value instanceof Tensor)) continue;
    engine ??= value.engine;
    if (value.engine !== engine) {
      const other = asked === undefined ? 'the first tensor' : 'options.engine';
      throw new EngineError('ERR_ENGINE_MISMATCH', `${operation}: ${name} is of another engine than ${other}`);
    }
  }
  return engine ?? engineOrDefault(operation, undefined);
}
