/** Variants of this build as modules. Workers may not compile bytes: compiled.workerd.ts. */

import { text as debug } from '../../src/wasm/inlined/debug.ts';
import { text as relaxedThreads } from '../../src/wasm/inlined/relaxed-threads.ts';
import { text as relaxed } from '../../src/wasm/inlined/relaxed.ts';
import { text as simdThreads } from '../../src/wasm/inlined/simd-threads.ts';
import { text as simd } from '../../src/wasm/inlined/simd.ts';
import { text as wideThreads } from '../../src/wasm/inlined/wide-threads.ts';
import { text as wide } from '../../src/wasm/inlined/wide.ts';
import { decodeInlined } from '../../src/wasm/inlined_text.ts';

const TEXTS = {
  simd,
  relaxed,
  wide,
  'simd-threads': simdThreads,
  'relaxed-threads': relaxedThreads,
  'wide-threads': wideThreads,
  debug,
};

export function compiled(name: keyof typeof TEXTS): WebAssembly.Module {
  return new WebAssembly.Module(decodeInlined(TEXTS[name]));
}
