/** The memory of TensorFlow.js's wasm backend, and its allocator. */

import type { ForeignAllocator } from '../memory/heap.ts';
import type { EmscriptenModule } from './tfjs_types.ts';

export interface TfjsMemory {
  readonly memory: WebAssembly.Memory;
  readonly allocator: ForeignAllocator;
}

/** Null where it is out of reach. */
export function memoryOf(module: EmscriptenModule): TfjsMemory | null {
  const memory = [module.wasmMemory, module.asm?.memory].find((candidate) => candidate instanceof WebAssembly.Memory);
  if (memory === undefined || memory.buffer !== module.HEAPU8.buffer || typeof module._malloc !== 'function')
    return null;
  const starts = new Map<number, number>();
  return {
    memory,
    allocator: {
      allocate(bytes, alignment) {
        const start = module._malloc(bytes + alignment) >>> 0; // above 2 GiB it comes back negative
        if (start === 0) return 0;
        const ptr = Math.ceil(start / alignment) * alignment;
        starts.set(ptr, start);
        return ptr;
      },
      free(ptr) {
        module._free(starts.get(ptr)!);
        starts.delete(ptr);
      },
    },
  };
}
