/**
 * What the arithmetic units can do: loops of multiply-adds that touch registers only.
 *
 * There are enough chains to hide the latency of two units. Every chain starts from another number
 * that the caller's seed gives, and all end in the result, so that no compiler may join or drop one.
 */

/** chain += x · y in one instruction, 12 chains of 4 lanes: 96 operations an iteration. */
export function fused(iterations: i32, seed: f32): f32 {
  const x = f32x4.splat(seed);
  const y = f32x4.splat(seed * 0.5);
  let c0 = f32x4.splat(seed);
  let c1 = f32x4.splat(seed + 1);
  let c2 = f32x4.splat(seed + 2);
  let c3 = f32x4.splat(seed + 3);
  let c4 = f32x4.splat(seed + 4);
  let c5 = f32x4.splat(seed + 5);
  let c6 = f32x4.splat(seed + 6);
  let c7 = f32x4.splat(seed + 7);
  let c8 = f32x4.splat(seed + 8);
  let c9 = f32x4.splat(seed + 9);
  let c10 = f32x4.splat(seed + 10);
  let c11 = f32x4.splat(seed + 11);
  for (let i = 0; i < iterations; i++) {
    c0 = f32x4.relaxed_madd(x, y, c0);
    c1 = f32x4.relaxed_madd(x, y, c1);
    c2 = f32x4.relaxed_madd(x, y, c2);
    c3 = f32x4.relaxed_madd(x, y, c3);
    c4 = f32x4.relaxed_madd(x, y, c4);
    c5 = f32x4.relaxed_madd(x, y, c5);
    c6 = f32x4.relaxed_madd(x, y, c6);
    c7 = f32x4.relaxed_madd(x, y, c7);
    c8 = f32x4.relaxed_madd(x, y, c8);
    c9 = f32x4.relaxed_madd(x, y, c9);
    c10 = f32x4.relaxed_madd(x, y, c10);
    c11 = f32x4.relaxed_madd(x, y, c11);
  }
  return f32x4.extract_lane(f32x4.add(f32x4.add(sum(c0, c1, c2, c3), sum(c4, c5, c6, c7)), sum(c8, c9, c10, c11)), 0);
}

/**
 * chain += x · y in two instructions, 8 chains of 4 lanes: 64 operations an iteration.
 * x and z change places, so that no product is the same in two iterations and may leave the loop.
 */
export function separate(iterations: i32, seed: f32): f32 {
  let x = f32x4.splat(seed);
  let z = f32x4.splat(-seed);
  const y0 = f32x4.splat(seed * 0.5);
  const y1 = f32x4.splat(seed * 0.25);
  const y2 = f32x4.splat(seed * 0.125);
  const y3 = f32x4.splat(seed * 0.0625);
  let c0 = f32x4.splat(seed);
  let c1 = f32x4.splat(seed + 1);
  let c2 = f32x4.splat(seed + 2);
  let c3 = f32x4.splat(seed + 3);
  let c4 = f32x4.splat(seed + 4);
  let c5 = f32x4.splat(seed + 5);
  let c6 = f32x4.splat(seed + 6);
  let c7 = f32x4.splat(seed + 7);
  for (let i = 0; i < iterations; i++) {
    c0 = f32x4.add(f32x4.mul(x, y0), c0);
    c1 = f32x4.add(f32x4.mul(x, y1), c1);
    c2 = f32x4.add(f32x4.mul(x, y2), c2);
    c3 = f32x4.add(f32x4.mul(x, y3), c3);
    c4 = f32x4.add(f32x4.mul(z, y0), c4);
    c5 = f32x4.add(f32x4.mul(z, y1), c5);
    c6 = f32x4.add(f32x4.mul(z, y2), c6);
    c7 = f32x4.add(f32x4.mul(z, y3), c7);
    const last = x;
    x = z;
    z = last;
  }
  return f32x4.extract_lane(f32x4.add(sum(c0, c1, c2, c3), sum(c4, c5, c6, c7)), 0);
}

function sum(a: v128, b: v128, c: v128, d: v128): v128 {
  return f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
}
