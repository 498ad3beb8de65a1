/**
 * Inner loops of the depthwise kernels, float32. A cell is a vector of four neighbours in a row; all cells of one call
 * lie on a lattice, so that one tap is one offset for all of them.
 */

import { simd } from '../simd';

/** Cells after which residues modulo the stride repeat: the least common multiple of 4 and the stride, in cells. */
export function cellPeriod(stride: i32): i32 {
  return (stride & 1) != 0 ? stride : (stride & 2) != 0 ? stride >> 1 : stride >> 2;
}

/**
 * target[cell] = start + Σ weight[tap] · source[cell + offset of the tap], for countA · countB cells.
 *
 * A tile is eight cells, whose sums stay in registers while the taps go by: 8 × 1 or 4 × 2 of the lattice. Where a
 * count is no multiple of that the last tile overlaps the one before, and where the lattice is smaller, cells repeat:
 * both write the same numbers twice.
 *
 * @param tapPtr byte offsets in the source, i32, up to `tapEnd`
 * @param weightPtr one vector per tap, `weightStep` bytes apart
 */
export function sumCells(
  tapPtr: usize,
  tapEnd: usize,
  weightPtr: usize,
  weightStep: usize,
  start: f32,
  sourcePtr: usize,
  targetPtr: usize,
  countA: i32,
  sourceA: usize,
  targetA: usize,
  countB: i32,
  sourceB: usize,
  targetB: usize,
): void {
  const first = f32x4.splat(start);
  if (sourceA == 16 && countA >= 8) {
    for (; countB > 0; countB--) {
      let from = sourcePtr;
      let to = targetPtr;
      let left = countA;
      do {
        let c0 = first;
        let c1 = first;
        let c2 = first;
        let c3 = first;
        let c4 = first;
        let c5 = first;
        let c6 = first;
        let c7 = first;
        let weight = weightPtr;
        for (let tap = tapPtr; tap < tapEnd; tap += 4) {
          const w = v128.load(weight);
          const x = from + <usize>load<i32>(tap);
          weight += weightStep;
          c0 = simd.madd<f32>(w, v128.load(x), c0);
          c1 = simd.madd<f32>(w, v128.load(x, 16), c1);
          c2 = simd.madd<f32>(w, v128.load(x, 32), c2);
          c3 = simd.madd<f32>(w, v128.load(x, 48), c3);
          c4 = simd.madd<f32>(w, v128.load(x, 64), c4);
          c5 = simd.madd<f32>(w, v128.load(x, 80), c5);
          c6 = simd.madd<f32>(w, v128.load(x, 96), c6);
          c7 = simd.madd<f32>(w, v128.load(x, 112), c7);
        }
        v128.store(to, c0);
        v128.store(to, c1, 16);
        v128.store(to, c2, 32);
        v128.store(to, c3, 48);
        v128.store(to, c4, 64);
        v128.store(to, c5, 80);
        v128.store(to, c6, 96);
        v128.store(to, c7, 112);
        left -= 8;
        const next = (<usize>min(left, 8)) << 4;
        from += next;
        to += next;
      } while (left > 0);
      sourcePtr += sourceB;
      targetPtr += targetB;
    }
    return;
  }
  if (countA < 4 && countB > countA) {
    const count = countA;
    const source = sourceA;
    const target = targetA;
    countA = countB;
    sourceA = sourceB;
    targetA = targetB;
    countB = count;
    sourceB = source;
    targetB = target;
  }
  const spanA = countA >= 8 ? 8 : countA >= 4 ? 4 : 1;
  const spanB = spanA < 8 && countB > 1 ? 2 : 1;
  const sourceStep = spanA > 1 ? sourceA : 0;
  const targetStep = spanA > 1 ? targetA : 0;
  const sourceHalf = spanA == 8 ? sourceA << 2 : spanB == 2 ? sourceB : 0;
  const targetHalf = spanA == 8 ? targetA << 2 : spanB == 2 ? targetB : 0;
  for (let b = 0; b < countB; b += spanB) {
    const atB = <usize>min(b, countB - spanB);
    for (let a = 0; a < countA; a += spanA) {
      const atA = <usize>min(a, countA - spanA);
      const from = sourcePtr + atA * sourceA + atB * sourceB;
      let c0 = first;
      let c1 = first;
      let c2 = first;
      let c3 = first;
      let c4 = first;
      let c5 = first;
      let c6 = first;
      let c7 = first;
      let weight = weightPtr;
      for (let tap = tapPtr; tap < tapEnd; tap += 4) {
        const w = v128.load(weight);
        weight += weightStep;
        let x = from + <usize>load<i32>(tap);
        let y = x + sourceHalf;
        c0 = simd.madd<f32>(w, v128.load(x), c0);
        c4 = simd.madd<f32>(w, v128.load(y), c4);
        x += sourceStep;
        y += sourceStep;
        c1 = simd.madd<f32>(w, v128.load(x), c1);
        c5 = simd.madd<f32>(w, v128.load(y), c5);
        x += sourceStep;
        y += sourceStep;
        c2 = simd.madd<f32>(w, v128.load(x), c2);
        c6 = simd.madd<f32>(w, v128.load(y), c6);
        x += sourceStep;
        y += sourceStep;
        c3 = simd.madd<f32>(w, v128.load(x), c3);
        c7 = simd.madd<f32>(w, v128.load(y), c7);
      }
      let to = targetPtr + atA * targetA + atB * targetB;
      v128.store(to, c0);
      v128.store(to + targetHalf, c4);
      to += targetStep;
      v128.store(to, c1);
      v128.store(to + targetHalf, c5);
      to += targetStep;
      v128.store(to, c2);
      v128.store(to + targetHalf, c6);
      to += targetStep;
      v128.store(to, c3);
      v128.store(to + targetHalf, c7);
    }
  }
}

