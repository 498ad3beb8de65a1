/** From a plan to calls: resolves addresses and writes the parameter blocks into wasm memory. */

import { blockOf, writeField } from '../memory/params.ts';
import type { FieldValue, Pointer, Stage } from '../plan/stage.ts';
import type { Kernels } from './kernels.ts';

/** Address of each operand that the plan names. */
export type Pointers = Readonly<Record<string, number | undefined>>;

export interface BoundStage {
  readonly entry: string;
  readonly paramsPtr: number;
  readonly items: number;
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

/** Bytes that the parameter blocks and tables of `stages` take, wherever they are placed. */
export function paramsBytes(stages: readonly Stage[]): number {
  let bytes = ALIGNMENT;
  for (const stage of stages) {
    bytes += blockOf(stage.block).bytes;
    for (const value of Object.values(stage.fields)) {
      if (value instanceof Int32Array) bytes += roundUp(value.byteLength);
    }
  }
  return bytes;
}

/** Writes numbers and tables, which stay the same for every call of a plan. */
export function writeConstants(memory: WebAssembly.Memory, stages: readonly Stage[], paramsPtr: number): BoundStage[] {
  const view = new DataView(memory.buffer);
  const bytes = new Uint8Array(memory.buffer);
  const bound: BoundStage[] = [];
  let at = roundUp(paramsPtr);
  for (const stage of stages) {
    const block = blockOf(stage.block);
    bytes.fill(0, at, at + block.bytes);
    bound.push({ entry: stage.entry, paramsPtr: at, items: stage.items });
    let tablePtr = at + block.bytes;
    for (const [name, value] of Object.entries(stage.fields)) {
      const field = block.fields.get(name);
      if (field === undefined) throw new Error(`parameter block '${stage.block}' has no field '${name}'`);
      if (typeof value === 'number') {
        writeField(view, at, field, value);
      } else if (value instanceof Int32Array) {
        new Int32Array(memory.buffer, tablePtr, value.length).set(value);
        writeField(view, at, field, tablePtr);
        tablePtr += roundUp(value.byteLength);
      }
    }
    at = tablePtr;
  }
  return bound;
}

/** Writes the addresses of one call; an operand that is not in `pointers`, or at 0, is absent. */
export function writePointers(
  memory: WebAssembly.Memory,
  stages: readonly Stage[],
  bound: readonly BoundStage[],
  pointers: Pointers,
): void {
  const view = new DataView(memory.buffer);
  stages.forEach((stage, index) => {
    const { fields } = blockOf(stage.block);
    for (const [name, value] of Object.entries(stage.fields)) {
      if (!isPointer(value)) continue;
      const base = pointers[value.at] ?? 0;
      const field = fields.get(name);
      if (field === undefined) throw new Error(`parameter block '${stage.block}' has no field '${name}'`);
      writeField(view, bound[index].paramsPtr, field, base === 0 ? 0 : base + value.offsetBytes);
    }
  });
}

/** Runs bound stages on the calling thread. */
export function run(kernels: Kernels, bound: readonly BoundStage[]): void {
  for (const { entry, paramsPtr, items } of bound) kernels.exports[entry](paramsPtr, 0, items, 0);
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
