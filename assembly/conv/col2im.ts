/**
 * The end of col2im: phase planes to output rows. Interleaves the phases, crops, adds bias and
 * activation, and writes each output element once.
 *
 * Uncropped output coordinate u = o + crop lies in plane u mod stride at q = ⌊u ÷ stride⌋. Where no
 * plane element exists (a residue that no tap reaches, or q beyond the reach) the value is 0 + bias.
 */

import { Activation } from '../elementwise/activation';
import { element, elements } from '../elements';
import { transpose } from '../gemm/packing';
import { ConvParams } from '../params';
import { Box, boxes } from './box';
import { geometry } from './geometry';

/** Rows that are written together where their elements are neighbours in memory: whole vectors then. */
const TURNED_ROWS = 4;
/** Columns of such rows that are written together, at least. */
const PIECE = 256;
/** More than a row and what is cropped of it. */
const WHOLE: i32 = 1 << 30;

/**
 * Writes the output that one box of the planes owns, for `channels` channels.
 *
 * @param planesPtr planes of the first channel; element (0, 0, 0) of each is (d0, h0, columnBase)
 * @param outputPtr output of the first channel
 * @param biasPtr bias of the first channel, or 0
 * @param rowBufferPtr room for one output row when rows are added to, for TURNED_ROWS when they are not contiguous
 */
export function flush(
  p: ConvParams,
  box: Box,
  planesPtr: usize,
  outputPtr: usize,
  biasPtr: usize,
  channels: i32,
  columnBase: i32,
  rowBufferPtr: usize,
): void {
  const bytes = p.elementBytes;
  const beginW = outputBegin(p, box, 2);
  const endW = outputEnd(p, box, 2);
  const endD = outputEnd(p, box, 0);
  const beginH = outputBegin(p, box, 1);
  const endH = outputEnd(p, box, 1);
  const rowStep = p.outputStrideW * bytes;
  const apart = p.outputStrideW != 1;
  // elements of one column that are neighbours in memory: along H (images are the columns) or of channels (NHWC)
  const alongH = apart && p.outputStrideH == 1;
  const alongChannels = apart && !alongH && p.outputChannelStride == 1;
  const turns = (alongH || alongChannels) && !p.accumulate;
  const stepH = alongH && turns ? TURNED_ROWS : 1;
  const stepChannel = alongChannels && turns ? TURNED_ROWS : 1;
  // neighbours are written together, while their lines of memory are in the cache
  const together = alongChannels ? channels : 1;
  const period = alongChannels ? geometry.ceilDiv(PIECE, 4 * p.strideW) * 4 * p.strideW : WHOLE;
  for (let first = 0; first < channels; first += together) {
    for (let d = outputBegin(p, box, 0); d < endD; d++) {
      for (let h = beginH; h < endH; h += stepH) {
        let count = 0;
        for (let w = beginW; w < endW; w += count) {
          // pieces begin where phases do
          count = min(period - ((w + p.cropW) % period), endW - w);
          for (let next = first; next < first + together; next += stepChannel) {
            // the last channels overlap the ones before where their number is not a multiple of four
            const channel = stepChannel > 1 ? min(next, max(channels - TURNED_ROWS, 0)) : next;
            const rowPtr =
              outputPtr +
              (channel * p.outputChannelStride + d * p.outputStrideD + h * p.outputStrideH + w * p.outputStrideW) *
                bytes;
            const rows = min(stepH > 1 ? endH - h : channels - channel, max(stepH, stepChannel));
            const rowBytes = count * bytes;
            const direct = !apart && !p.accumulate;
            for (let row = 0; row < rows; row++) {
              const c = stepH > 1 ? channel : channel + row;
              const targetPtr = direct ? rowPtr : rowBufferPtr + row * rowBytes;
              composeLine(p, box, planesPtr, biasPtr, c, d, stepH > 1 ? h + row : h, w, count, columnBase, targetPtr);
            }
            if (p.accumulate) {
              elements.add(rowBufferPtr, bytes, rowPtr, rowStep, count, bytes);
            } else if (turns) {
              transpose(rowBufferPtr, rowBytes, rows, count, rowPtr, rowStep, bytes);
            } else if (apart) {
              elements.copy(rowBufferPtr, bytes, rowPtr, rowStep, count, bytes);
            }
          }
        }
      }
    }
  }
}

