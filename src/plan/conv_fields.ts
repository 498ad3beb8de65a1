/** Fields of the 'conv' parameter block that every convolution stage fills alike. */

import type { CheckedActivation } from '../core/activation.ts';
import { NO_ACTIVATION } from '../core/activation.ts';
import type { Dtype } from '../core/dtype.ts';
import { elementBytes } from '../core/dtype.ts';
import type { KernelSet } from '../core/kernel_set.ts';
import { ceilDiv, roundUp } from './blocking.ts';
import type { AxisPhases, ConvGeometry, Strides, WeightStrides } from './conv_geometry.ts';
import type { FieldValue } from './stage.ts';

/** What plans of convolutions have in common. */
export interface ProductSpec {
  readonly dtype: Dtype;
  readonly kernelSet: KernelSet;
  /** Height of the micro-kernel, to force one; null lets the plan choose. */
  readonly mr: number | null;
  readonly geometry: ConvGeometry;
  /** The small side. */
  readonly input: Strides;
  readonly weight: WeightStrides;
  /** The large side. */
  readonly output: Strides;
  /** Add to what is there. */
  readonly accumulate: boolean;
  /** Of what is written. */
  readonly activation?: CheckedActivation;
  /** Of what is read. */
  readonly inputActivation?: CheckedActivation;
}

/** What is cut into boxes along one axis: coordinates begin ≤ q < end, cut at multiples of `box` from origin on. */
export interface Range {
  readonly origin?: number;
  readonly begin: number;
  readonly end: number;
}

/**
 * Geometry, strides, activations and boxes. `boxes` is their number: the fastest part of an item's number.
 * @param phases null for stages that know none
 */
export function convFields(
  { dtype, geometry, input, weight, output, accumulate, ...functions }: ProductSpec,
  phases: readonly AxisPhases[] | null,
  ranges: readonly Range[],
  box: readonly number[],
): { fields: Record<string, FieldValue>; boxes: number } {
  const { activation = NO_ACTIVATION, inputActivation = NO_ACTIVATION } = functions;
  const fields: Record<string, FieldValue> = {
    elementBytes: elementBytes(dtype),
    batch: geometry.batch,
    groups: geometry.groups,
    inChannels: geometry.inChannels,
    outChannels: geometry.outChannels,
    inputBatchStride: input.batch,
    inputChannelStride: input.channel,
    outputBatchStride: output.batch,
    outputChannelStride: output.channel,
    weightInStride: weight.inChannel,
    weightOutStride: weight.outChannel,
    accumulate: Number(accumulate),
    activation: activation.kind,
    activationA: activation.a,
    activationB: activation.b,
    inputActivation: inputActivation.kind,
    inputActivationA: inputActivation.a,
    inputActivationB: inputActivation.b,
  };
  let boxes = 1;
  ['D', 'H', 'W'].forEach((name, axis) => {
    const { begin, end, origin = begin } = ranges[axis];
    const count = ceilDiv(end - origin, box[axis]);
    boxes *= count;
    const ofAxis: Record<string, FieldValue> = {
      input: geometry.axes[axis].input,
      output: geometry.axes[axis].output,
      kernel: geometry.axes[axis].kernel,
      stride: geometry.axes[axis].stride,
      dilation: geometry.axes[axis].dilation,
      crop: geometry.axes[axis].crop,
      inputStride: input.spatial[axis],
      outputStride: output.spatial[axis],
      rangeOrigin: origin,
      rangeBegin: begin,
      rangeEnd: end,
      box: box[axis],
      boxes: count,
    };
    if (phases !== null) {
      const { maxShift, residues } = phases[axis];
      Object.assign(ofAxis, { maxShift, phases: residues.length, residuesPtr: Int32Array.from(residues) });
    }
    for (const [field, value] of Object.entries(ofAxis)) fields[field + name] = value;
  });
  return { fields, boxes };
}

/** Bytes of the item's box, with which a thread's workspace begins; see assembly/conv/box.ts. */
const BOX_BYTES = 128;

/**
 * A thread's workspace: box, planes, then `areas` in order, each of so many bytes.
 * @returns fields `…Offset` of the areas, `threadBytes` of them all
 */
export function workspaceFields<Area extends string>(
  planesBytes: number,
  areas: Readonly<Record<Area, number>>,
): Record<`${Area}Offset` | 'threadBytes', number> {
  let threadBytes = BOX_BYTES + roundUp(planesBytes, 64);
  const offsets: Record<string, number> = {};
  for (const [name, bytes] of Object.entries<number>(areas)) {
    offsets[`${name}Offset`] = threadBytes;
    threadBytes += roundUp(bytes, 64);
  }
  return { ...offsets, threadBytes } as Record<`${Area}Offset` | 'threadBytes', number>;
}
