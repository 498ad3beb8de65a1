/** What differs between runtimes: giving the event loop a turn, and the clock. */

interface Platform {
  scheduler?: { yield?: () => Promise<void> };
  setImmediate?: (callback: () => void) => unknown;
  performance?: { now(): number };
}

const platform = globalThis as unknown as Platform;

/** Resolves after the event loop had a turn: input, timers and rendering are not held up by a long computation. */
export function yieldToEventLoop(): Promise<void> {
  if (platform.setImmediate !== undefined) {
    return new Promise((resolve) => {
      platform.setImmediate?.(resolve);
    });
  }
  if (platform.scheduler?.yield !== undefined) return platform.scheduler.yield();
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(null);
  });
}

/** Milliseconds; may stand still (deployed Workers) or be coarse (pages): nothing may rely on it. */
export function now(): number {
  return platform.performance?.now() ?? 0;
}
