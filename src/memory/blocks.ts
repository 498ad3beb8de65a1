/**
 * Parameter blocks of the kernels that plans of convolutions and products use, and how a block lies in memory.
 * The others are in params.ts.
 */

export type FieldType = 'i32' | 'usize' | 'f64';
export type BlockLayout = Readonly<Record<string, FieldType>>;

/**
 * Fields in order. `…Ptr…` is an address, `:f64` a float64, every other an i32; `@` stands for the axes D, H, W and `#`
 * for the six axes of a copy.
 */
export function layout(names: string): BlockLayout {
  const fields: [string, FieldType][] = names
    .trim()
    .split(/\s+/)
    .flatMap((name) => {
      const axes = name.endsWith('@') ? 'DHW' : name.endsWith('#') ? '012345' : '';
      return axes === '' ? [name] : Array.from(axes, (axis) => name.slice(0, -1) + axis);
    })
    .map((name) => {
      const [field, type] = name.split(':');
      return [field, (type as FieldType | undefined) ?? (name.includes('Ptr') ? 'usize' : 'i32')];
    });
  return Object.fromEntries(fields);
}

export const PLAN_BLOCKS: Readonly<Record<string, BlockLayout>> = {
  conv: layout(`
    inputPtr outputPtr weightPtr packedPtr biasPtr workspacePtr threadBytes elementBytes batch groups inChannels
    outChannels input@ output@ stride@ crop@ inputBatchStride inputChannelStride inputStride@
    outputBatchStride outputChannelStride outputStride@ weightInStride weightOutStride maxShift@ rangeOrigin@ rangeBegin@
    rangeEnd@ phases@ residuesPtr@ box@ boxes@ planeRow planeSlice planeSize paddedRow paddedSlice mr kc
    depth tiles slabs slabChannels taps blocks rowOffsetPtr packTablePtr runTablePtr blockTablePtr
    tapTablePtr flat linePeriod stripStep splitBytes writeOnce accumulate activation activationA:f64 activationB:f64 inputActivation
    inputActivationA:f64 inputActivationB:f64 imagesPerItem columnsPerItem stepBegin stepEnd itemRows parts partStride dense
    panelsOffset aPanelsOffset rowBufferOffset tileOffset
  `),
  channelSum: layout(`
    sourcePtr targetPtr elementBytes batch length@ batchStride channelStride stride@ accumulate
  `),
  matmul: layout(`
    aPtr bPtr cPtr workspacePtr threadBytes m n k aRowStride aColumnStride bRowStride bColumnStride
    cRowStride cColumnStride batchTablePtr batchAxes mr kc itemRows itemColumns rowOffsetPtr panelsOffset
    tileOffset elementBytes
  `),
};

export interface Field {
  readonly type: FieldType;
  readonly offset: number;
}

export interface CompiledBlock {
  readonly fields: ReadonlyMap<string, Field>;
  readonly bytes: number;
}

export type BlockFinder = (name: string) => CompiledBlock;

/** Natural alignment, in order: what AssemblyScript does with an @unmanaged class. */
export function compileBlock(fieldsInOrder: BlockLayout): CompiledBlock {
  const fields = new Map<string, Field>();
  let offset = 0;
  for (const [name, type] of Object.entries(fieldsInOrder)) {
    const size = type === 'f64' ? 8 : 4;
    offset = Math.ceil(offset / size) * size;
    fields.set(name, { type, offset });
    offset += size;
  }
  return { fields, bytes: Math.ceil(offset / 8) * 8 };
}

/** Finds the block of a name among `blocks`, and keeps what it compiled. */
export function blockFinder(blocks: Readonly<Record<string, BlockLayout>>): BlockFinder {
  const compiled = new Map<string, CompiledBlock>();
  return (name) => {
    let block = compiled.get(name);
    if (block === undefined) {
      block = compileBlock(blocks[name]);
      compiled.set(name, block);
    }
    return block;
  };
}

/** Writes one field; the view must start at address 0 of the memory. */
export function writeField(view: DataView, blockPtr: number, field: Field, value: number): void {
  const at = blockPtr + field.offset;
  if (field.type === 'f64') view.setFloat64(at, value, true);
  else view.setInt32(at, value, true); // two's complement serves usize too
}
