/**
 * Layout of the parameter blocks that kernels read. The twin of assembly/params.ts: a test
 * compares the two field by field.
 */

export type FieldType = 'i32' | 'usize' | 'f32' | 'f64';
export type BlockLayout = Readonly<Record<string, FieldType>>;

/** `name0 … name5`, one per axis of a copy. */
const COPY_AXES = [0, 1, 2, 3, 4, 5];

export const BLOCKS: Readonly<Record<string, BlockLayout>> = {
  copy: {
    sourcePtr: 'usize',
    targetPtr: 'usize',
    ...numbered('length', COPY_AXES),
    ...numbered('sourceStride', COPY_AXES),
    ...numbered('targetStride', COPY_AXES),
  },
};

function numbered(name: string, suffixes: readonly (number | string)[]): Record<string, 'i32'> {
  return Object.fromEntries(suffixes.map((suffix) => [`${name}${suffix}`, 'i32']));
}

export interface Field {
  readonly type: FieldType;
  readonly offset: number;
}

export interface CompiledBlock {
  readonly fields: ReadonlyMap<string, Field>;
  readonly bytes: number;
}

const SIZE: Record<FieldType, number> = { i32: 4, usize: 4, f32: 4, f64: 8 };

/** Natural alignment, in order: what AssemblyScript does with an @unmanaged class. */
export function compileBlock(layout: BlockLayout): CompiledBlock {
  const fields = new Map<string, Field>();
  let offset = 0;
  for (const [name, type] of Object.entries(layout)) {
    const size = SIZE[type];
    offset = Math.ceil(offset / size) * size;
    fields.set(name, { type, offset });
    offset += size;
  }
  return { fields, bytes: Math.ceil(offset / 8) * 8 };
}

const compiled = new Map<string, CompiledBlock>();

export function blockOf(name: string): CompiledBlock {
  let block = compiled.get(name);
  if (block === undefined) {
    const layout = BLOCKS[name];
    if (layout === undefined) throw new Error(`no parameter block '${name}'`);
    block = compileBlock(layout);
    compiled.set(name, block);
  }
  return block;
}

/** Writes one field; the view must start at address 0 of the memory. */
export function writeField(view: DataView, blockPtr: number, field: Field, value: number): void {
  const at = blockPtr + field.offset;
  if (field.type === 'f64') view.setFloat64(at, value, true);
  else if (field.type === 'f32') view.setFloat32(at, value, true);
  else view.setInt32(at, value, true); // two's complement serves usize too
}
