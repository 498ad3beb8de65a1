import { beforeAll, describe, expect, test } from 'vitest';
import { instantiateAssembly } from '../../bench/compile_assembly.ts';

type Numbers = Record<string, (...values: number[]) => number>;

async function open(name: string, variant: 'simd' | 'relaxed'): Promise<{ exports: Numbers; floats: Float32Array }> {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const exports = (await instantiateAssembly(name, variant, memory)) as Numbers;
  return { exports, floats: new Float32Array(memory.buffer) };
}

describe.each(['simd', 'relaxed'] as const)('tiles, %s', (variant) => {
  let opened: Awaited<ReturnType<typeof open>>;
  beforeAll(async () => {
    opened = await open('tiles', variant);
  });

  test.each([4, 5, 6])('height %i: every round adds the products of two tiles', (mr) => {
    const { exports, floats } = opened;
    const [start, depth, columns, tiles] = [64, 256, 8, 2];
    const end = start + exports['bytes']();
    floats.fill(1, start / 4, end / 4);
    // C lies between the table of its rows and A, both of six rows a tile
    const c = floats.subarray((start + tiles * 6 * 4) / 4).subarray(0, tiles * 6 * columns);
    c.fill(0);
    exports['run'](3, mr, start);
    const expected = Array.from(c, (_, index) => (index < tiles * mr * columns ? 3 * depth : 0));
    expect([...c]).toEqual(expected);
    expect(exports['flopsPerRound'](mr)).toBe(2 * tiles * mr * columns * depth);
    expect(floats.subarray(end / 4, end / 4 + 64).every((value) => value === 0)).toBe(true);
  });
});

test('stream: reads every byte and writes every byte', async () => {
  const { exports, floats } = await open('stream', 'simd');
  floats.fill(1, 256, 256 + 64);
  expect(exports['read'](1024, 256)).toBe(16);
  exports['write'](2048, 128, 5);
  expect([...floats.subarray(511, 545)]).toEqual([0, ...Array<number>(32).fill(5), 0]);
});
