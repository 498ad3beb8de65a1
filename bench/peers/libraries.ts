/** The libraries of the benchmark, by the name that reports use. */

import type { Library } from './peer.ts';
import { loadInWorker } from './worker_library.ts';

const LOADERS = {
  'onnxruntime-web': () => loadInWorker('./onnxruntime_web.ts'),
  'onnxruntime-web x2': () => loadInWorker('./onnxruntime_web.ts', 2),
  'onnxruntime-node': () => loadInWorker('./onnxruntime_node.ts'),
  PyTorch: async () => (await import('./pytorch.ts')).library,
  'tfjs-wasm': () => loadInWorker('./tfjs_wasm.ts'),
  'tfjs-upconv': () => loadInWorker('./tfjs_upconv.ts'),
  'tfjs-upconv-copies': () => loadInWorker('./tfjs_upconv_copies.ts'),
  'jax-js': () => loadInWorker('./jax_js.ts'),
} as const satisfies Readonly<Record<string, () => Promise<Library>>>;

export type LibraryName = keyof typeof LOADERS;
export const LIBRARY_NAMES = Object.keys(LOADERS) as readonly LibraryName[];

/** @throws when the library is not installed or cannot be loaded */
export function loadLibrary(name: LibraryName): Promise<Library> {
  return LOADERS[name]();
}
