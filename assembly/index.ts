/**
 * The wasm ABI on one page. Every export is a stage entry
 *
 *   (paramsPtr, begin, end, thread): runs items begin … end − 1 of a stage
 *
 * Items of one stage may run in any order and on any thread: none writes what another one reads
 * or writes. `thread` chooses the scratch memory. Kernels neither validate nor allocate.
 */

import { copyStrided } from './elementwise/copy';
import { CopyParams } from './params';

export function copyStridedF32(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  copyStrided<f32>(changetype<CopyParams>(paramsPtr), begin, end);
}

export function copyStridedF64(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  copyStrided<f64>(changetype<CopyParams>(paramsPtr), begin, end);
}
