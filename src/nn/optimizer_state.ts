/** The state of optimisers as data: what is saved and, checked, loaded again. */

import { ArgumentError, ShapeError } from '../core/errors.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { checkInteger, checkOptions, describe, wrongType } from '../core/validate.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { OpenSource, TensorSource } from './tensor_source.ts';
import { openSource } from './tensor_source.ts';

export interface OptimizerStateDict<Options> {
  /** By position of the parameter, counted through all groups; tensors are the optimiser's own, not copies. */
  readonly state: Readonly<Record<string, Readonly<Record<string, Tensor | number>>>>;
  readonly paramGroups: readonly (Required<Options> & { readonly params: readonly number[] })[];
}

/** A state dict of this or another engine; tensors may be plain objects with data and shape. */
export interface OptimizerStateSource<Options> {
  readonly state: Readonly<Record<string, Readonly<Record<string, TensorSource | number>>>>;
  /** Options that are left out stay as they are. */
  readonly paramGroups: readonly (Partial<Options> & { readonly params: readonly number[] })[];
}

/** State of one parameter, checked. */
export interface StateEntry {
  readonly parameter: Tensor;
  readonly step: number;
  readonly sources: ReadonlyMap<string, OpenSource>;
}

/** What an optimiser can take over. */
export interface Expected {
  readonly groups: readonly { readonly params: readonly Tensor[] }[];
  readonly options: readonly string[];
  /** Names of state tensors. */
  readonly tensors: readonly string[];
}

/**
 * The entries of `dict.state` by parameter.
 * @throws {TypeError} when it is no state dict.
 * @throws {ArgumentError} when groups or their sizes differ, for unknown options and state.
 * @throws {ShapeError} when a state tensor does not fit its parameter.
 */
export function checkStateDict(operation: string, dict: unknown, expected: Expected): StateEntry[] {
  checkOptions(operation, dict, ['state', 'paramGroups']);
  const { state, paramGroups } = dict as Readonly<Record<string, unknown>>;
  if (typeof state !== 'object' || state === null) {
    throw wrongType(operation, 'state', 'an object', state);
  }
  if (!areGroups(paramGroups)) {
    throw wrongType(operation, 'paramGroups', 'groups with params', paramGroups);
  }
  for (const group of paramGroups) checkOptions(operation, group, ['params', ...expected.options]);
  const [own, given] = [sizesOf(expected.groups), sizesOf(paramGroups)];
  if (own !== given) throw new ArgumentError(operation, 'paramGroups', `groups of sizes ${own}`, given);
  const parameters = expected.groups.flatMap(({ params }) => params);
  const ids = paramGroups.flatMap(({ params }) => params.map(String));
  return Object.entries(state).map(([id, entry]): StateEntry => {
    const parameter = parameters[ids.indexOf(id)];
    if (parameter === undefined) {
      throw new ArgumentError(operation, 'state', `parameters of the groups, ${ids.join(', ')}`, `'${id}'`);
    }
    checkOptions(operation, entry, ['step', ...expected.tensors]);
    const { step, ...tensors } = entry as Readonly<Record<string, unknown>>;
    const sources = new Map(
      Object.entries(tensors).map(([name, source]): [string, OpenSource] => {
        const opened = openSource(operation, `state.${id}.${name}`, source);
        if (!sameShape(opened.shape, parameter.shape)) {
          const expectedShape = formatShape(parameter.shape);
          throw new ShapeError(operation, `state.${id}.${name}`, expectedShape, formatShape(opened.shape));
        }
        return [name, opened];
      }),
    );
    return { parameter, step: checkInteger(operation, `state.${id}.step`, step, 0), sources };
  });
}

interface Group {
  readonly params: readonly unknown[];
}

function areGroups(value: unknown): value is readonly Group[] {
  return Array.isArray(value) && value.every((group: Partial<Group> | null) => Array.isArray(group?.params));
}

/** How many parameters each group has. */
function sizesOf(groups: readonly Group[]): string {
  return describe(groups.map(({ params }) => params.length));
}
