/**
 * gradWeight by the Toom-Cook algorithm, for both operations: the transpose of what the forward pass does,
 *
 *   gradient of g = Gᵀ Σ (A gradient of y) ⊙ (Bᵀ d)   over all tiles
 *
 * so for every point there is one product of M = (phase, output channel), N = input channels and K = tiles of all images.
 *
 * An item owns (group, slab of output channels, columns of N) of the gradient and runs over the stage's blocks of K in
 * order: images, then boxes of tiles.
 *
 *   thread workspace:  box, box in whole tiles, input | A panels | B panels | C: point, strip, row | tables of tiles, of
 *                      lines; lines of a strip per image | gradients of a row of tiles: position, row
 */

import { packPanel } from '../gemm/packing';
import { ConvParams } from '../params';
import { Box, boxes } from './box';
import { packLines } from './implicit_lines';
import { isIdle } from './tame';
import { transformInput } from './winograd_input';
import { multiply } from './winograd_product';
import { terms } from './winograd_terms';
import { winograd, WinogradTile } from './winograd_tiles';
import { NO_TAP, winogradWeight } from './winograd_weight';

/** Columns of a strip. */
const NR: i32 = 8;

/** Item: (group, slab, block of N, part of the stage's blocks of K), the last one fastest. */
export function winogradGradWeight(p: ConvParams, begin: i32, end: i32, thread: i32): void {
  if (Variant.wide || isIdle(p)) return; // the wide variant has no plan with it, and no room
  const workspacePtr = p.workspacePtr + <usize>thread * <usize>p.threadBytes;
  const columnBlocks = (p.inChannels + p.columnsPerItem - 1) / p.columnsPerItem;
  for (let item = begin; item < end; item++) {
    let rest = item / p.parts;
    const part = item - rest * p.parts;
    const n0 = (rest % columnBlocks) * p.columnsPerItem;
    rest /= columnBlocks;
    const columns = min(p.columnsPerItem, p.inChannels - n0);
    const slab = rest % p.slabs;
    const group = rest / p.slabs;
    const channel0 = slab * p.slabChannels;
    const channels = min(p.slabChannels, p.outChannels - channel0);
    const inputPtr = p.inputPtr + (group * p.inChannels + n0) * p.inputChannelStride * 4;
    const outputPtr = p.outputPtr + (group * p.outChannels + channel0) * p.outputChannelStride * 4;
    const steps = p.stepEnd - p.stepBegin;
    const firstStep = p.stepBegin + (part * steps) / p.parts;
    const lastStep = p.stepBegin + ((part + 1) * steps) / p.parts;
    if (firstStep == lastStep) continue;
    for (let step = firstStep; step < lastStep; step++) {
      addBlock(p, step, inputPtr, columns, outputPtr, channels, step > firstStep, workspacePtr);
    }
    const rowOffset = (group * p.inChannels + n0) * p.weightInStride + channel0 * p.weightOutStride;
    const gradientPtr = p.weightPtr + (part * p.partStride + rowOffset) * 4;
    addGradient(p, columns, channels, workspacePtr + p.productsOffset, gradientPtr);
  }
}

