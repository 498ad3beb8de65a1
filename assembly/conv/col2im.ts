/**
 * The end of col2im: phase planes to output rows. Interleaves the phases, crops, adds bias and
 * activation, and writes each output element once.
 *
 * Uncropped output coordinate u = o + crop lies in plane u mod stride at q = ⌊u ÷ stride⌋. Where no
 * plane element exists (a residue that no tap reaches, or q beyond the reach) the value is 0 + bias.
 */

import { Activation } from '../elementwise/activation';
import { element, elements } from '../elements';
import { quads, transpose } from '../gemm/packing';
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
          if (stepChannel > 1) {
            const piecePtr = outputPtr + (d * p.outputStrideD + h * p.outputStrideH + w * p.outputStrideW) * bytes;
            if (turnPiece(p, box, planesPtr, biasPtr, channels, d, h, w, count, columnBase, piecePtr)) continue;
          }
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
  const bias = biasPtr == 0 ? i32x4.splat(0) : positiveZero(element.splat(biasPtr + channel * bytes, bytes), bytes);
  const planeD = planeIndex(p, box, 0, d);
  const planeH = planeIndex(p, box, 1, h);
  if (planeD < 0 || planeH < 0) {
    elements.fill(targetPtr, 1, 0, count, bytes, bias, bytes);
  } else {
    const sourcePtr = planesPtr + planeOffset(p, box, channel, planeD, planeH, d, h, columnBase) * bytes;
    composeRow(p, box, sourcePtr, targetPtr, beginW + p.cropW, count, bias);
  }
  Activation.row(bytes, p.activation, targetPtr, count, p.activationA, p.activationB);
}

/**
 * Where q = 0 of a row would be, in elements from the first plane: in the first of the planes of a channel that hold
 * output row (d, h), whose phases along D and H are `planeD` and `planeH`.
 */
function planeOffset(
  p: ConvParams,
  box: Box,
  channel: i32,
  planeD: i32,
  planeH: i32,
  d: i32,
  h: i32,
  columnBase: i32,
): i32 {
  const plane = ((channel * p.phasesD + planeD) * p.phasesH + planeH) * p.phasesW;
  const qd = (d + p.cropD) / p.strideD - box.d0;
  const qh = (h + p.cropH) / p.strideH - box.h0;
  return plane * p.planeSize + qd * p.planeSlice + qh * p.planeRow - columnBase;
}

/**
 * A piece of an output row of float32 whose channels are neighbours, from planes to where it belongs in one go: four
 * positions of four channels at a time. False, and nothing is written, where the piece is too short for that or some
 * element of it has no plane.
 */
function turnPiece(
  p: ConvParams,
  box: Box,
  planesPtr: usize,
  biasPtr: usize,
  channels: i32,
  d: i32,
  h: i32,
  w: i32,
  count: i32,
  columnBase: i32,
  targetPtr: usize,
): bool {
  const stride = p.strideW;
  const u0 = w + p.cropW;
  const u1 = u0 + count;
  const planeD = planeIndex(p, box, 0, d);
  const planeH = planeIndex(p, box, 1, h);
  if (planeD < 0 || planeH < 0 || u0 < box.w0 * stride || u1 > box.w1 * stride) return false;
  if (p.elementBytes != 4 || p.phasesW != stride || channels < 4 || count < 4 * stride) return false;
  const sourcePtr = planesPtr + planeOffset(p, box, 0, planeD, planeH, d, h, columnBase) * 4;
  const planeBytes = p.planeSize * 4;
  const channelBytes = p.phasesD * p.phasesH * stride * planeBytes;
  const step = p.outputStrideW * 4;
  // groups are written far apart: lines of memory come faster in their order
  if (p.outputStrideW == channels) memory.fill(targetPtr, 0, count * step);
  for (let o = 0; o < stride; o++) {
    const q = (u0 + o) / stride;
    const fromPtr = sourcePtr + (u0 + o - q * stride) * planeBytes + q * 4;
    for (let next = 0; next < channels; next += 4) {
      const c = min(next, channels - 4);
      const bias = biasPtr == 0 ? i32x4.splat(0) : positiveZero(v128.load(biasPtr + c * 4), 4);
      const from = fromPtr + c * channelBytes;
      const positions = (count - o + stride - 1) / stride;
      quads.interleave(
        from,
        from + channelBytes,
        from + 2 * channelBytes,
        from + 3 * channelBytes,
        positions,
        targetPtr + o * step + c * 4,
        step * stride,
        bias,
      );
    }
  }
  const apart = p.outputStrideW != channels;
  for (let left = apart ? count : 1; left > 0; left--) {
    const elementCount = apart ? channels : count * channels;
    Activation.row(4, p.activation, targetPtr, elementCount, p.activationA, p.activationB);
    targetPtr += step;
  }
  return true;
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

/** A bias whose −0 is +0, as 0 + bias would be; by a test, because the optimiser folds the addition away. */
function positiveZero(bias: v128, bytes: i32): v128 {
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
    for (let r = 0; r < stride; r += 4) {
      const from = sourcePtr + r * planeBytes;
      const to = targetPtr + r * 4;
      quads.interleave(
        from,
        from + planeBytes,
        from + 2 * planeBytes,
        from + 3 * planeBytes,
        count,
        to,
        stride * 4,
        bias,
      );
    }
  } else {
    return 0;
  }
  return count;
}
