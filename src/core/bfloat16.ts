/** bfloat16 as bit patterns: the upper half of a float32. No dtype of tensors; files hold it. */

const NOT_A_NUMBER = 0x7fc0;
const TIE = 0x8000;

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The bfloat16 nearest to `value`, ties to even; rounded once, from all 53 bits. */
export function bfloat16Bits(value: number): number {
  if (Number.isNaN(value)) return NOT_A_NUMBER;
  float[0] = value;
  const upper = bits[0] >>> 16;
  let lower = bits[0] & 0xffff;
  // what float32 rounded to a tie was none
  if (lower === TIE) lower += Math.sign(Math.abs(value) - Math.abs(float[0]));
  const up = lower > TIE || (lower === TIE && (upper & 1) === 1);
  return up ? upper + 1 : upper; // a carry into the exponent gives the next power of two, or infinity
}

/** The numbers that bit patterns stand for, which float32 holds exactly. */
export function bfloat16Values(patterns: Uint16Array): Float32Array<ArrayBuffer> {
  const wide = new Uint32Array(patterns.length);
  for (let i = 0; i < wide.length; i++) wide[i] = patterns[i] << 16;
  return new Float32Array(wide.buffer);
}
