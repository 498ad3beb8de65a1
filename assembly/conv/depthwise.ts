/**
 * Forward for one input channel per group: no GEMM, each plane row is summed from its taps and written once.
 *
 * An item owns (image, output channel, box of plane coordinates), as in conv_transpose_forward.ts. A plane element
 * q of one phase is Σ weight[tap] · input[q − shift[tap]] over the taps of that phase. The inputs that the box reads
 * are copied into a buffer with a zero halo, so that no column needs a test; when a weight is NaN or infinite, 0 · weight
 * would not be 0, and each input is tested instead.
 *
 *   thread workspace:  box | planes of one channel | input with halo | row buffer
 */

import { Activation } from '../elementwise/activation';
import { elements } from '../elements';
import { ConvParams } from '../params';
import { simd } from '../simd';
import { Box, boxes } from './box';
import { flush } from './col2im';
import { geometry } from './geometry';

/** Item: (group, output channel of the group, image, box D, box H, box W), the last one fastest. */
export function depthwiseForward(p: ConvParams, begin: i32, end: i32, thread: i32): void {
  if (p.elementBytes == 8) run<f64>(p, begin, end, thread);
  else run<f32>(p, begin, end, thread);
}

function run<T extends number>(p: ConvParams, begin: i32, end: i32, thread: i32): void {
  const workspacePtr = p.workspacePtr + <usize>thread * <usize>p.threadBytes;
  const box = changetype<Box>(workspacePtr);
  for (let item = begin; item < end; item++) {
    let rest = boxes.take(p, item, box);
    const image = rest % p.batch;
    rest /= p.batch;
    const channel = rest % p.outChannels;
    const group = rest / p.outChannels;
    const d0 = box.d0;
    const d1 = box.d1;
    const h0 = box.h0;
    const h1 = box.h1;
    const w0 = box.w0;
    const w1 = box.w1;
    const inputPtr = p.inputPtr + geometry.bytes<T>(image * p.inputBatchStride + group * p.inputChannelStride);
    const weightPtr = p.weightPtr + geometry.bytes<T>(group * p.weightInStride + channel * p.weightOutStride);
    const planesPtr = workspacePtr + Box.bytes;
    const paddedPtr = workspacePtr + p.panelsOffset;
    const exact = hasNonFinite<T>(p, weightPtr);
    copyWithHalo<T>(p, inputPtr, d0, d1, h0, h1, w0, w1, paddedPtr);
    const phases = p.phasesD * p.phasesH * p.phasesW;
    for (let phase = 0; phase < phases; phase++) {
      for (let d = d0; d < d1; d++) {
        for (let h = h0; h < h1; h++) {
          const targetPtr =
            planesPtr + geometry.bytes<T>(phase * p.planeSize + (d - d0) * p.planeSlice + (h - h0) * p.planeRow);
          const rowPtr = paddedPtr + geometry.bytes<T>((d - d0) * p.paddedSlice + (h - h0) * p.paddedRow);
          if (exact) {
            for (let q = w0; q < w1; q++) {
              const at = geometry.bytes<T>(q - w0);
              store<T>(targetPtr + at, sumElement<T>(p, phase, d, h, q, rowPtr + at, weightPtr));
            }
          } else {
            sumRow<T>(p, phase, rowPtr, w1 - w0, weightPtr, targetPtr);
          }
        }
      }
    }
    const outChannel = group * p.outChannels + channel;
    const outputPtr = p.outputPtr + geometry.bytes<T>(image * p.outputBatchStride + outChannel * p.outputChannelStride);
    const biasPtr = p.biasPtr != 0 ? p.biasPtr + geometry.bytes<T>(outChannel) : 0;
    const rowBufferPtr = workspacePtr + p.rowBufferOffset;
    flush(p, box, planesPtr, outputPtr, biasPtr, 1, w0, rowBufferPtr);
  }
}

function hasNonFinite<T extends number>(p: ConvParams, weightPtr: usize): bool {
  for (let tap = 0; tap < p.taps; tap++) {
    const offset = load<i32>(p.tapTablePtr + ((<usize>tap) << 4), 12);
    if (geometry.nonFinite<T>(load<T>(weightPtr + geometry.bytes<T>(offset)))) return true;
  }
  return false;
}

