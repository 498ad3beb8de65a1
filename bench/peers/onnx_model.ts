/** ONNX models, from nodes and numbers. */

import onnxProto from 'onnx-proto';

const { onnx } = onnxProto;
const { FLOAT, INT64 } = onnx.TensorProto.DataType;
const { INT, INTS, FLOAT: FLOAT_ATTRIBUTE } = onnx.AttributeProto.AttributeType;

/** Conv and ConvTranspose got no new version between opset 11 and 21. */
const OPSET = 13;
const IR_VERSION = 7;

export type Numbers = Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;
/** An integer, integers, or a real number. */
export type Attribute = number | readonly number[] | { readonly real: number };

export interface OnnxNode {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

export interface Value {
  readonly shape: readonly number[];
  readonly integer?: boolean;
}

export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  /** Values that the model holds. One that is an input, too, may be replaced by the caller: it is no constant. */
  readonly initializers: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: Numbers }>>;
  readonly inputs: Readonly<Record<string, Value>>;
  /** By name; null: of a shape that the inputs decide. */
  readonly outputs: Readonly<Record<string, readonly number[] | null>>;
}

export function encodeModel({ name, nodes, initializers, inputs, outputs }: OnnxGraph): Uint8Array {
  return onnx.ModelProto.encode({
    irVersion: IR_VERSION,
    opsetImport: [{ domain: '', version: OPSET }],
    graph: {
      name,
      node: nodes.map((node) => ({
        opType: node.type,
        input: [...node.inputs],
        output: [node.output],
        attribute: Object.entries(node.attributes ?? {}).map(encodeAttribute),
      })),
      initializer: Object.entries(initializers).map(([name, { shape, data }]) => ({
        name,
        dataType: data instanceof BigInt64Array ? INT64 : FLOAT,
        dims: [...shape],
        rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      })),
      input: Object.entries(inputs).map(([name, { shape, integer }]) =>
        valueInfo(name, integer ? INT64 : FLOAT, shape),
      ),
      output: Object.entries(outputs).map(([name, shape]) => valueInfo(name, FLOAT, shape)),
    },
  }).finish();
}

type AttributeProto = ReturnType<typeof onnx.AttributeProto.create>;

function encodeAttribute([name, value]: [string, Attribute]): AttributeProto {
  if (typeof value === 'number') return onnx.AttributeProto.create({ name, type: INT, i: value });
  if ('real' in value) return onnx.AttributeProto.create({ name, type: FLOAT_ATTRIBUTE, f: value.real });
  return onnx.AttributeProto.create({ name, type: INTS, ints: [...value] });
}

type ValueInfoProto = ReturnType<typeof onnx.ValueInfoProto.fromObject>;

function valueInfo(name: string, elemType: number, shape: readonly number[] | null): ValueInfoProto {
  const dims = shape === null ? {} : { shape: { dim: shape.map((dimValue) => ({ dimValue })) } };
  return onnx.ValueInfoProto.fromObject({ name, type: { tensorType: { elemType, ...dims } } });
}
