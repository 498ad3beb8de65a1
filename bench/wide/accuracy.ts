/** How far results in float32 are from those in float64 of the same numbers. */

import type { Engine } from '../../src/index.ts';
import type { LayerData, Package } from '../../src/cli/benchmark/layer_calls.ts';
import { LayerCalls } from '../../src/cli/benchmark/layer_calls.ts';

/** Over all elements, as parts of the largest absolute result, in units of 2⁻²⁴. */
export interface Errors {
  readonly largest: number;
  readonly mean: number;
}

export function forwardErrors(upconv: Package, engine: Engine, data: LayerData, algorithm: string): Errors {
  const exact = exactForward(upconv, engine, data);
  const calls = new LayerCalls(upconv, engine, data, algorithm);
  const result = calls.forward();
  const numbers = result.toTypedArray();
  result.dispose();
  calls.dispose();
  let [largest, sum, scale] = [0, 0, 0];
  for (let i = 0; i < exact.length; i++) {
    const error = Math.abs(numbers[i] - exact[i]);
    largest = Math.max(largest, error);
    sum += error;
    scale = Math.max(scale, Math.abs(exact[i]));
  }
  const unit = scale * 2 ** -24;
  return { largest: largest / unit, mean: sum / exact.length / unit };
}

function exactForward(upconv: Package, engine: Engine, { layer, shapes, input, weight }: LayerData): Float64Array {
  const { stride, padding, outputPadding, groups, dilation, dims } = layer;
  const [x, w] = [
    upconv.tensor(Float64Array.from(input), shapes.input, { engine }),
    upconv.tensor(Float64Array.from(weight), shapes.weight, { engine }),
  ];
  const y = upconv[`convTranspose${dims}dSync`](x, w, null, { stride, padding, outputPadding, groups, dilation });
  const numbers = y.toTypedArray() as Float64Array;
  for (const tensor of [x, w, y]) tensor.dispose();
  return numbers;
}
