/**
 * Packed weight of the forward pass: A micro-panels of `mr` rows, in the order group, slab of channels, block of K, tile.
 * What a row of a tile is, the table of the plan says. In front lies one i32 per (group, slab, block of K), 1 when
 * it holds a NaN or an infinity.
 */

import { elements } from '../elements';
import { ConvParams } from '../params';

export class forwardWeight {
  /** First panel of a part, which is group · slabs + slab. */
  static panels(p: ConvParams, part: i32): usize {
    const flagBytes = ((p.groups * p.slabs * depthBlocks(p)) << 2) + 63;
    return p.packedPtr + (flagBytes & ~63) + part * p.depth * p.tiles * p.mr * p.elementBytes;
  }

  /** True when a weight of the part is NaN or infinite. */
  static hasNonFinite(p: ConvParams, part: i32): bool {
    const blocks = depthBlocks(p);
    let flagPtr = p.packedPtr + ((part * blocks) << 2);
    let any = 0;
    for (let i = 0; i < blocks; i++) {
      any |= load<i32>(flagPtr);
      flagPtr += 4;
    }
    return any != 0;
  }
}

function depthBlocks(p: ConvParams): i32 {
  return (p.depth + p.kc - 1) / p.kc;
}

/** Item: (group, slab, block of K). */
export function packForwardWeight(p: ConvParams, begin: i32, end: i32, _thread: i32): void {
  const bytes = p.elementBytes;
  const blocks = depthBlocks(p);
  const step = p.weightInStride * bytes;
  const panelStep = p.mr * bytes;
  for (let item = begin; item < end; item++) {
    const k0 = (item % blocks) * p.kc;
    const kc = min(p.kc, p.depth - k0);
    const part = item / blocks;
    const slab = part % p.slabs;
    const group = part / p.slabs;
    const channel0 = slab * p.slabChannels;
    const channels = min(p.slabChannels, p.outChannels - channel0);
    const weightPtr =
      p.weightPtr + ((group * p.inChannels + k0) * p.weightInStride + channel0 * p.weightOutStride) * bytes;
    let targetPtr = forwardWeight.panels(p, part) + k0 * p.tiles * panelStep;
    let nonFinite = 0;
    let tablePtr = p.packTablePtr;
    for (let tile = 0; tile < p.tiles; tile++) {
      for (let to = targetPtr; to < targetPtr + panelStep; to += bytes) {
        const channel = load<i32>(tablePtr, 4);
        if (<u32>channel < <u32>channels) {
          elements.copy(weightPtr + load<i32>(tablePtr) * bytes, step, to, panelStep, kc, bytes);
        } else {
          elements.fill(to, 1, 0, kc, panelStep, i32x4.splat(0), bytes);
        }
        tablePtr += 8;
      }
      if (elements.anyNonFinite(targetPtr, p.mr * kc, bytes)) nonFinite = 1;
      targetPtr += panelStep * kc;
    }
    store<i32>(p.packedPtr + (item << 2), nonFinite);
  }
}
