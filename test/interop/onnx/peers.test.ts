import { beforeAll, describe, expect, test } from 'vitest';
import { init, tensor, UpconvError } from '../../../src/index.ts';
import type { Engine, Tensor } from '../../../src/index.ts';
import type { ConvTransposeAttributes } from '../../../src/onnx.ts';
import {
  convTranspose,
  convTransposeBackward,
  convTransposeBackwardSync,
  convTransposeSync,
} from '../../../src/onnx.ts';
import type { NumericCase, PeerGradients, PeerTensor, Tolerance } from '../../peers/load.ts';
import { gradientSets, limitOf, loadPeerVectors } from '../../peers/load.ts';
import { readVectors } from '../../peers/read_vectors.ts';
import { refTensor } from '../../reference/tensor.ts';
import { expectWithin } from '../../support/expect.ts';
import { filled, held, heldGradients } from '../../support/operations.ts';

type Attributes = { [Name in keyof ConvTransposeAttributes]?: ConvTransposeAttributes[Name] | null };

interface OnnxCase extends Attributes {
  name: string;
  input: PeerTensor;
  weight: PeerTensor;
  bias: PeerTensor | null;
  expected: PeerTensor;
  tolerance: Tolerance;
  grads: PeerGradients | null;
  gradsTorch?: PeerGradients;
}

interface OnnxErrorCase extends Attributes {
  name: string;
  /** Null: only the peer throws. */
  throws: true | null;
  input: { shape: number[] };
  weight: { shape: number[] };
  bias: { shape: number[] } | null;
}

const NAMES = [
  'auto_pad',
  'dilations',
  'group',
  'kernel_shape',
  'output_padding',
  'output_shape',
  'pads',
  'strides',
] as const;

/** What a case gives of the attributes. */
function attributesOf(c: Attributes): ConvTransposeAttributes {
  const given = NAMES.map((name) => [name, c[name]] as const).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  return Object.fromEntries(given);
}

const only = await readVectors<(OnnxCase | OnnxErrorCase)[]>('onnx_only');
const numeric = (only ?? []).filter((c): c is OnnxCase => !('throws' in c));
const errors = (only ?? []).filter((c): c is OnnxErrorCase => 'throws' in c);
/** Cases of PyTorch's semantics, in the words of ONNX. */
const plain = ((await loadPeerVectors())?.numeric ?? []).filter(
  (c) => c.input.shape.length === c.dims + 2 && c.dtype === undefined && !c.input.shape.includes(0),
);

test('the vectors of the peers are there', (context) => {
  if (!only) context.skip('UPCONV_PEER_VECTORS is not set');
  expect(numeric.length).toBeGreaterThan(6);
  expect(errors.length).toBeGreaterThan(1);
  expect(plain.length).toBeGreaterThan(100);
});

describe.runIf(only)('onnx', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await init();
  });

  const upload = ({ shape, data }: PeerTensor): Tensor => held(tensor(Float32Array.from(data), shape));
  const expectClose = (result: Tensor, { shape, data }: PeerTensor, tolerance: Tolerance): void =>
    expectWithin(result, refTensor(shape, data), limitOf(tolerance));

  async function checkCase(attributes: ConvTransposeAttributes, c: OnnxCase | NumericCase): Promise<void> {
    const [X, W, B] = [upload(c.input), upload(c.weight), c.bias && upload(c.bias)];
    expectClose(held(await convTranspose(attributes, [X, W, B])), c.expected, c.tolerance);
    expectClose(held(convTransposeSync(attributes, { X, W, B })), c.expected, c.tolerance);
    for (const set of [c.grads, c.gradsTorch].filter((set) => set !== null && set !== undefined)) {
      const gradOutput = upload(set.gradOutput);
      for (const gradients of [
        heldGradients(await convTransposeBackward(attributes, gradOutput, [X, W])),
        heldGradients(convTransposeBackwardSync(attributes, gradOutput, [X, W])),
      ]) {
        expectClose(gradients.gradInput!, set.gradInput, set.tolerance.gradInput);
        expectClose(gradients.gradWeight!, set.gradWeight, set.tolerance.gradWeight);
        if (set.gradBias && set.tolerance.gradBias)
          expectClose(gradients.gradBias!, set.gradBias, set.tolerance.gradBias);
      }
    }
  }

  test.each(numeric)('$name', async (c) => {
    await checkCase(attributesOf(c), c);
  });

  test.each(plain)('as PyTorch: $name', async (c) => {
    // the vectors have an integer for every axis
    const [strides, padding, dilations] = [c.stride, c.padding, c.dilation] as number[][];
    const common = { strides, dilations, group: c.groups, kernel_shape: c.weight.shape.slice(2) };
    const output_padding = c.resolvedOutputPadding ?? (c.outputPadding as number[]);
    expect(gradientSets(c).length).toBeGreaterThan(0);
    await checkCase({ ...common, output_padding, pads: [...padding, ...padding] }, c);
  });

  test.each(errors.filter((c) => c.throws))('throws: $name', async (c) => {
    const inputs = [filled(c.input.shape), filled(c.weight.shape), c.bias && filled(c.bias.shape)] as const;
    await expect(convTranspose(attributesOf(c), inputs)).rejects.toThrow(UpconvError);
    expect(() => convTransposeSync(attributesOf(c), inputs)).toThrow(UpconvError);
  });

  test.each(errors.filter((c) => !c.throws))('does not throw, as PyTorch: $name', (c) => {
    const inputs = [filled(c.input.shape), filled(c.weight.shape), c.bias && filled(c.bias.shape)] as const;
    expect(() => held(convTransposeSync(attributesOf(c), inputs))).not.toThrow();
  });

  test('every tensor is released', () => {
    expect(engine.memory.tensors).toBe(0);
  });
});
