/** Sum of each channel over batch and spatial axes. */

import { element } from '../elements';
import { ChannelSumParams } from '../params';

/** Elements that are added in their own type; these partial sums are added in float64. */
const CHUNK = 2048;

/** Item: a channel. */
export function channelSum(p: ChannelSumParams, begin: i32, end: i32, _thread: i32): void {
  const bytes = p.elementBytes;
  for (let channel = begin; channel < end; channel++) {
    let sum: f64 = 0;
    for (let n = 0; n < p.batch; n++) {
      for (let d = 0; d < p.lengthD; d++) {
        for (let h = 0; h < p.lengthH; h++) {
          const offset = n * p.batchStride + channel * p.channelStride + d * p.strideD + h * p.strideH;
          let at = p.sourcePtr + offset * bytes;
          for (let w = 0; w < p.lengthW; w += CHUNK) {
            const count = min(CHUNK, p.lengthW - w);
            sum += bytes == 8 ? sumRow<f64>(at, p.strideW, count) : sumRow<f32>(at, p.strideW, count);
            at += CHUNK * p.strideW * bytes;
          }
        }
      }
    }
    const targetPtr = p.targetPtr + channel * bytes;
    if (!p.accumulate) memory.fill(targetPtr, 0, bytes);
    element.add(targetPtr, sum, bytes);
  }
}

function sumRow<T>(ptr: usize, stride: i32, count: i32): f64 {
  const lanes = <i32>(16 / sizeof<T>());
  let sum: f64 = 0;
  let i = 0;
  if (stride == 1 && count >= 4 * lanes) {
    let a = v128.load(ptr);
    let b = v128.load(ptr, 16);
    let c = v128.load(ptr, 32);
    let d = v128.load(ptr, 48);
    ptr += 64;
    for (i = 4 * lanes; i + 4 * lanes <= count; i += 4 * lanes) {
      a = v128.add<T>(a, v128.load(ptr));
      b = v128.add<T>(b, v128.load(ptr, 16));
      c = v128.add<T>(c, v128.load(ptr, 32));
      d = v128.add<T>(d, v128.load(ptr, 48));
      ptr += 64;
    }
    a = v128.add<T>(v128.add<T>(a, b), v128.add<T>(c, d));
    sum = <f64>v128.extract_lane<T>(a, 0) + <f64>v128.extract_lane<T>(a, 1);
    if (sizeof<T>() == 4) sum += <f64>v128.extract_lane<f32>(a, 2) + <f64>v128.extract_lane<f32>(a, 3);
  }
  const step = (<usize>stride) << alignof<T>();
  for (; i < count; i++) {
    sum += <f64>load<T>(ptr);
    ptr += step;
  }
  return sum;
}
