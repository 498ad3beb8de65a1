import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ArgumentError, convTranspose2dSync as ours, createEngine, ShapeError } from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import type { ConvTranspose2dOptions } from '../../src/webnn.ts';
import { convTranspose2d, convTranspose2dSync } from '../../src/webnn.ts';
import { random } from '../support/in_flight.ts';
import { disposeOwned, own } from '../support/owned.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.dispose());
afterEach(() => {
  disposeOwned();
  expect(engine.memory.tensors).toBe(0);
});

const input = (): Tensor => own(random(engine, [2, 6, 5, 4], 1));
const filter = (): Tensor => own(random(engine, [6, 4, 3, 2], 2));
const bits = (t: Tensor): number[] => [...own(t).toTypedArray()];

describe('layouts', () => {
  const INPUT = { nchw: [0, 1, 2, 3], nhwc: [0, 2, 3, 1] };
  const FILTER = { iohw: [0, 1, 2, 3], hwoi: [2, 3, 1, 0], ohwi: [1, 2, 3, 0] };

  test.each(
    (['nchw', 'nhwc'] as const).flatMap((inputLayout) =>
      (['iohw', 'hwoi', 'ohwi'] as const).map((filterLayout) => [inputLayout, filterLayout] as const),
    ),
  )('%s by %s: the same bits, the result as the input, row-major', async (inputLayout, filterLayout) => {
    const bias = own(random(engine, [8], 3));
    const expected = own(ours(input(), filter(), bias, { stride: [2, 1], groups: 2 }));
    const x = own(own(input().permute(INPUT[inputLayout])).contiguous());
    const w = own(own(filter().permute(FILTER[filterLayout])).contiguous());
    const options = { inputLayout, filterLayout, strides: [2, 1], groups: 2, bias };
    const y = own(await convTranspose2d(x, w, options));
    const turned = own(expected.permute(INPUT[inputLayout]));
    expect(y.shape).toEqual(turned.shape);
    expect(y.isContiguous).toBe(true);
    expect(bits(y)).toEqual(bits(turned));
    expect(bits(convTranspose2dSync(x, w, options))).toEqual(bits(turned));
  });

  test('no bytes beside the result, whatever the layout', () => {
    const x = own(random(engine, [1, 64, 64, 16], 1));
    const w = own(random(engine, [16, 8, 2, 2], 2));
    convTranspose2dSync(x, w, { inputLayout: 'nhwc', strides: [2, 2] }).dispose(); // packs the weight
    engine.resetPeak();
    const before = engine.memory.bytesInUse;
    const y = own(convTranspose2dSync(x, w, { inputLayout: 'nhwc', strides: [2, 2] }));
    expect(engine.memory.bytesPeak - before).toBeLessThan(y.byteLength + 1024);
  });

  test('plain objects', async () => {
    const y = own(
      await convTranspose2d(
        { data: Float32Array.of(1, 2, 3, 4), shape: [1, 2, 2, 1] },
        { data: Float32Array.of(1, 10), shape: [1, 2, 1, 1] },
        { inputLayout: 'nhwc', engine },
      ),
    );
    expect(y.toArray()).toEqual([
      [
        [
          [1, 10],
          [2, 20],
        ],
        [
          [3, 30],
          [4, 40],
        ],
      ],
    ]);
  });
});

describe('sizes', () => {
  const shapeOf = (options: ConvTranspose2dOptions): readonly number[] =>
    own(convTranspose2dSync(input(), filter(), options)).shape.slice(2);

  test.each<[ConvTranspose2dOptions, number[]]>([
    [{}, [7, 5]],
    [{ strides: [3, 2], outputPadding: [2, 1] }, [17, 9]],
    [{ strides: [3, 2], outputSizes: [16, 9] }, [16, 9]],
    [{ strides: [3, 2], outputSizes: [16, 9], outputPadding: [5, 5] }, [16, 9]],
    [{ dilations: [2, 3] }, [9, 7]],
    [{ padding: [1, 0, 2, 1] }, [6, 2]],
    [{ strides: [2, 2], autoPad: 'same-upper' }, [10, 8]],
    [{ strides: [3, 3], autoPad: 'same-lower' }, [15, 12]],
    [{ strides: [2, 2], autoPad: 'explicit', padding: [0, 1, 0, 0] }, [10, 8]],
  ])('%j', (options, expected) => {
    expect(shapeOf(options)).toEqual(expected);
  });

  test('padding begins before it ends', () => {
    const whole = own(convTranspose2dSync(input(), filter(), {}));
    const part = own(own(whole.narrow(2, 1, 6)).narrow(3, 2, 2));
    expect(bits(convTranspose2dSync(input(), filter(), { padding: [1, 0, 2, 1] }))).toEqual(bits(part));
  });
});

describe('errors', () => {
  test.each<[object, string]>([
    [{ padding: [1, 1] }, 'padding expected 4 values, got [1, 1]'],
    [{ strides: [0, 1] }, 'strides expected an integer of at least 1, got 0'],
    [{ outputPadding: [0, 1] }, 'outputPadding expected less than strides = 1, got 1 (axis 1)'],
    [{ inputLayout: 'chwn' }, "inputLayout expected 'nchw' | 'nhwc', got 'chwn'"],
    [{ filterLayout: 'oihw' }, "filterLayout expected 'iohw' | 'hwoi' | 'ohwi', got 'oihw'"],
    [{ stride: 2 }, 'options expected one of'],
    [{ groups: 4 }, 'groups expected a divisor'],
    [{ autoPad: 'valid' }, "autoPad expected 'explicit'"],
    [{ outputSizes: [70, 5] }, 'outputSizes expected from 7 to 7 (axis 0), got [70, 5]'],
    [{ outputSizes: [7, 7], strides: [1, 2] }, 'outputSizes expected from 8 to 9 (axis 1), got [7, 7]'],
    [{ outputSizes: [7, 10], autoPad: 'same-upper' }, 'outputSizes expected from 5 to 5 (axis 1), got [7, 10]'],
  ])('%j', (options, message) => {
    const call = (): unknown => convTranspose2dSync(input(), filter(), options);
    expect(call).toThrow(ArgumentError);
    expect(call).toThrow(message);
  });

  test('channels that differ, whatever the layout', () => {
    const turned = own(filter().permute(2, 3, 1, 0));
    for (const [given, options] of [
      [own(filter().narrow(0, 1, 2)), {}],
      [own(turned.narrow(3, 1, 2)), { filterLayout: 'hwoi' }],
    ] as const) {
      const call = (): unknown => convTranspose2dSync(input(), given, options);
      expect(call).toThrow(ShapeError);
      expect(call).toThrow(/filter expected \d+ input channels, as the input has, got 2/);
    }
  });

  test('a rank other than 4, with the label', async () => {
    const promise = convTranspose2d(own(input().reshape([12, 5, 4])), filter(), { label: 'up1' });
    await expect(promise).rejects.toThrow(ShapeError);
    await expect(promise).rejects.toThrow("convTranspose2d 'up1': input expected 4 axes, got [12, 5, 4]");
  });
});
