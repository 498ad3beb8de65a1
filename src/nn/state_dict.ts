/** Loading parameters by name, with PyTorch's reports. */

import { ArgumentError, ShapeError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { checkBoolean, checkOptions, isPromise, wrongType } from '../core/validate.ts';
import { Tensor } from '../tensor/tensor.ts';
import { pythonStrings } from './python.ts';
import type { OpenSource, TensorSource } from './tensor_source.ts';
import { openSource } from './tensor_source.ts';
import { defaultMagnitudeShape, foldWeightNorm, isMagnitudeShape, weightNormKeys } from './weight_norm.ts';

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
  /** As PyTorch prints it. */
  toString(): string;
}

/** What a module offers to load into. */
export interface StateTree {
  readonly typeName: string;
  readonly parameters: () => readonly (readonly [path: string, parameter: Tensor])[];
  /** Every module with the beginning of its parameters' paths, itself first: '', 'up.', 'up.act.'. */
  readonly modules: readonly (readonly [path: string, module: StateModule])[];
}

/** A module that may have to make its parameters first. */
export interface StateModule {
  /** Names of parameters that are not there yet. */
  readonly uninitialized: readonly string[];
  initializeFrom(operation: string, weightShape: Shape): void;
}

export function loadStateDict(
  { typeName, parameters, modules }: StateTree,
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
  for (const [path, module] of modules) initializeFrom(module, prefix + path, state);
  const targets = parameters().map(([path, parameter]) => findTarget(state, prefix + path, parameter));
  const unmade = modules.flatMap(([path, module]) => module.uninitialized.map((name) => prefix + path + name));
  const used = new Set(targets.flatMap(({ keys }) => keys));
  const missing = targets.filter(({ keys, key }) => keys.length === 0 && !isOptional(key)).map(({ key }) => key);
  const missingKeys = [...missing, ...unmade];
  const unexpectedKeys = inOrderOf(
    modules.map(([path]) => prefix + path),
    Object.keys(state).filter((key) => key.startsWith(prefix) && !used.has(key)),
  );
  const loads = targets.filter(({ keys }) => keys.length > 0).map((target) => openTarget(state, target));
  const mismatches = loads.flatMap(({ mismatches }) => mismatches);
  const problems = [...(strict ? keyProblems(missingKeys, unexpectedKeys) : []), ...mismatches];
  if (problems.length > 0) {
    const report = `Error(s) in loading state_dict for ${typeName}:\n\t${problems.join('\n\t')}`;
    const Failure = mismatches.length > 0 ? ShapeError : ArgumentError;
    throw new Failure('loadStateDict', 'state', 'the paths and shapes of the module', `others\n${report}`);
  }
  for (const { target } of loads) target.parameter.storage.checkWritable('loadStateDict'); // before the first copy
  for (const { copy } of loads) copy();
  return reportOf(missingKeys, unexpectedKeys);
}

/** Checkpoints from before PyTorch 0.4.1, and those stripped of it, have no count of batches; PyTorch loads them. */
function isOptional(key: string): boolean {
  return /(^|\.)num_batches_tracked$/.test(key);
}

interface Target {
  /** The path of the parameter, behind the prefix. */
  readonly key: string;
  readonly parameter: Tensor;
  /** What its values come from: the key itself, the two of weight normalisation, or none. */
  readonly keys: readonly string[];
}

function findTarget(state: object, key: string, parameter: Tensor): Target {
  return { key, parameter, keys: keysOf(state, key) };
}

/** The key itself, the two of weight normalisation, or none. */
function keysOf(state: object, key: string): readonly string[] {
  const has = (name: string): boolean => Object.hasOwn(state, name);
  return has(key) ? [key] : (weightNormKeys(key).find((pair) => pair.every(has)) ?? []);
}

/** Makes the parameters of a lazy module whose weight is in the state; the direction of a normalised one has its shape. */
function initializeFrom(module: StateModule, path: string, state: Readonly<Record<string, TensorSource>>): void {
  if (module.uninitialized.length === 0) return;
  const key = keysOf(state, `${path}weight`).at(-1);
  if (key === undefined) return;
  module.initializeFrom('loadStateDict', openSource('loadStateDict', key, state[key]).shape);
}

interface Load {
  readonly target: Target;
  readonly mismatches: readonly string[];
  readonly copy: () => void;
}

function openTarget(state: Readonly<Record<string, TensorSource>>, target: Target): Load {
  const { parameter, keys } = target;
  const sources = keys.map((key) => openSource('loadStateDict', key, state[key]));
  if (keys.length === 1) {
    const [{ shape, copyInto }] = sources;
    const fits = sameShape(shape, parameter.shape) || isOneNumber(shape, parameter.shape);
    const mismatches = fits ? [] : [sizeMismatch(keys[0], shape, parameter.shape)];
    return { target, mismatches, copy: () => copyInto(parameter) };
  }
  const [magnitude, direction] = sources;
  const mismatches: string[] = [];
  if (!isMagnitudeShape(magnitude.shape, parameter.shape)) {
    mismatches.push(sizeMismatch(keys[0], magnitude.shape, defaultMagnitudeShape(parameter.shape)));
  }
  if (!sameShape(direction.shape, parameter.shape)) {
    mismatches.push(sizeMismatch(keys[1], direction.shape, parameter.shape));
  }
  const valued = ({ shape, numbers }: OpenSource) => ({ shape, values: numbers(parameter.dtype) });
  const copy = (): void => void parameter.copyFrom(foldWeightNorm(valued(magnitude), valued(direction)));
  return { target, mismatches, copy };
}

/** PyTorch takes one number with an axis, as it was saved before version 0.4, for one without. */
function isOneNumber(given: Shape, expected: Shape): boolean {
  return expected.length === 0 && sameShape(given, [1]);
}

function sizeMismatch(key: string, given: Shape, expected: Shape): string {
  return `size mismatch for ${key}: copying a param with shape torch.Size(${formatShape(given)}) from checkpoint, the shape in current model is torch.Size(${formatShape(expected)}).`;
}

/** Keys as PyTorch comes across them: each with the innermost module that its path leads to, modules in their order. */
function inOrderOf(modules: readonly string[], keys: readonly string[]): string[] {
  const finder = (key: string): number => {
    let found = 0;
    modules.forEach((path, position) => {
      if (key.startsWith(path) && path.length > modules[found].length) found = position;
    });
    return found;
  };
  return keys
    .map((key) => ({ key, module: finder(key) }))
    .toSorted((a, b) => a.module - b.module)
    .map(({ key }) => key);
}

function reportOf(missingKeys: string[], unexpectedKeys: string[]): LoadReport {
  const complete = missingKeys.length === 0 && unexpectedKeys.length === 0;
  const lists = `missing_keys=${pythonStrings(missingKeys)}, unexpected_keys=${pythonStrings(unexpectedKeys)}`;
  const text = complete ? '<All keys matched successfully>' : `_IncompatibleKeys(${lists})`;
  return Object.defineProperty({ missingKeys, unexpectedKeys }, 'toString', { value: () => text });
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
