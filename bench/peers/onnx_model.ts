/** ONNX models of one ConvTranspose. */

import onnxProto from 'onnx-proto';
import type { LayerData } from '../../src/cli/benchmark/layer_calls.ts';

const { onnx } = onnxProto;
const { FLOAT } = onnx.TensorProto.DataType;
const { INT, INTS } = onnx.AttributeProto.AttributeType;

/** ConvTranspose got no new version between opset 11 and 21. */
const OPSET = 13;
const IR_VERSION = 7;

/** Input `x`, output `y`; the weight is an initialiser, as it is in exported models. */
export function convTransposeModel({ layer, shapes, weight }: LayerData): Uint8Array {
  const { kernel, stride, padding, outputPadding, dilation, groups } = layer;
  return onnx.ModelProto.encode({
    irVersion: IR_VERSION,
    opsetImport: [{ domain: '', version: OPSET }],
    graph: {
      name: layer.name,
      node: [
        {
          opType: 'ConvTranspose',
          input: ['x', 'weight'],
          output: ['y'],
          attribute: [
            integers('kernel_shape', kernel),
            integers('strides', stride),
            integers('pads', [...padding, ...padding]),
            integers('output_padding', outputPadding),
            integers('dilations', dilation),
            { name: 'group', type: INT, i: groups },
          ],
        },
      ],
      initializer: [
        { name: 'weight', dataType: FLOAT, dims: [...shapes.weight], rawData: new Uint8Array(weight.buffer) },
      ],
      input: [valueInfo('x', shapes.input)],
      output: [valueInfo('y', shapes.output)],
    },
  }).finish();
}

function integers(name: string, values: readonly number[]): { name: string; type: typeof INTS; ints: number[] } {
  return { name, type: INTS, ints: [...values] };
}

function valueInfo(name: string, shape: readonly number[]): InstanceType<typeof onnx.ValueInfoProto> {
  const dim = shape.map((dimValue) => ({ dimValue }));
  return onnx.ValueInfoProto.fromObject({ name, type: { tensorType: { elemType: FLOAT, shape: { dim } } } });
}
