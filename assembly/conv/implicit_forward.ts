/**
 * Forward as an implicit GEMM: rows of C are phase planes, columns are plane positions, and K runs over (tap, input
 * channel), so that all taps of an element add up in registers and planes are written once, not added to.
 *
 * Planes whose elements read the input at the same distances share a product (a run): their rows have the same B.
 * B is packed once for all taps, see implicit_lines.ts; where no tap shifts, it is read in the input itself, the last
 * columns excepted, and all of it where channels are neighbours (implicit_turned.ts).
 *
 * Float32 alone: float64, which is for checks, takes the other direct path.
 *
 * An item owns the output of (group, slab of channels, image, box of plane coordinates), as in conv_transpose_forward.ts.
 *
 *   thread workspace:  box | planes of the slab, one dump plane for padding rows | lines | row buffer
 */

import { element } from '../elements';
import { ConvParams } from '../params';
import { Box, boxes } from './box';
import { flush } from './col2im';
import { forwardWeight } from './forward_weight';
import { packLines } from './implicit_lines';
import { implicitTile, runPairs } from './implicit_tile';
import { ROOM, ROUND, runTurned } from './implicit_turned';

/** A product of some planes and the taps that they share; the twin of `runTable` in src/plan/implicit_runs.ts. */
@unmanaged
class Run {
  /** First micro-panel of A, in steps of 2 · kc elements. */
  panel: i32;
  /** Pairs of rows of C. */
  tiles: i32;
  taps: i32;
  /** First of its taps in the table of their byte offsets. */
  firstTap: i32;
  /** First of its rows in the table of their byte offsets. */
  firstRow: i32;
  /** An earlier run has written the same planes. */
  accumulate: i32;

  @inline static get bytes(): i32 {
    return 24;
  }
}

/** Item: (group, slab, image, box D, box H, box W), the last one fastest. */
export function implicitForward(p: ConvParams, begin: i32, end: i32, thread: i32): void {
  const workspacePtr = p.workspacePtr + <usize>thread * <usize>p.threadBytes;
  for (let item = begin; item < end; item++) forwardItem(p, item, workspacePtr);
}

function forwardItem(p: ConvParams, item: i32, workspacePtr: usize): void {
  const bytes = 4;
  const width = implicitTile.stripBytes / bytes;
  const box = changetype<Box>(workspacePtr);
  const part = boxes.take(p, item, box);
  const image = part % p.batch;
  const groupSlab = part / p.batch;
  const channel0 = (groupSlab % p.slabs) * p.slabChannels;
  const group = groupSlab / p.slabs;
  const planesPtr = workspacePtr + Box.bytes;
  const linesPtr = workspacePtr + p.panelsOffset;
  // rows that are not cut begin at plane coordinate 0 and share their zeros
  const base = p.flat ? 0 : box.w0;
  const columns = p.flat ? box.rows * p.linePeriod : box.columns;
  const inPlace = p.dense ? columns / width : 0; // strips that are whole
  const packed = (columns + width - 1) / width - inPlace;
  const packedFrom = inPlace * width;
  const imagePtr = p.inputPtr + (image * p.inputBatchStride + group * p.inChannels * p.inputChannelStride) * bytes;
  const slabPtr = forwardWeight.panels(p, groupSlab);
  const shifts = (p.maxShiftD | p.maxShiftH | p.maxShiftW) != 0;
  const exact = shifts && p.gather == 0 && forwardWeight.hasNonFinite(p, groupSlab);
  // the variant for wide vectors has no room for it
  const turned = !Variant.wide && p.dense != 0 && p.inputStrideW != 1;
  if (!ASC_NO_ASSERT) {
    assert(
      p.elementBytes == 4 &&
        (!turned || (columns >= ROUND && p.blocks == 1 && p.rowBufferOffset - p.panelsOffset >= ROOM)),
    );
    assert(p.mr == 2 && columns > 0 && (p.flat || box.rows == 1) && (!p.dense || (!shifts && box.slices == 1)));
    assert(
      (p.slabChannels * p.phasesD * p.phasesH * p.phasesW + 1) * p.planeSize * bytes <= p.panelsOffset - <i32>Box.bytes,
    );
    assert((box.slices - 1) * p.planeSlice + (inPlace + packed) * width <= p.planeSize);
    const lines = (box.slices + p.maxShiftD - 1) * p.paddedSlice + (p.maxShiftH * p.linePeriod + p.maxShiftW);
    assert(
      lines + packed * width <= p.stripStep &&
        p.lineChannels * p.stripStep * bytes <= p.rowBufferOffset - p.panelsOffset,
    );
  }

  // if in place
  const inputPtr = imagePtr + (box.d0 * p.inputStrideD + box.h0 * p.inputStrideH + base) * bytes;
  if (turned) runTurned(p, columns, slabPtr, inputPtr, planesPtr, linesPtr);
  const exists = boxes.inputs(p, box.next);
  for (let k0 = turned ? p.depth : 0; k0 < p.depth; k0 += p.kc) {
    const kc = min(p.kc, p.depth - k0);
    const toChannels = k0 * p.inputChannelStride * bytes;
    const panelsPtr = slabPtr + k0 * p.tiles * 2 * bytes;
    const line = k0 % p.lineChannels;
    if (packed > 0 && line == 0) {
      const lines = min(p.lineChannels, p.depth - k0);
      // of all lines with the first ones: neighbours of their channels are in the same lines of memory
      packLines(p, exists, box, imagePtr + toChannels, lines, base, packedFrom, linesPtr, k0 == 0 ? p.depth : 0, 1);
    }
    for (let slice = 0; slice < box.slices; slice++) {
      const bPtr = linesPtr + (line * p.stripStep + slice * p.paddedSlice) * bytes;
      const cPtr = planesPtr + slice * p.planeSlice * bytes;
      for (let i = 0; i < p.blocks; i++) {
        const run = changetype<Run>(p.runTablePtr + i * Run.bytes);
        const aPtr = panelsPtr + run.panel * 2 * kc * bytes;
        const accumulate = k0 > 0 || run.accumulate != 0;
        if (exact) {
          runExact(p, box, run, slice, base, kc, aPtr, bPtr, cPtr, accumulate);
        } else {
          if (inPlace > 0)
            runStrips(p, run, inPlace, kc, aPtr, inputPtr + toChannels, p.inputChannelStride, cPtr, accumulate);
          if (packed > 0) {
            runStrips(p, run, packed, kc, aPtr, bPtr, p.stripStep, cPtr + packedFrom * bytes, accumulate);
          }
        }
      }
    }
  }

  const outChannel = group * p.outChannels + channel0;
  const outputPtr = p.outputPtr + (image * p.outputBatchStride + outChannel * p.outputChannelStride) * bytes;
  const biasPtr = p.biasPtr != 0 ? p.biasPtr + outChannel * bytes : 0;
  const channels = min(p.slabChannels, p.outChannels - channel0);
  flush(p, box, planesPtr, outputPtr, biasPtr, channels, base, workspacePtr + p.rowBufferOffset);
}

