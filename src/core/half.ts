/** IEEE 754 half precision as bit patterns: 1 sign, 5 exponent and 10 fraction bits. */

const FRACTION_STEPS = 1024;
const SIGN = 0x8000;
const INFINITE = 0x7c00;
const NOT_A_NUMBER = 0x7e00;
/** What lies half-way between the largest half, 65504, and the power of two behind it. */
const OVERFLOW = 65520;
const SMALLEST_NORMAL = 2 ** -14;
const SMALLEST_SUBNORMAL = 2 ** -24;
const EXPONENT_BIAS = 15;

/** The half nearest to `value`, ties to even; rounded once, from all 53 bits. */
export function halfBits(value: number): number {
  if (Number.isNaN(value)) return NOT_A_NUMBER;
  const sign = value < 0 || Object.is(value, -0) ? SIGN : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= OVERFLOW) return sign | INFINITE;
  if (magnitude < SMALLEST_NORMAL) return sign | roundEven(magnitude / SMALLEST_SUBNORMAL);
  let exponent = Math.floor(Math.log2(magnitude)); // may be one off next to a power of two
  if (2 ** exponent > magnitude) exponent--;
  else if (2 ** (exponent + 1) <= magnitude) exponent++;
  const steps = roundEven((magnitude / 2 ** exponent) * FRACTION_STEPS); // 2048 carries into the exponent
  return sign | ((exponent + EXPONENT_BIAS - 1) * FRACTION_STEPS + steps);
}

/** The number that a half stands for. */
export function halfValue(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & (FRACTION_STEPS - 1);
  let magnitude: number;
  if (exponent === 31) magnitude = fraction === 0 ? Infinity : NaN;
  else if (exponent === 0) magnitude = fraction * SMALLEST_SUBNORMAL;
  else magnitude = (FRACTION_STEPS + fraction) * 2 ** (exponent - EXPONENT_BIAS - 10);
  return (bits & SIGN) === 0 ? magnitude : -magnitude;
}

/** The half nearest to `value`, as a number. */
export function roundToHalf(value: number): number {
  return halfValue(halfBits(value));
}

/** To the nearest whole number, ties to even; for 0 ≤ value < 2^51. */
function roundEven(value: number): number {
  return value + 2 ** 52 - 2 ** 52;
}

/** Bit patterns where `data` holds them: a Float16Array, where the runtime has it, or a Uint16Array. */
export function halfPatterns(data: ArrayLike<number>): Uint16Array | null {
  if (data instanceof Uint16Array) return data;
  return isFloat16Array(data) ? new Uint16Array(data.buffer, data.byteOffset, data.length) : null;
}

/** A type check that needs no runtime support. */
export function isFloat16Array(data: unknown): data is ArrayLike<number> & ArrayBufferView {
  return ArrayBuffer.isView(data) && (data as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] === 'Float16Array';
}
