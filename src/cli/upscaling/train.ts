import { Adam, ConvTranspose2d, mseLoss, zeros, type Engine } from '../../index.ts';
import { randomCrop, type Split } from '../image/holdout.ts';
import type { Plane } from '../image/picture.ts';
import { createRandom } from '../image/random.ts';
import { bilinearKernel, CONTEXT, upscaleGeometry } from '../image/upscale_kernel.ts';
import type { Pair } from './pair.ts';

/** A few crops already point downhill: more steps learn more than larger ones in the same time. */
const CROPS_PER_STEP = 4;
const LEARNING_RATE = 1e-2;
/** A shorter memory of squared gradients than Adam's 0.999: they shrink a thousandfold on the way to fine detail. */
const BETAS = [0.9, 0.99] as const;

export interface TrainingOptions {
  readonly engine: Engine;
  readonly steps: number;
  readonly seed: number;
  /** Called after each step with the number of steps done and the loss; training waits for what it returns. */
  readonly onStep?: (done: number, loss: number) => void | Promise<void>;
  /** Ends training before its next step: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Trains one kernel, shared by the colours, to make `pair.high` from `pair.low`, on random crops outside the withheld
 * blocks of `split`. The same pair, split, steps and seed give the same kernel. The caller disposes the module.
 */
export async function trainUpscaler(pair: Pair, split: Split, options: TrainingOptions): Promise<ConvTranspose2d> {
  const { engine, steps, signal } = options;
  const { scale } = pair;
  const { kernelSize, ...geometry } = upscaleGeometry(scale);
  const module = new ConvTranspose2d(1, 1, kernelSize, { ...geometry, bias: false, engine });
  module.weight.copyFrom(bilinearKernel(scale));
  const optimizer = new Adam(module.parameters(), { lr: LEARNING_RATE, betas: BETAS });
  const sampler = createSampler(pair, split, options.seed);
  const input = zeros([sampler.images, 1, split.crop, split.crop], { engine });
  const target = zeros([sampler.images, 1, sampler.targetSide, sampler.targetSide], { engine });
  try {
    for (let step = 0; step < steps; step++) {
      signal?.throwIfAborted();
      sampler.next();
      input.copyFrom(sampler.input);
      target.copyFrom(sampler.target);
      for (const group of optimizer.paramGroups) group.lr = annealedRate(step / steps);
      const output = await module.forward(input);
      const loss = await mseLoss(output, target);
      optimizer.zeroGrad();
      await module.backward(loss.gradOutput, { gradInput: false });
      await optimizer.step();
      loss.dispose();
      output.dispose();
      await options.onStep?.(step + 1, loss.value);
    }
  } catch (error) {
    module.dispose();
    throw error;
  } finally {
    for (const resource of [input, target, optimizer]) resource.dispose();
  }
  module.eval();
  return module;
}

/** Half a cosine from LEARNING_RATE to 0: Adam's steps do not shrink by themselves, and noise would stay in the kernel. */
function annealedRate(progress: number): number {
  return LEARNING_RATE * 0.5 * (1 + Math.cos(Math.PI * progress));
}

interface Sampler {
  /** Crops per step times colours: the batch. */
  readonly images: number;
  /** Side of the target of one crop, in pixels of the large picture. */
  readonly targetSide: number;
  readonly input: Float32Array;
  readonly target: Float32Array;
  /** Fills `input` and `target` with new crops. */
  next(): void;
}

function createSampler(pair: Pair, split: Split, seed: number): Sampler {
  const random = createRandom(seed);
  const { low, high, scale } = pair;
  const { width, height } = low[0];
  const { crop } = split;
  const targetSide = (crop - 2 * CONTEXT) * scale;
  const images = CROPS_PER_STEP * low.length;
  const input = new Float32Array(images * crop ** 2);
  const target = new Float32Array(images * targetSide ** 2);
  return {
    images,
    targetSide,
    input,
    target,
    next() {
      for (let image = 0; image < images; image += low.length) {
        const { x, y } = randomCrop(split, width, height, random);
        for (let c = 0; c < low.length; c++) {
          copySquare(low[c], x, y, crop, input, (image + c) * crop ** 2);
          copySquare(
            high[c],
            (x + CONTEXT) * scale,
            (y + CONTEXT) * scale,
            targetSide,
            target,
            (image + c) * targetSide ** 2,
          );
        }
      }
    },
  };
}

function copySquare(plane: Plane, x: number, y: number, side: number, to: Float32Array, offset: number): void {
  for (let row = 0; row < side; row++) {
    const from = (y + row) * plane.width + x;
    to.set(plane.data.subarray(from, from + side), offset + row * side);
  }
}
