import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PNG } from 'pngjs';
import { afterAll, expect, test } from 'vitest';
import { readSafetensors } from '../../src/safetensors.ts';

const fileOf = (path: string): string => fileURLToPath(new URL(`../../examples/dcgan/${path}`, import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'upconv-dcgan-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const run = (...args: string[]) => spawnSync(process.execPath, [fileOf('main.ts'), ...args], { encoding: 'utf8' });

test('the small generator makes the pictures of PyTorch', () => {
  const { status, stdout, stderr } = run();
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toBe("pictures (2, 3, 64, 64): like PyTorch's to 5 decimals\n");
  const { pictures } = readSafetensors(readFileSync(fileOf('small.safetensors')));
  const [least, most] = [Math.min(...pictures.data), Math.max(...pictures.data)];
  expect(most - least).toBeGreaterThan(0.1); // it is no flat colour that was compared
});

test('a seed becomes a picture, the same one again', () => {
  const pictures = ['7', '7', '8'].map((seed, i) => {
    const file = join(scratch, `${i}.png`);
    const { status, stdout, stderr } = run(fileOf('small.safetensors'), file, seed);
    expect([status, stderr, stdout]).toEqual([0, '', `${file}: (3, 64, 64)\n`]);
    return PNG.sync.read(readFileSync(file));
  });
  expect([pictures[0].width, pictures[0].height]).toEqual([64, 64]);
  expect(pictures[1].data.equals(pictures[0].data)).toBe(true);
  expect(pictures[2].data.equals(pictures[0].data)).toBe(false);
});
