/** Sum of each channel, or of its absolute values, over batch and spatial axes. */

import { element } from '../elements';
import { ChannelSumParams } from '../params';

/** Elements that are added in their own type; these partial sums are added in float64. */
const CHUNK = 2048;

/** Item: a channel; the first `quads` items are four channels each, neighbours in memory. */
export function channelSum(p: ChannelSumParams, begin: i32, end: i32, _thread: i32): void {
  const bytes = p.elementBytes;
  const keep = i32x4.splat(p.absolute ? 0x7fffffff : -1); // of float32
  for (let item = begin; item < end; item++) {
    const together = item < p.quads;
    const channel = together ? item << 2 : item + 3 * p.quads;
    let sum: f64 = 0;
    let low = f64x2.splat(0);
    let high = f64x2.splat(0);
    for (let n = 0; n < p.batch; n++) {
      for (let d = 0; d < p.lengthD; d++) {
        for (let h = 0; h < p.lengthH; h++) {
          const offset = n * p.batchStride + channel * p.channelStride + d * p.strideD + h * p.strideH;
          let at = p.sourcePtr + offset * bytes;
          for (let w = together ? p.lengthW : 0; w > 0; w--) {
            const values = v128.and(v128.load(at), keep);
            low = f64x2.add(low, f64x2.promote_low_f32x4(values));
            high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<i64>(values, values, 1, 1)));
            at += p.strideW * bytes;
          }
          for (let w = together ? p.lengthW : 0; w < p.lengthW; w += CHUNK) {
            const count = min(CHUNK, p.lengthW - w);
            sum += sumRow(at, p.strideW, count, bytes, keep);
            at += CHUNK * p.strideW * bytes;
          }
        }
      }
    }
    const targetPtr = p.targetPtr + channel * bytes;
    addSum(p, targetPtr, together ? f64x2.extract_lane(low, 0) : sum);
    if (!together) continue;
    addSum(p, targetPtr + 4, f64x2.extract_lane(low, 1));
    addSum(p, targetPtr + 8, f64x2.extract_lane(high, 0));
    addSum(p, targetPtr + 12, f64x2.extract_lane(high, 1));
  }
}

function addSum(p: ChannelSumParams, targetPtr: usize, sum: f64): void {
  if (!p.accumulate) memory.fill(targetPtr, 0, p.elementBytes);
  element.add(targetPtr, sum, p.elementBytes);
}

function sumRow(ptr: usize, stride: i32, count: i32, bytes: i32, keep: v128): f64 {
  let sum: f64 = 0;
  const block = 64 / bytes;
  if (stride == 1 && count >= block) {
    let a = v128.and(v128.load(ptr), keep);
    let b = v128.and(v128.load(ptr, 16), keep);
    let c = v128.and(v128.load(ptr, 32), keep);
    let d = v128.and(v128.load(ptr, 48), keep);
    ptr += 64;
    for (count -= block; count >= block; count -= block) {
      a = element.sums(a, v128.and(v128.load(ptr), keep), bytes);
      b = element.sums(b, v128.and(v128.load(ptr, 16), keep), bytes);
      c = element.sums(c, v128.and(v128.load(ptr, 32), keep), bytes);
      d = element.sums(d, v128.and(v128.load(ptr, 48), keep), bytes);
      ptr += 64;
    }
    a = element.sums(element.sums(a, b, bytes), element.sums(c, d, bytes), bytes);
    sum = element.total(a, bytes);
  }
  for (; count > 0; count--) {
    const value = element.number(ptr, bytes);
    sum += i32x4.extract_lane(keep, 0) < 0 ? value : abs<f64>(value);
    ptr += stride * bytes;
  }
  return sum;
}
