/** Calls at the border of what PyTorch 1.13 accepts, with its shapes and values. All tensors are ones unless given. */

import { beforeAll, describe, expect, test } from 'vitest';
import { convTransposeOutputSize, init, tensor } from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { convTransposeReference } from '../reference/conv_transpose.ts';
import type { RefTensor } from '../reference/tensor.ts';
import { elementCount, refTensor } from '../reference/tensor.ts';
import { expectIdentical } from '../support/expect.ts';
import { CONV_TRANSPOSE, CONV_TRANSPOSE_MODULE, filled, held, heldGradients } from '../support/operations.ts';
import { randomFloat32 } from '../support/random.ts';

type Dims = 1 | 2 | 3;

let engine: Engine;
beforeAll(async () => {
  engine = await init();
});

const ACCEPTED: [
  call: string,
  dims: Dims,
  input: number[],
  weight: number[],
  options: object,
  shape: number[],
  values?: number[],
][] = [
  ['output_padding=2 < dilation=3', 1, [1, 1, 3], [1, 1, 3], { stride: 2, outputPadding: 2, dilation: 3 }, [1, 1, 13]],
  ['output_padding=(1,2)', 2, [1, 1, 3, 3], [1, 1, 3, 3], { stride: [2, 3], outputPadding: [1, 2] }, [1, 1, 8, 11]],
  [
    'output_padding=(1,2), dilation=(1,3)',
    2,
    [1, 1, 3, 3],
    [1, 1, 3, 3],
    { stride: 2, dilation: [1, 3], outputPadding: [1, 2] },
    [1, 1, 8, 13],
  ],
  [
    '3d output_padding=2 < dilation=3',
    3,
    [1, 1, 2, 2, 2],
    [1, 1, 2, 2, 2],
    { stride: 2, dilation: 3, outputPadding: 2 },
    [1, 1, 8, 8, 8],
  ],
  ['padding 3 above kernel 2', 1, [1, 1, 8], [1, 1, 2], { padding: 3 }, [1, 1, 3], [2, 2, 2]],
  ['padding 4 above kernel 2', 1, [1, 1, 8], [1, 1, 2], { padding: 4 }, [1, 1, 1], [2]],
  ['padding 3 above kernel 1', 1, [1, 1, 8], [1, 1, 1], { padding: 3 }, [1, 1, 2], [1, 1]],
  ['stride=[2] for both axes', 2, [1, 1, 3, 3], [1, 1, 3, 3], { stride: [2] }, [1, 1, 7, 7]],
  ['padding=1.0', 2, [1, 1, 3, 3], [1, 1, 3, 3], { padding: Number('1.0') }, [1, 1, 3, 3], [4, 6, 4, 6, 9, 6, 4, 6, 4]],
  ['1d unbatched', 1, [2, 3], [2, 1, 3], {}, [1, 5], [2, 4, 6, 4, 2]],
  ['3d unbatched', 3, [1, 3, 3, 3], [1, 1, 3, 3, 3], {}, [1, 5, 5, 5]],
  ['1d zero batch', 1, [0, 2, 3], [2, 3, 3], {}, [0, 3, 5], []],
  ['2d zero batch', 2, [0, 2, 3, 3], [2, 3, 3, 3], { stride: 2 }, [0, 3, 7, 7], []],
  ['3d zero batch', 3, [0, 2, 3, 3, 3], [2, 3, 3, 3, 3], {}, [0, 3, 5, 5, 5], []],
  ['2d groups=2', 2, [1, 2, 3, 3], [2, 2, 3, 3], { groups: 2 }, [1, 4, 5, 5]],
];

const ones = (shape: number[]): RefTensor => refTensor(shape, new Float64Array(elementCount(shape)).fill(1));

test.each(ACCEPTED)('%s', async (_call, dims, input, weight, options, shape, values) => {
  const [x, w] = [filled(input), filled(weight)];
  const output = held(await CONV_TRANSPOSE[dims].forward(x, w, null, options));
  expect(output.shape).toEqual(shape);
  const sums = convTransposeReference(ones(input), ones(weight), null, options);
  expect([...output.toTypedArray()]).toEqual(values ?? [...sums.data]);
  const sync = held(CONV_TRANSPOSE[dims].forwardSync(x, w, null, options));
  expect(sync.toTypedArray()).toEqual(output.toTypedArray());
  expect(convTransposeOutputSize(input.slice(-dims), weight.slice(-dims), options)).toEqual(shape.slice(-dims));
});

