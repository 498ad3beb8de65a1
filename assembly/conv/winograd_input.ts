/** Bᵀ d of every tile: the transformed input, packed as B of one product per point. */

import { transpose4 } from '../gemm/packing';
import { ConvParams } from '../params';
import { winograd, WinogradTile } from './winograd_tiles';

/** A row of Bᵀ: an input plus or minus another one. Numbers are 2 bits each, from point 0 up. */
const FIRST: i32 = 0b01_10_01_00;
const SECOND: i32 = 0b11_01_10_10;
/** A bit per point: the second one is subtracted. */
const MINUS: i32 = 0b1101;

class term {
  @inline static first(point: i32): i32 {
    return (FIRST >> (2 * point)) & 3;
  }

  @inline static second(point: i32): i32 {
    return (SECOND >> (2 * point)) & 3;
  }

  /** Turns the sign of a number by exclusive or. */
  @inline static sign(point: i32): i32 {
    return ((MINUS >> point) & 1) << 31;
  }
}

/**
 * Transforms `steps` steps of K of a strip of eight columns: those of the next point lie `pointBytes` further on. What a
 * column and a step read lies where tables of tiles say, in bytes into the lines that add up.
 */
export function transformInput(
  p: ConvParams,
  columnPtr: usize,
  linesPtr: usize,
  stepPtr: usize,
  steps: i32,
  targetPtr: usize,
  pointBytes: i32,
): void {
  const sliceBytes = p.paddedSlice * 4;
  const rowBytes = p.linePeriod * 4;
  const pointsD = winograd.points(p.maxShiftD);
  const pointsH = winograd.points(p.maxShiftH);
  const stepsEnd = stepPtr + steps * WinogradTile.bytes;
  for (let half = 0; half < 32; half += 16) {
    const t = columnPtr + (half >> 2) * WinogradTile.bytes;
    const l0 = linesPtr + load<i32>(t);
    const l1 = linesPtr + load<i32>(t, 8);
    const l2 = linesPtr + load<i32>(t, 16);
    const l3 = linesPtr + load<i32>(t, 24);
    let pointPtr = targetPtr + half;
    for (let d = 0; d < pointsD; d++) {
      const aD = pointsD > 1 ? term.first(d) * sliceBytes : 0;
      const bD = pointsD > 1 ? term.second(d) * sliceBytes : 0;
      const signD = i32x4.splat(term.sign(d));
      for (let h = 0; h < pointsH; h++) {
        const aH = term.first(h) * rowBytes;
        const bH = term.second(h) * rowBytes;
        const signH = i32x4.splat(term.sign(h));
        let to = pointPtr;
        for (let step = stepPtr; step < stepsEnd; step += WinogradTile.bytes) {
          let a: v128;
          let b: v128;
          let c: v128;
          let e: v128;
          const at = load<i32>(step);
          const x = at + aD;
          if (pointsD > 1) {
            const y = at + bD;
            a = rows.slices(l0 + x, l0 + y, pointsH, aH, bH, signH, signD);
            b = rows.slices(l1 + x, l1 + y, pointsH, aH, bH, signH, signD);
            c = rows.slices(l2 + x, l2 + y, pointsH, aH, bH, signH, signD);
            e = rows.slices(l3 + x, l3 + y, pointsH, aH, bH, signH, signD);
          } else if (pointsH > 1) {
            a = rows.pair(l0 + x, aH, bH, signH);
            b = rows.pair(l1 + x, aH, bH, signH);
            c = rows.pair(l2 + x, aH, bH, signH);
            e = rows.pair(l3 + x, aH, bH, signH);
          } else {
            a = v128.load(l0 + x);
            b = v128.load(l1 + x);
            c = v128.load(l2 + x);
            e = v128.load(l3 + x);
          }
          const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
          const ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
          const cd0 = v128.shuffle<f32>(c, e, 0, 4, 1, 5);
          const cd1 = v128.shuffle<f32>(c, e, 2, 6, 3, 7);
          const x0 = v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5);
          const x1 = v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7);
          const x2 = v128.shuffle<f32>(ab1, cd1, 0, 1, 4, 5);
          const x3 = v128.shuffle<f32>(ab1, cd1, 2, 3, 6, 7);
          v128.store(to, f32x4.sub(x0, x2));
          v128.store(to + pointBytes, f32x4.add(x1, x2));
          v128.store(to + 2 * pointBytes, f32x4.sub(x2, x1));
          v128.store(to + 3 * pointBytes, f32x4.sub(x1, x3));
          to += 32;
        }
        pointPtr += 4 * pointBytes;
      }
    }
  }
}

/**
 * The same of lines in which `channels` channels, a multiple of four, lie side by side: tile by tile to `roomPtr`, and
 * turned from there.
 */
export function transformNeighbours(
  p: ConvParams,
  columnPtr: usize,
  linesPtr: usize,
  channels: i32,
  targetPtr: usize,
  pointBytes: i32,
  roomPtr: usize,
): void {
  const step = p.lineChannels * 4;
  const rowBytes = p.linePeriod * step;
  for (let half = 0; half < 32; half += 16) {
    let pointPtr = targetPtr + half;
    for (let h = 0; h < 4; h++) {
      const a = term.first(h) * rowBytes;
      const b = term.second(h) * rowBytes;
      const sign = i32x4.splat(term.sign(h));
      let room = roomPtr;
      for (let tile = 0; tile < 4; tile++) {
        let from = linesPtr + load<i32>(columnPtr + ((half >> 2) + tile) * WinogradTile.bytes);
        let to = room;
        for (const end = from + channels * 4; from < end; from += 16) {
          const x0 = rows.pair(from, a, b, sign);
          const x1 = rows.pair(from + step, a, b, sign);
          const x2 = rows.pair(from + 2 * step, a, b, sign);
          const x3 = rows.pair(from + 3 * step, a, b, sign);
          v128.store(to, f32x4.sub(x0, x2));
          v128.store(to + 4 * step, f32x4.add(x1, x2));
          v128.store(to + 8 * step, f32x4.sub(x2, x1));
          v128.store(to + 12 * step, f32x4.sub(x1, x3));
          to += 16;
        }
        room += step;
      }
      room = roomPtr;
      for (let point = 0; point < 4; point++) {
        transpose4(room, room + step, room + 2 * step, room + 3 * step, channels, pointPtr, 32, 4);
        room += 4 * step;
        pointPtr += pointBytes;
      }
    }
  }
}

class rows {
  /** One row of a tile, or a row of Bᵀ of them. */
  @inline static pair(ptr: usize, a: i32, b: i32, sign: v128): v128 {
    return f32x4.add(v128.load(ptr + a), v128.xor(v128.load(ptr + b), sign));
  }

  /** The same of two slices. */
  @inline static slices(a: usize, b: usize, pointsH: i32, aH: i32, bH: i32, signH: v128, signD: v128): v128 {
    if (pointsH > 1) {
      return f32x4.add(rows.pair(a, aH, bH, signH), v128.xor(rows.pair(b, aH, bH, signH), signD));
    }
    return f32x4.add(v128.load(a), v128.xor(v128.load(b), signD));
  }
}
