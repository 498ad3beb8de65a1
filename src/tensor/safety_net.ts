/** Tensors that the garbage collector finds undisposed give up their storage; `engine.memory.tensorsCollected` counts them. */

import type { Storage } from '../engine/storage.ts';

/** Some runtimes have none: there an undisposed tensor stays until its engine goes. */
const registry =
  typeof FinalizationRegistry === 'function'
    ? new FinalizationRegistry<Storage>((storage) => storage.engine.collect(storage))
    : null;

/** Releases a reference to `storage` when `holder` is collected. One over bytes of somebody else has none to give back. */
export function catchUndisposed(holder: object, storage: Storage): void {
  if (storage.purpose !== 'foreign') registry?.register(holder, storage, holder);
}

/** `holder` has released its reference itself. */
export function letGo(holder: object): void {
  registry?.unregister(holder);
}
