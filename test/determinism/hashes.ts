/** SHA-256 of what calls give. */

import { createEngine } from '../../src/index.ts';
import { disposeOwned } from '../support/owned.ts';
import { CALLS } from './calls.ts';

/** Which NaN comes out of an operation is up to the CPU: all are one here. */
const NAN_BITS = { Float32Array: 0x7fc00000, Uint16Array: 0x7e00 } as const;

/** Every typed array in `value` in order, as bytes. */
function* bytesOf(value: unknown): Generator<Uint8Array> {
  if (ArrayBuffer.isView(value)) yield canonical(value as Float32Array | Float64Array | Uint16Array);
  else if (typeof value === 'number') yield canonical(Float64Array.of(value));
  else if (typeof value === 'string') yield new TextEncoder().encode(value);
  else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) yield* bytesOf(part);
}

function canonical(values: Float32Array | Float64Array | Uint16Array): Uint8Array {
  const copy = values.slice();
  if (copy instanceof Float32Array) {
    const bits = new Uint32Array(copy.buffer);
    copy.forEach((each, i) => Number.isNaN(each) && (bits[i] = NAN_BITS.Float32Array));
  } else if (copy instanceof Float64Array) {
    const bits = new BigUint64Array(copy.buffer);
    copy.forEach((each, i) => Number.isNaN(each) && (bits[i] = 0x7ff8000000000000n));
  } else {
    // bit patterns of float16
    copy.forEach((bits, i) => (bits & 0x7fff) > 0x7c00 && (copy[i] = NAN_BITS.Uint16Array));
  }
  return new Uint8Array(copy.buffer);
}

/** Of all numbers and names in `value`, in order. */
export async function hashOf(value: unknown): Promise<string> {
  const parts = [...bytesOf(value)];
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', all));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** By the name of the call, with `numerics: 'portable'`. */
export async function portableHashes(threads: number): Promise<Record<string, string>> {
  const engine = await createEngine({ numerics: 'portable', threads });
  const hashes: Record<string, string> = {};
  for (const [name, subject] of CALLS) {
    hashes[name] = await hashOf(await subject(engine)());
    disposeOwned();
  }
  engine.dispose();
  return hashes;
}