const OUTPUT_SIZES: [
  dims: Dims,
  module: [number, number, number, object],
  input: number[],
  size: number[],
  shape: number[],
][] = [
  [2, [3, 4, 3, { stride: 3 }], [2, 3, 6, 6], [20, 18], [2, 4, 20, 18]],
  [2, [3, 4, 3, { stride: 3 }], [2, 3, 6, 6], [18, 18], [2, 4, 18, 18]],
  [2, [3, 4, 3, { stride: 3 }], [2, 3, 6, 6], [2, 4, 19, 19], [2, 4, 19, 19]],
  [2, [3, 4, 3, { stride: 3 }], [2, 3, 6, 6], [9, 9, 19, 19], [2, 4, 19, 19]],
  [2, [3, 4, 3, { stride: 3 }], [3, 6, 6], [4, 19, 19], [4, 19, 19]],
  [2, [3, 4, 3, { stride: 3 }], [3, 6, 6], [19, 19], [4, 19, 19]],
  // the module's own outputPadding is ignored, even one that forward would refuse
  [2, [3, 4, 3, { stride: 3, outputPadding: 5 }], [3, 6, 6], [19, 19], [4, 19, 19]],
  [1, [1, 1, 3, { stride: 2 }], [1, 1, 3], [8], [1, 1, 8]],
  [1, [1, 1, 3, { dilation: 3 }], [1, 1, 3], [9], [1, 1, 9]],
  [3, [2, 2, 2, {}], [1, 2, 1, 1, 1], [1, 2, 2, 2, 2], [1, 2, 2, 2, 2]],
];

test.each(OUTPUT_SIZES)(
  '%s-D module %j on %j, output_size %j',
  async (dims, [inC, outC, kernel, options], input, outputSize, shape) => {
    const module = held(new CONV_TRANSPOSE_MODULE[dims](inC, outC, kernel, options));
    const x = filled(input);
    expect(held(await module.forward(x, { outputSize })).shape).toEqual(shape);
    const { outputPadding: _ignored, ...others } = options as { outputPadding?: number };
    const output = held(await CONV_TRANSPOSE[dims].forward(x, module.weight, null, { ...others, outputSize }));
    expect(output.shape).toEqual(shape);
  },
);

test('output_padding is checked by forward, not by the constructor', () => {
  const module = held(new CONV_TRANSPOSE_MODULE[2](1, 1, 3, { stride: 1, outputPadding: 1 }));
  expect(String(module)).toBe('ConvTranspose2d(1, 1, kernel_size=(3, 3), stride=(1, 1), output_padding=(1, 1))');
});

