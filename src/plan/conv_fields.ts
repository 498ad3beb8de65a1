/** Fields of the 'conv' parameter block that every convolution stage fills alike. */

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
