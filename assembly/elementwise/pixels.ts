/** Interleaved 8-bit samples to float32 planes and back. Items are pieces of `itemLength` pixels. */

import { PixelsParams } from '../params';
import { Lanes } from './lanes';

/** plane c = sample · scale[c] + offset[c]; `luma` makes the one plane of red, green and blue. */
export function pixelsToPlanes(p: PixelsParams, begin: i32, end: i32, _thread: i32): void {
  const first = begin * p.itemLength;
  const last = min(end * p.itemLength, p.length);
  for (let c = 0; c < p.channels; c++) {
    const scale = load<f64>(p.channelTablePtr + ((<usize>c) << 4));
    const offset = load<f64>(p.channelTablePtr + ((<usize>c) << 4), 8);
    let samplePtr = p.pixelsPtr + first * p.samples + min(c, p.samples - 1);
    let planePtr = p.planesPtr + ((<usize>(c * p.length + first)) << 2);
    for (let pixel = first; pixel < last; pixel++) {
      let value = <f64>load<u8>(samplePtr);
      // whole numbers until the division: equal samples give exactly that sample
      if (p.luma) value = (299 * value + 587 * <f64>load<u8>(samplePtr, 1) + 114 * <f64>load<u8>(samplePtr, 2)) / 1000;
      store<f32>(planePtr, <f32>(value * scale + offset));
      samplePtr += p.samples;
      planePtr += 4;
    }
  }
}

/** RGBA from 1, 3 or 4 planes of values 0 … 1: clamped, halves to even, NaN to 0. */
export function planesToPixels(p: PixelsParams, begin: i32, end: i32, _thread: i32): void {
  const last = min(end * p.itemLength, p.length);
  const shift: usize = p.elementBytes == 8 ? 3 : 2;
  const alpha = rounded(f64x2.splat(p.alpha), f64x2.splat(p.alpha));
  for (let pixel = begin * p.itemLength; pixel < last;) {
    const whole = pixel + 4 <= last;
    let rgba = i32x4.splat(0);
    for (let c = 0; c < 4; c++) {
      const planePtr = c < 3 ? p.planesPtr + ((<usize>(min(c, p.channels - 1) * p.length)) << shift) : p.alphaPtr;
      const samples = planePtr != 0 ? samplesOf(planePtr + ((<usize>pixel) << shift), shift == 3, whole) : alpha;
      rgba = v128.or(rgba, i32x4.shl(samples, c << 3));
    }
    const pixelPtr = p.pixelsPtr + ((<usize>pixel) << 2);
    Lanes.storeSome<f32>(pixelPtr, rgba, whole);
    pixel += whole ? 4 : 1;
  }
}

/** Samples of four values, or of one in every lane. */
function samplesOf(ptr: usize, float64: bool, whole: bool): v128 {
  if (float64) return rounded(Lanes.loadSome<f64>(ptr, whole), Lanes.loadSome<f64>(ptr + (whole ? 16 : 0), whole));
  const values = Lanes.loadSome<f32>(ptr, whole);
  // in float64 the product is exact: a float32 one would make ties of values next to them
  return rounded(f64x2.promote_low_f32x4(values), f64x2.promote_low_f32x4(v128.shuffle<i64>(values, values, 1, 1)));
}

function rounded(low: v128, high: v128): v128 {
  const scale = f64x2.splat(255);
  const first = i32x4.trunc_sat_f64x2_s_zero(f64x2.nearest(f64x2.mul(low, scale)));
  const second = i32x4.trunc_sat_f64x2_s_zero(f64x2.nearest(f64x2.mul(high, scale)));
  const all = v128.shuffle<i64>(first, second, 0, 2);
  return i32x4.min_s(i32x4.max_s(all, i32x4.splat(0)), i32x4.splat(255));
}
