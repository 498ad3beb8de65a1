/** What PyTorch 1.13 does in the tricky cases, as far as JavaScript can say it; the calls are written as in PyTorch. */

import { beforeAll, describe, expect, test } from 'vitest';
import { ArgumentError, DtypeError, EngineError, ShapeError, init } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { CONV_TRANSPOSE, CONV_TRANSPOSE_MODULE, filled, held, heldGradients } from '../support/operations.ts';

type Dims = 1 | 2 | 3;
type Failure = 'ERR_SHAPE' | 'ERR_ARGUMENT' | 'ERR_DTYPE' | 'ERR_NO_FORWARD' | 'TypeError';

const CLASSES = {
  ERR_SHAPE: ShapeError,
  ERR_ARGUMENT: ArgumentError,
  ERR_DTYPE: DtypeError,
  ERR_NO_FORWARD: EngineError,
  TypeError,
} as const;

interface Call {
  input: number[];
  weight: number[];
  bias?: number[];
  options?: object;
}

let engine: Engine;
beforeAll(async () => {
  engine = await init();
});

const ONE = { 1: { input: [1, 1, 3], weight: [1, 1, 3] }, 2: { input: [1, 1, 3, 3], weight: [1, 1, 3, 3] } };
const CUBE = { input: [1, 1, 2, 2, 2], weight: [1, 1, 2, 2, 2] };

