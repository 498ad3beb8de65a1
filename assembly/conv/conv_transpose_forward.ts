/**
 * Forward: a GEMM whose C rows are rows of phase planes, then a flush.
 *
 * columns = Wᵀ · X, and tap k of input row i belongs to plane (i·s + k·d) mod s at i + ⌊k·d ÷ s⌋: a
 * constant shift. So row m = (channel, tap) of C has a constant address relative to the input
 * position, and adding the tile to C is col2im.
 *
 * An item owns the output of (group, slab of channels, image, box of plane coordinates). It runs, for
 * each input row that can reach the box, only the tiles whose row shift lands in it: every product is
 * computed once, no two items write one element. Along W a box cut at multiples of nr keeps a margin.
 *
 *   thread workspace:  planes of the slab, one dump plane for padding rows | B panels | row buffer | tile
 */

import { Activation } from '../elementwise/activation';
import { fillZero } from '../elementwise/zero';
import { runTiles } from '../gemm/microkernel';
import { ConvParams } from '../params';
import { simd } from '../simd';
import { flush } from './col2im';
import { geometry } from './geometry';

/** Bytes before the panels of packed A: one i32 per (group, slab, block of K), 1 when it holds a NaN or infinity. */
function headerBytes(p: ConvParams): usize {
  return (((<usize>(p.groups * p.slabs * depthBlocks(p))) << 2) + 63) & ~63;
}

function depthBlocks(p: ConvParams): i32 {
  return (p.depth + p.kc - 1) / p.kc;
}

/**
 * Packs the weight into A micro-panels, in the order slab, block of K, tile. Rows of A are (shift,
 * channel, phase); the plan's table says where each comes from. Item: (group, slab, block of K).
 */
export function packForwardWeight<T>(p: ConvParams, begin: i32, end: i32): void {
  const blocks = depthBlocks(p);
  const panelsPtr = p.packedPtr + headerBytes(p);
  const rows = p.tiles * p.mr;
  for (let item = begin; item < end; item++) {
    const k0 = (item % blocks) * p.kc;
    const kc = min(p.kc, p.depth - k0);
    const slab = (item / blocks) % p.slabs;
    const group = item / blocks / p.slabs;
    const channel0 = slab * p.slabChannels;
    const channels = min(p.slabChannels, p.outChannels - channel0);
    const weightPtr =
      p.weightPtr + geometry.bytes<T>((group * p.inChannels + k0) * p.weightInStride + channel0 * p.weightOutStride);
    const step = geometry.bytes<T>(p.weightInStride);
    const panelStep = geometry.bytes<T>(p.mr);
    let targetPtr = panelsPtr + geometry.bytes<T>(((group * p.slabs + slab) * p.depth + k0) * rows);
    let tablePtr = p.packTablePtr;
    let nonFinite: bool = false;
    for (let tile = 0; tile < p.tiles; tile++) {
      for (let r = 0; r < p.mr; r++) {
        const source = load<i32>(tablePtr);
        const channel = load<i32>(tablePtr, 4);
        tablePtr += 8;
        let to = targetPtr + geometry.bytes<T>(r);
        if (channel < 0 || channel >= channels) {
          for (let k = 0; k < kc; k++) {
            store<T>(to, <T>0);
            to += panelStep;
          }
          continue;
        }
        let from = weightPtr + geometry.bytes<T>(source);
        for (let k = 0; k < kc; k++) {
          const value = load<T>(from);
          nonFinite = nonFinite | geometry.nonFinite<T>(value);
          store<T>(to, value);
          from += step;
          to += panelStep;
        }
      }
      targetPtr += panelStep * <usize>kc;
    }
    store<i32>(p.packedPtr + ((<usize>item) << 2), <i32>nonFinite);
  }
}

/** Item: (group, slab, image, box D, box H, box W), the last one fastest. */
export function convTransposeForward<T>(p: ConvParams, begin: i32, end: i32, thread: i32): void {
  const workspacePtr = p.workspacePtr + <usize>thread * <usize>p.threadBytes;
  for (let item = begin; item < end; item++) {
    let rest = item;
    const boxW = rest % p.boxesW;
    rest /= p.boxesW;
    const boxH = rest % p.boxesH;
    rest /= p.boxesH;
    const boxD = rest % p.boxesD;
    rest /= p.boxesD;
    const image = rest % p.batch;
    rest /= p.batch;
    const slab = rest % p.slabs;
    const group = rest / p.slabs;
    forwardItem<T>(p, group, slab, image, boxD, boxH, boxW, workspacePtr);
  }
}

