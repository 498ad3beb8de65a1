/**
 * Transposed convolution without a GPU.
 * @module upconv
 */

export type { Dtype } from './core/dtype.ts';
export type { ErrorCode } from './core/errors.ts';
export {
  ArgumentError,
  DtypeError,
  EngineError,
  OutOfMemoryError,
  ShapeError,
  UpconvError,
  WorkerError,
} from './core/errors.ts';
export type { Activation } from './core/activation.ts';
export type { Generator } from './core/generator.ts';
export type { MemoryFormat } from './core/memory_format.ts';
export { createGenerator, manualSeed } from './core/generator.ts';
export { createEngine, createEngineSync, init } from './engine/default_engine.ts';
export type { Engine } from './engine/engine.ts';
export type { EngineInfo, EngineMemory, Leak } from './engine/engine_info.ts';
export type { EngineOptions } from './engine/options.ts';
export type {
  ActivateBackwardOptions,
  ActivateOptions,
  PreluBackwardOptions,
  PreluGradients,
} from './functional/activation_functions.ts';
export {
  activate,
  activateBackward,
  activateBackwardSync,
  activateSync,
  prelu,
  preluBackward,
  preluBackwardSync,
  preluSync,
} from './functional/activation_functions.ts';
export type {
  AddBackwardOptions,
  AddOptions,
  ArithmeticGradients,
  MulBackwardOptions,
  MulOptions,
} from './functional/arithmetic.ts';
export {
  add,
  addBackward,
  addBackwardSync,
  addSync,
  mul,
  mulBackward,
  mulBackwardSync,
  mulSync,
} from './functional/arithmetic.ts';
export type { BatchNormBackwardOptions, BatchNormOptions } from './functional/batch_norm.ts';
export { batchNorm, batchNormBackward, batchNormBackwardSync, batchNormSync } from './functional/batch_norm.ts';
export type { CatBackwardOptions, CatOptions } from './functional/cat.ts';
export { cat, catBackward, catBackwardSync, catSync } from './functional/cat.ts';
export { conv1d, conv1dSync, conv2d, conv2dSync, conv3d, conv3dSync } from './functional/conv.ts';
export {
  conv1dBackward,
  conv1dBackwardSync,
  conv2dBackward,
  conv2dBackwardSync,
  conv3dBackward,
  conv3dBackwardSync,
} from './functional/conv_backward.ts';
export type {
  ConvBackwardOptions,
  ConvOptions,
  ConvTransposeBackwardOptions,
  ConvTransposeOptions,
  Padding,
} from './functional/conv_options.ts';
export type { Algorithm } from './plan/forward_algorithms.ts';
export {
  convTranspose1d,
  convTranspose1dSync,
  convTranspose2d,
  convTranspose2dSync,
  convTranspose3d,
  convTranspose3dSync,
  convTransposeAlgorithms,
  convTransposeOutputSize,
} from './functional/conv_transpose.ts';
export {
  convTranspose1dBackward,
  convTranspose1dBackwardSync,
  convTranspose2dBackward,
  convTranspose2dBackwardSync,
  convTranspose3dBackward,
  convTranspose3dBackwardSync,
} from './functional/conv_transpose_backward.ts';
export {
  convTranspose1dDoubleBackward,
  convTranspose1dDoubleBackwardSync,
  convTranspose2dDoubleBackward,
  convTranspose2dDoubleBackwardSync,
  convTranspose3dDoubleBackward,
  convTranspose3dDoubleBackwardSync,
} from './functional/conv_transpose_double_backward.ts';
export type { ConvTransposeDoubleBackwardOptions, DoubleGradients } from './functional/double_backward_call.ts';
export type { ConvGradients, GradientsOf, OutputMask } from './functional/gradients.ts';
export type { FoldOptions } from './functional/fold.ts';
export { fold, foldSync, unfold, unfoldSync } from './functional/fold.ts';
export type { InstanceNormBackwardOptions, InstanceNormOptions } from './functional/instance_norm.ts';
export {
  instanceNorm,
  instanceNormBackward,
  instanceNormBackwardSync,
  instanceNormSync,
} from './functional/instance_norm.ts';
export type { LayerNorm2dBackwardOptions, LayerNorm2dOptions } from './functional/layer_norm2d.ts';
export {
  layerNorm2d,
  layerNorm2dBackward,
  layerNorm2dBackwardSync,
  layerNorm2dSync,
} from './functional/layer_norm2d.ts';
export type { NormalizationGradients } from './functional/normalization.ts';
export type { Loss, LossOptions } from './functional/loss.ts';
export {
  bceWithLogitsLoss,
  bceWithLogitsLossSync,
  l1Loss,
  l1LossSync,
  mseLoss,
  mseLossSync,
} from './functional/loss.ts';
export type { MatmulOptions } from './functional/matmul.ts';
export { matmul, matmulSync } from './functional/matmul.ts';
export type { FromPixelsOptions, PixelSource } from './functional/pixels.ts';
export { packWeight } from './functional/pack_weight.ts';
export type { PackWeightOptions } from './functional/pack_weight.ts';
export type { WeightArgument } from './functional/packed_weight.ts';
export { PackedWeight } from './functional/packed_weight.ts';
export type { TensorArgument } from './functional/operands.ts';
export type { TensorLike } from './tensor/tensor_like.ts';
export { fromPixels } from './functional/pixels.ts';
export type { Pixels, ToPixelsOptions } from './functional/to_pixels.ts';
export { toPixels } from './functional/to_pixels.ts';
export { GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Tanh } from './nn/activations.ts';
export type { AdamOptions } from './nn/adam.ts';
export { Adam } from './nn/adam.ts';
export type { BatchNormModuleOptions } from './nn/batch_norm.ts';
export { BatchNorm1d, BatchNorm2d, BatchNorm3d } from './nn/batch_norm.ts';
export { Conv1d, Conv2d, Conv3d } from './nn/conv.ts';
export type { ConvModuleOptions, ConvTransposeModuleOptions } from './nn/conv_arguments.ts';
export { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from './nn/conv_transpose.ts';
export type { InstanceNormModuleOptions } from './nn/instance_norm.ts';
export { InstanceNorm1d, InstanceNorm2d, InstanceNorm3d } from './nn/instance_norm.ts';
export type { LayerNorm2dModuleOptions } from './nn/layer_norm2d.ts';
export { LayerNorm2d } from './nn/layer_norm2d.ts';
export { initializers } from './nn/initializers.ts';
export { LazyConvTranspose1d, LazyConvTranspose2d, LazyConvTranspose3d } from './nn/lazy_conv_transpose.ts';
export { Module } from './nn/module.ts';
export type { BackwardOptions, ForwardOptions, Vjp } from './nn/pass_types.ts';
export type { GroupInput, ParamGroup } from './nn/optimizer.ts';
export type { OptimizerStateDict, OptimizerStateSource } from './nn/optimizer_state.ts';
export type { PReLUOptions } from './nn/prelu.ts';
export { PReLU } from './nn/prelu.ts';
export { Sequential } from './nn/sequential.ts';
export type { SGDOptions } from './nn/sgd.ts';
export { SGD } from './nn/sgd.ts';
export type { LoadOptions, LoadReport, StateDict } from './nn/state_dict.ts';
export type { TensorSource } from './nn/tensor_source.ts';
export type { Region } from './nn/picture_network.ts';
export type { Range } from './nn/receptive_field.ts';
export type { PlaneSink, PlaneSource, UpscaleOptions } from './nn/upscale.ts';
export { upscaleImage, upscaleImageSync, upscalePlanes } from './nn/upscale.ts';
export type { TensorData, TensorOptions } from './tensor/create.ts';
export { empty, full, tensor, zeros } from './tensor/create.ts';
export type { RandomOptions } from './tensor/random.ts';
export { rand, randn } from './tensor/random.ts';
export { Tensor } from './tensor/tensor.ts';
