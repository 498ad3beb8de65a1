import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readNpy, readNpz, writeNpy, writeNpz } from '../../src/npy.ts';
import { readSafetensors, writeSafetensors } from '../../src/safetensors.ts';
import { encodeModel, encodeNode, externalTensor, rawTensor } from '../interop/onnx/encode_model.ts';
import { convTransposeReference } from '../reference/conv_transpose.ts';
import type { RefOptions } from '../reference/options.ts';
import type { RefTensor } from '../reference/tensor.ts';
import { manyClis, runCli, temporaryFolder } from './support/cli.ts';

const folder = temporaryFolder();
const run = manyClis(folder);

interface NdArray {
  readonly shape: number[];
  readonly data: Float32Array | Float64Array;
}

function array(shape: number[], isDouble = false): NdArray {
  const size = shape.reduce((product, length) => product * length, 1);
  const values = Array.from({ length: size }, (_, i) => Math.sin(1 + i * i));
  return { shape, data: isDouble ? Float64Array.from(values) : Float32Array.from(values) };
}

const reference = ({ shape, data }: NdArray): RefTensor => ({ shape: [...shape], data: Float64Array.from(data) });

/** What is run: shapes of input and weight, options of the command line and of the reference. */
const CASES: readonly (readonly [number[], number[], string, RefOptions])[] = [
  [[2, 3, 7], [3, 4, 5], '--stride 2 --padding 1 --output-padding 1', { stride: 2, padding: 1, outputPadding: 1 }],
  [[3, 7], [3, 4, 5], '--dilation 3', { dilation: 3 }],
  [[1, 4, 5, 6], [4, 2, 3, 2], '--stride 2,3 --padding 1,0 --groups 2', { stride: [2, 3], padding: [1, 0], groups: 2 }],
  [[1, 2, 5, 6], [2, 2, 3, 3], '--stride 3 --output-size 16,19', { stride: 3, outputPadding: [1, 1] }],
  [
    [1, 2, 2, 3, 4],
    [2, 3, 2, 3, 2],
    '--stride 1,2,1 --output-padding 0,1,0',
    { stride: [1, 2, 1], outputPadding: [0, 1, 0] },
  ],
];

for (const dtype of ['float32', 'float64'] as const) {
  test.each(CASES)(
    `run, ${dtype}: input %j, weight %j, %s`,
    async (inputShape, weightShape, options, referenceOptions) => {
      const isDouble = dtype === 'float64';
      const [input, weight] = [array(inputShape, isDouble), array(weightShape, isDouble)];
      const bias = array([weightShape[1] * (referenceOptions.groups ?? 1)], isDouble);
      for (const [name, value] of Object.entries({ x: input, w: weight, b: bias })) {
        writeFileSync(join(folder, `${name}.npy`), writeNpy(value));
      }
      const files = '--input x.npy --weight w.npy --bias b.npy --output y.npy'.split(' ');
      const { code, stdout, stderr } = await run('run', ...files, ...options.split(' '));
      expect([code, stderr]).toEqual([0, '']);
      const expected = convTransposeReference(reference(input), reference(weight), reference(bias), referenceOptions);
      const output = readNpy(readFileSync(join(folder, 'y.npy')));
      expect(output.shape).toEqual(expected.shape);
      expect(stdout).toContain(`y.npy: ${dtype} (${expected.shape.join(', ')})`);
      expect(output.data.BYTES_PER_ELEMENT).toBe(isDouble ? 8 : 4);
      for (const [i, value] of expected.data.entries()) expect(output.data[i]).toBeCloseTo(value, isDouble ? 11 : 4);
    },
  );
}

test('run reads and writes the same in all formats', () => {
  const [input, weight] = [array([1, 2, 3, 3]), array([2, 1, 2, 2])];
  writeFileSync(join(folder, 'x.npy'), writeNpy(input));
  writeFileSync(join(folder, 'x.npz'), writeNpz({ other: weight, x: input }));
  writeFileSync(join(folder, 'w.npy'), writeNpy(weight));
  writeFileSync(join(folder, 'm.safetensors'), writeSafetensors({ 'up.weight': weight, 'up.bias': input }));
  const runOn = (x: string, w: string, y: string): void => {
    const { code, stderr } = runCli(folder, 'run', '--input', x, '--weight', w, '--output', y);
    expect([code, stderr]).toEqual([0, '']);
  };
  runOn('x.npy', 'w.npy', 'y.npy');
  runOn('x.npz#x', 'm.safetensors#up.weight', 'y.npz#y');
  runOn('x.npy', 'm.safetensors#up.weight', 'y.safetensors#a#b');
  const expected = readNpy(readFileSync(join(folder, 'y.npy')));
  expect(readNpz(readFileSync(join(folder, 'y.npz')))).toEqual({ y: expected });
  expect(readSafetensors(readFileSync(join(folder, 'y.safetensors')))).toEqual({ 'a#b': expected });
});

