/**
 * Plans and kernels for memories that someone else manages. No engine, no tensors.
 * @module upconv/kernels
 */

export type { Activation } from './core/activation.ts';
export type { Dtype } from './core/dtype.ts';
export { ArgumentError, DtypeError, EngineError, ShapeError, UpconvError } from './core/errors.ts';
export type { KernelSet } from './core/kernel_set.ts';
export type { BoundStage, Pointers } from './kernels/stage_params.ts';
export { run } from './kernels/stage_params.ts';
export { bind, bindPack } from './kernels/bind_plan.ts';
export type { KernelEntry, Kernels } from './kernels/instance.ts';
export { createBareKernels as createKernels } from './kernels/instance.ts';
export type { Plan } from './kernels/plan.ts';
export type { ConvBackwardSpec } from './kernels/plan_conv.ts';
export { planConv, planConvBackward, planConvTranspose, planConvTransposeBackward } from './kernels/plan_conv.ts';
export type { MatmulSpec } from './kernels/plan_matmul.ts';
export { planMatmul } from './kernels/plan_matmul.ts';
export type { ConvSpec } from './kernels/spec.ts';
export type { FieldValue, Pointer, Stage, WorkspaceBytes } from './plan/stage.ts';
export type { VariantDescription, VariantName } from './wasm/variants.ts';
export { loadVariant } from './wasm/load_variant.ts';