describe('gradients', () => {
  test.each([1, 2, 3] as const)('zero batch, %s-D: no input gradient, zero parameter gradients', async (dims) => {
    const spatial = Array.from({ length: dims }, () => 3);
    const output = Array.from({ length: dims }, () => 5);
    const [x, w, g] = [
      [0, 2, ...spatial],
      [2, 3, ...spatial],
      [0, 3, ...output],
    ].map((shape) => filled(shape));
    const gradients = heldGradients(await CONV_TRANSPOSE[dims].backward(g, x, w));
    expect(gradients.gradInput.shape).toEqual([0, 2, ...spatial]);
    expect(gradients.gradWeight.shape).toEqual([2, 3, ...spatial]);
    expect(gradients.gradWeight.toTypedArray().every((value) => Object.is(value, 0))).toBe(true);
    expect([...gradients.gradBias.toTypedArray()]).toEqual([0, 0, 0]);
  });

  test('only what is asked for', async () => {
    const [x, w, g] = [filled([1, 2, 3]), filled([2, 1, 3]), filled([1, 1, 5])];
    const gradients = heldGradients(await CONV_TRANSPOSE[1].backward(g, x, w, { outputMask: [false, true, false] }));
    expect(gradients.gradInput).toBeNull();
    expect(gradients.gradWeight.shape).toEqual([2, 1, 3]);
    expect(gradients.gradBias).toBeNull();
  });

  test('unbatched', async () => {
    const [x, w, g] = [filled([2, 3]), filled([2, 1, 3]), filled([1, 7])];
    const gradients = heldGradients(await CONV_TRANSPOSE[1].backward(g, x, w, { stride: 2 }));
    expect(gradients.gradInput.shape).toEqual([2, 3]);
    expect(gradients.gradWeight.shape).toEqual([2, 1, 3]);
    expect([...gradients.gradBias.toTypedArray()]).toEqual([7]);
  });

  test('padding above the kernel: the cropped ends get nothing', async () => {
    const [x, w, g] = [filled([1, 1, 8]), filled([1, 1, 2]), filled([1, 1, 3])];
    const gradients = heldGradients(await CONV_TRANSPOSE[1].backward(g, x, w, { padding: 3 }));
    expect([...gradients.gradInput.toTypedArray()]).toEqual([0, 0, 1, 2, 2, 1, 0, 0]);
  });

  test('a hole reaches nothing but the bias', async () => {
    const [x, w] = [filled([1, 1, 2]), filled([1, 1, 1])];
    const options = { stride: 3, outputPadding: 2 };
    const output = held(await CONV_TRANSPOSE[1].forward(x, w, null, options));
    expect([...output.toTypedArray()]).toEqual([1, 0, 0, 1, 0, 0]);
    const gradOutput = held(tensor([1, 10, 100, 2, 20, 200], [1, 1, 6]));
    const gradients = heldGradients(await CONV_TRANSPOSE[1].backward(gradOutput, x, w, options));
    expect([...gradients.gradInput.toTypedArray()]).toEqual([1, 2]);
    expect([...gradients.gradWeight.toTypedArray()]).toEqual([3]);
    expect([...gradients.gradBias.toTypedArray()]).toEqual([333]);
  });
});

describe('infinities and NaN', () => {
  const CASES: [input: number[], weight: number[], options: object, output: number[]][] = [
    [[Infinity, 1], [1], { stride: 3 }, [Infinity, 0, 0, 1]],
    [[Infinity, 1], [0, 1], {}, [NaN, Infinity, 1]],
    [[NaN, 1], [1, 1], { stride: 2, outputPadding: 1 }, [NaN, NaN, 1, 1, 0]],
    [[Infinity, -Infinity], [1, 1], {}, [Infinity, NaN, -Infinity]],
    [[1, 1], [Infinity], { stride: 2 }, [Infinity, 0, Infinity]],
    [[1, 1], [Infinity, 1], {}, [Infinity, Infinity, 1]],
    [[-0], [1], {}, [0]],
  ];

  test.each(CASES)('%j * %j %j', async (input, weight, options, output) => {
    const x = held(tensor(input, [1, 1, input.length]));
    const w = held(tensor(weight, [1, 1, weight.length]));
    expectIdentical(
      held(await CONV_TRANSPOSE[1].forward(x, w, null, options)),
      refTensor([1, 1, output.length], output),
    );
  });

  test('groups keep to themselves', async () => {
    const x = held(tensor([NaN, 1], [1, 2, 1]));
    const output = held(await CONV_TRANSPOSE[1].forward(x, filled([2, 1, 1]), null, { groups: 2 }));
    expectIdentical(output, refTensor([1, 2, 1], [NaN, 1]));
  });
});

/** A plain object whose element strides are those of `dense` times `factor`. */
function strided(dense: Tensor, factor: number, offset: number) {
  const data = new Float32Array(dense.size * Math.abs(factor)).fill(NaN);
  dense.toTypedArray().forEach((value, index) => (data[offset + index * factor] = value));
  return { data, shape: [...dense.shape], strides: dense.strides.map((stride) => stride * factor), offset };
}

const expectSame = (got: Tensor, expected: Tensor): void =>
  expectIdentical(got, refTensor(expected.shape, expected.toTypedArray()));

