import jpeg from 'jpeg-js';
import { readFileSync, symlinkSync, lstatSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { allocateSamples, maxSample, type Picture } from '../../src/cli/image/picture.ts';
import { decodePng, encodePng } from '../../src/cli/image/png.ts';
import type { Outcome } from '../support/many_times.ts';
import { listing, manyClis, runCli, temporaryFolder } from './support/cli.ts';
import { pngBytes } from './support/png_bytes.ts';

const folder = temporaryFolder();
const run = manyClis(folder);

/** A smooth picture: every upscaling of it must stay close to the formula. */
function wave(u: number, v: number, channel: number): number {
  return 0.5 + 0.3 * Math.sin(6 * u + channel) * Math.cos(5 * v - channel);
}

function smoothPicture(width: number, height: number, channels: Picture['channels'], depth: 8 | 16): Picture {
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

async function upscale(input: string, ...options: string[]): Promise<Outcome & { picture: Picture }> {
  const outcome = await run('upscale', input, 'out.png', '--steps', '60', ...options);
  expect(outcome.stderr).toBe('');
  expect(outcome.code).toBe(0);
  return { ...outcome, picture: decodePng(readFileSync(join(folder, 'out.png'))) };
}

/** Largest deviation from the formula, as a fraction of the full range. */
function deviation({ width, height, channels, depth, data }: Picture): number {
  let worst = 0;
  for (const [i, value] of data.entries()) {
    const pixel = Math.floor(i / channels);
    const u = ((pixel % width) + 0.5) / width;
    const v = (Math.floor(pixel / width) + 0.5) / height;
    worst = Math.max(worst, Math.abs(value / maxSample(depth) - wave(u, v, i % channels)));
  }
  return worst;
}

function diagonal(x: number, y: number): number {
  return x + y > 35 ? 1 : 0;
}

/** The bytes written for a seed. */
async function bytesOfSeed(seed: string): Promise<Buffer> {
  await upscale('rough.png', '--seed', seed);
  return readFileSync(join(folder, 'out.png'));
}

describe('keeps channels and depth and multiplies the size', () => {
  test.each([
    [1, 8, 33, 32, 2],
    [2, 8, 35, 41, 2],
    [3, 8, 37, 50, 2],
    [4, 8, 64, 33, 2],
    [1, 16, 40, 40, 2],
    [3, 16, 47, 33, 2],
    [4, 16, 39, 45, 2],
    [3, 8, 49, 55, 3],
    [2, 16, 50, 48, 3],
    [3, 8, 64, 67, 4],
    [4, 8, 71, 66, 4],
  ] as const)('%i channels, %i bit, %i x %i, scale %i', async (channels, depth, width, height, scale) => {
    writeFileSync(join(folder, 'in.png'), encodePng(smoothPicture(width, height, channels, depth)));
    const { picture, stdout } = await upscale('in.png', '--scale', `${scale}`);
    expect(picture).toMatchObject({ width: width * scale, height: height * scale, channels, depth });
    expect(deviation(picture)).toBeLessThan(0.04);
    for (const method of ['nearest', 'bilinear', 'bicubic', 'learned']) {
      expect(stdout).toMatch(new RegExp(`^ +${method} +[0-9.]+ dB$`, 'm'));
    }
    expect(stdout).toMatch(/[0-9.]+ GFLOP\/s/);
    expect(stdout).toMatch(/engine [0-9.]+ MiB at peak/);
  });

  test('a palette becomes RGB', async () => {
    const chunks = [['PLTE', [20, 20, 20, 220, 220, 220]]] as const;
    writeFileSync(
      join(folder, 'palette.png'),
      pngBytes({ width: 36, height: 34, bits: 1, colourType: 3, chunks, sample: diagonal }),
    );
    expect((await upscale('palette.png')).picture).toMatchObject({ width: 72, height: 68, channels: 3, depth: 8 });
  });

  test('JPEG', async () => {
    const { data } = smoothPicture(45, 38, 4, 8);
    writeFileSync(join(folder, 'in.jpg'), jpeg.encode({ width: 45, height: 38, data: data as Uint8Array }, 95).data);
    const { picture } = await upscale('in.jpg');
    expect(picture).toMatchObject({ width: 90, height: 76, channels: 3, depth: 8 });
    expect(deviation(picture)).toBeLessThan(0.06);
  });
});

describe('repeatability and files', () => {
  beforeAll(() => {
    const rough = smoothPicture(48, 48, 3, 8);
    writeFileSync(
      join(folder, 'rough.png'),
      encodePng({ ...rough, data: rough.data.map((v, i) => v ^ ((i * i) & 31)) }),
    );
  });

  test('one seed gives one picture, another seed another', async () => {
    expect(runCli(folder, 'upscale', 'rough.png', 'first.png', '--steps', '60', '--seed', '7').stderr).toBe('');
    const first = readFileSync(join(folder, 'first.png'));
    expect((await bytesOfSeed('7')).equals(first)).toBe(true);
    expect((await bytesOfSeed('8')).equals(first)).toBe(false);
  });

  test('as many steps as --steps says', async () => {
    const more = await upscale('rough.png', '--steps', '61');
    expect(more.stdout).toMatch(/^training +61 steps/m);
    expect(more.picture.data).not.toEqual((await upscale('rough.png')).picture.data);
    expect((await upscale('rough.png', '--steps', '61')).picture.data).toEqual(more.picture.data);
  });

  test('no temporary file stays, and a symbolic link keeps pointing at its target', () => {
    writeFileSync(join(folder, 'target.png'), 'old');
    symlinkSync('target.png', join(folder, 'link.png'));
    const before = listing(folder);
    expect(runCli(folder, 'upscale', 'rough.png', 'link.png', '--steps', '1').code).toBe(0);
    expect(listing(folder)).toEqual(before);
    expect(lstatSync(join(folder, 'link.png')).isSymbolicLink()).toBe(true);
    expect(decodePng(readFileSync(join(folder, 'target.png'))).width).toBe(96);
  });
});

test('on the bundled picture the learned kernel beats bicubic by at least 0.5 dB', () => {
  const picture = fileURLToPath(new URL('../../assets/picture.png', import.meta.url));
  const { code, stdout } = runCli(folder, 'upscale', picture, 'bundled.png');
  expect(code).toBe(0);
  const gain = /learned - bicubic: \+([0-9.]+) dB/.exec(stdout);
  expect(Number(gain?.[1])).toBeGreaterThan(0.5);
  expect(decodePng(readFileSync(join(folder, 'bundled.png')))).toMatchObject({
    width: 1536,
    height: 1024,
    channels: 3,
  });
});
