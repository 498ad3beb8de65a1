/**
 * Weights in the files of PyTorch's ecosystem.
 * @module upconv/safetensors
 */

export type { ByteSource } from './interop/byte_source.ts';
export type { FileElements, FileTensor, FileType } from './interop/file_tensor.ts';
export type { SafetensorsDtype } from './interop/safetensors_elements.ts';
export type { SafetensorsEntry } from './interop/safetensors_header.ts';
export type { SafetensorsFile, SliceRange } from './interop/safetensors_read.ts';
export { openSafetensors, readSafetensors } from './interop/safetensors_read.ts';
export type { WriteSafetensorsOptions } from './interop/safetensors_write.ts';
export { writeSafetensors } from './interop/safetensors_write.ts';
