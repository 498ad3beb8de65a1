/** Reads a WebAssembly module's sections and the opcodes of its code, from the bytes. */

export interface WasmModule {
  /** Section ids with their contents; custom sections have id 0. */
  readonly sections: readonly { readonly id: number; readonly bytes: Uint8Array }[];
  /** Mutability of each global that the module defines. */
  readonly mutableGlobals: number;
  /** Every opcode that occurs: prefixed ones as prefix · 2^16 + number. */
  readonly opcodes: ReadonlySet<number>;
}

export const SECTION = { custom: 0, import: 2, global: 6, start: 8, element: 9, code: 10, data: 11 } as const;
/** Prefixes of opcodes with a number of their own. */
export const PREFIX = { miscellaneous: 0xfc, simd: 0xfd, atomic: 0xfe } as const;

/** Number of the first relaxed SIMD instruction; smaller ones are simd128. */
export const FIRST_RELAXED = 0x100;

class Reader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.at >= this.#bytes.length;
  }

  byte(): number {
    if (this.done) throw new Error('the module ends too early');
    return this.#bytes[this.at++];
  }

  take(count: number): Uint8Array {
    if (this.at + count > this.#bytes.length) throw new Error('the module ends too early');
    this.at += count;
    return this.#bytes.subarray(this.at - count, this.at);
  }

  /** Unsigned LEB128; of signed ones and of 64-bit ones only the length is right. */
  leb(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      if (shift < 28) value |= (byte & 0x7f) << shift;
      else value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  lebs(count: number): void {
    for (let i = 0; i < count; i++) this.leb();
  }
}

/** @throws for bytes that are not a module, or an instruction this reader does not know. */
export function readWasm(bytes: Uint8Array): WasmModule {
  const reader = new Reader(bytes);
  if (String(reader.take(8)) !== '0,97,115,109,1,0,0,0') throw new Error('not a WebAssembly module');
  const sections: { id: number; bytes: Uint8Array }[] = [];
  while (!reader.done) {
    const id = reader.byte();
    sections.push({ id, bytes: reader.take(reader.leb()) });
  }
  const opcodes = new Set<number>();
  let mutableGlobals = 0;
  for (const section of sections) {
    if (section.id === SECTION.code) readCode(new Reader(section.bytes), opcodes);
    if (section.id === SECTION.global) mutableGlobals += countMutable(new Reader(section.bytes));
  }
  return { sections, mutableGlobals, opcodes };
}

/** Number of an opcode with a prefix, as in `WasmModule.opcodes`. */
export function prefixed(prefix: number, number: number): number {
  return prefix * 2 ** 16 + number;
}

/** Numbers of the opcodes that occur with a prefix. */
export function numbersOf({ opcodes }: WasmModule, prefix: number): number[] {
  return [...opcodes].filter((opcode) => opcode >>> 16 === prefix).map((opcode) => opcode & 0xffff);
}

function countMutable(reader: Reader): number {
  let mutable = 0;
  for (let left = reader.leb(); left > 0; left--) {
    reader.byte(); // type
    mutable += reader.byte();
    readExpression(reader, new Set());
  }
  return mutable;
}

function readCode(reader: Reader, opcodes: Set<number>): void {
  for (let left = reader.leb(); left > 0; left--) {
    const body = new Reader(reader.take(reader.leb()));
    for (let locals = body.leb(); locals > 0; locals--) {
      body.leb(); // how many
      body.byte(); // type
    }
    readExpression(body, opcodes);
    if (!body.done) throw new Error('bytes after the end of a function');
  }
}

/** Instructions up to the `end` that closes the expression. */
function readExpression(reader: Reader, opcodes: Set<number>): void {
  for (let depth = 1; depth > 0;) {
    const opcode = reader.byte();
    if (opcode === 0x02 || opcode === 0x03 || opcode === 0x04) depth++;
    if (opcode === 0x0b) depth--;
    if (opcode === PREFIX.miscellaneous || opcode === PREFIX.simd || opcode === PREFIX.atomic) {
      const number = reader.leb();
      opcodes.add(prefixed(opcode, number));
      skipPrefixed(reader, opcode, number);
    } else {
      opcodes.add(opcode);
      skipPlain(reader, opcode);
    }
  }
}

function skipPlain(reader: Reader, opcode: number): void {
  if (opcode >= 0x45 && opcode <= 0xc4) return; // comparisons, arithmetic, conversions
  if (opcode >= 0x28 && opcode <= 0x3e) return reader.lebs(2); // loads and stores: alignment, offset
  switch (opcode) {
    case 0x02: // block, loop, if: their type
    case 0x03:
    case 0x04:
    case 0x0c: // br, br_if, call: an index
    case 0x0d:
    case 0x10:
    case 0x20: // locals and globals
    case 0x21:
    case 0x22:
    case 0x23:
    case 0x24:
    case 0x3f: // memory.size, memory.grow
    case 0x40:
    case 0x41: // integer constants
    case 0x42:
      return reader.lebs(1);
    case 0x0e: // br_table
      return reader.lebs(reader.leb() + 1);
    case 0x11: // call_indirect
      return reader.lebs(2);
    case 0x43:
      return void reader.take(4);
    case 0x44:
      return void reader.take(8);
    case 0x00: // unreachable, nop, else, end, return, drop, select
    case 0x01:
    case 0x05:
    case 0x0b:
    case 0x0f:
    case 0x1a:
    case 0x1b:
      return;
    default:
      throw new Error(`unknown opcode 0x${opcode.toString(16)}`);
  }
}

function skipPrefixed(reader: Reader, prefix: number, number: number): void {
  if (prefix === PREFIX.atomic) return reader.lebs(number === 3 ? 1 : 2); // fence has one
  if (prefix === PREFIX.miscellaneous) {
    if (number <= 7) return; // saturating conversions
    if (number === 8 || number === 10) return reader.lebs(2); // memory.init, memory.copy
    if (number === 11) return reader.lebs(1); // memory.fill
    throw new Error(`unknown opcode 0xfc ${number}`);
  }
  if (number <= 11 || number === 92 || number === 93) return reader.lebs(2); // loads and stores
  if (number === 12 || number === 13) return void reader.take(16); // v128.const, shuffle
  if (number >= 21 && number <= 34) return void reader.byte(); // lanes
  if (number >= 84 && number <= 91) {
    reader.lebs(2); // loads and stores of a lane
    reader.byte();
  }
}
