/** A layer that makes a block of sound, of 128 samples, as the worklet and the test that checks it compute it. */

export const BLOCK = 128;
const CHANNELS = 32;

export const LAYER = {
  input: [1, CHANNELS, BLOCK / 2],
  weight: [CHANNELS, 1, 4],
  output: [1, 1, BLOCK],
  options: { stride: 2, padding: 1 },
} as const;

const waves = (count: number, phase: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.fround(Math.sin(i * 0.37 + phase)));

export const blockInput = (index: number): Float32Array => waves((CHANNELS * BLOCK) / 2, index);
export const kernel = (): Float32Array => waves(CHANNELS * 4, 0.5).map((value) => value / CHANNELS);