const FAILING: [call: string, failure: Failure, dims: Dims, arguments_: Call][] = [
  // output_padding is less than max(stride, dilation) on its own axis
  ['1d stride=1, output_padding=1', 'ERR_ARGUMENT', 1, { ...ONE[1], options: { stride: 1, outputPadding: 1 } }],
  ['1d stride=2, output_padding=2', 'ERR_ARGUMENT', 1, { ...ONE[1], options: { stride: 2, outputPadding: 2 } }],
  [
    '1d stride=2, output_padding=3, dilation=3',
    'ERR_ARGUMENT',
    1,
    { ...ONE[1], options: { stride: 2, outputPadding: 3, dilation: 3 } },
  ],
  [
    '2d stride=(2,3), output_padding=(2,0)',
    'ERR_ARGUMENT',
    2,
    { ...ONE[2], options: { stride: [2, 3], outputPadding: [2, 0] } },
  ],
  [
    '2d stride=2, dilation=(3,1), output_padding=(1,2)',
    'ERR_ARGUMENT',
    2,
    { ...ONE[2], options: { stride: 2, dilation: [3, 1], outputPadding: [1, 2] } },
  ],
  ['3d stride=2, output_padding=2', 'ERR_ARGUMENT', 3, { ...CUBE, options: { stride: 2, outputPadding: 2 } }],
  ['1d output_padding=-1', 'ERR_ARGUMENT', 1, { ...ONE[1], options: { stride: 2, outputPadding: -1 } }],
  ['2d output_padding=-1', 'ERR_ARGUMENT', 2, { ...ONE[2], options: { stride: 2, outputPadding: -1 } }],
  ['3d output_padding=-1', 'ERR_ARGUMENT', 3, { ...CUBE, options: { stride: 2, outputPadding: -1 } }],

  ['1d padding=-1', 'ERR_ARGUMENT', 1, { ...ONE[1], options: { padding: -1 } }],
  ['2d padding=(0,-1)', 'ERR_ARGUMENT', 2, { ...ONE[2], options: { padding: [0, -1] } }],
  ["2d padding='same'", 'TypeError', 2, { ...ONE[2], options: { padding: 'same' } }],
  ['2d padding=1.5', 'ERR_ARGUMENT', 2, { ...ONE[2], options: { padding: 1.5 } }],

  ['1d stride=0', 'ERR_ARGUMENT', 1, { ...ONE[1], options: { stride: 0 } }],
  ['2d stride=(1,0)', 'ERR_ARGUMENT', 2, { ...ONE[2], options: { stride: [1, 0] } }],
  ['2d stride=-1', 'ERR_ARGUMENT', 2, { ...ONE[2], options: { stride: -1 } }],
  ['1d dilation=0', 'ERR_ARGUMENT', 1, { ...ONE[1], options: { dilation: 0 } }],
  ['2d dilation=0', 'ERR_ARGUMENT', 2, { ...ONE[2], options: { dilation: 0 } }],
  ['3d dilation=0', 'ERR_ARGUMENT', 3, { ...CUBE, options: { dilation: 0 } }],
  ['2d dilation=-1', 'ERR_ARGUMENT', 2, { ...ONE[2], options: { dilation: -1 } }],
  ['2d stride=[1,2,3]', 'ERR_ARGUMENT', 2, { ...ONE[2], options: { stride: [1, 2, 3] } }],
  ['1d stride=[1,2]', 'ERR_ARGUMENT', 1, { ...ONE[1], options: { stride: [1, 2] } }],
  ['2d dilation=[1,2,3]', 'ERR_ARGUMENT', 2, { ...ONE[2], options: { dilation: [1, 2, 3] } }],
  ['2d output_padding=[0,0,0]', 'ERR_ARGUMENT', 2, { ...ONE[2], options: { outputPadding: [0, 0, 0] } }],
  ['2d padding=[0,0,0]', 'ERR_ARGUMENT', 2, { ...ONE[2], options: { padding: [0, 0, 0] } }],
  ['2d stride=[]', 'ERR_ARGUMENT', 2, { ...ONE[2], options: { stride: [] } }],
  ['2d stride=2.5', 'ERR_ARGUMENT', 2, { ...ONE[2], options: { stride: 2.5 } }],
  ['2d stride=NaN', 'ERR_ARGUMENT', 2, { ...ONE[2], options: { stride: Number.NaN } }],

  ['1d input of 2 channels, weight of 3', 'ERR_SHAPE', 1, { input: [1, 2, 3], weight: [3, 1, 3] }],
  ['2d input of 2 channels, weight of 3', 'ERR_SHAPE', 2, { input: [1, 2, 3, 3], weight: [3, 1, 3, 3] }],
  ['2d unbatched input of 2 channels, weight of 3', 'ERR_SHAPE', 2, { input: [2, 3, 3], weight: [3, 1, 3, 3] }],
  ['3d input of 2 channels, weight of 3', 'ERR_SHAPE', 3, { input: [1, 2, 3, 3, 3], weight: [3, 1, 3, 3, 3] }],
  ['1d groups=3, 4 channels', 'ERR_ARGUMENT', 1, { input: [1, 4, 3], weight: [4, 2, 3], options: { groups: 3 } }],
  ['2d groups=2, 3 channels', 'ERR_ARGUMENT', 2, { input: [1, 3, 3, 3], weight: [3, 2, 3, 3], options: { groups: 2 } }],
  ['2d groups=3, 2 channels', 'ERR_ARGUMENT', 2, { input: [1, 2, 3, 3], weight: [2, 2, 3, 3], options: { groups: 3 } }],
  ['2d groups=0', 'ERR_ARGUMENT', 2, { input: [1, 2, 3, 3], weight: [2, 2, 3, 3], options: { groups: 0 } }],
  ['2d groups=-1', 'ERR_ARGUMENT', 2, { input: [1, 2, 3, 3], weight: [2, 2, 3, 3], options: { groups: -1 } }],
  [
    '2d groups=2, input of 8 channels, weight of 4',
    'ERR_SHAPE',
    2,
    { input: [1, 8, 3, 3], weight: [4, 2, 3, 3], options: { groups: 2 } },
  ],

  ['1d input of rank 1', 'ERR_SHAPE', 1, { input: [3], weight: [3, 1, 3] }],
  ['1d input of rank 4', 'ERR_SHAPE', 1, { input: [1, 1, 3, 3], weight: [1, 1, 3] }],
  ['2d input of rank 2', 'ERR_SHAPE', 2, { input: [3, 3], weight: [3, 1, 3, 3] }],
  ['2d input of rank 5', 'ERR_SHAPE', 2, { input: [1, 1, 1, 3, 3], weight: [1, 1, 3, 3] }],
  ['3d input of rank 3', 'ERR_SHAPE', 3, { input: [1, 3, 3], weight: [1, 1, 3, 3, 3] }],
  ['2d weight of rank 3', 'ERR_SHAPE', 2, { input: [1, 1, 3, 3], weight: [1, 1, 3] }],
  ['2d unbatched, weight of rank 3', 'ERR_SHAPE', 2, { input: [1, 3, 3], weight: [1, 1, 3] }],
  ['1d weight of rank 4', 'ERR_SHAPE', 1, { input: [1, 1, 3], weight: [1, 1, 3, 3] }],
  ['1d weight of rank 2', 'ERR_SHAPE', 1, { input: [1, 1, 3], weight: [1, 3] }],
  ['1d weight of rank 0', 'ERR_SHAPE', 1, { input: [1, 1, 3], weight: [] }],

  ['1d output of length 0', 'ERR_SHAPE', 1, { input: [1, 1, 2], weight: [1, 1, 1], options: { padding: 1 } }],
  ['1d output of length -1', 'ERR_SHAPE', 1, { input: [1, 1, 1], weight: [1, 1, 1], options: { padding: 1 } }],
  ['2d output of 0 x 0', 'ERR_SHAPE', 2, { input: [1, 1, 2, 2], weight: [1, 1, 1, 1], options: { padding: 1 } }],
  ['2d output of -1 x -1', 'ERR_SHAPE', 2, { input: [1, 1, 1, 1], weight: [1, 1, 1, 1], options: { padding: 1 } }],
  ['2d output of 2 x -1', 'ERR_SHAPE', 2, { input: [1, 1, 4, 1], weight: [1, 1, 1, 1], options: { padding: 1 } }],
  [
    '3d output of 0 x 0 x 0',
    'ERR_SHAPE',
    3,
    { input: [1, 1, 2, 2, 2], weight: [1, 1, 1, 1, 1], options: { padding: 1 } },
  ],
  [
    '3d output of -1 x -1 x -1',
    'ERR_SHAPE',
    3,
    { input: [1, 1, 1, 1, 1], weight: [1, 1, 1, 1, 1], options: { padding: 1 } },
  ],
  ['2d unbatched output of 0 x 0', 'ERR_SHAPE', 2, { input: [1, 2, 2], weight: [1, 1, 1, 1], options: { padding: 1 } }],

  ['1d zero batch, wrong channels', 'ERR_SHAPE', 1, { input: [0, 2, 3], weight: [4, 3, 3] }],
  [
    '1d zero batch, output of length -1',
    'ERR_SHAPE',
    1,
    { input: [0, 2, 1], weight: [2, 3, 1], options: { padding: 1 } },
  ],
  ['1d empty axis', 'ERR_SHAPE', 1, { input: [1, 2, 0], weight: [2, 3, 3] }],
  ['2d empty axis', 'ERR_SHAPE', 2, { input: [1, 2, 0, 3], weight: [2, 3, 3, 3] }],
  ['2d empty axis, tall kernel', 'ERR_SHAPE', 2, { input: [1, 2, 0, 3], weight: [2, 3, 5, 3] }],
  ['3d empty axis', 'ERR_SHAPE', 3, { input: [1, 2, 0, 3, 3], weight: [2, 3, 3, 3, 3] }],
  ['1d unbatched empty axis', 'ERR_SHAPE', 1, { input: [2, 0], weight: [2, 3, 3] }],
  ['1d no input channels', 'ERR_SHAPE', 1, { input: [1, 0, 3], weight: [0, 3, 3] }],
  ['2d no input channels', 'ERR_SHAPE', 2, { input: [1, 0, 3, 3], weight: [0, 3, 3, 3] }],
  ['2d no output channels', 'ERR_SHAPE', 2, { input: [1, 2, 3, 3], weight: [2, 0, 3, 3] }],
  ['1d empty kernel', 'ERR_SHAPE', 1, { input: [1, 2, 3], weight: [2, 3, 0] }],
  ['2d empty kernel axis', 'ERR_SHAPE', 2, { input: [1, 2, 3, 3], weight: [2, 3, 0, 3] }],

  ['1d bias of 1 for 2 channels', 'ERR_SHAPE', 1, { input: [1, 1, 3], weight: [1, 2, 3], bias: [1] }],
  ['1d bias of 3 for 2 channels', 'ERR_SHAPE', 1, { input: [1, 1, 3], weight: [1, 2, 3], bias: [3] }],
  ['2d bias of rank 2', 'ERR_SHAPE', 2, { input: [1, 1, 3, 3], weight: [1, 2, 3, 3], bias: [1, 2] }],
  ['2d bias of rank 0', 'ERR_SHAPE', 2, { input: [1, 1, 3, 3], weight: [1, 2, 3, 3], bias: [] }],
  [
    '2d bias of the channels per group',
    'ERR_SHAPE',
    2,
    { input: [1, 2, 3, 3], weight: [2, 2, 3, 3], bias: [2], options: { groups: 2 } },
  ],
  ['3d bias of 1 for 2 channels', 'ERR_SHAPE', 3, { input: [1, 1, 2, 2, 2], weight: [1, 2, 2, 2, 2], bias: [1] }],

  ['2d dilation=2**62-1', 'ERR_ARGUMENT', 2, { ...ONE[2], options: { dilation: 2 ** 62 - 1 } }],
  ['1d stride=2**31', 'ERR_ARGUMENT', 1, { ...ONE[1], options: { stride: 2 ** 31 } }],
  ['1d padding=2**40', 'ERR_ARGUMENT', 1, { ...ONE[1], options: { padding: 2 ** 40 } }],
];

