import type { RefOptions } from '../reference/options.ts';
import type { FixtureTensor } from './fixtures.ts';

/** A convolution or transposed convolution of generate.py with all its gradients. */
export interface ConvCase<Options = RefOptions> {
  name: string;
  dims: 1 | 2 | 3;
  options: Options;
  input: FixtureTensor;
  weight: FixtureTensor;
  bias: FixtureTensor | null;
  gradOutput: FixtureTensor;
  output: FixtureTensor;
  gradInput: FixtureTensor;
  gradWeight: FixtureTensor;
  gradBias: FixtureTensor | null;
}

export interface FoldCase {
  name: string;
  outputSize?: [number, number];
  kernelSize: [number, number];
  options: { stride?: number | number[]; padding?: number | number[]; dilation?: number | number[] };
  input: FixtureTensor;
  output: FixtureTensor;
}

export interface MatmulCase {
  name: string;
  a: FixtureTensor;
  b: FixtureTensor;
  output: FixtureTensor;
}
