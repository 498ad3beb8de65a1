/** Tensors of ONNX models: fields of TensorProto have numbers in onnx.proto. */

import { ArgumentError, DtypeError, ShapeError } from '../../core/errors.ts';
import { elementCount, formatShape } from '../../core/shape.ts';
import { describe } from '../../core/validate.ts';
import type { FileTensor } from '../file_tensor.ts';
import { checkBytes } from '../file_tensor.ts';
import type { SafetensorsDtype } from '../safetensors_elements.ts';
import { bytesPerElement, decodeElements } from '../safetensors_elements.ts';
import type { TensorBytes } from './model.ts';
import { readMessage } from './protobuf.ts';

/** Floats of TensorProto.DataType, by the names of safetensors, whose bytes are the same. */
const DTYPES: Readonly<Record<number, SafetensorsDtype>> = { 1: 'F32', 10: 'F16', 11: 'F64', 16: 'BF16' };
/** data_location EXTERNAL */
const EXTERNAL = 1;

/** Gives the bytes offset … offset + length − 1 of a file beside the model. */
export type ExternalData = (location: string, offset: number, length: number) => Uint8Array;

/**
 * The elements of a tensor of floats, bfloat16 as float32. They may share the memory of `proto`.
 * @param name for errors
 * @throws {DtypeError} for other elements
 * @throws {ShapeError} when there are more or fewer than the shape says
 * @throws {ArgumentError} for elements in another file, without `externalData`
 */
export function readTensorProto(
  operation: string,
  name: string,
  proto: TensorBytes,
  externalData: ExternalData | undefined,
): FileTensor {
  const { shape, dataType, chunks, raw, isExternal, external } = fieldsOf(operation, name, proto);
  const dtype = DTYPES[dataType];
  if (dtype === undefined) throw new DtypeError(operation, name, 'floats', `data type ${dataType}`);
  const bytes = elementCount(shape) * bytesPerElement(dtype);
  if (!shape.every((length) => length >= 0) || !Number.isSafeInteger(bytes)) {
    throw new ShapeError(operation, name, 'sizes of axes', formatShape(shape));
  }
  const data = isExternal ? readExternal(operation, name, external, bytes, externalData) : (raw ?? joined(chunks));
  if (data.length !== bytes) {
    throw new ShapeError(operation, name, `${bytes} bytes for ${dtype} ${formatShape(shape)}`, String(data.length));
  }
  return { shape, ...decodeElements(operation, name, dtype, data) };
}

function fieldsOf(operation: string, name: string, proto: TensorBytes) {
  const shape: number[] = [];
  const chunks: Uint8Array[] = [];
  const external = new Map<string, string>();
  let raw: Uint8Array<ArrayBuffer> | null = null;
  let [dataType, location] = [0, 0];
  try {
    readMessage(proto, (field) => {
      if (field.number === 1) shape.push(...field.integers());
      else if (field.number === 2) dataType = field.integer();
      // float_data and double_data hold what raw_data does; int32_data has an integer for 16 bits
      else if (field.number === 4 || field.number === 10) chunks.push(field.bytes());
      else if (field.number === 5) chunks.push(new Uint8Array(Uint16Array.from(field.integers()).buffer));
      else if (field.number === 9) raw = field.bytes();
      else if (field.number === 13) external.set(...readEntry(field.bytes()));
      else if (field.number === 14) location = field.integer();
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ArgumentError(operation, name, 'a tensor', `something else (${reason})`);
  }
  return {
    shape,
    dataType,
    chunks,
    raw: raw as Uint8Array<ArrayBuffer> | null,
    isExternal: location === EXTERNAL,
    external,
  };
}

function readEntry(bytes: Uint8Array<ArrayBuffer>): [key: string, value: string] {
  let [key, value] = ['', ''];
  readMessage(bytes, (field) => {
    if (field.number === 1) key = field.text();
    else if (field.number === 2) value = field.text();
  });
  return [key, value];
}

function readExternal(
  operation: string,
  name: string,
  entries: ReadonlyMap<string, string>,
  bytes: number,
  externalData: ExternalData | undefined,
): Uint8Array<ArrayBuffer> {
  const location = entries.get('location') ?? '';
  if (externalData === undefined) {
    throw new ArgumentError(operation, 'externalData', `a function that reads ${describe(location)}`, 'undefined');
  }
  const [offset, length] = [entries.get('offset') ?? '0', entries.get('length') ?? String(bytes)].map(Number);
  if (!Number.isSafeInteger(offset) || offset < 0 || length !== bytes) {
    throw new ShapeError(operation, name, `${bytes} bytes from an offset`, `${length} from ${offset}`);
  }
  return checkBytes(operation, externalData(location, offset, length));
}

function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.length;
  }
  return bytes;
}
