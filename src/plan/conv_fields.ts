/** Fields of the 'conv' parameter block that every convolution stage fills alike. */

import type { CheckedActivation } from '../core/activation.ts';
import { NO_ACTIVATION } from '../core/activation.ts';
import type { Dtype } from '../core/dtype.ts';
import { elementBytes } from '../core/dtype.ts';
import type { AxisPhases, ConvGeometry, Strides } from './conv_geometry.ts';
import type { FieldValue } from './stage.ts';

const AXIS_NAMES = ['D', 'H', 'W'] as const;

/** Bytes of the item's box, with which a thread's workspace begins; see assembly/conv/box.ts. */
export const BOX_BYTES = 64;

export function geometryFields(
  dtype: Dtype,
  geometry: ConvGeometry,
  phases: readonly AxisPhases[],
  input: Strides,
  output: Strides,
): Record<string, FieldValue> {
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
  };
  AXIS_NAMES.forEach((name, axis) => {
    const { input: length, output: outputLength, stride, crop } = geometry.axes[axis];
    const { maxShift, residues } = phases[axis];
    Object.assign(fields, {
      [`input${name}`]: length,
      [`output${name}`]: outputLength,
      [`stride${name}`]: stride,
      [`crop${name}`]: crop,
      [`inputStride${name}`]: input.spatial[axis],
      [`outputStride${name}`]: output.spatial[axis],
      [`maxShift${name}`]: maxShift,
      [`phases${name}`]: residues.length,
      [`residuesPtr${name}`]: Int32Array.from(residues),
    });
  });
  return fields;
}

/** What is read passes through `inputActivation`, what is written through `activation`. */
export function activationFields({
  activation = NO_ACTIVATION,
  inputActivation = NO_ACTIVATION,
}: {
  readonly activation?: CheckedActivation;
  readonly inputActivation?: CheckedActivation;
}): Record<string, number> {
  return {
    activation: activation.kind,
    activationA: activation.a,
    activationB: activation.b,
    inputActivation: inputActivation.kind,
    inputActivationA: inputActivation.a,
    inputActivationB: inputActivation.b,
  };
}

/** What is cut into boxes along one axis: coordinates begin ≤ q < end, cut at multiples of `box` from origin on. */
export interface Range {
  readonly origin?: number;
  readonly begin: number;
  readonly end: number;
}

/** Boxes are the fastest part of an item's number, those along W first. */
export function boxFields(
  ranges: readonly Range[],
  box: readonly number[],
  counts: readonly number[],
): Record<string, number> {
  const fields: Record<string, number> = {};
  AXIS_NAMES.forEach((name, axis) => {
    const { begin, end, origin = begin } = ranges[axis];
    Object.assign(fields, {
      [`rangeOrigin${name}`]: origin,
      [`rangeBegin${name}`]: begin,
      [`rangeEnd${name}`]: end,
      [`box${name}`]: box[axis],
      [`boxes${name}`]: counts[axis],
    });
  });
  return fields;
}
