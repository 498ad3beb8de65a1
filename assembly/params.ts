/**
 * Parameter blocks: every stage entry gets the address of one of these and reads its numbers there.
 * The twin of src/memory/params.ts: a test compares the two field by field.
 *
 * Lengths and strides count elements, `…Ptr` are addresses, 0 is "absent".
 */

/** A copy between two strided layouts; axes 0 … 3 are the items, 4 and 5 are loops. */
@unmanaged
export class CopyParams {
  sourcePtr: usize;
  targetPtr: usize;
  elementBytes: i32;
  length0: i32;
  length1: i32;
  length2: i32;
  length3: i32;
  length4: i32;
  length5: i32;
  sourceStride0: i32;
  sourceStride1: i32;
  sourceStride2: i32;
  sourceStride3: i32;
  sourceStride4: i32;
  sourceStride5: i32;
  targetStride0: i32;
  targetStride1: i32;
  targetStride2: i32;
  targetStride3: i32;
  targetStride4: i32;
  targetStride5: i32;
}

/**
 * One convolution and its adjoint, see src/plan/conv_geometry.ts. "input" and "output" are those of the
 * transposed convolution: the output axis is the strided, larger one. Channels are per group.
 * Which fields a stage reads is up to the stage; `…Offset` are bytes into the thread's workspace.
 */
@unmanaged
export class ConvParams {
  inputPtr: usize;
  outputPtr: usize;
  weightPtr: usize;
  packedPtr: usize;
  biasPtr: usize;
  workspacePtr: usize;
  /** Bytes of workspace per thread. */
  threadBytes: i32;
  elementBytes: i32;

  batch: i32;
  groups: i32;
  inChannels: i32;
  outChannels: i32;

  inputD: i32;
  inputH: i32;
  inputW: i32;
  outputD: i32;
  outputH: i32;
  outputW: i32;
  strideD: i32;
  strideH: i32;
  strideW: i32;
  /** Output coordinate = input · stride + tap · dilation − crop. */
  cropD: i32;
  cropH: i32;
  cropW: i32;

  inputBatchStride: i32;
  inputChannelStride: i32;
  inputStrideD: i32;
  inputStrideH: i32;
  inputStrideW: i32;
  outputBatchStride: i32;
  outputChannelStride: i32;
  outputStrideD: i32;
  outputStrideH: i32;
  outputStrideW: i32;
  weightInStride: i32;
  weightOutStride: i32;
  weightGroupStride: i32;

  /** Largest shift of a tap, ⌊tap · dilation ÷ stride⌋. */
  maxShiftD: i32;
  maxShiftH: i32;
  maxShiftW: i32;
  /**
   * Coordinates begin ≤ q < end that items cut into boxes, from `origin` on: of planes, those that hold output (forward);
   * of the input (gradInput, gradWeight).
   */
  rangeOriginD: i32;
  rangeOriginH: i32;
  rangeOriginW: i32;
  rangeBeginD: i32;
  rangeBeginH: i32;
  rangeBeginW: i32;
  rangeEndD: i32;
  rangeEndH: i32;
  rangeEndW: i32;
  /** Phases that a tap reaches, and the table of their residues. */
  phasesD: i32;
  phasesH: i32;
  phasesW: i32;
  residuesPtrD: usize;
  residuesPtrH: usize;
  residuesPtrW: usize;
  /** Length of a box, and how many there are. */
  boxD: i32;
  boxH: i32;
  boxW: i32;
  boxesD: i32;
  boxesH: i32;
  boxesW: i32;
  /** Elements from one row, slice and plane to the next. */
  planeRow: i32;
  planeSlice: i32;
  planeSize: i32;
  /** Depthwise: the same for rows that are written, or of x̂; the rest up to `mr` is for depthwise stages alone. */
  paddedRow: i32;
  paddedSlice: i32;
  kernelD: i32;
  kernelH: i32;
  kernelW: i32;
  dilationD: i32;
  dilationH: i32;
  dilationW: i32;
  weightStrideD: i32;
  weightStrideH: i32;
  weightStrideW: i32;
  /** 1: from the output to the input. */
  gather: i32;
  /** How often an element of the input lies in scratch memory, and how many neighbours make one of the result. */
  repeat: i32;
  fold: i32;
  /** A shift has residues that no tap reaches. */
  holes: i32;

