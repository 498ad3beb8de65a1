import { afterAll, describe, expect, test } from 'vitest';
import { dcganGenerator, hifiganGenerator, unetDecoder } from '../../bench/decoders/models.ts';
import type { Network, Step } from '../../bench/decoders/network.ts';
import { layerOf, layerSteps, networkFlops, networkParameters } from '../../bench/decoders/network.ts';
import { UpconvNetwork } from '../../bench/decoders/upconv_network.ts';
import { shapesOf } from '../../bench/layers.ts';
import { randomNumbers } from '../../src/cli/benchmark/random_numbers.ts';
import * as upconv from '../../src/index.ts';

/** One step of every kind: u = up(x), joined = [skip, u], y = tanh(conv(joined)) + conv(joined), z = conv(lrelu(y)). */
const conv = { kind: 'conv', kernel: 3, padding: 1, input: [8] } as const;
const network: Network = {
  name: 'small',
  source: '',
  inputs: { x: [1, 3, 4], skip: [1, 2, 8] },
  steps: [
    { kind: 'layer', layer: layerOf({ cin: 3, cout: 2, kernel: 2, stride: 2, input: [4] }), input: 'x', output: 'u' },
    { kind: 'concat', inputs: ['skip', 'u'], output: 'joined' },
    { kind: 'layer', layer: layerOf({ ...conv, cin: 4, cout: 2 }), input: 'joined', output: 'a', activation: 'tanh' },
    { kind: 'layer', layer: layerOf({ ...conv, cin: 4, cout: 2 }), input: 'joined', output: 'b' },
    { kind: 'add', first: 'a', second: 'b', output: 'y' },
    {
      kind: 'layer',
      layer: layerOf({ ...conv, cin: 2, cout: 1 }),
      input: 'y',
      output: 'z',
      inputActivation: { leakyRelu: 0.1 },
    },
  ],
  output: 'z',
};

const engine = await upconv.createEngine({ threads: 1 });
afterAll(() => engine.dispose());

describe('a network of every kind of step', () => {
  const parameters = networkParameters(network);
  const inputs = { x: randomNumbers(12, 5), skip: randomNumbers(16, 6) };

  test('is what its steps say, and leaves nothing behind', () => {
    const subject = new UpconvNetwork(upconv, engine, network, parameters);
    const before = engine.memory.tensors;
    const output = subject.run(inputs);
    expect(subject.run(inputs)).toEqual(output);
    expect(engine.memory.tensors).toBe(before);
    subject.dispose();
    expect(engine.memory.tensors).toBe(0);
    expect(output).toEqual(stepByStep());
  });

  /** Every step by itself, on plain arrays. */
  function stepByStep(): Float32Array {
    const numbers = (name: string) => {
      const { weight, bias } = parameters.get(name) as { weight: Float32Array; bias: Float32Array };
      const step = layerSteps(network).find(({ output }) => output === name);
      const tensor = (data: Float32Array, shape?: readonly number[]) => upconv.tensor(data, shape, { engine });
      return [tensor(weight, step && shapesOf(step.layer).weight), tensor(bias)] as const;
    };
    const data = (tensor: upconv.Tensor): Float32Array => tensor.toTypedArray() as Float32Array;
    const x = upconv.tensor(inputs.x, [1, 3, 4], { engine });
    const u = data(upconv.convTranspose1dSync(x, ...numbers('u'), { stride: 2 }));
    const joined = upconv.tensor(Float32Array.of(...inputs.skip, ...u), [1, 4, 8], { engine });
    const convolve = (name: string, input: upconv.Tensor, options: object) =>
      data(upconv.conv1dSync(input, ...numbers(name), { padding: 1, ...options }));
    const a = convolve('a', joined, { activation: 'tanh' });
    const b = convolve('b', joined, {});
    const y = upconv.tensor(
      a.map((value, index) => value + b[index]),
      [1, 2, 8],
      { engine },
    );
    return convolve('z', y, { inputActivation: { leakyRelu: 0.1 } });
  }
});

describe.each([dcganGenerator(2), hifiganGenerator(), unetDecoder()])('$name', (decoder) => {
  test('every step reads what has the shape it expects', () => {
    const shapes = new Map<string, readonly number[]>(Object.entries(decoder.inputs));
    for (const step of decoder.steps) {
      const read = (
        step.kind === 'layer' ? [step.input] : step.kind === 'add' ? [step.first, step.second] : step.inputs
      ).map((name) => shapes.get(name) ?? []);
      const [expected, written] = shapesOfStep(step, read);
      expect(read).toEqual(expected);
      shapes.set(step.output, written);
    }
    expect(shapes.has(decoder.output)).toBe(true);
  });
});

type Shape = readonly number[];

/** Shapes that a step wants to read, and the one it writes. */
function shapesOfStep(step: Step, read: readonly Shape[]): [expected: readonly Shape[], written: Shape] {
  if (step.kind === 'layer') return [[shapesOf(step.layer).input], shapesOf(step.layer).output];
  if (step.kind === 'add') return [[read[0], read[0]], read[0]];
  const channels = read.reduce((sum, [, count]) => sum + count, 0);
  return [read.map(([, count]) => read[0].with(1, count)), read[0].with(1, channels)];
}

test('operations of the decoders', () => {
  expect(networkFlops(dcganGenerator(64)) / 1e9).toBeCloseTo(13.4, 1);
  expect(networkFlops(hifiganGenerator()) / 1e9).toBeCloseTo(122.8, 1);
  expect(networkFlops(unetDecoder()) / 1e9).toBeCloseTo(249.2, 1);
});
