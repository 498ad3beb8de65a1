import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { readSafetensors } from '../../src/safetensors.ts';

const scratch = mkdtempSync(join(tmpdir(), 'upconv-fsrcnn-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

// less than half of the steps that the README speaks of
test('a short training of FSRCNN beats bicubic interpolation, and its weights can be loaded', () => {
  const example = fileURLToPath(new URL('../../examples/fsrcnn/main.ts', import.meta.url));
  const weights = join(scratch, 'fsrcnn.safetensors');
  const args = [example, '--steps', '800', '--weights', weights];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);

  const lines = stdout.trimEnd().split('\n');
  expect(lines.pop()).toBe(`${weights}: loaded again, the same to the bit`);
  const [, ...decibels] = /^15 crops held out: bicubic ([\d.]+) dB, FSRCNN ([\d.]+) dB$/.exec(lines.pop()!) ?? [];
  const [bicubic, learned] = decibels.map(Number);
  expect(bicubic).toBe(23.08);
  expect(learned).toBeGreaterThan(bicubic + 0.2);
  const losses = lines.map((line) => Number(/^step \d+: loss ([\d.]+)$/.exec(line)?.[1]));
  expect(losses).toEqual(losses.toSorted((a, b) => b - a));
  expect(losses).toHaveLength(4);

  const state = readSafetensors(readFileSync(weights));
  expect(Object.keys(state)).toContain('mid_part.3.weight'); // the slopes of a PReLU
  expect(state['last_part.weight'].shape).toEqual([32, 1, 9, 9]);
});
