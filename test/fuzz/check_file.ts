/** What reading any bytes may do: give what they hold, or refuse; the same wherever they lie, and in time. */

import { isDeepStrictEqual } from 'node:util';
import type { Engine } from '../../src/index.ts';
import { withinTime } from './campaign.ts';
import type { Format } from './formats.ts';

/** Bytes around a file that lies inside a larger array: a reader that leaves it sees them. */
const AROUND = 64;

/** @throws {Error} for a crash, a leak, an endless loop or a reader that leaves `bytes` */
export function checkFile(format: Format, bytes: Uint8Array<ArrayBuffer>, engine: Engine): void {
  if (format.leaveOut?.(bytes)) return;
  const before = engine.memory;
  const alone = outcome(format, bytes.slice(), engine);
  const inside = new Uint8Array(bytes.length + 2 * AROUND).fill(0x5a);
  inside.set(bytes, AROUND);
  const within = outcome(format, inside.subarray(AROUND, AROUND + bytes.length), engine);
  if (!isDeepStrictEqual(alone, within)) throw new Error(`${format.name}: what is read depends on bytes around it`);
  const { bytesInUse, tensors } = engine.memory;
  if (bytesInUse !== before.bytesInUse || tensors !== before.tensors) throw new Error(`${format.name}: memory is left`);
}

function outcome(format: Format, bytes: Uint8Array<ArrayBuffer>, engine: Engine): unknown {
  const source = bytes.slice();
  const result = readOrRefused(format, bytes, engine);
  if (!isDeepStrictEqual(bytes, source)) throw new Error(`${format.name}: the file was written to`);
  return result;
}

function readOrRefused({ name, read, refuses }: Format, bytes: Uint8Array<ArrayBuffer>, engine: Engine): unknown {
  try {
    return { read: structuredClone(withinTime(() => read(bytes, engine))) };
  } catch (error) {
    if (!refuses(error)) throw new Error(`${name}: reading crashed`, { cause: error });
    return { refused: (error as Error).message };
  }
}
