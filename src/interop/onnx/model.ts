/** Models as far as this package reads them: the nodes of a type, and the values that are constants. Fields have numbers in onnx.proto. */

import { ArgumentError } from '../../core/errors.ts';
import type { Field } from './protobuf.ts';
import { readMessage } from './protobuf.ts';

/** Bytes of a TensorProto. */
export type TensorBytes = Uint8Array<ArrayBuffer>;

/** Constants by name; a graph inside another one sees those of the outer one, too. */
export type Constants = ReadonlyMap<string, TensorBytes>;

export interface Attribute {
  readonly name: string;
  /** AttributeProto.AttributeType */
  readonly type: number;
  readonly integer: number;
  readonly text: string;
  readonly integers: readonly number[];
  readonly tensor: TensorBytes | null;
  readonly graphs: readonly Uint8Array<ArrayBuffer>[];
}

export interface Node {
  readonly name: string;
  readonly type: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly Attribute[];
  /** What its inputs may be. */
  readonly constants: Constants;
}

/** The operators of the standard. */
const DOMAINS: ReadonlySet<string> = new Set(['', 'ai.onnx']);

/**
 * All nodes of a type of the standard, of inner graphs too, in the order of the model.
 * @throws {ArgumentError} for bytes that are no model
 */
export function readNodes(operation: string, model: Uint8Array<ArrayBuffer>, type: string): Node[] {
  try {
    let graph: Uint8Array<ArrayBuffer> | null = null;
    readMessage(model, (field) => {
      if (field.number === 7) graph = field.bytes();
    });
    if (graph === null) throw new Error('it has no graph');
    return nodesOf(graph, new Map(), type);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ArgumentError(operation, 'model', 'the bytes of an ONNX model', `something else (${reason})`);
  }
}

function nodesOf(graph: Uint8Array<ArrayBuffer>, outer: Constants, type: string): Node[] {
  const constants = new Map(outer);
  const nodes: Node[] = [];
  readMessage(graph, (field) => {
    if (field.number === 1) nodes.push(readNode(field.bytes(), constants));
    if (field.number === 5) addInitializer(constants, field.bytes());
  });
  const found: Node[] = [];
  for (const node of nodes) {
    if (DOMAINS.has(node.domain)) {
      addConstant(constants, node); // nodes come in the order in which they compute
      if (node.type === type) found.push(node);
    }
    for (const { graphs } of node.attributes) {
      for (const inner of graphs) found.push(...nodesOf(inner, constants, type));
    }
  }
  return found;
}

function addInitializer(constants: Map<string, TensorBytes>, bytes: TensorBytes): void {
  readMessage(bytes, (field) => {
    if (field.number === 8) constants.set(field.text(), bytes);
  });
}

function addConstant(constants: Map<string, TensorBytes>, { type, inputs, outputs, attributes }: Node): void {
  const value =
    type === 'Constant'
      ? attributes.find(({ name }) => name === 'value')?.tensor
      : type === 'Identity'
        ? constants.get(inputs[0])
        : undefined;
  if (value) constants.set(outputs[0], value);
}

function readNode(bytes: Uint8Array<ArrayBuffer>, constants: Constants): Node {
  const [inputs, outputs]: string[][] = [[], []];
  const attributes: Attribute[] = [];
  let [name, type, domain] = ['', '', ''];
  readMessage(bytes, (field) => {
    if (field.number === 1) inputs.push(field.text());
    else if (field.number === 2) outputs.push(field.text());
    else if (field.number === 3) name = field.text();
    else if (field.number === 4) type = field.text();
    else if (field.number === 5) attributes.push(readAttribute(field.bytes()));
    else if (field.number === 7) domain = field.text();
  });
  return { name, type, domain, inputs, outputs, attributes, constants };
}

function readAttribute(bytes: Uint8Array<ArrayBuffer>): Attribute {
  const integers: number[] = [];
  const graphs: Uint8Array<ArrayBuffer>[] = [];
  let tensor: TensorBytes | null = null;
  let [name, text] = ['', ''];
  let [type, integer] = [0, 0];
  const read: Readonly<Record<number, (field: Field) => void>> = {
    1: (field) => (name = field.text()),
    3: (field) => (integer = field.integer()),
    4: (field) => (text = field.text()),
    5: (field) => (tensor = field.bytes()),
    6: (field) => graphs.push(field.bytes()),
    8: (field) => integers.push(...field.integers()),
    11: (field) => graphs.push(field.bytes()),
    20: (field) => (type = field.integer()),
  };
  readMessage(bytes, (field) => read[field.number]?.(field));
  return { name, type, integer, text, integers, tensor, graphs };
}
