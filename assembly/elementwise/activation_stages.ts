/** Stages of activations. An item owns one piece of the target: `itemLength` contiguous elements of it. */

import { element } from '../elements';
import { ActivationParams, PreluParams } from '../params';
import { Activation, LEAKY_RELU } from './activation';

/** Forward, or backward when there is a gradient. */
export function activation(p: ActivationParams, begin: i32, end: i32, _thread: i32): void {
  const bytes = p.elementBytes;
  for (let item = begin; item < end; item++) {
    const first = item * p.itemLength;
    const offset = first * bytes;
    const gradPtr = p.gradPtr != 0 ? p.gradPtr + offset : 0;
    const count = min(p.itemLength, p.length - first);
    Activation.apply(bytes, p.kind, p.savedPtr + offset, gradPtr, p.targetPtr + offset, count, p.a, p.b);
  }
}

/**
 * PReLU, which is leaky ReLU with a learnt slope per channel. Items are (row, piece of the row); row = image · channels
 * + channel. Forward, or with a gradient backward: gradInput, and each item's share of gradWeight as a float64 in
 * `partialPtr`; either address may be 0.
 */
export function prelu(p: PreluParams, begin: i32, end: i32, _thread: i32): void {
  const bytes = p.elementBytes;
  for (let item = begin; item < end; item++) {
    const row = item / p.itemsPerRow;
    const first = (item % p.itemsPerRow) * p.itemLength;
    const offset = (row * p.rowLength + first) * bytes;
    const count = min(p.itemLength, p.rowLength - first);
    const inputPtr = p.inputPtr + offset;
    const gradPtr = p.gradPtr != 0 ? p.gradPtr + offset : 0;
    // before gradInput, which may overwrite gradOutput
    if (p.partialPtr != 0) store<f64>(p.partialPtr + (item << 3), slopeGradient(gradPtr, inputPtr, count, bytes));
    if (p.targetPtr != 0) {
      const slope = element.number(p.weightPtr + (row % p.channels) * bytes, bytes);
      Activation.apply(bytes, LEAKY_RELU, inputPtr, gradPtr, p.targetPtr + offset, count, slope, 0);
    }
  }
}

/** Items are channels: adds the shares of a channel's rows, in order, to gradWeight. */
export function preluGradWeight(p: PreluParams, begin: i32, end: i32, _thread: i32): void {
  for (let channel = begin; channel < end; channel++) {
    let sum: f64 = 0;
    for (let row = channel; row < p.rows; row += p.channels) {
      const partialPtr = p.partialPtr + ((row * p.itemsPerRow) << 3);
      for (let piece = 0; piece < p.itemsPerRow; piece++) sum += load<f64>(partialPtr + (piece << 3));
    }
    element.add(p.gradWeightPtr + channel * p.elementBytes, sum, p.elementBytes);
  }
}

/** Σ grad · x over the elements that are not positive. */
function slopeGradient(gradPtr: usize, inputPtr: usize, count: i32, bytes: i32): f64 {
  let sum: f64 = 0;
  for (; count > 0; count--) {
    const x = element.number(inputPtr, bytes);
    if (!(x > 0)) sum += x * element.number(gradPtr, bytes);
    gradPtr += bytes;
    inputPtr += bytes;
  }
  return sum;
}
