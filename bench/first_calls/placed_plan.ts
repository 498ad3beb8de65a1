/** The kernels of a layer without an engine: `upconv/kernels` on a memory of our own. */

import type { BoundStage, Kernels, Plan } from '../../src/kernels.ts';
import type { LayerData } from '../../src/cli/benchmark/layer_calls.ts';
import { timeOf } from '../../src/cli/benchmark/interleave.ts';
import { backwardPlan, forwardPlan, kernelsApi as api } from '../plans.ts';

const PAGE_BYTES = 65536;
const ALIGNMENT = 64;

export interface Placed {
  readonly planMs: number;
  readonly packMs: number;
  /** Runs all stages once, on a packed weight. */
  readonly run: () => void;
}

export function placeForward({ layer }: LayerData): Promise<Placed> {
  return place((kernelSet) => forwardPlan(layer, { kernelSet }));
}

/** Gradients of input and weight. */
export function placeBackward({ layer }: LayerData): Promise<Placed> {
  return place((kernelSet) => backwardPlan(layer, { kernelSet }, [true, true, false]));
}

async function place(makePlan: (kernelSet: Kernels['kernelSet']) => Plan): Promise<Placed> {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const kernels: Kernels = api.createKernels(await api.loadVariant('auto'), memory);
  let plan: Plan | undefined;
  const planMs = timeOf(() => void (plan = makePlan(kernels.kernelSet)));
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
