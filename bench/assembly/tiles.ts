/** Tiles of the package's own micro-kernel over and over, on operands that stay in the first cache. */

import { runTiles } from '../../assembly/gemm/microkernel';

const MOST_ROWS = 6;
const COLUMNS = 8;
const TILES = 2;
const KC = 256;

/** Operations of one round. @param mr height of the micro-kernel */
export function flopsPerRound(mr: i32): i32 {
  return 2 * TILES * mr * COLUMNS * KC;
}

/** Bytes from `ptr` on that `run` works with. They have to be zero at first: C starts from them. */
export function bytes(): usize {
  return offsetOfB() + KC * COLUMNS * sizeof<f32>();
}

export function run(rounds: i32, mr: i32, ptr: usize): void {
  const rowOffsetPtr = ptr;
  const cPtr = rowOffsetPtr + TILES * MOST_ROWS * sizeof<i32>();
  for (let row = 0; row < TILES * MOST_ROWS; row++) {
    store<i32>(rowOffsetPtr + row * sizeof<i32>(), row * COLUMNS * sizeof<f32>());
  }
  for (let round = 0; round < rounds; round++) {
    runTiles(sizeof<f32>(), mr, TILES, KC, ptr + offsetOfA(), ptr + offsetOfB(), rowOffsetPtr, cPtr, true, 16);
  }
}

function offsetOfA(): usize {
  return TILES * MOST_ROWS * (sizeof<i32>() + COLUMNS * sizeof<f32>());
}

function offsetOfB(): usize {
  return offsetOfA() + TILES * MOST_ROWS * KC * sizeof<f32>();
}
