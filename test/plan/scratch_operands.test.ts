import { describe, expect, test } from 'vitest';
import { throughScratch } from '../../src/plan/scratch_operands.ts';
import type { ScratchOperand } from '../../src/plan/scratch_operands.ts';
import type { Pointer, Stage } from '../../src/plan/stage.ts';
import { pointer } from '../../src/plan/stage.ts';

const STAGE: Stage = {
  entry: 'compute',
  items: 1,
  block: 'any',
  fields: { aPtr: pointer('a', 8), bPtr: pointer('b'), scratchPtr: pointer('workspace', 16), length: 6 },
};

const OPERAND: ScratchOperand = { name: 'a', access: 'read', dtype: 'float16', shape: [2, 3], strides: [3, 1] };

function through(...operands: Partial<ScratchOperand>[]) {
  const complete = operands.map((operand): ScratchOperand => Object.assign({}, OPERAND, operand));
  return throughScratch([STAGE], { shared: 32, perThread: 5 }, complete);
}

const names = ({ stages }: { stages: readonly Stage[] }): string[] => stages.map(({ entry }) => entry);
const address = (stage: Stage, field: string): Pointer => stage.fields[field] as Pointer;

describe('float16', () => {
  test('is widened in front; the own workspace lies behind the copy', () => {
    const { stages, workspaceBytes } = through({});
    expect(names({ stages })).toEqual(['convertHalf', 'compute']);
    expect(stages[0].fields).toMatchObject({ halfPtr: pointer('a'), floatPtr: pointer('workspace', 0), toFloat: 1 });
    expect(stages[1].fields).toEqual({
      aPtr: pointer('workspace', 8),
      bPtr: pointer('b'),
      scratchPtr: pointer('workspace', 64 + 16),
      length: 6,
    });
    expect(workspaceBytes).toEqual({ shared: 64 + 32, perThread: 5 });
  });

  test('is rounded behind when it is written, and widened too when it is updated', () => {
    expect(names(through({ access: 'write' }))).toEqual(['compute', 'convertHalf']);
    const { stages } = through({ access: 'update' });
    expect(names({ stages })).toEqual(['convertHalf', 'compute', 'convertHalf']);
    expect(stages[2].fields).toMatchObject({ halfPtr: pointer('a'), floatPtr: address(stages[0], 'floatPtr') });
    expect(stages[2].fields.toFloat).toBe(0);
  });

  test('of other strides goes by way of a row-major copy', () => {
    const { stages } = through({ access: 'update', strides: [1, 2] });
    expect(names({ stages })).toEqual(['copyStrided', 'convertHalf', 'compute', 'convertHalf', 'copyStrided']);
    expect(address(stages[0], 'sourcePtr')).toEqual(pointer('a'));
    expect(address(stages[0], 'targetPtr')).toEqual(address(stages[1], 'halfPtr'));
    expect(address(stages[4], 'sourcePtr')).toEqual(address(stages[3], 'halfPtr'));
    expect(address(stages[4], 'targetPtr')).toEqual(pointer('a'));
  });
});

test('float32 and float64 are copied when they have other strides', () => {
  const { stages } = through({ dtype: 'float64', strides: [1, 2] }, { name: 'b', access: 'write', dtype: 'float32' });
  expect(names({ stages })).toEqual(['copyStrided', 'compute']);
  expect(address(stages[1], 'bPtr')).toEqual(pointer('b'));
  const strided = through({ name: 'b', access: 'write', dtype: 'float32', strides: [1, 2] });
  expect(names(strided)).toEqual(['compute', 'copyStrided']);
});

test('copies lie apart, aligned to 64 bytes', () => {
  const { stages, workspaceBytes } = through({ shape: [20], strides: [2] }, { name: 'b', access: 'update' });
  const offsets = stages.flatMap(({ fields }) =>
    Object.values(fields).filter((value): value is Pointer => typeof value === 'object' && 'at' in value),
  );
  const used = new Set(offsets.filter(({ at }) => at === 'workspace').map(({ offsetBytes }) => offsetBytes));
  // the float32 copy of a, 80 bytes; its float16 copy, 40 bytes; that of b, 24 bytes; a + 8; behind all of them + 16
  expect([...used].toSorted((x, y) => x - y)).toEqual([0, 8, 128, 192, 256 + 16]);
  expect(workspaceBytes.shared).toBe(256 + 32);
});
