/** A decoder block of a 3-D U-Net, trained to segment a ball: up, join with the skip connection, convolve, normalise. */

import assert from 'node:assert/strict';
import {
  Adam,
  bceWithLogitsLoss,
  cat,
  catBackward,
  Conv3d,
  ConvTranspose3d,
  empty,
  init,
  InstanceNorm3d,
  LeakyReLU,
  manualSeed,
  rand,
  Sequential,
  tensor,
} from 'upconv';

const steps = Number(process.argv[2] ?? 20);
const [deepChannels, channels, size] = [16, 8, 16];

const engine = await init();
manualSeed(0);
const up = new ConvTranspose3d(deepChannels, channels, 2, { stride: 2 });
const body = new Sequential(
  new Conv3d(2 * channels, channels, 3, { padding: 1 }),
  new InstanceNorm3d(channels, { affine: true }),
  new LeakyReLU(0.01),
  new Conv3d(channels, 1, 1),
);
const optimizer = new Adam([...up.parameters(), ...body.parameters()], { lr: 0.02 });

// What an encoder would give: coarse features, and fine ones that are louder inside the ball.
const deep = rand([1, deepChannels, size / 2, size / 2, size / 2]);
const noise = rand([1, channels, size, size, size]);
const ball = Float32Array.from({ length: size ** 3 }, (_, voxel) => {
  const [z, y, x] = [Math.floor(voxel / size ** 2), Math.floor(voxel / size) % size, voxel % size];
  return Math.hypot(z - 7.5, y - 7.5, x - 7.5) < 5 ? 1 : 0;
});
const mask = tensor(ball, [1, 1, size, size, size]);
const fine = noise.toTypedArray().map((value, index) => value + 0.3 * ball[index % ball.length]);

// Both halves of what the convolution reads lie in one tensor, where they are made: joining them copies nothing.
const joined = empty([1, 2 * channels, size, size, size]);
const [upPlace, skipPlace] = [joined.narrow(1, 0, channels), joined.narrow(1, channels, channels)];
skipPlace.copyFrom(fine);

let first = 0;
let last = 0;
for (let step = 0; step < steps; step++) {
  optimizer.zeroGrad();
  await up.forward(deep, { out: upPlace });
  await cat([upPlace, skipPlace], 1, { out: joined });
  const logits = await body.forward(joined);
  const loss = await bceWithLogitsLoss(logits, mask);
  const gradJoined = await body.backward(loss.gradOutput);
  const [gradUp, gradSkip] = await catBackward(gradJoined, [upPlace, skipPlace], 1); // views
  await up.backward(gradUp, { gradInput: false });
  await optimizer.step();
  for (const temporary of [logits, loss, gradJoined, gradUp, gradSkip]) temporary.dispose();
  if (step === 0) first = loss.value;
  last = loss.value;
  console.log(`step ${step}: ${loss.value.toFixed(6)}`);
}
assert.ok(last < first);

body.eval();
const logits = Array.from((await body.forward(joined)).toTypedArray());
const right = logits.filter((logit, voxel) => logit > 0 === ball[voxel] > 0.5).length;
console.log(`${((100 * right) / logits.length).toFixed(1)} % of the voxels are right`);
engine.dispose();
