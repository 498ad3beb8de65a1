/**
 * 256-bit vectors: V8's re-vectoriser, an experiment of its, joins neighbouring operations of 128 bits where the CPU has
 * AVX2. Nothing says whether it did, so kernels are timed. A chunk of its own that shares no code with others: pages,
 * which cannot set flags of V8, load no byte of it.
 */

import type * as v8 from 'node:v8';
import type { KernelSet } from '../core/kernel_set.ts';
import type * as bind from '../kernels/bind.ts';
import type { Kernels } from '../kernels/kernels.ts';
import type { Heap } from '../memory/heap.ts';
import type { Stage } from '../plan/stage.ts';
import type { VariantDescription } from '../wasm/variants.ts';

const FLAG = '--experimental-wasm-revectorize';

/**
 * Asks V8 for it, for the rest of the process: functions are compiled when they have run for a while. Code of others
 * may become faster, too; its results do not change.
 * @param given the module of the caller, or null
 * @param plain what the runtime has without
 * @returns why that is not possible, or null
 */
export function cannotBeWide(
  numerics: 'fast' | 'portable',
  given: VariantDescription | null,
  plain: KernelSet,
): string | null {
  if (numerics === 'portable') return "numerics: 'portable' computes alike on every machine";
  if (plain === 'simd') return 'the runtime has no relaxed SIMD';
  if (given !== null && given.kernelSet !== 'wide') return `the module given is the variant '${given.variant}'`;
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => typeof v8 | undefined } };
  const runtime = process?.getBuiltinModule?.('node:v8');
  if (runtime === undefined) return 'the runtime takes no flags of V8';
  try {
    runtime.setFlagsFromString(FLAG);
    return null;
  } catch (error) {
    return `V8 refused ${FLAG}: ${String(error)}`;
  }
}

/** A product of 20 microseconds in 256 bits. */
const [M, N, K] = [120, 128, 64];
const MR = { float32: 6, float64: 4 };
/**
 * Of the times of float64, whose kernel is not joined, and float32: 2 for twice the numbers per vector, 2 for vectors of
 * twice the width, less the time of packing. Where V8 does not join vectors the tile of float32 spills: 1.2 to 1.6.
 */
const LEAST_RATIO = 2.5;
/** A larger ratio says that V8 has not optimised the kernel of float64 yet. */
const LARGEST_RATIO = 5.5;
/** Either kernel may be optimised first, so that ratios pass through the range: they have to stay in it. */
const TIMES_IN_RANGE = 6;
/** V8 optimises beside this thread. */
const PAUSE_MS = 8;
const PATIENCE_MS = 800;
const REPETITIONS = 4;

/** Operands of float64, as much again for packed ones, and the buffer of a tile. */
const OPERAND_BYTES = (2 * (M * K + K * N) + M * N) * 8 + 1024;
/** More than a parameter block and its tables. */
const PARAMS_BYTES = 4096;
const PROBE_BYTES = OPERAND_BYTES + 2 * PARAMS_BYTES;

/**
 * Times kernels until V8 has optimised them.
 * @param writeConstants and `run`: as in ../kernels/bind.ts, which pages have loaded
 * @returns why vectors are not 256 bits wide, or null when they are
 */
export async function checkWideVectors(
  { heap, kernels }: { readonly heap: Heap; readonly kernels: Kernels },
  writeConstants: typeof bind.writeConstants,
  run: typeof bind.run,
): Promise<string | null> {
  const ptr = heap.allocate(PROBE_BYTES);
  if (ptr === null) return 'there is no memory to check it';
  new Uint8Array(heap.memory.buffer, ptr, PROBE_BYTES).fill(0);
  const [single, double] = (['float32', 'float64'] as const).map((dtype, i) => {
    const paramsPtr = ptr + OPERAND_BYTES + i * PARAMS_BYTES;
    const { stages } = writeConstants(heap.memory, [product(dtype, ptr)], paramsPtr);
    return () => run(kernels, stages);
  });
  try {
    return await timeThem(single, double);
  } finally {
    heap.free(ptr);
  }
}

async function timeThem(single: () => void, double: () => void): Promise<string | null> {
  const began = performance.now();
  let ratio = 0;
  for (let inRange = 0; performance.now() - began < PATIENCE_MS; await pause()) {
    const singleMs = bestMs(single);
    ratio = bestMs(double) / singleMs;
    inRange = ratio >= LEAST_RATIO && ratio <= LARGEST_RATIO ? inRange + 1 : 0;
    if (inRange === TIMES_IN_RANGE) return null;
  }
  return `V8 does not join vectors here: float32 is ${ratio.toFixed(1)} times as fast as float64, with them 4 times`;
}

function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, PAUSE_MS);
  });
}

function bestMs(run: () => void): number {
  let best = Infinity;
  for (let i = 0; i < REPETITIONS; i++) {
    const began = performance.now();
    run();
    best = Math.min(best, performance.now() - began);
  }
  return best;
}

/** M x K times K x N, row-major; see src/plan/matmul.ts. */
function product(dtype: 'float32' | 'float64', ptr: number): Stage {
  const elementBytes = dtype === 'float32' ? 4 : 8;
  const mr = MR[dtype];
  const [aBytes, bBytes, cBytes] = [M * K, K * N, M * N].map((elements) => elements * elementBytes);
  const workspacePtr = ptr + aBytes + bBytes + cBytes;
  return {
    entry: 'matmul',
    items: 1,
    flops: 2 * M * N * K,
    block: 'matmul',
    fields: {
      aPtr: ptr,
      bPtr: ptr + aBytes,
      cPtr: ptr + aBytes + bBytes,
      workspacePtr,
      m: M,
      n: N,
      k: K,
      aRowStride: K,
      aColumnStride: 1,
      bRowStride: N,
      bColumnStride: 1,
      cRowStride: N,
      cColumnStride: 1,
      mr,
      kc: K,
      itemRows: M,
      itemColumns: N,
      rowOffsetPtr: Int32Array.from({ length: M }, (_, row) => row * N * elementBytes),
      panelsOffset: aBytes,
      tileOffset: aBytes + bBytes,
      elementBytes,
    },
  };
}
