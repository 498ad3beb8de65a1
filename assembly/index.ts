/**
 * The wasm ABI on one page. Every export is a stage entry
 *
 *   (paramsPtr, begin, end, thread): runs items begin … end − 1 of a stage
 *
 * Items of one stage may run in any order and on any thread: none writes what another one reads
 * or writes. `thread` chooses the scratch memory. Kernels neither validate nor allocate. The parameter
 * block says how many bytes an element has, where there is a choice.
 */

export { convForward, packConvWeight } from './conv/conv_forward';
export { convTransposeForward } from './conv/conv_transpose_forward';
export { depthwise } from './conv/depthwise';
export { depthwiseGradWeight } from './conv/depthwise_grad_weight';
export { packDepthwise } from './conv/depthwise_taps';
export { fold, unfold } from './conv/fold';
export { packForwardWeight } from './conv/forward_weight';
export { convGradWeight, sumGradWeight } from './conv/grad_weight';
export { implicitForward } from './conv/implicit_forward';
export { winogradForward } from './conv/winograd_forward';
export { winogradGradWeight } from './conv/winograd_grad_weight';
export { packWinograd } from './conv/winograd_weight';
export { activation, prelu, preluGradWeight } from './elementwise/activation_stages';
export { combine } from './elementwise/combine';
export { copyStrided } from './elementwise/copy';
export { convertHalf } from './elementwise/half';
export { optimizerStep } from './elementwise/optimizer';
export { pixelsToPlanes, planesToPixels } from './elementwise/pixels';
export { matmul } from './gemm/matmul';
export { channelSum } from './reduce/channel_sum';
export { loss } from './reduce/loss';
