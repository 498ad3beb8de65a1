/**
 * Sizes of the blocks that loops work in: functions of geometry, dtype and kernel set only, so that
 * results do not depend on the machine. Bytes are for caches of common CPUs: L1 ≥ 32 KiB, L2 ≥ 1 MiB.
 */

import type { Dtype } from '../core/dtype.ts';
import type { KernelSet } from '../core/kernel_set.ts';
import { checkChoice } from '../core/validate.ts';

/** Columns of a micro-kernel. */
export function nrOf(dtype: Dtype): number {
  return dtype === 'float64' ? 4 : 8;
}

/** Relative speed of the micro-kernels that exist, by height: FMAs per load of B. */
const SPEED: Readonly<Record<number, number>> = { 6: 1, 5: 0.97, 4: 0.86 };

/** Heights that run well for a kernel set, the fastest first: 6 rows spill without fused multiply-add. */
const HEIGHTS: Readonly<Record<KernelSet, readonly number[]>> = { wide: [6, 4], relaxed: [6, 5, 4], simd: [5, 4] };

/** Float64 is for checking gradients, which does not pay for more. */
const FLOAT64_HEIGHT = 4;

/** Names of the micro-kernels of a kernel set, the fastest first; 'simd' runs those that spill, too. */
export function microkernels(kernelSet: KernelSet): string[] {
  return HEIGHTS[kernelSet === 'simd' ? 'relaxed' : kernelSet].map((mr) => microkernelName(mr, kernelSet));
}

/** Two strips are one in the wide set. */
export function microkernelName(mr: number, kernelSet: KernelSet): string {
  return `${mr}x${nrOf('float32') * (kernelSet === 'wide' ? 2 : 1)}`;
}

/** Height of the micro-kernel that products of many rows take. */
export function defaultMr(kernelSet: KernelSet): number {
  return HEIGHTS[kernelSet][0];
}

/**
 * Height of the micro-kernel that was asked for by name, that of its tile of float32: '6x8' has a height of 6.
 * @throws {ArgumentError} when the kernel set has none of this name.
 */
export function checkMicrokernel(operation: string, name: unknown, kernelSet: KernelSet): number {
  return Number.parseInt(checkChoice(operation, 'microkernel', name, microkernels(kernelSet)), 10);
}

/**
 * Height of the micro-kernel for a product, by the time its padded tiles take; float64 has one.
 * @param paddedRows rows with padding to a height of mr
 */
export function chooseMr(
  {
    dtype,
    kernelSet,
    mr: forced,
  }: { readonly dtype: Dtype; readonly kernelSet: KernelSet; readonly mr: number | null },
  paddedRows: (mr: number) => number,
): number {
  if (dtype === 'float64') return FLOAT64_HEIGHT;
  if (forced !== null) return forced;
  let best = defaultMr(kernelSet);
  let bestCost = Infinity;
  for (const mr of HEIGHTS[kernelSet]) {
    const cost = stepCycles(paddedRows(mr), mr, kernelSet);
    if (cost < bestCost) {
      best = mr;
      bestCost = cost;
    }
  }
  return best;
}

/** Cycles of one step of K of `rows` rows and a strip, in tiles of height mr: two vectors of a row make one. */
export function stepCycles(rows: number, mr: number, kernelSet: KernelSet): number {
  return rows / (SPEED[mr] * vectorSpeed(kernelSet));
}

/** Vectors of 128 bits that a micro-kernel multiplies in the time of one. */
export function vectorSpeed(kernelSet: KernelSet): number {
  return { wide: 1.8, relaxed: 1, simd: 0.7 }[kernelSet];
}

/** An A micro-panel and a B strip of this depth fit L1 together. */
export const MAXIMUM_KC = 256;

/** Depth of a block of K: as even as possible, a multiple of `unit` where that fits. */
export function chooseKc(depth: number, unit: number = 1): number {
  if (depth <= MAXIMUM_KC) return Math.max(depth, 1);
  if (unit > MAXIMUM_KC) return MAXIMUM_KC;
  const units = depth / unit;
  const perBlock = Math.floor(MAXIMUM_KC / unit);
  const blocks = Math.ceil(units / perBlock);
  return Math.ceil(units / blocks) * unit;
}

/** Packed A that is used again stays in half of L2. */
export const A_BLOCK_BYTES: number = 512 * 1024;
/** Planes of one item, read and written once per tile. */
export const PLANES_BYTES: number = 512 * 1024;
/** Packed B of one item. */
export const B_PANELS_BYTES: number = 512 * 1024;
/** An item is worth a hand-over to another thread, and short enough to abort between two. */
export const ITEM_FLOPS = 16e6;
/** Threads find enough to do in this many items. */
const ENOUGH_ITEMS = 16;
/** A page draws between two items, so none of them is longer where it can be cut: 2 ms, 4 on a slow machine. */
const LONGEST_ITEM_FLOPS = 100e6;
/** With so many rows of A, packing B for them costs about a hundredth of the product. */
export const ROWS_WORTH_PACKING = 192;

/** Into how many parts each of `items` has to be cut, so that items are neither fewer than is `enough` nor long. */
export function missingItems(flops: number, items: number, enough: number = ENOUGH_ITEMS): number {
  const wanted = Math.max(1, Math.min(enough, Math.floor(flops / ITEM_FLOPS)), flops / LONGEST_ITEM_FLOPS);
  return ceilDiv(wanted, Math.max(items, 1));
}

export function ceilDiv(a: number, b: number): number {
  return Math.ceil(a / b);
}

export function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/** The largest part of `total` that is at most `part`, such that all parts are nearly of one size. */
export function evenly(total: number, part: number): number {
  return ceilDiv(total, ceilDiv(total, part));
}
