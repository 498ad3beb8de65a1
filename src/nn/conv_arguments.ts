/** Constructor arguments of convolution modules, checked. */

import type { Activation, CheckedActivation } from '../core/activation.ts';
import { checkActivation } from '../core/activation.ts';
import type { Dtype } from '../core/dtype.ts';
import { checkDtype, isNumbers } from '../core/dtype.ts';
import { ArgumentError } from '../core/errors.ts';
import type { Generator } from '../core/generator.ts';
import type { MemoryFormat } from '../core/memory_format.ts';
import { checkMemoryFormat } from '../core/memory_format.ts';
import type { PerAxis } from '../core/validate.ts';
import {
  checkBoolean,
  checkChoice,
  checkInteger,
  checkOptions,
  checkPerAxis,
  describe,
  wrongType,
} from '../core/validate.ts';
import type { Engine } from '../engine/engine.ts';
import type { Padding, SpatialRank } from '../functional/conv_options.ts';
import { checkCommon } from '../functional/conv_options.ts';
import type { ConvKind } from '../functional/conv_problem.ts';
import { CONV_TRANSPOSE } from '../functional/conv_problem.ts';

export interface ConvModuleOptions {
  stride?: PerAxis;
  /** Zeros on both sides of each axis, [begin, end] per axis, 'same' (stride 1) or 'valid'. */
  padding?: Padding | 'same' | 'valid';
  groups?: number;
  /** Whether there is a bias; default true. */
  bias?: boolean;
  dilation?: PerAxis;
  paddingMode?: 'zeros';
  /** Applied to the output. */
  activation?: Activation;
  /** Applied to the input. */
  inputActivation?: Activation;
  dtype?: Dtype;
  /** Of outputs and input gradients; default 'contiguous'. Inputs may have any strides. */
  memoryFormat?: MemoryFormat;
  /** Default: the engine that `init()` made. */
  engine?: Engine;
  /** Source of the initial parameters; default: the generator that `manualSeed` seeds. */
  generator?: Generator;
}

export interface ConvTransposeModuleOptions extends Omit<ConvModuleOptions, 'padding'> {
  padding?: Padding;
  outputPadding?: PerAxis;
}

/** Which of the six modules. */
export interface ConvType {
  readonly kind: ConvKind;
  readonly axes: SpatialRank;
}

export interface CheckedConvModule {
  /** 0 while it is not known. */
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  /** One number per axis; pairs where begin and end differ; a word. */
  readonly padding: readonly number[] | readonly (readonly [number, number])[] | 'same' | 'valid';
  readonly outputPadding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
  readonly bias: boolean;
  readonly paddingMode: 'zeros';
  readonly activation: CheckedActivation;
  readonly inputActivation: CheckedActivation;
  readonly dtype: Dtype;
  readonly memoryFormat: MemoryFormat;
}

const KNOWN = [
  'stride',
  'padding',
  'groups',
  'bias',
  'dilation',
  'paddingMode',
  'activation',
  'inputActivation',
  'dtype',
  'memoryFormat',
  'engine',
  'generator',
];

/**
 * Everything but `outputPadding`, which an `outputSize` may replace later.
 * @param inChannels null while it is not known
 * @throws {TypeError | ArgumentError | DtypeError} for values of the wrong type or out of range.
 */
export function checkConvModule(
  typeName: string,
  { kind, axes }: ConvType,
  inChannels: number | null,
  outChannels: number,
  kernelSize: PerAxis,
  options: ConvTransposeModuleOptions & ConvModuleOptions,
): CheckedConvModule {
  const transposed = kind === CONV_TRANSPOSE;
  checkOptions(typeName, options, transposed ? [...KNOWN, 'outputPadding'] : KNOWN);
  if (inChannels !== null) checkInteger(typeName, 'inChannels', inChannels, 1);
  checkInteger(typeName, 'outChannels', outChannels, 1);
  const word = !transposed && typeof options.padding === 'string';
  const common = checkCommon(typeName, axes, word ? { ...options, padding: 0 } : options);
  const { stride, dilation, groups } = common;
  checkGrouped(typeName, 'inChannels', inChannels ?? 0, groups);
  checkGrouped(typeName, 'outChannels', outChannels, groups);
  const even = common.padding.every(([begin, end]) => begin === end);
  const numbers = even ? common.padding.map(([begin]) => begin) : common.padding;
  return {
    inChannels: inChannels ?? 0,
    outChannels,
    kernelSize: checkPerAxis(typeName, 'kernelSize', kernelSize, axes, 1),
    stride,
    padding: word ? checkPaddingWord(typeName, options.padding, stride) : numbers,
    outputPadding: spreadOutputPadding(typeName, options.outputPadding ?? 0, axes),
    dilation,
    groups,
    bias: checkBoolean(typeName, 'bias', options.bias ?? true),
    paddingMode: checkChoice(typeName, 'paddingMode', options.paddingMode ?? 'zeros', ['zeros']),
    activation: checkActivation(typeName, 'activation', options.activation),
    inputActivation: checkActivation(typeName, 'inputActivation', options.inputActivation),
    dtype: checkDtype(typeName, options.dtype ?? 'float32'),
    memoryFormat: checkMemoryFormat(typeName, options.memoryFormat),
  };
}

/** @throws {ArgumentError} when the channels do not divide into the groups */
export function checkGrouped(operation: string, argument: string, channels: number, groups: number): void {
  if (channels % groups === 0) return;
  throw new ArgumentError(operation, argument, `a multiple of groups = ${groups}`, String(channels));
}

function checkPaddingWord(typeName: string, padding: unknown, stride: readonly number[]): 'same' | 'valid' {
  const word = checkChoice(typeName, 'padding', padding, ['same', 'valid']);
  if (word === 'same' && stride.some((step) => step !== 1)) {
    throw new ArgumentError(typeName, 'stride', "1 with padding 'same'", describe([...stride]));
  }
  return word;
}

/** One entry per axis, of whatever value: the call checks those. */
function spreadOutputPadding(typeName: string, value: unknown, axes: number): number[] {
  const entries = typeof value === 'number' ? [value] : value;
  if (!Array.isArray(entries) || !isNumbers(entries)) {
    throw wrongType(typeName, 'outputPadding', 'a number or an array of numbers', value);
  }
  return entries.length === 1 ? Array.from({ length: axes }, () => entries[0] as number) : [...(entries as number[])];
}
