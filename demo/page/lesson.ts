/** What the page computes: a picture and its smaller copy, enlarged again by rule and by what was learned. */

import type { Engine } from '../../src/index.ts';
import { splitPicture, type Split } from '../../src/cli/image/holdout.ts';
import type { Picture, Plane } from '../../src/cli/image/picture.ts';
import { heldOutPsnr, interpolate, upscaleLow, type Comparison } from '../../src/cli/upscaling/compare.ts';
import { shrinkToPair, type Pair } from '../../src/cli/upscaling/pair.ts';
import { trainUpscaler } from '../../src/cli/upscaling/train.ts';
import { toRaster } from './raster.ts';

export type Method = keyof Comparison;

/** One way to enlarge, and how close it comes to the original where nothing was learned from. */
export interface Result {
  readonly raster: OffscreenCanvas;
  readonly decibels: number;
}

export interface Lesson {
  readonly pair: Pair;
  readonly split: Split;
  readonly original: OffscreenCanvas;
  /** `learned` is missing before training. */
  readonly results: ReadonlyMap<Method, Result>;
}

export interface TrainOptions {
  readonly steps: number;
  readonly signal: AbortSignal;
  readonly onStep: (done: number, loss: number) => void;
}

/** Every visitor of one picture sees the same figures. */
const SEED = 0;
/** Training lets the page draw and listen as often. */
const TURN_MS = 16;

/** Shrinks a picture and enlarges it by rule. */
export function prepareLesson(picture: Picture, scale: number): Lesson {
  const pair = shrinkToPair(picture, scale);
  const split = splitPicture(pair.low[0].width, pair.low[0].height);
  const results = new Map<Method, Result>();
  for (const method of ['nearest', 'bilinear', 'bicubic'] as const) {
    results.set(method, scored(interpolate(pair, method), pair, split));
  }
  return { pair, split, original: toRaster(pair.high), results };
}

/** Trains an upsampler and enlarges the small picture by it. An abort rejects with the reason and leaves nothing behind. */
export async function train(engine: Engine, lesson: Lesson, options: TrainOptions): Promise<Lesson> {
  const { steps, signal, onStep } = options;
  const { pair, split } = lesson;
  let drawn = performance.now();
  const module = await trainUpscaler(pair, split, {
    engine,
    steps,
    signal,
    seed: SEED,
    async onStep(done, loss) {
      onStep(done, loss);
      if (performance.now() - drawn < TURN_MS) return;
      await turnOfPage();
      drawn = performance.now();
    },
  });
  try {
    const planes = await upscaleLow(module, pair);
    signal.throwIfAborted();
    const learned = scored(planes, pair, split);
    return { ...lesson, results: new Map([...lesson.results, ['learned', learned]]) };
  } finally {
    module.dispose();
  }
}

function scored(planes: readonly Plane[], pair: Pair, split: Split): Result {
  return { raster: toRaster(planes), decibels: heldOutPsnr(planes, pair, split) };
}

/** Resolves when the page has had its turn; a timer would wait longer, for seconds in a page that is hidden. */
function turnOfPage(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(null);
  });
}
