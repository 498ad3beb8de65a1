/**
 * MLGraphBuilder's convTranspose2d, for polyfills.
 * @module upconv/webnn
 */

export type { ConvTranspose2dOptions } from './interop/webnn.ts';
export { convTranspose2d, convTranspose2dSync } from './interop/webnn.ts';
export type { ConvTranspose2dFilterLayout, InputLayout } from './interop/webnn_options.ts';