/** row[i] = bias + Σ_r row[i · stride + r] for i < count; up to 28 bytes behind the row are read, up to 12 written. */
export function foldRow(rowPtr: usize, count: i32, stride: i32, bias: f32): void {
  for (; (stride & 1) == 0; stride >>= 1) {
    // halves of a sum are neighbours
    const start = f32x4.splat(stride == 2 ? bias : 0);
    const end = rowPtr + ((count * stride) << 1);
    let from = rowPtr;
    for (let to = rowPtr; to < end; to += 16) {
      const a = v128.load(from);
      const b = v128.load(from, 16);
      const pairs = f32x4.add(v128.shuffle<f32>(a, b, 0, 2, 4, 6), v128.shuffle<f32>(a, b, 1, 3, 5, 7));
      v128.store(to, f32x4.add(pairs, start));
      from += 32;
    }
  }
  if (stride == 1) return;
  let from = rowPtr;
  for (; count > 0; count--) {
    let sum = bias;
    for (let r = stride; r > 0; r--) {
      sum += load<f32>(from);
      from += 4;
    }
    store<f32>(rowPtr, sum);
    rowPtr += 4;
  }
}

/**
 * sums[tap] += Σ x[cell] · y[cell + offset of the tap] for four taps and the cells of `rows` rows, `step` bytes apart. x
 * holds zeros from `count` elements on up to a whole cell; there, y is not looked at.
 *
 * @param tapPtr four byte offsets in y, i32
 * @param sumPtr four vectors
 */
export function dotCells(
  tapPtr: usize,
  sumPtr: usize,
  xPtr: usize,
  yPtr: usize,
  count: i32,
  step: i32,
  rows: i32,
  xRow: usize,
  yRow: usize,
): void {
  const lanes = i32x4(0, 1, 2, 3);
  const pair = step >> 1; // elements from one pair of cells to the next
  const y0 = load<i32>(tapPtr);
  const y1 = load<i32>(tapPtr, 4);
  const y2 = load<i32>(tapPtr, 8);
  const y3 = load<i32>(tapPtr, 12);
  let c0 = v128.load(sumPtr);
  let c1 = v128.load(sumPtr, 16);
  let c2 = v128.load(sumPtr, 32);
  let c3 = v128.load(sumPtr, 48);
  let e0 = f32x4.splat(0);
  let e1 = e0;
  let e2 = e0;
  let e3 = e0;
  for (; rows > 0; rows--) {
    let x = xPtr;
    let y = yPtr;
    let left = count;
    for (; left >= pair; left -= pair) {
      let v = v128.load(x);
      c0 = simd.madd<f32>(v, v128.load(y + y0), c0);
      c1 = simd.madd<f32>(v, v128.load(y + y1), c1);
      c2 = simd.madd<f32>(v, v128.load(y + y2), c2);
      c3 = simd.madd<f32>(v, v128.load(y + y3), c3);
      x += step;
      y += step;
      v = v128.load(x);
      e0 = simd.madd<f32>(v, v128.load(y + y0), e0);
      e1 = simd.madd<f32>(v, v128.load(y + y1), e1);
      e2 = simd.madd<f32>(v, v128.load(y + y2), e2);
      e3 = simd.madd<f32>(v, v128.load(y + y3), e3);
      x += step;
      y += step;
    }
    for (; left > 0; left -= pair >> 1) {
      const v = v128.load(x);
      const exists = i32x4.lt_s(lanes, i32x4.splat(left));
      c0 = simd.madd<f32>(v, v128.and(v128.load(y + y0), exists), c0);
      c1 = simd.madd<f32>(v, v128.and(v128.load(y + y1), exists), c1);
      c2 = simd.madd<f32>(v, v128.and(v128.load(y + y2), exists), c2);
      c3 = simd.madd<f32>(v, v128.and(v128.load(y + y3), exists), c3);
      x += step;
      y += step;
    }
    xPtr += xRow;
    yPtr += yRow;
  }
  v128.store(sumPtr, f32x4.add(c0, e0));
  v128.store(sumPtr, f32x4.add(c1, e1), 16);
  v128.store(sumPtr, f32x4.add(c2, e2), 32);
  v128.store(sumPtr, f32x4.add(c3, e3), 48);
}
