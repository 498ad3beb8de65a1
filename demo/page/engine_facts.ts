/** What the engine runs on, in words for visitors. */

import type { Engine } from '../../src/index.ts';

export function describeEngine({ info }: Engine): string {
  const { variant, threads, microkernel } = info;
  return `WebAssembly variant ${variant}, ${threads} ${threads === 1 ? 'thread' : 'threads'}, register tile ${microkernel}`;
}

/** Why threads are off and what would turn them on, or null when they are on. */
export function explainThreads({ info }: Engine): string | null {
  if (info.threads > 1) return null;
  if (navigator.hardwareConcurrency === 1) return 'Threads are off: this browser reports a single processor.';
  if (!crossOriginIsolated) {
    return (
      'Threads are off: this page is not cross-origin isolated, so its workers cannot share memory. Everything works, on one ' +
      'thread. A server turns threads on with the headers “Cross-Origin-Opener-Policy: same-origin” and ' +
      '“Cross-Origin-Embedder-Policy: require-corp”.'
    );
  }
  return `Threads are off: ${info.threadsReason ?? 'the engine did not say why'}.`;
}
