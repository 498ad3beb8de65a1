import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Conv1d, ConvTranspose1d, createEngine, manualSeed, randn } from '../../src/index.ts';
import type { Tensor } from '../../src/index.ts';
import { convReference } from '../reference/conv.ts';
import { convTransposeReference } from '../reference/conv_transpose.ts';
import { refTensor } from '../reference/tensor.ts';
import type { RefTensor } from '../reference/tensor.ts';

const FRAMES = 6;

const reference = (tensor: Tensor): RefTensor => refTensor(tensor.shape, tensor.toTypedArray());
const leaky = ({ shape, data }: RefTensor): RefTensor => ({ shape, data: data.map((x) => (x > 0 ? x : 0.1 * x)) });

/** Loudness of the example's block by definition: separate tensors, and a sum in place of its 1x1 convolution. */
async function expectedLoudness(): Promise<number> {
  const engine = await createEngine();
  manualSeed(0); // parameters in the order in which the example makes them
  const upsample = new ConvTranspose1d(80, 32, 16, { engine });
  const branches = [1, 3, 5].map((dilation) => new Conv1d(32, 32, 3, { dilation, engine }));
  const toWave = new Conv1d(32, 1, 7, { engine });
  const replaced = new Conv1d(128, 32, 1, { bias: false, engine });
  const mel = reference(randn([2, 80, FRAMES], { engine }));

  const [weight, bias] = upsample.parameters().map(reference);
  const x = convTransposeReference(leaky(mel), weight, bias, { stride: 8, padding: 4 });
  const total = { shape: x.shape, data: x.data.slice() };
  for (const branch of branches) {
    const [weight, bias] = branch.parameters().map(reference);
    const [dilation] = branch.dilation;
    const output = convReference(leaky(x), weight, bias, { dilation, padding: dilation });
    output.data.forEach((value, index) => (total.data[index] += value));
  }
  const [waveWeight, waveBias] = toWave.parameters().map(reference);
  const wave = convReference(leaky(total), waveWeight, waveBias, { padding: 3 });
  expect(wave.shape).toEqual([2, 1, 8 * FRAMES]);
  for (const layer of [upsample, ...branches, toWave, replaced]) layer.dispose();
  engine.dispose();
  return Math.sqrt(wave.data.reduce((sum, value) => sum + Math.tanh(value) ** 2, 0) / wave.data.length);
}

test('a vocoder block writes into slices of one buffer, and copies nothing', async () => {
  const example = fileURLToPath(new URL('../../examples/vocoder-block/main.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [example, String(FRAMES)], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);

  const [wave, between, end] = stdout.split('\n');
  const [, loudness] = /^wave \(2, 1, 48\): rms ([\d.]+)$/.exec(wave) ?? [];
  expect(Math.abs(Number(loudness) - (await expectedLoudness()))).toBeLessThan(1e-5);
  expect(between).toBe('between upload and download: 0 bytes copied, 0 bytes of tensors made');
  expect(end).toBe('');
});