/** Adds the products of one block of K: step = (images, box D, box H, box W), the last one fastest. */
function addBlock(
  p: ConvParams,
  step: i32,
  inputPtr: usize,
  columns: i32,
  outputPtr: usize,
  channels: i32,
  accumulate: bool,
  workspacePtr: usize,
): void {
  const box = changetype<Box>(workspacePtr);
  const tiled = box.next;
  const inputs = boxes.inputs(p, tiled.next);
  const image0 = boxes.take(p, step, box) * p.imagesPerItem;
  const images = min(p.imagesPerItem, p.batch - image0);
  winograd.roundUp(p, box, tiled);
  const tablePtr = workspacePtr + p.tileOffset;
  const lineTablePtr = tablePtr + p.kc * WinogradTile.bytes;
  const linesPtr = lineTablePtr + NR * WinogradTile.bytes;
  const lineBytes = p.stripStep * 4;
  const kc = winograd.list(p, tiled, images, lineBytes, 1, p.planeSize * 4, tablePtr);
  const aPtr = workspacePtr + p.aPanelsOffset;
  const bPtr = workspacePtr + p.panelsOffset;
  const bStep = kc * 32;
  const strips = (columns + NR - 1) / NR;
  for (let strip = 0; strip < strips; strip++) {
    const existing = min(NR, columns - strip * NR);
    for (let image = 0; image < images; image++) {
      const from = inputPtr + ((image0 + image) * p.inputBatchStride + strip * NR * p.inputChannelStride) * 4;
      packLines(p, inputs, tiled, from, existing, box.w0, 0, linesPtr + image * NR * lineBytes, existing, 1);
    }
    winograd.listLines(NR, existing, lineBytes, lineTablePtr);
    transformInput(p, lineTablePtr, linesPtr, tablePtr, kc, bPtr + strip * bStep, strips * bStep);
  }
  packGradients(p, tiled, image0, images, outputPtr, channels, kc, workspacePtr);
  const cStep = p.tiles * p.mr * 32;
  multiply(p, kc, strips, aPtr, bPtr, bStep, strips * bStep, workspacePtr + p.productsOffset, 32, cStep, accumulate);
}

/**
 * A panels: A g of all tiles, row by row of tiles, so that what several phases and points read stays in L1. Phases are
 * neighbours in memory.
 */
function packGradients(
  p: ConvParams,
  tiled: Box,
  image0: i32,
  images: i32,
  outputPtr: usize,
  channels: i32,
  kc: i32,
  workspacePtr: usize,
): void {
  const panels = p.slabChannels / p.mr;
  const rowBytes = p.mr * 4;
  const positionsPtr = workspacePtr + p.interleavedOffset;
  for (let panel = 0; panel < panels; panel++) {
    const channel = panel * p.mr;
    let to = workspacePtr + p.aPanelsOffset + panel * kc * rowBytes;
    for (let image = image0; image < image0 + images; image++) {
      const from = outputPtr + (image * p.outputBatchStride + channel * p.outputChannelStride) * 4;
      for (let d = tiled.d0; d < tiled.d1; d += winograd.length(p.maxShiftD)) {
        for (let h = tiled.h0; h < tiled.h1; h += winograd.length(p.maxShiftH)) {
          memory.fill(positionsPtr, 0, p.planeSize * rowBytes);
          if (channel < channels) packPositions(p, tiled, d, h, from, channels - channel, positionsPtr);
          to = transformGradient(p, tiled.columns, positionsPtr, to, panels * kc * rowBytes);
        }
      }
    }
  }
}

/** What exists of the output side under a row of tiles from (d, h) on, among zeros: the channels of a panel side by side. */
function packPositions(p: ConvParams, tiled: Box, d: i32, h: i32, from: usize, channels: i32, to: usize): void {
  const d0 = d * p.strideD - p.cropD;
  const h0 = h * p.strideH - p.cropH;
  const w0 = tiled.w0 * p.strideW - p.cropW;
  const d1 = min(d0 + winograd.length(p.maxShiftD) * p.strideD, p.outputD);
  const h1 = min(h0 + winograd.length(p.maxShiftH) * p.strideH, p.outputH);
  const w = max(w0, 0);
  const count = min(w0 + tiled.columns * p.strideW, p.outputW) - w;
  if (count <= 0) return; // a crop may leave nothing
  for (d = max(d0, 0); d < d1; d++) {
    for (h = max(h0, 0); h < h1; h++) {
      const position = (d - d0) * p.planeSlice + (h - h0) * p.planeRow + w - w0;
      const offset = d * p.outputStrideD + h * p.outputStrideH + w * p.outputStrideW;
      const targetPtr = to + position * p.mr * 4;
      packPanel(from + offset * 4, p.outputChannelStride, p.outputStrideW, channels, count, p.mr, targetPtr, 4);
    }
  }
}

