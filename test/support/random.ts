/** A small deterministic generator (mulberry32): the same numbers everywhere for one seed. */
export function randomSource(seed: number): () => number {
  let state = seed | 0; // with a sign V8 keeps it in place, which makes half of the time
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Numbers in [-1, 1), exact in float32. */
export function randomFloat32(count: number, seed: number): Float32Array<ArrayBuffer> {
  const next = randomSource(seed);
  const numbers = new Float32Array(count);
  for (let i = 0; i < count; i++) numbers[i] = next() * 2 - 1;
  return numbers;
}

/** Numbers in [-1, 1) that float32 cannot hold. */
export function randomFloat64(count: number, seed: number): Float64Array<ArrayBuffer> {
  const next = randomSource(seed);
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) numbers[i] = next() * 2 - 1 + next() * 2 ** -33;
  return numbers;
}
