/** Plan of a batched matrix product, from a spec in numbers. */

import type { Dtype } from '../core/dtype.ts';
import type { KernelSet } from '../core/kernel_set.ts';
import { checkOptions } from '../core/validate.ts';
import { planMatmul as planProduct } from '../plan/matmul.ts';
import type { Plan } from './plan.ts';
import { withOperands } from '../plan/stage.ts';
import { makePlan } from './plan.ts';
import { checkCommon, checkDistinct, checkOperand, checkSize } from './spec.ts';

export interface MatmulSpec {
  readonly dtype: Dtype;
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Element strides of (batch, m, k), row-major when left out; 0 for the batch repeats one matrix. */
  readonly aStrides?: readonly number[] | undefined;
  /** Of (batch, k, n). */
  readonly bStrides?: readonly number[] | undefined;
  /** Of (batch, m, n). */
  readonly outputStrides?: readonly number[] | undefined;
  readonly kernelSet: KernelSet;
  readonly microkernel?: string | undefined;
}

const FIELDS = ['dtype', 'batch', 'm', 'n', 'k', 'aStrides', 'bStrides', 'outputStrides', 'kernelSet', 'microkernel'];

/**
 * Plan of `output = a · b` for each of `batch` matrices. `bind` takes `params, workspace, a, b, output`.
 * @throws {ShapeError} sizes below 0 or beyond 32 bits
 * @throws {ArgumentError} every other value that is not allowed, unknown fields
 * @throws {DtypeError | TypeError}
 */
export function planMatmul(spec: MatmulSpec): Plan {
  const operation = 'planMatmul';
  checkOptions(operation, spec, FIELDS);
  const common = checkCommon(operation, spec);
  const { dtype } = common;
  const size = (name: 'batch' | 'm' | 'n' | 'k') => checkSize(operation, name, spec[name], 0);
  const [batch, m, n, k] = [size('batch'), size('m'), size('n'), size('k')];
  const operand = (name: 'a' | 'b' | 'output', shape: readonly number[]) =>
    checkOperand(operation, dtype, name, shape, spec[`${name}Strides`]);
  const a = operand('a', [batch, m, k]);
  const b = operand('b', [batch, k, n]);
  const output = operand('output', [batch, m, n]);
  checkDistinct(operation, 'outputStrides', output);
  const part = planProduct({
    ...common,
    batch: [{ length: batch, a: a.strides[0], b: b.strides[0], c: output.strides[0] }],
    m,
    n,
    k,
    a: { row: a.strides[1], column: a.strides[2] },
    b: { row: b.strides[1], column: b.strides[2] },
    c: { row: output.strides[1], column: output.strides[2] },
  });
  return makePlan([{ ...part, stages: withOperands(part.stages, { c: 'output' }) }], {
    dtype,
    outputShape: output.shape,
    operands: { a: a.bytes, b: b.bytes, output: output.bytes },
    optional: [],
  });
}
