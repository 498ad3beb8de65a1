/** Gradients of parameters. */

import { zeros } from '../tensor/create.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** The gradient of a parameter, made of zeros when there is none yet. */
export function gradientOf(parameter: Tensor): Tensor {
  const { shape, dtype, engine } = parameter;
  return (parameter.grad ??= zeros(shape, { dtype, engine }));
}

/** Sets the gradient of a parameter to 0, if there is one. */
export function clearGradient({ grad }: Tensor): void {
  if (grad === null) return;
  grad.storage.checkWritable('zeroGrad');
  if (!grad.isContiguous) {
    grad.copyFrom(new Float32Array(grad.size));
    return;
  }
  new Uint8Array(grad.engine.buffer, grad.ptr, grad.byteLength).fill(0);
  grad.storage.written();
}
