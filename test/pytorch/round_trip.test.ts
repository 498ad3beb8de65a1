/** The way back: PyTorch loads what the package writes. `npm run test:pytorch`. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { init, manualSeed, randn } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { readSafetensors, writeSafetensors } from '../../src/safetensors.ts';
import { expectWithin } from '../support/expect.ts';
import { buildModule, held } from '../support/operations.ts';

/** A Python that has PyTorch: Debian's package python3-torch belongs to this one. */
const PYTHON = process.env['UPCONV_PYTHON'] ?? '/usr/bin/python3';
const found = spawnSync(PYTHON, ['-c', 'import torch; print(torch.__version__)'], { encoding: 'utf8' });
const hasTorch = found.status === 0;

const MODULES: [name: string, kind: string, constructorArguments: unknown[], input: number[]][] = [
  ['ConvTranspose1d', 'ConvTranspose1d', [4, 6, 5, { stride: 3, padding: 1, outputPadding: 1, groups: 2 }], [2, 4, 7]],
  ['ConvTranspose2d', 'ConvTranspose2d', [3, 5, [3, 4], { stride: 2, dilation: [1, 2], bias: false }], [1, 3, 5, 6]],
  ['ConvTranspose3d', 'ConvTranspose3d', [2, 3, 2, { stride: 2 }], [1, 2, 3, 2, 4]],
  [
    'a decoder',
    'Sequential',
    [
      ['ConvTranspose2d', [8, 4, 4, { stride: 2, padding: 1 }]],
      ['PReLU', [4]],
      ['Sequential', [['Conv2d', [4, 3, 3, { padding: 1 }]]]],
      ['Tanh', []],
    ],
    [2, 8, 4, 5],
  ],
];

const DTYPES = ['F32', 'F64', 'F16', 'BF16'] as const;

test('PyTorch is there', (context) => {
  if (!hasTorch) {
    const advice = 'on Debian: apt-get install python3-torch; UPCONV_PYTHON names another Python';
    console.error(`\n*** SKIPPED: ${PYTHON} has no PyTorch, so nothing was written for it (${advice}) ***\n`);
    context.skip(`${PYTHON} has no PyTorch`);
  }
  expect(found.stdout).toMatch(/^\d+\.\d+/);
});

describe.runIf(hasTorch)('PyTorch', () => {
  const folder = mkdtempSync(join(tmpdir(), 'upconv-pytorch-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const cases = MODULES.flatMap(([name, kind, constructorArguments, shape]) =>
    DTYPES.map((dtype) => {
      const fileOf = (what: string): string => join(folder, `${name} ${dtype} ${what}.safetensors`);
      const [weights, input, output] = [fileOf('w'), fileOf('x'), fileOf('y')];
      return { name, dtype, kind, arguments: constructorArguments, shape, weights, input, output };
    }),
  );
  let engine: Engine;
  /** A line for each case. */
  let printed: string[];

  beforeAll(async () => {
    engine = await init();
    manualSeed(5);
    for (const { kind, arguments: constructorArguments, shape, dtype, weights, input } of cases) {
      const [module, x] = [buildModule(kind, constructorArguments), randn(shape)];
      writeFileSync(weights, writeSafetensors(module.stateDict(), { dtype, metadata: { format: 'pt' } }));
      writeFileSync(input, writeSafetensors({ x }));
      for (const item of [module, x]) item.dispose();
    }
    const script = fileURLToPath(new URL('load.py', import.meta.url));
    const { stdout, stderr } = spawnSync(PYTHON, [script], { input: JSON.stringify(cases), encoding: 'utf8' });
    expect(stderr).toBe('');
    printed = stdout.trimEnd().split('\n');
  });

  test.each(cases)('loads $dtype weights of $name, and computes the same', (c) => {
    expect(printed[cases.indexOf(c)]).toBe("<All keys matched successfully> {'format': 'pt'}");
    const read = (file: string) => readSafetensors(readFileSync(file));
    const module = held(buildModule(c.kind, c.arguments)).eval();
    module.loadStateDict(read(c.weights)); // the numbers that PyTorch has, rounded to dtype
    const { y } = read(c.output);
    const expected = { shape: [...y.shape], data: Float64Array.from(y.data) };
    expectWithin(held(module.forwardSync(read(c.input)['x'])), expected, () => 1e-5);
  });

  test('every tensor is released', () => {
    expect(engine.memory.tensors).toBe(0);
  });
});
