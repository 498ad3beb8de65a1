/** Options of `upscaleImage`, and what it refuses. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  ArgumentError,
  ConvTranspose1d,
  ConvTranspose2d,
  init,
  Sequential,
  ShapeError,
  Tanh,
  upscaleImage,
  upscaleImageSync,
} from '../../src/index.ts';
import type { Engine, Module } from '../../src/index.ts';
import { releaseAll } from '../support/leaks.ts';
import { own } from '../support/owned.ts';
import { build, picture } from '../support/pictures.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await init();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

describe('options', () => {
  test('onProgress rises to 1', async () => {
    const seen: number[] = [];
    await upscaleImage(build('kernel = stride'), picture(10, 10), {
      tileRows: 2,
      onProgress: (done) => seen.push(done),
    });
    expect(seen).toEqual([0.2, 0.4, 0.6, 0.8, 1]);
  });

  test('an abort between tiles rejects with the reason and frees everything', async () => {
    const module = build('a network like FSRCNN');
    const controller = new AbortController();
    const reason = new Error('enough');
    const seen: number[] = [];
    const options = {
      tileRows: 2,
      signal: controller.signal,
      onProgress: (done: number) => {
        seen.push(done);
        if (seen.length === 2) controller.abort(reason);
      },
    };
    const { tensors } = engine.memory;
    await expect(upscaleImage(module, picture(12, 12), options)).rejects.toBe(reason);
    expect(seen.length).toBe(2);
    expect(engine.memory.tensors).toBe(tensors);
    expect(() => upscaleImageSync(module, picture(12, 12), { signal: AbortSignal.abort(reason) })).toThrow(reason);
    await expect(upscaleImage(module, picture(12, 12), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect((await upscaleImage(module, picture(12, 12))).width).toBe(24);
  });

  test('what onProgress throws rejects and frees everything', async () => {
    const module = build('kernel = stride');
    const { tensors } = engine.memory;
    const onProgress = (): void => {
      throw new RangeError('no');
    };
    await expect(upscaleImage(module, picture(4, 4), { onProgress })).rejects.toThrow('no');
    expect(engine.memory.tensors).toBe(tensors);
  });

  test('two pictures at once are two pictures', async () => {
    const module = build('two steps and a stride');
    const [a, b] = [picture(16, 12), picture(15, 20)];
    const [first, second] = await Promise.all([upscaleImage(module, a, { tileRows: 3 }), upscaleImage(module, b)]);
    expect(first).toEqual(upscaleImageSync(module, a, { tileRows: 3 }));
    expect(second).toEqual(upscaleImageSync(module, b));
  });

  test('tileRows beyond the picture is the whole picture; onProgress may end a Sync call', () => {
    const module = build('overlapping, cropped');
    const source = picture(11, 7);
    expect(upscaleImageSync(module, source, { tileRows: 1e6 })).toEqual(upscaleImageSync(module, source));
    const { tensors } = engine.memory;
    const onProgress = (): void => {
      throw new RangeError('no');
    };
    expect(() => upscaleImageSync(module, source, { tileRows: 1, onProgress })).toThrow('no');
    const controller = new AbortController();
    const stop = { tileRows: 1, signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) };
    expect(() => upscaleImageSync(module, source, stop)).toThrow('enough');
    expect(engine.memory.tensors).toBe(tensors);
  });

  test('a weight of a pending call cannot be changed', async () => {
    const module = build('kernel = stride');
    const running = upscaleImage(module, picture(30, 30), { tileRows: 1 });
    expect(() => module.parameters()[0].copyFrom([0, 0, 0, 0])).toThrow(
      expect.objectContaining({ code: 'ERR_IN_USE' }),
    );
    await running;
  });
});

describe('refuses', () => {
  const source = picture(4, 4);
  test.each<[string, () => Module, string]>([
    ['another kind of module', () => new ConvTranspose1d(1, 1, 2), 'got ConvTranspose1d'],
    ['a convolution of 2 channels', () => new ConvTranspose2d(2, 2, 2), '1 or 3 input channels, got 2'],
    ['as many channels out as it likes', () => new ConvTranspose2d(3, 1, 2), '3 output channels'],
    ['no convolution', () => new Sequential(new Tanh()), 'got Sequential'],
    [
      'a forward of its own, which bands would not run',
      () =>
        new Sequential(
          new (class Own extends ConvTranspose2d {
            override forward = super.forward.bind(this);
          })(1, 1, 2),
        ),
      'got Own with passes of its own',
    ],
  ])('%s', async (_, make, message) => {
    const module = own(make());
    await expect(upscaleImage(module, source)).rejects.toThrow(ArgumentError);
    await expect(upscaleImage(module, source)).rejects.toThrow(message);
    expect(() => upscaleImageSync(module, source)).toThrow(message);
  });

  test('what is no module or no picture', async () => {
    const module = build('kernel = stride');
    await expect(upscaleImage({} as never, source)).rejects.toThrow(TypeError);
    await expect(upscaleImage(module, { ...source, width: 5 })).rejects.toThrow(ShapeError);
    await expect(upscaleImage(module, source, { tileRows: 0 })).rejects.toThrow(ArgumentError);
    await expect(upscaleImage(module, source, { tile_rows: 1 } as never)).rejects.toThrow('did you mean tileRows');
    await expect(upscaleImage(module, source, { onProgress: 1 as never })).rejects.toThrow(TypeError);
    const cropping = own(new ConvTranspose2d(1, 1, 2, { padding: 9 }));
    await expect(upscaleImage(cropping, source)).rejects.toThrow(ShapeError);
  });

  test('a disposed module', async () => {
    for (const disposeSome of [(m: Module) => m.dispose(), (m: Module) => m.parameters()[0].dispose()]) {
      const module = own(build('two steps and a stride'));
      disposeSome(module);
      const disposed = { code: 'ERR_DISPOSED', message: 'upscaleImage: module is disposed' };
      await expect(upscaleImage(module, source)).rejects.toMatchObject(disposed);
      expect(() => upscaleImageSync(module, source)).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
    }
    expect((await upscaleImage(build('two steps and a stride'), source)).width).toBe(12);
  });

  test('an output above 100 megapixels', async () => {
    const module = own(new ConvTranspose2d(1, 1, 100, { stride: 100 }));
    const large = { data: new Uint8Array(101 * 100), width: 101, height: 100 };
    await expect(upscaleImage(module, large)).rejects.toThrow(
      'upscaleImage: pixels expected an output of at most 100 megapixels, got 101 (10100 x 10000 from 101 x 100)',
    );
  });
});
