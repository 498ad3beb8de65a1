/** ConvTranspose nodes of ONNX models as modules. */

import { ArgumentError, ShapeError } from '../../core/errors.ts';
import { createGenerator } from '../../core/generator.ts';
import { formatShape } from '../../core/shape.ts';
import { checkOptions, describe, wrongType } from '../../core/validate.ts';
import type { Engine } from '../../engine/engine.ts';
import type { SpatialRank } from '../../functional/conv_options.ts';
import type { Dtype } from '../../core/dtype.ts';
import type { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from '../../nn/conv_transpose.ts';
import type { FileTensor } from '../file_tensor.ts';
import { checkBytes } from '../file_tensor.ts';
import type { ConvTransposeAttributes } from './attributes.ts';
import { checkAttributes } from './attributes.ts';
import type { Attribute, Node } from './model.ts';
import { readNodes } from './model.ts';
import { makeModule } from './module.ts';
import type { ExternalData } from './tensor_proto.ts';
import { readTensorProto } from './tensor_proto.ts';

export interface LoadConvTransposesOptions {
  /** Default: the engine that `init()` made. */
  engine?: Engine;
  /** Names of the nodes to load; default: all. */
  nodes?: readonly string[];
  /** For models that keep their weights in other files: the bytes offset … offset + length − 1 of `location`. */
  externalData?: ExternalData;
}

/** AttributeProto.AttributeType */
const INT = 2;
const STRING = 3;
const INTS = 7;

/**
 * The ConvTranspose nodes of a model, with their weights, as modules in training mode. A node has the name of its first
 * output where it has none, or one that a node before it has.
 *
 * @param model bytes of a .onnx file
 * @throws {ArgumentError} for bytes that are no model, a name that no node has, or a weight that is no constant
 * @throws {DtypeError | ShapeError} for weights that are no floats, or not of their shape
 * @throws {EngineError | OutOfMemoryError} nothing is kept then
 */
export function loadConvTransposes(
  model: Uint8Array | ArrayBuffer,
  options: LoadConvTransposesOptions = {},
): Record<string, ConvTranspose1d | ConvTranspose2d | ConvTranspose3d> {
  const operation = 'loadConvTransposes';
  checkOptions(operation, options, ['engine', 'nodes', 'externalData']);
  const nodes = named(operation, readNodes(operation, checkBytes(operation, model), 'ConvTranspose'));
  const modules: [string, ConvTranspose1d | ConvTranspose2d | ConvTranspose3d][] = [];
  try {
    for (const name of chosen(operation, [...nodes.keys()], options.nodes)) {
      modules.push([name, moduleOf(operation, name, nodes.get(name)!, options)]);
    }
  } catch (error) {
    for (const [, module] of modules) module.dispose();
    throw error;
  }
  return Object.fromEntries(modules);
}

function named(operation: string, nodes: readonly Node[]): Map<string, Node> {
  const byName = new Map<string, Node>();
  for (const node of nodes) {
    const [output = ''] = node.outputs;
    const name = node.name === '' || byName.has(node.name) ? output : node.name;
    if (byName.has(name))
      throw new ArgumentError(operation, 'model', 'nodes of different names', `two ${describe(name)}`);
    byName.set(name, node);
  }
  return byName;
}

function chosen(operation: string, all: readonly string[], asked: readonly string[] | undefined): readonly string[] {
  if (asked === undefined) return all;
  if (!isArray(asked)) throw wrongType(operation, 'nodes', 'an array of names', asked);
  const missing = asked.find((name) => !all.includes(name));
  if (missing === undefined) return [...new Set(asked)]; // a module that is made twice would be lost once
  const names =
    all.length === 0 ? 'of a ConvTranspose, of which the model has none' : `among ${all.map(describe).join(', ')}`;
  throw new ArgumentError(operation, 'nodes', `names ${names}`, describe(missing));
}

/** Unlike `Array.isArray`, keeps the type of the elements. */
const isArray = (value: unknown): boolean => Array.isArray(value);

function moduleOf(
  operation: string,
  name: string,
  node: Node,
  { engine, externalData }: LoadConvTransposesOptions,
): ConvTranspose1d | ConvTranspose2d | ConvTranspose3d {
  const where = `${operation}(${describe(name)})`;
  const [, weightName = '', biasName = ''] = node.inputs;
  const read = (input: string, value: string): FileTensor => {
    const proto = node.constants.get(value);
    if (proto !== undefined) return readTensorProto(where, input, proto, externalData);
    throw new ArgumentError(where, input, 'an initializer or a constant', describe(value));
  };
  const weight = read('W', weightName);
  const bias = biasName === '' ? null : read('B', biasName);
  const axes = weight.shape.length - 2;
  if (axes < 1 || axes > 3 || weight.shape.includes(0)) {
    throw new ShapeError(where, 'W', '3 to 5 axes, none empty', formatShape(weight.shape));
  }
  const attributes = attributesOf(where, node);
  const checked = checkAttributes(where, axes as SpatialRank, attributes, weight.shape);
  const outChannels = weight.shape[1] * checked.group;
  if (bias !== null && (bias.shape.length !== 1 || bias.shape[0] !== outChannels)) {
    throw new ShapeError(where, 'B', `[${outChannels}]`, formatShape(bias.shape));
  }
  const generator = createGenerator(0); // what it draws is overwritten; the default one stays as it is
  const module = makeModule(weight.shape, checked, {
    bias: bias !== null,
    dtype: weight.type as Dtype,
    engine,
    generator,
  });
  try {
    module.loadStateDict(bias === null ? { weight } : { weight, bias });
    return module;
  } catch (error) {
    module.dispose();
    throw error;
  }
}

function attributesOf(where: string, { attributes }: Node): ConvTransposeAttributes {
  const values = attributes.map((attribute) => [attribute.name, valueOf(where, attribute)] as const);
  return Object.fromEntries(values);
}

/** Old exporters leave the type out, which the name tells. */
function valueOf(
  where: string,
  { name, type, integer, text, integers }: Attribute,
): number | string | readonly number[] {
  const expected = name === 'auto_pad' ? STRING : name === 'group' ? INT : INTS;
  if (type !== 0 && type !== expected) {
    throw new ArgumentError(where, name, `an attribute of type ${expected}`, `one of type ${type}`);
  }
  return expected === STRING ? text : expected === INT ? integer : integers;
}
