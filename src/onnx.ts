/**
 * The operator ConvTranspose of ONNX, and the nodes of models as modules.
 * @module upconv/onnx
 */

export type { ConvTransposeAttributes } from './interop/onnx/attributes.ts';
export type {
  ConvTransposeInputs,
  OnnxConvTransposeBackwardOptions,
  OnnxConvTransposeOptions,
} from './interop/onnx/conv_transpose.ts';
export {
  convTranspose,
  convTransposeBackward,
  convTransposeBackwardSync,
  convTransposeSync,
} from './interop/onnx/conv_transpose.ts';
export type { LoadConvTransposesOptions } from './interop/onnx/load_conv_transposes.ts';
export { loadConvTransposes } from './interop/onnx/load_conv_transposes.ts';
export type { ExternalData } from './interop/onnx/tensor_proto.ts';
