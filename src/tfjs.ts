/** `upconv/tfjs`: transposed convolutions of TensorFlow.js, in its own memory. Re-exports only. */

export type { RegisterOptions, Registration, TfjsStats } from './interop/tfjs.ts';
export { register } from './interop/tfjs.ts';
export type { Tfjs } from './interop/tfjs_types.ts';