/** Output columns beginW … beginW + count − 1 of row (d, h) of a channel, activated, to contiguous memory. */
function composeLine(
  p: ConvParams,
  box: Box,
  planesPtr: usize,
  biasPtr: usize,
  channel: i32,
  d: i32,
  h: i32,
  beginW: i32,
  count: i32,
  columnBase: i32,
  targetPtr: usize,
): void {
  const bytes = p.elementBytes;
  const bias = biasPtr == 0 ? i32x4.splat(0) : biasLanes(biasPtr + channel * bytes, bytes);
  const planeD = planeIndex(p, box, 0, d);
  const planeH = planeIndex(p, box, 1, h);
  if (planeD < 0 || planeH < 0) {
    elements.fill(targetPtr, 1, 0, count, bytes, bias, bytes);
  } else {
    const plane = ((channel * p.phasesD + planeD) * p.phasesH + planeH) * p.phasesW;
    const qd = (d + p.cropD) / p.strideD - box.d0;
    const qh = (h + p.cropH) / p.strideH - box.h0;
    const sourcePtr = planesPtr + (plane * p.planeSize + qd * p.planeSlice + qh * p.planeRow - columnBase) * bytes;
    composeRow(p, box, sourcePtr, targetPtr, beginW + p.cropW, count, bias);
  }
  Activation.row(bytes, p.activation, targetPtr, count, p.activationA, p.activationB);
}

/** First output coordinate that the box owns along an axis; the first box owns what lies before, too. */
function outputBegin(p: ConvParams, box: Box, axis: i32): i32 {
  const a = boxes.along(p, axis);
  const q0 = box.along(axis).d0;
  return q0 == a.rangeBeginD ? 0 : max(q0 * a.strideD - a.cropD, 0);
}

function outputEnd(p: ConvParams, box: Box, axis: i32): i32 {
  const a = boxes.along(p, axis);
  const q1 = box.along(axis).d1;
  return q1 == a.rangeEndD ? a.outputD : min(q1 * a.strideD - a.cropD, a.outputD);
}

/** Phase of output coordinate o along an axis, or −1 when no plane element of the box holds it. */
function planeIndex(p: ConvParams, box: Box, axis: i32, o: i32): i32 {
  const a = boxes.along(p, axis);
  const u = o + a.cropD;
  const stride = a.strideD;
  if (u < box.along(axis).d0 * stride || u >= box.along(axis).d1 * stride) return -1;
  const residue = u % stride;
  if (a.phasesD == stride) return residue;
  let phase = a.phasesD - 1;
  while (phase >= 0 && load<i32>(a.residuesPtrD + (phase << 2)) != residue) phase--;
  return phase;
}

/** The bias in every lane. −0 becomes +0, as 0 + bias would; by a test, because the optimiser folds the addition away. */
function biasLanes(ptr: usize, bytes: i32): v128 {
  const bias = element.splat(ptr, bytes);
  const minusZero = bytes == 8 ? f64x2.eq(bias, f64x2.splat(0)) : f32x4.eq(bias, f32x4.splat(0));
  return v128.andnot(bias, minusZero);
}

/**
 * One output row of `count` elements from u0 on, from the planes of its phases along W.
 * `sourcePtr` is where q = 0 of the first plane would be.
 */
function composeRow(
  p: ConvParams,
  box: Box,
  sourcePtr: usize,
  targetPtr: usize,
  u0: i32,
  count: i32,
  bias: v128,
): void {
  const bytes = p.elementBytes;
  const stride = p.strideW;
  const u1 = u0 + count;
  const first = max(u0, box.w0 * stride);
  const end = min(u1, box.w1 * stride);
  const planeBytes = p.planeSize * bytes;
  const to = targetPtr - u0 * bytes; // where u = 0 would be
  if (end - first < count) elements.fill(targetPtr, 1, 0, count, bytes, bias, bytes);
  // positions qa ≤ q < qb are interleaved in registers: every phase of theirs lies in this row
  const qa = geometry.ceilDiv(first, stride);
  let qb = qa;
  if (p.phasesW == stride && bytes == 4) {
    qb += interleave(sourcePtr + qa * 4, planeBytes, to + qa * stride * 4, stride, end / stride - qa, bias);
  }
  addBias(p, sourcePtr, to, first, min(qa * stride, end), bias);
  addBias(p, sourcePtr, to, qb * stride, end, bias);
}

