/** Where the bytes of a file come from. */

import { ArgumentError } from '../core/errors.ts';
import { wrongType } from '../core/validate.ts';
import { checkBytes } from './file_tensor.ts';

/** Reads ranges of bytes: of a file handle, by HTTP requests, … */
export interface ByteSource {
  /** Of all there is, in bytes. */
  readonly size: number;
  /** The bytes begin … end − 1; called with 0 ≤ begin ≤ end ≤ size. */
  readonly read: (begin: number, end: number) => Promise<Uint8Array> | Uint8Array;
}

/** @throws {TypeError} for what is neither bytes, a Blob nor a ByteSource. */
export function openBytes(operation: string, source: unknown): ByteSource {
  if (source instanceof Blob) {
    const read = async (begin: number, end: number): Promise<Uint8Array> =>
      new Uint8Array(await source.slice(begin, end).arrayBuffer());
    return { size: source.size, read };
  }
  if (isByteSource(source)) return source;
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) {
    const bytes = checkBytes(operation, source);
    return { size: bytes.length, read: (begin, end) => bytes.subarray(begin, end) };
  }
  throw wrongType(operation, 'source', 'bytes, a Blob or { size, read }', source);
}

/** @throws {ArgumentError} when the source gives more or fewer bytes than asked for. */
export async function readExactly(
  operation: string,
  source: ByteSource,
  begin: number,
  end: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes: unknown = begin === end ? new Uint8Array(0) : await source.read(begin, end);
  if (!(bytes instanceof Uint8Array)) throw wrongType(operation, 'source.read', 'a Uint8Array', bytes);
  if (bytes.length !== end - begin) {
    throw new ArgumentError(operation, 'source', `${end - begin} bytes from ${begin}`, String(bytes.length));
  }
  return checkBytes(operation, bytes);
}

function isByteSource(source: unknown): source is ByteSource {
  if (typeof source !== 'object' || source === null || !('size' in source) || !('read' in source)) return false;
  return Number.isSafeInteger(source.size) && (source.size as number) >= 0 && typeof source.read === 'function';
}
