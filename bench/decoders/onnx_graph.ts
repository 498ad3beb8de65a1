/** A network as an ONNX model: every activation, sum and concatenation is a node, as exporters write them. */

import { shapesOf } from '../layers.ts';
import { layerNode } from '../peers/layer_models.ts';
import type { OnnxGraph, OnnxNode } from '../peers/onnx_model.ts';
import { encodeModel } from '../peers/onnx_model.ts';
import type { Activation, LayerStep, Network, Parameters, Step } from './network.ts';
import { layerSteps } from './network.ts';

export function networkModel(network: Network, parameters: ReadonlyMap<string, Parameters>): Uint8Array {
  const initializers: Record<string, OnnxGraph['initializers'][string]> = {};
  for (const [name, { weight, bias }] of parameters) {
    const { layer } = layerSteps(network).find(({ output }) => output === name) as LayerStep;
    initializers[`${name} weight`] = { shape: shapesOf(layer).weight, data: weight };
    initializers[`${name} bias`] = { shape: [layer.cout], data: bias };
  }
  const inputs = Object.entries(network.inputs).map(([name, shape]) => [name, { shape }] as const);
  return encodeModel({
    name: network.name,
    nodes: network.steps.flatMap(stepNodes),
    initializers,
    inputs: Object.fromEntries(inputs),
    outputs: { [network.output]: null },
  });
}

function stepNodes(step: Step): OnnxNode[] {
  if (step.kind === 'add') return [{ type: 'Add', inputs: [step.first, step.second], output: step.output }];
  if (step.kind === 'concat') {
    return [{ type: 'Concat', inputs: step.inputs, output: step.output, attributes: { axis: 1 } }];
  }
  const { layer, input, output, inputActivation, activation } = step;
  const nodes: OnnxNode[] = [];
  const source = inputActivation === undefined ? input : `${output} input`;
  const target = activation === undefined ? output : `${output} linear`;
  if (inputActivation !== undefined) nodes.push(activationNode(inputActivation, input, source));
  nodes.push(layerNode(layer, [source, `${output} weight`, `${output} bias`], target));
  if (activation !== undefined) nodes.push(activationNode(activation, target, output));
  return nodes;
}

function activationNode(activation: Activation, input: string, output: string): OnnxNode {
  if (activation === 'relu') return { type: 'Relu', inputs: [input], output };
  if (activation === 'tanh') return { type: 'Tanh', inputs: [input], output };
  return { type: 'LeakyRelu', inputs: [input], output, attributes: { alpha: { real: activation.leakyRelu } } };
}
