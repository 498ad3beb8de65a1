/** Reads some memory and writes other memory, once each, with nothing else to do. */

/** Sum of all lanes read, so that no load may be left out. Sizes are multiples of 64 bytes. */
export function read(ptr: usize, bytes: usize): f32 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  for (const end = ptr + bytes; ptr < end; ptr += 64) {
    s0 = f32x4.add(s0, v128.load(ptr));
    s1 = f32x4.add(s1, v128.load(ptr, 16));
    s2 = f32x4.add(s2, v128.load(ptr, 32));
    s3 = f32x4.add(s3, v128.load(ptr, 48));
  }
  return f32x4.extract_lane(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)), 0);
}

export function write(ptr: usize, bytes: usize, value: f32): void {
  const v = f32x4.splat(value);
  for (const end = ptr + bytes; ptr < end; ptr += 64) {
    v128.store(ptr, v);
    v128.store(ptr, v, 16);
    v128.store(ptr, v, 32);
    v128.store(ptr, v, 48);
  }
}
