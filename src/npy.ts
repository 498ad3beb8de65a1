/**
 * Arrays in the files of NumPy.
 * @module upconv/npy
 */

export type { FileElements, FileTensor, FileType } from './interop/file_tensor.ts';
export { readNpy, writeNpy } from './interop/npy.ts';
export type { WriteNpzOptions } from './interop/npz.ts';
export { readNpz, writeNpz } from './interop/npz.ts';
