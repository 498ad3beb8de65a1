/**
 * gradWeight of groups of few channels, float32: for each tap, the dot product of the input with shifted rows of the
 * output side.
 *
 * With the input repeated `stride` times, as in depthwise.ts, the taps of one shift along W are lanes of one vector:
 * lane u mod stride of Σ x̂[u] · output[u + a · stride].
 *
 *   thread workspace:  boxes | the output side | x̂ | one line | list of taps | sums
 */

import { elements } from '../elements';
import { ConvParams } from '../params';
import { Box } from './box';
import { depthwiseBoxes, loadBox } from './depthwise_box';
import { cellPeriod, dotCells } from './depthwise_cells';
import { depthwiseTaps } from './depthwise_taps';

/** Item: (group, input channel, output channel), the last one fastest; boxes `stepBegin` … `stepEnd` of all images. */
export function depthwiseGradWeight(p: ConvParams, begin: i32, end: i32, thread: i32): void {
  const workspacePtr = p.workspacePtr + <usize>thread * <usize>p.threadBytes;
  for (let item = begin; item < end; item++) gradWeightItem(p, item, workspacePtr);
}

function gradWeightItem(p: ConvParams, item: i32, workspacePtr: usize): void {
  const inChannel = item / p.outChannels;
  const outChannel = item - inChannel * p.outChannels;
  const largeChannel = (inChannel / p.inChannels) * p.outChannels + outChannel;
  const small = depthwiseBoxes.side(workspacePtr, false);
  const largePtr = workspacePtr + Box.bytes;
  const repeatedPtr = workspacePtr + p.panelsOffset;
  const tapPtr = workspacePtr + p.aPanelsOffset;
  const sumsPtr = workspacePtr + p.tileOffset;
  const period = cellPeriod(p.strideW);
  const rowStep = (p.strideH * p.planeRow) << 2;
  // the last tile may have taps that do not exist: they read anything
  let tapEnd = depthwiseTaps.list(p, 1, 0, 0, null, 0, tapPtr, 0);
  assert(tapEnd <= tapPtr + (p.tiles << 4) && tapPtr + (p.tiles << 4) <= sumsPtr);
  for (; tapEnd < tapPtr + (p.tiles << 4); tapEnd += 4) store<i32>(tapEnd, 0);
  elements.fill(sumsPtr, 1, 0, period * p.tiles * 16, 4, i32x4.splat(0), 4);
  for (let step = p.stepBegin; step < p.stepEnd; step++) {
    const image = depthwiseBoxes.take(p, step, workspacePtr);
    loadBox(p, true, image, largeChannel, 1, largePtr, p.planeSlice, p.planeRow, workspacePtr);
    loadBox(p, false, image, inChannel, p.strideW, repeatedPtr, p.paddedSlice, p.paddedRow, workspacePtr);
    for (let d = 0; d < small.slices; d++) {
      const y = largePtr + ((d * p.strideD * p.planeSlice) << 2);
      const x = repeatedPtr + ((d * p.paddedSlice) << 2);
      let sumPtr = sumsPtr;
      for (let at = 0; at < period << 4; at += 16) {
        const count = small.columns * p.strideW - (at >> 2);
        for (let tile = 0; tile < p.tiles; tile++) {
          const taps = tapPtr + (tile << 4);
          dotCells(taps, sumPtr, x + at, y + at, count, period << 4, small.rows, p.paddedRow << 2, rowStep);
          sumPtr += 64;
        }
      }
    }
  }
  addSums(p, p.weightPtr + ((inChannel * p.weightInStride + outChannel * p.weightOutStride) << 2), sumsPtr);
}

/** Each weight gets the lanes of the sums that are its own. */
function addSums(p: ConvParams, weightPtr: usize, sumsPtr: usize): void {
  const lanes = cellPeriod(p.strideW) << 2;
  for (let d = 0; d < p.kernelD; d++) {
    for (let h = 0; h < p.kernelH; h++) {
      let shiftPtr = p.tapTablePtr;
      for (let w = 0; w < p.kernelW; w++) {
        const at = weightPtr + ((d * p.weightStrideD + h * p.weightStrideH + w * p.weightStrideW) << 2);
        let lane = w * p.dilationW - load<i32>(shiftPtr) * p.strideW;
        if (lane >= p.strideW) {
          shiftPtr += 4;
          sumsPtr += 16;
          lane = w * p.dilationW - load<i32>(shiftPtr) * p.strideW;
        }
        let sum = p.accumulate ? <f64>load<f32>(at) : 0;
        for (; lane < lanes; lane += p.strideW) {
          sum += <f64>load<f32>(sumsPtr + (lane >> 2) * (p.tiles << 6) + ((lane & 3) << 2));
        }
        store<f32>(at, <f32>sum);
      }
      sumsPtr += 16;
    }
  }
}
