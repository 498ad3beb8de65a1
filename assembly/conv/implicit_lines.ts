/**
 * B of the implicit GEMM: the rows of the input that a box of planes reads, one after another with zeros between them,
 * one such line per channel. A plane element reads the input at constant distances before its own position, so every
 * tap is the same memory, shifted.
 *
 *   line:  for each input slice and row that the box reads:  maxShiftW zeros | inputs
 */

import { Activation } from '../elementwise/activation';
import { elements } from '../elements';
import { touch, transpose } from '../gemm/packing';
import { ConvParams } from '../params';
import { Box } from './box';
import { implicitTile } from './implicit_tile';

/**
 * Channels that are read side by side, measured: memory feeds 4 to 16 streams at 45 GB/s and 64 at 14, and with one
 * at a time each row waits for its first line.
 */
const STREAMS: i32 = 8;
/** Rows of the input that are read side by side where channels are neighbours. */
const TOUCHED_ROWS: i32 = 4;

/**
 * Packs `kc` lines and applies the input's activation.
 *
 * @param exists coordinates of the input that exist
 * @param channelsPtr first channel of the image, where coordinates are 0
 * @param base plane coordinate along W at which rows begin
 * @param first position of a slice from which on it is wanted
 * @param ahead channels to read before any is packed, where channels are neighbours in memory
 * @param together 1, or more than 1 to leave channels, which are neighbours in memory, side by side: one line of
 *   positions, for each of which there is room for so many
 */
export function packLines(
  p: ConvParams,
  exists: Box,
  box: Box,
  channelsPtr: usize,
  kc: i32,
  base: i32,
  first: i32,
  linesPtr: usize,
  ahead: i32,
  together: i32,
): void {
  const bytes = 4;
  const width = implicitTile.stripBytes / bytes;
  const period = p.linePeriod;
  const rows = box.rows + p.maxShiftH;
  const lineStep = p.stripStep * bytes;
  const channelStep = p.inputChannelStride * bytes;
  const turned = together == 1 && p.inputChannelStride == 1 && p.inputStrideW != 1;
  const streams = turned ? kc : STREAMS;
  const lines = together > 1 ? 1 : kc;
  const positionBytes = together * bytes;
  const inputStep = p.inputStrideW * bytes;
  const zero = i32x4.splat(0);
  // of the positions of a row, those that are inputs
  const inputsBegin = max(exists.w0 + p.maxShiftW - base, 0);
  const inputsEnd = min(period, exists.w1 + p.maxShiftW - base);
  for (let c0 = 0; c0 < lines; c0 += streams) {
    const c1 = min(c0 + streams, lines);
    for (let slice = 0; slice < box.slices + p.maxShiftD; slice++) {
      const d = box.d0 - p.maxShiftD + slice;
      // The last positions of a row read on into the zeros of the next one, so there is one more. It fills up the last
      // strip too: what lies in memory by chance may be denormal, and some processors take a hundred cycles for those.
      for (let row = 0; row <= rows; row++) {
        const h = box.h0 - p.maxShiftH + row;
        const isInput = row < rows && d >= exists.d0 && d < exists.d1 && h >= exists.h0 && h < exists.h1;
        const begin = max(first - row * period, 0);
        const end =
          row < rows ? period : min(p.maxShiftW + width, p.stripStep - slice * p.paddedSlice - row * period + first);
        if (begin >= end) continue;
        const from = isInput ? min(max(inputsBegin, begin), end) : end;
        const count = isInput ? max(min(inputsEnd, end) - from, 0) : 0;
        const column = base - p.maxShiftW + from;
        let sourcePtr =
          channelsPtr + c0 * channelStep + (d * p.inputStrideD + h * p.inputStrideH) * bytes + column * inputStep;
        let targetPtr =
          linesPtr + c0 * lineStep + (slice * p.paddedSlice + row * period - first + from) * positionBytes;
        // zeros of all lines at once: there are few in each
        const before = from - begin;
        const after = end - from - count;
        const ptrBefore = targetPtr - before * positionBytes;
        elements.fill(ptrBefore, c1 - c0, lineStep, before * together, bytes, zero, bytes);
        elements.fill(targetPtr + count * positionBytes, c1 - c0, lineStep, after * together, bytes, zero, bytes);
        if (turned && count > 0) {
          const touched = h - max(exists.h0, box.h0 - p.maxShiftH);
          if (ahead > 0 && touched % TOUCHED_ROWS == 0) {
            const together = min(min(exists.h1, box.h1) - h, TOUCHED_ROWS);
            touch(sourcePtr, inputStep, count, ahead * bytes, together, p.inputStrideH * bytes, targetPtr);
          }
          transpose(sourcePtr, inputStep, count, kc, targetPtr, lineStep, bytes);
        }
        if (turned && p.inputActivation == 0) continue;
        for (let c = c0; c < c1; c++) {
          let source = sourcePtr;
          let to = targetPtr;
          let left = turned ? 0 : count;
          if (together > 1) {
            // rows of whole positions are one piece of memory
            const length = kc * bytes == inputStep && kc == together ? kc * left : kc;
            for (; left > 0; left -= length / kc) {
              elements.copy(source, bytes, to, bytes, length, bytes);
              source += inputStep;
              to += positionBytes;
            }
          }
          for (; inputStep == bytes && left >= 16; left -= 16) {
            v128.store(to, v128.load(source));
            v128.store(to, v128.load(source, 16), 16);
            v128.store(to, v128.load(source, 32), 32);
            v128.store(to, v128.load(source, 48), 48);
            source += 64;
            to += 64;
          }
          // every second element: what lies between is another phase's
          for (; inputStep == 2 * bytes && left > 4; left -= 4) {
            v128.store(to, v128.shuffle<f32>(v128.load(source), v128.load(source, 16), 0, 2, 4, 6));
            source += 32;
            to += 16;
          }
          if (left > 0) elements.copy(source, inputStep, to, bytes, left, bytes);
          if (p.inputActivation != 0) {
            Activation.row(
              bytes,
              p.inputActivation,
              targetPtr,
              count * together,
              p.inputActivationA,
              p.inputActivationB,
            );
          }
          sourcePtr += channelStep;
          targetPtr += lineStep;
        }
      }
    }
  }
}
