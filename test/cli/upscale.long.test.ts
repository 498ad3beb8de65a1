import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { allocateSamples, maxSample, type Picture } from '../../src/cli/image/picture.ts';
import { decodePng, encodePng } from '../../src/cli/image/png.ts';
import { runCli, temporaryFolder } from './support/cli.ts';

const folder = temporaryFolder();

function wave(u: number, v: number, channel: number): number {
  return 0.5 + 0.4 * Math.sin(900 * u + channel) * Math.cos(700 * v);
}

function wavyPicture(width: number, height: number, channels: 3 | 4, depth: 8 | 16): Picture {
  const data = allocateSamples(width * height * channels, depth);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        data[(y * width + x) * channels + c] = maxSample(depth) * wave((x + 0.5) / width, (y + 0.5) / height, c);
      }
    }
  }
  return { width, height, channels, depth, data };
}

test.each([
  [4330, 2890, 3, 8],
  [2890, 4330, 4, 16],
] as const)('a picture of %i x %i, %i channels, %i bit, becomes one of 50 megapixels', (...form) => {
  const [width, height, channels, depth] = form;
  writeFileSync(join(folder, 'in.png'), encodePng(wavyPicture(width, height, channels, depth)));
  const { code, stdout, stderr } = runCli(folder, 'upscale', 'in.png', 'out.png', '--steps', '60');
  expect(stderr).toBe('');
  expect(code).toBe(0);
  const memory = /engine ([0-9.]+) MiB at peak of ([0-9.]+) MiB reserved, process ([0-9]+) MiB at peak/.exec(stdout);
  const [engineBytes, reserved, processBytes] = (memory ?? []).slice(1).map(Number);
  expect(engineBytes).toBeGreaterThan(0);
  expect(reserved).toBeLessThanOrEqual(32);
  expect(processBytes).toBeGreaterThan(reserved);
  const picture = decodePng(readFileSync(join(folder, 'out.png')));
  expect(picture).toMatchObject({ width: 2 * width, height: 2 * height, channels, depth });
  let worst = 0;
  // a prime step: every part of the picture, every phase and every channel has its turn
  for (let i = 0; i < picture.data.length; i += 101) {
    const pixel = Math.floor(i / channels);
    const u = ((pixel % picture.width) + 0.5) / picture.width;
    const v = (Math.floor(pixel / picture.width) + 0.5) / picture.height;
    worst = Math.max(worst, Math.abs(picture.data[i] / maxSample(depth) - wave(u, v, i % channels)));
  }
  expect(worst).toBeLessThan(0.06);
});