describe('calls that PyTorch refuses', () => {
  test.each(FAILING)('conv_transpose%s: %s', async (_call, failure, dims, { input, weight, bias, options }) => {
    const [x, w, b] = [filled(input), filled(weight), bias ? filled(bias) : null];
    const operation = CONV_TRANSPOSE[dims];
    // a wrong call must not throw before it returns its promise
    const promise = operation.forward(x, w, b, options);
    await expectFailure(promise, failure);
    await expectFailure(async () => operation.forwardSync(x, w, b, options), failure);
    expect(() => operation.forwardSync(x, w, b, options)).toThrow(CLASSES[failure]);
  });

  test('mixed dtypes', async () => {
    const [x32, x64] = [filled([1, 1, 3, 3]), filled([1, 1, 3, 3], 1, 'float64')];
    const b64 = filled([1], 1, 'float64');
    const operation = CONV_TRANSPOSE[2];
    await expectFailure(operation.forward(x32, x64, null), 'ERR_DTYPE');
    await expectFailure(operation.forward(x64, x32, null), 'ERR_DTYPE');
    await expectFailure(operation.forward(x32, x32, b64), 'ERR_DTYPE');
    await expectFailure(operation.backward(x64, x32, x32), 'ERR_DTYPE');
    expect(() => operation.forwardSync(x32, x64, null)).toThrow(DtypeError);
  });

  test('what is no tensor', async () => {
    const x = filled([1, 1, 3]);
    const operation = CONV_TRANSPOSE[1];
    await expectFailure(operation.forward([[[1, 2]]] as never, x, null), 'TypeError');
    await expectFailure(operation.forward(x, null as never, null), 'TypeError');
    await expectFailure(operation.forward(x, x, 'bias' as never), 'TypeError');
    expect(() => operation.forwardSync(x, undefined as never, null)).toThrow(TypeError);
  });

  test('gradOutput of the wrong shape', async () => {
    const x = filled([1, 1, 3]);
    await expectFailure(CONV_TRANSPOSE[1].backward(filled([1, 1, 4]), x, x), 'ERR_SHAPE');
    const gradOutput = filled([1, 1, 4]);
    expect(() => CONV_TRANSPOSE[1].backwardSync(gradOutput, x, x)).toThrow(ShapeError);
  });
});

