/** What an engine tells about itself. */

import type { VariantDescription } from '../wasm/variants.ts';

export interface EngineInfo {
  readonly variant: VariantDescription['variant'];
  readonly threads: number;
  /** Why there are fewer threads than asked for. */
  readonly threadsReason?: string;
  /** Register tile of the float32 micro-kernel, `mr`x`nr`. */
  readonly microkernel: string;
  /** Vectors of 256 bits, checked by their speed. */
  readonly wide: boolean;
  /** Why `wide` is false although it was asked for. */
  readonly wideReason?: string;
  readonly numerics: 'fast' | 'portable';
  /** Multiply-add is fused (relaxed SIMD). */
  readonly relaxed: boolean;
}

export interface EngineMemory {
  /** Bytes of live tensors. */
  readonly bytesInUse: number;
  /** Largest `bytesInUse` since `resetPeak()`. */
  readonly bytesPeak: number;
  /** Size of the wasm memory. */
  readonly bytesReserved: number;
  /** Bytes of cached packed weights. */
  readonly bytesPacked: number;
  /** Largest workspace in use at once since `resetPeak()`. */
  readonly bytesWorkspace: number;
  readonly bytesCopiedIn: number;
  readonly bytesCopiedOut: number;
  /** Live tensor storages. */
  readonly tensors: number;
  /** Tensors that nobody disposed and the garbage collector found: their memory went back late. Should stay 0. */
  readonly tensorsCollected: number;
  readonly maximumBytes: number;
}

/** A live storage of an engine with the option `debug`. */
export interface Leak {
  readonly ptr: number;
  readonly bytes: number;
  /** Stack of the call that made it. */
  readonly stack: string;
}
