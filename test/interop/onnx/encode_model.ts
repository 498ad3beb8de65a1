/** ONNX models from nodes and tensors, field by field: numbers are those of onnx.proto. */

import { PbfWriter } from 'pbf';

export type AttributeValue = number | string | readonly number[] | { tensor: Uint8Array } | { graph: Uint8Array };

export interface NodeSpec {
  readonly type?: string;
  readonly name?: string;
  readonly domain?: string;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

function message(write: (writer: PbfWriter) => void): Uint8Array<ArrayBuffer> {
  const writer = new PbfWriter();
  write(writer);
  return Uint8Array.from(writer.finish());
}

const encodeAttribute = (name: string, value: AttributeValue, isTyped: boolean): Uint8Array =>
  message((writer) => {
    const typed = (type: number): void => {
      if (isTyped) writer.writeVarintField(20, type);
    };
    writer.writeStringField(1, name);
    if (typeof value === 'number') {
      writer.writeVarintField(3, value);
      typed(2);
    } else if (typeof value === 'string') {
      writer.writeStringField(4, value);
      typed(3);
    } else if ('tensor' in value) {
      writer.writeBytesField(5, value.tensor);
      typed(4);
    } else if ('graph' in value) {
      writer.writeBytesField(6, value.graph);
      typed(5);
    } else {
      for (const entry of value) writer.writeVarintField(8, entry); // not packed, as proto2 writes it
      typed(7);
    }
  });

export function encodeNode(spec: NodeSpec, isTyped = true): Uint8Array<ArrayBuffer> {
  const { type = 'ConvTranspose', name = '', domain, inputs = ['x', 'w'], outputs = ['y'], attributes = {} } = spec;
  return message((writer) => {
    for (const input of inputs) writer.writeStringField(1, input);
    for (const output of outputs) writer.writeStringField(2, output);
    writer.writeStringField(3, name);
    writer.writeStringField(4, type);
    for (const [key, value] of Object.entries(attributes))
      writer.writeBytesField(5, encodeAttribute(key, value, isTyped));
    if (domain !== undefined) writer.writeStringField(7, domain);
  });
}

export const DATA_TYPE = { float32: 1, int64: 7, float16: 10, float64: 11, bfloat16: 16 } as const;

/** A TensorProto whose elements `write` writes. */
export function encodeTensor(
  name: string,
  shape: readonly number[],
  type: keyof typeof DATA_TYPE,
  write: (writer: PbfWriter) => void,
): Uint8Array<ArrayBuffer> {
  return message((writer) => {
    writer.writePackedVarint(1, [...shape]);
    writer.writeVarintField(2, DATA_TYPE[type]);
    write(writer);
    writer.writeStringField(8, name);
  });
}

/** A tensor with raw_data. */
export function rawTensor(
  name: string,
  shape: readonly number[],
  data: ArrayBufferView,
  type: keyof typeof DATA_TYPE = 'float32',
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return encodeTensor(name, shape, type, (writer) => writer.writeBytesField(9, bytes));
}

/** A tensor whose elements are in another file. */
export function externalTensor(
  name: string,
  shape: readonly number[],
  entries: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  return encodeTensor(name, shape, 'float32', (writer) => {
    for (const [key, value] of Object.entries(entries)) {
      const entry = message((inner) => {
        inner.writeStringField(1, key);
        inner.writeStringField(2, value);
      });
      writer.writeBytesField(13, entry);
    }
    writer.writeVarintField(14, 1);
  });
}

export function encodeGraph(
  nodes: readonly Uint8Array[],
  initializers: readonly Uint8Array[] = [],
): Uint8Array<ArrayBuffer> {
  return message((writer) => {
    for (const node of nodes) writer.writeBytesField(1, node);
    writer.writeStringField(2, 'graph');
    for (const initializer of initializers) writer.writeBytesField(5, initializer);
  });
}

export function encodeModel(
  nodes: readonly Uint8Array[],
  initializers: readonly Uint8Array[] = [],
): Uint8Array<ArrayBuffer> {
  return message((writer) => {
    writer.writeVarintField(1, 10); // IR version
    writer.writeStringField(2, 'a test');
    writer.writeBytesField(7, encodeGraph(nodes, initializers));
    writer.writeBytesField(
      8,
      message((opset) => opset.writeVarintField(2, 22)),
    );
  });
}
