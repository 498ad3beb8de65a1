/** What of a picture is in JavaScript's memory at once. */

import { expect, test } from 'vitest';
import { init, upscaleImage } from '../../src/index.ts';
import { collectGarbage } from '../support/garbage.ts';
import { build } from '../support/pictures.ts';

const MIB = 2 ** 20;

test('beside the pixels that come and go nothing has their size', async () => {
  const engine = await init();
  const [width, height] = [2400, 1600];
  const module = build('overlapping, cropped');
  const data = new Uint8Array(4 * width * height).fill(120); // not opaque: alpha is stretched, too
  let most = 0;
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  const { data: result } = await upscaleImage(
    module,
    { data, width, height },
    {
      onProgress: () => {
        collectGarbage();
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      },
    },
  );
  expect(result.length).toBe(4 * 4 * width * height);
  expect(most).toBeGreaterThanOrEqual(result.length);
  expect(most - result.length).toBeLessThan(12 * MIB); // a tile on its way; wasm memory does not count here
  engine.dispose();
});
