/** Messages of protocol buffers, field by field, within their bounds. */

import { PbfReader } from 'pbf';

/** One field of a message: its number, and its value as the wire has it. Reading it as another type throws. */
export interface Field {
  readonly number: number;
  /** A submessage, bytes or packed numbers. */
  bytes(): Uint8Array<ArrayBuffer>;
  text(): string;
  integer(): number;
  /** Of a repeated field: one, or all in one. */
  integers(): number[];
}

const VARINT = 0;
const BYTES = 2;
/** Of floats and doubles that are not packed. */
const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/**
 * Calls `read` with every field of a message; what it does not read is skipped.
 * @throws {Error} for a message that is cut, or not one
 */
export function readMessage(message: Uint8Array<ArrayBuffer>, read: (field: Field) => void): void {
  const reader = new PbfReader(message);
  for (let number = reader.nextField(); number !== 0; number = reader.nextField()) {
    const { type } = reader;
    if (type !== VARINT && type !== BYTES && FIXED_BYTES[type] === undefined) throw new Error(`wire type ${type}`);
    read(fieldOf(reader, number));
    if (reader.pos > message.length) break;
  }
  if (reader.pos !== message.length) throw new Error('a message is cut');
}

function fieldOf(reader: PbfReader, number: number): Field {
  const bytes = (): Uint8Array<ArrayBuffer> => {
    const fixed = FIXED_BYTES[reader.type];
    if (reader.type === VARINT) throw new Error(`field ${number} is a number`);
    const length = fixed ?? reader.readVarint();
    const begin = reader.pos;
    reader.pos += length;
    if (reader.pos > reader.length) throw new Error('a message is cut');
    return reader.buf.subarray(begin, reader.pos) as Uint8Array<ArrayBuffer>;
  };
  const integer = (): number => {
    if (reader.type !== VARINT) throw new Error(`field ${number} is no integer`);
    return checkSafe(reader.readVarint(true));
  };
  return {
    number,
    bytes,
    text: () => new TextDecoder().decode(bytes()),
    integer,
    integers: () => (reader.type === VARINT ? [integer()] : unpack(bytes())),
  };
}

function unpack(packed: Uint8Array): number[] {
  const reader = new PbfReader(packed);
  const integers: number[] = [];
  while (reader.pos < packed.length) integers.push(checkSafe(reader.readVarint(true)));
  if (reader.pos !== packed.length) throw new Error('a message is cut');
  return integers;
}

function checkSafe(integer: number): number {
  if (Number.isSafeInteger(integer)) return integer;
  throw new Error(`an integer beyond 2^53: ${integer}`);
}