  mr: i32;
  kc: i32;
  /** K of the whole product. */
  depth: i32;
  /** Tiles of A along M. */
  tiles: i32;
  slabs: i32;
  slabChannels: i32;
  taps: i32;
  blocks: i32;
  /** Byte offset of each C row, `mr` per tile. */
  rowOffsetPtr: usize;
  /** Forward: (weight offset, channel) per row of A, −1 for padding. */
  packTablePtr: usize;
  /** Forward: (first tile, end tile, shiftD, shiftH) per run. */
  runTablePtr: usize;
  /** First run of each block of A, and the end. */
  blockTablePtr: usize;
  /**
   * gradInput, gradWeight: (offset on the output side, weight offset) per tap, in elements. Depthwise: shifts along W.
   * Transforms: sources; of gradWeight, bytes to the gradients of each phase.
   */
  tapTablePtr: usize;

  /** 1: a line is a whole slice, `linePeriod` positions from one row to the next; 0: a line is one row. */
  flat: i32;
  linePeriod: i32;
  /** Plane elements from one strip of a line to the next. */
  stripStep: i32;
  /** Lines that are packed together; of an implicit GEMM a multiple of kc. */
  lineChannels: i32;
  /** Transforms of inputs: channels for which there is room at each position of a line, 1 where lines have one channel. */
  together: i32;
  /** From the first vector of a C row to the second: 16, or to the next plane row when a strip is two rows. */
  splitBytes: i32;
  /** 1: no plane element is written twice within one block of K. */
  writeOnce: i32;
  accumulate: i32;
  activation: i32;
  activationA: f64;
  activationB: f64;
  /** What is read passes through this one first: the input (forward), the output side (gather). */
  inputActivation: i32;
  inputActivationA: f64;
  inputActivationB: f64;
  imagesPerItem: i32;
  /** gradWeight: columns (output channel, tap) of an item. */
  columnsPerItem: i32;
  /** gradWeight: blocks of K of this stage. */
  stepBegin: i32;
  stepEnd: i32;
  itemRows: i32;
  parts: i32;
  partStride: i32;
  /** Transforms: elements of C from one point to the next. */
  pointStride: i32;
  /** Their tables, see conv/winograd_terms.ts: of G, or of A along D and H; of Gᵀ. */
  termTablePtr: usize;
  tapTermTablePtr: usize;
  /** gradWeight: sums of the absolute values of so many channels, of both sides; 1: by transforms. See conv/tame.ts. */
  sums: i32;
  sumsPtr: usize;
  transformed: i32;
  /** The result's columns are contiguous in memory. */
  dense: i32;
  /** gradInput, gradWeight: the output side is read where it lies. */
  inPlace: i32;
  /** Elements of the output side from one position along W to the next. */
  positionStep: i32;
  /** Taps that are neighbours in memory follow one another in runs of so many. */
  tapRun: i32;

  panelsOffset: i32;
  aPanelsOffset: i32;
  rowBufferOffset: i32;
  tileOffset: i32;
  productsOffset: i32;
  interleavedOffset: i32;
}

/** An activation or its gradient on contiguous tensors; items are pieces of `itemLength` elements. */
@unmanaged
export class ActivationParams {
  /** Forward: the input. Backward: what the forward pass saved. */
  savedPtr: usize;
  gradPtr: usize;
  targetPtr: usize;
  length: i32;
  itemLength: i32;
  elementBytes: i32;
  /** See src/core/activation.ts. */
  kind: i32;
  a: f64;
  b: f64;
}

/** PReLU on a contiguous tensor of `rows` = images · channels rows. */
@unmanaged
export class PreluParams {
  inputPtr: usize;
  weightPtr: usize;
  gradPtr: usize;
  targetPtr: usize;
  /** One float64 per item. */
  partialPtr: usize;
  gradWeightPtr: usize;
  rows: i32;
  channels: i32;
  rowLength: i32;
  itemsPerRow: i32;
  itemLength: i32;
  elementBytes: i32;
}

/** A formula over strided operands; see src/plan/combine.ts. */
@unmanaged
export class CombineParams {
  targetPtr: usize;
  aPtr: usize;
  bPtr: usize;
  cPtr: usize;
  dPtr: usize;
  ePtr: usize;
  fPtr: usize;
  gPtr: usize;
  /** A row per axis from the inner one outward: strides of the target and of a … g, length. */
  tablePtr: usize;
  /** Axes but the inner one: those summed first, then those of the target. */
  outerAxes: i32;
  /** Positions of the axes that are summed. */
  loops: i32;
  innerLength: i32;
  /** Pieces of the inner axis, 1 where it is summed. */
  pieces: i32;
  itemLength: i32;
  formula: i32;
  /** 0: values are written, 1: added to the target, 2: summed along the inner axis and added to the target. */
  mode: i32;
  /** The target is set to 0 first. */
  clears: i32;
  /** Strides along the inner axis are 0 or 1. */
  vectors: i32;
  elementBytes: i32;
  alpha: f64;
  beta: f64;
  /** Of sums along the inner axis. */
  divisor: f64;
}