function forwardItem<T>(
  p: ConvParams,
  group: i32,
  slab: i32,
  image: i32,
  boxD: i32,
  boxH: i32,
  boxW: i32,
  workspacePtr: usize,
): void {
  const nr = <i32>simd.nr<T>();
  // the box of plane coordinates that this item owns
  const d0 = p.planeBeginD + boxD * p.boxD;
  const d1 = min(d0 + p.boxD, p.planeEndD);
  const h0 = p.planeBeginH + boxH * p.boxH;
  const h1 = min(h0 + p.boxH, p.planeEndH);
  // boxes along W are cut at multiples of nr, so that strips lie alike in every item
  const w0 = boxW == 0 ? p.planeBeginW : (p.planeBeginW / nr) * nr + boxW * p.boxW;
  const w1 = min((p.planeBeginW / nr) * nr + (boxW + 1) * p.boxW, p.planeEndW);
  const channel0 = slab * p.slabChannels;
  const channels = min(p.slabChannels, p.outChannels - channel0);
  const planesPtr = workspacePtr + p.planesOffset;
  const panelsPtr = workspacePtr + p.panelsOffset;
  const phases = p.phasesD * p.phasesH * p.phasesW;

  // input rows that reach the box, and the columns of each
  const id0 = max(d0 - p.maxShiftD, 0);
  const id1 = min(d1, p.inputD);
  const ih0 = p.flat ? 0 : max(h0 - p.maxShiftH, 0);
  const ih1 = p.flat ? 1 : min(h1, p.inputH);
  const columnBase = p.flat ? 0 : (max(w0 - p.maxShiftW, 0) / nr) * nr;
  const columns = p.flat ? (p.inputH - 1) * p.linePeriod + p.inputW : min(w1, p.inputW) - columnBase;
  const strips = columns > 0 ? (columns + nr - 1) / nr : 0;

  if (!p.writeOnce || strips == 0) {
    memory.fill(planesPtr, 0, geometry.bytes<T>(p.slabChannels * phases * p.planeSize));
  }
  const inputPtr =
    p.inputPtr + geometry.bytes<T>(image * p.inputBatchStride + group * p.inChannels * p.inputChannelStride);
  const rows = p.tiles * p.mr;
  const slabPtr = p.packedPtr + headerBytes(p) + geometry.bytes<T>((group * p.slabs + slab) * p.depth * rows);
  const exact = hasNonFinite(p, group, slab);
  const lineBytes = <usize>strips * <usize>p.kc * 32;
  if (!ASC_NO_ASSERT) {
    assert(p.kc > 0 && p.mr >= 4 && p.mr <= 6);
    assert(d0 < d1 && h0 < h1 && w0 < w1 && channels > 0);
    assert(<usize>max((id1 - id0) * (ih1 - ih0), 0) * lineBytes <= <usize>(p.rowBufferOffset - p.panelsOffset));
    assert(geometry.bytes<T>((p.slabChannels * phases + 1) * p.planeSize) <= <usize>(p.panelsOffset - p.planesOffset));
  }

  for (let k0 = 0; k0 < p.depth && strips > 0; k0 += p.kc) {
    const kc = min(p.kc, p.depth - k0);
    let linePtr = panelsPtr;
    for (let d = id0; d < id1; d++) {
      for (let h = ih0; h < ih1; h++) {
        const rowPtr =
          inputPtr +
          geometry.bytes<T>(
            k0 * p.inputChannelStride + d * p.inputStrideD + h * p.inputStrideH + columnBase * p.inputStrideW,
          );
        packLine<T>(p, rowPtr, columns, kc, linePtr);
        linePtr += lineBytes;
      }
    }
    const accumulate = !p.writeOnce || k0 > 0;
    const aPtr = slabPtr + geometry.bytes<T>(k0 * rows);
    for (let block = 0; block < p.blocks; block++) {
      linePtr = panelsPtr;
      for (let d = id0; d < id1; d++) {
        for (let h = ih0; h < ih1; h++) {
          const line = (d - d0) * p.planeSlice + (h - h0) * p.planeRow;
          for (let strip = 0; strip < strips; strip++) {
            const bPtr = linePtr + <usize>(strip * kc) * 32;
            const cPtr = planesPtr + geometry.bytes<T>(line + strip * p.stripStep);
            const valid = exact ? validColumns(p, columns, strip * nr, nr) : -1;
            runBlock<T>(p, block, d, h, d0, d1, h0, h1, kc, aPtr, bPtr, cPtr, accumulate, valid, workspacePtr);
          }
          linePtr += lineBytes;
        }
      }
    }
  }

  const outputPtr =
    p.outputPtr +
    geometry.bytes<T>(image * p.outputBatchStride + (group * p.outChannels + channel0) * p.outputChannelStride);
  const biasPtr = p.biasPtr != 0 ? p.biasPtr + geometry.bytes<T>(group * p.outChannels + channel0) : 0;
  const rowBufferPtr = workspacePtr + p.rowBufferOffset;
  flush<T>(p, planesPtr, outputPtr, biasPtr, channels, d0, d1, h0, h1, w0, w1, columnBase, rowBufferPtr);
}

