/** Accuracy of the polynomial activations against float64 arithmetic of the host, float32 and float64. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEngine, GELU, Sigmoid, SiLU, Tanh, tensor } from '../../src/index.ts';
import type { Engine, Module } from '../../src/index.ts';

let engines: Engine[];
beforeAll(async () => {
  engines = [await createEngine(), await createEngine({ numerics: 'portable' })];
});
afterAll(() => engines.forEach((engine) => engine.dispose()));

/** 1 − erf(a) for a ≥ 0, to about 1e-15 relative: a series, or a continued fraction where the series cancels. */
function erfc(a: number): number {
  if (a < 2) {
    let term = a;
    let sum = a;
    for (let n = 1; n < 80; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 120; n > 0; n--) fraction = n / 2 / (a + fraction);
  return Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction);
}

const cdf = (x: number): number => (x < 0 ? erfc(-x / Math.SQRT2) / 2 : 1 - erfc(x / Math.SQRT2) / 2);
const density = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

interface Case {
  readonly module: () => Module;
  readonly value: (x: number) => number;
  readonly derivative: (x: number) => number;
  /** What errors are relative to, beside the value itself. */
  readonly scale: (x: number) => number;
}

const CASES: Readonly<Record<string, Case>> = {
  tanh: { module: () => new Tanh(), value: Math.tanh, derivative: (x) => 1 - Math.tanh(x) ** 2, scale: () => 0 },
  sigmoid: {
    module: () => new Sigmoid(),
    value: logistic,
    derivative: (x) => logistic(x) * logistic(-x),
    scale: () => 0,
  },
  silu: {
    module: () => new SiLU(),
    value: (x) => x * logistic(x),
    derivative: (x) => logistic(x) * (1 + x * logistic(-x)),
    scale: () => 0,
  },
  gelu: {
    module: () => new GELU(),
    value: (x) => x * cdf(x),
    derivative: (x) => cdf(x) + x * density(x),
    // the reference is inexact: its series cancels, and its exponent −x²/2 is rounded
    scale: (x) => (Math.abs(x) < 3 ? Math.abs(x) : x ** 2 * Math.abs(x * cdf(x))),
  },
};

/** Odd, so that each run ends in elements that fill no vector. */
const POINTS = 2001;

function grid(reach: number): number[] {
  return Array.from({ length: POINTS }, (_, i) => -reach + (2 * reach * i) / (POINTS - 1));
}

describe.each(Object.keys(CASES))('%s', (name) => {
  const { module, value, derivative, scale } = CASES[name];

  test.each([
    ['float32', 2 ** -23, 2 ** -126],
    ['float64', 2 ** -52, 2 ** -1022],
  ] as const)('%s: within 5 units in the last place', (dtype, unit, smallest) => {
    for (const engine of engines) {
      for (const reach of [1e-3, 1, 12]) {
        const x = tensor(grid(reach), [POINTS], { dtype, engine });
        const ones = tensor(new Float64Array(POINTS).fill(1), [POINTS], { dtype, engine });
        const m = module();
        const output = m.forwardSync(x);
        const gradInput = m.backwardSync(ones);
        const [xs, ys, gs] = [x, output, gradInput].map((t) => t.toTypedArray());
        const host = dtype === 'float64' && name !== 'tanh' ? 8 : 5; // the reference itself is a few units off
        const wrong: string[] = [];
        xs.forEach((at, i) => {
          const expected = value(at);
          const limit = host * unit * Math.max(Math.abs(expected), scale(at)) + smallest;
          // written so that NaN is wrong
          if (!(Math.abs(ys[i] - expected) <= limit)) wrong.push(`${name}(${at}) ${ys[i]}, expected ${expected}`);
          // derivatives contain 1 − y: their error is relative to 1, and to |x| where that is a factor
          const slack = 8 * unit * Math.max(1, Math.abs(at));
          if (!(Math.abs(gs[i] - derivative(at)) <= slack)) wrong.push(`${name}'(${at}) ${gs[i]}`);
        });
        expect(wrong.slice(0, 8)).toEqual([]);
        for (const t of [x, ones, output, gradInput]) t.dispose();
        m.dispose();
      }
      expect(engine.memory.tensors).toBe(0);
    }
  });
});

test('an element has the same bits wherever it stands in a vector or at the edge', () => {
  const [engine] = engines;
  for (const name of Object.keys(CASES)) {
    const m = CASES[name].module().eval();
    const source = [0.1, -0.7, 1.9, -3.3, 8.1, -12.5, 0.003];
    const whole = tensor(source, [7], { engine });
    const together = m.forwardSync(whole);
    source.forEach((x, i) => {
      const alone = tensor([x], [1], { engine });
      const output = m.forwardSync(alone);
      expect(output.item()).toBe(together.toTypedArray()[i]);
      alone.dispose();
      output.dispose();
    });
    whole.dispose();
    together.dispose();
  }
});
