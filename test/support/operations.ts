/** The public functions and modules by number of spatial axes or by name, and tensors that a test releases itself. */

import { onTestFinished } from 'vitest';
import * as upconv from '../../src/index.ts';
import type { Tensor } from '../../src/index.ts';
import type { FixtureTensor } from './fixtures.ts';

export const CONV_TRANSPOSE = {
  1: {
    forward: upconv.convTranspose1d,
    forwardSync: upconv.convTranspose1dSync,
    backward: upconv.convTranspose1dBackward,
    backwardSync: upconv.convTranspose1dBackwardSync,
  },
  2: {
    forward: upconv.convTranspose2d,
    forwardSync: upconv.convTranspose2dSync,
    backward: upconv.convTranspose2dBackward,
    backwardSync: upconv.convTranspose2dBackwardSync,
  },
  3: {
    forward: upconv.convTranspose3d,
    forwardSync: upconv.convTranspose3dSync,
    backward: upconv.convTranspose3dBackward,
    backwardSync: upconv.convTranspose3dBackwardSync,
  },
} as const;

export const CONV = {
  1: {
    forward: upconv.conv1d,
    forwardSync: upconv.conv1dSync,
    backward: upconv.conv1dBackward,
    backwardSync: upconv.conv1dBackwardSync,
  },
  2: {
    forward: upconv.conv2d,
    forwardSync: upconv.conv2dSync,
    backward: upconv.conv2dBackward,
    backwardSync: upconv.conv2dBackwardSync,
  },
  3: {
    forward: upconv.conv3d,
    forwardSync: upconv.conv3dSync,
    backward: upconv.conv3dBackward,
    backwardSync: upconv.conv3dBackwardSync,
  },
} as const;

export const CONV_TRANSPOSE_MODULE = {
  1: upconv.ConvTranspose1d,
  2: upconv.ConvTranspose2d,
  3: upconv.ConvTranspose3d,
} as const;

/** Disposes `item` when the running test ends; null passes through. */
export function held<T extends { dispose(): void } | null>(item: T): T {
  if (item) onTestFinished(() => item.dispose());
  return item;
}

/** All gradients of a backward call, disposed when the test ends. */
export function heldGradients<
  T extends { gradInput: Tensor | null; gradWeight: Tensor | null; gradBias: Tensor | null },
>(gradients: T): T {
  held(gradients.gradInput);
  held(gradients.gradWeight);
  held(gradients.gradBias);
  return gradients;
}

/** Copies a fixture in, with its own precision. */
export function upload(fixture: FixtureTensor): Tensor {
  return held(upconv.tensor(fixture.values, fixture.shape));
}

/** A tensor of one value. */
export function filled(shape: readonly number[], value = 1, dtype: 'float32' | 'float64' = 'float32'): Tensor {
  return held(upconv.full(shape, value, { dtype }));
}

/** Constructor arguments as fixtures hold them: a name and [...positional, options]; of Sequential, its modules. */
export type ModuleSpec = [kind: string, constructorArguments: unknown[]];

/** Builds a module from a fixture's description; the caller disposes it. */
export function buildModule(kind: string, constructorArguments: readonly unknown[]): upconv.Module {
  const constructors = upconv as unknown as Record<string, new (...values: unknown[]) => upconv.Module>;
  if (kind !== 'Sequential') return new constructors[kind](...constructorArguments);
  return new upconv.Sequential(...(constructorArguments as ModuleSpec[]).map((spec) => buildModule(...spec)));
}