function hasNonFinite(p: ConvParams, group: i32, slab: i32): bool {
  const blocks = depthBlocks(p);
  let flagPtr = p.packedPtr + ((<usize>((group * p.slabs + slab) * blocks)) << 2);
  let any = 0;
  for (let i = 0; i < blocks; i++) {
    any |= load<i32>(flagPtr);
    flagPtr += 4;
  }
  return any != 0;
}

/** Runs of tiles of one block of A whose row shift lands in the box, for one strip. */
function runBlock<T>(
  p: ConvParams,
  block: i32,
  d: i32,
  h: i32,
  d0: i32,
  d1: i32,
  h0: i32,
  h1: i32,
  kc: i32,
  aPtr: usize,
  bPtr: usize,
  cPtr: usize,
  accumulate: bool,
  valid: i32,
  workspacePtr: usize,
): void {
  const run0 = load<i32>(p.blockTablePtr + ((<usize>block) << 2));
  const run1 = load<i32>(p.blockTablePtr + ((<usize>block) << 2), 4);
  const nr = <i32>simd.nr<T>();
  const all = (1 << nr) - 1;
  for (let run = run0; run < run1; run++) {
    const runPtr = p.runTablePtr + ((<usize>run) << 4);
    const shiftD = load<i32>(runPtr, 8);
    const shiftH = load<i32>(runPtr, 12);
    if (d + shiftD < d0 || d + shiftD >= d1) continue;
    if (!p.flat && (h + shiftH < h0 || h + shiftH >= h1)) continue;
    const tile0 = load<i32>(runPtr);
    const tiles = load<i32>(runPtr, 4) - tile0;
    const tilesPtr = aPtr + geometry.bytes<T>(tile0 * p.mr * kc);
    const rowOffsetPtr = p.rowOffsetPtr + ((<usize>(tile0 * p.mr)) << 2);
    if ((valid & all) == all) {
      runTiles<T>(p.mr, tiles, kc, tilesPtr, bPtr, rowOffsetPtr, cPtr, accumulate, p.splitBytes);
    } else {
      const tilePtr = workspacePtr + p.tileOffset;
      runTilesExact<T>(p.mr, tiles, kc, tilesPtr, bPtr, rowOffsetPtr, cPtr, accumulate, p.splitBytes, valid, tilePtr);
    }
  }
}

/**
 * As runTiles, but only the columns in `valid` reach C: a column that stands for no input would add
 * 0 · ∞ = NaN to an element that other columns own.
 */
function runTilesExact<T>(
  mr: i32,
  tiles: i32,
  kc: i32,
  aPtr: usize,
  bPtr: usize,
  rowOffsetPtr: usize,
  cPtr: usize,
  accumulate: bool,
  split: usize,
  valid: i32,
  tilePtr: usize,
): void {
  const nr = <i32>simd.nr<T>();
  const offsetsPtr = tilePtr + <usize>mr * 32;
  for (let r = 0; r < mr; r++) store<i32>(offsetsPtr + ((<usize>r) << 2), r * 32);
  for (let tile = 0; tile < tiles; tile++) {
    for (let r = 0; r < mr; r++) {
      const rowPtr = cPtr + load<i32>(rowOffsetPtr + ((<usize>r) << 2));
      const bufferPtr = tilePtr + <usize>r * 32;
      for (let c = 0; c < nr; c++) {
        const take = accumulate && ((valid >> c) & 1) != 0;
        store<T>(bufferPtr + geometry.bytes<T>(c), take ? load<T>(rowPtr + columnBytes<T>(c, split)) : <T>0);
      }
    }
    runTiles<T>(mr, 1, kc, aPtr, bPtr, offsetsPtr, tilePtr, true, 16);
    for (let r = 0; r < mr; r++) {
      const rowPtr = cPtr + load<i32>(rowOffsetPtr + ((<usize>r) << 2));
      const bufferPtr = tilePtr + <usize>r * 32;
      for (let c = 0; c < nr; c++) {
        if ((valid >> c) & 1) store<T>(rowPtr + columnBytes<T>(c, split), load<T>(bufferPtr + geometry.bytes<T>(c)));
      }
    }
    aPtr += geometry.bytes<T>(mr * kc);
    rowOffsetPtr += (<usize>mr) << 2;
  }
}

