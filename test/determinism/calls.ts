/** The calls whose bits are promised: every function in every dtype, every path of the kernels, training, and layers that threads share. */

import * as upconv from '../../src/index.ts';
import type { Dtype, Engine, Tensor } from '../../src/index.ts';
import type { Work } from '../engine/subjects.ts';
import { SUBJECTS } from '../engine/subjects.ts';
import { LAYER_SUBJECTS } from '../engine/layer_subjects.ts';
import { contentOf, FUNCTION_CASES } from '../support/function_cases.ts';
import { own } from '../support/owned.ts';
import { randomFloat32, randomFloat64 } from '../support/random.ts';

type Subject = readonly [string, (engine: Engine) => Work];

const DTYPES: readonly Dtype[] = ['float32', 'float64', 'float16'];

function make(engine: Engine, shape: readonly number[], dtype: Dtype, seed: number): Tensor {
  const count = shape.reduce((product, length) => product * length, 1);
  const values = (dtype === 'float64' ? randomFloat64 : randomFloat32)(count, seed);
  return own(upconv.tensor(values, shape, { engine, dtype }));
}

const FUNCTIONS = FUNCTION_CASES.flatMap((c) =>
  DTYPES.map((dtype): Subject => [
    `${c.name} ${dtype}`,
    (engine) => () => {
      const shapes = Object.values(c.operands);
      return contentOf(c.callSync(shapes.map((shape, index) => make(engine, shape, dtype, index + 1)), {})); // prettier-ignore
    },
  ]),
);

/** Without those whose operands come from functions of the runtime that may differ in the last bit. */
const MODULES = SUBJECTS.filter(([name]) =>
  ['a training step of SGD', 'a Sync training step of Adam', 'vjp', 'a lazy module', 'packWeight'].includes(name),
);

const ACTIVATIONS = ['relu', 'tanh', 'sigmoid', 'silu', 'gelu', 'leakyRelu'] as const;
const POINTWISE = ACTIVATIONS.flatMap((activation) =>
  (['float32', 'float64'] as const).map((dtype): Subject => [
    `${activation} ${dtype} of many numbers, infinities and NaN`,
    (engine) => () => {
      const scaled = Float64Array.from(randomFloat64(4001, 1), (value, i) => value * 2 ** ((i % 40) - 20));
      scaled.set([Infinity, -Infinity, Number.NaN, 0, -0]);
      return contentOf(upconv.activateSync(own(upconv.tensor(scaled, [scaled.length], { engine, dtype })), activation));
    },
  ]),
);

/** Of 30 to 300 MFLOP: with threads they are dealt to all. */
const SHARED: readonly [input: number[], weight: number[], options: object][] = [
  [[1, 64, 24, 24], [64, 48, 4, 4], { stride: 2, padding: 1 }],
  [[1, 128, 16, 16], [128, 64, 3, 3], { stride: 2 }],
  [[1, 8, 96, 96], [8, 1, 9, 9], { stride: 2, padding: 4 }],
  [[2, 64, 256], [64, 32, 8], { stride: 4, padding: 2 }],
  [[1, 16, 12, 12, 12], [16, 16, 4, 4, 4], { stride: 2, padding: 1 }],
];
const LARGE = SHARED.map(([input, weight, options]): Subject => [
  `forward and backward of ${input.join('x')} by ${weight.join('x')}`,
  (engine) => async () => {
    const axes = input.length - 2;
    const { [`convTranspose${axes}d`]: forward, [`convTranspose${axes}dBackward`]: backward } =
      upconv as unknown as Record<string, (...values: unknown[]) => Promise<Tensor>>;
    const [x, w] = [make(engine, input, 'float32', 1), make(engine, weight, 'float32', 2)];
    const y = own(await forward(x, w, null, { ...options, activation: 'gelu' }));
    return [contentOf(y), contentOf(await backward(y, x, w, options))];
  },
]);

/** Those whose operands are owned, too: nothing is left after `disposeOwned`. */
export const OWNING_CALLS: readonly Subject[] = [...FUNCTIONS, ...POINTWISE, ...LARGE];

export const CALLS: readonly Subject[] = [...OWNING_CALLS, ...LAYER_SUBJECTS, ...MODULES];
