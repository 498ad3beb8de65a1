/** Trains an FSRCNN on crops of pictures, and measures it beside bicubic interpolation on crops that it never saw. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Adam, init, manualSeed, mseLoss } from 'upconv';
import type { Generator, Sequential } from 'upconv';
import { readSafetensors, writeSafetensors } from 'upconv/safetensors';
import { enlarge } from './bicubic.ts';
import { CONTEXT, heldOutCrops, randomCrops, readPair } from './crops.ts';
import type { Crops, Pair } from './crops.ts';
import { fsrcnn, SCALE } from './network.ts';
import { psnr } from './psnr.ts';

const CROPS_PER_STEP = 8;
const LEARNING_RATE = 5e-3;
/** A shorter memory of squared gradients than Adam's 0.999: the first steps are a thousand times steeper than the last. */
const BETAS = [0.9, 0.99] as const;
/** Steps between two lines. */
const REPORT = 200;

async function train(network: Sequential, pairs: readonly Pair[], steps: number, generator: Generator): Promise<void> {
  const optimizer = new Adam(network.parameters(), { lr: LEARNING_RATE, betas: BETAS });
  let sum = 0;
  for (let step = 1; step <= steps; step++) {
    const { low, high } = randomCrops(pairs, CROPS_PER_STEP, generator);
    // half a cosine: Adam's steps do not shrink by themselves
    for (const group of optimizer.paramGroups)
      group.lr = (LEARNING_RATE * (1 + Math.cos((Math.PI * step) / steps))) / 2;
    const output = await network.forward(low);
    const loss = await mseLoss(output, high);
    optimizer.zeroGrad();
    await network.backward(loss.gradOutput, { gradInput: false });
    await optimizer.step();
    for (const item of [low, high, output, loss]) item.dispose();
    sum += loss.value;
    if (step % REPORT === 0) {
      console.log(`step ${step}: loss ${(sum / REPORT).toFixed(5)}`);
      sum = 0;
    }
  }
  optimizer.dispose();
}

/** PSNR in dB of the network and of bicubic interpolation. */
async function measure(network: Sequential, { low, high }: Crops): Promise<{ learned: number; bicubic: number }> {
  const estimates = [await network.eval().forward(low), await enlarge(low)];
  const [learned, bicubic] = estimates.map((estimate) => psnr(estimate, high, SCALE * CONTEXT));
  for (const estimate of estimates) estimate.dispose();
  return { learned, bicubic };
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    steps: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '0' },
    weights: { type: 'string', default: 'build/fsrcnn.safetensors' },
  },
});
const bundled = fileURLToPath(new URL('../../assets/picture.png', import.meta.url));

const engine = await init();
const generator = manualSeed(Number(options.seed));
const pairs = await Promise.all((positionals.length > 0 ? positionals : [bundled]).map(readPair));
const heldOut = heldOutCrops(pairs);
const network = fsrcnn();
await train(network, pairs, Number(options.steps), generator);
writeFileSync(options.weights, writeSafetensors(network.stateDict()));

const { learned, bicubic } = await measure(network, heldOut);
console.log(
  `${heldOut.low.shape[0]} crops held out: bicubic ${bicubic.toFixed(2)} dB, FSRCNN ${learned.toFixed(2)} dB`,
);

const loaded = fsrcnn();
loaded.loadStateDict(readSafetensors(readFileSync(options.weights)));
assert.equal((await measure(loaded, heldOut)).learned, learned);
console.log(`${options.weights}: loaded again, the same to the bit`);

for (const item of [network, loaded, heldOut.low, heldOut.high]) item.dispose();
assert.equal(engine.memory.tensors, 0);
engine.dispose();
