/**
 * Inputs of one position: nothing overlaps, so the product is a plain matrix product, written where it belongs. The
 * first layer of a generator is one: (batch, Cin) · (Cin, Cout · taps).
 */

import { elementBytes } from '../core/dtype.ts';
import { contiguousStrides, elementCount, isContiguous } from '../core/shape.ts';
import { chooseMr, nrOf, roundUp, stepCycles } from './blocking.ts';
import type { ProductSpec } from './conv_fields.ts';
import { areNeighbours } from './conv_geometry.ts';
import type { ConvPlan } from './conv_plan.ts';
import { planCopy } from './copy.ts';
import type { ForwardSpec } from './forward_spec.ts';
import type { GradWeightPlan } from './grad_weight.ts';
import { MATMUL_ROWS, planMatmul } from './matmul.ts';
import { withOperands } from './stage.ts';

/** Cycles, see `ConvPlan`, to pack a step of B: from L2, from where larger ones lie. */
const PACK_STEP = { near: 8, far: 14 } as const;
const NEAR_BYTES = 2 ** 20;
/** Cycles that an element takes on its way from phase planes of such inputs, where channels are first and last: pieces of lines. */
const SCATTERED_ELEMENT = { first: 10, last: 4 } as const;
/** Cycles to write a bias where the product adds to it. */
const BIAS_ELEMENT = 3;

/** Of the axes that make a column, what they have, in the order of the large side: channels first or last. */
function inOrder({ output }: ProductSpec, channel: number, taps: readonly number[]): number[] {
  return areNeighbours(output) ? [...taps, channel] : [channel, ...taps];
}

/** Lengths of those axes. */
function columnLengths(spec: ProductSpec): number[] {
  const { outChannels, axes } = spec.geometry;
  return inOrder(
    spec,
    outChannels,
    axes.map(({ kernel }) => kernel),
  );
}

/** True for a product to the large side that `planOnePosition` takes. */
export function acceptsOnePosition(spec: ProductSpec): boolean {
  const { geometry, output, activation, inputActivation } = spec;
  return (
    geometry.batch > 0 &&
    geometry.axes.every(({ input, output, kernel, dilation, crop }) => {
      return input === 1 && output === kernel && crop === 0 && (dilation === 1 || kernel === 1);
    }) &&
    !activation?.kind &&
    !inputActivation?.kind &&
    isContiguous(columnLengths(spec), inOrder(spec, output.channel, output.spatial))
  );
}

/** True for a product of both sides that `planOnePositionGradWeight` takes. */
export function acceptsOnePositionGradWeight(spec: ProductSpec): boolean {
  const { outChannel, spatial } = spec.weight;
  return acceptsOnePosition(spec) && isContiguous(columnLengths(spec), inOrder(spec, outChannel, spatial));
}

/** Cycles of `rows` rows by `columns` columns, `depth` deep. */
function productCycles(spec: ProductSpec, rows: number, columns: number, depth: number): number {
  const mr = chooseMr(spec, (height) => roundUp(rows, height));
  const packStep = PACK_STEP[depth * columns * elementBytes(spec.dtype) <= NEAR_BYTES ? 'near' : 'far'];
  const cycles = stepCycles(roundUp(rows, mr), mr, spec.kernelSet) + packStep * Math.ceil(rows / MATMUL_ROWS);
  return (cycles * depth * columns) / nrOf(spec.dtype);
}

/** The plan of a product to the large side as one matrix product. Operands: see `forwardPlan`. */
export function planOnePosition(spec: ForwardSpec): ConvPlan {
  const { dtype, geometry, input, output, weight, bias } = spec;
  const { batch, groups, inChannels, outChannels, axes } = geometry;
  const lengths = columnLengths(spec);
  const n = elementCount(lengths);
  const shape = [groups * inChannels, ...lengths];
  const source = [weight.inChannel, ...inOrder(spec, weight.outChannel, weight.spatial)];
  const scattered = SCATTERED_ELEMENT[areNeighbours(output) ? 'last' : 'first'];
  const product = planMatmul({
    ...spec,
    batch: [{ length: groups, a: inChannels * input.channel, b: inChannels * n, c: outChannels * output.channel }],
    m: batch,
    n,
    k: inChannels,
    a: { row: input.batch, column: input.channel },
    b: { row: n, column: 1 },
    c: { row: output.batch, column: 1 },
    accumulate: bias || spec.accumulate,
  });
  const stages = withOperands(product.stages, { a: 'input', b: 'packedWeight', c: 'output' });
  if (bias) {
    const outputs = [batch, groups * outChannels, ...axes.map(({ kernel }) => kernel)];
    const copy = planCopy(dtype, outputs, [0, 1, 0, 0, 0], [output.batch, output.channel, ...output.spatial]);
    stages.unshift(...withOperands([copy], { source: 'bias', target: 'output' }));
  }
  return {
    pack: withOperands([planCopy(dtype, shape, source, contiguousStrides(shape))], {
      source: 'weight',
      target: 'packedWeight',
    }),
    stages,
    packedWeightBytes: elementCount(shape) * elementBytes(dtype),
    workspaceBytes: product.workspaceBytes,
    cycles: productCycles(spec, batch, n, inChannels) + ((bias ? BIAS_ELEMENT : 0) - scattered) * batch * n,
    packKey: ['onePosition', dtype, groups, ...shape, ...source].join(),
  };
}

/** The plan of gradWeight as one matrix product. Operands: see `planGradWeight`. */
export function planOnePositionGradWeight(spec: ProductSpec): GradWeightPlan {
  const { geometry, input, output, weight } = spec;
  const { batch, groups, inChannels, outChannels } = geometry;
  const n = elementCount(columnLengths(spec));
  const [a, b, c] = [input.channel, output.channel, weight.inChannel];
  const { stages, workspaceBytes } = planMatmul({
    ...spec,
    batch: [{ length: groups, a: inChannels * a, b: outChannels * b, c: inChannels * c }],
    m: inChannels,
    n,
    k: batch,
    a: { row: a, column: input.batch },
    b: { row: output.batch, column: 1 },
    c: { row: c, column: 1 },
  });
  return {
    stages: withOperands(stages, { a: 'input', b: 'output', c: 'weight' }),
    workspaceBytes,
    cycles: groups * productCycles(spec, inChannels, n, batch),
  };
}
