/**
 * Forward, or with sources that are phases gradInput, by the Toom-Cook algorithm: the input's tiles are transformed once, then for every point there is one product
 * with the transformed weight, of which no tap is left, and the products are transformed to phase planes.
 *
 * An item owns the output of (group, part of the slabs, block of images, box of plane coordinates), boxes being whole
 * tiles. Columns of C are tiles, of several images where one has few.
 *
 *   thread workspace:  box, box in whole tiles | planes of a slab per image | B panels | C of a slab: point, row, tile |
 *                      tables of tiles, of lines; lines of some channels per image, room of a strip | row buffer
 */

import { ConvParams } from '../params';
import { Box, boxes } from './box';
import { flush } from './col2im';
import { packLines } from './implicit_lines';
import { exactPlanes } from './winograd_exact';
import { transformInput, transformNeighbours } from './winograd_input';
import { winogradOutput } from './winograd_output';
import { multiply } from './winograd_product';
import { winograd, WinogradSource, WinogradTile } from './winograd_tiles';
import { winogradWeight } from './winograd_weight';

/** Item: (group, part, block of images, box D, box H, box W), the last one fastest. */
export function winogradForward(p: ConvParams, begin: i32, end: i32, thread: i32): void {
  const workspacePtr = p.workspacePtr + <usize>thread * <usize>p.threadBytes;
  for (let item = begin; item < end; item++) forwardItem(p, item, workspacePtr);
}

