/**
 * Convolutions of groups of few channels, in both directions, without a GEMM: each row of the result is a sum of
 * shifted rows of what is read.
 *
 * Along W the taps of one shift a = ⌊tap · dilation ÷ stride⌋ are one vector of weights, indexed by the residue of the
 * uncropped output coordinate u. With the input repeated `stride` times, x̂[u] = input[⌊u ÷ stride⌋]:
 *
 *   scatter, to the output:  output[u] = Σ weight_a[u mod stride] · x̂[u − a · stride]
 *   gather, to the input:    input[i] = Σ_r z[i · stride + r],  z[u] = Σ weight_a[u mod stride] · output[u + a · stride]
 *
 * Both are `sumCells` over vectors of neighbours of the output side, whatever the stride is. Four neighbours may begin
 * at any residue: weights are packed for stride + 3 residues, of which each four are one vector (depthwise_taps.ts).
 *
 * A residue that no tap of a shift reaches has weight 0, and beyond the borders are zeros. Where one of them could meet
 * an infinity or a NaN, rows are done tap by tap instead; so is float64.
 *
 *   thread workspace:  boxes | channels that are read | rows of the result | one line | list of taps | their weights
 */

import { Activation } from '../elementwise/activation';
import { element, elements } from '../elements';
import { ConvParams } from '../params';
import { Box } from './box';
import { depthwiseBoxes, loadBox, sides } from './depthwise_box';
import { cellPeriod, foldRow, sumCells } from './depthwise_cells';
import { depthwiseTaps } from './depthwise_taps';
import { walkRow } from './depthwise_walk';

/** Rows shorter than this that are no whole vectors are computed beside their place and copied. */
const SHORT_ROW = 32;

/** Item: (group, result channel of the group, image, box D, box H, box W), the last one fastest. */
export function depthwise(p: ConvParams, begin: i32, end: i32, thread: i32): void {
  const workspacePtr = p.workspacePtr + <usize>thread * <usize>p.threadBytes;
  for (let item = begin; item < end; item++) depthwiseItem(p, item, workspacePtr);
}

function depthwiseItem(p: ConvParams, item: i32, workspacePtr: usize): void {
  const bytes = p.elementBytes;
  const gather = p.gather != 0;
  const rest = depthwiseBoxes.take(p, item, workspacePtr);
  const result = depthwiseBoxes.side(workspacePtr, !gather);
  const channel = rest / p.batch;
  const image = rest - channel * p.batch;
  const sourceChannels = gather ? p.outChannels : p.inChannels;
  const firstChannel = (channel / (gather ? p.inChannels : p.outChannels)) * sourceChannels;
  const sourcePtr = workspacePtr + Box.bytes;
  const weightPtr = p.packedPtr + channel * p.depth * bytes;
  assert(result.slices > 0 && result.rows > 0 && result.columns > 0);
  assert(<i32>Box.bytes + sourceChannels * p.planeSize * bytes <= p.panelsOffset);
  let nonFinite = false;
  for (let c = 0; c < sourceChannels; c++) {
    const to = sourcePtr + c * p.planeSize * bytes;
    if (loadBox(p, gather, image, firstChannel + c, p.repeat, to, p.planeSlice, p.planeRow, workspacePtr)) {
      nonFinite = true;
    }
  }
  const exact =
    bytes == 8 || (nonFinite && p.holes != 0) || (!gather && elements.anyNonFinite(weightPtr, p.depth, bytes));
  const bias = biasOf(p, channel);

  const strides = sides.strides(p, !gather);
  const beginD = max(result.d0, 0);
  const beginH = max(result.h0, 0);
  const beginW = max(result.w0, 0);
  const lead = beginW - result.w0;
  const count = result.w1 - beginW;
  const first = beginD * strides.inputStrideD + beginH * strides.inputStrideH + beginW * strides.inputStrideW;
  const placePtr = sides.pointer(p, !gather, image, channel) + first * bytes;
  const dense = strides.inputStrideW == 1 && p.accumulate == 0;
  const inPlace = dense && p.fold == 1 && count >= 4 && ((count & 3) == 0 || count >= SHORT_ROW);
  const targetPtr = inPlace ? placePtr : workspacePtr + p.panelsOffset;
  const slicePitch = (inPlace ? strides.inputStrideD : p.paddedSlice) * bytes;
  const rowPitch = (inPlace ? strides.inputStrideH : p.paddedRow) * bytes;
  const stepH = gather ? 1 : p.strideH; // rows of one phase

  const tapPtr = workspacePtr + p.aPanelsOffset;
  const weightsPtr = workspacePtr + p.tileOffset;
  assert(count > 0 && (inPlace || (result.d1 - beginD) * slicePitch <= p.rowBufferOffset - p.panelsOffset));

  for (let d = beginD; d < result.d1; d++) {
    const slicePtr = targetPtr + (d - beginD) * slicePitch;
    const atD = d - result.d0;
    if (!exact) {
      for (let h = beginH; h < min(beginH + stepH, result.h1); h++) {
        const atH = h - result.h0;
        const end = depthwiseTaps.list(p, sourceChannels, atD, atH, null, weightPtr, tapPtr, weightsPtr);
        const to = slicePtr + (h - beginH) * rowPitch;
        const start: f32 = p.fold == 1 ? <f32>bias : 0;
        const rows = (result.h1 - h + stepH - 1) / stepH;
        sumRows(
          p,
          tapPtr,
          end,
          weightsPtr,
          lead,
          start,
          sourcePtr,
          to,
          stepH * rowPitch,
          count * p.fold,
          rows,
          inPlace,
        );
      }
      if (inPlace && p.activation == 0) continue;
    }
    for (let h = beginH; h < result.h1; h++) {
      const rowPtr = slicePtr + (h - beginH) * rowPitch;
      let walk = exact;
      if (!exact && p.fold > 1) {
        foldRow(rowPtr, count, p.fold, <f32>bias);
        walk = p.holes != 0 && elements.anyNonFinite(rowPtr, count, bytes);
      }
      if (walk) {
        const input = depthwiseBoxes.side(workspacePtr, false);
        const end = depthwiseTaps.list(p, sourceChannels, atD, h - result.h0, input, weightPtr, tapPtr, weightsPtr);
        walkRow(p, input, tapPtr, end, weightsPtr, bias, sourcePtr, rowPtr, lead, count);
      }
      Activation.row(bytes, p.activation, rowPtr, count, p.activationA, p.activationB);
      const outPtr = placePtr + ((d - beginD) * strides.inputStrideD + (h - beginH) * strides.inputStrideH) * bytes;
      if (p.accumulate) elements.add(rowPtr, bytes, outPtr, strides.inputStrideW * bytes, count, bytes);
      else if (!inPlace) elements.copy(rowPtr, bytes, outPtr, strides.inputStrideW * bytes, count, bytes);
    }
  }
}

