import { beforeAll, expect, test } from 'vitest';
import { init, tensor, UpconvError } from '../../src/index.ts';
import type { Engine, Module } from '../../src/index.ts';
import { openSafetensors, readSafetensors } from '../../src/safetensors.ts';
import fixture from '../fixtures/checkpoints.json' with { type: 'json' };
import { expectWithin } from '../support/expect.ts';
import type { FixtureTensor } from '../support/fixtures.ts';
import { decodeBase64, openFixture } from '../support/fixtures.ts';
import { buildModule, held } from '../support/operations.ts';

interface FileCase {
  name: string;
  kind: string;
  arguments: unknown[];
  /** A safetensors file in base64. */
  file: string;
}

interface ForwardCase extends FileCase {
  prefix?: string;
  input: FixtureTensor;
  output: FixtureTensor;
}

interface ReportCase extends FileCase {
  /** PyTorch's message, or null when it accepts the state. */
  strictError: string | null;
  /** What PyTorch prints when it is not strict. */
  report: string;
  missingKeys: string[];
  unexpectedKeys: string[];
}

const DTYPES = ['float32', 'float64'] as const;
/** Outputs are of the order of 1; sums have at most 100 terms. */
const TOLERANCE = { float32: 2e-5, float64: 1e-12 };

const golden = openFixture(fixture);
let engine: Engine;
beforeAll(async () => {
  engine = await init();
});

/** The arguments of a module with parameters, for another dtype. */
function withDtype(kind: string, constructorArguments: unknown[], dtype: string): unknown[] {
  if (kind === 'Sequential') {
    return (constructorArguments as [string, unknown[]][]).map(([inner, own]) => [inner, withDtype(inner, own, dtype)]);
  }
  if (kind === 'PReLU') return [1, { dtype }];
  if (!kind.startsWith('Conv')) return constructorArguments;
  const positional = constructorArguments.slice(0, 3);
  return [...positional, { ...(constructorArguments[3] as object | undefined), dtype }];
}

async function checkForward(module: Module, c: ForwardCase, dtype: (typeof DTYPES)[number]): Promise<void> {
  module.eval();
  const output = held(await module.forward(held(tensor(c.input.data, c.input.shape, { dtype }))));
  expectWithin(output, c.output, () => TOLERANCE[dtype]);
}

const forwards = [...golden.cases<ForwardCase>('modules'), ...golden.cases<ForwardCase>('weightNorm')];

test.each(forwards)('a checkpoint of PyTorch gives its outputs: $name', async (c) => {
  const { prefix = '' } = c;
  for (const dtype of DTYPES) {
    const module = held(buildModule(c.kind, withDtype(c.kind, c.arguments, dtype)));
    const report = module.loadStateDict(readSafetensors(decodeBase64(c.file)), { prefix });
    expect(report).toEqual({ missingKeys: [], unexpectedKeys: [] });
    await checkForward(module, c, dtype);
  }
});

test('a checkpoint that is read in part gives the same', async () => {
  const c = forwards.find(({ prefix }) => prefix === 'generator.')!;
  const file = await openSafetensors(new Blob([decodeBase64(c.file)]));
  const module = held(buildModule(c.kind, c.arguments));
  module.loadStateDict(await file.stateDict(c.prefix), { prefix: c.prefix });
  await checkForward(module, c, 'float32');
  expect((await file.read('step')).data).toEqual(Float64Array.of(7));
});

const reports = golden.cases<ReportCase>('reports');

test.each(reports)('keys are reported in the words and the order of PyTorch: $name', (c) => {
  const module = held(buildModule(c.kind, c.arguments));
  const state = readSafetensors(decodeBase64(c.file));
  const { missingKeys, unexpectedKeys } = c;
  const report = module.loadStateDict(state, { strict: false });
  expect(report).toEqual({ missingKeys, unexpectedKeys });
  expect(String(report)).toBe(c.report);
  const prefixed = Object.fromEntries(Object.entries(state).map(([key, value]) => [`a.${key}`, value]));
  const behind = (keys: string[]): string[] => keys.map((key) => `a.${key}`);
  expect(module.loadStateDict(prefixed, { strict: false, prefix: 'a.' })).toEqual({
    missingKeys: behind(missingKeys),
    unexpectedKeys: behind(unexpectedKeys),
  });
});

test.each(reports.filter((c) => c.strictError !== null))('and refused when strict: $name', (c) => {
  const module = held(buildModule(c.kind, c.arguments));
  const load = (): unknown => module.loadStateDict(readSafetensors(decodeBase64(c.file)));
  expect(load).toThrow(UpconvError);
  expect(load).toThrow(c.strictError!);
});

test('every group is read and every tensor released', () => {
  expect(golden.unread()).toEqual([]);
  expect(engine.memory.tensors).toBe(0);
});
