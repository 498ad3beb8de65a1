/** Stages of activations. An item owns one piece of the target: `itemLength` contiguous elements of it. */

import { ActivationParams, PreluParams } from '../params';
import { Activation } from './activation';

/** Number in the activation table; PReLU is this one with a learnt slope per channel. */
const LEAKY_RELU: i32 = 6;

/** Forward, or backward when there is a gradient. */
export function activation<T>(p: ActivationParams, begin: i32, end: i32): void {
  for (let item = begin; item < end; item++) {
    const first = item * p.itemLength;
    const offset = (<usize>first) << alignof<T>();
    const gradPtr = p.gradPtr != 0 ? p.gradPtr + offset : 0;
    const count = min(p.itemLength, p.length - first);
    Activation.apply<T>(p.kind, p.savedPtr + offset, gradPtr, p.targetPtr + offset, count, p.a, p.b);
  }
}

/** Items are (row, piece of the row); row = image · channels + channel. */
export function preluForward<T>(p: PreluParams, begin: i32, end: i32): void {
  for (let item = begin; item < end; item++) {
    const row = item / p.itemsPerRow;
    const first = (item % p.itemsPerRow) * p.itemLength;
    const offset = (<usize>(row * p.rowLength + first)) << alignof<T>();
    const count = min(p.itemLength, p.rowLength - first);
    Activation.apply<T>(LEAKY_RELU, p.inputPtr + offset, 0, p.targetPtr + offset, count, slopeOf<T>(p, row), 0);
  }
}

/** gradInput, and each item's share of gradWeight as a float64 in `partialPtr`; either address may be 0. */
export function preluBackward<T>(p: PreluParams, begin: i32, end: i32): void {
  for (let item = begin; item < end; item++) {
    const row = item / p.itemsPerRow;
    const first = (item % p.itemsPerRow) * p.itemLength;
    const offset = (<usize>(row * p.rowLength + first)) << alignof<T>();
    const count = min(p.itemLength, p.rowLength - first);
    const gradPtr = p.gradPtr + offset;
    const inputPtr = p.inputPtr + offset;
    // before gradInput, which may overwrite gradOutput
    if (p.partialPtr != 0) {
      store<f64>(p.partialPtr + ((<usize>item) << 3), slopeGradient<T>(gradPtr, inputPtr, count));
    }
    if (p.targetPtr != 0) {
      const slope = slopeOf<T>(p, row);
      Activation.apply<T>(LEAKY_RELU, inputPtr, gradPtr, p.targetPtr + offset, count, slope, 0);
    }
  }
}

/** Items are channels: adds the shares of a channel's rows, in order, to gradWeight. */
export function preluGradWeight<T>(p: PreluParams, begin: i32, end: i32): void {
  for (let channel = begin; channel < end; channel++) {
    let sum: f64 = 0;
    for (let row = channel; row < p.rows; row += p.channels) {
      const partialPtr = p.partialPtr + ((<usize>(row * p.itemsPerRow)) << 3);
      for (let piece = 0; piece < p.itemsPerRow; piece++) sum += load<f64>(partialPtr + ((<usize>piece) << 3));
    }
    const gradWeightPtr = p.gradWeightPtr + ((<usize>channel) << alignof<T>());
    store<T>(gradWeightPtr, <T>(<f64>load<T>(gradWeightPtr) + sum));
  }
}

function slopeOf<T>(p: PreluParams, row: i32): f64 {
  return <f64>load<T>(p.weightPtr + ((<usize>(row % p.channels)) << alignof<T>()));
}

/** Σ grad · x over the elements that are not positive. */
function slopeGradient<T>(gradPtr: usize, inputPtr: usize, count: i32): f64 {
  let sum: f64 = 0;
  for (; count > 0; count--) {
    const x = <f64>load<T>(inputPtr);
    if (!(x > 0)) sum += x * <f64>load<T>(gradPtr);
    gradPtr += sizeof<T>();
    inputPtr += sizeof<T>();
  }
  return sum;
}
