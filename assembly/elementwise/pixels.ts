/** Interleaved 8-bit samples to float32 planes and back. Items are pieces of `itemLength` pixels. */

import { PixelsParams } from '../params';

/** plane c = sample · scale[c] + offset[c]; `luma` makes the one plane of red, green and blue. */
export function pixelsToPlanes(p: PixelsParams, begin: i32, end: i32): void {
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
export function planesToPixels(p: PixelsParams, begin: i32, end: i32): void {
  const first = begin * p.itemLength;
  const last = min(end * p.itemLength, p.length);
  const shift: usize = p.elementBytes == 8 ? 3 : 2;
  for (let c = 0; c < 4; c++) {
    let planePtr = c < 3 ? p.planesPtr + ((<usize>(min(c, p.channels - 1) * p.length)) << shift) : p.alphaPtr;
    planePtr += (<usize>first) << shift;
    for (let pixel = first; pixel < last; pixel++) {
      let value = p.alpha;
      if (c < 3 || p.alphaPtr != 0) value = shift == 3 ? load<f64>(planePtr) : <f64>load<f32>(planePtr);
      value = nearest<f64>(value * 255);
      if (!(value > 0)) value = 0;
      store<u8>(p.pixelsPtr + ((<usize>pixel) << 2) + c, <u8>(<u32>min<f64>(value, 255)));
      planePtr += (<usize>1) << shift;
    }
  }
}
