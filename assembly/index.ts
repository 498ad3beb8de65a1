/**
 * The wasm ABI on one page. Every export is a stage entry
 *
 *   (paramsPtr, begin, end, thread): runs items begin … end − 1 of a stage
 *
 * Items of one stage may run in any order and on any thread: none writes what another one reads
 * or writes. `thread` chooses the scratch memory. Kernels neither validate nor allocate.
 */

import { convForward, packConvWeight } from './conv/conv_forward';
import { convGradWeight } from './conv/grad_weight';
import { walkColumns } from './conv/fold';
import { convTransposeForward, packForwardWeight } from './conv/conv_transpose_forward';
import { depthwiseForward } from './conv/depthwise';
import { copyStrided } from './elementwise/copy';
import { convertHalf as convertHalfStage } from './elementwise/half';
import { activation, preluBackward, preluForward, preluGradWeight } from './elementwise/activation_stages';
import { pixelsToPlanes as pixelsToPlanesStage, planesToPixels as planesToPixelsStage } from './elementwise/pixels';
import { adamStep, sgdStep } from './elementwise/optimizer';
import { matmulItems } from './gemm/matmul';
import { channelSum } from './reduce/channel_sum';
import { loss as lossStage } from './reduce/loss';
import {
  ActivationParams,
  ChannelSumParams,
  ColumnsParams,
  ConvParams,
  CopyParams,
  HalfParams,
  LossParams,
  MatmulParams,
  OptimizerParams,
  PixelsParams,
  PreluParams,
} from './params';

export function copyStridedF32(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  copyStrided<f32>(changetype<CopyParams>(paramsPtr), begin, end);
}

export function copyStridedF64(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  copyStrided<f64>(changetype<CopyParams>(paramsPtr), begin, end);
}

export function copyStridedF16(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  copyStrided<u16>(changetype<CopyParams>(paramsPtr), begin, end);
}

export function convertHalf(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  convertHalfStage(changetype<HalfParams>(paramsPtr), begin, end);
}

export function activationF32(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  activation<f32>(changetype<ActivationParams>(paramsPtr), begin, end);
}

export function activationF64(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  activation<f64>(changetype<ActivationParams>(paramsPtr), begin, end);
}

export function loss(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  lossStage(changetype<LossParams>(paramsPtr), begin, end);
}

export function preluForwardF32(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  preluForward<f32>(changetype<PreluParams>(paramsPtr), begin, end);
}

export function preluForwardF64(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  preluForward<f64>(changetype<PreluParams>(paramsPtr), begin, end);
}

export function preluBackwardF32(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  preluBackward<f32>(changetype<PreluParams>(paramsPtr), begin, end);
}

export function preluBackwardF64(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  preluBackward<f64>(changetype<PreluParams>(paramsPtr), begin, end);
}

export function preluGradWeightF32(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  preluGradWeight<f32>(changetype<PreluParams>(paramsPtr), begin, end);
}

export function preluGradWeightF64(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  preluGradWeight<f64>(changetype<PreluParams>(paramsPtr), begin, end);
}

export function sgdStepF32(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  sgdStep<f32>(changetype<OptimizerParams>(paramsPtr), begin, end);
}

export function sgdStepF64(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  sgdStep<f64>(changetype<OptimizerParams>(paramsPtr), begin, end);
}

export function adamStepF32(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  adamStep<f32>(changetype<OptimizerParams>(paramsPtr), begin, end);
}

export function adamStepF64(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  adamStep<f64>(changetype<OptimizerParams>(paramsPtr), begin, end);
}

export function packForwardWeightF32(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  packForwardWeight<f32>(changetype<ConvParams>(paramsPtr), begin, end);
}

export function packForwardWeightF64(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  packForwardWeight<f64>(changetype<ConvParams>(paramsPtr), begin, end);
}

export function convTransposeForwardF32(paramsPtr: usize, begin: i32, end: i32, thread: i32): void {
  convTransposeForward<f32>(changetype<ConvParams>(paramsPtr), begin, end, thread);
}

export function convTransposeForwardF64(paramsPtr: usize, begin: i32, end: i32, thread: i32): void {
  convTransposeForward<f64>(changetype<ConvParams>(paramsPtr), begin, end, thread);
}

export function packConvWeightF32(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  packConvWeight<f32>(changetype<ConvParams>(paramsPtr), begin, end);
}

export function packConvWeightF64(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  packConvWeight<f64>(changetype<ConvParams>(paramsPtr), begin, end);
}

export function convForwardF32(paramsPtr: usize, begin: i32, end: i32, thread: i32): void {
  convForward<f32>(changetype<ConvParams>(paramsPtr), begin, end, thread);
}

export function convForwardF64(paramsPtr: usize, begin: i32, end: i32, thread: i32): void {
  convForward<f64>(changetype<ConvParams>(paramsPtr), begin, end, thread);
}

export function convGradWeightF32(paramsPtr: usize, begin: i32, end: i32, thread: i32): void {
  convGradWeight<f32>(changetype<ConvParams>(paramsPtr), begin, end, thread);
}

export function convGradWeightF64(paramsPtr: usize, begin: i32, end: i32, thread: i32): void {
  convGradWeight<f64>(changetype<ConvParams>(paramsPtr), begin, end, thread);
}

export function channelSumF32(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  channelSum<f32>(changetype<ChannelSumParams>(paramsPtr), begin, end);
}

export function channelSumF64(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  channelSum<f64>(changetype<ChannelSumParams>(paramsPtr), begin, end);
}

export function depthwiseForwardF32(paramsPtr: usize, begin: i32, end: i32, thread: i32): void {
  depthwiseForward<f32>(changetype<ConvParams>(paramsPtr), begin, end, thread);
}

export function depthwiseForwardF64(paramsPtr: usize, begin: i32, end: i32, thread: i32): void {
  depthwiseForward<f64>(changetype<ConvParams>(paramsPtr), begin, end, thread);
}

export function matmul(paramsPtr: usize, begin: i32, end: i32, thread: i32): void {
  matmulItems(changetype<MatmulParams>(paramsPtr), begin, end, thread);
}

export function fold(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  walkColumns(changetype<ColumnsParams>(paramsPtr), begin, end, true);
}

export function unfold(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  walkColumns(changetype<ColumnsParams>(paramsPtr), begin, end, false);
}

export function pixelsToPlanes(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  pixelsToPlanesStage(changetype<PixelsParams>(paramsPtr), begin, end);
}

export function planesToPixels(paramsPtr: usize, begin: i32, end: i32, _thread: i32): void {
  planesToPixelsStage(changetype<PixelsParams>(paramsPtr), begin, end);
}
