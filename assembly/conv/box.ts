/** Items of a convolution are boxes of coordinates: which box, and what the parameters say along one axis. */

import { ConvParams } from '../params';

/** begin ≤ q < end per axis. Lies at the start of a thread's workspace. */
@unmanaged
export class Box {
  d0: i32;
  h0: i32;
  w0: i32;
  d1: i32;
  h1: i32;
  w1: i32;

  /** The next box in memory. */
  @inline get next(): Box {
    return changetype<Box>(changetype<usize>(this) + 24);
  }

  /** Bytes of workspace that an item's box and two more take, with what keeps their successor aligned. */
  @inline static get bytes(): usize {
    return 128;
  }

  /** The box as axis 0 … 2 sees it: its d0 and d1 are those of the axis. */
  @inline along(axis: i32): Box {
    return changetype<Box>(changetype<usize>(this) + (axis << 2));
  }

  @inline get slices(): i32 {
    return this.d1 - this.d0;
  }

  @inline get rows(): i32 {
    return this.h1 - this.h0;
  }

  @inline get columns(): i32 {
    return this.w1 - this.w0;
  }
}

export class boxes {
  /** Sets `box` to all of the input. */
  static inputs(p: ConvParams, box: Box): Box {
    for (let axis = 0; axis < 3; axis++) {
      box.along(axis).d0 = 0;
      box.along(axis).d1 = boxes.along(p, axis).inputD;
    }
    return box;
  }

  /** Parameters as axis 0 … 2 sees them: every field …D of the triple …D, …H, …W is that of the axis. */
  @inline static along(p: ConvParams, axis: i32): ConvParams {
    return changetype<ConvParams>(changetype<usize>(p) + (axis << 2));
  }

  /** Sets `box` to the one of an item, whose boxes are counted fastest, W first. Returns the item number without them. */
  static take(p: ConvParams, item: i32, box: Box): i32 {
    for (let axis = 2; axis >= 0; axis--) {
      const a = boxes.along(p, axis);
      const b = box.along(axis);
      const rest = item / a.boxesD;
      const cut = a.rangeOriginD + (item - rest * a.boxesD) * a.boxD;
      item = rest;
      b.d0 = max(cut, a.rangeBeginD);
      b.d1 = min(cut + a.boxD, a.rangeEndD);
    }
    return item;
  }
}
