/**
 * Layout of the parameter blocks that kernels read. The twin of assembly/params.ts: a test
 * compares the two field by field.
 */

export type FieldType = 'i32' | 'usize' | 'f64';
export type BlockLayout = Readonly<Record<string, FieldType>>;

/**
 * Fields in order. `…Ptr…` is an address, `:f64` a float64, every other an i32; `@` stands for the axes D, H, W and `#`
 * for the six axes of a copy.
 */
function layout(names: string): BlockLayout {
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

export const BLOCKS: Readonly<Record<string, BlockLayout>> = {
  copy: layout(`
    sourcePtr targetPtr length# sourceStride# targetStride#
  `),
  conv: layout(`
    inputPtr outputPtr weightPtr packedPtr biasPtr workspacePtr threadBytes batch groups inChannels
    outChannels input@ output@ stride@ crop@ inputBatchStride inputChannelStride inputStride@
    outputBatchStride outputChannelStride outputStride@ weightInStride weightOutStride maxShift@ planeBegin@
    planeEnd@ phases@ residuesPtr@ box@ boxes@ planeRow planeSlice planeSize paddedRow paddedSlice mr kc
    depth tiles slabs slabChannels taps blocks rowOffsetPtr packTablePtr runTablePtr blockTablePtr
    tapTablePtr flat writeOnce accumulate activation activationA:f64 activationB:f64 inputActivation
    inputActivationA:f64 inputActivationB:f64 imagesPerItem columnsPerItem stepBegin stepEnd dense
    planesOffset panelsOffset aPanelsOffset rowBufferOffset tileOffset
  `),
  activation: layout(`
    savedPtr gradPtr targetPtr length itemLength kind a:f64 b:f64
  `),
  prelu: layout(`
    inputPtr weightPtr gradPtr targetPtr partialPtr gradWeightPtr rows channels rowLength itemsPerRow
    itemLength
  `),
  loss: layout(`
    predictionPtr targetPtr gradPtr partialPtr length itemLength elementBytes kind scale:f64
  `),
  optimizer: layout(`
    weightPtr gradPtr momentPtr secondMomentPtr length itemLength stepSize:f64 weightDecay:f64 beta1:f64
    beta2:f64 eps:f64 secondScale:f64
  `),
  channelSum: layout(`
    sourcePtr targetPtr batch length@ batchStride channelStride stride@ accumulate
  `),
  matmul: layout(`
    aPtr bPtr cPtr workspacePtr threadBytes m n k aRowStride aColumnStride bRowStride bColumnStride
    cRowStride cColumnStride batchTablePtr batchAxes mr kc itemRows itemColumns rowOffsetPtr panelsOffset
    tileOffset elementBytes
  `),
  columns: layout(`
    imagePtr columnsPtr channels height width positionsH positionsW kernelH kernelW strideH strideW dilationH
    dilationW paddingH paddingW imageBatchStride imageChannelStride imageStrideH imageStrideW
    columnsBatchStride columnsRowStride columnsPositionStride elementBytes
  `),
  pixels: layout(`
    pixelsPtr planesPtr alphaPtr channelTablePtr length itemLength samples channels luma elementBytes
    alpha:f64
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

/** Natural alignment, in order: what AssemblyScript does with an @unmanaged class. */
export function compileBlock(layout: BlockLayout): CompiledBlock {
  const fields = new Map<string, Field>();
  let offset = 0;
  for (const [name, type] of Object.entries(layout)) {
    const size = type === 'f64' ? 8 : 4;
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
  else view.setInt32(at, value, true); // two's complement serves usize too
}
