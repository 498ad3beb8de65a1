/** upscaleImage with frozen modules, and modules that go while it is pending. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  type ConvTranspose2d,
  init,
  Sequential,
  upscaleImage,
  upscaleImageSync,
  upscalePlanes,
  type Engine,
  type Module,
} from '../../src/index.ts';
import { codeOf } from '../support/in_flight.ts';
import { releaseAll } from '../support/leaks.ts';
import { build, picture, PICTURE_MODULES } from '../support/pictures.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await init();
});
afterEach(() => {
  releaseAll(engine);
  engine.trim();
  expect(engine.memory.bytesPacked).toBe(0);
});
afterAll(() => engine.dispose());

/** Sizes with rows, columns and tiles around a vector; of one column too, which several images fill better. */
const SIZES: [number, number, number | undefined][] = [
  [37, 23, undefined],
  [37, 23, 3],
  [8, 8, undefined],
  [3, 5, 1],
  [1, 9, undefined],
  [9, 1, undefined],
  [2, 2, undefined],
];

/** Every value that the module computes. */
async function planesOf(module: Module, width: number, height: number, tileRows?: number): Promise<number[]> {
  const values: number[] = [];
  const source = {
    width,
    height,
    channels: 3,
    read: (target: Float32Array) => target.forEach((_, i) => (target[i] = Math.sin(i + width))),
  };
  await upscalePlanes(module, source, (part) => values.push(...part), tileRows === undefined ? {} : { tileRows });
  return values;
}

const channelsOf = (module: Module): number =>
  module instanceof Sequential ? channelsOf([...module][0]) : (module as ConvTranspose2d).inChannels;

describe.each(Object.keys(PICTURE_MODULES))('%s', (name) => {
  test.each(['any size', 'prepared shapes'] as const)('frozen for %s it gives the same bits', async (kind) => {
    const [raw, frozen] = [build(name).eval(), build(name).eval()];
    const sizes = SIZES.filter(([width, height]) => {
      return codeOf(() => upscaleImageSync(raw, picture(width, height))) !== 'ERR_SHAPE'; // nothing of it is left
    });
    expect(sizes.length).toBeGreaterThan(3);
    if (kind === 'prepared shapes') {
      const channels = channelsOf(frozen);
      for (const [width, height] of sizes) await frozen.prepare([3 / channels, channels, height, width]);
    }
    frozen.freeze();
    for (const [width, height, tileRows] of sizes) {
      const options = tileRows === undefined ? {} : { tileRows };
      const source = picture(width, height);
      const expected = upscaleImageSync(raw, source, options);
      expect(await upscaleImage(frozen, source, options)).toEqual(expected);
      expect(upscaleImageSync(frozen, source, options)).toEqual(expected);
      expect(await planesOf(frozen, width, height, tileRows)).toEqual(await planesOf(raw, width, height, tileRows));
    }
  });
});

describe.each(['raw', 'frozen'] as const)('a pending picture, the module %s', (kind) => {
  const make = (): Module => {
    const module = build('a network like FSRCNN').eval();
    return kind === 'frozen' ? module.freeze() : module;
  };
  const source = picture(40, 30);
  const options = { tileRows: 2 };

  test.each<[string, (module: Module) => void]>([
    ['the module is disposed', (module) => module.dispose()],
    ['one of its modules is disposed', (module) => [...(module as Sequential)].at(-1)!.dispose()],
    ['the module is frozen', (module) => module.freeze()],
  ])('is finished when %s', async (_, change) => {
    const module = make();
    const expected = upscaleImageSync(module, source, options);
    const pending = upscaleImage(module, source, options);
    change(module);
    expect(await pending).toEqual(expected);
    module.dispose();
    expect(engine.memory).toMatchObject({ tensors: 0 });
  });

  test('what onProgress disposes goes at the end of a Sync call', () => {
    const module = make();
    const expected = upscaleImageSync(module, source, options);
    const got = upscaleImageSync(module, source, { ...options, onProgress: () => module.dispose() });
    expect(got).toEqual(expected);
    expect(engine.memory.tensors).toBe(0);
  });

  test('a disposed module, or a part of one, is refused', async () => {
    const module = make();
    [...(module as Sequential)].at(1)!.dispose();
    expect(codeOf(() => upscaleImageSync(module, source))).toBe('ERR_DISPOSED');
    module.dispose();
    expect(codeOf(() => upscaleImageSync(module, source))).toBe('ERR_DISPOSED');
    await expect(upscaleImage(module, source)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });
});

test('a disposed module without parameters is refused too, and the others stay', () => {
  const module = build('two steps and a stride').eval();
  const activation = (module as Sequential).get(1)!;
  activation.dispose();
  expect(codeOf(() => upscaleImageSync(module, picture(4, 4)))).toBe('ERR_DISPOSED');
  expect(engine.memory.tensors).toBeGreaterThan(0);
  module.dispose();
  expect(engine.memory.tensors).toBe(0);
});
