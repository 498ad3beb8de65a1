/** Layers that between them take every path of the kernels, all dtypes, both directions, activations and strided operands. */

import * as upconv from '../../src/index.ts';
import type { Dtype, Engine, Tensor } from '../../src/index.ts';
import { contentOf } from '../support/function_cases.ts';
import { own } from '../support/owned.ts';
import { randomFloat32 } from '../support/random.ts';
import type { Work } from './subjects.ts';

interface Layer {
  readonly input: readonly number[];
  readonly weight: readonly number[];
  readonly options: { readonly stride?: number; readonly padding?: number; readonly groups?: number; readonly dilation?: number }; // prettier-ignore
}

const LAYERS: readonly Layer[] = [
  { input: [2, 16, 9, 11], weight: [16, 7, 4, 4], options: { stride: 2, padding: 1 } },
  { input: [1, 17, 6, 13], weight: [17, 9, 3, 3], options: { stride: 2 } },
  { input: [1, 6, 10, 9], weight: [6, 2, 3, 2], options: { stride: 2, padding: 1, groups: 3, dilation: 2 } },
  { input: [2, 8, 9, 21], weight: [8, 1, 3, 3], options: { padding: 1, groups: 8 } },
  { input: [3, 20, 33], weight: [20, 5, 5], options: { stride: 3 } },
  { input: [12, 9, 1, 1], weight: [9, 11, 4, 4], options: {} },
  { input: [1, 5, 3, 4, 5], weight: [5, 6, 2, 3, 3], options: { stride: 2, padding: 1 } },
];
const DTYPES: readonly Dtype[] = ['float32', 'float64', 'float16'];

const call = (name: string, ...values: unknown[]): Tensor =>
  contentOf((upconv as unknown as Record<string, (...values: unknown[]) => never>)[name](...values)) as never;

function make(engine: Engine, shape: readonly number[], dtype: Dtype, seed: number): Tensor {
  const count = shape.reduce((product, length) => product * length, 1);
  return upconv.tensor(randomFloat32(count, seed), shape, { engine, dtype });
}

interface Operands {
  readonly x: Tensor;
  readonly w: Tensor;
  readonly g: Tensor;
  readonly bias: Tensor;
}

/** Both directions of a transposed convolution, and of the convolution that leads back. */
const CALLS: Record<
  string,
  (axes: number, operands: Operands, options: Layer['options'], algorithm: string) => Tensor
> = {
  'transposed, activations': (axes, { x, w, bias }, options, algorithm) =>
    call(`convTranspose${axes}dSync`, x, w, bias, {
      ...options,
      algorithm,
      activation: 'gelu',
      inputActivation: 'relu',
    }),
  'transposed, channels last': (axes, { x, w, bias }, options, algorithm) =>
    call(`convTranspose${axes}dSync`, own(x.contiguous({ memoryFormat: 'channelsLast' })), w, bias, {
      ...options,
      algorithm,
    }),
  'transposed, batch innermost': (axes, { x, w }, options, algorithm) =>
    call(`convTranspose${axes}dSync`, own(own(x.transpose(0, 1)).contiguous().transpose(0, 1)), w, null, {
      ...options,
      algorithm,
    }),
  'transposed, backward': (axes, { x, w, g }, options) => call(`convTranspose${axes}dBackwardSync`, g, x, w, options),
  plain: (axes, { w, g }, options) =>
    call(`conv${axes}dSync`, g, w, null, { ...options, activation: 'silu', inputActivation: 'tanh' }),
  'plain, backward': (axes, { x, w, g }, options) => call(`conv${axes}dBackwardSync`, x, g, w, options),
};

function operandsOf(engine: Engine, { input, weight, options }: Layer, dtype: Dtype): Operands {
  const spatial = upconv.convTransposeOutputSize(input.slice(2), weight.slice(2), options);
  const output = [input[0], weight[1] * (options.groups ?? 1), ...spatial];
  const [x, w, g, bias] = [input, weight, output, [output[1]]].map((shape, index) =>
    make(engine, shape, dtype, index + 1),
  );
  return { x, w, g, bias };
}

export const LAYER_SUBJECTS: readonly [string, (engine: Engine) => Work][] = LAYERS.flatMap((layer) => {
  const algorithms = upconv.convTransposeAlgorithms(layer.input, layer.weight, layer.options);
  return Object.entries(CALLS).flatMap(([name, run]) =>
    algorithms.slice(0, run.length < 4 ? 1 : undefined).flatMap((algorithm) =>
      DTYPES.map((dtype): [string, (engine: Engine) => Work] => [
        `${name}, ${algorithm} ${dtype} ${layer.input.join('x')} by ${layer.weight.join('x')}`,
        (engine) => {
          const operands = operandsOf(engine, layer, dtype);
          return () => run(layer.input.length - 2, operands, layer.options, algorithm);
        },
      ]),
    ),
  );
});
