/**
 * How much work runs before the event loop gets a turn. Counted in MFLOP, because clocks stand still or are coarse in
 * places; where the clock moves it corrects what a MFLOP is taken to cost.
 */

import type { Stage } from '../plan/stage.ts';
import { now, yieldToEventLoop } from '../threading/platform.ts';

/** MFLOP per ms that a slow machine does; until the clock says otherwise. */
const INITIAL_RATE = 5;
/** A stage that does not say what it costs: an item of an elementwise kernel. */
const DEFAULT_ITEM_FLOPS = 2e5;

export class Slices {
  readonly #limitMs: number;
  #rate = INITIAL_RATE;
  /** Work since the last turn of the event loop. */
  #mflop = 0;
  #startedAt = 0;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Items of `stage` that still fit in this slice; at least 1. */
  itemsThatFit(stage: Stage): number {
    const room = this.#limitMs * this.#rate - this.#mflop;
    return Math.max(1, Math.floor((room * 1e6) / itemFlops(stage)));
  }

  begin(): void {
    if (this.#mflop === 0) this.#startedAt = now();
  }

  count(stage: Stage, items: number): void {
    this.#mflop += (items * itemFlops(stage)) / 1e6;
  }

  /** True when the slice is used up. */
  get full(): boolean {
    return this.#mflop >= this.#limitMs * this.#rate || now() - this.#startedAt >= this.#limitMs;
  }

  async rest(): Promise<void> {
    const elapsed = now() - this.#startedAt;
    if (elapsed > 0) {
      // half-way to what was measured: one odd slice does not decide
      const measured = Math.max(this.#mflop / elapsed, INITIAL_RATE / 10);
      this.#rate = (this.#rate + measured) / 2;
    }
    this.#mflop = 0;
    await yieldToEventLoop();
    this.#startedAt = now();
  }
}

/** What all items of a stage cost. */
export function stageFlops({ flops, items }: Stage): number {
  return flops ?? items * DEFAULT_ITEM_FLOPS;
}

function itemFlops(stage: Stage): number {
  return Math.max(1, stageFlops(stage) / stage.items);
}
