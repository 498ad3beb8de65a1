/** From stages to calls: writes parameter blocks, tables and addresses into wasm memory. */

import type { Blocks, Field } from '../memory/blocks.ts';
import { writeField } from '../memory/blocks.ts';
import type { FieldValue, Pointer, Stage } from '../plan/stage.ts';
import type { Kernels } from './instance.ts';

/** Address of each operand that the plan names. */
export type Pointers = Readonly<Record<string, number | undefined>>;

export interface BoundStage {
  readonly entry: string;
  readonly paramsPtr: number;
  readonly items: number;
}

/** A field that gets an address with every call. */
interface PointerField {
  readonly field: Field;
  readonly blockPtr: number;
  readonly pointer: Pointer;
}

/** Stages whose constants lie in memory. */
export interface BoundStages {
  readonly stages: readonly BoundStage[];
  readonly pointerFields: readonly PointerField[];
}

const ALIGNMENT = 8;

function isPointer(value: FieldValue): value is Pointer {
  return typeof value === 'object' && !(value instanceof Int32Array);
}

/** Operands that stages read or write. */
export function operandsOf(stages: readonly Stage[]): Set<string> {
  const values = stages.flatMap(({ fields }) => Object.values(fields));
  return new Set(values.filter(isPointer).map(({ at }) => at));
}

/**
 * Bytes that the parameter blocks and tables of `stages` take, wherever they are placed; a table that several stages
 * share is there once.
 */
export function paramsBytes(stages: readonly Stage[], blocks: Blocks): number {
  const tables = new Set<Int32Array>();
  let bytes = ALIGNMENT;
  for (const stage of stages) {
    bytes += blocks[stage.block].bytes;
    for (const value of Object.values(stage.fields)) if (value instanceof Int32Array) tables.add(value);
  }
  for (const table of tables) bytes += roundUp(table.byteLength);
  return bytes;
}

/** Writes numbers and tables, which stay the same for every call of a plan. */
export function writeConstants(
  memory: WebAssembly.Memory,
  stages: readonly Stage[],
  paramsPtr: number,
  blocks: Blocks,
): BoundStages {
  const view = new DataView(memory.buffer);
  const bytes = new Uint8Array(memory.buffer);
  const tables = new Map<Int32Array, number>();
  const bound: BoundStage[] = [];
  const pointerFields: PointerField[] = [];
  let at = roundUp(paramsPtr);
  for (const stage of stages) {
    const block = blocks[stage.block];
    const blockPtr = at;
    bytes.fill(0, blockPtr, blockPtr + block.bytes);
    bound.push({ entry: stage.entry, paramsPtr: blockPtr, items: stage.items });
    at += block.bytes;
    for (const [name, value] of Object.entries(stage.fields)) {
      const field = block.fields.get(name);
      if (field === undefined) throw new Error(`parameter block '${stage.block}' has no field '${name}'`);
      if (typeof value === 'number') {
        writeField(view, blockPtr, field, value);
      } else if (isPointer(value)) {
        pointerFields.push({ field, blockPtr, pointer: value });
      } else {
        let tablePtr = tables.get(value);
        if (tablePtr === undefined) {
          tablePtr = at;
          tables.set(value, tablePtr);
          new Int32Array(memory.buffer, tablePtr, value.length).set(value);
          at += roundUp(value.byteLength);
        }
        writeField(view, blockPtr, field, tablePtr);
      }
    }
  }
  return { stages: bound, pointerFields };
}

/** Writes the addresses of one call; an operand that is not in `pointers`, or at 0, is absent. */
export function writePointers(memory: WebAssembly.Memory, { pointerFields }: BoundStages, pointers: Pointers): void {
  const view = new DataView(memory.buffer);
  for (const { field, blockPtr, pointer } of pointerFields) {
    const base = pointers[pointer.at] ?? 0;
    writeField(view, blockPtr, field, base === 0 ? 0 : base + pointer.offsetBytes);
  }
}

/** Runs bound stages on the calling thread. */
export function run(kernels: Kernels, bound: readonly BoundStage[]): void {
  for (const { entry, paramsPtr, items } of bound) kernels.exports[entry](paramsPtr, 0, items, 0);
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
