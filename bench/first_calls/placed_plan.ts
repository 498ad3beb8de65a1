/** The kernels of a layer without an engine: `upconv/kernels` on a memory of our own. */

import type { BoundStage, ConvSpec, Kernels, Plan } from '../../src/kernels.ts';
import type * as KernelsApi from '../../src/kernels.ts';
import type { LayerData } from '../../src/cli/benchmark/layer_calls.ts';
import { timeOf } from '../../src/cli/benchmark/interleave.ts';

const api = (await import(new URL('../../dist/kernels.js', import.meta.url).href)) as typeof KernelsApi;

const PAGE_BYTES = 65536;
const ALIGNMENT = 64;

export interface Placed {
  readonly planMs: number;
  readonly packMs: number;
  /** Runs all stages once, on a packed weight. */
  readonly run: () => void;
}

export function placeForward(data: LayerData): Promise<Placed> {
  return place(data, (spec) => api.planConvTranspose(spec));
}

/** Gradients of input and weight. */
export function placeBackward(data: LayerData): Promise<Placed> {
  return place(data, (spec) => api.planConvTransposeBackward({ ...spec, outputMask: [true, true, false] }));
}

async function place({ layer, shapes }: LayerData, makePlan: (spec: ConvSpec) => Plan): Promise<Placed> {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const kernels: Kernels = api.createKernels(await api.loadVariant('auto'), memory);
  let plan: Plan | undefined;
  const spec: ConvSpec = {
    dtype: 'float32',
    batch: layer.batch,
    inChannels: layer.cin,
    outChannels: layer.cout,
    groups: layer.groups,
    inputSpatial: layer.input,
    kernel: layer.kernel,
    stride: layer.stride,
    dilation: layer.dilation,
    cropBegin: layer.padding,
    outputSpatial: shapes.output.slice(2),
    kernelSet: kernels.kernelSet,
  };
  const planMs = timeOf(() => void (plan = makePlan(spec)));
  const pointers = allocate(memory, plan as unknown as Plan);
  return bindPlan(kernels, plan as unknown as Plan, pointers, planMs);
}

function bindPlan(kernels: Kernels, plan: Plan, pointers: Record<string, number>, planMs: number): Placed {
  const { weight, packedWeight, ...rest } = pointers;
  let packMs = 0;
  let bound: BoundStage[] = [];
  if (plan.packedWeightBytes > 0) {
    packMs = timeOf(() =>
      api.run(kernels, api.bindPack(kernels, plan, { params: rest['params'], weight, packedWeight })),
    );
    bound = api.bind(kernels, plan, { ...rest, packedWeight });
  } else {
    bound = api.bind(kernels, plan, { ...rest, ...(weight === undefined ? {} : { weight }) });
  }
  return { planMs, packMs, run: () => api.run(kernels, bound) };
}

/** Addresses one behind the other, from 64 on: 0 means absent. */
function allocate(memory: WebAssembly.Memory, plan: Plan): Record<string, number> {
  const bytes: Record<string, number> = {
    params: plan.paramsBytes,
    workspace: plan.workspaceBytes.shared + plan.workspaceBytes.perThread,
    packedWeight: plan.packedWeightBytes,
    ...plan.operands,
  };
  let top = ALIGNMENT;
  const pointers: Record<string, number> = {};
  for (const [name, size] of Object.entries(bytes)) {
    pointers[name] = top;
    top += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
  }
  const missing = Math.ceil((top - memory.buffer.byteLength) / PAGE_BYTES);
  if (missing > 0) memory.grow(missing);
  return pointers;
}
