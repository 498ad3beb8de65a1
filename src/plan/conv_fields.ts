/** Fields of the 'conv' parameter block that every convolution stage fills alike. */

import type { CheckedActivation } from '../core/activation.ts';
import { NO_ACTIVATION } from '../core/activation.ts';
import type { AxisPhases, ConvGeometry, Strides } from './conv_geometry.ts';
import type { FieldValue } from './stage.ts';

const AXIS_NAMES = ['D', 'H', 'W'] as const;

export function geometryFields(
  geometry: ConvGeometry,
  phases: readonly AxisPhases[],
  input: Strides,
  output: Strides,
): Record<string, FieldValue> {
  const fields: Record<string, FieldValue> = {
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
    const { maxShift, begin, end, residues } = phases[axis];
    Object.assign(fields, {
      [`input${name}`]: length,
      [`output${name}`]: outputLength,
      [`stride${name}`]: stride,
      [`crop${name}`]: crop,
      [`inputStride${name}`]: input.spatial[axis],
      [`outputStride${name}`]: output.spatial[axis],
      [`maxShift${name}`]: maxShift,
      [`planeBegin${name}`]: begin,
      [`planeEnd${name}`]: end,
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

export function boxFields(
  box: readonly [number, number, number],
  counts: readonly [number, number, number],
): Record<string, number> {
  const fields: Record<string, number> = {};
  AXIS_NAMES.forEach((name, axis) => {
    fields[`box${name}`] = box[axis];
    fields[`boxes${name}`] = counts[axis];
  });
  return fields;
}
