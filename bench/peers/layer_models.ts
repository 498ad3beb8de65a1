/** ONNX models of one layer. */

import type { LayerData } from '../../src/cli/benchmark/layer_calls.ts';
import type { Layer } from '../layers.ts';
import type { Attribute, OnnxNode } from './onnx_model.ts';
import { encodeModel } from './onnx_model.ts';

export function layerNode(layer: Layer, inputs: readonly string[], output: string): OnnxNode {
  const { kernel, stride, padding, outputPadding, dilation, groups } = layer;
  const attributes: Record<string, Attribute> = {
    kernel_shape: kernel,
    strides: stride,
    pads: [...padding, ...padding],
    dilations: dilation,
    group: groups,
  };
  if (layer.kind === 'conv') return { type: 'Conv', inputs, output, attributes };
  return { type: 'ConvTranspose', inputs, output, attributes: { ...attributes, output_padding: outputPadding } };
}

/** Input `x`, output `y`; the weight is an initialiser, as it is in exported models. */
export function endToEndModel({ layer, shapes, weight }: LayerData): Uint8Array {
  return encodeModel({
    name: layer.name,
    nodes: [layerNode(layer, ['x', 'weight'], 'y')],
    initializers: { weight: { shape: shapes.weight, data: weight } },
    inputs: { x: { shape: shapes.input } },
    outputs: { y: shapes.output },
  });
}

/**
 * Data stays in the library's memory: `x` is an initialiser that could be replaced, so the layer is not computed when
 * the model is loaded, and of the result only the elements before the corner `ends` leave.
 */
export function residentModel({ layer, shapes, input, weight }: LayerData): Uint8Array {
  const rank = shapes.output.length;
  return encodeModel({
    name: layer.name,
    nodes: [layerNode(layer, ['x', 'weight'], 'y'), { type: 'Slice', inputs: ['y', 'starts', 'ends'], output: 'part' }],
    initializers: {
      weight: { shape: shapes.weight, data: weight },
      x: { shape: shapes.input, data: input },
      starts: { shape: [rank], data: new BigInt64Array(rank) },
    },
    inputs: { x: { shape: shapes.input }, ends: { shape: [rank], integer: true } },
    outputs: { part: null },
  });
}
