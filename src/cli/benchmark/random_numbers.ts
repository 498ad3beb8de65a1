/** Deterministic numbers, cheap enough for tens of millions. */

/** `count` numbers in [-1, 1]. */
export function randomNumbers(count: number, seed: number): Float32Array<ArrayBuffer> {
  const numbers = new Float32Array(count);
  // spread over all bits, so that neighbouring seeds have nothing in common
  let state = Math.imul(seed, 0x9e3779b9) | 1;
  for (let i = 0; i < count; i++) {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    numbers[i] = state / 2 ** 31;
  }
  return numbers;
}
