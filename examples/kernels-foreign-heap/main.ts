/** A framework with its own heap and channels-last tensors gets a transposed convolution, forward and backward. */

import type { BoundStage, Kernels, Plan } from 'upconv/kernels';
import {
  bind,
  bindPack,
  createKernels,
  loadVariant,
  planConvTranspose,
  planConvTransposeBackward,
  run,
} from 'upconv/kernels';

/** The framework's heap. `upconv/kernels` never asks it for anything: it only gets addresses. */
class Heap {
  readonly memory = new WebAssembly.Memory({ initial: 16 });
  #top = 8;

  malloc(bytes: number): number {
    const ptr = this.#top;
    this.#top = Math.ceil((ptr + bytes) / 8) * 8;
    const missing = this.#top - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
    return ptr;
  }

  floats(ptr: number, bytes: number): Float32Array {
    return new Float32Array(this.memory.buffer, ptr, bytes / 4);
  }
}

const heap = new Heap();
const kernels: Kernels = createKernels(await loadVariant('auto'), heap.memory);

// 8x8 pixels of 16 channels become 16x16 of 8, as (batch, height, width, channel); the weight is (in, out, kh, kw)
const [height, width, inChannels, outChannels] = [8, 8, 16, 8];
const spec = {
  dtype: 'float32',
  batch: 1,
  inChannels,
  outChannels,
  groups: 1,
  inputSpatial: [height, width],
  kernel: [4, 4],
  stride: [2, 2],
  dilation: [1, 1],
  cropBegin: [1, 1],
  outputSpatial: [2 * height, 2 * width],
  inputStrides: [height * width * inChannels, 1, width * inChannels, inChannels],
  outputStrides: [4 * height * width * outChannels, 1, 2 * width * outChannels, outChannels],
  kernelSet: kernels.kernelSet,
} as const;

/** Addresses for everything that a plan reads, writes and needs for itself. */
function place(plan: Plan, known: Record<string, number>): Record<string, number> {
  const pointers: Record<string, number> = {
    params: heap.malloc(plan.paramsBytes),
    workspace: heap.malloc(plan.workspaceBytes.shared + plan.workspaceBytes.perThread),
  };
  for (const [name, bytes] of Object.entries(plan.operands)) pointers[name] = known[name] ?? heap.malloc(bytes);
  return pointers;
}

// Inference: pack the weight once, then every frame is one call of `run`.
const forward = planConvTranspose({ ...spec, bias: true, activation: 'relu' });
const at = place(forward, {});
heap.floats(at.input, forward.operands.input).forEach((_, i, x) => (x[i] = Math.sin(i)));
heap.floats(at.weight, forward.operands.weight).forEach((_, i, w) => (w[i] = Math.cos(i) / 16));
heap.floats(at.bias, forward.operands.bias).fill(0.1);
const packedWeight = heap.malloc(forward.packedWeightBytes);
run(kernels, bindPack(kernels, forward, { params: at.params, weight: at.weight, packedWeight }));
const { weight, ...rest } = at;
const frame: BoundStage[] = bind(kernels, forward, { ...rest, packedWeight });
run(kernels, frame);
const output = heap.floats(at.output, forward.operands.output);
console.log(`output (1, 16, 16, 8): mean ${(output.reduce((sum, y) => sum + y) / output.length).toFixed(4)}`);

// Training: gradients of the same layer without its activation; here `bind` packs the weight by itself.
const backward = planConvTransposeBackward(spec);
const grads = place(backward, { input: at.input, weight });
heap.floats(grads.gradOutput, backward.operands.gradOutput).fill(1);
run(kernels, bind(kernels, backward, grads));
console.log(`gradBias: ${heap.floats(grads.gradBias, backward.operands.gradBias).join(' ')}`);