/** Inputs from d0 − maxShiftD … d1 − 1, h and w alike, after their activation; zero where there is none. */
function copyWithHalo<T extends number>(
  p: ConvParams,
  inputPtr: usize,
  d0: i32,
  d1: i32,
  h0: i32,
  h1: i32,
  w0: i32,
  w1: i32,
  paddedPtr: usize,
): void {
  const first = w0 - p.maxShiftW;
  const begin = min(max(-first, 0), p.paddedRow);
  const end = max(min(p.inputW, w1) - first, begin);
  for (let d = d0 - p.maxShiftD; d < d1; d++) {
    for (let h = h0 - p.maxShiftH; h < h1; h++) {
      const row = (d - d0 + p.maxShiftD) * p.paddedSlice + (h - h0 + p.maxShiftH) * p.paddedRow;
      const targetPtr = paddedPtr + geometry.bytes<T>(row);
      memory.fill(targetPtr, 0, geometry.bytes<T>(p.paddedRow));
      if (<u32>d >= <u32>p.inputD || <u32>h >= <u32>p.inputH) continue;
      const offset = d * p.inputStrideD + h * p.inputStrideH + (first + begin) * p.inputStrideW;
      const to = targetPtr + geometry.bytes<T>(begin);
      elements.copy(
        inputPtr + geometry.bytes<T>(offset),
        p.inputStrideW * sizeof<T>(),
        to,
        sizeof<T>(),
        end - begin,
        sizeof<T>(),
      );
      if (p.inputActivation != 0) {
        Activation.row(p.elementBytes, p.inputActivation, to, end - begin, p.inputActivationA, p.inputActivationB);
      }
    }
  }
}

/**
 * `count` elements of a plane row, rounded up to whole vectors: the row and the halo have room for them.
 * `rowPtr` is the first row that the last tap reads; the table adds the way to the others.
 */
function sumRow<T extends number>(
  p: ConvParams,
  phase: i32,
  rowPtr: usize,
  count: i32,
  weightPtr: usize,
  targetPtr: usize,
): void {
  const lanes = <i32>(16 / sizeof<T>());
  const runPtr = p.runTablePtr + ((<usize>phase) << 2);
  const tapsPtr = p.packTablePtr + ((<usize>load<i32>(runPtr)) << 3);
  const tapsEnd = p.packTablePtr + ((<usize>load<i32>(runPtr, 4)) << 3);
  let q = 0;
  for (; q + 2 * lanes < count; q += 4 * lanes) {
    let a = v128.splat<T>(<T>0);
    let b = a;
    let c = a;
    let d = a;
    for (let tapPtr = tapsPtr; tapPtr < tapsEnd; tapPtr += 8) {
      const weight = v128.load_splat<T>(weightPtr + geometry.bytes<T>(load<i32>(tapPtr, 4)));
      const from = rowPtr + geometry.bytes<T>(load<i32>(tapPtr));
      a = simd.madd<T>(weight, v128.load(from), a);
      b = simd.madd<T>(weight, v128.load(from, 16), b);
      c = simd.madd<T>(weight, v128.load(from, 32), c);
      d = simd.madd<T>(weight, v128.load(from, 48), d);
    }
    v128.store(targetPtr, a);
    v128.store(targetPtr, b, 16);
    v128.store(targetPtr, c, 32);
    v128.store(targetPtr, d, 48);
    rowPtr += 64;
    targetPtr += 64;
  }
  for (; q < count; q += lanes) {
    let sum = v128.splat<T>(<T>0);
    for (let tapPtr = tapsPtr; tapPtr < tapsEnd; tapPtr += 8) {
      const weight = v128.load_splat<T>(weightPtr + geometry.bytes<T>(load<i32>(tapPtr, 4)));
      sum = simd.madd<T>(weight, v128.load(rowPtr + geometry.bytes<T>(load<i32>(tapPtr))), sum);
    }
    v128.store(targetPtr, sum);
    rowPtr += 16;
    targetPtr += 16;
  }
}

/** One plane element, its inputs tested one by one; `cellPtr` as `rowPtr` of `sumRow`. */
function sumElement<T extends number>(
  p: ConvParams,
  phase: i32,
  d: i32,
  h: i32,
  q: i32,
  cellPtr: usize,
  weightPtr: usize,
): T {
  const runPtr = p.runTablePtr + ((<usize>phase) << 2);
  const end = load<i32>(runPtr, 4);
  let sum: T = <T>0;
  for (let tap = load<i32>(runPtr); tap < end; tap++) {
    const tapPtr = p.tapTablePtr + ((<usize>tap) << 4);
    const rowD = d - load<i32>(tapPtr);
    const rowH = h - load<i32>(tapPtr, 4);
    const w = q - load<i32>(tapPtr, 8);
    if (<u32>rowD >= <u32>p.inputD || <u32>rowH >= <u32>p.inputH || <u32>w >= <u32>p.inputW) continue;
    const weight = load<T>(weightPtr + geometry.bytes<T>(load<i32>(tapPtr, 12)));
    const offset = load<i32>(p.packTablePtr + ((<usize>tap) << 3));
    sum = simd.maddScalar<T>(weight, load<T>(cellPtr + geometry.bytes<T>(offset)), sum);
  }
  return sum;
}
