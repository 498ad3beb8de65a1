/**
 * Layout of the parameter blocks that kernels read. The twin of assembly/params.ts: a test
 * compares the two field by field.
 */

import type { Blocks } from './blocks.ts';
import { layout, PLAN_BLOCKS } from './blocks.ts';

export const BLOCKS: Blocks = {
  ...PLAN_BLOCKS,
  activation: layout(`
    savedPtr gradPtr targetPtr length itemLength elementBytes kind a:f64 b:f64
  `),
  prelu: layout(`
    inputPtr weightPtr gradPtr targetPtr partialPtr gradWeightPtr rows channels rowLength itemsPerRow
    itemLength elementBytes
  `),
  combine: layout(`
    targetPtr aPtr bPtr cPtr dPtr ePtr fPtr gPtr tablePtr outerAxes loops innerLength pieces itemLength formula mode clears
    vectors elementBytes alpha:f64 beta:f64 divisor:f64
  `),
  loss: layout(`
    predictionPtr targetPtr gradPtr partialPtr length itemLength elementBytes kind scale:f64
  `),
  optimizer: layout(`
    weightPtr gradPtr momentPtr secondMomentPtr length itemLength elementBytes stepSize:f64 weightDecay:f64 beta1:f64
    beta2:f64 eps:f64 secondScale:f64
  `),
  columns: layout(`
    imagePtr columnsPtr channels height width positionsH positionsW kernelH kernelW strideH strideW dilationH
    dilationW paddingH paddingW imageBatchStride imageChannelStride imageStrideH imageStrideW
    columnsBatchStride columnsRowStride columnsPositionStride elementBytes
  `),
  half: layout(`
    halfPtr floatPtr length itemLength toFloat
  `),
  pixels: layout(`
    pixelsPtr planesPtr alphaPtr channelTablePtr length itemLength samples channels luma elementBytes
    alpha:f64
  `),
};
