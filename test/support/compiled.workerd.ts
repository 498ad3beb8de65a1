/** As compiled.ts: modules that the platform has compiled. */

import debug from './debug.wasm';
import relaxedThreads from './relaxed-threads.wasm';
import relaxed from './relaxed.wasm';
import simdThreads from './simd-threads.wasm';
import simd from './simd.wasm';
import wideThreads from './wide-threads.wasm';
import wide from './wide.wasm';

const MODULES = {
  simd,
  relaxed,
  wide,
  'simd-threads': simdThreads,
  'relaxed-threads': relaxedThreads,
  'wide-threads': wideThreads,
  debug,
};

export function compiled(name: keyof typeof MODULES): WebAssembly.Module {
  return MODULES[name];
}