const REFUSED_MODULES: [call: string, dims: Dims, arguments_: [number, number, number | number[], object?]][] = [
  ['ConvTranspose2d(3,4,3,groups=2)', 2, [3, 4, 3, { groups: 2 }]],
  ['ConvTranspose2d(4,3,3,groups=2)', 2, [4, 3, 3, { groups: 2 }]],
  ['ConvTranspose2d(4,4,3,groups=0)', 2, [4, 4, 3, { groups: 0 }]],
  ['ConvTranspose2d(4,4,3,groups=-1)', 2, [4, 4, 3, { groups: -1 }]],
  ["ConvTranspose1d(1,1,3,padding_mode='reflect')", 1, [1, 1, 3, { paddingMode: 'reflect' }]],
  ["ConvTranspose2d(1,1,3,padding_mode='circular')", 2, [1, 1, 3, { paddingMode: 'circular' }]],
  ["ConvTranspose3d(1,1,3,padding_mode='replicate')", 3, [1, 1, 3, { paddingMode: 'replicate' }]],
  ["ConvTranspose2d(1,1,3,padding_mode='xyz')", 2, [1, 1, 3, { paddingMode: 'xyz' }]],
  // PyTorch constructs these and refuses every forward; here the constructor says so
  ['ConvTranspose2d(1,1,3,padding=-1)', 2, [1, 1, 3, { padding: -1 }]],
  ['ConvTranspose1d(1,1,3,stride=0)', 1, [1, 1, 3, { stride: 0 }]],
  ['ConvTranspose2d(2,3,0)', 2, [2, 3, 0]],
  ['ConvTranspose2d(4,6,(3,3,3))', 2, [4, 6, [3, 3, 3]]],
];