function forwardItem(p: ConvParams, item: i32, workspacePtr: usize): void {
  const box = changetype<Box>(workspacePtr);
  const tiled = box.next;
  let rest = boxes.take(p, item, box);
  winograd.roundUp(p, box, tiled);
  const blocks = (p.batch + p.imagesPerItem - 1) / p.imagesPerItem;
  const image0 = (rest % blocks) * p.imagesPerItem;
  rest /= blocks;
  const group = rest / p.parts;
  const part = rest % p.parts;
  const images = min(p.imagesPerItem, p.batch - image0);
  const phases = winogradWeight.phases(p);
  const planesPtr = workspacePtr + Box.bytes;
  const imageBytes = p.slabChannels * phases * p.planeSize * 4;
  const panelsPtr = workspacePtr + p.panelsOffset;
  const tablePtr = workspacePtr + p.tileOffset;
  const lineTablePtr = tablePtr + p.columnsPerItem * WinogradTile.bytes;
  const linesPtr = lineTablePtr + p.lineChannels * WinogradTile.bytes;
  const lineBytes = p.stripStep * 4;
  const together = p.together;
  const roomPtr = linesPtr + images * p.lineChannels * lineBytes;
  const tiles = winograd.list(p, tiled, images, lineBytes, together, imageBytes, tablePtr);
  winograd.listLines(p.lineChannels, p.lineChannels, lineBytes, lineTablePtr);
  const strips = (tiles + 7) >> 3;
  const pointBytes = strips * p.depth * 32;
  const imageStep = p.inputBatchStride * 4;
  const inputPtr = p.inputPtr + image0 * imageStep + group * p.inChannels * p.inputChannelStride * 4;
  if (!ASC_NO_ASSERT) {
    assert(strips * 8 <= p.columnsPerItem);
    assert(images * imageBytes <= p.panelsOffset - <i32>Box.bytes);
    assert(winograd.allPoints(p) * pointBytes <= p.aPanelsOffset - p.panelsOffset);
    assert(winograd.allPoints(p) * p.pointStride * 4 <= p.tileOffset - p.aPanelsOffset);
    assert(roomPtr + (together > 1 ? winograd.roomBytes(p) : 0) <= workspacePtr + p.rowBufferOffset);
  }

  for (let index = 0; index < p.blocks; index++) {
    const source = WinogradSource.of(p, index);
    for (let channel = 0; channel < p.inChannels; channel += p.lineChannels) {
      const channels = min(p.lineChannels, p.inChannels - channel);
      const channelsPtr = inputPtr + (source.offset + channel * p.inputChannelStride) * 4;
      let to = linesPtr;
      for (let image = 0; image < images; image++) {
        packLines(
          p,
          source.exists,
          tiled,
          channelsPtr + image * imageStep,
          channels,
          box.w0,
          0,
          to,
          channel == 0 ? p.inChannels : 0,
          together,
        );
        to += p.lineChannels * lineBytes;
      }
      const k = index * p.inChannels + channel;
      for (let strip = 0; strip < strips; strip++) {
        const columnPtr = tablePtr + strip * 8 * WinogradTile.bytes;
        const stripPtr = panelsPtr + (strip * p.depth + k) * 32;
        if (together > 1) {
          transformNeighbours(p, columnPtr, linesPtr, channels, stripPtr, pointBytes, roomPtr);
        } else {
          transformInput(p, columnPtr, linesPtr, lineTablePtr, channels, stripPtr, pointBytes);
        }
      }
    }
  }
  for (let slab = (part * p.slabs) / p.parts; slab < ((part + 1) * p.slabs) / p.parts; slab++) {
    const own = group * p.slabs + slab;
    const channel0 = slab * p.slabChannels;
    const channels = min(p.slabChannels, p.outChannels - channel0);
    const cPtr = workspacePtr + p.aPanelsOffset;
    for (let k0 = 0; k0 < p.depth; k0 += p.kc) {
      const kc = min(p.kc, p.depth - k0);
      const aPtr = winogradWeight.panels(p, own, k0);
      multiply(
        p,
        kc,
        strips,
        aPtr,
        panelsPtr + k0 * 32,
        p.depth * 32,
        pointBytes,
        cPtr,
        4 * p.columnsPerItem,
        32,
        k0 > 0,
      );
    }
    const finite = transformOutput(p, tablePtr, tiles, channels, cPtr, planesPtr);
    const outChannel = group * p.outChannels + channel0;
    const biasPtr = p.biasPtr != 0 ? p.biasPtr + outChannel * 4 : 0;
    for (let image = 0; image < images; image++) {
      const imagePlanesPtr = planesPtr + image * imageBytes;
      if (!finite) {
        exactPlanes(p, box, tiled, own, channels, inputPtr + image * imageStep, linesPtr, imagePlanesPtr);
      }
      const outputPtr = p.outputPtr + ((image0 + image) * p.outputBatchStride + outChannel * p.outputChannelStride) * 4;
      flush(p, box, imagePlanesPtr, outputPtr, biasPtr, channels, box.w0, workspacePtr + p.rowBufferOffset);
    }
  }
}

/** C to planes, row by row. Returns whether all of them are finite. */
function transformOutput(
  p: ConvParams,
  tablePtr: usize,
  tiles: i32,
  channels: i32,
  cPtr: usize,
  planesPtr: usize,
): bool {
  const phases = winogradWeight.phases(p);
  const pointBytes = p.pointStride * 4;
  const depthBytes = 4 * winograd.points(p.maxShiftH) * pointBytes;
  if (p.maxShiftD > 0) winogradOutput.sumDepth(p, cPtr, depthBytes);
  let largest = i32x4.splat(0);
  for (let d = 0; d < winograd.length(p.maxShiftD); d++) {
    for (let phase = 0; phase < phases; phase++) {
      for (let channel = 0; channel < channels; channel++) {
        const row = phase * p.slabChannels + channel;
        const rowPtr = cPtr + d * depthBytes + row * p.columnsPerItem * 4;
        const planePtr = planesPtr + ((channel * phases + phase) * p.planeSize + d * p.planeSlice) * 4;
        largest = winogradOutput.row(p, tablePtr, tiles, rowPtr, pointBytes, planePtr, largest);
      }
    }
  }
  return !winogradOutput.nonFinite(largest);
}