/** Where column c of a C row lies: the second vector is `split` bytes after the first. */
function columnBytes<T>(c: i32, split: usize): usize {
  const half = <i32>simd.nr<T>() / 2;
  return c < half ? geometry.bytes<T>(c) : split + geometry.bytes<T>(c - half);
}

/** Bit c is set when column `first + c` of a line stands for an input element. */
function validColumns(p: ConvParams, columns: i32, first: i32, nr: i32): i32 {
  let mask = 0;
  for (let c = 0; c < nr; c++) {
    const position = first + c;
    const exists = position < columns && (!p.flat || position % p.linePeriod < p.inputW);
    mask |= (<i32>exists) << c;
  }
  return mask;
}

/**
 * Packs one line of `columns` positions into strips of kc x nr and applies the input's activation; positions without
 * input become 0.
 */
function packLine<T>(p: ConvParams, rowPtr: usize, columns: i32, kc: i32, targetPtr: usize): void {
  const nr = <i32>simd.nr<T>();
  const channelStep = geometry.bytes<T>(p.inputChannelStride);
  // rows as wide as one vector: a strip is two of them
  const pairs = p.inputStrideW == 1 && p.linePeriod == p.inputW && 2 * p.inputW == nr;
  for (let first = 0; first < columns; first += nr) {
    const inRow = p.flat ? first % p.linePeriod : first;
    const limit = p.flat ? p.inputW : columns;
    const full = inRow + nr <= limit;
    if (full && p.inputStrideW == 1) {
      let from = rowPtr + geometry.bytes<T>(p.flat ? (first / p.linePeriod) * p.inputStrideH + inRow : first);
      let to = targetPtr;
      for (let k = 0; k < kc; k++) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        from += channelStep;
        to += 32;
      }
    } else if (pairs && first + nr <= columns) {
      let from = rowPtr + geometry.bytes<T>((first / p.linePeriod) * p.inputStrideH);
      const below = geometry.bytes<T>(p.inputStrideH);
      let to = targetPtr;
      for (let k = 0; k < kc; k++) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from + below), 16);
        from += channelStep;
        to += 32;
      }
    } else {
      for (let c = 0; c < nr; c++) packColumn<T>(p, rowPtr, columns, first + c, kc, targetPtr + geometry.bytes<T>(c));
    }
    if (p.inputActivation != 0) {
      Activation.row<T>(p.inputActivation, targetPtr, kc * nr, p.inputActivationA, p.inputActivationB);
      if (!full) zeroGaps<T>(p, columns, first, kc, targetPtr);
    }
    targetPtr += <usize>kc * 32;
  }
}

/** Columns of a strip that stand for no input: the activation of 0 need not be 0. */
function zeroGaps<T>(p: ConvParams, columns: i32, first: i32, kc: i32, stripPtr: usize): void {
  const nr = <i32>simd.nr<T>();
  const valid = validColumns(p, columns, first, nr);
  for (let c = 0; c < nr; c++) {
    if ((valid >> c) & 1) continue;
    fillZero(stripPtr + geometry.bytes<T>(c), kc, 32, 1, 0, sizeof<T>());
  }
}

function packColumn<T>(p: ConvParams, rowPtr: usize, columns: i32, position: i32, kc: i32, to: usize): void {
  const h = p.flat ? position / p.linePeriod : 0;
  const w = p.flat ? position % p.linePeriod : position;
  if (position >= columns || (p.flat && w >= p.inputW)) {
    fillZero(to, kc, 32, 1, 0, sizeof<T>());
    return;
  }
  let from = rowPtr + geometry.bytes<T>(h * p.inputStrideH + w * p.inputStrideW);
  const channelStep = geometry.bytes<T>(p.inputChannelStride);
  for (let k = 0; k < kc; k++) {
    store<T>(to, load<T>(from));
    from += channelStep;
    to += 32;
  }
}
