/**
 * Packing of strided operands into micro-panels, and the transposes that it is made of. A and B are packed alike: of A,
 * `vectors` are rows and `width` is mr; of B, they are columns and `width` is nr. Strides count elements.
 */

import { elements } from '../elements';

/** Micro-panels of kc x `width`, one after another: step p of a panel holds entry p of each of its vectors. */
export function packPanels(
  sourcePtr: usize,
  vectorStride: i32,
  depthStride: i32,
  vectors: i32,
  kc: i32,
  width: i32,
  targetPtr: usize,
  bytes: i32,
): void {
  for (let first = 0; first < vectors; first += width) {
    packPanel(
      sourcePtr + first * vectorStride * bytes,
      vectorStride,
      depthStride,
      vectors - first,
      kc,
      width,
      targetPtr,
      bytes,
    );
    targetPtr += width * kc * bytes;
  }
}

/**
 * `count` steps of one panel. When it has fewer vectors than its width, the last one is repeated: nobody reads what
 * comes of it.
 *
 * @param vectorStride elements from one vector to the next
 * @param depthStride elements from one entry of a vector to the next
 */
export function packPanel(
  sourcePtr: usize,
  vectorStride: i32,
  depthStride: i32,
  vectors: i32,
  count: i32,
  width: i32,
  targetPtr: usize,
  bytes: i32,
): void {
  const step = width * bytes;
  const vectorStep = vectorStride * bytes;
  const depthStep = depthStride * bytes;
  const last = vectors - 1;
  if (depthStride == 1) {
    // four vectors at a time; the last four overlap the ones before when the width is not a multiple of four
    for (let v = 0; v < width; v = v + 4 < width ? min(v + 4, width - 4) : width) {
      transpose4(
        sourcePtr + min(v, last) * vectorStep,
        sourcePtr + min(v + 1, last) * vectorStep,
        sourcePtr + min(v + 2, last) * vectorStep,
        sourcePtr + min(v + 3, last) * vectorStep,
        count,
        targetPtr + v * bytes,
        step,
        bytes,
      );
    }
  } else if (vectorStride == 1 && width <= vectors) {
    // 16 to 32 bytes: two vectors, which may overlap
    const second = step - 16;
    for (let p = 0; p < count; p++) {
      v128.store(targetPtr, v128.load(sourcePtr));
      v128.store(targetPtr + second, v128.load(sourcePtr + second));
      sourcePtr += depthStep;
      targetPtr += step;
    }
  } else {
    for (let v = 0; v < width; v++) {
      elements.copy(sourcePtr + min(v, last) * vectorStep, depthStep, targetPtr + v * bytes, step, count, bytes);
    }
  }
}

/**
 * Reads every line of memory of `rows` rows, of which `count` positions of `bytes` bytes each lie `step` apart, before
 * they are turned: only a loop of nothing else has enough misses in flight. A few rows side by side, because memory
 * feeds four streams half as fast again as one (measured: 26 against 18 GB/s from L3, 12 against 7 from DRAM).
 *
 * @param sparePtr of four bytes that are written over later
 */
export function touch(
  from: usize,
  step: usize,
  count: i32,
  bytes: i32,
  rows: i32,
  rowStep: usize,
  sparePtr: usize,
): void {
  let seen = 0;
  for (; count > 0; count--) {
    for (let at = 0; at < bytes; at += 64) {
      let line = from + at;
      for (let row = 0; row < rows; row++) {
        seen ^= load<i32>(line);
        line += rowStep;
      }
    }
    from += step;
  }
  store<i32>(sparePtr, seen); // uses what was read
}

/**
 * Writes `rows` contiguous rows of `count` elements as `count` contiguous groups of `rows`. Steps are in bytes, from
 * one row to the next and from one group to the next.
 */
export function transpose(
  from: usize,
  rowStep: usize,
  rows: i32,
  count: i32,
  to: usize,
  groupStep: usize,
  bytes: i32,
): void {
  if (rows < 4) {
    if (rows > 1 && groupStep == rows * 4 && count > 4) {
      // whole vectors: what a group has too much is the beginning of the next one, which is written later
      const last = from + <usize>(rows - 1) * rowStep;
      const vectors = (count - 1) & ~3;
      transpose4(from, from + rowStep, last, last, vectors, to, groupStep, bytes);
      from += vectors * 4;
      to += <usize>vectors * groupStep;
      count -= vectors;
    }
    for (; rows > 0; rows--) {
      elements.copy(from, bytes, to, groupStep, count, bytes);
      from += rowStep;
      to += bytes;
    }
    return;
  }
  // the last four rows overlap the ones before when there is no multiple of four
  for (let row = 0; row < rows; row = row + 4 < rows ? min(row + 4, rows - 4) : rows) {
    const s = from + <usize>row * rowStep;
    transpose4(s, s + rowStep, s + 2 * rowStep, s + 3 * rowStep, count, to + row * bytes, groupStep, bytes);
  }
}

/** Writes four contiguous rows of `count` elements as `count` groups of four, `step` bytes apart. */
export function transpose4(
  s0: usize,
  s1: usize,
  s2: usize,
  s3: usize,
  count: i32,
  to: usize,
  step: usize,
  bytes: i32,
): void {
  const whole = bytes == 4 ? count & ~3 : 0;
  if (whole > 0) quads.interleave(s0, s1, s2, s3, whole, to, step, f32x4.splat(-0.0)); // x + −0 is x
  if (whole == count) return;
  const at = whole * bytes;
  const left = count - whole;
  to += <usize>whole * step;
  elements.copy(s0 + at, bytes, to, step, left, bytes);
  elements.copy(s1 + at, bytes, to + bytes, step, left, bytes);
  elements.copy(s2 + at, bytes, to + 2 * bytes, step, left, bytes);
  elements.copy(s3 + at, bytes, to + 3 * bytes, step, left, bytes);
}

/** Four rows of float32 at a time. */
export class quads {
  /**
   * Writes four contiguous rows of `count` float32, at least four, as `count` groups of four, `step` bytes apart, plus
   * `addend`. The last four groups overlap the ones before when their number is no multiple of four.
   */
  static interleave(
    s0: usize,
    s1: usize,
    s2: usize,
    s3: usize,
    count: i32,
    to: usize,
    step: usize,
    addend: v128,
  ): void {
    for (;;) {
      const a = v128.load(s0);
      const b = v128.load(s1);
      const c = v128.load(s2);
      const d = v128.load(s3);
      const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
      const cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
      v128.store(to, f32x4.add(v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5), addend));
      v128.store(to + step, f32x4.add(v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7), addend));
      v128.store(to + 2 * step, f32x4.add(v128.shuffle<f32>(ab1, cd1, 0, 1, 4, 5), addend));
      v128.store(to + 3 * step, f32x4.add(v128.shuffle<f32>(ab1, cd1, 2, 3, 6, 7), addend));
      count -= 4;
      if (count <= 0) return;
      const next = min(count, 4);
      s0 += next * 4;
      s1 += next * 4;
      s2 += next * 4;
      s3 += next * 4;
      to += <usize>next * step;
      count += 4 - next;
    }
  }
}
