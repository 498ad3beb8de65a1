/** Sync functions in an audio worklet of the built package: no timers, no fetch, no clock, no messages. */

import { expect, test } from 'vitest';
import { convTranspose1dBackwardSync, convTranspose1dSync, createEngine, tensor } from '../../../src/index.ts';
import { loadVariant } from '../../../src/wasm/load_variant.ts';
import { BLOCK, blockInput, kernel, LAYER } from '../audio_layer.ts';
import type { WorkletReport } from '../audio_worklet.ts';

const BLOCKS = 8;

test('an engine computes block after block', { timeout: 20_000 }, async () => {
  const context = new OfflineAudioContext(1, BLOCKS * BLOCK, 48_000);
  await context.audioWorklet.addModule('/probe/audio_worklet.js');
  const node = new AudioWorkletNode(context, 'upsampler', {
    numberOfInputs: 0,
    outputChannelCount: [1],
    processorOptions: { wasm: await loadVariant('auto') },
  });
  const failed = new Promise<never>((_, reject) => {
    node.addEventListener('processorerror', (event) => reject(new Error(event.message)));
  });
  const reported = new Promise<WorkletReport>((resolve) => {
    node.port.addEventListener('message', ({ data }: MessageEvent<WorkletReport>) => resolve(data));
    node.port.start();
  });
  node.connect(context.destination);
  const sound = (await Promise.race([context.startRendering(), failed])).getChannelData(0);
  const { info, touched, gradWeight } = await Promise.race([reported, failed]);

  const engine = await createEngine({ threads: 1 });
  const weight = tensor(kernel(), LAYER.weight, { engine });
  const blocks = Array.from({ length: BLOCKS }, (_, index) => {
    const input = tensor(blockInput(index), LAYER.input, { engine });
    return convTranspose1dSync(input, weight, null, LAYER.options).toTypedArray();
  });
  expect(touched).toEqual([]);
  expect(info).toMatchObject({ threads: 1, variant: engine.info.variant });
  expect(blocks[0].some((value) => value !== 0)).toBe(true);
  blocks.forEach((block, index) => expect(sound.slice(index * BLOCK, (index + 1) * BLOCK)).toEqual(block));
  const [input, gradOutput] = [
    tensor(blockInput(0), LAYER.input, { engine }),
    tensor(blocks[0], LAYER.output, { engine }),
  ];
  const expected = convTranspose1dBackwardSync(gradOutput, input, weight, LAYER.options).gradWeight;
  expect(gradWeight).toEqual(expected.toTypedArray());
  engine.dispose();
});
