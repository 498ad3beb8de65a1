/** Writing safetensors files. */

import { ArgumentError } from '../core/errors.ts';
import { elementCount } from '../core/shape.ts';
import { checkChoice, checkOptions, describe, wrongType } from '../core/validate.ts';
import { checkState } from '../nn/state_dict.ts';
import type { TensorSource } from '../nn/tensor_source.ts';
import type { CheckedTensorLike } from '../tensor/tensor_like.ts';
import { openForWriting } from './file_tensor.ts';
import type { SafetensorsDtype } from './safetensors_elements.ts';
import { bytesPerElement, dtypeInFile, encodeElements, WRITTEN_DTYPES } from './safetensors_elements.ts';
import { LENGTH_BYTES, MAXIMUM_HEADER_BYTES, METADATA } from './safetensors_header.ts';

/** Where the data begins: elements of every dtype may be read where they lie. */
const ALIGNMENT = 8;

export interface WriteSafetensorsOptions {
  /** Free text by key, for `__metadata__`; PyTorch's libraries write { format: 'pt' }. */
  metadata?: Readonly<Record<string, string>>;
  /** For all tensors, or by name; default: what a tensor is. Numbers are rounded to the nearest. */
  dtype?: SafetensorsDtype | Readonly<Record<string, SafetensorsDtype>>;
}

interface Written {
  readonly name: string;
  readonly tensor: CheckedTensorLike;
  readonly dtype: SafetensorsDtype;
  readonly bytes: number;
}

/**
 * Tensors as a safetensors file; a state dict, for instance. Wide elements come first, then names in order.
 *
 * @throws {TypeError} for what is no object of tensors
 * @throws {ArgumentError} for an option, a name that is not well-formed or reserved, or too many names
 * @throws {EngineError} ERR_DISPOSED; ERR_IN_USE for a tensor that a pending call writes
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, TensorSource>>,
  options: WriteSafetensorsOptions = {},
): Uint8Array<ArrayBuffer> {
  const operation = 'writeSafetensors';
  checkOptions(operation, options, ['metadata', 'dtype']);
  checkState(operation, 'tensors', tensors);
  const metadata = checkMetadata(operation, options.metadata);
  const dtypeOf = chooseDtype(operation, options.dtype, tensors);
  const written = Object.entries(tensors)
    .map(([name, value]): Written => {
      checkName(operation, name);
      const tensor = openForWriting(operation, name, value);
      const dtype = dtypeOf(name, tensor);
      return { name, tensor, dtype, bytes: elementCount(tensor.shape) * bytesPerElement(dtype) };
    })
    .toSorted((a, b) => bytesPerElement(b.dtype) - bytesPerElement(a.dtype) || (a.name < b.name ? -1 : 1));

  const header = encodeHeader(operation, written, metadata);
  const start = LENGTH_BYTES + header.length;
  const file = new Uint8Array(start + written.reduce((sum, { bytes }) => sum + bytes, 0));
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, LENGTH_BYTES);
  let begin = start;
  for (const { tensor, dtype, bytes } of written) {
    encodeElements(tensor, dtype, file.subarray(begin, begin + bytes));
    begin += bytes;
  }
  return file;
}

function encodeHeader(
  operation: string,
  written: readonly Written[],
  metadata: Readonly<Record<string, string>> | undefined,
): Uint8Array {
  let begin = 0;
  const entries = written.map(({ name, tensor, dtype, bytes }): [string, object] => {
    const entry = { dtype, shape: tensor.shape, data_offsets: [begin, begin + bytes] };
    begin += bytes;
    return [name, entry];
  });
  // not an object, which would put names that look like integers first
  const fields = [...(metadata === undefined ? [] : [[METADATA, metadata] as const]), ...entries];
  const text = `{${fields.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
  const json = new TextEncoder().encode(text);
  const padded = new Uint8Array(Math.ceil(json.length / ALIGNMENT) * ALIGNMENT).fill(' '.charCodeAt(0));
  padded.set(json);
  if (padded.length > MAXIMUM_HEADER_BYTES) {
    throw new ArgumentError(
      operation,
      'tensors',
      `a header of at most ${MAXIMUM_HEADER_BYTES} bytes`,
      `${json.length}`,
    );
  }
  return padded;
}

/** The reader of the reference implementation refuses halves of surrogate pairs. */
function checkName(operation: string, name: string): void {
  if (name === METADATA || !name.isWellFormed()) {
    throw new ArgumentError(operation, 'tensors', `well-formed names other than ${METADATA}`, describe(name));
  }
}

function checkMetadata(
  operation: string,
  metadata: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, string>> | undefined {
  if (metadata === undefined) return undefined;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw wrongType(operation, 'metadata', 'an object of strings', metadata);
  }
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw wrongType(operation, `metadata.${key}`, 'a string', value);
    if (!key.isWellFormed() || !value.isWellFormed()) {
      throw new ArgumentError(operation, 'metadata', 'well-formed strings', describe(key));
    }
  }
  return metadata as Readonly<Record<string, string>>;
}

function chooseDtype(
  operation: string,
  dtype: WriteSafetensorsOptions['dtype'],
  tensors: object,
): (name: string, tensor: CheckedTensorLike) => SafetensorsDtype {
  if (typeof dtype !== 'object' || dtype === null) {
    const one = dtype === undefined ? undefined : checkChoice(operation, 'dtype', dtype, WRITTEN_DTYPES);
    return (_name, tensor) => one ?? dtypeInFile(tensor.dtype);
  }
  for (const [name, value] of Object.entries(dtype)) {
    if (!Object.hasOwn(tensors, name)) throw new ArgumentError(operation, 'dtype', 'names of tensors', describe(name));
    checkChoice(operation, `dtype.${name}`, value, WRITTEN_DTYPES);
  }
  return (name, tensor) => (Object.hasOwn(dtype, name) ? dtype[name] : dtypeInFile(tensor.dtype));
}
