import { expect, test } from 'vitest';
import {
  Adam,
  bceWithLogitsLoss,
  Conv2d,
  ConvTranspose2d,
  createEngine,
  full,
  LeakyReLU,
  manualSeed,
  rand,
  ReLU,
  Sequential,
  Tanh,
} from '../../src/index.ts';

/** Losses of discriminator and generator that torch 1.13 computes for the same seed and steps. */
const TORCH = [
  [1.416457176208496, 0.6896445155143738],
  [1.428157091140747, 0.6849623322486877],
  [1.4130573272705078, 0.6833966374397278],
  [1.4151314496994019, 0.6814562678337097],
  [1.381776213645935, 0.6801963448524475],
];

test('five steps of a GAN are those of PyTorch', async () => {
  const engine = await createEngine();
  manualSeed(3);
  const generator = new Sequential(
    new ConvTranspose2d(8, 4, 4, { engine }),
    new ReLU(),
    new ConvTranspose2d(4, 1, 4, { stride: 2, padding: 1, engine }),
    new Tanh(),
  );
  const discriminator = new Sequential(
    new Conv2d(1, 4, 4, { stride: 2, padding: 1, engine }),
    new LeakyReLU(0.2),
    new Conv2d(4, 1, 4, { engine }),
  );
  const options = { lr: 2e-3, betas: [0.5, 0.999] } as const;
  const generatorAdam = new Adam(generator.parameters(), options);
  const discriminatorAdam = new Adam(discriminator.parameters(), options);
  const ones = full([3, 1, 1, 1], 1, { engine });
  const zeros = full([3, 1, 1, 1], 0, { engine });
  for (const [discriminatorLoss, generatorLoss] of TORCH) {
    const real = rand([3, 1, 8, 8], { engine });
    const noise = rand([3, 8, 1, 1], { engine });
    const fake = await generator.vjp(noise);

    // the discriminator on real and on fake pictures: two passes live at once
    const onReal = await discriminator.vjp(real);
    const onFake = await discriminator.vjp(fake.output);
    const realLoss = await bceWithLogitsLoss(onReal.output, ones);
    const fakeLoss = await bceWithLogitsLoss(onFake.output, zeros);
    discriminatorAdam.zeroGrad();
    await onReal.backward(realLoss.gradOutput, { gradInput: false });
    await onFake.backward(fakeLoss.gradOutput, { gradInput: false });
    await discriminatorAdam.step();

    // the generator through the discriminator, whose own gradients are not wanted
    const judged = await discriminator.vjp(fake.output);
    const loss = await bceWithLogitsLoss(judged.output, ones);
    generatorAdam.zeroGrad();
    const gradFake = await judged.backward(loss.gradOutput, { gradParameters: false });
    await fake.backward(gradFake, { gradInput: false });
    await generatorAdam.step();

    expect(Math.abs(realLoss.value + fakeLoss.value - discriminatorLoss)).toBeLessThan(2e-6);
    expect(Math.abs(loss.value - generatorLoss)).toBeLessThan(2e-6);
    const outputs = [fake.output, onReal.output, onFake.output, judged.output];
    for (const item of [real, noise, gradFake, realLoss, fakeLoss, loss, ...outputs]) item.dispose();
  }
  for (const item of [generator, discriminator, generatorAdam, discriminatorAdam, ones, zeros]) item.dispose();
  expect(engine.memory.tensors).toBe(0);
  engine.dispose();
});
