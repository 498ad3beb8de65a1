/// <reference lib="esnext.disposable" preserve="true" />
/** `using` for what has `dispose()`, where the runtime knows it. */

/** Base of everything that owns memory. */
export abstract class DisposableBase {
  /** Calls `dispose()`; there where the runtime has `Symbol.dispose`. */
  declare readonly [Symbol.dispose]: () => void;

  /** Idempotent. */
  abstract dispose(): void;
}

if (typeof Symbol.dispose === 'symbol') {
  Object.defineProperty(DisposableBase.prototype, Symbol.dispose, {
    value(this: DisposableBase): void {
      this.dispose();
    },
    configurable: true,
    writable: true,
  });
}
