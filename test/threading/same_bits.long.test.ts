/** The number of threads changes no bit: forward and all gradients of every layer, both kernel sets. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../src/index.ts';
import { createEngine } from '../../src/index.ts';
import layers from '../../bench/layers.json' with { type: 'json' };
import type { Layer } from '../support/same_bits.ts';
import { computeLayer, expectSameBits } from '../support/same_bits.ts';

const THREADS = [1, 2, 3, 4, 7];

describe.each(['fast', 'portable'] as const)('numerics %s', (numerics) => {
  let engines: Engine[];
  beforeAll(async () => {
    engines = await Promise.all(THREADS.map((threads) => createEngine({ threads, numerics })));
    expect(engines.map(({ info }) => info.threads)).toEqual(THREADS);
  });
  afterAll(() => engines.forEach((engine) => engine.dispose()));

  test.each(layers.map((layer): [string, Layer] => [layer.name, layer]))('%s', (_, layer) => {
    expectSameBits(engines, (engine) => computeLayer(engine, layer));
  });
});
