/** Run in a page: the gaps between animation frames while nothing happens, and while one call computes. */

import type * as Upconv from '../../src/index.ts';

export interface Frames {
  readonly count: number;
  /** Frames that did not come, of a screen that has 60 a second. */
  readonly missed: number;
  /** Milliseconds: of 100 gaps, 99 are no longer. */
  readonly p99Ms: number;
  readonly longestMs: number;
}

export interface PageRun {
  readonly threads: number;
  readonly callMs: number;
  readonly idle: Frames;
  readonly busy: Frames;
}

const CALL_MS = 2000;
const PERIOD_MS = 1000 / 60;
/** 4.3 GFLOP for each image. */
const LAYER = { input: [512, 32, 32], weight: [512, 256, 4, 4], options: { stride: 2, padding: 1 } } as const;

/** Milliseconds between frames until a promise has settled. */
function gapsUntil(end: Promise<unknown>): Promise<number[]> {
  let over = false;
  void end.finally(() => {
    over = true;
  });
  const gaps: number[] = [];
  let last: number | null = null;
  return new Promise((resolve) => {
    const frame = (): void => {
      const now = performance.now();
      if (last !== null) gaps.push(now - last);
      last = now;
      if (over) resolve(gaps);
      else requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  });
}

function summary(gaps: readonly number[]): Frames {
  const sorted = gaps.toSorted((a, b) => a - b);
  return {
    count: gaps.length,
    missed: gaps.reduce((sum, gap) => sum + Math.max(0, Math.round(gap / PERIOD_MS) - 1), 0),
    p99Ms: sorted[Math.ceil(0.99 * sorted.length) - 1],
    longestMs: sorted[sorted.length - 1],
  };
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

async function run(): Promise<PageRun> {
  const library = '/dist/index.js';
  const { convTranspose2d, init, rand } = (await import(library)) as typeof Upconv;
  const engine = await init();
  const weight = rand(LAYER.weight);
  const call = async (images: number): Promise<number> => {
    const input = rand([images, ...LAYER.input]);
    const started = performance.now();
    const output = await convTranspose2d(input, weight, null, LAYER.options);
    const milliseconds = performance.now() - started;
    output.dispose();
    input.dispose();
    return milliseconds;
  };
  let images = 1;
  // the first call compiles and packs, the second grows the memory
  for (const _ of [1, 2, 3]) images = Math.max(1, Math.round((images * CALL_MS) / (await call(images))));
  await pause(500);
  const idle = summary(await gapsUntil(pause(CALL_MS)));
  const busyCall = call(images);
  const busy = summary(await gapsUntil(busyCall));
  return { threads: engine.info.threads, callMs: await busyCall, idle, busy };
}

const report = await run().catch((error: unknown) => ({ error: String(error) }));
await fetch('/report', { method: 'POST', body: JSON.stringify(report) });
