import { beforeAll, expect, test } from 'vitest';
import { UpconvError, init, manualSeed, rand, tensor } from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import fixture from '../fixtures/modules.json' with { type: 'json' };
import { expectIdentical } from '../support/expect.ts';
import type { FixtureTensor } from '../support/fixtures.ts';
import { openFixture } from '../support/fixtures.ts';
import { buildModule, held } from '../support/operations.ts';

interface SeedCase {
  name: string;
  seed: number;
  steps: {
    kind: string;
    arguments: unknown[];
    weight?: FixtureTensor;
    bias?: FixtureTensor | null;
    values?: FixtureTensor;
  }[];
}

interface TextCase {
  name: string;
  kind: string;
  arguments: unknown[];
  text: string;
}

interface StateCase {
  name: string;
  kind: string;
  arguments: unknown[];
  state: [string, FixtureTensor][];
  /** PyTorch's message, or null when it accepts the state. */
  strictError: string | null;
  looseError: string | null;
  missingKeys: string[] | null;
  unexpectedKeys: string[] | null;
}

const golden = openFixture(fixture);
let engine: Engine;
beforeAll(async () => {
  engine = await init();
});

test.each(golden.cases<SeedCase>('manualSeed'))('manualSeed draws the bits of PyTorch: $name', (c) => {
  manualSeed(c.seed);
  c.steps.forEach((step, index) => {
    const label = `step ${index}, ${step.kind}`;
    if (step.values) {
      expectIdentical(held(rand(step.arguments as number[])), step.values, label);
      return;
    }
    const parameters = new Map(held(buildModule(step.kind, step.arguments)).namedParameters());
    expectIdentical(parameters.get('weight')!, step.weight!, `${label} weight`);
    expect(parameters.has('bias')).toBe(step.bias !== null);
    if (step.bias) expectIdentical(parameters.get('bias')!, step.bias, `${label} bias`);
  });
});

test.each(golden.cases<TextCase>('toString'))('prints as PyTorch: $name', (c) => {
  const module = held(buildModule(c.kind, c.arguments));
  expect(module.toString()).toBe(c.text);
  expect(String(module)).toBe(c.text);
});

const states = golden.cases<StateCase>('loadStateDict');
const stateOf = (c: StateCase): Record<string, Tensor> =>
  Object.fromEntries(c.state.map(([key, value]) => [key, held(tensor(value.values, value.shape))]));

test.each(states.filter((c) => c.strictError === null))('loadStateDict loads: $name', (c) => {
  const module = held(buildModule(c.kind, c.arguments));
  module.loadStateDict(stateOf(c));
  const loaded = module.stateDict();
  expect(Object.keys(loaded)).toEqual(c.state.map(([key]) => key));
  for (const [key, value] of c.state) expectIdentical(loaded[key], value, key);
});

test.each(states.filter((c) => c.strictError !== null))('loadStateDict refuses what PyTorch refuses: $name', (c) => {
  const module = held(buildModule(c.kind, c.arguments));
  const state = stateOf(c);
  expectReport(() => module.loadStateDict(state), c.strictError!);
});

test.each(states.filter((c) => c.looseError === null))('loadStateDict, not strict, reports: $name', (c) => {
  const module = held(buildModule(c.kind, c.arguments));
  const report = module.loadStateDict(stateOf(c), { strict: false });
  expect(report).toEqual({ missingKeys: c.missingKeys, unexpectedKeys: c.unexpectedKeys });
  const loaded = module.stateDict();
  const known = c.state.filter(([key]) => !c.unexpectedKeys!.includes(key));
  for (const [key, value] of known) expectIdentical(loaded[key], value, key);
});

test.each(states.filter((c) => c.looseError !== null))('loadStateDict, not strict, still refuses: $name', (c) => {
  const module = held(buildModule(c.kind, c.arguments));
  const state = stateOf(c);
  expectReport(() => module.loadStateDict(state, { strict: false }), c.looseError!);
});

/** The message holds PyTorch's report: every missing, unexpected and mismatched path. */
function expectReport(load: () => unknown, torchMessage: string): void {
  expect(load).toThrow(UpconvError);
  expect(load).toThrow(torchMessage);
}

test('every group is read and every tensor released', () => {
  expect(golden.unread()).toEqual([]);
  expect(engine.memory.tensors).toBe(0);
});
