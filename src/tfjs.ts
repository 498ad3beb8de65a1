/**
 * Transposed convolutions of TensorFlow.js, in its own memory.
 * @module upconv/tfjs
 */

export type { RegisterOptions, Registration, TfjsStats } from './interop/tfjs.ts';
export { register } from './interop/tfjs.ts';
export type { Tfjs } from './interop/tfjs_types.ts';
