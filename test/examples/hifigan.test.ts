import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { createEngine, createGenerator } from '../../src/index.ts';
import { Conv1d } from '../../src/index.ts';
import { writeNpy } from '../../src/npy.ts';
import { readSafetensors, writeSafetensors } from '../../src/safetensors.ts';

const folderOf = (path: string): string => fileURLToPath(new URL(`../../examples/hifigan/${path}`, import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'upconv-hifigan-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const run = (...args: string[]) => spawnSync(process.execPath, [folderOf('main.ts'), ...args], { encoding: 'utf8' });

test('the small generator makes the wave of PyTorch', () => {
  const { status, stdout, stderr } = run();
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout.split('\n')).toEqual([
    '<All keys matched successfully>',
    '12 frames → wave (1, 1, 96)',
    "like PyTorch's wave to 5 decimals",
    '',
  ]);
  const { wave } = readSafetensors(readFileSync(folderOf('small.safetensors')));
  expect(Math.max(...wave.data)).toBeGreaterThan(0.01); // it is no silence that was compared
});

test('a checkpoint that is not V1 is refused with the keys that V1 has', async () => {
  const engine = await createEngine({ threads: 1 });
  const conv = new Conv1d(80, 512, 7, { engine, generator: createGenerator(1) });
  const state = Object.fromEntries(Object.entries(conv.stateDict()).map(([key, value]) => [`conv_pre.${key}`, value]));
  writeFileSync(join(scratch, 'part.safetensors'), writeSafetensors(state));
  writeFileSync(join(scratch, 'mel.npy'), writeNpy({ shape: [1, 80, 2], data: new Float32Array(160) }));
  engine.dispose();
  const { status, stderr } = run(...['part.safetensors', 'mel.npy', 'wave.npy'].map((name) => join(scratch, name)));
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /Missing key\(s\) in state_dict: "ups\.0\.weight", "ups\.0\.bias", .*"resblocks\.11\.convs2\.2\.bias"/,
  );
});
