import type { Engine } from '../../src/index.ts';
import { disposeOwned } from './owned.ts';

/** Tensors that earlier tests left: each leak is one failure. */
const known = new WeakMap<Engine, number>();

/** For `afterEach`: releases what the test owned. @throws when the test left a tensor of `engine`. */
export function releaseAll(engine: Engine): void {
  disposeOwned();
  const { tensors } = engine.memory;
  const left = tensors - (known.get(engine) ?? 0);
  known.set(engine, tensors);
  if (left !== 0) throw new Error(`${left} tensors are left`);
}
