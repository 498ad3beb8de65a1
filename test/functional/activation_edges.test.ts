/** Gradients of activations where their pieces meet: those of PyTorch's relu, leaky_relu and clamp. */

import { expect, test } from 'vitest';
import type { Activation } from '../../src/index.ts';
import { activateBackwardSync, createEngine, tensor } from '../../src/index.ts';

test.each<[string, Activation, number[], number[]]>([
  ['ReLU', 'relu', [-1, 0, 1], [0, 0, 1]],
  ['leaky ReLU', { leakyRelu: 0.5 }, [-1, 0, 1], [0.5, 0.5, 1]],
  ['clamp', { clamp: [-1, 2] }, [-2, -1, 0, 2, 3], [0, 1, 1, 1, 0]],
])('%s', async (_, activation, x, expected) => {
  for (const dtype of ['float32', 'float64'] as const) {
    const engine = await createEngine({ threads: 1 });
    const [g, saved] = [x.map(() => 1), x].map((values) => tensor(values, [values.length], { engine, dtype }));
    expect([...activateBackwardSync(g, saved, activation).gradInput.toTypedArray()]).toEqual(expected);
    engine.dispose();
  }
});