const REFUSED_FORWARDS: [
  call: string,
  failure: Failure,
  dims: Dims,
  module: [number, number, number, object?],
  input: number[],
  outputSize?: number | number[],
][] = [
  ['stride=1, output_padding=1', 'ERR_ARGUMENT', 2, [1, 1, 3, { outputPadding: 1 }], [1, 1, 3, 3]],
  ['input of 3 channels for 4', 'ERR_SHAPE', 2, [4, 6, 3], [1, 3, 5, 5]],
  ['output_size above max', 'ERR_ARGUMENT', 2, [3, 4, 3, { stride: 3, dilation: 1 }], [2, 3, 6, 6], [21, 18]],
  ['output_size=(18,17), min 18', 'ERR_ARGUMENT', 2, [3, 4, 3, { stride: 3 }], [2, 3, 6, 6], [18, 17]],
  ['output_size=(19,)', 'ERR_ARGUMENT', 2, [3, 4, 3, { stride: 3 }], [2, 3, 6, 6], [19]],
  ['output_size=(4,19,19), batched', 'ERR_ARGUMENT', 2, [3, 4, 3, { stride: 3 }], [2, 3, 6, 6], [4, 19, 19]],
  ['output_size=(1,4,19,19), unbatched', 'ERR_ARGUMENT', 2, [3, 4, 3, { stride: 3 }], [3, 6, 6], [1, 4, 19, 19]],
  ['output_size=[9], max 8', 'ERR_ARGUMENT', 1, [1, 1, 3, { stride: 2 }], [1, 1, 3], [9]],
  ['output_size=[6], min 7', 'ERR_ARGUMENT', 1, [1, 1, 3, { stride: 2 }], [1, 1, 3], [6]],
  ['output_size=[10], widened by dilation', 'ERR_ARGUMENT', 1, [1, 1, 3, { dilation: 3 }], [1, 1, 3], [10]],
  ['output_size=8', 'TypeError', 1, [1, 1, 3, { stride: 2 }], [1, 1, 3], 8],
];

describe('modules that PyTorch refuses', () => {
  test.each(REFUSED_MODULES)('%s', (_call, dims, constructorArguments) => {
    const Module = CONV_TRANSPOSE_MODULE[dims];
    expect(() => new Module(...(constructorArguments as [number, number, number]))).toThrow(ArgumentError);
  });

  test("ConvTranspose2d(1,1,3,padding='same')", () => {
    expect(() => new CONV_TRANSPOSE_MODULE[2](1, 1, 3, { padding: 'same' as never })).toThrow(TypeError);
  });

  test.each(REFUSED_FORWARDS)(
    '%s: %s',
    async (_call, failure, dims, [inC, outC, kernel, options], input, outputSize) => {
      const module = held(new CONV_TRANSPOSE_MODULE[dims](inC, outC, kernel, options));
      const forwardOptions = outputSize === undefined ? {} : { outputSize: outputSize as number[] };
      const x = filled(input);
      await expectFailure(module.forward(x, forwardOptions), failure);
      expect(() => module.forwardSync(x, forwardOptions)).toThrow(CLASSES[failure]);
      if (outputSize === undefined) return;
      // the functional form takes outputSize too, with the same rules
      const promise = CONV_TRANSPOSE[dims].forward(x, module.weight, null, { ...options, ...forwardOptions });
      await expectFailure(promise, failure);
    },
  );

  test('backward a second time', async () => {
    const module = held(new CONV_TRANSPOSE_MODULE[1](1, 1, 3));
    const output = held(await module.forward(filled([1, 1, 3])));
    held(await module.backward(output));
    await expectFailure(module.backward(output), 'ERR_NO_FORWARD');
    expect(() => module.backwardSync(output)).toThrow(EngineError);
  });
});

/** The class, and the code where the class has one. */
async function expectFailure(call: Promise<unknown> | (() => Promise<unknown>), failure: Failure): Promise<void> {
  const error: unknown = await (typeof call === 'function' ? call() : call).then(
    (result) => (heldResult(result), undefined),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CLASSES[failure]);
  expect((error as { code?: string }).code).toBe(failure === 'TypeError' ? undefined : failure);
}

/** A call that should have failed but did not: its tensors would hide behind the failed expectation. */
function heldResult(result: unknown): void {
  if (result && typeof result === 'object' && 'dispose' in result) held(result as { dispose(): void });
  else if (result) heldGradients(result as never);
}

test('every tensor is released', () => {
  expect(engine.memory.tensors).toBe(0);
});
