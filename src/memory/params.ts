/**
 * Layout of the parameter blocks that kernels read. The twin of assembly/params.ts: a test
 * compares the two field by field.
 */

export type FieldType = 'i32' | 'usize' | 'f32' | 'f64';
export type BlockLayout = Readonly<Record<string, FieldType>>;

/** `name0 … name5`, one per axis of a copy. */
const COPY_AXES = [0, 1, 2, 3, 4, 5];
const SPATIAL_AXES = ['D', 'H', 'W'];

export const BLOCKS: Readonly<Record<string, BlockLayout>> = {
  copy: {
    sourcePtr: 'usize',
    targetPtr: 'usize',
    ...numbered('length', COPY_AXES),
    ...numbered('sourceStride', COPY_AXES),
    ...numbered('targetStride', COPY_AXES),
  },
  conv: {
    inputPtr: 'usize',
    outputPtr: 'usize',
    weightPtr: 'usize',
    packedPtr: 'usize',
    biasPtr: 'usize',
    workspacePtr: 'usize',
    threadBytes: 'i32',
    batch: 'i32',
    groups: 'i32',
    inChannels: 'i32',
    outChannels: 'i32',
    ...numbered('input', SPATIAL_AXES),
    ...numbered('output', SPATIAL_AXES),
    ...numbered('stride', SPATIAL_AXES),
    ...numbered('crop', SPATIAL_AXES),
    inputBatchStride: 'i32',
    inputChannelStride: 'i32',
    ...numbered('inputStride', SPATIAL_AXES),
    outputBatchStride: 'i32',
    outputChannelStride: 'i32',
    ...numbered('outputStride', SPATIAL_AXES),
    weightInStride: 'i32',
    weightOutStride: 'i32',
    ...numbered('maxShift', SPATIAL_AXES),
    ...numbered('planeBegin', SPATIAL_AXES),
    ...numbered('planeEnd', SPATIAL_AXES),
    ...numbered('phases', SPATIAL_AXES),
    residuesPtrD: 'usize',
    residuesPtrH: 'usize',
    residuesPtrW: 'usize',
    ...numbered('box', SPATIAL_AXES),
    ...numbered('boxes', SPATIAL_AXES),
    planeRow: 'i32',
    planeSlice: 'i32',
    planeSize: 'i32',
    paddedRow: 'i32',
    paddedSlice: 'i32',
    mr: 'i32',
    kc: 'i32',
    depth: 'i32',
    tiles: 'i32',
    slabs: 'i32',
    slabChannels: 'i32',
    taps: 'i32',
    blocks: 'i32',
    rowOffsetPtr: 'usize',
    packTablePtr: 'usize',
    runTablePtr: 'usize',
    blockTablePtr: 'usize',
    tapTablePtr: 'usize',
    flat: 'i32',
    writeOnce: 'i32',
    accumulate: 'i32',
    activation: 'i32',
    activationA: 'f64',
    activationB: 'f64',
    inputActivation: 'i32',
    inputActivationA: 'f64',
    inputActivationB: 'f64',
    imagesPerItem: 'i32',
    columnsPerItem: 'i32',
    stepBegin: 'i32',
    stepEnd: 'i32',
    dense: 'i32',
    planesOffset: 'i32',
    panelsOffset: 'i32',
    aPanelsOffset: 'i32',
    rowBufferOffset: 'i32',
    tileOffset: 'i32',
  },
  activation: {
    savedPtr: 'usize',
    gradPtr: 'usize',
    targetPtr: 'usize',
    length: 'i32',
    itemLength: 'i32',
    kind: 'i32',
    a: 'f64',
    b: 'f64',
  },
  prelu: {
    inputPtr: 'usize',
    weightPtr: 'usize',
    gradPtr: 'usize',
    targetPtr: 'usize',
    partialPtr: 'usize',
    gradWeightPtr: 'usize',
    rows: 'i32',
    channels: 'i32',
    rowLength: 'i32',
    itemsPerRow: 'i32',
    itemLength: 'i32',
  },
  loss: {
    predictionPtr: 'usize',
    targetPtr: 'usize',
    gradPtr: 'usize',
    partialPtr: 'usize',
    length: 'i32',
    itemLength: 'i32',
    elementBytes: 'i32',
    kind: 'i32',
    scale: 'f64',
  },
  optimizer: {
    weightPtr: 'usize',
    gradPtr: 'usize',
    momentPtr: 'usize',
    secondMomentPtr: 'usize',
    length: 'i32',
    itemLength: 'i32',
    stepSize: 'f64',
    weightDecay: 'f64',
    beta1: 'f64',
    beta2: 'f64',
    eps: 'f64',
    secondScale: 'f64',
  },
  channelSum: {
    sourcePtr: 'usize',
    targetPtr: 'usize',
    batch: 'i32',
    ...numbered('length', SPATIAL_AXES),
    batchStride: 'i32',
    channelStride: 'i32',
    ...numbered('stride', SPATIAL_AXES),
    accumulate: 'i32',
  },
  matmul: {
    aPtr: 'usize',
    bPtr: 'usize',
    cPtr: 'usize',
    workspacePtr: 'usize',
    threadBytes: 'i32',
    m: 'i32',
    n: 'i32',
    k: 'i32',
    aRowStride: 'i32',
    aColumnStride: 'i32',
    bRowStride: 'i32',
    bColumnStride: 'i32',
    cRowStride: 'i32',
    cColumnStride: 'i32',
    batchTablePtr: 'usize',
    batchAxes: 'i32',
    mr: 'i32',
    kc: 'i32',
    itemRows: 'i32',
    itemColumns: 'i32',
    rowOffsetPtr: 'usize',
    panelsOffset: 'i32',
    tileOffset: 'i32',
    elementBytes: 'i32',
  },
  columns: {
    imagePtr: 'usize',
    columnsPtr: 'usize',
    channels: 'i32',
    height: 'i32',
    width: 'i32',
    positionsH: 'i32',
    positionsW: 'i32',
    kernelH: 'i32',
    kernelW: 'i32',
    strideH: 'i32',
    strideW: 'i32',
    dilationH: 'i32',
    dilationW: 'i32',
    paddingH: 'i32',
    paddingW: 'i32',
    imageBatchStride: 'i32',
    imageChannelStride: 'i32',
    imageStrideH: 'i32',
    imageStrideW: 'i32',
    columnsBatchStride: 'i32',
    columnsRowStride: 'i32',
    columnsPositionStride: 'i32',
    elementBytes: 'i32',
  },
  pixels: {
    pixelsPtr: 'usize',
    planesPtr: 'usize',
    alphaPtr: 'usize',
    channelTablePtr: 'usize',
    length: 'i32',
    itemLength: 'i32',
    samples: 'i32',
    channels: 'i32',
    luma: 'i32',
    elementBytes: 'i32',
    alpha: 'f64',
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
