/**
 * Parameter blocks of the kernels that plans of convolutions and products use, and how a block lies in memory.
 * The others are in params.ts.
 */

export type FieldType = 'i32' | 'usize' | 'f64';

export interface Field {
  readonly type: FieldType;
  readonly offset: number;
}

/** Fields in order, and the bytes that they take. */
export interface Block {
  readonly fields: ReadonlyMap<string, Field>;
  readonly bytes: number;
}

export type Blocks = Readonly<Record<string, Block>>;

/** What the last character of a name stands for: the axes D, H, W, or the six axes of a copy. */
const AXES: Readonly<Record<string, string>> = { '@': 'DHW', '#': '012345' };

/**
 * A block from the names of its fields. `…Ptr…` is an address, `:f64` a float64, every other an i32. Each is aligned to its
 * size, which is what AssemblyScript does with an @unmanaged class.
 */
export function layout(names: string): Block {
  const fields = new Map<string, Field>();
  let end = 0;
  for (const name of names.trim().split(/\s+/)) {
    const [stem, given] = name.split(/[:@#]/);
    const type = (given || (name.includes('Ptr') ? 'usize' : 'i32')) as FieldType;
    const bytes = type === 'f64' ? 8 : 4;
    for (const axis of AXES[name.at(-1)!] ?? ['']) {
      const offset = Math.ceil(end / bytes) * bytes;
      fields.set(stem + axis, { type, offset });
      end = offset + bytes;
    }
  }
  return { fields, bytes: Math.ceil(end / 8) * 8 };
}

export const PLAN_BLOCKS: Blocks = {
  conv: layout(`
    inputPtr outputPtr weightPtr packedPtr biasPtr workspacePtr threadBytes elementBytes batch groups inChannels
    outChannels input@ output@ stride@ crop@ inputBatchStride inputChannelStride inputStride@
    outputBatchStride outputChannelStride outputStride@ weightInStride weightOutStride weightGroupStride maxShift@ rangeOrigin@ rangeBegin@
    rangeEnd@ phases@ residuesPtr@ box@ boxes@ planeRow planeSlice planeSize paddedRow paddedSlice kernel@ dilation@
    weightStride@ gather repeat fold holes mr kc
    depth tiles slabs slabChannels taps blocks rowOffsetPtr packTablePtr runTablePtr blockTablePtr
    tapTablePtr flat linePeriod stripStep lineChannels together splitBytes writeOnce accumulate activation activationA:f64 activationB:f64 inputActivation
    inputActivationA:f64 inputActivationB:f64 imagesPerItem columnsPerItem stepBegin stepEnd itemRows parts partStride pointStride termTablePtr tapTermTablePtr sums sumsPtr transformed dense
    inPlace positionStep tapRun
    panelsOffset aPanelsOffset rowBufferOffset tileOffset productsOffset interleavedOffset
  `),
  channelSum: layout(`
    sourcePtr targetPtr elementBytes batch length@ batchStride channelStride stride@ accumulate quads absolute
  `),
  matmul: layout(`
    aPtr bPtr cPtr workspacePtr threadBytes m n k aRowStride aColumnStride bRowStride bColumnStride
    cRowStride cColumnStride batchTablePtr batchAxes mr kc itemRows itemColumns rowOffsetPtr panelsOffset
    tileOffset elementBytes accumulate
  `),
  copy: layout(`
    sourcePtr targetPtr elementBytes length# sourceStride# targetStride#
  `),
};

/** Writes one field; the view must start at address 0 of the memory. */
export function writeField(view: DataView, blockPtr: number, field: Field, value: number): void {
  const at = blockPtr + field.offset;
  if (field.type === 'f64') view.setFloat64(at, value, true);
  else view.setInt32(at, value, true); // two's complement serves usize too
}
