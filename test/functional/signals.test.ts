/** Sync calls whose signal is aborted already, or is none. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import * as upconv from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { releaseAll } from '../support/leaks.ts';
import { CONV, CONV_TRANSPOSE } from '../support/operations.ts';
import { own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await upconv.init();
});
afterEach(() => releaseAll(engine));
afterAll(() => engine.dispose());

const full = (...shape: number[]): Tensor => own(upconv.full(shape, 0.5));

type Options = { signal?: AbortSignal };
/** Makes a call; `written` must stay as they are when it does not happen. */
type Subject = { call: (options: Options) => unknown; written: Tensor[] };

const CONVOLUTIONS = [
  ['convTranspose', CONV_TRANSPOSE],
  ['conv', CONV],
] as const;

const SUBJECTS: [string, () => Subject][] = [
  ...CONVOLUTIONS.flatMap(([name, operation]) =>
    ([1, 2, 3] as const).flatMap((axes): [string, () => Subject][] => {
      const one = Array.from({ length: axes }, () => 1);
      return [
        [
          `${name}${axes}dSync`,
          () => {
            const [input, weight, out] = [full(1, 1, ...one), full(1, 1, ...one), full(1, 1, ...one)];
            return { call: (o) => operation[axes].forwardSync(input, weight, null, { ...o, out }), written: [out] };
          },
        ],
        [
          `${name}${axes}dBackwardSync`,
          () => {
            const [input, weight, out] = [full(1, 1, ...one), full(1, 1, ...one), full(1, 1, ...one)];
            const call = (o: Options) =>
              operation[axes].backwardSync(input, input, weight, { ...o, outGradWeight: out, accumulate: true });
            return { call, written: [out] };
          },
        ],
      ];
    }),
  ),
  ...[upconv.mseLossSync, upconv.l1LossSync, upconv.bceWithLogitsLossSync].map((loss): [string, () => Subject] => [
    loss.name,
    () => {
      const pred = full(2);
      return { call: (o) => loss(pred, pred, o), written: [] };
    },
  ]),
  [
    'matmulSync',
    () => {
      const [a, out] = [full(2, 2), full(2, 2)];
      return { call: (o) => upconv.matmulSync(a, a, { ...o, out }), written: [out] };
    },
  ],
  [
    'foldSync',
    () => {
      const [columns, out] = [full(1, 4), full(1, 2, 2)];
      return { call: (o) => upconv.foldSync(columns, 2, 1, { ...o, out }), written: [out] };
    },
  ],
  [
    'unfoldSync',
    () => {
      const [image, out] = [full(1, 2, 2), full(1, 4)];
      return { call: (o) => upconv.unfoldSync(image, 1, { ...o, out }), written: [out] };
    },
  ],
  [
    'Module.forwardSync',
    () => {
      const [m, input, out] = [network(), full(1, 1, 2, 2), full(1, 1, 4, 4)];
      return { call: (o) => m.forwardSync(input, { ...o, out }), written: [out] };
    },
  ],
  [
    'Module.backwardSync',
    () => {
      const m = network();
      const y = own(m.forwardSync(full(1, 1, 2, 2)));
      return { call: (o) => m.backwardSync(y, o), written: [] };
    },
  ],
  [
    'Module.vjpSync',
    () => {
      const [m, input] = [network(), full(1, 1, 2, 2)];
      return { call: (o) => m.vjpSync(input, o), written: [] };
    },
  ],
  [
    'backwardSync of vjp',
    () => {
      const pass = own(network().vjpSync(full(1, 1, 2, 2)));
      own(pass.output);
      return { call: (o) => pass.backwardSync(pass.output, o), written: [] };
    },
  ],
  [
    'a module of the user in a Sequential',
    () => {
      class Mine extends upconv.Module {
        override forwardSync(): never {
          throw new Error('ran');
        }
      }
      const [m, input] = [own(new upconv.Sequential(new Mine())), full(1)];
      return { call: (o) => m.forwardSync(input, o), written: [] };
    },
  ],
  [
    'Adam.stepSync',
    () => {
      const parameter = full(2);
      parameter.grad = full(2);
      const optimizer = own(new upconv.Adam([parameter]));
      return { call: (o) => optimizer.stepSync(o), written: [parameter] };
    },
  ],
  [
    'upscaleImageSync',
    () => {
      const m = network();
      const pixels = { data: new Uint8Array(4), width: 2, height: 2 };
      return { call: (o) => upconv.upscaleImageSync(m, pixels, o), written: [] };
    },
  ],
];

function network(): upconv.Module {
  return own(new upconv.Sequential(new upconv.ConvTranspose2d(1, 1, 2, { stride: 2, activation: 'silu' })));
}

describe.each(SUBJECTS)('%s', (_, make) => {
  test('an aborted signal: its reason is thrown and nothing has happened', () => {
    const { call, written } = make();
    const before = written.map((tensor) => [tensor.storage.version, tensor.toTypedArray()]);
    const { bytesInUse, bytesPacked, tensors } = engine.memory;
    const reason = new Error('not any more');
    expect(thrownBy(() => call({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(written.map((tensor) => [tensor.storage.version, tensor.toTypedArray()])).toEqual(before);
    expect(engine.memory).toMatchObject({ bytesInUse, bytesPacked, tensors });
  });

  test('what is no signal is a TypeError', () => {
    const { call } = make();
    const { tensors } = engine.memory;
    for (const signal of [new AbortController(), 1, 'abort', {}]) {
      const error = thrownBy(() => call({ signal: signal as AbortSignal }));
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toMatch(/signal expected an AbortSignal, got/);
    }
    expect(engine.memory.tensors).toBe(tensors);
  });
});

test('a Promise call that begins with a module of the user', async () => {
  class Mine extends upconv.Module {
    override async forward(): Promise<never> {
      throw new Error('ran');
    }
  }
  const m = own(new upconv.Sequential(new Mine()));
  await expect(m.forward(full(1), { signal: AbortSignal.abort('no') })).rejects.toBe('no');
});

test('a signal that is not aborted changes nothing', () => {
  const [a, out] = [full(2, 2), full(2, 2)];
  expect(upconv.matmulSync(a, a, { out, signal: new AbortController().signal })).toBe(out);
  expect(out.toArray()).toEqual([
    [0.5, 0.5],
    [0.5, 0.5],
  ]);
});

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