/** @param pitch elements from one channel of B to the next */
function runStrips(
  p: ConvParams,
  run: Run,
  strips: i32,
  kc: i32,
  aPtr: usize,
  bPtr: usize,
  pitch: i32,
  cPtr: usize,
  accumulate: bool,
): void {
  const tapOffsetPtr = p.tapTablePtr + (run.firstTap << 2);
  const rowOffsetPtr = p.rowOffsetPtr + (run.firstRow << 2);
  runPairs(strips, run.tiles, run.taps, kc, aPtr, bPtr, pitch * 4, tapOffsetPtr, rowOffsetPtr, cPtr, accumulate);
}

/**
 * One run for a weight that is NaN or infinite somewhere: times a zero between rows it would be NaN. So for each tap
 * only inputs that exist are multiplied, in the order of the micro-kernel.
 */
function runExact(
  p: ConvParams,
  box: Box,
  run: Run,
  slice: i32,
  base: i32,
  kc: i32,
  aPtr: usize,
  bPtr: usize,
  cPtr: usize,
  accumulate: bool,
): void {
  const bytes = 4;
  const columns = p.flat ? box.rows * p.linePeriod : box.columns;
  for (let row = 0; row < 2 * run.tiles; row++) {
    const rowPtr = cPtr + load<i32>(p.rowOffsetPtr + ((run.firstRow + row) << 2));
    let a = aPtr + ((row >> 1) * run.taps * kc * 2 + (row & 1)) * bytes;
    if (!accumulate) memory.fill(rowPtr, 0, columns * bytes);
    for (let tap = run.firstTap; tap < run.firstTap + run.taps; tap++) {
      const offset = load<i32>(p.tapTablePtr + (tap << 2));
      for (let q = 0; q < columns; q++) {
        const cell = slice * p.paddedSlice + offset / bytes + q;
        const inSlice = cell % p.paddedSlice;
        const d = box.d0 - p.maxShiftD + cell / p.paddedSlice;
        const h = box.h0 - p.maxShiftH + inSlice / p.linePeriod;
        const w = base - p.maxShiftW + (inSlice % p.linePeriod);
        if (<u32>d >= <u32>p.inputD || <u32>h >= <u32>p.inputH || <u32>w >= <u32>p.inputW) continue;
        let b = bPtr + offset + q * bytes;
        for (let k = 0; k < kc; k++) {
          element.madd(a + k * 2 * bytes, b, rowPtr + q * bytes, bytes);
          b += p.stripStep * bytes;
        }
      }
      a += 2 * kc * bytes;
    }
  }
}
