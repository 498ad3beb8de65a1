/** Loading parameters by name, with PyTorch's reports. */

import { ArgumentError, ShapeError } from '../core/errors.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { checkBoolean, checkOptions, isPromise, wrongType } from '../core/validate.ts';
import { Tensor } from '../tensor/tensor.ts';
import type { TensorSource } from './tensor_source.ts';
import { openSource } from './tensor_source.ts';

/** Parameters by path. */
export type StateDict = Record<string, Tensor>;

export interface LoadOptions {
  strict?: boolean;
  /** Only paths that begin with this are looked at: `prefix + path of the parameter`. */
  prefix?: string;
}

export interface LoadReport {
  readonly missingKeys: string[];
  readonly unexpectedKeys: string[];
}

export function loadStateDict(
  typeName: string,
  parameters: readonly [string, Tensor][],
  state: Readonly<Record<string, TensorSource>>,
  options: LoadOptions,
): LoadReport {
  checkOptions('loadStateDict', options, ['strict', 'prefix']);
  const strict = checkBoolean('loadStateDict', 'strict', options.strict ?? true);
  const { prefix = '' } = options;
  if (typeof prefix !== 'string') {
    throw wrongType('loadStateDict', 'prefix', 'a string', prefix);
  }
  checkState('loadStateDict', 'state', state);
  const targets = new Map(parameters.map(([path, parameter]) => [prefix + path, parameter]));
  const given = Object.keys(state).filter((key) => key.startsWith(prefix));
  const missingKeys = [...targets.keys()].filter((key) => !Object.hasOwn(state, key));
  const unexpectedKeys = given.filter((key) => !targets.has(key));
  const mismatches: string[] = [];
  const copies: (() => void)[] = [];
  for (const [key, parameter] of targets) {
    if (!Object.hasOwn(state, key)) continue;
    const { shape, copyInto } = openSource('loadStateDict', key, state[key]);
    if (!sameShape(shape, parameter.shape)) {
      mismatches.push(
        `size mismatch for ${key}: copying a param with shape torch.Size(${formatShape(shape)}) from checkpoint, the shape in current model is torch.Size(${formatShape(parameter.shape)}).`,
      );
    }
    copies.push(() => copyInto(parameter));
  }
  const problems = [...(strict ? keyProblems(missingKeys, unexpectedKeys) : []), ...mismatches];
  if (problems.length > 0) {
    const report = `Error(s) in loading state_dict for ${typeName}:\n\t${problems.join('\n\t')}`;
    const Failure = mismatches.length > 0 ? ShapeError : ArgumentError;
    throw new Failure('loadStateDict', 'state', 'the paths and shapes of the module', `others\n${report}`);
  }
  for (const key of Object.keys(state)) targets.get(key)?.storage.checkWritable('loadStateDict'); // before the first copy
  for (const copy of copies) copy();
  return { missingKeys, unexpectedKeys };
}

function keyProblems(missing: readonly string[], unexpected: readonly string[]): string[] {
  const problems: string[] = [];
  if (missing.length > 0) problems.push(`Missing key(s) in state_dict: ${quoted(missing)}. `);
  if (unexpected.length > 0) problems.push(`Unexpected key(s) in state_dict: ${quoted(unexpected)}. `);
  return problems;
}

function quoted(keys: readonly string[]): string {
  return keys.map((key) => `"${key}"`).join(', ');
}

/** @throws {TypeError} for what is no object with a tensor for every key. */
export function checkState(operation: string, argument: string, state: unknown): void {
  const isObject = typeof state === 'object' && state !== null && !isPromise(state);
  if (isObject && !(Array.isArray(state) || state instanceof Map || state instanceof Tensor)) return;
  throw wrongType(operation, argument, 'an object of tensors', state);
}