/** 0 when there is none; −0 becomes +0, by a test because the optimiser folds an addition away. */
function biasOf(p: ConvParams, channel: i32): f64 {
  if (p.biasPtr == 0) return 0;
  const bias = element.number(p.biasPtr + channel * p.elementBytes, p.elementBytes);
  return bias == 0 ? 0 : bias;
}

/**
 * `rows` rows of the taps in a list. The last vector of a row is moved back to end where the row ends, when it is written
 * in place; else it may be longer than the row. (`sumCells` has two callers: inlined, its loops would lose registers.)
 *
 * @param lead of the first column from the begin of the box
 * @param targetRow bytes from one row to the next
 */
function sumRows(
  p: ConvParams,
  tapPtr: usize,
  tapEnd: usize,
  weightsPtr: usize,
  lead: i32,
  start: f32,
  sourcePtr: usize,
  targetPtr: usize,
  targetRow: i32,
  count: i32,
  rows: i32,
  inPlace: bool,
): void {
  const stride = p.strideW;
  const weightStep = (stride + 3) << 2;
  const rowStep = (p.gather ? p.strideH * p.planeRow : p.planeRow) << 2;
  // cells that begin at one residue lie `period` cells apart
  const period = cellPeriod(stride);
  const cells = (inPlace ? count : count + 3) >> 2;
  const step = period << 4;
  sourcePtr += lead << 2;
  for (let first = 0; first < period; first++) {
    const weights = weightsPtr + (((lead + 4 * first) % stride) << 2);
    const columns = (cells - first + period - 1) / period;
    const from = sourcePtr + (first << 4);
    const to = targetPtr + (first << 4);
    sumCells(tapPtr, tapEnd, weights, weightStep, start, from, to, columns, step, step, rows, rowStep, targetRow);
  }
  if (inPlace && (count & 3) != 0) {
    const at = (count - 4) << 2;
    const weights = weightsPtr + (((lead + count - 4) % stride) << 2);
    const from = sourcePtr + at;
    sumCells(tapPtr, tapEnd, weights, weightStep, start, from, targetPtr + at, 1, 0, 0, rows, rowStep, targetRow);
  }
}