/** target[u] = plane of u mod stride [⌊u ÷ stride⌋] + bias for u0 ≤ u < u1, the bias alone where a phase has no plane. */
function addBias(p: ConvParams, sourcePtr: usize, targetPtr: usize, u0: i32, u1: i32, bias: v128): void {
  if (u0 >= u1) return;
  const bytes = p.elementBytes;
  const planeBytes = p.planeSize * bytes;
  const stride = p.strideW;
  const residuesEnd = p.residuesPtrW + (p.phasesW << 2);
  const q = u0 / stride;
  let residue = u0 - q * stride;
  let residuePtr = p.residuesPtrW;
  let from = sourcePtr + q * bytes; // in the plane of the next residue of the table
  while (residuePtr < residuesEnd && load<i32>(residuePtr) < residue) {
    residuePtr += 4;
    from += planeBytes;
  }
  for (let to = targetPtr + u0 * bytes; u0 < u1; u0++) {
    const exists = residuePtr < residuesEnd && load<i32>(residuePtr) == residue;
    if (bytes == 8) {
      const value = f64x2.extract_lane(bias, 0);
      store<f64>(to, exists ? load<f64>(from) + value : value);
    } else {
      const value = f32x4.extract_lane(bias, 0);
      store<f32>(to, exists ? load<f32>(from) + value : value);
    }
    if (exists) {
      residuePtr += 4;
      from += planeBytes;
    }
    if (++residue == stride) {
      residue = 0;
      residuePtr = p.residuesPtrW;
      from += bytes - p.phasesW * planeBytes;
    }
    to += bytes;
  }
}

/**
 * target[q · stride + r] = plane r [q] + bias for every phase r < stride of float32 and the first q < `count`, as many
 * as fill vectors. Returns how many.
 */
function interleave(sourcePtr: usize, planeBytes: i32, targetPtr: usize, stride: i32, count: i32, bias: v128): i32 {
  if (count < 4) return 0;
  count &= ~3;
  const end = sourcePtr + count * 4;
  if (stride == 1) {
    for (let from = sourcePtr; from < end; from += 16) {
      v128.store(targetPtr, f32x4.add(v128.load(from), bias));
      targetPtr += 16;
    }
  } else if (stride == 2) {
    for (let from = sourcePtr; from < end; from += 16) {
      const even = f32x4.add(v128.load(from), bias);
      const odd = f32x4.add(v128.load(from + planeBytes), bias);
      v128.store(targetPtr, v128.shuffle<f32>(even, odd, 0, 4, 1, 5));
      v128.store(targetPtr, v128.shuffle<f32>(even, odd, 2, 6, 3, 7), 16);
      targetPtr += 32;
    }
  } else if ((stride & 3) == 0) {
    interleave4(sourcePtr, planeBytes, targetPtr, stride, count, bias);
  } else {
    return 0;
  }
  return count;
}

/** `interleave` for a stride and count that are multiples of 4, by 4x4 transposes. */
function interleave4(sourcePtr: usize, planeBytes: i32, targetPtr: usize, stride: i32, count: i32, bias: v128): void {
  const step = stride * 4;
  for (let r = 0; r < stride; r += 4) {
    let from = sourcePtr + r * planeBytes;
    let to = targetPtr + r * 4;
    for (let q = 0; q < count; q += 4) {
      const a = v128.load(from);
      const b = v128.load(from + planeBytes);
      const c = v128.load(from + 2 * planeBytes);
      const d = v128.load(from + 3 * planeBytes);
      const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
      const cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
      v128.store(to, f32x4.add(v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5), bias));
      v128.store(to + step, f32x4.add(v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7), bias));
      v128.store(to + 2 * step, f32x4.add(v128.shuffle<f32>(ab1, cd1, 0, 1, 4, 5), bias));
      v128.store(to + 3 * step, f32x4.add(v128.shuffle<f32>(ab1, cd1, 2, 3, 6, 7), bias));
      from += 16;
      to += 4 * step;
    }
  }
}
