/** Times one layer: forward, each gradient, and all of them. */

import type { Engine } from '../../index.ts';
import type { Timing } from './interleave.ts';
import { interleave, timeOf } from './interleave.ts';
import type { Layer } from './layer.ts';
import { flopsOf } from './layer.ts';
import type { Package } from './layer_calls.ts';
import { LayerCalls, randomData } from './layer_calls.ts';

export const MEASURES = ['forward', 'gradInput', 'gradWeight', 'forwardBackward'] as const;
export type Measure = (typeof MEASURES)[number];

export interface LayerSpeed {
  readonly name: string;
  readonly model: string;
  /** Operations of the forward pass; each gradient takes as many. */
  readonly flops: number;
  readonly timings: Readonly<Record<Measure, Timing>>;
  /** Largest scratch memory of forward and backward. */
  readonly workspaceBytes: number;
}

/** Repetitions of what takes longer than the budget. */
const REPETITIONS = 3;

/** Tensors stay in wasm memory; results are allocated by each call. */
export async function measureLayer(
  upconv: Package,
  engine: Engine,
  layer: Layer,
  budgetMs: number,
): Promise<LayerSpeed> {
  const calls = new LayerCalls(upconv, engine, randomData(layer));
  const functions: Record<Measure, () => void> = {
    forward: () => calls.forward().dispose(),
    gradInput: () => calls.gradInput().dispose(),
    gradWeight: () => calls.gradWeight().dispose(),
    forwardBackward: () => calls.forwardBackward(),
  };
  try {
    engine.resetPeak();
    const timings = await interleave(
      MEASURES.map((name) => ({ name, repetitions: REPETITIONS, time: () => timeOf(functions[name]) })),
      budgetMs,
    );
    return {
      name: layer.name,
      model: layer.model,
      flops: flopsOf(layer),
      timings: Object.fromEntries(timings) as Record<Measure, Timing>,
      workspaceBytes: engine.memory.bytesWorkspace,
    };
  } finally {
    calls.dispose();
    engine.trim();
  }
}

/** GFLOP/s at the median time. */
export function speedOf({ flops, timings }: LayerSpeed, measure: Measure): number {
  return (flops * (measure === 'forwardBackward' ? 3 : 1)) / timings[measure].medianMs / 1e6;
}
