/**
 * A plan is data: plain, structured-cloneable objects that say what to run, in which order,
 * with which numbers. Addresses are symbolic until `bind` (src/kernels) resolves them.
 */

/** An address that is known at binding: a named operand plus a byte offset. */
export interface Pointer {
  readonly at: string;
  readonly offsetBytes: number;
}

/** A number, an address, or a table of i32 that is placed behind the parameter block. */
export type FieldValue = number | Pointer | Int32Array;

/**
 * One kernel entry, run for items 0 … items − 1 in any order and on any number of threads.
 * Stages of a plan run one after another; there is no barrier inside a stage.
 */
export interface Stage {
  /** Export of the wasm module: `(paramsPtr, begin, end, thread)`. */
  readonly entry: string;
  readonly items: number;
  /** Layout of the parameter block, see src/memory/params.ts. */
  readonly block: string;
  /** What all items together cost, for cutting long stages into slices. */
  readonly flops?: number;
  /** Fields that are not named are 0. */
  readonly fields: Readonly<Record<string, FieldValue>>;
}

/** Scratch memory of a plan: `shared + threads · perThread` bytes. */
export interface WorkspaceBytes {
  readonly shared: number;
  readonly perThread: number;
}

export function pointer(at: string, offsetBytes = 0): Pointer {
  return { at, offsetBytes };
}

/** The same stages with other addresses. */
export function withPointers(stages: readonly Stage[], change: (pointer: Pointer) => Pointer): Stage[] {
  return stages.map((stage) => ({
    ...stage,
    fields: Object.fromEntries(
      Object.entries(stage.fields).map(([field, value]): [string, FieldValue] => {
        return [field, typeof value === 'number' || value instanceof Int32Array ? value : change(value)];
      }),
    ),
  }));
}

/** The same stages with other names for their operands. */
export function withOperands(stages: readonly Stage[], names: Readonly<Record<string, string>>): Stage[] {
  return withPointers(stages, ({ at, offsetBytes }) => pointer(names[at] ?? at, offsetBytes));
}

/** Fields `…Ptr` of operands that have the field's name. */
export function pointers(...names: readonly string[]): Record<string, Pointer> {
  return Object.fromEntries(names.map((name) => [`${name}Ptr`, pointer(name)]));
}