/**
 * A g of a row of tiles, `mr` rows of A for each phase; that of the next phase lies `phaseBytes` further on. Returns
 * where the next row of tiles goes.
 */
function transformGradient(p: ConvParams, columns: i32, positionsPtr: usize, to: usize, phaseBytes: i32): usize {
  const rowBytes = p.mr * 4;
  const phases = winogradWeight.phases(p);
  const pointBytes = phases * phaseBytes;
  const length = winograd.length(p.maxShiftW);
  const second = rowBytes * p.strideW;
  const third = length == 3 ? 2 * second : second;
  const end = to + (columns / length) * rowBytes;
  for (let phase = 0; phase < phases; phase++) {
    const from = positionsPtr + load<i32>(p.tapTablePtr + (phase << 2));
    let pointPtr = to + phase * phaseBytes;
    let termPtr = p.termTablePtr;
    for (let points = winograd.allPoints(p); points > 0; points -= 4) {
      const termsEnd = terms.end(termPtr);
      let tilePtr = from;
      for (let target = pointPtr; target < end + (pointPtr - to); target += rowBytes) {
        // two vectors, which may overlap
        for (let at = 0; at < rowBytes; at = at + 16 < rowBytes ? rowBytes - 16 : rowBytes) {
          let x0 = f32x4.splat(0);
          let x1 = f32x4.splat(0);
          let x2 = f32x4.splat(0);
          for (let term = termPtr + 4; term < termsEnd; term += 8) {
            const y = tilePtr + at + load<i32>(term);
            const sign = terms.factor(term);
            x0 = f32x4.add(x0, f32x4.mul(v128.load(y), sign));
            x1 = f32x4.add(x1, f32x4.mul(v128.load(y + second), sign));
            x2 = f32x4.add(x2, f32x4.mul(v128.load(y + third), sign));
          }
          const even = length == 3 ? f32x4.add(x0, x2) : x0;
          v128.store(target + at, x0);
          v128.store(target + at + pointBytes, f32x4.add(even, x1));
          v128.store(target + at + 2 * pointBytes, f32x4.sub(even, x1));
          v128.store(target + at + 3 * pointBytes, f32x4.neg(x2));
        }
        tilePtr += length * second;
      }
      termPtr = termsEnd;
      pointPtr += 4 * pointBytes;
    }
  }
  return end;
}

/** Gᵀ of C to the gradient, or added to it: four input channels at a time. */
function addGradient(p: ConvParams, columns: i32, channels: i32, cPtr: usize, weightPtr: usize): void {
  const phases = winogradWeight.phases(p);
  const shifts = winogradWeight.shifts(p);
  const step = p.weightInStride * 4;
  for (let n = 0; n < columns; n += 4) {
    const strip = n / NR;
    const columnPtr = cPtr + strip * p.tiles * p.mr * 32 + (n - strip * NR) * 4;
    for (let phase = 0; phase < phases; phase++) {
      for (let channel = 0; channel < channels; channel++) {
        const rowPtr = columnPtr + (phase * p.slabChannels + channel) * 32;
        const to = weightPtr + n * step + channel * p.weightOutStride * 4;
        let termPtr = p.tapTermTablePtr;
        for (let shift = 0; shift < shifts; shift++) {
          const end = terms.end(termPtr);
          const offset = load<i32>(p.packTablePtr + ((phase * shifts + shift) << 2));
          if (offset != NO_TAP) storeTap(p, to + offset * 4, step, terms.sum(termPtr, end, rowPtr), columns - n);
          termPtr = end;
        }
      }
    }
  }
}

/** Stores or adds the first `lanes` of a vector `step` bytes apart. */
function storeTap(p: ConvParams, to: usize, step: i32, value: v128, lanes: i32): void {
  for (lanes = min(lanes, 4); lanes > 0; lanes--) {
    const lane = f32x4.extract_lane(value, 0);
    store<f32>(to, p.accumulate ? load<f32>(to) + lane : lane);
    value = v128.shuffle<f32>(value, value, 1, 2, 3, 3);
    to += step;
  }
}
