import type { Engine } from '../../src/index.ts';
import { disposeOwned } from './owned.ts';

/** For `afterEach`: releases what the test owned. @throws when a tensor of `engine` is left. */
export function releaseAll(engine: Engine): void {
  disposeOwned();
  const { tensors } = engine.memory;
  if (tensors !== 0) throw new Error(`${tensors} tensors are left`);
}