describe('any strides, as the contiguous copy', () => {
  /** The same numbers as `dense`, laid out otherwise. */
  const LAYOUTS: [
    name: string,
    make: (dense: Tensor) => Tensor | { data: Float32Array; shape: number[]; strides: number[]; offset?: number },
  ][] = [
    [
      'transposed',
      (dense) => {
        const last = dense.shape.length - 1;
        const turned = held(dense.transpose(0, last));
        return held(held(turned.contiguous()).transpose(0, last));
      },
    ],
    [
      'narrowed',
      (dense) => {
        const axis = dense.shape.length - 1;
        const wider = [...dense.shape];
        wider[axis] += 3;
        const padded = filled(wider, NaN);
        const window = held(padded.narrow(axis, 2, dense.shape[axis]));
        window.copyFrom(dense.toTypedArray());
        return window;
      },
    ],
    ['every second element', (dense) => strided(dense, 2, 0)],
    ['flipped', (dense) => strided(dense, -1, dense.size - 1)],
  ];

  test.each(LAYOUTS)('%s', async (_name, make) => {
    for (const dims of [1, 2, 3] as const) {
      const sides = [5, 4, 3].slice(0, dims);
      const taps = [3, 2, 2].slice(0, dims);
      const dense = [[2, 3, ...sides], [3, 2, ...taps], [2]].map((shape, seed) =>
        held(
          tensor(
            randomFloat32(
              shape.reduce((x, y) => x * y),
              seed,
            ),
            shape,
          ),
        ),
      );
      const options = { stride: 2, padding: 1 };
      const operation = CONV_TRANSPOSE[dims];
      const expected = held(await operation.forward(dense[0], dense[1], dense[2], options));
      const [x, w, b] = dense.map((t) => make(t) as Tensor);
      expectSame(held(await operation.forward(x, w, b, options)), expected);

      const wanted = heldGradients(await operation.backward(expected, dense[0], dense[1], options));
      const got = heldGradients(await operation.backward(make(expected) as Tensor, x, w, options));
      expectSame(got.gradInput, wanted.gradInput);
      expectSame(got.gradWeight, wanted.gradWeight);
      expectSame(got.gradBias, wanted.gradBias);
    }
  });

  test('an expanded weight, stride 0', async () => {
    const expanded = { data: new Float32Array([2]), shape: [2, 2, 3, 3], strides: [0, 0, 0, 0] } as unknown as Tensor;
    const x = filled([1, 2, 4, 4]);
    const expected = held(await CONV_TRANSPOSE[2].forward(x, filled([2, 2, 3, 3], 2), null));
    expectSame(held(await CONV_TRANSPOSE[2].forward(x, expanded, null)), expected);
    const gradients = heldGradients(await CONV_TRANSPOSE[2].backward(expected, x, expanded));
    expect(gradients.gradWeight.shape).toEqual([2, 2, 3, 3]);
  });
});

describe('modules', () => {
  test('parameters', () => {
    const module = held(new CONV_TRANSPOSE_MODULE[2](4, 6, 3, { groups: 2 }));
    expect(module.weight.shape).toEqual([4, 3, 3, 3]);
    expect(module.bias!.shape).toEqual([6]);
    expect(Object.keys(module.stateDict()).sort()).toEqual(['bias', 'weight']);
    expect(held(new CONV_TRANSPOSE_MODULE[2](4, 6, 3, { bias: false })).bias).toBeNull();
  });

  test.each([
    [4, 6, 3, 1],
    [4, 6, 3, 2],
    [64, 2, 5, 1],
  ])(
    'initial values of (%i, %i, %i) with %i groups lie within 1 / sqrt(fan in of the output side)',
    (inC, outC, k, groups) => {
      const module = held(new CONV_TRANSPOSE_MODULE[2](inC, outC, k, { groups }));
      const bound = 1 / Math.sqrt((outC / groups) * k * k);
      const weights = module.weight.toTypedArray().map(Math.abs);
      expect(Math.max(...weights)).toBeLessThanOrEqual(Math.fround(bound));
      expect(Math.max(...weights)).toBeGreaterThan(0.9 * bound);
      expect(Math.max(...module.bias!.toTypedArray().map(Math.abs))).toBeLessThanOrEqual(Math.fround(bound));
    },
  );
});

test('every tensor is released', () => {
  expect(engine.memory.tensors).toBe(0);
});
