/** Other libraries, computing the same layers. */

import type { LayerData } from '../../src/cli/benchmark/layer_calls.ts';

/**
 * What is timed of a layer.
 * endToEnd: forward, Float32Array in and out, as users call it. The others leave data where the library keeps it, and
 * allocate their results in each call.
 */
export const OPERATIONS = ['endToEnd', 'resident', 'gradInput', 'gradWeight', 'forwardBackward'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Row-major, with the channels where this package has them. */
export type Results = Partial<Record<'output' | 'gradInput' | 'gradWeight', Float32Array>>;

export interface PeerCall {
  /** Makes one call; milliseconds that it took. */
  readonly time: () => number | Promise<number>;
  /** What the last call computed. */
  readonly results: () => Results | Promise<Results>;
}

/** A network as an ONNX model, with the numbers that go in. */
export interface GraphData {
  readonly model: Uint8Array;
  readonly inputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>>;
  /** Name of the only output. */
  readonly output: string;
}

/** What is to be computed. A graph is timed end to end only. */
export type Problem =
  | { readonly kind: 'layer'; readonly data: LayerData }
  | { readonly kind: 'graph'; readonly data: GraphData };

/** A library that is ready to compute one problem. */
export interface Peer {
  readonly calls: Readonly<Partial<Record<Operation, PeerCall>>>;
  readonly close: () => void | Promise<void>;
}

/** A library that is loaded. */
export interface Library {
  /** And what else decides its speed. */
  readonly version: string;
  /** So slow that one call of each kind has to do. */
  readonly isSlow?: boolean;
  /**
   * Null for what the library cannot compute, or what is not asked of it.
   * @throws what the library throws
   */
  readonly open: (problem: Problem) => Promise<Peer | null>;
  readonly close?: () => void | Promise<void>;
}

/** A call whose result is read from what it returned. */
export function peerCall<T>(call: () => Promise<T>, read: (returned: T) => Results | Promise<Results>): PeerCall {
  let last: T | undefined;
  return {
    async time() {
      last = undefined; // may be collected before the next one is made
      const started = performance.now();
      last = await call();
      return performance.now() - started;
    },
    results: () => read(last as T),
  };
}
