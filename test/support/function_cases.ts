/** Every function of `upconv` with a Promise and a Sync form: operands that fit, and how to call both. */

import * as upconv from '../../src/index.ts';
import type { Tensor, TensorLike } from '../../src/index.ts';
import { own } from './owned.ts';

export type Operand = Tensor | TensorLike;
export type Returned = Tensor | null | Record<string, unknown>;

export interface FunctionCase {
  readonly name: string;
  /** Shapes by argument, in order. */
  readonly operands: Readonly<Record<string, number[]>>;
  readonly call: (operands: Operand[], options: object) => Promise<Returned>;
  readonly callSync: (operands: Operand[], options: object) => Returned;
  /** Options of the results, by the name of each result; '' where there is one. */
  readonly outs: Readonly<Record<string, string>>;
  readonly options: object;
  /** Operands that may be null. */
  readonly optional: readonly string[];
  /** Operands that may be numbers. */
  readonly numbers: readonly string[];
}

/** What a call gave, as data; its tensors are owned. */
export function contentOf(returned: Returned): unknown {
  ownAll(returned);
  return dataOf(returned);
}

/** Before any is read: reading a view may fail. */
function ownAll(returned: unknown): void {
  if (returned === null || typeof returned !== 'object') return;
  if ('dispose' in returned) own(returned as { dispose(): void });
  if (!(returned instanceof upconv.Tensor)) Object.values(returned).forEach(ownAll);
}

function dataOf(returned: unknown): unknown {
  if (returned === null || typeof returned !== 'object') return returned;
  if (returned instanceof upconv.Tensor) return [returned.dtype, returned.shape, returned.toTypedArray()];
  const entries = Object.entries(returned).filter(([, value]) => typeof value !== 'function');
  return Object.fromEntries(entries.map(([name, value]) => [name, dataOf(value)]));
}

export type Functions = Readonly<Record<string, (...values: unknown[]) => unknown>>;
export const functions = upconv as unknown as Functions;

/** A case whose options come last. */
function caseOf(
  name: string,
  operands: FunctionCase['operands'],
  options: object = {},
  outs: FunctionCase['outs'] = { '': 'out' },
  between: readonly unknown[] = [],
  { optional = ['bias'], numbers = [] as readonly string[], arrange = (given: Operand[]): unknown[] => given } = {},
): FunctionCase {
  const argumentsOf = (given: Operand[], more: object): unknown[] => [
    ...arrange(given),
    ...between,
    { ...options, ...more },
  ];
  return {
    name,
    operands,
    call: (given, more) => functions[name](...argumentsOf(given, more)) as Promise<Returned>,
    callSync: (given, more) => functions[`${name}Sync`](...argumentsOf(given, more)) as Returned,
    outs,
    options,
    optional,
    numbers,
  };
}

const DOUBLE_GRADIENTS = {
  gradGradOutput: 'outGradGradOutput',
  gradInput: 'outGradInput',
  gradWeight: 'outGradWeight',
};
const PAIR_GRADIENTS = { gradA: 'outGradA', gradB: 'outGradB' };
const GRADIENTS = { gradInput: 'outGradInput', gradWeight: 'outGradWeight', gradBias: 'outGradBias' };
export const FUNCTION_CASES: FunctionCase[] = [
  ...([1, 2, 3] as const).flatMap((axes) => {
    const spatial = (length: number): number[] => Array.from({ length: axes }, () => length);
    const options = { stride: 2, padding: 1 };
    const [small, large] = [[2, 3, ...spatial(4)], [2, 5, ...spatial(7)]]; // prettier-ignore
    const weight = [3, 5, ...spatial(3)];
    return [
      caseOf(`convTranspose${axes}d`, { input: small, weight, bias: [5] }, options),
      caseOf(`convTranspose${axes}dBackward`, { gradOutput: large, input: small, weight }, options, GRADIENTS),
      caseOf(
        `convTranspose${axes}dDoubleBackward`,
        { gradGradInput: small, gradGradWeight: weight, gradGradBias: [5], gradOutput: large, input: small, weight },
        options,
        DOUBLE_GRADIENTS,
        [],
        { optional: ['gradGradInput', 'gradGradWeight', 'gradGradBias'] },
      ),
      caseOf(`conv${axes}d`, { input: large, weight, bias: [3] }, options),
      caseOf(`conv${axes}dBackward`, { gradOutput: small, input: large, weight }, options, GRADIENTS),
    ];
  }),
  ...['add', 'mul'].flatMap((name) => {
    const numbers = ['b'];
    return [
      caseOf(name, { a: [2, 3, 4], b: [3, 1] }, {}, { '': 'out' }, [], { numbers }),
      caseOf(`${name}Backward`, { gradOutput: [2, 3, 4], a: [2, 3, 4], b: [3, 1] }, {}, PAIR_GRADIENTS, [], {
        numbers,
      }),
    ];
  }),
  caseOf('cat', { 'tensors[0]': [2, 3], 'tensors[1]': [2, 1] }, {}, { '': 'out' }, [1], { arrange: (all) => [all] }),
  caseOf('catBackward', { gradOutput: [2, 4], 'tensors[0]': [2, 3], 'tensors[1]': [2, 1] }, {}, {}, [1], {
    arrange: ([gradOutput, ...tensors]) => [gradOutput, tensors],
  }),
  caseOf('activate', { input: [3, 4] }, {}, { '': 'out' }, ['gelu']),
  caseOf('activateBackward', { gradOutput: [3, 4], input: [3, 4] }, {}, { gradInput: 'outGradInput' }, ['tanh']),
  caseOf('prelu', { input: [2, 3, 4], weight: [3] }),
  caseOf(
    'preluBackward',
    { gradOutput: [2, 3, 4], input: [2, 3, 4], weight: [3] },
    {},
    {
      gradInput: 'outGradInput',
      gradWeight: 'outGradWeight',
    },
  ),
  ...['batchNorm', 'instanceNorm', 'layerNorm2d'].flatMap((name) => {
    const options = name === 'batchNorm' ? { training: true } : {};
    const optional = ['weight', 'bias'];
    const input = [2, 3, 4, 5];
    return [
      caseOf(name, { input, weight: [3], bias: [3] }, options, { '': 'out' }, [], { optional }),
      caseOf(`${name}Backward`, { gradOutput: input, input, weight: [3] }, options, GRADIENTS, [], { optional }),
    ];
  }),
  caseOf('matmul', { a: [2, 4, 3], b: [3, 5] }),
  caseOf('fold', { columns: [2, 12, 6] }, {}, { '': 'out' }, [[3, 4], 2]),
  caseOf('unfold', { input: [2, 3, 3, 4] }, {}, { '': 'out' }, [2]),
  ...['mseLoss', 'l1Loss', 'bceWithLogitsLoss'].map((name) => caseOf(name, { pred: [3, 4], target: [3, 4] }, {}, {})),
];