test('run applies a node of an ONNX model, its weights in the model or in a file beside it', async () => {
  const [input, weight] = [array([1, 2, 3, 3]), array([2, 1, 2, 2])];
  const node = { inputs: ['x', 'w'], attributes: { strides: [2, 2], auto_pad: 'SAME_UPPER' } };
  const data = weight.data as Float32Array;
  writeFileSync(join(folder, 'x.npy'), writeNpy(input));
  writeFileSync(join(folder, 'weights.bin'), new Uint8Array(data.buffer));
  writeFileSync(
    join(folder, 'one.onnx'),
    encodeModel([encodeNode({ ...node, name: 'up' })], [rawTensor('w', weight.shape, data)]),
  );
  const external = externalTensor('w', weight.shape, { location: 'weights.bin' });
  const nodes = ['a', 'b'].map((name) => encodeNode({ ...node, name, outputs: [name] }));
  writeFileSync(join(folder, 'two.onnx'), encodeModel(nodes, [external]));
  const runOn = async (...args: string[]): Promise<unknown> => {
    const { code, stderr } = await run('run', '--input', 'x.npy', '--output', 'y.npy', ...args);
    expect([code, stderr]).toEqual([0, '']);
    return readNpy(readFileSync(join(folder, 'y.npy')));
  };
  const expected = convTransposeReference(reference(input), reference(weight), null, { stride: 2 });
  const result = (await runOn('--onnx', 'one.onnx')) as NdArray;
  expect(result.shape).toEqual(expected.shape);
  expected.data.forEach((value, i) => expect(result.data[i]).toBeCloseTo(value, 4));
  expect(await runOn('--onnx', 'one.onnx', '--node', 'up')).toEqual(result);
  expect(await runOn('--onnx', 'two.onnx', '--node', 'b')).toEqual(result);
});

test('run computes float16 arrays, and writes float16', () => {
  const halves = (shape: number[], data: number[]) => ({ shape, data: Uint16Array.from(data), type: 'float16' });
  const [ONE, TWO, THREE] = [0x3c00, 0x4000, 0x4200];
  writeFileSync(join(folder, 'hx.npy'), writeNpy(halves([1, 1, 2], [ONE, TWO])));
  writeFileSync(join(folder, 'hw.npy'), writeNpy(halves([1, 1, 2], [ONE, ONE])));
  const { code, stdout } = runCli(folder, ...'run --input hx.npy --weight hw.npy --output hy.npy'.split(' '));
  expect([code, stdout]).toEqual([0, expect.stringContaining('hy.npy: float16 (1, 1, 3)')]);
  const data = Uint16Array.of(ONE, THREE, TWO);
  expect(readNpy(readFileSync(join(folder, 'hy.npy')))).toEqual({ shape: [1, 1, 3], type: 'float16', data });
});

test('info says what the engine chose and what was measured', () => {
  const { code, stdout, stderr } = runCli(folder, 'info');
  expect([code, stderr]).toEqual([0, '']);
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const fields = new Map(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => [line.slice(0, 14).trim(), line.slice(14)]),
  );
  expect([...fields.keys()]).toEqual([
    'upconv',
    'runtime',
    'variant',
    'threads',
    'micro-kernel',
    'numerics',
    'relaxed',
    'wide',
    'peak',
    'layer',
    'measured',
  ]);
  expect(fields.get('upconv')).toBe(version);
  expect(fields.get('variant')).toMatch(/simd|relaxed/);
  expect(fields.get('threads')).toMatch(/^[1-9]/);
  expect(fields.get('micro-kernel')).toMatch(/^\d+x\d+$/);
  expect(Number.parseFloat(fields.get('peak') ?? '')).toBeGreaterThan(0);
  expect(Number.parseFloat(fields.get('layer') ?? '')).toBeGreaterThan(0);
});
