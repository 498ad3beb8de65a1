/**
 * Operands that lie in memory otherwise than kernels take them: float16 elements, which kernels compute in float32, and
 * strided ones where kernels walk row-major memory. Stages in front bring them into scratch memory, stages behind take
 * results out, rounded once.
 */

import type { Dtype } from '../core/dtype.ts';
import { computeDtype, elementBytes } from '../core/dtype.ts';
import type { Shape } from '../core/shape.ts';
import { contiguousStrides, elementCount, isContiguous } from '../core/shape.ts';
import { planCopy } from './copy.ts';
import { planConvertHalf } from './half.ts';
import type { Pointer, Stage, WorkspaceBytes } from './stage.ts';
import { pointer, withPointers } from './stage.ts';

/** An operand of stages as it lies in memory; kernels take it row-major and in the dtype that they compute in. */
export interface ScratchOperand {
  /** As the stages name it. */
  readonly name: string;
  /** What the stages do with it; 'update' reads what is there and writes. */
  readonly access: 'read' | 'write' | 'update';
  readonly dtype: Dtype;
  /** Without an empty axis. */
  readonly shape: Shape;
  readonly strides: readonly number[];
}

const ALIGNMENT = 64;

/** The same stages on `operands` through scratch memory, which lies in front of their own workspace. */
export function throughScratch(
  stages: readonly Stage[],
  workspaceBytes: WorkspaceBytes,
  operands: readonly ScratchOperand[],
): { readonly stages: readonly Stage[]; readonly workspaceBytes: WorkspaceBytes } {
  let bytes = 0;
  const reserve = (dtype: Dtype, count: number): Pointer => {
    const place = pointer('workspace', bytes);
    bytes += Math.ceil((count * elementBytes(dtype)) / ALIGNMENT) * ALIGNMENT;
    return place;
  };
  const before: Stage[] = [];
  const after: Stage[] = [];
  const places = new Map<string, Pointer>();
  for (const { name, access, dtype, shape, strides } of operands) {
    const direct = isContiguous(shape, strides);
    if (direct && dtype !== 'float16') continue;
    const count = elementCount(shape);
    const place = reserve(computeDtype(dtype), count);
    places.set(name, place);
    // float16 of other strides goes by way of float16 row-major
    const dense = dtype !== 'float16' ? place : direct ? pointer(name) : reserve(dtype, count);
    const copies = (source: readonly number[], target: readonly number[], named: Record<string, Pointer>): Stage[] =>
      direct ? [] : at([planCopy(dtype, shape, source, target)], named);
    const conversions = (to: 'float32' | 'float16'): Stage[] =>
      dtype === 'float16' ? at([planConvertHalf(to, count)], { half: dense, float: place }) : [];
    const rowMajor = contiguousStrides(shape);
    if (access !== 'write') {
      before.push(...copies(strides, rowMajor, { source: pointer(name), target: dense }), ...conversions('float32'));
    }
    if (access !== 'read') {
      after.push(...conversions('float16'), ...copies(rowMajor, strides, { source: dense, target: pointer(name) }));
    }
  }
  const moved = withPointers(stages, ({ at: name, offsetBytes }) => {
    if (name === 'workspace') return pointer(name, bytes + offsetBytes);
    const place = places.get(name);
    return place === undefined ? pointer(name, offsetBytes) : pointer(place.at, place.offsetBytes + offsetBytes);
  });
  return {
    stages: [...before, ...moved, ...after],
    workspaceBytes: { shared: bytes + workspaceBytes.shared, perThread: workspaceBytes.perThread },
  };
}

/** Stages with the operands where `places` says. */
function at(stages: readonly Stage[], places: Readonly<Record<string, Pointer>>): Stage[] {
  return withPointers(stages, (operand) => places[operand.at] ?? operand);
}