/** A loss and its gradient; items are pieces of `itemLength` elements. */
@unmanaged
export class LossParams {
  predictionPtr: usize;
  targetPtr: usize;
  gradPtr: usize;
  /** One float64 per item: the sum of its losses. */
  partialPtr: usize;
  length: i32;
  itemLength: i32;
  elementBytes: i32;
  /** 0 squared error, 1 absolute error, 2 binary cross entropy with logits. */
  kind: i32;
  /** Factor of the gradient. */
  scale: f64;
}

/** One optimiser step on one parameter; items are pieces of `itemLength` elements. */
@unmanaged
export class OptimizerParams {
  weightPtr: usize;
  gradPtr: usize;
  momentPtr: usize;
  secondMomentPtr: usize;
  length: i32;
  itemLength: i32;
  elementBytes: i32;
  stepSize: f64;
  weightDecay: f64;
  beta1: f64;
  beta2: f64;
  eps: f64;
  secondScale: f64;
}

/** A sum over batch and spatial axes per channel. */
@unmanaged
export class ChannelSumParams {
  sourcePtr: usize;
  targetPtr: usize;
  elementBytes: i32;
  batch: i32;
  lengthD: i32;
  lengthH: i32;
  lengthW: i32;
  batchStride: i32;
  channelStride: i32;
  strideD: i32;
  strideH: i32;
  strideW: i32;
  accumulate: i32;
  /** Items of four channels that are neighbours in memory. */
  quads: i32;
  /** 1: of absolute values, of float32. */
  absolute: i32;
}

/** Batched matrix product C = A · B. */
@unmanaged
export class MatmulParams {
  aPtr: usize;
  bPtr: usize;
  cPtr: usize;
  workspacePtr: usize;
  threadBytes: i32;
  m: i32;
  n: i32;
  k: i32;
  aRowStride: i32;
  aColumnStride: i32;
  bRowStride: i32;
  bColumnStride: i32;
  cRowStride: i32;
  cColumnStride: i32;
  /** (length, stride of A, of B, of C) per batch axis, innermost last. */
  batchTablePtr: usize;
  batchAxes: i32;
  mr: i32;
  kc: i32;
  /** Rows and columns of C per item. */
  itemRows: i32;
  itemColumns: i32;
  /** Byte offset of each row of an item's C, in whole tiles. */
  rowOffsetPtr: usize;
  panelsOffset: i32;
  tileOffset: i32;
  elementBytes: i32;
  /** Add to C. */
  accumulate: i32;
}

/** fold and unfold: columns (N, C · taps, positions) and the padded, strided image that they come from. */
@unmanaged
export class ColumnsParams {
  imagePtr: usize;
  columnsPtr: usize;
  channels: i32;
  height: i32;
  width: i32;
  positionsH: i32;
  positionsW: i32;
  kernelH: i32;
  kernelW: i32;
  strideH: i32;
  strideW: i32;
  dilationH: i32;
  dilationW: i32;
  paddingH: i32;
  paddingW: i32;
  imageBatchStride: i32;
  imageChannelStride: i32;
  imageStrideH: i32;
  imageStrideW: i32;
  columnsBatchStride: i32;
  columnsRowStride: i32;
  columnsPositionStride: i32;
  elementBytes: i32;
}

/** float16 and float32 numbers of the same values; items are pieces of `itemLength` elements. */
@unmanaged
export class HalfParams {
  halfPtr: usize;
  floatPtr: usize;
  length: i32;
  itemLength: i32;
  /** 1: the float32 numbers are written, 0: the float16 numbers. */
  toFloat: i32;
}

/** Interleaved 8-bit samples and planes of them; items are pieces of `itemLength` pixels. */
@unmanaged
export class PixelsParams {
  pixelsPtr: usize;
  planesPtr: usize;
  /** To pixels: the plane of alpha, 0 where `alpha` is that of every pixel. */
  alphaPtr: usize;
  /** From pixels: (scale, offset) as float64 per plane. */
  channelTablePtr: usize;
  length: i32;
  itemLength: i32;
  /** Samples per pixel of the source. */
  samples: i32;
  /** Planes. */
  channels: i32;
  luma: i32;
  elementBytes: i32;
  alpha: f64;
}
