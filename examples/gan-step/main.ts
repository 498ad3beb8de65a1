/** Trains a small GAN for a few steps, and checks that a step gives back what it takes. */

import assert from 'node:assert/strict';
import {
  Adam,
  bceWithLogitsLoss,
  Conv2d,
  ConvTranspose2d,
  full,
  init,
  LeakyReLU,
  manualSeed,
  rand,
  ReLU,
  Sequential,
  Tanh,
} from 'upconv';
import type { Tensor } from 'upconv';

const steps = Number(process.argv[2] ?? 5);
const batch = 3;

const engine = await init();
manualSeed(3);

// (batch, 8, 1, 1) of noise become pictures (batch, 1, 8, 8), which become logits (batch, 1, 1, 1)
const generator = new Sequential(
  new ConvTranspose2d(8, 4, 4),
  new ReLU(),
  new ConvTranspose2d(4, 1, 4, { stride: 2, padding: 1 }),
  new Tanh(),
);
const discriminator = new Sequential(
  new Conv2d(1, 4, 4, { stride: 2, padding: 1 }),
  new LeakyReLU(0.2),
  new Conv2d(4, 1, 4),
);
const options = { lr: 2e-3, betas: [0.5, 0.999] } as const;
const generatorAdam = new Adam(generator.parameters(), options);
const discriminatorAdam = new Adam(discriminator.parameters(), options);
const isReal = full([batch, 1, 1, 1], 1);
const isFake = full([batch, 1, 1, 1], 0);

/** Two passes of the discriminator are alive at once; both add to its gradients. */
async function discriminatorStep(real: Tensor, fake: Tensor): Promise<number> {
  const onReal = await discriminator.vjp(real);
  const onFake = await discriminator.vjp(fake);
  const realLoss = await bceWithLogitsLoss(onReal.output, isReal);
  const fakeLoss = await bceWithLogitsLoss(onFake.output, isFake);
  discriminatorAdam.zeroGrad();
  await onReal.backward(realLoss.gradOutput, { gradInput: false });
  await onFake.backward(fakeLoss.gradOutput, { gradInput: false }); // the generator does not learn from this
  await discriminatorAdam.step();
  for (const item of [onReal.output, onFake.output, realLoss, fakeLoss]) item.dispose();
  return realLoss.value + fakeLoss.value;
}

/** One step of both. The pass of the generator, begun before the discriminator's, ends after them. */
async function trainStep(real: Tensor, noise: Tensor): Promise<[number, number]> {
  const generated = await generator.vjp(noise);
  const discriminatorLoss = await discriminatorStep(real, generated.output);

  const judged = await discriminator.vjp(generated.output);
  const loss = await bceWithLogitsLoss(judged.output, isReal);
  generatorAdam.zeroGrad();
  const gradFake = await judged.backward(loss.gradOutput, { gradParameters: false }); // through it, not into it
  await generated.backward(gradFake, { gradInput: false });
  await generatorAdam.step();
  for (const item of [generated.output, judged.output, loss, gradFake]) item.dispose();
  return [discriminatorLoss, loss.value];
}

let kept: [tensors: number, bytes: number] | undefined;
for (let step = 1; step <= steps; step++) {
  const real = rand([batch, 1, 8, 8]); // your pictures
  const noise = rand([batch, 8, 1, 1]);
  const [discriminatorLoss, generatorLoss] = await trainStep(real, noise);
  for (const item of [real, noise]) item.dispose();
  console.log(`step ${step}: discriminator ${discriminatorLoss.toFixed(6)}, generator ${generatorLoss.toFixed(6)}`);

  // the first step makes gradients and moments, which stay; nothing else does
  const { tensors, bytesInUse } = engine.memory;
  kept ??= [tensors, bytesInUse];
  assert.deepEqual([tensors, bytesInUse], kept);
}

for (const item of [generator, discriminator, generatorAdam, discriminatorAdam, isReal, isFake]) item.dispose();
assert.equal(engine.memory.tensors, 0);
console.log('memory is back');
engine.dispose();
